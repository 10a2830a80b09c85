//! The compiled booster: the same scores as walking tree after tree, bit for bit, many times faster.
//!
//! Built once from a [`BoostModel`]. The [`Codebook`] turns the values of a row into bytes; all trees then compare bytes
//! with the kernels of [`kolosal_compute::kernels::trees`]. Each tree takes one of three forms: oblivious trees become
//! tables, other trees of up to 256 leaves packed nodes, and what fits neither is walked as it is. The answers of leaves are
//! added in tree order, output by output, exactly as [`BoostModel::score_into`] adds them.
//!
//! Cost of one row: a binary search for each tested column, a byte for each slot, then for each tree about one step a level.
//! Many rows go through a tree together, 64 at a time, at a cost that grows with its leaves and not with its depth.

mod batch;
mod build;
mod cell;
mod codebook;
#[cfg(test)]
pub(crate) mod random_model;
mod scorer;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::ops::Range;

use kolosal_compute::kernels::trees::{Grove, Tables};

use super::model::{BoostModel, BoostTree};
use codebook::Codebook;

pub(crate) use cell::CompiledCell;
pub use scorer::Scorer;

/// A model in the form that scores fastest.
#[derive(Debug)]
pub(crate) struct Compiled {
    codebook: Codebook,
    grove: Grove,
    tables: Tables,
    /// Neighbouring trees of one form.
    runs: Vec<Run>,
    /// One entry a tree.
    places: Vec<Place>,
    /// Answers of leaves: for each tree, output by output, in the order of its leaves.
    values: Vec<f64>,
    /// For trees with lines, the node of each leaf.
    leaf_nodes: Vec<u32>,
    /// Whether some tree reads values and not only codes.
    reads_values: bool,
}

/// How a tree is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Packed,
    Oblivious,
    Plain,
}

/// Neighbouring trees of one form.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    form: Form,
    /// Positions in the model.
    trees: Range<usize>,
    /// Position of the first one among the trees of the form.
    first: usize,
    /// Whether all leaves hold one number.
    is_plain_sum: bool,
}

/// Where the answers of a tree are and what they add to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    values: u32,
    leaves: u32,
    answers: Answers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// One number for one output.
    One { output: u32 },
    /// A line or a number for one output; the nodes of the leaves start here.
    Lines { output: u32, nodes: u32 },
    /// One number for every output.
    All,
}

impl Compiled {
    /// Bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.codebook.heap_bytes()
            + self.grove.heap_bytes()
            + self.tables.heap_bytes()
            + self.runs.capacity() * size_of::<Run>()
            + self.places.capacity() * size_of::<Place>()
            + self.values.capacity() * size_of::<f64>()
            + self.leaf_nodes.capacity() * size_of::<u32>()
    }

    /// The runs among the first `trees` trees, the last one cut short.
    fn runs(&self, trees: usize) -> impl Iterator<Item = Run> {
        self.runs
            .iter()
            .take_while(move |run| run.trees.start < trees)
            .map(move |run| Run {
                trees: run.trees.start..run.trees.end.min(trees),
                ..run.clone()
            })
    }

    /// Adds what one leaf of a tree answers for a row to its scores.
    #[inline]
    fn add_leaf(&self, model: &BoostModel, (tree, leaf): (usize, u16), row: &[f64], scores: &mut [f64]) {
        let place = self.places[tree];
        let at = place.values as usize + usize::from(leaf);
        match place.answers {
            Answers::One { output } => scores[output as usize] += self.values[at],
            Answers::Lines { output, nodes } => {
                let node = self.leaf_nodes[nodes as usize + usize::from(leaf)];
                let line = line_of(&model.trees[tree], node, row);
                scores[output as usize] += line.unwrap_or(self.values[at]);
            }
            Answers::All => {
                let values = self.values[at..].iter().step_by(place.leaves as usize);
                scores
                    .iter_mut()
                    .zip(values)
                    .for_each(|(score, value)| *score += value);
            }
        }
    }
}

fn line_of(tree: &BoostTree, node: u32, row: &[f64]) -> Option<f64> {
    tree.lines.as_ref().and_then(|lines| lines.answer(node, row))
}
