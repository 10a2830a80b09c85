//! The training of one network: epochs of steps of mini-batches.

use kolosal_base::Seed;
use kolosal_compute::Crew;
use kolosal_learner::{FitContext, FitError};

use super::block::{Batch, Block, ROWS};
use super::front::{Source, vectors_back};
use super::judge::{Held, Verdict};
use super::loss::Answers;
use super::network::{Layout, Network, Reading, Weights};
use super::start::start;
use crate::net::activation::Dropout;
use crate::net::adam::Step;
use crate::net::schedule::{coslog4, flat_cos};

/// Rates and lengths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) epochs: usize,
    pub(super) batch: usize,
    pub(super) rate: f64,
    pub(super) decay: f64,
    pub(super) dropout: f64,
    pub(super) sigma: f64,
    pub(super) stops_early: bool,
}

/// What a network learns from.
pub(super) struct Lesson<'a> {
    pub(super) layout: &'a Layout,
    pub(super) source: Source<'a>,
    pub(super) answers: Answers<'a>,
    pub(super) rows: Vec<u32>,
    pub(super) held: Option<&'a Held<'a>>,
    pub(super) pace: Pace,
}

/// A network that has learned.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Learned {
    pub(super) weights: Weights,
    pub(super) temperature: f64,
    /// The epoch that the weights are of, counted from one.
    pub(super) epoch: usize,
    /// The loss of its answers to held-out rows, if there are any.
    pub(super) loss: Option<f64>,
}

/// Bytes of mini-batches under way.
pub(super) fn bytes(layout: &Layout, batch: usize) -> u64 {
    (batch * layout.copies).div_ceil(ROWS) as u64 * Block::bytes(layout)
}

impl Lesson<'_> {
    /// Trains a network; `None` if its losses leave the range of numbers. `heard` is called after each epoch.
    ///
    /// # Errors
    /// As [`FitContext::checkpoint`].
    pub(super) fn learn(
        &self,
        seed: Seed,
        (cx, crew): (&FitContext<'_>, &Crew<'_>),
        heard: impl Fn(usize),
    ) -> Result<Option<Learned>, FitError> {
        let weights = start(
            self.layout,
            (&self.source, &self.rows),
            self.pace.sigma,
            seed.fork("start"),
        );
        let mut network = Network::new(self.layout, weights);
        let batches = ((self.rows.len() as f64 / self.pace.batch as f64).round() as usize).max(1);
        let largest = self.rows.len().div_ceil(batches) * self.layout.copies;
        let mut blocks: Vec<Block> = (0..largest.div_ceil(ROWS))
            .map(|_| Block::new(self.layout))
            .collect();
        let mut order = self.rows.clone();
        let mut best: Option<Learned> = None;
        for epoch in 0..self.pace.epochs {
            seed.fork("order")
                .fork_index(epoch as u64)
                .rng()
                .shuffle(&mut order);
            for batch in 0..batches {
                cx.checkpoint()?;
                let rows = &order[batch * order.len() / batches..(batch + 1) * order.len() / batches];
                let count = (epoch * batches + batch) as u64;
                let total = (self.pace.epochs * batches) as u64;
                let loss = self.step(&mut network, &mut blocks, (rows, count, total), (seed, crew));
                if !loss.is_finite() {
                    return Ok(None);
                }
            }
            heard(epoch + 1);
            let Some(held) = self.held else { continue };
            let verdict = held.judge(&Reading::of_network(&network), crew);
            if !verdict.loss.is_finite() {
                return Ok(None);
            }
            keep_better(&mut best, verdict, (epoch + 1, &network));
            let best_epoch = best.as_ref().map_or(0, |best| best.epoch);
            let is_idle = self.pace.stops_early && epoch + 1 > 2 * best_epoch + IDLE_EPOCHS;
            if is_idle || cx.progress.is_enough() {
                break;
            }
        }
        let last = || Learned {
            weights: network.weights(),
            temperature: 1.0,
            epoch: self.pace.epochs,
            loss: None,
        };
        let learned = best.unwrap_or_else(last);
        Ok(learned.weights.is_finite().then_some(learned))
    }

    /// One step; gives the mean loss before it.
    fn step(
        &self,
        network: &mut Network<'_>,
        blocks: &mut [Block],
        (rows, count, total): (&[u32], u64, u64),
        (seed, crew): (Seed, &Crew<'_>),
    ) -> f64 {
        let done = count as f64 / total as f64;
        let repeated: Vec<u32>;
        let rows = if self.layout.copies == 1 {
            rows
        } else {
            repeated = rows
                .iter()
                .flat_map(|row| vec![*row; self.layout.copies])
                .collect();
            &repeated
        };
        let blocks = &mut blocks[..rows.len().div_ceil(ROWS)];
        let reading = Reading::of_network(network);
        let batch = Batch {
            reading: &reading,
            source: &self.source,
            answers: &self.answers,
            rows: rows.len(),
            dropout: Dropout {
                seed: seed.fork("dropout").fork_index(count).value() as u32,
                share: (self.pace.dropout * flat_cos(done)) as f32,
            },
        };
        crew.for_each_mut(blocks, |at, block| {
            let end = rows.len().min((at + 1) * ROWS);
            block.pass(&batch, (at * ROWS, &rows[at * ROWS..end]));
        });
        let rate = self.pace.rate * coslog4(done);
        let step = Step::new(count + 1, rate, self.pace.decay * flat_cos(done));
        learn_tiles(network, blocks, step, crew);
        let mut gradient = vec![0.0; network.small.len()];
        for block in &*blocks {
            gradient
                .iter_mut()
                .zip(block.small())
                .for_each(|(sum, more)| *sum += more);
        }
        network.learn_small(&gradient, step);
        if !network.vectors.is_empty() {
            let mut gradient = vec![0.0; network.vectors.len()];
            for block in &*blocks {
                let rows = (&self.source, block.rows());
                vectors_back(self.layout, rows, block.input_gradient(), &mut gradient);
            }
            network.learn_vectors(&gradient, step);
        }
        blocks.iter().map(Block::loss).sum()
    }
}

/// Epochs without a better one, beside as many as the best took, after which training ends early.
const IDLE_EPOCHS: usize = 20;

/// Moves all tiles; each is a piece of work of its own.
fn learn_tiles(network: &mut Network<'_>, blocks: &[Block], step: Step, crew: &Crew<'_>) {
    let layers = &network.layout.layers;
    crew.for_each_mut(&mut network.tiles, |at, tile| {
        let layer = layers.partition_point(|layer| layer.first <= at) - 1;
        let dense = &layers[layer];
        let (output, input) = (
            (at - dense.first) / dense.input_panels(),
            (at - dense.first) % dense.input_panels(),
        );
        let pairs: Vec<(&[f32], &[f32])> = blocks
            .iter()
            .map(|block| block.pair(layer, [input, output]))
            .collect();
        tile.learn(&pairs, dense.gain(), step);
    });
}

fn keep_better(best: &mut Option<Learned>, verdict: Verdict, (epoch, network): (usize, &Network<'_>)) {
    if best
        .as_ref()
        .and_then(|best| best.loss)
        .is_some_and(|loss| loss <= verdict.loss)
    {
        return;
    }
    *best = Some(Learned {
        weights: network.weights(),
        temperature: verdict.temperature,
        epoch,
        loss: Some(verdict.loss),
    });
}
