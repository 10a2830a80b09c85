//! Facts about the compiled form: above all that its scores are those of the plain walk, bit for bit.

use kolosal_learner::{Decoder, FittedModel};

use super::Form;
use super::testing::{frame_of, sample_rows};
use crate::boost::compiled::random_model::{SampleGrowth, SampleShape, sample_model};
use crate::boost::model::BoostModel;
use crate::testing::bytes;

/// One row and many rows, all trees and the first few, against the walk of tree after tree.
fn check(model: &BoostModel, shape: &SampleShape, count: usize) {
    let rows = sample_rows(shape, count);
    let frame = frame_of(shape, &rows);
    let width = model.output_count();
    for trees in [0, 1, 3, 9, usize::MAX] {
        let mut many = vec![0.0; count * width];
        model.scores_into(frame.view(), trees, &mut many);
        let mut scorer = model.scorer();
        let mut plain = vec![0.0; width];
        for (row, many) in rows.iter().zip(many.chunks_exact(width)) {
            model.score_into(row, trees, &mut plain);
            let expected: Vec<u64> = plain.iter().map(|score| score.to_bits()).collect();
            let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(many), expected, "many rows, {trees} trees of {shape:?}");
            assert_eq!(
                bits(scorer.scores(row, trees)),
                expected,
                "one row, {trees} trees of {shape:?}"
            );
        }
    }
}

#[test]
fn compiled_scores_are_those_of_the_plain_walk_bit_for_bit() {
    use SampleGrowth::{LeafWise, LeafWiseLines, Oblivious};
    for (growth, leaves) in [
        (LeafWise, 31),
        (LeafWise, 1),
        (LeafWise, 2),
        (LeafWise, 256),
        (LeafWise, 300),
        (Oblivious, 64),
        (Oblivious, 2),
        (Oblivious, 1024),
        (LeafWiseLines, 12),
        (LeafWiseLines, 300),
    ] {
        for (columns, category_columns, outputs) in [(1, 0, 1), (30, 0, 1), (7, 4, 1), (6, 2, 3), (3, 3, 2)] {
            let shape = SampleShape {
                trees: 21,
                leaves,
                columns,
                category_columns,
                outputs,
                growth,
                seed: leaves as u64,
            };
            check(&sample_model(&shape), &shape, 70);
        }
    }
    let shape = SampleShape {
        trees: 12,
        leaves: 20,
        ..SampleShape::default()
    };
    check(&sample_model(&shape), &shape, 600);
}

#[test]
fn trees_of_several_forms_add_up_in_their_order() {
    let shapes = [
        (SampleGrowth::LeafWise, 9),
        (SampleGrowth::Oblivious, 16),
        (SampleGrowth::LeafWise, 400),
    ];
    let shape_of = |(growth, leaves): (SampleGrowth, usize)| SampleShape {
        trees: 20,
        leaves,
        columns: 5,
        growth,
        ..SampleShape::default()
    };
    let models = shapes.map(|shape| sample_model(&shape_of(shape)));
    let mut mixed = models[0].clone();
    mixed.trees = (0..60)
        .map(|at| models[at / 3 % 3].trees[at % 20].clone())
        .collect();
    let forms: Vec<Form> = mixed.compiled().runs.iter().map(|run| run.form).collect();
    assert_eq!(forms[..3], [Form::Packed, Form::Oblivious, Form::Plain]);
    check(&mixed, &shape_of(shapes[0]), 65);
}

#[test]
fn one_row_may_hold_infinite_numbers() {
    let shape = SampleShape::default();
    let model = sample_model(&shape);
    for value in [f64::INFINITY, f64::NEG_INFINITY] {
        let row = vec![value; shape.columns];
        let mut plain = [0.0];
        model.score_into(&row, usize::MAX, &mut plain);
        assert_eq!(model.scorer().scores(&row, usize::MAX), plain);
    }
}

#[test]
fn columns_with_thousands_of_thresholds_stay_exact() {
    let shape = SampleShape {
        trees: 40,
        leaves: 60,
        columns: 2,
        ..SampleShape::default()
    };
    let mut model = sample_model(&shape);
    // Thresholds of their own for each tree, so that a column has more than its bins offer.
    for (at, tree) in model.trees.iter_mut().enumerate() {
        *tree = shifted(tree, at as f64 * 1e-5);
    }
    assert!(model.compiled().codebook.len() > 8);
    check(&model, &shape, 130);
}

/// The same tree with every threshold moved.
fn shifted(tree: &crate::boost::model::BoostTree, by: f64) -> crate::boost::model::BoostTree {
    use crate::tree::{Test, Tree};
    let mut moved = tree.clone();
    moved.tree = Tree::new(1);
    let nodes = 0..tree.tree.node_count() as u32;
    let mut splits: Vec<(u32, u32, usize)> = nodes
        .clone()
        .filter_map(|node| {
            tree.tree
                .split_of(node)
                .map(|(column, left)| (left, node, column))
        })
        .collect();
    splits.sort_unstable();
    for (_, node, column) in splits {
        let (Test::UpTo(cut), side) = tree.tree.test_of(node) else {
            panic!("numbers only")
        };
        moved.tree.split(node, column as u32, &Test::UpTo(cut + by), side);
    }
    for node in nodes {
        if let Some(answer) = tree.tree.answer_of(node) {
            moved.tree.set_answer(node, answer);
        }
    }
    moved
}

#[test]
fn a_loaded_model_is_compiled_and_answers_like_the_saved_one() {
    let shape = SampleShape::default();
    let model = sample_model(&shape);
    let saved = bytes(&model);
    let loaded = BoostModel::load(&mut Decoder::new(&saved)).expect("a saved model");
    assert!(loaded == model);
    assert!(loaded.heap_bytes() > model.heap_bytes());
    check(&loaded, &shape, 10);
    let row = vec![0.3; shape.columns];
    let (mut one, mut many) = ([0.0], [0.0]);
    loaded.scorer().answer_into(&row, &mut one);
    loaded.predict_into(frame_of(&shape, &[row]).view(), &mut many);
    assert_eq!(one, many);
}

#[test]
fn the_compiled_form_is_about_half_the_model_at_most() {
    let model = sample_model(&SampleShape::default());
    let plain = model.heap_bytes();
    model.compile();
    let compiled = model.heap_bytes() - plain;
    assert!(compiled < plain * 6 / 10, "{compiled} on top of {plain}");
}
