//! Scores by hand, and rows in thin places.

use kolosal_frame::Column;
use kolosal_learner::Task;

use super::LocalOutlier;
use crate::testing::{Table, distance};

fn scores(values: Vec<f64>, settings: &[(&str, &str)]) -> Vec<f64> {
    let table = Table::unlabelled(vec![Column::numbers(values)], Task::Anomaly);
    let answers = table.answers(table.fit(&LocalOutlier, settings).as_ref());
    answers.chunks_exact(2).map(|answer| answer[0]).collect()
}

#[test]
fn scores_are_those_worked_out_by_hand() {
    // Rows at 0, 1, 2 and 6 with one neighbour, in any unit: reaches 1 (to 1), 1 (to 0, the earlier of two), 1 (to 1) and 4
    // (to 2); mean reaches 1, 1, 1 and 4; so the last is four times thinner than its neighbour.
    let found = scores(vec![0.0, 1.0, 2.0, 6.0], &[("n_neighbors", "1")]);
    assert!(distance(&found, &[1.0, 1.0, 1.0, 4.0]) < 1e-9, "{found:?}");
}

#[test]
fn rows_in_one_place_are_usual_and_one_apart_is_not() {
    let mut values = vec![3.0; 40];
    values.push(5.0);
    let found = scores(values, &[("n_neighbors", "5")]);
    assert!(found[..40].iter().all(|score| (score - 1.0).abs() < 1e-9));
    assert!(found[40] > 1e6 && found[40].is_finite(), "{}", found[40]);
}

#[test]
fn one_row_alone_and_more_neighbours_than_rows_are_answered() {
    assert_eq!(scores(vec![3.0], &[]), [1.0]);
    assert_eq!(scores(vec![3.0, 4.0], &[("n_neighbors", "10000")]).len(), 2);
}
