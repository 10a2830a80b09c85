//! Hand-computed splits, scikit-learn's answers, and the properties a single tree promises.

use kolosal_frame::{Column, Frame, FrameView, SparseNumbers};
use kolosal_learner::{FitError, Target, Task, TrainView};
use std::sync::Arc;
use std::time::Duration;

use super::DecisionTree;
use crate::testing::{
    SETTING, Setting, assert_near, bytes, check_bytes, check_edges, check_threads, classes, fit, frame,
    mixed, numbers, predict, try_fit, values,
};

#[test]
fn the_first_split_is_the_one_computed_by_hand() {
    // Of the cuts behind 1, 2, 4 and 8 the one at (2 + 4) / 2 = 3 separates the classes.
    let train = numbers(&[&[1.0, 2.0, 4.0, 8.0]]);
    let model = fit(&DecisionTree, &[], &classes(&train, &[0, 0, 1, 1], 2));
    let asked = numbers(&[&[2.9, 3.0, 3.1]]);
    assert_eq!(predict(model.as_ref(), &asked), [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    // Cuts gain 1 * 3 / 4 * 4^2 = 12, 1 and 0.75: behind the first row; the rest keeps its mean.
    let model = fit(
        &DecisionTree,
        &[("max_depth", "1")],
        &values(&train, &[0.0, 5.0, 4.0, 3.0]),
    );
    assert_eq!(
        predict(model.as_ref(), &numbers(&[&[1.4, 1.6, 100.0]])),
        [0.0, 4.0, 4.0]
    );
}

/// The data of `benches/parity/trees/reference.py`, which made the numbers below with scikit-learn 1.9.1.
fn reference() -> (Frame, Vec<u32>, Vec<u32>, Vec<f64>, Frame) {
    let row = |i: u32| {
        [
            f64::from(i * 37 % 101) / 4.0,
            f64::from(i * 53 % 97) / 8.0,
            f64::from(i * i % 31) / 2.0,
        ]
    };
    let column = |at: usize| (0..60).map(|i| row(i)[at]).collect::<Vec<f64>>();
    let [x0, x1, x2] = [0, 1, 2].map(column);
    let three: Vec<u32> = (0..60_u32)
        .map(|i| {
            let x = row(i);
            (u32::from(x[0] > 12.0) + u32::from(x[1] + x[2] > 14.0) + u32::from(i % 7 == 0)) % 3
        })
        .collect();
    let two = three.iter().map(|&class| u32::from(class > 0)).collect();
    let number = (0..60)
        .map(|i| row(i)[0] * row(i)[1] - 3.0 * row(i)[2] + f64::from(i * 29 % 13))
        .collect();
    let asked = numbers(&[
        &[1.0, 20.0, 5.0, 13.0, 24.0],
        &[1.0, 3.0, 11.0, 6.0, 12.0],
        &[1.0, 2.0, 9.0, 14.0, 0.0],
    ]);
    (numbers(&[&x0, &x1, &x2]), two, three, number, asked)
}

// Importances are left empty where splits gain the same and scikit-learn's own depend on its seed.

#[test]
fn two_classes_are_answered_as_scikit_learn_does() {
    let (train, two, _, _, asked) = reference();
    let check = |pairs: &[(&str, &str)], answers: [f64; 5], importances: &[f64]| {
        let model = fit(&DecisionTree, pairs, &classes(&train, &two, 2));
        let found: Vec<f64> = predict(model.as_ref(), &asked)
            .chunks(2)
            .map(|pair| pair[1])
            .collect();
        assert_near(&found, &answers, 1e-11);
        let shares = model.importances().expect("trees have them");
        assert_near(&shares[..importances.len()], importances, 1e-11);
    };
    let depth = [0.157894736842, 1.0, 0.157894736842, 1.0, 1.0];
    check(&[("max_depth", "3")], depth, &[]);
    check(&[("max_depth", "3"), ("criterion", "entropy")], depth, &[]);
    let leaf = [0.142857142857, 1.0, 0.428571428571, 1.0, 0.666666666667];
    let shares = [0.632240123435, 0.068288241415, 0.29947163515];
    check(&[("min_samples_leaf", "5")], leaf, &shares);
    check(&[("min_weight_fraction_leaf", "0.1")], leaf, &shares);
    check(&[("ccp_alpha", "0.02")], [0.0, 1.0, 1.0, 1.0, 1.0], &[]);
}

#[test]
fn three_classes_are_answered_as_scikit_learn_does() {
    let (train, _, three, _, asked) = reference();
    let check = |pairs: &[(&str, &str)], answers: [[f64; 3]; 5], importances: &[f64]| {
        let model = fit(&DecisionTree, pairs, &classes(&train, &three, 3));
        assert_near(&predict(model.as_ref(), &asked), answers.as_flattened(), 1e-11);
        let shares = model.importances().expect("trees have them");
        assert_near(&shares[..importances.len()], importances, 1e-11);
    };
    let [a, b] = [
        [0.842105263158, 0.157894736842, 0.0],
        [0.153846153846, 0.0, 0.846153846154],
    ];
    let one = [0.0, 1.0, 0.0];
    let last = [0.0, 0.714285714286, 0.285714285714];
    check(&[("max_depth", "3")], [a, one, a, b, last], &[]);
    check(
        &[("max_depth", "3"), ("criterion", "log_loss")],
        [
            [0.809523809524, 0.190476190476, 0.0],
            one,
            [0.25, 0.75, 0.0],
            b,
            last,
        ],
        &[],
    );
    let c = [0.0, 0.875, 0.125];
    check(
        &[("max_leaf_nodes", "6")],
        [[0.8, 0.2, 0.0], c, [0.8, 0.2, 0.0], b, c],
        &[0.323951032408, 0.198079186122, 0.477969781471],
    );
    check(
        &[("ccp_alpha", "0.02")],
        [[1.0, 0.0, 0.0], c, one, [0.0, 0.0, 1.0], c],
        &[],
    );
}

#[test]
fn numbers_are_answered_as_scikit_learn_does() {
    let (train, _, _, number, asked) = reference();
    let check = |pairs: &[(&str, &str)], answers: [f64; 5], importances: [f64; 3]| {
        let model = fit(&DecisionTree, pairs, &values(&train, &number));
        assert_near(&predict(model.as_ref(), &asked), &answers, 1e-10);
        assert_near(
            &model.importances().expect("trees have them"),
            &importances,
            1e-11,
        );
    };
    check(
        &[("max_leaf_nodes", "6")],
        [
            8.561141304348,
            8.561141304348,
            86.385416666667,
            98.21875,
            195.78125,
        ],
        [0.284575405151, 0.715424594849, 0.0],
    );
    let pruned = [
        8.561141304348,
        8.561141304348,
        86.385416666667,
        98.21875,
        169.569444444444,
    ];
    let shares = [0.267124142808, 0.732875857192, 0.0];
    check(&[("ccp_alpha", "100")], pruned, shares);
    check(&[("min_impurity_decrease", "100")], pruned, shares);
    check(
        &[("min_samples_leaf", "8")],
        [
            20.9921875,
            20.9921875,
            136.295833333333,
            98.21875,
            136.295833333333,
        ],
        [0.160986766348, 0.817681692847, 0.021331540805],
    );
}

#[test]
fn a_weight_of_two_is_the_row_twice_and_of_zero_is_no_row() {
    let data = mixed(300);
    let weights: Vec<f64> = (0..300).map(|row| f64::from(row % 3)).collect();
    let repeated: Vec<u32> = (0..300_u32)
        .flat_map(|row| vec![row; (row % 3) as usize])
        .collect();
    let check = |target: Target<'_>, twice: Target<'_>| {
        let weighted = rows_of(data.frame.view(), target, Some(&weights));
        let plain = rows_of(data.frame.select(&repeated), twice, None);
        let [one, other] =
            [weighted, plain].map(|train| predict(fit(&DecisionTree, &[], &train).as_ref(), &data.frame));
        assert_near(&one, &other, 1e-9);
    };
    for (codes, count) in [(&data.two, 2), (&data.three, 3)] {
        let twice: Vec<u32> = repeated.iter().map(|&row| codes[row as usize]).collect();
        check(
            Target::Classes { codes, count },
            Target::Classes { codes: &twice, count },
        );
    }
    let twice: Vec<f64> = repeated.iter().map(|&row| data.number[row as usize]).collect();
    check(Target::Numbers(&data.number), Target::Numbers(&twice));
}

fn rows_of<'a>(features: FrameView<'a>, target: Target<'a>, weights: Option<&'a [f64]>) -> TrainView<'a> {
    let task = match target {
        Target::Numbers(_) => Task::Regression,
        Target::Classes { count, .. } => Task::classification(count),
        Target::Unknown { .. } => panic!("trees need answers"),
    };
    TrainView::new(features, target, weights, task).expect("fit rows")
}

#[test]
fn missing_values_go_to_the_side_that_fits_them() {
    let nan = f64::NAN;
    let train = numbers(&[&[1.0, 2.0, 3.0, 4.0, nan, nan]]);
    let asked = numbers(&[&[1.0, 4.0, nan]]);
    for (codes, expected) in [([0, 0, 1, 1, 0, 0], 0.0), ([0, 0, 1, 1, 1, 1], 1.0)] {
        let model = fit(&DecisionTree, &[], &classes(&train, &codes, 2));
        let ones: Vec<f64> = predict(model.as_ref(), &asked)
            .chunks(2)
            .map(|pair| pair[1])
            .collect();
        assert_eq!(ones, [0.0, 1.0, expected]);
    }
    // Only being missing tells the classes apart.
    let model = fit(&DecisionTree, &[], &classes(&train, &[1, 1, 1, 1, 0, 0], 2));
    assert_eq!(
        predict(model.as_ref(), &numbers(&[&[99.0, nan]])),
        [0.0, 1.0, 1.0, 0.0]
    );
    // Nothing was missing: the heavier side, here the right one.
    let full = numbers(&[&[1.0, 2.0, 3.0]]);
    let model = fit(&DecisionTree, &[], &values(&full, &[0.0, 5.0, 5.0]));
    assert_eq!(predict(model.as_ref(), &numbers(&[&[nan]])), [5.0]);
}

#[test]
fn a_category_is_split_as_well_as_the_best_of_all_subsets() {
    let words = ["a", "b", "c", "d", "e", "f"];
    let rows: Vec<&str> = (0..60).map(|i| words[(i * i + i / 7) % 6]).collect();
    let target: Vec<f64> = (0..60)
        .map(|i| f64::from((i * 13 % 17) as u8) + f64::from((rows[i].as_bytes()[0] % 7) * 5 % 6))
        .collect();
    let train = frame(vec![Column::categories(&rows)]);
    let model = fit(&DecisionTree, &[("max_depth", "1")], &values(&train, &target));
    let answers = predict(model.as_ref(), &train);
    let loss =
        |answer: &dyn Fn(usize) -> f64| -> f64 { (0..60).map(|i| (target[i] - answer(i)).powi(2)).sum() };
    let best = (1..63_u32)
        .map(|subset| {
            let side = |i: usize| subset >> (rows[i].as_bytes()[0] - b'a') & 1;
            let mean = |wanted: u32| {
                let members: Vec<f64> = (0..60)
                    .filter(|&i| side(i) == wanted)
                    .map(|i| target[i])
                    .collect();
                members.iter().sum::<f64>() / members.len() as f64
            };
            let means = [mean(0), mean(1)];
            loss(&|i| means[side(i) as usize])
        })
        .fold(f64::INFINITY, f64::min);
    assert_near(&[loss(&|i| answers[i])], &[best], 1e-9);
}

#[test]
fn a_level_that_was_never_seen_goes_where_missing_values_go() {
    let words: Vec<&str> = ["a", "a", "b", "b", "b", "c"].to_vec();
    let train = frame(vec![Column::categories(&words)]);
    let rows = [0, 1, 2, 3, 4];
    let codes = [0, 0, 1, 1, 1];
    let target = Target::Classes {
        codes: &codes,
        count: 2,
    };
    let view = TrainView::new(train.select(&rows), target, None, Task::Binary).expect("fit rows");
    let model = fit(&DecisionTree, &[], &view);
    // "b" is the heavier side.
    assert_eq!(predict(model.as_ref(), &train)[10..], [0.0, 1.0]);
}

#[test]
fn three_classes_order_levels_so_that_pure_ones_part() {
    let words: Vec<String> = (0..90).map(|i| format!("l{}", i % 9)).collect();
    let codes: Vec<u32> = (0..90).map(|i| [2, 0, 1, 0, 2, 1, 1, 0, 2][i % 9]).collect();
    let train = frame(vec![Column::categories(&words)]);
    let model = fit(
        &DecisionTree,
        &[("max_leaf_nodes", "3")],
        &classes(&train, &codes, 3),
    );
    let answers = predict(model.as_ref(), &train);
    assert!(
        codes
            .iter()
            .enumerate()
            .all(|(row, &class)| answers[row * 3 + class as usize] == 1.0)
    );
}

#[test]
fn a_sparse_column_grows_the_same_tree_as_a_dense_one() {
    let dense: Vec<f64> = (0..200)
        .map(|i| if i % 5 == 0 { f64::from(i) - 100.0 } else { 0.0 })
        .collect();
    let (rows, stored): (Vec<u32>, Vec<f64>) = (0_u32..)
        .zip(dense.iter().copied())
        .filter(|(_, value)| *value != 0.0)
        .unzip();
    let sparse = frame(vec![Column::Sparse(Arc::new(SparseNumbers::new(
        200, rows, stored,
    )))]);
    let target: Vec<f64> = dense.iter().map(|v| v.abs().sqrt()).collect();
    let [one, other] = [numbers(&[&dense]), sparse]
        .map(|frame| bytes(fit(&DecisionTree, &[], &values(&frame, &target)).as_ref()));
    assert_eq!(one, other);
}

#[test]
fn equal_classes_count_the_same_when_balanced() {
    let x: Vec<f64> = (0..100).map(|i| f64::from(i % 2)).collect();
    let codes: Vec<u32> = (0..100).map(|i| u32::from(i % 10 == 0)).collect();
    let train = numbers(&[&x]);
    let pairs = [("class_weight", "balanced"), ("max_depth", "1")];
    let model = fit(&DecisionTree, &pairs, &classes(&train, &codes, 2));
    // Of x = 0 are 10 rows of weight 5 and 40 rows of weight 100 / 180.
    assert_near(
        &predict(model.as_ref(), &numbers(&[&[0.0]])),
        &[40.0 / 130.0, 90.0 / 130.0],
        1e-12,
    );
}

#[test]
fn edge_rows_give_a_model() {
    check_edges(&DecisionTree);
}

#[test]
fn threads_do_not_change_the_tree() {
    // Enough rows for the columns of the first nodes to be spread over threads.
    let data = mixed(40_000);
    check_threads(
        &DecisionTree,
        &[("max_depth", "6")],
        &values(&data.frame, &data.number),
    );
    check_threads(
        &DecisionTree,
        &[("max_depth", "4"), ("splitter", "random")],
        &classes(&data.frame, &data.two, 2),
    );
    check_threads(
        &DecisionTree,
        &[("max_leaf_nodes", "9")],
        &classes(&data.frame, &data.three, 3),
    );
}

#[test]
fn bytes_are_read_back_and_not_trusted() {
    let data = mixed(120);
    check_bytes(&DecisionTree, &[], &classes(&data.frame, &data.two, 2));
    check_bytes(
        &DecisionTree,
        &[("max_depth", "4")],
        &classes(&data.frame, &data.three, 3),
    );
    check_bytes(&DecisionTree, &[], &values(&data.frame, &data.number));
}

#[test]
fn a_fit_stops_at_its_deadline_and_within_its_memory() {
    let data = mixed(100);
    let train = values(&data.frame, &data.number);
    let late = Setting {
        deadline: Some(Duration::ZERO),
        ..SETTING
    };
    assert_eq!(
        try_fit(&DecisionTree, &[], &train, &late).err(),
        Some(FitError::OutOfTime)
    );
    let poor = Setting {
        memory: 1000,
        ..SETTING
    };
    assert!(matches!(
        try_fit(&DecisionTree, &[], &train, &poor).err(),
        Some(FitError::Memory(_))
    ));
}
