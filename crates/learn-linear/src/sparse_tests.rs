//! Columns of which few values are stored, for the learners that minimise by Newton's method or in the dual: the same answers as
//! from whole columns, in memory that follows what is stored.

use std::sync::Arc;

use kolosal_base::Seed;
use kolosal_compute::Ledger;
use kolosal_frame::{Column, SparseNumbers};
use kolosal_learner::Learn;

use crate::testing::{Setting, Table, distance};
use crate::{Glm, GlmParams, Huber, HuberParams, LinearSvm, LinearSvmParams, Quantile, QuantileParams};

/// Columns with so many stored values each, a target that some of them move, and whether it is high.
struct Texts {
    rows: usize,
    columns: usize,
    stored: usize,
}

impl Texts {
    fn stored(&self) -> Vec<Vec<(u32, f64)>> {
        let mut rng = Seed::new(17).rng();
        let column = |_| {
            let mut at: Vec<u32> = (0..self.stored).map(|_| rng.below(self.rows) as u32).collect();
            at.sort_unstable();
            at.dedup();
            at.into_iter().map(|row| (row, 1.0 + rng.uniform())).collect()
        };
        (0..self.columns).map(column).collect()
    }

    fn targets(&self, stored: &[Vec<(u32, f64)>]) -> Vec<f64> {
        let mut rng = Seed::new(18).rng();
        let mut targets: Vec<f64> = (0..self.rows).map(|_| 2.0 + 0.1 * rng.uniform()).collect();
        for (j, column) in stored.iter().enumerate() {
            let effect = [0.5, -0.3, 0.0][j % 3];
            column
                .iter()
                .for_each(|&(row, x)| targets[row as usize] += effect * x);
        }
        targets.iter().map(|y| y.abs() + 0.1).collect()
    }

    fn sparse(&self, stored: &[Vec<(u32, f64)>]) -> Vec<Column> {
        let column = |column: &Vec<(u32, f64)>| {
            let (at, values) = column.iter().copied().unzip();
            Column::Sparse(Arc::new(SparseNumbers::new(self.rows, at, values)))
        };
        stored.iter().map(column).collect()
    }

    fn dense(&self, stored: &[Vec<(u32, f64)>]) -> Vec<Column> {
        let column = |column: &Vec<(u32, f64)>| {
            let mut values = vec![0.0; self.rows];
            column.iter().for_each(|&(row, x)| values[row as usize] = x);
            Column::numbers(values)
        };
        stored.iter().map(column).collect()
    }
}

fn classes(targets: &[f64]) -> Vec<u32> {
    targets.iter().map(|y| u32::from(*y > 2.3)).collect()
}

/// Runs a check for each learner, with parameters that end at the minimum and the task that it does.
macro_rules! each_learner {
    ($check:ident) => {
        $check::<LinearSvm>("linear_svm", || LinearSvmParams {
            tol: 1e-10,
            ..LinearSvmParams::default()
        });
        $check::<Huber>("huber", HuberParams::default);
        $check::<Quantile>("quantile", QuantileParams::default);
        $check::<Glm>("glm", GlmParams::default);
    };
}

fn table(name: &str, columns: Vec<Column>, targets: &[f64]) -> Table {
    if name == "linear_svm" {
        Table::classes(columns, &classes(targets), 2)
    } else {
        Table::regression(columns, targets)
    }
}

#[test]
fn stored_values_answer_as_whole_columns_do() {
    fn check<L: Learn>(name: &str, params: fn() -> L::Params) {
        let texts = Texts {
            rows: 300,
            columns: 12,
            stored: 30,
        };
        let stored = texts.stored();
        let targets = texts.targets(&stored);
        let fit = |columns| {
            let table = table(name, columns, &targets);
            let model = Setting::threads(1).fit::<L>(params(), &table).unwrap();
            table.answers(&model)
        };
        let gap = distance(&fit(texts.sparse(&stored)), &fit(texts.dense(&stored)));
        assert!(gap < 1e-5, "{name}: {gap}");
    }
    each_learner!(check);
}

#[test]
fn thousands_of_stored_columns_are_learned_in_a_fraction_of_their_whole_size() {
    fn check<L: Learn>(name: &str, params: fn() -> L::Params) {
        // Whole columns would take 24 MB.
        let texts = Texts {
            rows: 1500,
            columns: 2000,
            stored: 10,
        };
        let stored = texts.stored();
        let targets = texts.targets(&stored);
        let table = table(name, texts.sparse(&stored), &targets);
        let setting = Setting {
            memory: Ledger::new(4 << 20),
            ..Setting::threads(2)
        };
        let model = setting
            .fit::<L>(params(), &table)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let answers = table.answers(&model);
        assert!(answers.iter().all(|x| x.is_finite()), "{name}");
        assert!(
            setting.memory.peak() < 4 << 20,
            "{name}: {}",
            setting.memory.peak()
        );
    }
    each_learner!(check);
}
