//! Rows of a mini-batch on their way through the network and back: up to 32 rows, the piece of work of a thread.
//!
//! All that a row needs is done by one thread without waiting, from its inputs to the gradients of its scores. What is summed
//! over rows, the gradients of weights, is added up afterwards in the order of the blocks, so that results do not depend on
//! who did which block.

use kolosal_compute::kernels::tiles::{SIDE, panel_product};

use super::front::{Source, fill, scale, scale_back, waves_back};
use super::loss::Answers;
use super::network::{Layout, Reading};
use crate::net::activation::{Dropout, Traces, Units, answer, answer_traced, descend};
use crate::net::math::exp;
use crate::net::tiled::in_panels;

/// Most rows of a block.
pub(super) const ROWS: usize = SIDE;

/// Panels of a block's rows, and its sums of gradients.
pub(super) struct Block {
    rows: Vec<u32>,
    /// The inputs before they are scaled, then their gradient.
    raw: Vec<f32>,
    raw_gradient: Vec<f32>,
    /// Inputs of each layer.
    inputs: Vec<Vec<f32>>,
    /// Derivatives of each hidden layer's answers by scores and by slopes.
    by_score: Vec<Vec<f32>>,
    by_slope: Vec<Vec<f32>>,
    /// Gradients of each layer's scores.
    gradients: Vec<Vec<f32>>,
    /// Gradients of small weights.
    small: Vec<f32>,
    /// Sum of the losses of the rows.
    loss: f64,
}

/// What stays the same over a mini-batch.
pub(super) struct Batch<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) source: &'a Source<'a>,
    pub(super) answers: &'a Answers<'a>,
    /// Rows of the mini-batch.
    pub(super) rows: usize,
    /// Seed and share of units that are dropped; zero for none.
    pub(super) dropout: Dropout,
}

impl Block {
    pub(super) fn new(layout: &Layout) -> Self {
        let panels = |count: usize| vec![0.0; count * ROWS * SIDE];
        let hidden = &layout.layers[..layout.hidden.len()];
        let of_hidden = || hidden.iter().map(|layer| panels(layer.output_panels())).collect();
        Self {
            rows: Vec::with_capacity(ROWS),
            raw: panels(layout.layers[0].input_panels()),
            raw_gradient: panels(layout.layers[0].input_panels()),
            inputs: layout
                .layers
                .iter()
                .map(|layer| panels(layer.input_panels()))
                .collect(),
            by_score: of_hidden(),
            by_slope: of_hidden(),
            gradients: layout
                .layers
                .iter()
                .map(|layer| panels(layer.output_panels()))
                .collect(),
            small: vec![0.0; layout.small],
            loss: 0.0,
        }
    }

    /// Bytes of a block.
    pub(super) fn bytes(layout: &Layout) -> u64 {
        let of_layers = layout
            .layers
            .iter()
            .map(|layer| layer.input_panels() + 4 * layer.output_panels());
        let panels = 2 * layout.layers[0].input_panels() + of_layers.sum::<usize>();
        (panels * ROWS * SIDE * 4 + layout.small * 4) as u64
    }

    pub(super) fn loss(&self) -> f64 {
        self.loss
    }

    pub(super) fn small(&self) -> &[f32] {
        &self.small
    }

    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The gradient of the inputs of the network.
    pub(super) fn input_gradient(&self) -> &[f32] {
        &self.raw_gradient
    }

    /// A panel of a layer's inputs, and one of the gradients of its scores.
    pub(super) fn pair(&self, layer: usize, [input, output]: [usize; 2]) -> (&[f32], &[f32]) {
        let size = self.rows.len() * SIDE;
        (
            &self.inputs[layer][input * size..(input + 1) * size],
            &self.gradients[layer][output * size..(output + 1) * size],
        )
    }

    /// Takes rows through the network and back; `first` is the place of the first of them in the mini-batch.
    pub(super) fn pass(&mut self, batch: &Batch<'_>, (first, rows): (usize, &[u32])) {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.small.fill(0.0);
        self.forward(batch, first);
        let last = self.gradients.len() - 1;
        let size = rows.len() * SIDE;
        let layout = batch.reading.layout;
        let scores = &mut self.gradients[last][..layout.layers[last].output_panels() * size];
        self.loss = batch.answers.loss_and_gradient(rows, (first, batch.rows), scores);
        for panel in 0..layout.layers[last].output_panels() {
            let start = layout.bias(last, panel);
            for line in scores[panel * size..(panel + 1) * size].chunks_exact(SIDE) {
                let sums = self.small[start..start + SIDE].iter_mut();
                sums.zip(line).for_each(|(sum, gradient)| *sum += gradient);
            }
        }
        self.backward(batch, first);
    }

    fn forward(&mut self, batch: &Batch<'_>, first: usize) {
        let (reading, layout) = (batch.reading, batch.reading.layout);
        let size = self.rows.len() * SIDE;
        let inputs = layout.layers[0].input_panels() * size;
        fill(reading, batch.source, &self.rows, &mut self.raw[..inputs]);
        for (panel, (raw, out)) in self.raw[..inputs]
            .chunks_exact(size)
            .zip(self.inputs[0].chunks_exact_mut(size))
            .enumerate()
        {
            scale(reading, (panel, first), raw, out);
        }
        for (at, layer) in layout.layers.iter().enumerate() {
            let (before, after) = self.inputs.split_at_mut(at + 1);
            let x = &before[at][..layer.input_panels() * size];
            let is_last = at == layout.hidden.len();
            for panel in 0..layer.output_panels() {
                let here = panel * size..(panel + 1) * size;
                let out = if is_last {
                    &mut self.gradients[at][here.clone()]
                } else {
                    &mut after[0][here.clone()]
                };
                panel_product(x, reading.forward(at, panel), out);
                if is_last {
                    add_bias(out, layer.gain(), reading.small(layout.bias(at, panel)));
                    continue;
                }
                let traces = Traces {
                    by_score: &mut self.by_score[at][here.clone()],
                    by_slope: &mut self.by_slope[at][here],
                };
                // Units of other layers, panels and rows of the mini-batch have other places.
                let place = (((at * 64 + panel) * batch.rows + first) * SIDE) as u32;
                let dropout = (batch.dropout.share > 0.0).then_some(batch.dropout);
                answer_traced(units(reading, at, panel), out, traces, (dropout, place));
            }
        }
    }

    /// From the gradients of the last scores to those of all small weights and inputs.
    fn backward(&mut self, batch: &Batch<'_>, first: usize) {
        let (reading, layout) = (batch.reading, batch.reading.layout);
        let size = self.rows.len() * SIDE;
        for at in (0..layout.layers.len()).rev() {
            let layer = &layout.layers[at];
            let (before, after) = self.gradients.split_at_mut(at);
            let scores = &after[0][..layer.output_panels() * size];
            for panel in 0..layer.input_panels() {
                let here = panel * size..(panel + 1) * size;
                let tiles = reading.backward(at, panel);
                if at == 0 {
                    let out = &mut self.raw_gradient[here.clone()];
                    panel_product(scores, tiles, out);
                    // Rows of one copy are neighbours only where there is but one.
                    let run = if layout.copies == 1 { size } else { SIDE };
                    for (at, (out, raw)) in out.chunks_mut(run).zip(self.raw[here].chunks(run)).enumerate() {
                        let start = layout.scale((first + at) % layout.copies, panel);
                        let sums = &mut self.small[start..start + SIDE];
                        scale_back(out, layer.gain(), [raw, reading.small(start)], sums);
                    }
                    continue;
                }
                let out = &mut before[at - 1][here.clone()];
                panel_product(scores, tiles, out);
                let traces = [&self.by_score[at - 1][here.clone()], &self.by_slope[at - 1][here]];
                let (biases, slopes) = self.small.split_at_mut(layout.slope(at - 1, panel));
                let start = layout.bias(at - 1, panel);
                let sums = [&mut slopes[..SIDE], &mut biases[start..start + SIDE]];
                descend(out, layer.gain(), traces, sums);
            }
        }
        let inputs = layout.layers[0].input_panels() * size;
        let gradient = &self.raw_gradient[..inputs];
        waves_back(reading, (batch.source, &self.rows), gradient, &mut self.small);
    }
}

/// How the units of a panel answer.
pub(super) fn units<'a>(reading: &Reading<'a>, layer: usize, panel: usize) -> Units<'a> {
    let layout = reading.layout;
    Units {
        function: layout.function,
        gain: layout.layers[layer].gain(),
        bias: reading.small(layout.bias(layer, panel)),
        slope: reading.small(layout.slope(layer, panel)),
    }
}

/// Turns products into scores.
fn add_bias(panel: &mut [f32], gain: f32, bias: &[f32]) {
    for line in panel.chunks_exact_mut(SIDE) {
        for (score, bias) in line.iter_mut().zip(bias) {
            *score = *score * gain + bias;
        }
    }
}

/// The scores of at most [`ROWS`] rows, `outputs` numbers each, row after row: a pass without a way back.
///
/// Copies are averaged: their numbers, or their probabilities, whose logarithms are scores again.
pub(super) fn scores(reading: &Reading<'_>, source: &Source<'_>, rows: &[u32], out: &mut [f32]) {
    let layout = reading.layout;
    if layout.copies == 1 {
        return scores_of_copies(reading, source, rows, out);
    }
    let at_once = ROWS / layout.copies;
    for (rows, out) in rows.chunks(at_once).zip(out.chunks_mut(at_once * layout.outputs)) {
        let repeated: Vec<u32> = rows.iter().flat_map(|row| vec![*row; layout.copies]).collect();
        let mut line = vec![0.0; repeated.len() * layout.outputs];
        scores_of_copies(reading, source, &repeated, &mut line);
        let of_rows = line.chunks_exact(layout.copies * layout.outputs);
        for (out, copies) in out.chunks_exact_mut(layout.outputs).zip(of_rows) {
            average(copies, out);
        }
    }
}

/// The mean of numbers, or the logarithm of the mean of probabilities.
fn average(copies: &[f32], out: &mut [f32]) {
    let width = out.len();
    let share = width as f32 / copies.len() as f32;
    out.fill(0.0);
    for scores in copies.chunks_exact(width) {
        if width == 1 {
            out[0] += share * scores[0];
            continue;
        }
        let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = scores.iter().map(|score| exp(score - highest)).sum();
        for (sum, score) in out.iter_mut().zip(scores) {
            *sum += share * exp(score - highest) / total;
        }
    }
    if width > 1 {
        out.iter_mut()
            .for_each(|sum| *sum = sum.max(f32::MIN_POSITIVE).ln());
    }
}

/// The scores of rows that belong to the copies in turn, each by its own.
fn scores_of_copies(reading: &Reading<'_>, source: &Source<'_>, rows: &[u32], out: &mut [f32]) {
    let layout = reading.layout;
    let size = rows.len() * SIDE;
    let mut raw = vec![0.0; layout.layers[0].input_panels() * size];
    fill(reading, source, rows, &mut raw);
    let mut panels = vec![0.0; raw.len()];
    for (panel, (raw, out)) in raw
        .chunks_exact(size)
        .zip(panels.chunks_exact_mut(size))
        .enumerate()
    {
        scale(reading, (panel, 0), raw, out);
    }
    for (at, layer) in layout.layers.iter().enumerate() {
        let mut next = vec![0.0; layer.output_panels() * size];
        for (panel, out) in next.chunks_exact_mut(size).enumerate() {
            panel_product(&panels, reading.forward(at, panel), out);
            if at == layout.hidden.len() {
                add_bias(out, layer.gain(), reading.small(layout.bias(at, panel)));
            } else {
                answer(units(reading, at, panel), out);
            }
        }
        panels = next;
    }
    for (row, line) in out.chunks_exact_mut(layout.outputs).enumerate() {
        let start = row % layout.copies * layout.outputs;
        for (output, score) in line.iter_mut().enumerate() {
            *score = panels[in_panels(rows.len(), row, start + output)];
        }
    }
}
