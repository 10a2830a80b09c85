//! Neighbours by hand, beside scikit-learn, and the two ways to search against each other.

use kolosal_base::Seed;
use kolosal_frame::Column;

use super::Neighbors;
use crate::testing::{Table, distance, references};

#[test]
fn answers_equal_scikit_learns() {
    let references = references(include_str!("../golden/neighbors.txt"));
    assert_eq!(references.len(), 9);
    for reference in references {
        for algorithm in ["brute", "kd_tree"] {
            let mut settings = reference.settings.clone();
            settings.push(("algorithm", algorithm));
            let model = reference.table.fit(&Neighbors, &settings);
            let off = distance(&reference.table.answers(&*model), &reference.answers);
            assert!(off < 1e-9, "{settings:?} is off by {off}");
        }
    }
}

fn check(columns: Vec<Column>, settings: &[(&str, &str)], asked: Vec<Column>, expected: &[f64]) {
    let answers: Vec<f64> = (0..columns[0].len())
        .map(|row| 10.0_f64.powi(row as i32))
        .collect();
    let model = Table::regression(columns, &answers).fit(&Neighbors, settings);
    let asked = Table::regression(asked, &vec![0.0; expected.len()]);
    let found = asked.answers(&*model);
    assert!(
        distance(&found, expected) < 1e-12,
        "{found:?} and not {expected:?}"
    );
}

#[test]
fn one_column_by_hand() {
    let column = || vec![Column::numbers(vec![0.0, 1.0, 4.0, 9.0])];
    let asked = || vec![Column::numbers(vec![0.4, 4.0, -7.0, 2.5])];
    check(
        column(),
        &[("n_neighbors", "1")],
        asked(),
        &[1.0, 100.0, 1.0, 10.0],
    );
    check(
        column(),
        &[("n_neighbors", "2")],
        asked(),
        &[5.5, 55.0, 5.5, 55.0],
    );
    // Distances 0.4 and 0.6; none and 3; 7 and 8; 1.5 twice.
    let by_distance = [
        (1.0 / 0.4 + 10.0 / 0.6) / (1.0 / 0.4 + 1.0 / 0.6),
        100.0,
        (1.0 / 7.0 + 10.0 / 8.0) / (1.0 / 7.0 + 1.0 / 8.0),
        55.0,
    ];
    check(
        column(),
        &[("n_neighbors", "2"), ("weights", "distance")],
        asked(),
        &by_distance,
    );
}

#[test]
fn gowers_distance_by_hand() {
    // Ranges 10 and one level; rows lack a number or a level.
    let columns = || {
        vec![
            Column::numbers(vec![0.0, 10.0, f64::NAN, 4.0]),
            Column::categories(&["a", "b", "b", ""]),
        ]
    };
    // To (1, b): (0.1 + 1) / 2, (0.9 + 0) / 2, 0 / 1, 0.3 / 1.
    let asked = || vec![Column::numbers(vec![1.0]), Column::categories(&["b"])];
    let code_1 = |mut columns: Vec<Column>| {
        // The levels of training: b is the second.
        let levels = std::sync::Arc::new(["a", "b"].iter().collect());
        columns[1] = Column::Categories(kolosal_frame::Categories::new(vec![1], levels));
        columns
    };
    check(columns(), &[("n_neighbors", "1")], code_1(asked()), &[100.0]);
    check(columns(), &[("n_neighbors", "2")], code_1(asked()), &[550.0]);
    check(
        columns(),
        &[("n_neighbors", "3")],
        code_1(asked()),
        &[1110.0 / 3.0],
    );
}

#[test]
fn the_tree_finds_what_all_rows_give() {
    let rows = 1500;
    let mut rng = Seed::new(5).rng();
    // Whole numbers, so that many distances tie.
    let columns: Vec<Column> = (0..4)
        .map(|_| Column::numbers((0..rows).map(|_| rng.below(6) as f64).collect()))
        .collect();
    let answers: Vec<f64> = (0..rows).map(f64::from).collect();
    let table = Table::regression(columns, &answers);
    for metric in ["euclidean", "manhattan", "gower"] {
        let with = |algorithm| {
            let settings = [("n_neighbors", "9"), ("metric", metric), ("algorithm", algorithm)];
            table.answers(&*table.fit(&Neighbors, &settings))
        };
        assert_eq!(with("brute"), with("kd_tree"), "{metric}");
    }
}

#[test]
fn rows_that_are_all_the_same_answer_alike() {
    let rows = 1200;
    let table = Table::regression(
        vec![Column::numbers(vec![3.0; rows])],
        &(0..rows).map(|row| row as f64).collect::<Vec<_>>(),
    );
    for weights in ["uniform", "distance"] {
        let answers = table.answers(&*table.fit(&Neighbors, &[("weights", weights)]));
        assert!(answers.iter().all(|answer| (answer - 2.0).abs() < 1e-12));
    }
}

#[test]
fn weights_of_rows_count() {
    let table =
        Table::classes(vec![Column::numbers(vec![0.0, 1.0, 50.0])], &[0, 1, 1], 2).weighted(&[3.0, 1.0, 1.0]);
    let answers = table.answers(&*table.fit(&Neighbors, &[("n_neighbors", "2")]));
    assert_eq!(answers[..2], [0.75, 0.25]);
}
