//! A round with an oblivious tree: structure from the bag's gradients, answers by Newton steps over all rows.

use kolosal_base::Seed;
use kolosal_compute::Crew;
use kolosal_compute::kernels::histogram::{Sample, Slot};

use super::by_leaf::ByLeaf;
use super::columns::ColumnChoice;
use super::fit::Fit;
use super::model::{BoostTree, NodeFacts};
use super::oblivious::{Symmetric, SymmetricGrower, SymmetricTask};
use super::quantise::{Derivatives, quantise};
use super::search::Units;
use super::table::Table;
use crate::tree::{Side, Test, Tree};

/// Rows whose sums are made in one piece.
pub(crate) const BLOCK: usize = 1 << 12;

/// Room that oblivious rounds keep.
pub(crate) struct SymmetricRoom<S> {
    grower: SymmetricGrower<S>,
    samples: Vec<Vec<Sample>>,
    /// The leaf of each row.
    pub(crate) leaf_of: Vec<u16>,
    /// Blocks of rows in the order of leaves, where the answers of a tree are found in several steps.
    pub(crate) by_leaf: Vec<ByLeaf>,
    /// Weights in single precision; empty where all are one.
    weights: Vec<f32>,
}

impl<'a, S: Slot> Fit<'a, S> {
    pub(crate) fn symmetric_room(&self) -> SymmetricRoom<S> {
        let (outputs, rows) = (self.outputs.len(), self.ground.table.row_count());
        SymmetricRoom {
            grower: SymmetricGrower::new(self.ground, outputs),
            samples: vec![Vec::with_capacity(self.rows.len()); outputs],
            leaf_of: vec![0; rows],
            by_leaf: Vec::new(),
            weights: self
                .labels
                .weights()
                .map(|weights| weights.iter().map(|&weight| weight as f32).collect())
                .unwrap_or_default(),
        }
    }

    /// Grows one tree for all outputs and adds its answers to the scores.
    pub(crate) fn symmetric_round(
        &mut self,
        room: &mut SymmetricRoom<S>,
        (round, seed): (usize, Seed),
    ) -> BoostTree {
        let units = self.fill_samples(room, seed);
        let columns = ColumnChoice::draw(self.ground.config, self.ground.closed, seed.fork("columns"));
        let open: Vec<Option<Vec<bool>>> = (0..self.ground.config.depth_max)
            .map(|depth| columns.of_node(0, depth as u32, &[]))
            .collect();
        let task = SymmetricTask {
            units: &units,
            seed: seed.fork("noise"),
            open: &open,
            noise: self.noise(round),
        };
        let symmetric = room.grower.grow(self.ground, &task, &mut room.samples);
        let crew = self.ground.crew;
        symmetric.route(self.ground.table, &mut room.leaf_of, crew);
        let leaves = 1 << symmetric.levels.len();
        let (answers, masses) = self.leaf_answers(room, leaves);
        let outputs = self.outputs.len();
        for (at, output) in self.outputs.iter_mut().enumerate() {
            let leaf_of = &room.leaf_of;
            crew.for_each_chunk_mut(&mut output.scores, BLOCK, |block, scores| {
                let leaves = &leaf_of[block * BLOCK..block * BLOCK + scores.len()];
                for (score, leaf) in scores.iter_mut().zip(leaves) {
                    *score += answers[usize::from(*leaf) * outputs + at];
                }
            });
        }
        self.last_answer_size = mean_size(&answers, outputs);
        symmetric.to_tree(self.ground, (&answers, outputs), &masses)
    }

    /// Rounds the bag's gradients; a row's hessian is its weight, so that structures are found by first derivatives alone.
    fn fill_samples(&self, room: &mut SymmetricRoom<S>, seed: Seed) -> Vec<Units> {
        let mut units = Vec::with_capacity(self.outputs.len());
        for (at, (output, samples)) in self.outputs.iter().zip(&mut room.samples).enumerate() {
            let derivatives = Derivatives {
                gradients: &output.gradients,
                hessians: (!room.weights.is_empty()).then_some(&room.weights[..]),
                factors: self.bag.factors(),
            };
            let seed = seed.fork("rounding").fork_index(at as u64);
            units.push(quantise(&derivatives, (&self.bag.rows, samples), seed, self.ground.crew).0);
        }
        units
    }

    /// Spread of the noise on scores: that of the gradients, fading as the model grows (Prokhorenkova et al. 2018, implementation).
    fn noise(&self, round: usize) -> f64 {
        let strength = self.ground.config.random_strength;
        if strength == 0.0 {
            return 0.0;
        }
        let rows = self.rows.len().max(1) as f64;
        let squares: f64 = self
            .outputs
            .iter()
            .map(|output| sum_of_squares(&output.gradients, self.ground.crew))
            .sum();
        let left = (rows.ln() - round as f64 * self.ground.config.learning_rate).exp();
        strength * (squares / rows).sqrt() * left / (1.0 + left)
    }
}

/// Mean length of the leaves' answers.
fn mean_size(answers: &[f64], outputs: usize) -> f64 {
    let leaves = answers.chunks_exact(outputs);
    let count = leaves.len().max(1) as f64;
    leaves
        .map(|leaf| leaf.iter().map(|answer| answer * answer).sum::<f64>().sqrt())
        .sum::<f64>()
        / count
}

/// Sum of squares, in blocks and lanes that do not depend on threads.
fn sum_of_squares(values: &[f32], crew: &Crew<'_>) -> f64 {
    const LANES: usize = 8;
    let blocks = crew.map(values.len().div_ceil(BLOCK), |block| {
        let values = &values[block * BLOCK..((block + 1) * BLOCK).min(values.len())];
        let mut sums = [0.0; LANES];
        for chunk in values.chunks(LANES) {
            for (sum, &value) in sums.iter_mut().zip(chunk) {
                *sum += f64::from(value) * f64::from(value);
            }
        }
        sums.iter().sum::<f64>()
    });
    blocks.iter().sum()
}

impl Symmetric {
    /// Writes the leaf of each row: one bit a level, the root's highest, set where a row goes right.
    fn route(&self, table: &Table<'_>, leaf_of: &mut [u16], crew: &Crew<'_>) {
        crew.for_each_chunk_mut(leaf_of, BLOCK, |block, leaves| {
            leaves.fill(0);
            for level in &self.levels {
                let column = &table.columns()[level.column as usize];
                column.append_sides(block * BLOCK, leaves, &level.test, level.missing_left);
            }
        });
    }

    /// The tree as a model holds it: complete, every level by one test.
    fn to_tree(
        &self,
        ground: &super::grow::Ground<'_>,
        (answers, outputs): (&[f64], usize),
        masses: &[(u32, f64)],
    ) -> BoostTree {
        let mut tree = Tree::new(outputs);
        let mut facts = vec![NodeFacts::default()];
        let mut nodes = vec![0];
        for level in &self.levels {
            let (test, side) = self.model_test(ground, level);
            let mut children = Vec::with_capacity(2 * nodes.len());
            for &node in &nodes {
                let left = tree.split(node, level.column, &test, side);
                facts.extend([NodeFacts::default(); 2]);
                facts[node as usize].gain = (level.gain / nodes.len() as f64) as f32;
                children.extend([left, left + 1]);
            }
            nodes = children;
        }
        for (leaf, &node) in nodes.iter().enumerate() {
            tree.set_answer(node, &answers[leaf * outputs..(leaf + 1) * outputs]);
            facts[node as usize].rows = masses[leaf].0;
            facts[node as usize].weight = masses[leaf].1 as f32;
        }
        add_up_facts(&tree, &mut facts);
        tree.shrink();
        BoostTree {
            tree,
            output: 0,
            facts,
            lines: None,
        }
    }

    fn model_test(&self, ground: &super::grow::Ground<'_>, level: &super::oblivious::Level) -> (Test, Side) {
        let at = level.column as usize;
        let present = &ground.present[ground.table.slots_of(at, at + 1)];
        let test = ground.table.columns()[at].test(&level.test, |bin| present[bin]);
        (
            test,
            if level.missing_left {
                Side::Left
            } else {
                Side::Right
            },
        )
    }
}

/// Rows and weights of splits from those of their children, which stand behind them.
pub(crate) fn add_up_facts(tree: &Tree, facts: &mut [NodeFacts]) {
    for node in (0..facts.len()).rev() {
        if let Some((_, left)) = tree.split_of(node as u32) {
            let (left, right) = (facts[left as usize], facts[left as usize + 1]);
            facts[node].rows = left.rows + right.rows;
            facts[node].weight = left.weight + right.weight;
        }
    }
}
