//! Tables at the edge, for the learners of answers: one column, far more columns than rows, rows all equal, kernels that are
//! singular, more neighbours than rows.

use kolosal_frame::Column;
use kolosal_learner::Learner;

use crate::gaussian_process::GaussianProcess;
use crate::naive_bayes::NaiveBayes;
use crate::neighbors::Neighbors;
use crate::rbf_svm::RbfSvm;
use crate::testing::Table;

const LEARNERS: &[&dyn Learner] = &[&NaiveBayes, &Neighbors, &RbfSvm, &GaussianProcess];

/// Answers to a regression where the learner does one, and to a classification.
fn check(what: &str, columns: &[Vec<f64>]) {
    let rows = columns[0].len();
    let made = || columns.iter().cloned().map(Column::numbers).collect();
    let numbers: Vec<f64> = (0..rows).map(|row| (row as f64 * 0.7).sin()).collect();
    let classes: Vec<u32> = (0..rows as u32).map(|row| row % 2).collect();
    for learner in LEARNERS {
        let name = learner.card().name;
        let mut tables = vec![Table::classes(made(), &classes, 2)];
        if learner.card().can_learn(kolosal_learner::TaskKind::Regression) {
            tables.push(Table::regression(made(), &numbers));
        }
        for table in tables {
            let settings: &[(&str, &str)] = if name == "neighbors" {
                &[("n_neighbors", "9999")]
            } else {
                &[]
            };
            let answers = table.answers(table.fit(*learner, settings).as_ref());
            assert!(answers.iter().all(|x| x.is_finite()), "{name} on {what}");
        }
    }
}

#[test]
fn one_column_is_enough() {
    check("one column", &[(0..40).map(|row| f64::from(row % 11)).collect()]);
}

#[test]
fn rows_that_are_all_equal_have_a_singular_kernel() {
    check("equal rows", &[vec![2.0; 30], vec![-1.0; 30]]);
}

#[test]
fn repeated_rows_have_a_singular_kernel() {
    let column = |step: u32| (0..60).map(|row| f64::from(row % 3 * step)).collect();
    check("three rows repeated", &[column(1), column(2)]);
}

#[test]
fn ten_thousand_columns_of_fifty_rows_are_learned() {
    let column = |j: usize| (0..50).map(|row| ((row * 7919 + j * 31) as f64).sin()).collect();
    let columns: Vec<Vec<f64>> = (0..10_000).map(column).collect();
    let made = || columns.iter().cloned().map(Column::numbers).collect();
    let classes: Vec<u32> = (0..50).map(|row| row % 2).collect();
    for (learner, settings) in [
        (&NaiveBayes as &dyn Learner, &[][..]),
        (&Neighbors, &[]),
        (&RbfSvm, &[]),
        // A length a column would be ten thousand parameters.
        (&GaussianProcess, &[("ard", "false")]),
    ] {
        let table = Table::classes(made(), &classes, 2);
        let answers = table.answers(table.fit(learner, settings).as_ref());
        assert!(
            answers.iter().all(|x| (0.0..=1.0).contains(x)),
            "{}",
            learner.card().name
        );
    }
}
