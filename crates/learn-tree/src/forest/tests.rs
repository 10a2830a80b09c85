//! What a forest adds to its trees: samples of rows, out-of-bag answers, means.

use kolosal_learner::{FitError, FittedModel, Target, Task, TrainView};
use std::time::Duration;

use super::RandomForest;
use crate::testing::{
    SETTING, Setting, assert_near, check_bytes, check_edges, check_threads, classes, fit, frame, mixed,
    numbers, point, predict, try_fit, values,
};

fn rmse(found: &[f64], target: &[f64]) -> f64 {
    let sum: f64 = found.iter().zip(target).map(|(a, b)| (a - b).powi(2)).sum();
    (sum / target.len() as f64).sqrt()
}

#[test]
fn out_of_bag_answers_are_as_good_as_answers_for_fresh_rows() {
    let data = mixed(4000);
    let (old, fresh): (Vec<u32>, Vec<u32>) = (0..4000_u32).partition(|row| row % 2 == 0);
    let target: Vec<f64> = old.iter().map(|&row| data.number[row as usize]).collect();
    let train = TrainView::new(
        data.frame.select(&old),
        Target::Numbers(&target),
        None,
        Task::Regression,
    )
    .expect("rows");
    let model = fit(&RandomForest, &[], &train);
    let unseen = model.out_of_bag().expect("a bootstrap").values().to_vec();
    let answers = predict(model.as_ref(), &data.frame.select(&fresh).to_frame());
    let fresh_target: Vec<f64> = fresh.iter().map(|&row| data.number[row as usize]).collect();
    let (inside, outside) = (rmse(&unseen, &target), rmse(&answers, &fresh_target));
    // Two standard errors of an error over 2000 rows are about 3 %; out-of-bag means use a third of the trees.
    assert!((inside / outside - 1.0).abs() < 0.08, "{inside} {outside}");
    let seen = predict(model.as_ref(), &data.frame.select(&old).to_frame());
    assert!(rmse(&seen, &target) < 0.6 * inside);
}

#[test]
fn rows_that_every_tree_saw_have_no_out_of_bag_answer() {
    let train = numbers(&[&[1.0, 2.0, 3.0, 4.0]]);
    let model = fit(
        &RandomForest,
        &[("n_estimators", "1")],
        &classes(&train, &[0, 1, 0, 1], 2),
    );
    let answers = model.out_of_bag().expect("a bootstrap");
    let empty = (0..4)
        .filter(|&row| answers.row(row).iter().all(|p| p.is_nan()))
        .count();
    assert!(
        (1..4).contains(&empty),
        "a bootstrap of four rows sees some and misses some"
    );
    for pairs in [[("oob_score", "false")], [("bootstrap", "false")]] {
        assert!(
            fit(&RandomForest, &pairs, &classes(&train, &[0, 1, 0, 1], 2))
                .out_of_bag()
                .is_none()
        );
    }
}

#[test]
fn a_column_of_noise_has_little_importance_and_shares_sum_to_one() {
    let data = mixed(2000);
    for train in [
        classes(&data.frame, &data.two, 2),
        classes(&data.frame, &data.three, 3),
        values(&data.frame, &data.number),
    ] {
        let shares = fit(
            &RandomForest,
            &[("min_samples_leaf", "20"), ("max_features", "all")],
            &train,
        )
        .importances()
        .expect("trees have them");
        assert_near(&[shares.iter().sum()], &[1.0], 1e-12);
        assert!(shares[3] < 0.05 && shares[0] > 0.3, "{shares:?}");
    }
}

#[test]
fn probabilities_sum_to_one_and_separate_the_classes() {
    let data = mixed(2000);
    for (codes, count) in [(&data.two, 2_usize), (&data.three, 3)] {
        let model = fit(&RandomForest, &[], &classes(&data.frame, codes, count as u32));
        let unseen = model.out_of_bag().expect("a bootstrap");
        assert!((0..2000).all(|row| (unseen.row(row).iter().sum::<f64>() - 1.0).abs() < 1e-12));
        let right = (0..2000).filter(|&row| unseen.class(row) == codes[row]).count();
        assert!(right > 1500, "{right} of 2000 rows of {count} classes");
    }
}

#[test]
fn rows_of_weight_zero_teach_nothing() {
    let data = mixed(400);
    let weights: Vec<f64> = (0..400).map(|row| f64::from(u8::from(row % 2 == 0))).collect();
    let mut spoiled = data.number.clone();
    (1..400).step_by(2).for_each(|row| spoiled[row] = 1e6);
    let answers = |target: &[f64]| {
        let train = TrainView::new(
            data.frame.view(),
            Target::Numbers(target),
            Some(&weights),
            Task::Regression,
        );
        predict(
            fit(&RandomForest, &[], &train.expect("fit rows")).as_ref(),
            &data.frame,
        )
    };
    assert_eq!(answers(&data.number), answers(&spoiled));
}

#[test]
fn fewer_samples_a_tree_make_smaller_trees() {
    let data = mixed(1000);
    let size = |pairs: &[(&str, &str)]| {
        crate::testing::bytes(fit(&RandomForest, pairs, &values(&data.frame, &data.number)).as_ref()).len()
    };
    assert!(size(&[("max_samples", "0.1")]) * 5 < size(&[]));
}

#[test]
fn repeated_rows_and_many_levels_do_no_harm() {
    let words: Vec<String> = (0..1200).map(|i| format!("{:04}", i % 600)).collect();
    let codes: Vec<u32> = (0..1200).map(|i| u32::from(i % 600 < 200)).collect();
    let train = frame(vec![kolosal_frame::Column::categories(&words)]);
    let model = fit(
        &RandomForest,
        &[("max_bins", "1000")],
        &classes(&train, &codes, 2),
    );
    let answers = predict(model.as_ref(), &train);
    assert!((0..1200).all(|row| (answers[row * 2 + 1] > 0.5) == (codes[row] == 1)));
}

#[test]
fn edge_rows_give_a_model() {
    check_edges(&RandomForest);
}

#[test]
fn threads_do_not_change_the_forest() {
    let data = mixed(1500);
    let pairs = [("n_estimators", "20")];
    check_threads(&RandomForest, &pairs, &classes(&data.frame, &data.two, 2));
    check_threads(&RandomForest, &pairs, &classes(&data.frame, &data.three, 3));
    check_threads(&RandomForest, &pairs, &values(&data.frame, &data.number));
}

#[test]
fn bytes_are_read_back_and_not_trusted() {
    let data = mixed(80);
    let pairs = [("n_estimators", "3")];
    check_bytes(&RandomForest, &pairs, &classes(&data.frame, &data.two, 2));
    check_bytes(&RandomForest, &pairs, &classes(&data.frame, &data.three, 3));
    check_bytes(&RandomForest, &pairs, &values(&data.frame, &data.number));
}

#[test]
fn a_fit_stops_at_its_deadline_and_within_its_memory() {
    let data = mixed(100);
    let train = classes(&data.frame, &data.two, 2);
    let late = Setting {
        deadline: Some(Duration::ZERO),
        threads: 2,
        ..SETTING
    };
    assert_eq!(
        try_fit(&RandomForest, &[], &train, &late).err(),
        Some(FitError::OutOfTime)
    );
    // Enough for the bins and for growing, not for a hundred finished trees.
    let poor = Setting {
        memory: 60_000,
        ..SETTING
    };
    assert!(matches!(
        try_fit(&RandomForest, &[], &train, &poor).err(),
        Some(FitError::Memory(_))
    ));
}

#[test]
fn sampling_without_a_bootstrap_is_refused_with_the_rule() {
    let found = kolosal_learner::Learner::check(
        &RandomForest,
        &point(&[("bootstrap", "false"), ("max_samples", "0.5")]),
    );
    assert_eq!(
        found.expect_err("a conflict").to_string(),
        "parameters bootstrap and max_samples conflict: without bootstrap every tree sees all rows, so max_samples must be 1"
    );
}

#[test]
fn a_model_is_the_mean_of_its_trees() {
    let data = mixed(200);
    let train = values(&data.frame, &data.number);
    let many: Box<dyn FittedModel> = fit(
        &RandomForest,
        &[
            ("n_estimators", "2"),
            ("bootstrap", "false"),
            ("max_features", "all"),
        ],
        &train,
    );
    // Without sampling of rows or columns all trees are full and answer training rows exactly.
    assert_near(&predict(many.as_ref(), &data.frame), &data.number, 1e-12);
}
