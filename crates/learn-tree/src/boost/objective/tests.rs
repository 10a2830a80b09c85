//! What holds for every objective, and what LightGBM and XGBoost make of the same rows.

use kolosal_base::{Rng, Seed};
use kolosal_learner::{DataError, Target};

use super::*;

/// Answers of rows that own their values.
struct Rows {
    numbers: Vec<f64>,
    codes: Vec<u32>,
    count: u32,
    weights: Vec<f64>,
    starts: Vec<u32>,
}

impl Rows {
    fn labels(&self) -> Labels<'_> {
        let target = if self.count > 0 {
            Target::Classes {
                codes: &self.codes,
                count: self.count,
            }
        } else {
            Target::Numbers(&self.numbers)
        };
        let labels = Labels::new(target, Some(&self.weights)).expect("finite rows");
        labels.with_groups(&self.starts).expect("ascending starts")
    }
}

/// What an objective learns from.
#[derive(Clone, Copy)]
enum Kind {
    Number,
    Amount,
    Share,
    Classes(u32),
    Label,
}

/// Every objective whose derivatives are those of its loss, and whether the hessian is the exact second derivative.
fn smooth() -> Vec<(Box<dyn Objective>, Kind, bool)> {
    let exact = Curvature::Exact;
    vec![
        (Box::new(Squared), Kind::Number, true),
        (Box::new(Absolute), Kind::Number, false),
        (Box::new(Huber { alpha: 0.7 }), Kind::Number, false),
        (
            Box::new(PseudoHuber {
                slope: 0.8,
                curvature: exact,
            }),
            Kind::Number,
            true,
        ),
        (Box::new(PseudoHuber::default()), Kind::Number, false),
        (
            Box::new(Fair {
                c: 1.4,
                curvature: exact,
            }),
            Kind::Number,
            true,
        ),
        (Box::new(Fair::default()), Kind::Number, false),
        (Box::new(LogCosh { curvature: exact }), Kind::Number, true),
        (Box::new(LogCosh::default()), Kind::Number, false),
        (Box::new(Quantile::new(&[0.1, 0.5, 0.85])), Kind::Number, false),
        (Box::new(Percentage), Kind::Number, false),
        (Box::new(Poisson { step_max: 0.0 }), Kind::Amount, true),
        (Box::new(Poisson::default()), Kind::Amount, false),
        (Box::new(Gamma), Kind::Amount, true),
        (Box::new(Tweedie { power: 1.0 }), Kind::Amount, true),
        (Box::new(Tweedie { power: 1.4 }), Kind::Amount, true),
        (Box::new(Tweedie { power: 2.0 }), Kind::Amount, true),
        (Box::new(CrossEntropy), Kind::Share, true),
        (Box::new(BinaryLogLoss::default()), Kind::Classes(2), true),
        (
            Box::new(BinaryLogLoss::with_positive_weight(3.0)),
            Kind::Classes(2),
            true,
        ),
        (Box::new(OneVersusAll { classes: 3 }), Kind::Classes(3), true),
        (Box::new(Softmax::whole(4)), Kind::Classes(4), true),
        (Box::new(Softmax::new(5)), Kind::Classes(5), false),
        (Box::new(PairwiseRank { truncation: 4 }), Kind::Label, true),
    ]
}

fn draw(kind: Kind, rng: &mut Rng) -> Rows {
    let len = 1 + rng.below(300);
    let starts: Vec<u32> = (0..len as u32)
        .filter(|&row| row == 0 || rng.below(7) == 0)
        .collect();
    let group = |row: u32| starts.partition_point(|&start| start <= row) as u64;
    let number = |rng: &mut Rng| match kind {
        Kind::Number => 2.0 * rng.normal(),
        Kind::Amount => rng.normal().exp(),
        Kind::Share => rng.uniform(),
        Kind::Classes(_) => 0.0,
        Kind::Label => rng.below(5) as f64,
    };
    let numbers = (0..len).map(|_| number(rng)).collect();
    let count = if let Kind::Classes(count) = kind { count } else { 0 };
    let codes = (0..len)
        .map(|_| rng.below(count.max(1) as usize) as u32)
        .collect();
    // One weight a group: losses over pairs have no other.
    let weights = (0..len as u32)
        .map(|row| 0.25 + Seed::new(group(row)).rng().uniform())
        .collect();
    Rows {
        numbers,
        codes,
        count,
        weights,
        starts,
    }
}

fn slices(values: &[Vec<f64>]) -> Vec<&[f64]> {
    values.iter().map(Vec::as_slice).collect()
}

fn derivatives(objective: &dyn Objective, labels: &Labels<'_>, scores: &[Vec<f64>]) -> [Vec<Vec<f32>>; 2] {
    let mut grad = vec![vec![f32::NAN; labels.len()]; scores.len()];
    let mut hess = grad.clone();
    objective.derive(
        labels,
        &slices(scores),
        &mut grad.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>(),
        &mut hess.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>(),
    );
    [grad, hess]
}

fn draw_scores(objective: &dyn Objective, len: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
    let outputs = objective.outputs();
    (0..outputs)
        .map(|_| (0..len).map(|_| 1.5 * rng.normal()).collect())
        .collect()
}

#[test]
fn derivatives_are_those_of_the_loss() {
    let mut rng = Seed::new(1).rng();
    for (objective, kind, is_exact) in smooth() {
        for _ in 0..8 {
            let rows = draw(kind, &mut rng);
            let labels = rows.labels();
            let scores = draw_scores(objective.as_ref(), labels.len(), &mut rng);
            let [grad, hess] = derivatives(objective.as_ref(), &labels, &scores);
            let at = |output: usize, row: usize, step: f64| {
                let mut moved = scores.clone();
                moved[output][row] += step;
                objective.loss(&labels, &slices(&moved)).sum
            };
            for _ in 0..6 {
                let (output, row) = (rng.below(scores.len()), rng.below(labels.len()));
                let step = 1e-6;
                let slope = (at(output, row, step) - at(output, row, -step)) / (2.0 * step);
                let name = objective.name();
                let found = f64::from(grad[output][row]);
                assert!(
                    (slope - found).abs() < 2e-5 * (1.0 + slope.abs()),
                    "{name}: {found} is not {slope}"
                );
                let step = 1e-3;
                let bend = (at(output, row, step) + at(output, row, -step) - 2.0 * at(output, row, 0.0))
                    / (step * step);
                let found = f64::from(hess[output][row]);
                assert!(found >= 0.0, "{name}");
                if is_exact {
                    assert!(
                        (bend - found).abs() < 2e-4 * (1.0 + bend.abs()),
                        "{name}: {found} is not {bend}"
                    );
                }
            }
        }
    }
}

#[test]
fn mixed_derivatives_are_those_of_the_gradients() {
    let mut rng = Seed::new(11).rng();
    let objective = Softmax::whole(4);
    let rows = draw(Kind::Classes(4), &mut rng);
    let labels = rows.labels();
    let scores = draw_scores(&objective, labels.len(), &mut rng);
    let leaf_of: Vec<u16> = (0..labels.len()).map(|row| (row % 3) as u16).collect();
    let mut found = vec![0.0; 3 * 6];
    objective.add_cross(&labels, &slices(&scores), &leaf_of, &mut found);
    let step = 1e-2;
    let moved = |by: f64, output: usize| {
        let mut scores = scores.clone();
        scores[output].iter_mut().for_each(|score| *score += by);
        derivatives(&objective, &labels, &scores)[0].clone()
    };
    for b in 1..4 {
        let (up, down) = (moved(step, b), moved(-step, b));
        for a in 0..b {
            let mut expected = [0.0; 3];
            for (row, leaf) in leaf_of.iter().enumerate() {
                expected[usize::from(*leaf)] += f64::from(up[a][row] - down[a][row]) / (2.0 * step);
            }
            for (leaf, expected) in expected.into_iter().enumerate() {
                let found = found[leaf * 6 + b * (b - 1) / 2 + a];
                assert!(
                    (found - expected).abs() < 1e-3 * (1.0 + expected.abs()),
                    "{found} {expected}"
                );
            }
        }
    }
}

#[test]
fn a_constant_start_is_the_best_constant() {
    let mut rng = Seed::new(2).rng();
    for (objective, kind, _) in smooth() {
        for _ in 0..10 {
            let rows = draw(kind, &mut rng);
            let labels = rows.labels();
            let base = objective.base(&labels);
            assert_eq!(base.len(), objective.outputs());
            let loss_at = |base: &[f64]| {
                let scores: Vec<Vec<f64>> = base.iter().map(|&score| vec![score; labels.len()]).collect();
                objective.loss(&labels, &slices(&scores)).mean()
            };
            let best = loss_at(&base);
            for output in 0..base.len() {
                for step in [-0.5, -1e-3, 1e-3, 0.5] {
                    let mut moved = base.clone();
                    moved[output] += step;
                    assert!(
                        best <= loss_at(&moved) + 1e-12,
                        "{}: {base:?} by {step}",
                        objective.name()
                    );
                }
            }
        }
    }
}

#[test]
fn majorants_lie_above_the_loss() {
    let mut rng = Seed::new(3).rng();
    let majorants: [Box<dyn Objective>; 3] = [
        Box::new(PseudoHuber::default()),
        Box::new(Fair::default()),
        Box::new(LogCosh::default()),
    ];
    for objective in majorants {
        for _ in 0..300 {
            let target = [3.0 * rng.normal()];
            let labels = Labels::new(Target::Numbers(&target), None).expect("one row");
            let (score, step) = (3.0 * rng.normal(), 4.0 * rng.normal());
            let [grad, hess] = derivatives(objective.as_ref(), &labels, &[vec![score]]);
            let loss = |score: f64| objective.loss(&labels, &[&[score]]).sum;
            let parabola =
                loss(score) + f64::from(grad[0][0]) * step + f64::from(hess[0][0]) * step * step / 2.0;
            assert!(loss(score + step) <= parabola + 1e-5, "{}", objective.name());
        }
    }
}

#[test]
fn derivatives_stay_finite_at_any_score() {
    let extremes = [
        -f64::MAX,
        -1e300,
        -1e9,
        -750.0,
        -40.0,
        0.0,
        40.0,
        750.0,
        1e9,
        1e300,
        f64::MAX,
    ];
    let mut rng = Seed::new(4).rng();
    let all = smooth().into_iter().map(|(objective, kind, _)| (objective, kind));
    let ranks: [(Box<dyn Objective>, Kind); 1] = [(Box::new(LambdaRank::default()), Kind::Label)];
    for (objective, kind) in all.chain(ranks) {
        let rows = draw(kind, &mut rng);
        let labels = rows.labels();
        for _ in 0..20 {
            let outputs = objective.outputs();
            let scores: Vec<Vec<f64>> = (0..outputs)
                .map(|_| {
                    (0..labels.len())
                        .map(|_| extremes[rng.below(extremes.len())])
                        .collect()
                })
                .collect();
            let [grad, hess] = derivatives(objective.as_ref(), &labels, &scores);
            let name = objective.name();
            assert!(grad.iter().flatten().all(|value| value.is_finite()), "{name}");
            assert!(
                hess.iter()
                    .flatten()
                    .all(|value| value.is_finite() && *value >= 0.0),
                "{name}"
            );
            assert!(
                !objective.loss(&labels, &slices(&scores)).mean().is_nan(),
                "{name}"
            );
        }
    }
}

#[test]
fn blocks_give_the_derivatives_and_losses_of_the_whole() {
    let mut rng = Seed::new(5).rng();
    let ranks: [(Box<dyn Objective>, Kind, bool); 1] =
        [(Box::new(LambdaRank::default()), Kind::Label, false)];
    for (objective, kind, _) in smooth().into_iter().chain(ranks) {
        let rows = draw(kind, &mut rng);
        let labels = rows.labels();
        let scores = draw_scores(objective.as_ref(), labels.len(), &mut rng);
        let [grad, hess] = derivatives(objective.as_ref(), &labels, &scores);
        let whole = objective.loss(&labels, &slices(&scores));
        let mut sum = LossSum::default();
        for block in labels.blocks(objective.as_ref(), 37) {
            let part = labels.slice(block.clone());
            let own: Vec<Vec<f64>> = scores
                .iter()
                .map(|scores| scores[block.clone()].to_vec())
                .collect();
            let [part_grad, part_hess] = derivatives(objective.as_ref(), &part, &own);
            for output in 0..scores.len() {
                assert_eq!(
                    part_grad[output],
                    grad[output][block.clone()],
                    "{}",
                    objective.name()
                );
                assert_eq!(
                    part_hess[output],
                    hess[output][block.clone()],
                    "{}",
                    objective.name()
                );
            }
            sum += objective.loss(&part, &slices(&own));
        }
        assert!(
            (sum.mean() - whole.mean()).abs() <= 1e-12 * whole.mean().abs(),
            "{}",
            objective.name()
        );
    }
}

#[test]
fn a_renewed_leaf_is_the_best_constant_step_of_its_rows() {
    let mut rng = Seed::new(6).rng();
    for (objective, kind, _) in smooth() {
        if !objective.renews() {
            continue;
        }
        let rows = draw(kind, &mut rng);
        let labels = rows.labels();
        let scores = draw_scores(objective.as_ref(), labels.len(), &mut rng);
        let members: Vec<u32> = (0..labels.len() as u32).filter(|row| row % 3 != 1).collect();
        let step_of = |output: usize| {
            let leaf = LeafRows {
                labels: &labels,
                rows: &members,
                scores: &scores[output],
            };
            objective.renew(output, &leaf).expect("the leaf has rows")
        };
        let steps: Vec<f64> = (0..scores.len()).map(step_of).collect();
        let loss_at = |by: f64| {
            let mut moved = scores.clone();
            for (scores, step) in moved.iter_mut().zip(&steps) {
                members.iter().for_each(|&row| scores[row as usize] += step + by);
            }
            objective.loss(&labels, &slices(&moved)).sum
        };
        assert!(
            [-0.3, -1e-3, 1e-3, 0.3]
                .iter()
                .all(|&by| loss_at(0.0) <= loss_at(by) + 1e-9)
        );
    }
}

#[test]
fn unfit_targets_are_refused_by_row_and_range() {
    let check = |objective: &dyn Objective, numbers: &[f64]| {
        let labels = Labels::new(Target::Numbers(numbers), None).expect("finite");
        let labels = labels.with_groups(&[0]).expect("one group");
        objective.check(&labels).map_err(|error| error.to_string())
    };
    let cases: [(&dyn Objective, &[f64], &str); 6] = [
        (
            &Poisson::default(),
            &[0.0, -1.0],
            "the target of row 2 is -1: objective 'poisson' needs targets of 0 or more",
        ),
        (
            &Tweedie::default(),
            &[-2.5],
            "the target of row 1 is -2.5: objective 'tweedie' needs targets of 0 or more",
        ),
        (
            &Gamma,
            &[1.0, 2.0, 0.0],
            "the target of row 3 is 0: objective 'gamma' needs targets above 0",
        ),
        (
            &CrossEntropy,
            &[0.0, 1.0, 1.5],
            "the target of row 3 is 1.5: objective 'cross_entropy' needs probabilities from 0 to 1",
        ),
        (
            &LambdaRank::default(),
            &[0.0, 31.0, 32.0],
            "the target of row 3 is 32: objective 'lambdarank' needs whole numbers from 0 to 31",
        ),
        (
            &PairwiseRank::default(),
            &[0.5],
            "the target of row 1 is 0.5: objective 'pairwise' needs whole numbers from 0 to 31",
        ),
    ];
    for (objective, numbers, message) in cases {
        assert_eq!(check(objective, numbers), Err(message.to_owned()));
    }
    let labels = Labels::new(Target::Numbers(&[1.0]), None).expect("finite");
    assert!(matches!(
        LambdaRank::default().check(&labels),
        Err(DataError::NoGroups {
            objective: "lambdarank"
        })
    ));
}

#[test]
fn a_balanced_start_is_even() {
    let codes = [0, 0, 0, 1, 0];
    let labels = Labels::new(
        Target::Classes {
            codes: &codes,
            count: 2,
        },
        None,
    )
    .expect("five rows");
    let balanced = BinaryLogLoss::balanced(&labels);
    assert_eq!(balanced.class_weights, [1.0, 4.0]);
    assert!(balanced.base(&labels)[0].abs() < 1e-12);
}

/// One case of `golden/cases.txt`.
struct Case {
    name: String,
    library: String,
    rows: Rows,
    scores: Vec<Vec<f64>>,
    grad: Vec<Vec<f64>>,
    hess: Vec<Vec<f64>>,
    base: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("golden/cases.txt");
    let parts = text.split("\ncase ").skip(1);
    parts.map(read_case).collect()
}

fn read_case(text: &str) -> Case {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().expect("a header").splitn(3, ' ').collect();
    let numbers = |line: &str| -> Vec<f64> {
        let words = line.split(' ').skip(1);
        words.map(|word| word.parse().expect("a number")).collect()
    };
    let (rows, base): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with("row"));
    let rows: Vec<Vec<f64>> = rows.into_iter().map(numbers).collect();
    let outputs = (rows[0].len() - 3) / 3;
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
    let columns = |from: usize| (0..outputs).map(|output| column(from + output)).collect();
    let group = column(2);
    let is_class = ["binary", "softmax", "one_vs_all"]
        .iter()
        .any(|class| head[0].starts_with(class));
    let starts = (0..rows.len()).filter(|&row| row == 0 || group[row] != group[row - 1]);
    Case {
        name: head[0].to_owned(),
        library: head[1].to_owned(),
        rows: Rows {
            codes: column(0).iter().map(|&code| code.max(0.0) as u32).collect(),
            count: if is_class { outputs.max(2) as u32 } else { 0 },
            numbers: column(0),
            weights: column(1),
            starts: starts.map(|row| row as u32).collect(),
        },
        scores: columns(3),
        grad: columns(3 + outputs),
        hess: columns(3 + 2 * outputs),
        base: base.into_iter().flat_map(numbers).collect(),
    }
}

fn named(name: &str) -> Box<dyn Objective> {
    let exact = Curvature::Exact;
    match name {
        "squared" => Box::new(Squared),
        "absolute" => Box::new(Absolute),
        "huber" => Box::new(Huber { alpha: 2.5 }),
        "pseudo_huber" => Box::new(PseudoHuber {
            slope: 1.5,
            curvature: exact,
        }),
        "fair" => Box::new(Fair {
            c: 1.3,
            curvature: exact,
        }),
        "poisson" => Box::new(Poisson::default()),
        "gamma" => Box::new(Gamma),
        "tweedie" => Box::new(Tweedie { power: 1.3 }),
        "quantile" => Box::new(Quantile::new(&[0.3])),
        "percentage" => Box::new(Percentage),
        "cross_entropy" => Box::new(CrossEntropy),
        "binary" => Box::new(BinaryLogLoss::default()),
        "binary_positive" => Box::new(BinaryLogLoss::with_positive_weight(2.5)),
        "softmax" => Box::new(Softmax::new(4)),
        "softmax_doubled" => Box::new(Softmax::doubled(4)),
        "one_vs_all" => Box::new(OneVersusAll { classes: 4 }),
        "lambdarank" => Box::new(LambdaRank::default()),
        "lambdarank_3" => Box::new(LambdaRank {
            truncation: 3,
            normalise: false,
            ..LambdaRank::default()
        }),
        "pairwise" => Box::new(PairwiseRank::default()),
        other => panic!("no objective is called {other}"),
    }
}

#[test]
fn derivatives_are_those_of_lightgbm_and_xgboost() {
    for case in cases() {
        let objective = named(&case.name);
        let [grad, hess] = derivatives(objective.as_ref(), &case.rows.labels(), &case.scores);
        // LightGBM reads pair probabilities from a table of a million entries.
        let close = if case.name.starts_with("lambdarank") {
            2e-4
        } else {
            1e-5
        };
        // XGBoost doubles the hessians of pairs.
        let factor = if case.name == "pairwise" { 2.0 } else { 1.0 };
        let mut compared = 0;
        for (found, expected, factor) in [(&grad, &case.grad, 1.0), (&hess, &case.hess, factor)] {
            for (found, &expected) in found.iter().flatten().zip(expected.iter().flatten()) {
                let found = f64::from(*found) * factor;
                if !expected.is_nan() {
                    compared += 1;
                    let name = (&case.name, &case.library);
                    assert!(
                        (found - expected).abs() <= close * (0.1 + expected.abs()),
                        "{name:?}: {found}, {expected}"
                    );
                }
            }
        }
        assert!(compared >= 4, "{}: {compared} numbers were read off", case.name);
    }
}

#[test]
fn start_scores_are_those_of_lightgbm_and_xgboost_where_they_minimise() {
    for case in cases() {
        // LightGBM starts robust losses at the mean and forgets class weights; its weighted quantiles interpolate. XGBoost
        // takes one Newton step from zero.
        let differs = match case.library.as_str() {
            "lightgbm" => [
                "huber",
                "fair",
                "absolute",
                "quantile",
                "percentage",
                "binary_positive",
            ]
            .as_slice(),
            _ => &[
                "pseudo_huber",
                "absolute",
                "binary_positive",
                "softmax_doubled",
                "pairwise",
            ],
        };
        if differs.contains(&case.name.as_str()) {
            continue;
        }
        let objective = named(&case.name);
        let base = objective.base(&case.rows.labels());
        for (found, &expected) in base.iter().zip(&case.base) {
            let expected = match (case.library.as_str(), objective.link()) {
                ("xgboost", Link::Exponential) => expected.ln(),
                ("xgboost", Link::Logistic) => (expected / (1.0 - expected)).ln(),
                _ => expected,
            };
            let name = (&case.name, &case.library);
            assert!(
                (found - expected).abs() < 1e-5 * (1.0 + expected.abs()),
                "{name:?}: {found}, {expected}"
            );
        }
    }
}
