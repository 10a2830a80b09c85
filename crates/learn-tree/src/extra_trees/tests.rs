//! What random cuts promise.

use kolosal_learner::{Target, Task, TrainView};

use super::ExtraTrees;
use crate::testing::{
    assert_near, check_bytes, check_edges, check_threads, classes, fit, frame, mixed, numbers, predict,
    values,
};

#[test]
fn thresholds_are_uniform_between_the_values_of_a_node() {
    // One split between 0 and 10: the share of trees that send x to the right is x / 10.
    let train = numbers(&[&[0.0, 10.0]]);
    let model = fit(
        &ExtraTrees,
        &[("n_estimators", "4000")],
        &classes(&train, &[0, 1], 2),
    );
    let answers = predict(model.as_ref(), &numbers(&[&[1.0, 2.5, 5.0, 9.0]]));
    let ones: Vec<f64> = answers.chunks(2).map(|pair| pair[1]).collect();
    // Four standard deviations of a share of 4000 trees.
    assert_near(&ones, &[0.1, 0.25, 0.5, 0.9], 0.032);
}

#[test]
fn full_trees_know_their_rows() {
    let data = mixed(500);
    let model = fit(
        &ExtraTrees,
        &[("n_estimators", "5")],
        &values(&data.frame, &data.number),
    );
    assert_near(&predict(model.as_ref(), &data.frame), &data.number, 1e-12);
    assert!(model.out_of_bag().is_none());
    let sampled = fit(
        &ExtraTrees,
        &[("bootstrap", "true")],
        &values(&data.frame, &data.number),
    );
    assert!(sampled.out_of_bag().is_some());
}

#[test]
fn levels_and_missing_values_are_sent_to_random_sides() {
    let words: Vec<&str> = (0..80).map(|i| ["a", "b", "", "c"][i % 4]).collect();
    let codes: Vec<u32> = (0..80).map(|i| [0, 1, 1, 0][i % 4]).collect();
    let train = frame(vec![kolosal_frame::Column::categories(&words)]);
    for count in [2, 3] {
        let model = fit(
            &ExtraTrees,
            &[("n_estimators", "10")],
            &classes(&train, &codes, count),
        );
        let answers = predict(model.as_ref(), &train);
        let right = |(row, answer): (usize, &[f64])| answer[codes[row] as usize] == 1.0;
        assert!(answers.chunks(count as usize).enumerate().all(right));
    }
}

#[test]
fn whole_weights_and_counts_grow_the_same_trees() {
    let data = mixed(300);
    let ones = vec![1.0; 300];
    for (target, task) in [
        (
            Target::Classes {
                codes: &data.two,
                count: 2,
            },
            Task::Binary,
        ),
        (Target::Numbers(&data.number), Task::Regression),
    ] {
        let answers = |weights: Option<&[f64]>| {
            let train = TrainView::new(data.frame.view(), target, weights, task).expect("fit rows");
            predict(
                fit(&ExtraTrees, &[("min_samples_leaf", "5")], &train).as_ref(),
                &data.frame,
            )
        };
        assert_near(&answers(None), &answers(Some(&ones)), 1e-9);
    }
}

#[test]
fn edge_rows_give_a_model() {
    check_edges(&ExtraTrees);
}

#[test]
fn threads_do_not_change_the_trees() {
    let data = mixed(1000);
    let pairs = [("n_estimators", "20")];
    check_threads(&ExtraTrees, &pairs, &classes(&data.frame, &data.two, 2));
    check_threads(&ExtraTrees, &pairs, &classes(&data.frame, &data.three, 3));
    check_threads(&ExtraTrees, &pairs, &values(&data.frame, &data.number));
}

#[test]
fn bytes_are_read_back_and_not_trusted() {
    let data = mixed(60);
    let pairs = [("n_estimators", "3")];
    check_bytes(&ExtraTrees, &pairs, &classes(&data.frame, &data.two, 2));
    check_bytes(&ExtraTrees, &pairs, &classes(&data.frame, &data.three, 3));
    check_bytes(&ExtraTrees, &pairs, &values(&data.frame, &data.number));
}
