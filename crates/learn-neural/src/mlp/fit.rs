//! From a table to networks.

use std::sync::atomic::{AtomicU64, Ordering};

use kolosal_base::Seed;
use kolosal_compute::Workers;
use kolosal_frame::FrameView;
use kolosal_learner::{Checked, FitContext, FitError, Predictions, Target, Task, TrainView};

use super::front::Source;
use super::judge::Held;
use super::loss::{Answers, Known};
use super::model::{Member, MlpModel};
use super::network::{Layout, Shape};
use super::params::{Activation, Embedding, MlpParams};
use super::scale::TargetScale;
use super::train::{self, Learned, Lesson, Pace};
use crate::net::activation::Function;
use crate::table::{Columns, Encoded, Settings};

/// Fewest rows that may choose the epoch: fewer would choose at random.
const HELD_MIN: usize = 25;
/// Starts with ever lower rates before a fit is given up.
const STARTS_MAX: u32 = 6;
/// What the rate is multiplied by at each.
const LOWERED: f64 = 0.25;

const RATE_OF_CLASSES: f64 = 0.04;
const RATE_OF_NUMBERS: f64 = 0.2;

pub(super) fn fit(
    params: &Checked<MlpParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<MlpModel, FitError> {
    let task = train.task();
    let counted: Vec<u32> = (0..train.row_count() as u32)
        .filter(|&row| train.weight(row as usize) > 0.0)
        .collect();
    let rows: Vec<u32> = counted
        .iter()
        .map(|&at| train.features().rows().get(at as usize) as u32)
        .collect();
    let view = train.features().frame().select(&rows);
    let settings = Settings {
        places_max: params.max_one_hot as usize,
        embeds_numbers: params.num_embedding == Embedding::Periodic,
    };
    let columns = Columns::learn(view, settings, cx.workers);
    let held_rows = cx.valid.map_or(0, TrainView::row_count);
    let _table = cx.reserve(Encoded::bytes(&columns, rows.len() + held_rows) + (rows.len() * 16) as u64)?;
    let pick = |at: &u32| *at as usize;
    let target = TargetScale::of(train, &counted);
    let known = known(train, counted.iter().map(pick), (&target, params.label_smoothing));
    let weights = weights(train, counted.iter().map(pick));
    let table = Rows::new(&columns, view, cx.workers);
    let layout = Layout::new(&columns, shape(params, task));
    let outside = cx
        .valid
        .map(|valid| Outside::new(&columns, valid, &target, cx.workers));
    let (learning, held) = split(params, rows.len(), outside.is_some(), cx.seed);
    let bounds = target.bounds();
    let held = match &outside {
        Some(outside) => Some(outside.held(bounds)),
        None if held.is_empty() => None,
        None => Some(Held {
            source: table.source(),
            rows: held,
            known: &known,
            weights: weights.as_deref(),
            bounds,
        }),
    };
    let lesson = Lesson {
        layout: &layout,
        source: table.source(),
        answers: Answers {
            known: &known,
            weights: weights.as_deref(),
            outputs: layout.outputs,
            copies: layout.copies,
        },
        pace: pace(params, task, learning.len()),
        rows: learning,
        held: held.as_ref(),
    };
    let members = members(&lesson, params.n_ens as usize, cx)?;
    let members = members.into_iter().map(Member::new).collect();
    Ok(MlpModel::new(
        columns,
        layout,
        members,
        (target, Predictions::shape_of(task)),
    ))
}

/// Rows of a table, as networks take them.
struct Rows {
    encoded: Encoded,
    absent: Vec<f32>,
    present: Vec<f32>,
}

impl Rows {
    fn new(columns: &Columns, view: FrameView<'_>, workers: &Workers) -> Self {
        let (absent, present) = columns.place_values();
        Self {
            encoded: Encoded::of(columns, view, workers),
            absent,
            present,
        }
    }

    fn source(&self) -> Source<'_> {
        Source {
            encoded: &self.encoded,
            absent: &self.absent,
            present: &self.present,
        }
    }
}

/// Rows that the caller holds out.
struct Outside {
    rows: Rows,
    known: Known,
    weights: Option<Vec<f32>>,
}

impl Outside {
    fn new(columns: &Columns, valid: &TrainView<'_>, target: &TargetScale, workers: &Workers) -> Self {
        Self {
            rows: Rows::new(columns, valid.features(), workers),
            known: known(valid, 0..valid.row_count(), (target, 0.0)),
            weights: weights(valid, 0..valid.row_count()),
        }
    }

    fn held(&self, bounds: [f32; 2]) -> Held<'_> {
        Held {
            source: self.rows.source(),
            rows: (0..self.rows.encoded.rows as u32).collect(),
            known: &self.known,
            weights: self.weights.as_deref(),
            bounds,
        }
    }
}

fn known(
    train: &TrainView<'_>,
    rows: impl Iterator<Item = usize>,
    (target, smoothing): (&TargetScale, f64),
) -> Known {
    match train.target() {
        Target::Numbers(numbers) => {
            Known::Numbers(rows.map(|row| target.standardise(numbers[row])).collect())
        }
        Target::Classes { codes, .. } => Known::Classes {
            codes: rows.map(|row| codes[row]).collect(),
            smoothing: smoothing as f32,
        },
        Target::Unknown { .. } => unreachable!("tasks without a target are not on the card"),
    }
}

/// Weights with a mean of one; none where all are alike.
fn weights(train: &TrainView<'_>, rows: impl Iterator<Item = usize>) -> Option<Vec<f32>> {
    let weights = train.weights()?;
    let chosen: Vec<f64> = rows.map(|row| weights[row]).collect();
    let heaviest = chosen.iter().copied().fold(0.0, f64::max);
    let mean = chosen.iter().map(|weight| weight / heaviest).sum::<f64>() / chosen.len() as f64;
    let relative = chosen.iter().map(|weight| (weight / heaviest / mean) as f32);
    Some(relative.collect())
}

fn shape(params: &MlpParams, task: Task) -> Shape {
    Shape {
        hidden: vec![params.hidden_width as usize; params.n_hidden_layers as usize],
        outputs: task.width(),
        copies: params.tabm_k as usize,
        function: match (params.activation, task) {
            (Activation::Mish, _) | (Activation::Auto, Task::Regression) => Function::Mish,
            (Activation::Selu | Activation::Auto, _) => Function::Selu,
            (Activation::Relu, _) => Function::Relu,
        },
        learns_slopes: params.parametric_activation,
    }
}

fn pace(params: &MlpParams, task: Task, rows: usize) -> Pace {
    let epochs = params.n_epochs as usize;
    let most = match params.row_passes {
        0 => epochs,
        passes => (passes as usize / rows).max(1),
    };
    Pace {
        epochs: epochs.min(most),
        batch: params.batch_size as usize,
        rate: match (params.learning_rate, task) {
            (rate, _) if rate > 0.0 => rate,
            (_, Task::Regression) => RATE_OF_NUMBERS,
            _ => RATE_OF_CLASSES,
        },
        decay: params.weight_decay,
        dropout: params.dropout,
        sigma: params.embedding_sigma,
        stops_early: params.early_stopping,
    }
}

/// Rows to learn from, and rows to choose the epoch by, both ascending.
fn split(params: &MlpParams, rows: usize, has_outside: bool, seed: Seed) -> (Vec<u32>, Vec<u32>) {
    let all: Vec<u32> = (0..rows as u32).collect();
    let count = (params.validation_fraction * rows as f64).round() as usize;
    if has_outside || count < HELD_MIN {
        return (all, Vec::new());
    }
    let mut drawn = all;
    seed.fork("held out").rng().shuffle(&mut drawn);
    let mut learning = drawn.split_off(count);
    learning.sort_unstable();
    drawn.sort_unstable();
    (learning, drawn)
}

/// Trains the networks, side by side where there are several.
fn members(lesson: &Lesson<'_>, count: usize, cx: &FitContext<'_>) -> Result<Vec<Learned>, FitError> {
    let at_once = count.min(cx.workers.threads()) as u64;
    let under_way =
        train::bytes(lesson.layout, lesson.pace.batch.min(lesson.rows.len())) + lesson.layout.bytes();
    // Of a network under way there are the last weights and, a quarter as large without their moments, the best.
    let finished = lesson.layout.bytes() / 4;
    let _memory = cx.reserve(at_once * under_way + count as u64 * finished)?;
    let done = AtomicU64::new(0);
    let total = (count * lesson.pace.epochs) as u64;
    let heard = |_| {
        let before = done.fetch_add(1, Ordering::Relaxed);
        cx.progress.step((before + 1).min(total), total);
    };
    let seed_of = |at: usize| cx.seed.fork("member").fork_index(at as u64);
    let learned = cx.workers.map(count, |at| member(lesson, seed_of(at), cx, heard));
    learned.into_iter().collect()
}

/// Trains one network, with a lower rate where it diverges.
fn member(
    lesson: &Lesson<'_>,
    seed: Seed,
    cx: &FitContext<'_>,
    heard: impl Fn(usize) + Copy + Send + Sync,
) -> Result<Learned, FitError> {
    let mut rate = lesson.pace.rate;
    for _ in 0..STARTS_MAX {
        let slower = Lesson {
            layout: lesson.layout,
            source: Source { ..lesson.source },
            answers: Answers { ..lesson.answers },
            rows: lesson.rows.clone(),
            held: lesson.held,
            pace: Pace { rate, ..lesson.pace },
        };
        if let Some(learned) = cx.workers.crew(|crew| slower.learn(seed, (cx, crew), heard))? {
            return Ok(learned);
        }
        cx.progress.warn(&format!(
            "mlp: at learning rate {rate} the loss left the range of numbers; it starts again at {}",
            rate * LOWERED
        ));
        rate *= LOWERED;
    }
    Err(FitError::Unsupported {
        learner: "mlp",
        what: format!("keep its loss finite, even at learning rate {rate}"),
        remedy: "lower learning_rate, or look for columns with values beyond all others",
    })
}
