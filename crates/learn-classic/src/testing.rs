//! What the tests of this crate share: tables, contexts, fits, reference numbers.

use kolosal_base::{Cancel, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learner::{
    FitContext, FitError, FittedModel, Learner, Point, Silent, Target, Task, TrainView, Value,
};

/// A table to learn from.
pub(crate) struct Table {
    pub(crate) frame: Frame,
    pub(crate) numbers: Vec<f64>,
    pub(crate) classes: Vec<u32>,
    pub(crate) task: Task,
    pub(crate) weights: Option<Vec<f64>>,
}

impl Table {
    pub(crate) fn regression(columns: Vec<Column>, numbers: &[f64]) -> Self {
        Self::new(columns, numbers.to_vec(), Vec::new(), Task::Regression)
    }

    pub(crate) fn classes(columns: Vec<Column>, classes: &[u32], count: u32) -> Self {
        Self::new(columns, Vec::new(), classes.to_vec(), Task::classification(count))
    }

    pub(crate) fn unlabelled(columns: Vec<Column>, task: Task) -> Self {
        Self::new(columns, Vec::new(), Vec::new(), task)
    }

    fn new(columns: Vec<Column>, numbers: Vec<f64>, classes: Vec<u32>, task: Task) -> Self {
        let field = |(at, column): (usize, &Column)| {
            let kind = if matches!(column, Column::Categories(_)) {
                Kind::Categorical
            } else {
                Kind::Numeric
            };
            Field::new(format!("x{at}"), kind, "test")
        };
        let fields: Vec<Field> = columns.iter().enumerate().map(field).collect();
        Self {
            frame: Frame::new(fields.into_iter().zip(columns).collect()).unwrap(),
            numbers,
            classes,
            task,
            weights: None,
        }
    }

    pub(crate) fn weighted(mut self, weights: &[f64]) -> Self {
        self.weights = Some(weights.to_vec());
        self
    }

    pub(crate) fn train(&self) -> TrainView<'_> {
        let target = match self.task {
            Task::Regression => Target::Numbers(&self.numbers),
            task if !task.kind().has_target() => Target::Unknown {
                rows: self.frame.row_count(),
            },
            task => Target::Classes {
                codes: &self.classes,
                count: task.width() as u32,
            },
        };
        TrainView::new(self.frame.view(), target, self.weights.as_deref(), self.task).unwrap()
    }

    pub(crate) fn try_fit(
        &self,
        learner: &dyn Learner,
        settings: &[(&str, &str)],
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let (workers, memory, clock, cancel) = (
            Workers::new(1),
            Ledger::unlimited(),
            SystemClock::start(),
            Cancel::new(),
        );
        let cx = FitContext {
            seed: Seed::new(1),
            workers: &workers,
            memory: &memory,
            clock: &clock,
            deadline: None,
            cancel: &cancel,
            progress: &Silent,
            valid: None,
        };
        learner.fit(&point(learner, settings), &self.train(), &cx)
    }

    pub(crate) fn fit(&self, learner: &dyn Learner, settings: &[(&str, &str)]) -> Box<dyn FittedModel> {
        self.try_fit(learner, settings).unwrap()
    }

    /// The answers of a model to every row.
    pub(crate) fn answers(&self, model: &dyn FittedModel) -> Vec<f64> {
        let mut out = vec![f64::NAN; self.frame.row_count() * model.shape().1];
        model.predict_into(self.frame.view(), &mut out);
        out
    }
}

fn point(learner: &dyn Learner, settings: &[(&str, &str)]) -> Point {
    let value = |(name, text): &(&str, &str)| -> (String, Value) {
        let def = learner.params().iter().find(|def| def.name == *name).unwrap();
        ((*name).to_owned(), def.legal.parse(text).unwrap())
    };
    settings.iter().map(value).collect()
}

/// The largest difference as a share of the largest expected value.
pub(crate) fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().fold(1e-300_f64, |size, v| size.max(v.abs()));
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    off.fold(0.0, f64::max) / size
}

/// One fit of a reference file: its learner, whether rows are weighted, its settings, the table and the answers.
pub(crate) struct Reference<'a> {
    pub(crate) learner: &'a str,
    pub(crate) settings: Vec<(&'a str, &'a str)>,
    pub(crate) table: Table,
    pub(crate) answers: Vec<f64>,
}

/// Reads a reference file: `table`, its `row`s (target, weight, columns), then a `fit` and its `answers` for each model.
pub(crate) fn references(text: &str) -> Vec<Reference<'_>> {
    let numbers = |line: &str| -> Vec<f64> {
        line.split(' ')
            .skip(1)
            .map(|word| word.parse().unwrap())
            .collect()
    };
    let (mut found, mut rows, mut task) = (Vec::new(), Vec::<Vec<f64>>::new(), "");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "table" => {
                rows.clear();
                task = words[2];
            }
            "row" => rows.push(numbers(line)),
            "fit" => {
                let pair = |word: &&'_ str| word.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()));
                assert!(words[3..].iter().all(|word| pair(word).is_some()), "{line}");
                found.push(Reference {
                    learner: words[1],
                    settings: words[3..]
                        .iter()
                        .filter_map(|word| word.split_once('='))
                        .collect(),
                    table: reference_table(&rows, task, words[2] == "weighted"),
                    answers: numbers(lines.next().unwrap()),
                });
            }
            _ => assert_eq!(words[0], "#"),
        }
    }
    found
}

fn reference_table(rows: &[Vec<f64>], task: &str, weighted: bool) -> Table {
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
    let columns = (2..rows[0].len()).map(|at| Column::numbers(column(at))).collect();
    let table = if task == "regression" {
        Table::regression(columns, &column(0))
    } else {
        let classes: Vec<u32> = column(0).iter().map(|y| *y as u32).collect();
        Table::classes(columns, &classes, classes.iter().max().unwrap() + 1)
    };
    if weighted {
        table.weighted(&column(1))
    } else {
        table
    }
}
