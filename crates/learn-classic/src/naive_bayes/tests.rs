//! Naive Bayes by hand, beside scikit-learn, and with gaps.

use std::sync::Arc;

use kolosal_frame::{Column, SparseNumbers};

use super::NaiveBayes;
use crate::testing::{Table, distance, references};

#[test]
fn probabilities_equal_scikit_learns() {
    let references = references(include_str!("../golden/naive_bayes.txt"));
    assert_eq!(references.len(), 20);
    for reference in references {
        assert_eq!(reference.learner, "naive_bayes");
        // scikit-learn measures its smoothing variance without the weights.
        let is_odd = reference.table.weights.is_some() && reference.settings[0].1 == "gaussian";
        let tolerance = if is_odd { 2e-2 } else { 1e-9 };
        let model = reference.table.fit(&NaiveBayes, &reference.settings);
        let off = distance(&reference.table.answers(&*model), &reference.answers);
        assert!(off < tolerance, "{:?} is off by {off}", reference.settings);
    }
}

/// Two rows of class 0, two of class 1.
fn check(column: Column, settings: &[(&str, &str)], asked: Column, expected_of_class_1: &[f64]) {
    let table = Table::classes(vec![column], &[0, 0, 1, 1], 2);
    let model = table.fit(&NaiveBayes, settings);
    let rows = expected_of_class_1.len();
    let asked = Table::classes(vec![asked], &vec![0; rows], 2);
    let answers = asked.answers(&*model);
    let found: Vec<f64> = answers.chunks_exact(2).map(|pair| pair[1]).collect();
    assert!(
        distance(&found, expected_of_class_1) < 1e-12,
        "{found:?} and not {expected_of_class_1:?}"
    );
}

#[test]
fn levels_and_gaps_by_hand() {
    // Of level a: (2 + 1) / (2 + 2) in class 0; (0 + 1) / (1 + 2) in class 1, whose other row lacks a value.
    let column = || Column::categories(&["a", "a", "b", ""]);
    let (a, b) = ((3.0 / 4.0, 1.0 / 3.0), (1.0 / 4.0, 2.0 / 3.0));
    let odds = |(zero, one): (f64, f64)| one / (zero + one);
    let skip = [("missing", "skip")];
    check(column(), &skip, column(), &[odds(a), odds(a), odds(b), 0.5]);
    // Being there: (2 + 1) / (2 + 2) and (1 + 1) / (2 + 2).
    let (there, gone) = ((3.0 / 4.0, 2.0 / 4.0), (1.0 / 4.0, 2.0 / 4.0));
    let both = |x: (f64, f64), y: (f64, f64)| odds((x.0 * y.0, x.1 * y.1));
    check(
        column(),
        &[],
        column(),
        &[both(a, there), both(a, there), both(b, there), odds(gone)],
    );
}

#[test]
fn normal_columns_by_hand() {
    // Means 1 and 5, variance 1 within, 5 over all rows; with one row's worth of the whole: (2 * 1 + 5) / 3.
    let column = || Column::numbers(vec![0.0, 2.0, 4.0, 6.0]);
    let variance: f64 = 7.0 / 3.0;
    let odds = |x: f64| {
        let density = |mean: f64| (-(x - mean).powi(2) / (2.0 * variance)).exp();
        density(5.0) / (density(1.0) + density(5.0))
    };
    let expected = [odds(0.0), odds(2.0), odds(4.0), odds(6.0)];
    check(column(), &[], column(), &expected);
    check(
        column(),
        &[],
        Column::numbers(vec![3.0, f64::NAN, 1e300, -1e300]),
        &[0.5, 0.5, 0.5, 0.5],
    );
}

#[test]
fn a_sparse_column_is_the_same_as_a_dense_one() {
    let dense: Vec<f64> = (0..40)
        .map(|i| if i % 3 == 0 { f64::from(i % 7) } else { 0.0 })
        .collect();
    let stored: Vec<u32> = (0..40).filter(|&i| dense[i as usize] != 0.0).collect();
    let values = stored.iter().map(|&i| dense[i as usize]).collect();
    let sparse = Column::Sparse(Arc::new(SparseNumbers::new(40, stored, values)));
    let classes: Vec<u32> = (0..40).map(|i| u32::from(i % 5 < 2)).collect();
    for form in [
        "mixed",
        "gaussian",
        "bernoulli",
        "multinomial",
        "complement",
        "categorical",
    ] {
        let answers = |column: Column| {
            let table = Table::classes(vec![column], &classes, 2);
            let weights: Vec<f64> = (0..40).map(|i| f64::from(1 + i % 3)).collect();
            let table = table.weighted(&weights);
            table.answers(&*table.fit(&NaiveBayes, &[("form", form)]))
        };
        let off = distance(&answers(sparse.clone()), &answers(Column::numbers(dense.clone())));
        assert!(off < 1e-12, "{form}: {off}");
    }
}

#[test]
fn a_negative_count_is_refused_by_name() {
    let table = Table::classes(vec![Column::numbers(vec![1.0, -3.0])], &[0, 1], 2);
    let refused = table
        .try_fit(&NaiveBayes, &[("form", "multinomial")])
        .err()
        .unwrap();
    assert_eq!(
        refused.to_string(),
        "naive_bayes cannot count with column 'x0', which holds -3, under form multinomial: counts are not negative; use form mixed or gaussian for such columns"
    );
}

#[test]
fn the_column_that_tells_has_the_importance() {
    let classes: Vec<u32> = (0..60).map(|i| i % 2).collect();
    let telling = Column::numbers(
        (0..60)
            .map(|i| f64::from(i % 2) * 3.0 + f64::from(i % 7))
            .collect(),
    );
    let noise = Column::numbers((0..60).map(|i| f64::from(i * 37 % 11)).collect());
    let table = Table::classes(vec![noise, telling], &classes, 2);
    for form in ["mixed", "gaussian", "categorical"] {
        let settings = [("form", form), ("bins", "4")];
        let shares = table.fit(&NaiveBayes, &settings).importances().unwrap();
        assert!(shares[1] > 0.6, "{form}: {shares:?}");
        assert!(
            (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12,
            "{form}: {shares:?}"
        );
    }
}
