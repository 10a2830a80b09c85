//! Facts about explanations: they agree with the definition, add up, and do not depend on threads.

use kolosal_base::Cancel;
use kolosal_compute::Workers;
use kolosal_frame::Frame;

use super::brute_force::{conditional, interaction, interventional, shapley};
use super::paths::resolve;
use super::{BackgroundShap, Cover, Effort, ExplainError, ImportanceKind, TreeShap};
use crate::boost::compiled::random_model::{SampleGrowth, SampleShape, sample_model};
use crate::boost::compiled::testing::{frame_of, sample_rows};
use crate::boost::model::BoostModel;
use crate::testing::assert_near;

const SMALL: SampleShape = SampleShape {
    trees: 6,
    leaves: 14,
    columns: 6,
    category_columns: 2,
    outputs: 1,
    growth: SampleGrowth::LeafWise,
    seed: 5,
};

fn shapes() -> Vec<SampleShape> {
    let oblivious = SampleGrowth::Oblivious;
    vec![
        SMALL,
        SampleShape {
            outputs: 3,
            seed: 6,
            ..SMALL
        },
        SampleShape {
            growth: oblivious,
            leaves: 16,
            ..SMALL
        },
        SampleShape {
            columns: 2,
            category_columns: 1,
            leaves: 30,
            ..SMALL
        },
        SampleShape {
            columns: 1,
            category_columns: 0,
            leaves: 9,
            ..SMALL
        },
        SampleShape { leaves: 1, ..SMALL },
    ]
}

fn with_effort<T>(threads: usize, act: impl FnOnce(Effort<'_>) -> T) -> T {
    let (workers, cancel) = (Workers::new(threads), Cancel::new());
    act(Effort {
        workers: &workers,
        cancel: &cancel,
    })
}

fn values(shap: &TreeShap<'_>, frame: &Frame, width: usize) -> Vec<f64> {
    let mut out = vec![f64::NAN; frame.row_count() * width];
    with_effort(1, |effort| shap.values_into(frame.view(), effort, &mut out)).expect("not cancelled");
    out
}

#[test]
fn path_dependent_values_and_interactions_agree_with_the_definition() {
    for (shape, cover) in shapes()
        .into_iter()
        .flat_map(|s| [(s, Cover::Rows), (s, Cover::Weights)])
    {
        let model = sample_model(&shape);
        let (rows, columns) = (sample_rows(&shape, 8), shape.columns);
        let frame = frame_of(&shape, &rows);
        let shap = TreeShap::new(&model, cover).expect("an explainable model");
        let found = values(&shap, &frame, shape.outputs * columns);
        let mut pairs = vec![0.0; found.len() * columns];
        with_effort(1, |effort| {
            shap.interactions_into(frame.view(), effort, &mut pairs)
        })
        .expect("not cancelled");
        let measure = resolve(&model, cover);
        for (at, row) in rows.iter().enumerate() {
            for output in 0..shape.outputs {
                let line = at * shape.outputs + output;
                let game = |present: u32| conditional(&model, measure, row, output, present);
                assert_near(&shap.expected()[output..=output], &[game(0)], 1e-12);
                assert_near(
                    &found[line * columns..][..columns],
                    &shapley(columns, &game),
                    1e-12,
                );
                let matrix = &pairs[line * columns * columns..][..columns * columns];
                check_pairs(matrix, &found[line * columns..][..columns], &game);
            }
        }
    }
}

fn check_pairs(matrix: &[f64], values: &[f64], game: &dyn Fn(u32) -> f64) {
    let columns = values.len();
    for i in 0..columns {
        let sum: f64 = matrix[i * columns..(i + 1) * columns].iter().sum();
        assert_near(&[sum], &values[i..=i], 1e-12);
        for j in 0..i {
            let expected = interaction(columns, (i, j), game);
            assert_near(
                &[matrix[i * columns + j], matrix[j * columns + i]],
                &[expected; 2],
                1e-12,
            );
        }
    }
}

#[test]
fn values_against_a_background_agree_with_the_definition() {
    for shape in shapes() {
        let model = sample_model(&shape);
        let rows = sample_rows(&shape, 6);
        let background = sample_rows(&SampleShape { seed: 77, ..shape }, 9);
        let shap = BackgroundShap::new(&model, frame_of(&shape, &background).view()).expect("explainable");
        let mut found = vec![0.0; rows.len() * shape.outputs * shape.columns];
        let frame = frame_of(&shape, &rows);
        with_effort(1, |effort| shap.values_into(frame.view(), effort, &mut found)).expect("not cancelled");
        for (at, row) in rows.iter().enumerate() {
            for output in 0..shape.outputs {
                let game = |present: u32| interventional(&model, &background, row, output, present);
                assert_near(&shap.expected()[output..=output], &[game(0)], 1e-12);
                let line = &found[(at * shape.outputs + output) * shape.columns..][..shape.columns];
                assert_near(line, &shapley(shape.columns, &game), 1e-12);
            }
        }
    }
}

#[test]
fn values_of_large_models_add_up_to_the_score() {
    for growth in [SampleGrowth::LeafWise, SampleGrowth::Oblivious] {
        let shape = SampleShape {
            trees: 30,
            leaves: 200,
            columns: 40,
            category_columns: 5,
            outputs: 2,
            growth,
            seed: 3,
        };
        let model = sample_model(&shape);
        let rows = sample_rows(&shape, 40);
        let frame = frame_of(&shape, &rows);
        let shap = TreeShap::new(&model, Cover::Auto).expect("explainable");
        check_sums(&model, &frame, shap.expected(), &values(&shap, &frame, 80));
        let shap = BackgroundShap::new(&model, frame.view()).expect("explainable");
        let mut found = vec![0.0; 40 * 80];
        with_effort(1, |effort| shap.values_into(frame.view(), effort, &mut found)).expect("not cancelled");
        check_sums(&model, &frame, shap.expected(), &found);
    }
}

fn check_sums(model: &BoostModel, frame: &Frame, expected: &[f64], values: &[f64]) {
    let outputs = expected.len();
    let mut scores = vec![0.0; frame.row_count() * outputs];
    model.scores_into(frame.view(), usize::MAX, &mut scores);
    for (at, line) in values.chunks_exact(values.len() / scores.len()).enumerate() {
        let sum = expected[at % outputs] + line.iter().sum::<f64>();
        assert_near(&[sum], &scores[at..=at], 1e-11);
    }
}

#[test]
fn threads_change_no_value() {
    let shape = SampleShape { outputs: 2, ..SMALL };
    let model = sample_model(&shape);
    let frame = frame_of(&shape, &sample_rows(&shape, 50));
    let shap = TreeShap::new(&model, Cover::Auto).expect("explainable");
    let one = values(&shap, &frame, 12);
    let mut many = vec![0.0; one.len()];
    with_effort(5, |effort| shap.values_into(frame.view(), effort, &mut many)).expect("not cancelled");
    assert_eq!(one, many);
}

#[test]
fn a_request_to_stop_is_heard() {
    let model = sample_model(&SMALL);
    let frame = frame_of(&SMALL, &sample_rows(&SMALL, 3));
    let shap = TreeShap::new(&model, Cover::Auto).expect("explainable");
    let (workers, cancel) = (Workers::new(1), Cancel::new());
    cancel.request();
    let effort = Effort {
        workers: &workers,
        cancel: &cancel,
    };
    let stopped = shap.values_into(frame.view(), effort, &mut [0.0; 18]);
    assert_eq!(stopped, Err(ExplainError::Cancelled));
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let lines = sample_model(&SampleShape {
        growth: SampleGrowth::LeafWiseLines,
        ..SMALL
    });
    let refused = TreeShap::new(&lines, Cover::Auto).err();
    assert_eq!(refused, Some(ExplainError::LinearLeaves { tree: 0 }));
    let mut bare = sample_model(&SMALL);
    bare.trees[2].facts.fill(Default::default());
    let refused = TreeShap::new(&bare, Cover::Rows).err();
    assert_eq!(refused, Some(ExplainError::NoCovers { tree: 2 }));
    let frame = frame_of(&SMALL, &[]);
    let refused = BackgroundShap::new(&bare, frame.view()).err();
    assert_eq!(refused, Some(ExplainError::EmptyBackground));
}

#[test]
fn importances_add_up_over_the_splits() {
    let model = sample_model(&SMALL);
    let splits = model.importances_by(ImportanceKind::Splits);
    assert_eq!(splits.iter().sum::<f64>(), 6.0 * 13.0);
    let gains = model.importances_by(ImportanceKind::Gain);
    let all = model.trees.iter().flat_map(|tree| &tree.facts);
    assert_near(
        &[gains.iter().sum()],
        &[all.map(|facts| f64::from(facts.gain)).sum()],
        1e-9,
    );
    let rows = model.importances_by(ImportanceKind::Cover(Cover::Rows));
    let weights = model.importances_by(ImportanceKind::Cover(Cover::Weights));
    let quarter: Vec<f64> = rows.iter().map(|rows| rows / 4.0).collect();
    assert_near(&weights, &quarter, 1e-6);
}
