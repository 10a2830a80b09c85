//! What the tests of this crate share: tables from random numbers, contexts, fits by name.

use std::sync::Mutex;

use kolosal_base::{Cancel, Rng, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learner::{
    Encoder, FitContext, FitError, FittedModel, Learn, ParamSet, Progress, Silent, Target, Task, TrainView,
};

use crate::design::{Counted, Design};

/// A table to learn from.
pub(crate) struct Table {
    pub(crate) frame: Frame,
    pub(crate) numbers: Vec<f64>,
    pub(crate) classes: Vec<u32>,
    pub(crate) task: Task,
    pub(crate) weights: Option<Vec<f64>>,
}

/// Remembers warnings.
#[derive(Default)]
pub(crate) struct Warnings(pub(crate) Mutex<Vec<String>>);

impl Progress for Warnings {
    fn step(&self, _: u64, _: u64) {}

    fn warn(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

/// How a test fits.
pub(crate) struct Setting {
    pub(crate) threads: usize,
    pub(crate) memory: Ledger,
    pub(crate) cancel: Cancel,
    pub(crate) warnings: Warnings,
}

impl Setting {
    pub(crate) fn threads(threads: usize) -> Self {
        Self {
            threads,
            memory: Ledger::unlimited(),
            cancel: Cancel::new(),
            warnings: Warnings::default(),
        }
    }

    pub(crate) fn fit<L: Learn>(&self, params: L::Params, table: &Table) -> Result<L::Model, FitError> {
        let (workers, clock) = (Workers::new(self.threads), SystemClock::start());
        let cx = FitContext {
            seed: Seed::new(1),
            workers: &workers,
            memory: &self.memory,
            clock: &clock,
            deadline: None,
            cancel: &self.cancel,
            progress: &self.warnings,
            valid: None,
        };
        L::fit(&params.check().unwrap(), &table.train(), &cx)
    }
}

/// Fits on one thread; the fit must succeed without a warning.
pub(crate) fn fit<L: Learn>(params: L::Params, table: &Table) -> L::Model {
    let setting = Setting::threads(1);
    let model = setting.fit::<L>(params, table).unwrap();
    assert_eq!(*setting.warnings.0.lock().unwrap(), Vec::<String>::new());
    assert_eq!(setting.memory.used(), 0, "memory is given back");
    assert!(setting.memory.peak() > 0, "memory was reserved");
    model
}

impl Table {
    pub(crate) fn regression(columns: Vec<Column>, numbers: &[f64]) -> Self {
        Self::new(columns, numbers.to_vec(), Vec::new(), Task::Regression)
    }

    pub(crate) fn classes(columns: Vec<Column>, classes: &[u32], count: u32) -> Self {
        Self::new(columns, Vec::new(), classes.to_vec(), Task::classification(count))
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
        let frame = Frame::new(fields.into_iter().zip(columns).collect()).unwrap();
        Self {
            frame,
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
            task => Target::Classes {
                codes: &self.classes,
                count: task.width() as u32,
            },
        };
        TrainView::new(self.frame.view(), target, self.weights.as_deref(), self.task).unwrap()
    }

    /// The given rows, in the given order, without weights.
    pub(crate) fn pick(&self, rows: &[u32]) -> Self {
        Self {
            frame: self.frame.select(rows).to_frame(),
            numbers: rows
                .iter()
                .filter_map(|&row| self.numbers.get(row as usize))
                .copied()
                .collect(),
            classes: rows
                .iter()
                .filter_map(|&row| self.classes.get(row as usize))
                .copied()
                .collect(),
            task: self.task,
            weights: None,
        }
    }

    pub(crate) fn answers(&self, model: &dyn FittedModel) -> Vec<f64> {
        let mut out = vec![0.0; self.frame.row_count() * self.task.width()];
        model.predict_into(self.frame.view(), &mut out);
        out
    }
}

/// Calls `act` with a context of one thread and no limits.
pub(crate) fn with_context<R>(act: impl FnOnce(&FitContext<'_>) -> R) -> R {
    let (workers, memory, clock, cancel) = (
        Workers::new(1),
        Ledger::unlimited(),
        SystemClock::start(),
        Cancel::new(),
    );
    act(&FitContext {
        seed: Seed::new(1),
        workers: &workers,
        memory: &memory,
        clock: &clock,
        deadline: None,
        cancel: &cancel,
        progress: &Silent,
        valid: None,
    })
}

/// The design of a table.
pub(crate) fn design_of(table: &Table) -> Design {
    let train = table.train();
    with_context(|cx| Design::new(&train, &Counted::of(&train), |_| 1.0, cx)).unwrap()
}

/// A table with numbers on odd scales, a category with missing values, and an answer that depends on some of them.
pub(crate) fn mixed(task: Task, rows: usize, seed: u64) -> Table {
    let mut rng = Seed::new(seed).rng();
    let columns: Vec<Vec<f64>> = (0..4)
        .map(|j| {
            (0..rows)
                .map(|_| 10.0_f64.powi(j - 1) * (rng.normal() + f64::from(j)))
                .collect()
        })
        .collect();
    let levels: Vec<&str> = (0..rows)
        .map(|_| ["red", "green", "blue", ""][rng.below(4)])
        .collect();
    let score = |row: usize, rng: &mut Rng| {
        8.0 * columns[0][row] - columns[1][row]
            + 0.02 * columns[3][row]
            + f64::from(levels[row] == "red")
            + 0.5 * rng.normal()
    };
    let scores: Vec<f64> = (0..rows).map(|row| score(row, &mut rng)).collect();
    let mut frame: Vec<Column> = columns
        .iter()
        .map(|column| Column::numbers(column.clone()))
        .collect();
    frame.push(Column::categories(&levels));
    match task {
        Task::Regression => Table::regression(frame, &scores),
        task => {
            let width = task.width() as f64;
            let class =
                |score: &f64| (score / 1.5 + width / 2.0 + rng.normal() * 0.7).clamp(0.0, width - 1.0) as u32;
            let classes: Vec<u32> = scores.iter().map(class).collect();
            Table::classes(frame, &classes, task.width() as u32)
        }
    }
}

/// A column of random numbers.
pub(crate) fn noise(rows: usize, seed: u64) -> Vec<f64> {
    let mut rng = Seed::new(seed).rng();
    (0..rows).map(|_| rng.normal()).collect()
}

/// The artifact of a model.
pub(crate) fn bytes(model: &dyn FittedModel) -> Vec<u8> {
    let mut out = Encoder::new();
    model.save(&mut out);
    out.into_bytes()
}

/// The largest difference as a share of the largest expected value.
pub(crate) fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().fold(1e-300_f64, |size, v| size.max(v.abs()));
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
        / size
}
