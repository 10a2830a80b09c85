//! The contract of learners, clause by clause.
//!
//! [`CARD_CLAUSES`] are about a learner as such, [`FIT_CLAUSES`] about one task it claims. Fits are kept short: a
//! parameter that counts trees, rounds or epochs is turned down through the learner's own table.

mod answers;
mod bytes;
mod card;
mod edges;
mod limits;
mod params;
mod promises;
mod quality;
mod reproducible;

pub(crate) use answers::all_numbers;
pub(crate) use bytes::{damages, places};
pub(crate) use card::is_name;
pub use reproducible::outside_changed;

use kolosal_frame::FrameView;
use kolosal_learner::{
    Encoder, FitContext, FitError, FittedModel, Learner, Meaning, ParamDef, Point, Predictions, Task,
    TaskKind, TrainView, Value,
};

use crate::clause::{Breach, Clause, Subject, Verdict, breaches, demand};
use crate::room::Room;
use crate::tables::{Table, mixed};

/// A learner and one of its tasks.
#[derive(Clone, Copy)]
pub struct LearnerCase {
    /// The learner.
    pub learner: &'static dyn Learner,
    /// The task; `None` where the learner as such is meant.
    pub task: Option<Task>,
}

/// Clauses about a learner as such: its card, its table of parameters.
pub const CARD_CLAUSES: &[Clause<LearnerCase>] = &[
    Clause {
        name: "the card is complete",
        check: card::is_complete,
    },
    Clause {
        name: "a task that is not on the card is refused",
        check: card::refuses_other_tasks,
    },
    Clause {
        name: "every parameter is documented",
        check: params::are_documented,
    },
    Clause {
        name: "defaults and searches are legal",
        check: params::lie_in_their_ranges,
    },
    Clause {
        name: "names and aliases are distinct and reach their parameter",
        check: params::names_reach,
    },
    Clause {
        name: "conditions name a parameter and its words",
        check: params::conditions_hold,
    },
    Clause {
        name: "an unknown parameter is answered with the closest name",
        check: params::unknown_is_answered,
    },
    Clause {
        name: "the bounds of legal ranges are accepted",
        check: params::bounds_are_accepted,
    },
];

/// Clauses about learning one task.
pub const FIT_CLAUSES: &[Clause<LearnerCase>] = &[
    Clause {
        name: "answers are sound",
        check: answers::are_sound,
    },
    Clause {
        name: "a row's answer depends on that row alone",
        check: answers::depend_on_their_row_alone,
    },
    Clause {
        name: "no rows and one row can be answered",
        check: answers::none_and_one,
    },
    Clause {
        name: "unseen and missing categories are answered",
        check: answers::unseen_categories,
    },
    Clause {
        name: "huge and tiny values are answered",
        check: answers::huge_rows,
    },
    Clause {
        name: "importances are shares",
        check: answers::importances_are_shares,
    },
    Clause {
        name: "contributions add up to the answer",
        check: answers::contributions_add_up,
    },
    Clause {
        name: "out-of-bag answers are as claimed",
        check: answers::out_of_bag,
    },
    Clause {
        name: "held-out rows for early stopping are taken",
        check: answers::takes_held_out_rows,
    },
    Clause {
        name: "the thread count does not change the bytes",
        check: reproducible::at_any_thread_count,
    },
    Clause {
        name: "another seed is taken",
        check: reproducible::with_another_seed,
    },
    Clause {
        name: "only the rows of the view are read",
        check: reproducible::only_rows_of_the_view,
    },
    Clause {
        name: "rows may come in any order",
        check: promises::rows_in_any_order,
    },
    Clause {
        name: "a weight is a repetition",
        check: promises::weight_is_repetition,
    },
    Clause {
        name: "rows of weight zero are absent",
        check: promises::weight_zero_is_absence,
    },
    Clause {
        name: "weights are taken",
        check: promises::weights_are_taken,
    },
    Clause {
        name: "a constant column",
        check: edges::constant_column,
    },
    Clause {
        name: "a duplicated column",
        check: edges::duplicated_column,
    },
    Clause {
        name: "a column without values",
        check: edges::column_without_values,
    },
    Clause {
        name: "categories without levels in the rows",
        check: edges::categories_without_rows,
    },
    Clause {
        name: "one row",
        check: edges::one_row,
    },
    Clause {
        name: "one class in the rows",
        check: edges::one_class,
    },
    Clause {
        name: "a class that the rows do not have",
        check: edges::absent_class,
    },
    Clause {
        name: "more columns than rows",
        check: edges::more_columns_than_rows,
    },
    Clause {
        name: "one answer in all rows",
        check: edges::equal_answers,
    },
    Clause {
        name: "huge and tiny values in training",
        check: edges::huge_values,
    },
    Clause {
        name: "huge and tiny targets",
        check: edges::huge_targets,
    },
    Clause {
        name: "a saved model reads back the same",
        check: bytes::read_back_the_same,
    },
    Clause {
        name: "truncated bytes are refused",
        check: bytes::truncated_are_refused,
    },
    Clause {
        name: "damaged bytes do no harm",
        check: bytes::damaged_do_no_harm,
    },
    Clause {
        name: "a request to stop is heard at the next step",
        check: limits::cancel_is_heard,
    },
    Clause {
        name: "a deadline is kept",
        check: limits::deadline_is_kept,
    },
    Clause {
        name: "the memory limit is kept",
        check: limits::memory_is_kept,
    },
    Clause {
        name: "the ends of searches can be fitted",
        check: params::search_ends_fit,
    },
    Clause {
        name: "a real table is learned better than by a constant",
        check: quality::beats_a_constant,
    },
];

/// Every breach of every clause by a learner.
pub fn check_learner(learner: &'static dyn Learner) -> Vec<Breach> {
    let mut found = breaches(&[LearnerCase { learner, task: None }], CARD_CLAUSES);
    found.extend(breaches(&LearnerCase::of(learner), FIT_CLAUSES));
    found
}

/// Names and aliases that two learners of a list share.
pub fn shared_names(learners: &[&'static dyn Learner]) -> Vec<&'static str> {
    let names = learners.iter().flat_map(|learner| {
        let card = learner.card();
        card.aliases.iter().copied().chain([card.name])
    });
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let mut shared: Vec<&str> = names
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    shared.dedup();
    shared
}

/// Parameters that count rounds of work, and how many rounds these suites pay for.
const ROUNDS: &[(&str, i64)] = &[("n_estimators", 8), ("iterations", 8), ("n_epochs", 16)];

/// Parameters that bound the size of costly work, its rows or its units, and how many these suites pay for.
const WORK_SIZES: &[(&str, i64)] = &[
    ("optimize_rows", 100),
    ("max_rows_classification", 200),
    ("hidden_width", 64),
];

/// Rows of the tables on which most clauses run: enough for a split with the usual least rows a leaf.
const ROWS: usize = 60;

impl Subject for LearnerCase {
    fn whom(&self) -> String {
        match self.task {
            None => self.learner.card().name.to_owned(),
            Some(task) => format!("{}, {}", self.learner.card().name, task.kind().name()),
        }
    }
}

impl LearnerCase {
    /// One case for each task on the card.
    pub fn of(learner: &'static dyn Learner) -> Vec<Self> {
        let task_of = |kind: &TaskKind| match kind {
            TaskKind::Binary => Task::Binary,
            TaskKind::Multiclass => Task::Multiclass { classes: 3 },
            TaskKind::Regression => Task::Regression,
            TaskKind::Anomaly => Task::Anomaly,
            TaskKind::Clustering => Task::Clustering,
        };
        let case = |kind| Self {
            learner,
            task: Some(task_of(kind)),
        };
        learner.card().tasks.iter().map(case).collect()
    }

    fn task(&self) -> Task {
        self.task.expect("clauses of fits are given a task")
    }

    /// Every storage that the card allows.
    fn table(&self) -> Table {
        mixed(self.task(), self.learner.card(), ROWS, 1)
    }

    /// The defaults, with rounds turned down.
    pub fn point(&self) -> Point {
        let turned_down = self
            .rounds()
            .map(|(def, rounds)| (def.name.to_owned(), Value::Int(rounds)));
        let bounded = WORK_SIZES.iter().filter(|(name, size)| {
            let of_name = |def: &&ParamDef| def.name == *name && def.legal.contains(&Value::Int(*size));
            self.learner.params().iter().any(|def| of_name(&def))
        });
        let bounded = bounded.map(|(name, size)| ((*name).to_owned(), Value::Int(*size)));
        turned_down.into_iter().chain(bounded).collect()
    }

    /// The parameter that counts rounds, if there is one, and the number that [`LearnerCase::point`] sets.
    fn rounds(&self) -> Option<(&'static ParamDef, i64)> {
        self.learner.params().iter().find_map(|def| {
            let (_, rounds) = ROUNDS.iter().find(|(name, _)| def.name == *name)?;
            def.legal.contains(&Value::Int(*rounds)).then_some((def, *rounds))
        })
    }

    /// A fit with turned-down rounds.
    fn fit(&self, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<FitResult, String> {
        self.fit_point(&self.point(), train, cx)
    }

    /// A fit after which the ledger must hold what it held before.
    fn fit_point(
        &self,
        point: &Point,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<FitResult, String> {
        let result = self.learner.fit(point, train, cx);
        let used = cx.memory.used();
        demand(used == 0, || format!("{used} bytes stay reserved after the fit"))?;
        Ok(result)
    }

    /// A model of all rows of the table; a refusal is a breach.
    fn model(&self, table: &Table) -> Result<Box<dyn FittedModel>, String> {
        accepted(self.fit(&table.train(), &Room::new(1).cx())?)
    }
}

type FitResult = Result<Box<dyn FittedModel>, FitError>;

fn accepted(result: FitResult) -> Result<Box<dyn FittedModel>, String> {
    result.map_err(|error| format!("the fit was refused: {error}"))
}

/// Answers to all rows; places that the model leaves out stay NaN.
fn predict(model: &dyn FittedModel, x: FrameView<'_>) -> Vec<f64> {
    let mut out = vec![f64::NAN; x.row_count() * model.shape().1];
    model.predict_into(x, &mut out);
    out
}

fn bytes_of(model: &dyn FittedModel) -> Vec<u8> {
    let mut out = Encoder::new();
    model.save(&mut out);
    out.into_bytes()
}

/// Finite numbers; probabilities in 0 to 1 that sum to one in each row; a score and whether it is beyond the border; a whole
/// number or -1, and a share.
fn sound(task: Task, answers: &[f64]) -> Verdict {
    let (meaning, width) = Predictions::shape_of(task);
    for (row, answer) in answers.chunks_exact(width).enumerate() {
        let is_sound = match meaning {
            Meaning::Number => answer[0].is_finite(),
            Meaning::ClassProbability => {
                answer.iter().all(|p| (0.0..=1.0).contains(p))
                    && (answer.iter().sum::<f64>() - 1.0).abs() <= 1e-9
            }
            Meaning::Anomaly => answer[0].is_finite() && (answer[1] == 0.0 || answer[1] == 1.0),
            Meaning::Group => {
                let is_group =
                    answer[0] >= 0.0 && answer[0].fract() == 0.0 && answer[0] < f64::from(u32::MAX);
                let is_in_none = answer[0] == -1.0 && answer[1] == 0.0;
                is_in_none || (is_group && (0.0..=1.0).contains(&answer[1]))
            }
        };
        demand(is_sound, || format!("row {} is answered {answer:?}", row + 1))?;
    }
    Ok(())
}

/// The model's answers to all rows of the view are sound.
fn answers_soundly(task: Task, model: &dyn FittedModel, x: FrameView<'_>) -> Verdict {
    let shape = Predictions::shape_of(task);
    demand(model.shape() == shape, || {
        format!("the shape is {:?}, not {shape:?}", model.shape())
    })?;
    sound(task, &predict(model, x))
}

/// Two lists of answers are the same to the last bit.
fn same_bits(what: &str, a: &[f64], b: &[f64]) -> Verdict {
    let differs =
        (0..a.len().max(b.len())).find(|&i| a.get(i).map(|v| v.to_bits()) != b.get(i).map(|v| v.to_bits()));
    match differs {
        None => Ok(()),
        Some(i) => Err(format!(
            "{what}: number {i} is {:?}, was {:?}",
            b.get(i),
            a.get(i)
        )),
    }
}

/// Two lists of answers agree to `tolerance`, relative to numbers above one.
fn close(what: &str, a: &[f64], b: &[f64], tolerance: f64) -> Verdict {
    let is_far = |i: &usize| (a[*i] - b[*i]).abs() > tolerance * (1.0 + a[*i].abs());
    match (0..a.len()).find(is_far) {
        None => Ok(()),
        Some(i) => Err(format!("{what}: number {i} is {}, was {}", b[i], a[i])),
    }
}
