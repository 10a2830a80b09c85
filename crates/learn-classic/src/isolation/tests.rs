//! Scores by hand, and strange rows among usual ones.

use kolosal_frame::Column;
use kolosal_learner::Task;

use super::Isolation;
use super::model::mean_depth;
use crate::testing::Table;

#[test]
fn the_mean_depth_is_that_of_the_paper() {
    assert_eq!([mean_depth(1), mean_depth(2)], [0.0, 1.0]);
    // 2 (ln 255 + 0.5772156649) - 2 * 255 / 256
    assert!(
        (mean_depth(256) - 10.244_770_920_119_6).abs() < 1e-9,
        "{}",
        mean_depth(256)
    );
}

#[test]
fn two_rows_are_parted_by_the_first_cut_and_score_one_half() {
    let table = Table::unlabelled(vec![Column::numbers(vec![1.0, 5.0])], Task::Anomaly);
    let answers = table.answers(table.fit(&Isolation, &[]).as_ref());
    assert_eq!(answers, [0.5, 0.0, 0.5, 0.0]);
}

#[test]
fn a_row_far_out_is_the_strangest_and_the_border_leaves_the_asked_share() {
    let mut values: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100) / 100.0).collect();
    values.push(9.0);
    let table = Table::unlabelled(vec![Column::numbers(values)], Task::Anomaly);
    let answers = table.answers(table.fit(&Isolation, &[("contamination", "0.05")]).as_ref());
    let scores: Vec<f64> = answers.chunks_exact(2).map(|answer| answer[0]).collect();
    assert!(scores[..100].iter().all(|score| *score < scores[100]));
    let beyond = answers.chunks_exact(2).filter(|answer| answer[1] == 1.0).count();
    assert!((4..=6).contains(&beyond), "{beyond} of 101");
}
