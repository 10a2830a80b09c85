//! Weight matrices cut into tiles, with what the optimiser keeps of each.

use kolosal_compute::kernels::tiles::{SIDE, Tile, outer_product, transpose_tile};

use super::adam::Step;

/// A number for each place of a tile.
const ZERO: Tile = [0.0; SIDE * SIDE];

/// A tile of weights, the same turned, and the moments of its gradient.
#[derive(Debug, Clone)]
pub(crate) struct WeightTile {
    pub(crate) values: Tile,
    pub(crate) turned: Tile,
    first: Tile,
    second: Tile,
}

impl WeightTile {
    /// Weights at the start.
    pub(crate) fn new(values: Tile) -> Self {
        let mut tile = Self {
            values,
            turned: ZERO,
            first: ZERO,
            second: ZERO,
        };
        transpose_tile(&tile.values, &mut tile.turned);
        tile
    }

    /// Moves the weights against the gradient, `gain` times the outer product of pairs of panels.
    pub(crate) fn learn(&mut self, pairs: &[(&[f32], &[f32])], gain: f32, step: Step) {
        let mut gradient = ZERO;
        outer_product(pairs, &mut gradient);
        step.apply(
            &mut self.values,
            [&mut self.first, &mut self.second],
            gain,
            &gradient,
        );
        transpose_tile(&self.values, &mut self.turned);
    }
}

/// A layer's weights: how many inputs and outputs, and where its tiles are among those of the network.
///
/// Tiles stand by panels of outputs, and for each by panels of inputs. What is past the last input or output is zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dense {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) first: usize,
}

impl Dense {
    pub(crate) fn input_panels(&self) -> usize {
        self.inputs.div_ceil(SIDE)
    }

    pub(crate) fn output_panels(&self) -> usize {
        self.outputs.div_ceil(SIDE)
    }

    pub(crate) fn tile_count(&self) -> usize {
        self.input_panels() * self.output_panels()
    }

    /// What products are multiplied by, so that a layer's scores are as large as its weights are, for any number of inputs.
    pub(crate) fn gain(&self) -> f32 {
        1.0 / (self.inputs.max(1) as f32).sqrt()
    }

    /// The tile, among those of the layer, and the place in it of a weight.
    pub(crate) fn place(&self, input: usize, output: usize) -> (usize, usize) {
        let tile = output / SIDE * self.input_panels() + input / SIDE;
        (tile, input % SIDE * SIDE + output % SIDE)
    }

    /// Cuts a matrix, inputs row after row, into tiles.
    pub(crate) fn cut(&self, weights: &[f32]) -> Vec<Tile> {
        assert_eq!(weights.len(), self.inputs * self.outputs, "one weight a pair");
        let mut tiles = vec![ZERO; self.tile_count()];
        for (input, line) in weights.chunks_exact(self.outputs.max(1)).enumerate() {
            for (output, weight) in line.iter().enumerate() {
                let (tile, at) = self.place(input, output);
                tiles[tile][at] = *weight;
            }
        }
        tiles
    }

    /// The matrix that tiles are cut from.
    pub(crate) fn join<'a>(&self, tile: impl Fn(usize) -> &'a Tile) -> Vec<f32> {
        let pairs =
            (0..self.inputs * self.outputs).map(|at| self.place(at / self.outputs, at % self.outputs));
        pairs.map(|(index, at)| tile(index)[at]).collect()
    }
}

/// Where a number of column `column` and row `row` stands among panels of so many rows.
#[inline(always)]
pub(crate) fn in_panels(rows: usize, row: usize, column: usize) -> usize {
    (column / SIDE * rows + row) * SIDE + column % SIDE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_cut_and_joined_is_itself() {
        for (inputs, outputs) in [(1, 1), (5, 40), (64, 33), (70, 1)] {
            let dense = Dense {
                inputs,
                outputs,
                first: 0,
            };
            let weights: Vec<f32> = (0..inputs * outputs).map(|i| i as f32 + 1.0).collect();
            let tiles = dense.cut(&weights);
            assert_eq!(tiles.len(), dense.tile_count());
            assert_eq!(dense.join(|tile| &tiles[tile]), weights);
            let filled = tiles.iter().flatten().filter(|w| **w != 0.0).count();
            assert_eq!(filled, weights.len());
        }
    }
}
