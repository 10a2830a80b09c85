//! The perceptron as a whole: gradients, reproducibility, edges.

use std::sync::Mutex;

use kolosal_base::{Cancel, Seed, SystemClock};
use kolosal_compute::kernels::tiles::{SIDE, outer_product};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learner::{
    Encoder, FitContext, FitError, FittedModel, Learn, ParamSet, Progress, Target, Task, TrainView,
};

use super::block::{Batch, Block};
use super::front::{Source, vectors_back};
use super::loss::{Answers, Known};
use super::network::{Layout, Network, Reading, Shape, Weights};
use super::start::start;
use super::{Mlp, MlpModel, MlpParams};
use crate::net::activation::{Dropout, Function};
use crate::table::{Columns, Encoded, Settings};

fn frame(columns: Vec<Column>) -> Frame {
    let field = |(at, column): (usize, Column)| {
        let kind = match column {
            Column::Categories(_) => Kind::Categorical,
            _ => Kind::Numeric,
        };
        (Field::new(format!("x{at}"), kind, "test"), column)
    };
    Frame::new(columns.into_iter().enumerate().map(field).collect()).expect("one length")
}

/// Numbers with gaps, three levels with places, five levels with vectors.
fn mixed(rows: usize) -> Frame {
    let number = |at: usize| {
        if at % 7 == 3 {
            f64::NAN
        } else {
            (at as f64 * 0.7).sin()
        }
    };
    let level = |at: usize, count: usize| ["a", "b", "c", "d", "e"][at * 3 % count];
    let levels = |count: usize| (0..rows).map(|at| level(at, count)).collect::<Vec<_>>();
    frame(vec![
        Column::numbers((0..rows).map(number).collect()),
        Column::numbers((0..rows).map(|at| (at as f64 * 1.3).cos()).collect()),
        Column::categories(&levels(3)),
        Column::categories(&levels(5)),
    ])
}

struct Heard(Mutex<Vec<String>>);

impl Progress for Heard {
    fn step(&self, _: u64, _: u64) {}

    fn warn(&self, message: &str) {
        self.0.lock().expect("nobody panics").push(message.to_owned());
    }
}

fn fit_at(
    threads: usize,
    params: &MlpParams,
    (frame, target, task): (&Frame, Target<'_>, Task),
) -> (Result<MlpModel, FitError>, Vec<String>) {
    let train = TrainView::new(frame.view(), target, None, task).expect("fit to learn from");
    let (workers, memory, clock, cancel) = (
        Workers::new(threads),
        Ledger::unlimited(),
        SystemClock::start(),
        Cancel::new(),
    );
    let heard = Heard(Mutex::default());
    let cx = FitContext {
        seed: Seed::new(3),
        workers: &workers,
        memory: &memory,
        clock: &clock,
        deadline: None,
        cancel: &cancel,
        progress: &heard,
        valid: None,
    };
    let model = Mlp::fit(&params.clone().check().expect("legal"), &train, &cx);
    (model, heard.0.into_inner().expect("nobody panicked"))
}

fn quick() -> MlpParams {
    MlpParams {
        n_epochs: 30,
        hidden_width: 40,
        n_hidden_layers: 2,
        max_one_hot: 3,
        ..MlpParams::default()
    }
}

fn answers(model: &MlpModel, frame: &Frame) -> Vec<f64> {
    let mut out = vec![f64::NAN; frame.row_count() * model.shape().1];
    model.predict_into(frame.view(), &mut out);
    out
}

/// The mean loss of a mini-batch under these weights, and the gradients that a block finds.
fn gradients(
    layout: &Layout,
    weights: &Weights,
    source: &Source<'_>,
    answers: &Answers<'_>,
) -> (f64, Weights) {
    let network = Network::new(layout, weights.clone());
    let reading = Reading::of_network(&network);
    let rows = (0..source.encoded.rows as u32).flat_map(|row| vec![row; layout.copies]);
    let rows: Vec<u32> = rows.take(super::block::ROWS).collect();
    let batch = Batch {
        reading: &reading,
        source,
        answers,
        rows: rows.len(),
        dropout: Dropout { seed: 0, share: 0.0 },
    };
    let mut block = Block::new(layout);
    block.pass(&batch, (0, &rows));
    let mut tiles = weights.tiles.clone();
    for (layer, dense) in layout.layers.iter().enumerate() {
        for tile in 0..dense.tile_count() {
            let panels = [tile % dense.input_panels(), tile / dense.input_panels()];
            outer_product(&[block.pair(layer, panels)], &mut tiles[dense.first + tile]);
            tiles[dense.first + tile]
                .iter_mut()
                .for_each(|g| *g *= dense.gain());
        }
    }
    let mut vectors = vec![0.0; weights.vectors.len()];
    vectors_back(layout, (source, &rows), block.input_gradient(), &mut vectors);
    let small = block.small().to_vec();
    (
        block.loss(),
        Weights {
            tiles,
            small,
            vectors,
        },
    )
}

/// Every kind of weight, reached by number.
fn weight(weights: &mut Weights, at: usize) -> &mut f32 {
    let (small, vectors) = (weights.small.len(), weights.vectors.len());
    match at {
        at if at < small => &mut weights.small[at],
        at if at < small + vectors => &mut weights.vectors[at - small],
        at => {
            let at = at - small - vectors;
            &mut weights.tiles[at / (SIDE * SIDE)][at % (SIDE * SIDE)]
        }
    }
}

#[test]
fn gradients_are_those_of_the_loss() {
    check_gradients(1);
}

#[test]
fn gradients_of_copies_are_those_of_the_mean_of_their_losses() {
    check_gradients(4);
}

fn check_gradients(copies: usize) {
    let frame = mixed(19);
    let workers = Workers::new(1);
    let settings = Settings {
        places_max: 3,
        embeds_numbers: true,
    };
    let columns = Columns::learn(frame.view(), settings, &workers);
    let encoded = Encoded::of(&columns, frame.view(), &workers);
    let (absent, present) = columns.place_values();
    let source = Source {
        encoded: &encoded,
        absent: &absent,
        present: &present,
    };
    let layout = Layout::new(
        &columns,
        Shape {
            hidden: vec![40, 33],
            outputs: 3,
            copies,
            function: Function::Mish,
            learns_slopes: true,
        },
    );
    let known = Known::Classes {
        codes: (0..19).map(|at| at % 3).collect(),
        smoothing: 0.0,
    };
    let of_rows = Answers {
        known: &known,
        weights: None,
        outputs: 3,
        copies,
    };
    let rows: Vec<u32> = (0..19).collect();
    let mut weights = start(&layout, (&source, &rows), 0.3, Seed::new(1));
    let (_, mut found) = gradients(&layout, &weights, &source, &of_rows);
    let total = weights.small.len() + weights.vectors.len() + weights.tiles.len() * SIDE * SIDE;
    let mut compared = 0;
    for at in (0..total).step_by(11) {
        let before = *weight(&mut weights, at);
        let mut loss_at = |value: f32| {
            *weight(&mut weights, at) = value;
            gradients(&layout, &weights, &source, &of_rows).0
        };
        let expected = (loss_at(before + 5e-3) - loss_at(before - 5e-3)) / 1e-2;
        *weight(&mut weights, at) = before;
        let gradient = f64::from(*weight(&mut found, at));
        // What stands for no unit has a gradient in the formula that no product ever reads.
        if expected == 0.0 {
            continue;
        }
        compared += 1;
        assert!(
            (gradient - expected).abs() < 2e-4 + 0.03 * expected.abs(),
            "weight {at} of {total}: {gradient} {expected}"
        );
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn threads_do_not_change_a_bit() {
    let frame = mixed(700);
    let y: Vec<f64> = (0..700).map(|at| (at as f64 * 0.11).sin()).collect();
    let params = MlpParams { n_ens: 3, ..quick() };
    let bytes = |threads| {
        let (model, _) = fit_at(threads, &params, (&frame, Target::Numbers(&y), Task::Regression));
        let mut to = Encoder::new();
        model.expect("a model").save(&mut to);
        to.into_bytes()
    };
    let alone = bytes(1);
    assert!(alone == bytes(2) && alone == bytes(5));
}

#[test]
fn copies_learn_and_are_read_back() {
    let frame = mixed(300);
    let codes: Vec<u32> = (0..300)
        .map(|at| u32::from((at as f64 * 0.7).sin() > 0.0))
        .collect();
    let params = MlpParams { tabm_k: 8, ..quick() };
    let target = Target::Classes {
        codes: &codes,
        count: 2,
    };
    let (model, _) = fit_at(2, &params, (&frame, target, Task::Binary));
    let model = model.expect("a model");
    let found = answers(&model, &frame);
    let right = (0..300)
        .filter(|&at| (found[2 * at + 1] > 0.5) == (codes[at] == 1))
        .count();
    assert!(right > 265, "{right}");
    let mut to = Encoder::new();
    model.save(&mut to);
    let bytes = to.into_bytes();
    let read = Mlp::load(&mut kolosal_learner::Decoder::new(&bytes)).expect("its own bytes");
    assert_eq!(answers(&read, &frame), found);
}

#[test]
fn a_rate_that_diverges_is_reported_and_lowered() {
    let frame = mixed(200);
    let y: Vec<f64> = (0..200).map(|at| (at as f64 * 0.11).sin()).collect();
    let params = MlpParams {
        learning_rate: 10.0,
        weight_decay: 10.0,
        n_hidden_layers: 8,
        ..quick()
    };
    let (model, warnings) = fit_at(1, &params, (&frame, Target::Numbers(&y), Task::Regression));
    let model = model.expect("a lower rate works");
    assert!(answers(&model, &frame).iter().all(|answer| answer.is_finite()));
    assert!(
        warnings.iter().all(|warning| warning.contains("learning rate")),
        "{warnings:?}"
    );
    assert!(!warnings.is_empty());
}

#[test]
fn few_rows_of_many_columns_are_learned() {
    let column = |at: usize| {
        (0..50)
            .map(|row| ((row * 31 + at * 17) as f64 * 0.37).sin())
            .collect()
    };
    let frame = frame((0..2_000).map(|at| Column::numbers(column(at))).collect());
    let codes: Vec<u32> = (0..50).map(|row| row % 2).collect();
    let params = MlpParams {
        n_epochs: 10,
        ..quick()
    };
    let target = Target::Classes {
        codes: &codes,
        count: 2,
    };
    let (model, _) = fit_at(2, &params, (&frame, target, Task::Binary));
    let answers = answers(&model.expect("a model"), &frame);
    assert!(
        answers
            .chunks(2)
            .all(|pair| (pair[0] + pair[1] - 1.0).abs() < 1e-12)
    );
}

#[test]
fn a_row_of_each_class_and_columns_that_say_nothing_are_learned() {
    let frame = frame(vec![
        Column::numbers(vec![1.0; 3]),
        Column::numbers(vec![f64::NAN; 3]),
        Column::categories(&["", "", ""]),
    ]);
    let target = Target::Classes {
        codes: &[0, 1, 2],
        count: 3,
    };
    let (model, _) = fit_at(1, &quick(), (&frame, target, Task::Multiclass { classes: 3 }));
    for answer in answers(&model.expect("a model"), &frame) {
        assert!((answer - 1.0 / 3.0).abs() < 0.2, "{answer}");
    }
}

#[test]
fn a_bend_is_learned_and_answers_stay_in_the_range_of_training() {
    let x: Vec<f64> = (0..600).map(|at| at as f64 / 100.0 - 3.0).collect();
    let y: Vec<f64> = x.iter().map(|x| x.abs().sqrt() * 10.0).collect();
    let frame = frame(vec![Column::numbers(x)]);
    let params = MlpParams {
        n_epochs: 100,
        ..quick()
    };
    let (model, _) = fit_at(2, &params, (&frame, Target::Numbers(&y), Task::Regression));
    let model = model.expect("a model");
    let squares = answers(&model, &frame)
        .iter()
        .zip(&y)
        .map(|(answer, y)| (answer - y).powi(2))
        .sum::<f64>();
    assert!((squares / 600.0).sqrt() < 1.0, "{}", (squares / 600.0).sqrt());
    let far = self::frame(vec![Column::numbers(vec![1e9, -1e9])]);
    assert!(
        answers(&model, &far)
            .iter()
            .all(|answer| (0.0..=17.33).contains(answer))
    );
}
