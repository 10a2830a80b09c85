//! The network: what it is made of, and where each number stands.

use kolosal_compute::kernels::tiles::{SIDE, Tile};

use crate::net::activation::Function;
use crate::net::adam::Step;
use crate::net::periodic;
use crate::net::tiled::{Dense, WeightTile};
use crate::table::{Columns, Widths};

/// Numbers in the vector of a level.
pub(super) const VECTOR: usize = 8;

/// Factors on the learning rate, found by their authors over many tables (Holzmüller et al. 2024).
const RATE_OF_SCALE: f32 = 6.0;
const RATE_OF_BIAS: f32 = 0.1;
const RATE_OF_SLOPE: f32 = 0.1;
const RATE_OF_WAVES: f32 = 0.1;

/// Everything about a network but its weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub(super) widths: Widths,
    /// Vectors of each table.
    pub(super) tables: Vec<usize>,
    /// Units of each hidden layer.
    pub(super) hidden: Vec<usize>,
    /// Numbers that a row is answered with.
    pub(super) outputs: usize,
    /// Networks that share all layers but scales of inputs and last weights.
    pub(super) copies: usize,
    pub(super) function: Function,
    /// Whether slopes of units are learnt.
    pub(super) learns_slopes: bool,
    /// Layers, the one of the answers last.
    pub(super) layers: Vec<Dense>,
    /// Where each layer's biases start among the small weights; slopes follow those of hidden layers.
    pub(super) biases: Vec<usize>,
    /// Where the scales of inputs start, copy after copy.
    pub(super) scales: usize,
    /// How many small weights there are.
    pub(super) small: usize,
}

/// The shape that a user asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub(super) hidden: Vec<usize>,
    pub(super) outputs: usize,
    pub(super) copies: usize,
    pub(super) function: Function,
    pub(super) learns_slopes: bool,
}

/// A panel's worth of numbers.
pub(super) fn padded(count: usize) -> usize {
    count.div_ceil(SIDE) * SIDE
}

impl Layout {
    pub(super) fn new(columns: &Columns, shape: Shape) -> Self {
        Self::of(columns.widths, columns.table_sizes(), shape)
    }

    pub(super) fn of(widths: Widths, tables: Vec<usize>, shape: Shape) -> Self {
        let inputs = widths.embedded * periodic::WIDTH + widths.plain + widths.places + widths.coded * VECTOR;
        let mut layers: Vec<Dense> = Vec::new();
        let mut from = inputs;
        let last = shape.outputs * shape.copies;
        for &outputs in shape.hidden.iter().chain([&last]) {
            let first = layers
                .last()
                .map_or(0, |last: &Dense| last.first + last.tile_count());
            layers.push(Dense {
                inputs: from,
                outputs,
                first,
            });
            from = outputs;
        }
        let scales = widths.embedded * periodic::WEIGHTS;
        let mut small = scales + shape.copies * padded(inputs);
        let mut biases = Vec::with_capacity(layers.len());
        for (at, layer) in layers.iter().enumerate() {
            biases.push(small);
            let per_unit = if at < shape.hidden.len() { 2 } else { 1 };
            small += per_unit * padded(layer.outputs);
        }
        Self {
            widths,
            tables,
            hidden: shape.hidden,
            outputs: shape.outputs,
            copies: shape.copies,
            function: shape.function,
            learns_slopes: shape.learns_slopes,
            layers,
            biases,
            scales,
            small,
        }
    }

    /// First input behind the embedded numbers.
    pub(super) fn plain_start(&self) -> usize {
        self.widths.embedded * periodic::WIDTH
    }

    /// First place of a level.
    pub(super) fn place_start(&self) -> usize {
        self.plain_start() + self.widths.plain
    }

    /// First number of the vectors.
    pub(super) fn vector_start(&self) -> usize {
        self.place_start() + self.widths.places
    }

    /// Small weights at most that stand for no unit and no input.
    pub(super) fn padding(&self) -> usize {
        2 * SIDE * (self.layers.len() + self.copies)
    }

    pub(super) fn tile_count(&self) -> usize {
        self.layers.iter().map(Dense::tile_count).sum()
    }

    /// The scales of a panel of inputs, of a copy.
    pub(super) fn scale(&self, copy: usize, panel: usize) -> usize {
        self.scales + copy * padded(self.layers[0].inputs) + panel * SIDE
    }

    /// The biases of a panel of a layer's units.
    pub(super) fn bias(&self, layer: usize, panel: usize) -> usize {
        self.biases[layer] + panel * SIDE
    }

    /// The slopes of a panel of a hidden layer's units.
    pub(super) fn slope(&self, layer: usize, panel: usize) -> usize {
        self.biases[layer] + padded(self.layers[layer].outputs) + panel * SIDE
    }

    /// Factors on the rate and on the decay of ranges of small weights, in order and without gaps.
    fn rates(&self) -> Vec<(usize, [f32; 2])> {
        let mut rates = vec![
            (self.scales, [RATE_OF_WAVES, 1.0]),
            (self.biases[0], [RATE_OF_SCALE, 1.0]),
        ];
        for layer in 0..self.layers.len() {
            let end = self.biases[layer] + padded(self.layers[layer].outputs);
            rates.push((end, [RATE_OF_BIAS, 0.0]));
            if layer < self.hidden.len() {
                let rate = if self.learns_slopes { RATE_OF_SLOPE } else { 0.0 };
                rates.push((end + padded(self.layers[layer].outputs), [rate, 1.0]));
            }
        }
        rates
    }

    /// Bytes of the weights, with what the optimiser keeps of them.
    pub(super) fn bytes(&self) -> u64 {
        let tables: usize = self.tables.iter().map(|size| size * VECTOR).sum();
        (self.tile_count() * size_of::<WeightTile>() + (self.small + tables) * 3 * 4) as u64
    }
}

/// The weights at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    pub(super) tiles: Vec<Tile>,
    /// Waves of embedded columns, scales of inputs, biases and slopes of layers.
    pub(super) small: Vec<f32>,
    /// The vectors of levels, table after table.
    pub(super) vectors: Vec<f32>,
}

impl Weights {
    pub(super) fn is_finite(&self) -> bool {
        let all = self
            .tiles
            .iter()
            .flatten()
            .chain(&self.small)
            .chain(&self.vectors);
        all.copied().all(f32::is_finite)
    }
}

/// A network under training.
pub(super) struct Network<'a> {
    pub(super) layout: &'a Layout,
    pub(super) tiles: Vec<WeightTile>,
    pub(super) small: Vec<f32>,
    pub(super) vectors: Vec<f32>,
    small_moments: [Vec<f32>; 2],
    vector_moments: [Vec<f32>; 2],
    rates: Vec<(usize, [f32; 2])>,
}

impl<'a> Network<'a> {
    pub(super) fn new(layout: &'a Layout, weights: Weights) -> Self {
        let zeros = |like: &[f32]| [vec![0.0; like.len()], vec![0.0; like.len()]];
        Self {
            layout,
            small_moments: zeros(&weights.small),
            vector_moments: zeros(&weights.vectors),
            tiles: weights.tiles.into_iter().map(WeightTile::new).collect(),
            small: weights.small,
            vectors: weights.vectors,
            rates: layout.rates(),
        }
    }

    /// The weights as they stand.
    pub(super) fn weights(&self) -> Weights {
        Weights {
            tiles: self.tiles.iter().map(|tile| tile.values).collect(),
            small: self.small.clone(),
            vectors: self.vectors.clone(),
        }
    }

    /// Moves the small weights.
    pub(super) fn learn_small(&mut self, gradient: &[f32], step: Step) {
        let [first, second] = &mut self.small_moments;
        let mut start = 0;
        for &(end, [rate, decay]) in &self.rates {
            step.scaled(rate, decay).apply(
                &mut self.small[start..end],
                [&mut first[start..end], &mut second[start..end]],
                1.0,
                &gradient[start..end],
            );
            start = end;
        }
    }

    /// Moves the vectors of levels.
    pub(super) fn learn_vectors(&mut self, gradient: &[f32], step: Step) {
        let [first, second] = &mut self.vector_moments;
        step.apply(&mut self.vectors, [first, second], 1.0, gradient);
    }
}

/// Weights as forward and backward passes read them.
pub(super) struct Reading<'a> {
    pub(super) layout: &'a Layout,
    /// Tiles of each layer: by panels of outputs, then of inputs.
    forward: Vec<&'a Tile>,
    /// Turned tiles of each layer: by panels of inputs, then of outputs; empty where nothing is learnt.
    backward: Vec<&'a Tile>,
    pub(super) small: &'a [f32],
    pub(super) vectors: &'a [f32],
}

impl<'a> Reading<'a> {
    /// Of a network under training.
    pub(super) fn of_network(network: &'a Network<'_>) -> Self {
        let mut backward = Vec::with_capacity(network.tiles.len());
        for layer in &network.layout.layers {
            for input in 0..layer.input_panels() {
                let tiles = (0..layer.output_panels())
                    .map(|output| layer.first + output * layer.input_panels() + input);
                backward.extend(tiles.map(|at| &network.tiles[at].turned));
            }
        }
        Self {
            layout: network.layout,
            forward: network.tiles.iter().map(|tile| &tile.values).collect(),
            backward,
            small: &network.small,
            vectors: &network.vectors,
        }
    }

    /// Of weights that are not learnt any more.
    pub(super) fn of_weights(layout: &'a Layout, weights: &'a Weights) -> Self {
        Self {
            layout,
            forward: weights.tiles.iter().collect(),
            backward: Vec::new(),
            small: &weights.small,
            vectors: &weights.vectors,
        }
    }

    /// The tiles that make a panel of a layer's outputs.
    pub(super) fn forward(&self, layer: usize, output_panel: usize) -> &[&'a Tile] {
        let dense = &self.layout.layers[layer];
        let start = dense.first + output_panel * dense.input_panels();
        &self.forward[start..start + dense.input_panels()]
    }

    /// The tiles that make the gradient of a panel of a layer's inputs.
    pub(super) fn backward(&self, layer: usize, input_panel: usize) -> &[&'a Tile] {
        let dense = &self.layout.layers[layer];
        let start = dense.first + input_panel * dense.output_panels();
        &self.backward[start..start + dense.output_panels()]
    }

    /// A panel's worth of small weights.
    pub(super) fn small(&self, start: usize) -> &'a [f32] {
        &self.small[start..start + SIDE]
    }
}
