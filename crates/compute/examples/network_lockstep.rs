//! Whether networks of eight folds are better trained step by step together, or one after the other.
//!
//! Runs the products of training steps (forward, backward, gradients, a move of the weights) of networks with layers of 256
//! units on mini-batches of 256 rows: first every fold to its end, then all folds a step at a time. Prints the time of both
//! orders and their ratio; `cargo run --release -p kolosal-compute --example network_lockstep`.
#![allow(clippy::print_stdout, reason = "an example prints what it times")]

use std::hint::black_box;

use kolosal_base::{Clock, SystemClock};
use kolosal_compute::kernels::tiles::{SIDE, Tile, outer_product, panel_product, transpose_tile};

const FOLDS: usize = 8;
const STEPS: usize = 40;
const LAYERS: usize = 3;
const PANELS: usize = 8;
const BLOCKS: usize = 8;

/// The weights of a network, turned as well, and two moments.
struct Network {
    tiles: Vec<[Tile; 4]>,
    blocks: Vec<Block>,
}

/// Panels of 32 rows: what goes into each layer, and gradients.
#[derive(Clone)]
struct Block {
    inputs: Vec<Vec<f32>>,
    gradients: Vec<Vec<f32>>,
}

impl Network {
    fn new(fold: usize) -> Self {
        let tile = |at: usize| std::array::from_fn(|i| ((i + at + fold) as f32 * 0.37).sin() * 0.05);
        let panels = || vec![vec![0.1_f32; PANELS * SIDE * SIDE]; LAYERS + 1];
        Self {
            tiles: (0..LAYERS * PANELS * PANELS)
                .map(|at| [tile(at), tile(at), tile(1), tile(2)])
                .collect(),
            blocks: vec![
                Block {
                    inputs: panels(),
                    gradients: panels(),
                };
                BLOCKS
            ],
        }
    }

    fn step(&mut self) {
        let of = |layer: usize, a: usize, b: usize| (layer * PANELS + a) * PANELS + b;
        for block in &mut self.blocks {
            for layer in 0..LAYERS {
                let (x, out) = block.inputs.split_at_mut(layer + 1);
                for (panel, out) in out[0].chunks_exact_mut(SIDE * SIDE).enumerate() {
                    let tiles: Vec<&Tile> = (0..PANELS)
                        .map(|at| &self.tiles[of(layer, panel, at)][0])
                        .collect();
                    panel_product(&x[layer], &tiles, out);
                }
            }
            for layer in (0..LAYERS).rev() {
                let (out, scores) = block.gradients.split_at_mut(layer + 1);
                for (panel, out) in out[layer].chunks_exact_mut(SIDE * SIDE).enumerate() {
                    let tiles: Vec<&Tile> = (0..PANELS)
                        .map(|at| &self.tiles[of(layer, at, panel)][1])
                        .collect();
                    panel_product(&scores[0], &tiles, out);
                }
            }
        }
        for (at, [values, turned, first, second]) in self.tiles.iter_mut().enumerate() {
            let (layer, output, input) = (at / PANELS / PANELS, at / PANELS % PANELS, at % PANELS);
            let here = |panel: usize| panel * SIDE * SIDE..(panel + 1) * SIDE * SIDE;
            let pairs: Vec<(&[f32], &[f32])> = self
                .blocks
                .iter()
                .map(|block| {
                    (
                        &block.inputs[layer][here(input)],
                        &block.gradients[layer + 1][here(output)],
                    )
                })
                .collect();
            let mut gradient = [0.0; SIDE * SIDE];
            outer_product(&pairs, &mut gradient);
            for i in 0..SIDE * SIDE {
                first[i] = 0.9 * first[i] + 0.1 * gradient[i];
                second[i] = 0.95 * second[i] + 0.05 * gradient[i] * gradient[i];
                values[i] -= 1e-6 * first[i] / (second[i].sqrt() + 1e-8);
            }
            transpose_tile(values, turned);
        }
    }
}

fn seconds(mut work: impl FnMut()) -> f64 {
    let clock = SystemClock::start();
    work();
    clock.now().as_secs_f64()
}

fn main() {
    for round in 1..=3 {
        let mut folds: Vec<Network> = (0..FOLDS).map(Network::new).collect();
        let in_turn = seconds(|| {
            for fold in &mut folds {
                (0..STEPS).for_each(|_| fold.step());
            }
        });
        let mut folds: Vec<Network> = (0..FOLDS).map(Network::new).collect();
        let together = seconds(|| {
            for _ in 0..STEPS {
                folds.iter_mut().for_each(Network::step);
            }
        });
        black_box(&folds);
        let flops =
            2.0 * 3.0 * (FOLDS * STEPS * LAYERS * BLOCKS * SIDE * PANELS * PANELS * SIDE * SIDE) as f64;
        println!(
            "round {round}: one after the other {in_turn:.3} s ({:.0} GFLOP/s), together {together:.3} s, ratio {:.2}",
            flops / in_turn / 1e9,
            together / in_turn
        );
    }
}
