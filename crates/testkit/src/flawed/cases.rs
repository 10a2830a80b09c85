//! One flaw for every clause about learners.

use std::time::Duration;

use kolosal_base::Cancel;
use kolosal_frame::{Column, FrameView, MISSING};
use kolosal_learner::{
    Domain, FitContext, FitError, Learn, Learner, LearnerCard, ParamDef, ParamError, ParamSet, Point, Target,
    TaskKind, TrainView, Value,
};

use super::stumps::{StumpParams, Stumps};
use super::{Flawed, Made, made};
use crate::clause::Clause;
use crate::learner::{CARD_CLAUSES, FIT_CLAUSES, LearnerCase, check_learner};

/// What the clause finds, up to the first finding with these words.
fn judge(clause: &Clause<LearnerCase>, words: &str, cases: &[LearnerCase]) -> Vec<String> {
    let mut found = Vec::new();
    for case in cases {
        let breach = clause.judge(*case, Duration::from_secs(5));
        found.extend(breach.map(|breach| breach.what));
        if found.iter().any(|what| what.contains(words)) {
            break;
        }
    }
    found
}

/// The clause notices the flaw in some task, and says so in these words.
#[track_caller]
fn check(clause: &str, words: &str, flawed: Flawed) {
    let learner = flawed.listed();
    let whole = [LearnerCase { learner, task: None }];
    let of_card = CARD_CLAUSES
        .iter()
        .find(|c| c.name == clause)
        .map(|c| judge(c, words, &whole));
    let found = of_card.unwrap_or_else(|| {
        let clause = FIT_CLAUSES
            .iter()
            .find(|c| c.name == clause)
            .expect("a clause of this name");
        judge(clause, words, &LearnerCase::of(learner))
    });
    assert!(
        found.iter().any(|what| what.contains(words)),
        "expected '{words}', found {found:#?}"
    );
}

#[track_caller]
fn check_card(clause: &str, words: &str, card: LearnerCard) {
    check(
        clause,
        words,
        Flawed {
            card,
            ..Flawed::honest()
        },
    );
}

/// The first parameter replaced.
#[track_caller]
fn check_param(clause: &str, words: &str, change: fn(&mut ParamDef)) {
    let mut defs = StumpParams::DEFS.to_vec();
    change(&mut defs[0]);
    let params = Box::leak(defs.into_boxed_slice());
    check(
        clause,
        words,
        Flawed {
            params,
            ..Flawed::honest()
        },
    );
}

#[track_caller]
fn check_fit(clause: &str, words: &str, fit: super::FitFn) {
    check(
        clause,
        words,
        Flawed {
            fit,
            ..Flawed::honest()
        },
    );
}

#[track_caller]
fn check_spoil(clause: &str, words: &str, spoil: fn(FrameView<'_>, &mut [f64], super::Tail)) {
    check(
        clause,
        words,
        Flawed {
            spoil,
            ..Flawed::honest()
        },
    );
}

/// Fits that refuse some tables that they should take.
fn refuse<const WHAT: usize>(
    p: &Point,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<Made, FitError> {
    let x = train.features();
    let is_it = match WHAT {
        0 => (0..x.column_count()).any(|at| is_constant(x, at)),
        1 => same_twice(x),
        2 => (0..x.column_count())
            .any(|at| (0..x.row_count()).all(|row| x.column(at).is_missing(x.rows().get(row)))),
        3 => (0..x.column_count()).any(|at| unused_levels(x, at)),
        4 => lacks_a_class(train),
        _ => x.column_count() > x.row_count(),
    };
    let refusal = FitError::Unsupported {
        learner: "stumps",
        what: "take this table".to_owned(),
        remedy: "take another",
    };
    if is_it {
        Err(refusal)
    } else {
        made(p, train, cx, 0)
    }
}

fn is_constant(x: FrameView<'_>, at: usize) -> bool {
    matches!(x.column(at), Column::Numbers(_)) && x.numbers(at).windows(2).all(|pair| pair[0] == pair[1])
}

fn same_twice(x: FrameView<'_>) -> bool {
    let text = |at| format!("{:?}", x.gather(at));
    (0..x.column_count()).any(|a| (0..a).any(|b| text(a) == text(b)))
}

fn unused_levels(x: FrameView<'_>, at: usize) -> bool {
    let Column::Categories(c) = x.column(at) else {
        return false;
    };
    (0..c.levels().len() as u32).any(|level| !x.codes(at).contains(&level))
}

fn lacks_a_class(train: &TrainView<'_>) -> bool {
    matches!(train.target(), Target::Classes { codes, count } if (0..count).any(|class| !codes.contains(&class)))
}

#[test]
fn the_honest_learner_breaks_nothing() {
    crate::clause::expect_none(&check_learner(Flawed::honest().listed()));
    crate::clause::expect_none(&check_learner(&Stumps));
}

#[test]
fn flaws_of_cards_are_noticed() {
    let clause = "the card is complete";
    check_card(
        clause,
        "'Bad Name' is not lower case",
        LearnerCard {
            name: "Bad Name",
            ..Stumps::CARD
        },
    );
    check_card(
        clause,
        "'-x' is not lower case",
        LearnerCard {
            aliases: &["-x"],
            ..Stumps::CARD
        },
    );
    check_card(
        clause,
        "there is no title",
        LearnerCard {
            title: " ",
            ..Stumps::CARD
        },
    );
    check_card(
        clause,
        "does not end in a full stop",
        LearnerCard {
            doc: "Stumps",
            ..Stumps::CARD
        },
    );
    let twice = &[TaskKind::Binary, TaskKind::Binary, TaskKind::Regression];
    check_card(
        clause,
        "a task is listed twice",
        LearnerCard {
            tasks: twice,
            ..Stumps::CARD
        },
    );
    check_card(
        "a task that is not on the card is refused",
        "the task regression is not refused",
        LearnerCard {
            tasks: &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Binary],
            ..Stumps::CARD
        },
    );
}

#[test]
fn flaws_of_parameter_tables_are_noticed() {
    check_param(
        "every parameter is documented",
        "is no sentence: \"How many\"",
        |def| def.doc = "How many",
    );
    let ranges = "defaults and searches are legal";
    check_param(ranges, "the default of n_estimators is 0", |def| {
        def.default = || Value::Int(0);
    });
    check_param(ranges, "the search of n_estimators is", |def| {
        def.search = Some(Domain::int(0, 10));
    });
    check_param(ranges, "is empty", |def| def.search = Some(Domain::int(9, 3)));
    let names = "names and aliases are distinct and reach their parameter";
    check_param(names, "'smooth' is taken twice", |def| def.aliases = &["smooth"]);
    check_param(names, "'stumps' with the default gives Err", |def| {
        def.aliases = &["stumps"];
    });
    check_param(names, "'Rounds' is not lower case", |def| def.name = "Rounds");
    check_param(names, "'n-rounds' has signs", |def| def.aliases = &["n-rounds"]);
    let conditions = "conditions name a parameter and its words";
    check_param(conditions, "depends on smoth", |def| {
        def.only_if = Some(("smoth", &["true"]));
    });
    check_param(conditions, "[\"yes\"]", |def| {
        def.only_if = Some(("smooth", &["yes"]));
    });
}

#[test]
fn flaws_of_parameter_checks_are_noticed() {
    let check_check = |clause, words, answer: super::CheckFn| {
        check(
            clause,
            words,
            Flawed {
                check: answer,
                ..Flawed::honest()
            },
        );
    };
    check_check(
        "an unknown parameter is answered with the closest name",
        "'n_estimatorsq' is answered",
        |point| {
            Stumps.check(point).map_err(|_| ParamError::Unknown {
                name: "it".to_owned(),
                closest: Vec::new(),
                names: Vec::new(),
            })
        },
    );
    check_check(
        "the bounds of legal ranges are accepted",
        "n_estimators = 1000 is answered",
        |point| {
            let is_high = point.get("n_estimators") == Some(&Value::Int(1000));
            Stumps.check(if is_high {
                return Stumps.check(&Point::from([("n_estimators".to_owned(), Value::Int(-1))]));
            } else {
                point
            })
        },
    );
    check_check(
        "the bounds of legal ranges are accepted",
        "strength = NaN is answered",
        |point| {
            let is_odd = |value: &Value| matches!(value, Value::Float(v) if v.is_nan());
            if point.values().any(is_odd) {
                Ok(Point::new())
            } else {
                Stumps.check(point)
            }
        },
    );
    check_fit(
        "the ends of searches can be fitted",
        "n_estimators = 50: the fit was refused",
        |point, train, cx| {
            let is_high = point.get("n_estimators") == Some(&Value::Int(50));
            if is_high {
                Err(FitError::OutOfTime)
            } else {
                made(point, train, cx, 0)
            }
        },
    );
}

#[test]
fn flaws_of_answers_are_noticed() {
    check_spoil("answers are sound", "row 1 is answered", |_, out, _| {
        out.iter_mut().for_each(|v| *v *= 1.1);
    });
    check_spoil("answers are sound", "row 1 is answered [NaN", |_, out, _| {
        out.fill(f64::NAN);
    });
    check_spoil(
        "a row's answer depends on that row alone",
        "one by one: number 0",
        |x, out, _| {
            out[0] += x.row_count() as f64;
        },
    );
    check_spoil(
        "a row's answer depends on that row alone",
        "backwards",
        |x, out, _| {
            if x.row_count() > 1 && x.rows().get(0) > 0 {
                out[0] += 1.0;
            }
        },
    );
}

#[test]
fn answers_to_rows_at_the_edge_are_noticed() {
    check_spoil("no rows and one row can be answered", "panicked", |x, _, _| {
        assert!(x.row_count() > 0);
    });
    check_spoil(
        "unseen and missing categories are answered",
        "a missing category: row 1",
        |x, out, _| {
            let is_blank = |at| {
                matches!(x.column(at), Column::Categories(_)) && x.codes(at).iter().all(|&c| c == MISSING)
            };
            if (0..x.column_count()).any(is_blank) {
                out[0] = f64::INFINITY;
            }
        },
    );
    check_spoil(
        "huge and tiny values are answered",
        "all numbers 1e300: row 1",
        |x, out, _| {
            if x.numbers(0).contains(&1e300) {
                out[0] = f64::NAN;
            }
        },
    );
}

#[test]
fn flaws_of_importances_and_out_of_bag_answers_are_noticed() {
    let spoiled = |importances| Flawed {
        importances,
        ..Flawed::honest()
    };
    check(
        "importances are shares",
        "sum to 2",
        spoiled(|shares| Some(shares.iter().map(|s| s * 2.0).collect())),
    );
    check(
        "importances are shares",
        "they are []",
        spoiled(|_| Some(Vec::new())),
    );
    check(
        "contributions add up to the answer",
        "answers by contributions",
        Flawed {
            contributes: Some(0.25),
            ..Flawed::honest()
        },
    );
    let claims = LearnerCard {
        has_out_of_bag: true,
        ..Stumps::CARD
    };
    let out_of_bag = "out-of-bag answers are as claimed";
    check_card(out_of_bag, "the card claims them", claims);
    check(
        out_of_bag,
        "the card does not say so",
        Flawed {
            out_of_bag: Some(0.5),
            ..Flawed::honest()
        },
    );
    let claims = LearnerCard {
        has_out_of_bag: true,
        ..Stumps::CARD
    };
    check(
        out_of_bag,
        "row 1 is answered [7.0, 7.0]",
        Flawed {
            card: claims,
            out_of_bag: Some(7.0),
            ..Flawed::honest()
        },
    );
    check_fit(
        "held-out rows for early stopping are taken",
        "panicked",
        |point, train, cx| {
            assert!(cx.valid.is_none());
            made(point, train, cx, 0)
        },
    );
}

#[test]
fn models_that_depend_on_what_they_should_not_are_noticed() {
    check_fit(
        "the thread count does not change the bytes",
        "60 rows at 2 threads: the saved bytes differ",
        |p, train, cx| made(p, train, cx, cx.workers.threads() as u32),
    );
    check_fit(
        "the thread count does not change the bytes",
        "4500 rows at 8 threads",
        |p, train, cx| {
            let blocks = (train.row_count() / 4096) as u32;
            made(p, train, cx, blocks * cx.workers.threads() as u32 / 4)
        },
    );
    check_fit("another seed is taken", "seed 0: panicked", |p, train, cx| {
        caught_seed(cx)?;
        made(p, train, cx, 0)
    });
    check_fit(
        "only the rows of the view are read",
        "rows outside the view changed",
        |p, train, cx| {
            let whole = train.features().frame().view().numbers(0);
            made(
                p,
                train,
                cx,
                whole.iter().sum::<f64>().to_bits() as u32 ^ (whole[0].to_bits() >> 32) as u32,
            )
        },
    );
    check_fit(
        "only the rows of the view are read",
        "a table of just these rows",
        |p, train, cx| made(p, train, cx, train.features().frame().row_count() as u32),
    );
}

fn caught_seed(cx: &FitContext<'_>) -> Result<(), FitError> {
    assert_ne!(cx.seed.value(), 0, "seed 0: panicked");
    Ok(())
}

#[test]
fn false_promises_about_rows_and_weights_are_noticed() {
    let by_tail = |fit| Flawed {
        fit,
        spoil: |_, out, tail| out[0] += f64::from(tail.value),
        ..Flawed::honest()
    };
    let first = by_tail(|p, train, cx| {
        made(
            p,
            train,
            cx,
            (train.features().numbers(0)[0] * 50.0 + 50.0) as u32,
        )
    });
    check("rows may come in any order", "rows shuffled", first);
    let count = by_tail(|p, train, cx| made(p, train, cx, train.row_count() as u32));
    check("a weight is a repetition", "rows repeated", count);
    let count = by_tail(|p, train, cx| made(p, train, cx, train.row_count() as u32));
    check("rows of weight zero are absent", "rows left out", count);
    let blind: super::FitFn = |p, train, cx| {
        let unweighted = TrainView::new(train.features(), train.target(), None, train.task())?;
        made(p, &unweighted, cx, 0)
    };
    check_fit("a weight is a repetition", "rows repeated", blind);
    check_fit("rows of weight zero are absent", "rows left out", blind);
    check_fit("weights are taken", "panicked", |p, train, cx| {
        assert!(train.weights().is_none());
        made(p, train, cx, 0)
    });
}

#[test]
fn tables_that_are_refused_without_need_are_noticed() {
    let refused = "the fit was refused: stumps cannot take this table";
    check_fit("a constant column", refused, refuse::<0>);
    check_fit("a duplicated column", refused, refuse::<1>);
    check_fit("a column without values", refused, refuse::<2>);
    check_fit("categories without levels in the rows", refused, refuse::<3>);
    check_fit("a class that the rows do not have", refused, refuse::<4>);
    check_fit("more columns than rows", refused, refuse::<5>);
}

#[test]
fn tables_that_are_answered_wrongly_are_noticed() {
    check_fit("one row", "panicked", |p, train, cx| {
        assert!(train.row_count() > 1);
        made(p, train, cx, 0)
    });
    check_fit(
        "one class in the rows",
        "the refusal does not name the data",
        |p, train, cx| {
            if lacks_a_class(train) {
                Err(FitError::OutOfTime)
            } else {
                made(p, train, cx, 0)
            }
        },
    );
    check(
        "one answer in all rows",
        "all answers are 3.5",
        Flawed {
            spoil: |_, out, _| out[0] += 0.01,
            ..Flawed::honest()
        },
    );
    let by_tail = |fit| Flawed {
        fit,
        spoil: |_, out, tail| out[0] /= f64::from(1 - tail.value.min(1)),
        ..Flawed::honest()
    };
    let values = by_tail(|p, train, cx| {
        let is_huge = train.features().numbers(0).iter().any(|v| v.abs() > 1e200);
        made(p, train, cx, u32::from(is_huge))
    });
    check("huge and tiny values in training", "row 1 is answered", values);
    let targets = by_tail(|p, train, cx| {
        let is_huge =
            matches!(train.target(), Target::Numbers(values) if values.iter().any(|v| v.abs() > 1e200));
        made(p, train, cx, u32::from(is_huge))
    });
    check("huge and tiny targets", "row 1 is answered", targets);
}

#[test]
fn flaws_of_saved_bytes_are_noticed() {
    let same = "a saved model reads back the same";
    check_spoil(same, "predicted after loading", |_, out, tail| {
        out[0] += f64::from(u8::from(tail.is_loaded)) * 1e-12;
    });
    check(
        same,
        "not all bytes are read",
        Flawed {
            read_tail: |_| Ok(0),
            ..Flawed::honest()
        },
    );
    check(
        same,
        "saving again gives other bytes",
        Flawed {
            read_tail: |from| Ok(from.u32()? + 1),
            ..Flawed::honest()
        },
    );
    check(
        "truncated bytes are refused",
        "bytes are accepted",
        Flawed {
            read_tail: |from| Ok(from.u32().unwrap_or(0)),
            ..Flawed::honest()
        },
    );
    check_spoil(
        "damaged bytes do no harm",
        "panicked: index out of bounds",
        |x, _, tail| {
            let rows = vec![0.0; x.row_count()];
            assert_eq!(rows[tail.value as usize], 0.0);
        },
    );
    check_spoil(
        "damaged bytes do no harm",
        "did not end within 5s",
        |_, _, tail| {
            if tail.value == 0x80 {
                loop {
                    std::thread::park();
                }
            }
        },
    );
}

/// A fit that hears nobody: its own flag, no deadline.
fn deaf(p: &Point, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Made, FitError> {
    let (cancel, deadline) = (&Cancel::new(), None);
    made(
        p,
        train,
        &FitContext {
            cancel,
            deadline,
            ..*cx
        },
        0,
    )
}

#[test]
fn fits_that_do_not_stop_are_noticed() {
    let (cancel, deadline) = (
        "a request to stop is heard at the next step",
        "a deadline is kept",
    );
    check_fit(cancel, "a fit starts although it was cancelled", deaf);
    check_fit(deadline, "a fit starts after its deadline", deaf);
    let once: super::FitFn = |p, train, cx| {
        cx.checkpoint()?;
        deaf(p, train, cx)
    };
    check_fit(cancel, "n_estimators = 8, but only 1 checkpoints", once);
    check_fit(deadline, "n_estimators = 8, but only 1 checkpoints", once);
    // Looks often enough, and stops only when all is done.
    let late: super::FitFn = |p, train, cx| {
        cx.checkpoint()?;
        let looked: Vec<_> = (0..9).map(|_| cx.checkpoint()).collect();
        let made = deaf(p, train, cx)?;
        looked.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(made)
    };
    check_fit(cancel, "the fit goes on for 8 steps", late);
    check_fit(deadline, "the fit goes on for 8 steps", late);
    let shrugging: super::FitFn = |p, train, cx| {
        cx.checkpoint()?;
        (0..9).for_each(|_| drop(cx.checkpoint()));
        deaf(p, train, cx)
    };
    check_fit(cancel, "the fit does not end so", shrugging);
    check_fit(deadline, "the fit does not end so", shrugging);
}

#[test]
fn fits_that_misuse_memory_are_noticed() {
    check_fit("the memory limit is kept", "panicked", |p, train, cx| {
        drop(cx.memory.reserve(1 << 20).expect("memory is for the taking"));
        made(p, train, cx, 0)
    });
    check_fit(
        "the memory limit is kept",
        "yet one byte is enough",
        |p, train, cx| {
            drop(cx.reserve(1 << 20));
            let free = kolosal_compute::Ledger::unlimited();
            made(p, train, &FitContext { memory: &free, ..*cx }, 0)
        },
    );
    check_fit(
        "answers are sound",
        "5 bytes stay reserved after the fit",
        |p, train, cx| {
            std::mem::forget(cx.reserve(5)?);
            made(p, train, cx, 0)
        },
    );
}

#[test]
fn a_learner_that_learns_nothing_is_noticed() {
    check_spoil(
        "a real table is learned better than by a constant",
        "is asked",
        |_, out, _| {
            let width = out.len() / 4;
            let mean = out[..width].iter().sum::<f64>() / width as f64;
            out.fill(mean);
        },
    );
}
