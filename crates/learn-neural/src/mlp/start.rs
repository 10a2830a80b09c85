//! Weights at the start, made with the rows at hand.
//!
//! Weights are normal, each unit's scaled so that its scores have variance one over some rows; its bias moves the bend of its
//! function to a random mean of five rows' scores (Steinwart 2019), where there is something to tell apart.

use kolosal_base::{Rng, Seed};
use kolosal_compute::kernels::tiles::{SIDE, Tile, panel_product};

use super::block::{ROWS, units};
use super::front::{Source, fill, scale};
use super::network::{Layout, Reading, VECTOR, Weights};
use crate::net::activation::answer;
use crate::net::periodic::{WAVES, WEIGHTS};
use crate::net::tiled::{Dense, in_panels};

/// Rows that the start is made with.
const SAMPLE: usize = 1024;
/// Rows whose mean score a bend is put at.
const CORNERS: usize = 5;

/// Draws the weights.
pub(super) fn start(
    layout: &Layout,
    (source, rows): (&Source<'_>, &[u32]),
    sigma: f64,
    seed: Seed,
) -> Weights {
    let mut weights = Weights {
        tiles: vec![[0.0; SIDE * SIDE]; layout.tile_count()],
        small: small(layout, sigma, seed.fork("small")),
        vectors: vectors(layout, seed.fork("vectors")),
    };
    let mut sample = rows.to_vec();
    seed.fork("sample").rng().shuffle(&mut sample);
    sample.truncate(SAMPLE);
    let mut panels = inputs(layout, &weights, (source, &sample));
    for (at, layer) in layout.layers.iter().enumerate() {
        let mut rng = seed.fork("layer").fork_index(at as u64).rng();
        let matrix: Vec<f32> = (0..layer.inputs * layer.outputs)
            .map(|_| rng.normal() as f32)
            .collect();
        let mut tiles = layer.cut(&matrix);
        let mut scores = products(layer, &tiles, (&panels, sample.len()));
        let factors = level(layer, &mut scores, sample.len());
        multiply(layer, &mut tiles, &factors);
        weights.tiles[layer.first..layer.first + tiles.len()].copy_from_slice(&tiles);
        let bias = layout.bias(at, 0);
        for output in 0..layer.outputs {
            weights.small[bias + output] = -corner(&scores, (sample.len(), output), &mut rng);
        }
        if at < layout.hidden.len() {
            panels = answers(
                layout,
                &weights,
                (at, products(layer, &tiles, (&panels, sample.len()))),
            );
        }
    }
    weights
}

fn small(layout: &Layout, sigma: f64, seed: Seed) -> Vec<f32> {
    let mut rng = seed.rng();
    let mut small = vec![0.0; layout.small];
    for column in small[..layout.scales].chunks_exact_mut(WEIGHTS) {
        for (at, weight) in column.iter_mut().enumerate() {
            let even = 2.0 * rng.uniform() - 1.0;
            *weight = match at / WAVES {
                0 => sigma * rng.normal(),
                1 => std::f64::consts::PI * even,
                _ => even / (WAVES as f64).sqrt(),
            } as f32;
        }
    }
    for scale in &mut small[layout.scales..layout.biases[0]] {
        // Copies begin apart from each other by the signs of their inputs.
        *scale = if layout.copies > 1 && rng.uniform() < 0.5 {
            -1.0
        } else {
            1.0
        };
    }
    for (at, layer) in layout.layers[..layout.hidden.len()].iter().enumerate() {
        for panel in 0..layer.output_panels() {
            let start = layout.slope(at, panel);
            small[start..start + SIDE].fill(1.0);
        }
    }
    small
}

/// Normal numbers, but for the vectors of unknown levels: those start at zero, since few rows or none will move them.
fn vectors(layout: &Layout, seed: Seed) -> Vec<f32> {
    let mut rng = seed.rng();
    let mut vectors = Vec::new();
    for &size in &layout.tables {
        vectors.resize(vectors.len() + VECTOR.min(size * VECTOR), 0.0);
        vectors.extend((VECTOR..size * VECTOR).map(|_| rng.normal() as f32));
    }
    vectors
}

/// The scaled inputs of some rows, panel after panel.
fn inputs(layout: &Layout, weights: &Weights, (source, rows): (&Source<'_>, &[u32])) -> Vec<f32> {
    let reading = Reading::of_weights(layout, weights);
    let panels = layout.layers[0].input_panels();
    let mut all = vec![0.0; panels * rows.len() * SIDE];
    for (block, part) in rows.chunks(ROWS).enumerate() {
        let mut raw = vec![0.0; panels * part.len() * SIDE];
        fill(&reading, source, part, &mut raw);
        for (panel, from) in raw.chunks_exact(part.len() * SIDE).enumerate() {
            let to = (panel * rows.len() + block * ROWS) * SIDE;
            scale(
                &reading,
                (panel, block * ROWS),
                from,
                &mut all[to..to + from.len()],
            );
        }
    }
    all
}

fn products(layer: &Dense, tiles: &[Tile], (x, rows): (&[f32], usize)) -> Vec<f32> {
    let mut out = vec![0.0; layer.output_panels() * rows * SIDE];
    let panels = layer.input_panels();
    for (panel, out) in out.chunks_exact_mut(rows * SIDE).enumerate() {
        let tiles: Vec<&Tile> = tiles[panel * panels..(panel + 1) * panels].iter().collect();
        panel_product(x, &tiles, out);
    }
    out
}

/// Brings each unit's scores to variance one; gives the factors on its weights.
fn level(layer: &Dense, scores: &mut [f32], rows: usize) -> Vec<f32> {
    let factor_of = |output: usize| {
        let of_row = |row: usize| f64::from(layer.gain() * scores[in_panels(rows, row, output)]);
        let mean = (0..rows).map(of_row).sum::<f64>() / rows as f64;
        let variance = (0..rows).map(|row| (of_row(row) - mean).powi(2)).sum::<f64>() / rows as f64;
        // A unit whose inputs do not vary keeps its weights.
        if variance > 1e-12 {
            (1.0 / variance.sqrt()) as f32
        } else {
            1.0
        }
    };
    let factors: Vec<f32> = (0..layer.outputs).map(factor_of).collect();
    for (output, factor) in factors.iter().enumerate() {
        for row in 0..rows {
            scores[in_panels(rows, row, output)] *= factor * layer.gain();
        }
    }
    factors
}

fn multiply(layer: &Dense, tiles: &mut [Tile], factors: &[f32]) {
    for (output, factor) in factors.iter().enumerate() {
        for input in 0..layer.inputs {
            let (tile, at) = layer.place(input, output);
            tiles[tile][at] *= factor;
        }
    }
}

/// A random mean of the scores of a few rows.
fn corner(scores: &[f32], (rows, output): (usize, usize), rng: &mut Rng) -> f32 {
    let mut total = 0.0;
    let mut sum = 0.0;
    for _ in 0..CORNERS {
        let share = -(1.0 - rng.uniform()).ln();
        total += share;
        sum += share * f64::from(scores[in_panels(rows, rng.below(rows), output)]);
    }
    if total > 0.0 { (sum / total) as f32 } else { 0.0 }
}

/// What the units of a hidden layer answer to products.
fn answers(layout: &Layout, weights: &Weights, (at, mut products): (usize, Vec<f32>)) -> Vec<f32> {
    let reading = Reading::of_weights(layout, weights);
    let size = products.len() / layout.layers[at].output_panels();
    for (panel, part) in products.chunks_exact_mut(size).enumerate() {
        answer(units(&reading, at, panel), part);
    }
    products
}
