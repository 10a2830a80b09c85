//! The fitted booster: a sum of trees over raw and derived columns, and how the sum becomes an answer.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use super::encoding::Encodings;
use super::link::Link;
use crate::rows::for_each_block;
use crate::tree::Tree;

/// A sum of trees.
///
/// A row's score for output `o` is `base[o]` plus what every tree adds to `o`, in tree order; the [`Link`] turns scores into
/// answers. Trees test the raw columns first and the derived ones ([`Encodings`]) behind them.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostModel {
    pub(crate) meaning: Meaning,
    pub(crate) link: Link,
    /// Raw columns.
    pub(crate) features: usize,
    /// Where the sum of each output starts.
    pub(crate) base: Vec<f64>,
    pub(crate) trees: Vec<BoostTree>,
    /// Columns derived from the raw ones, numbered from `features` on.
    pub(crate) encodings: Encodings,
}

/// One tree of the sum.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BoostTree {
    /// Its leaves hold one number for one output, or one for every output.
    pub(crate) tree: Tree,
    /// The output that a tree of one number adds to; zero for a tree of all outputs.
    pub(crate) output: u32,
    /// What is known of each node from training.
    pub(crate) facts: Vec<NodeFacts>,
    /// Straight lines in the leaves, where the tree has them.
    pub(crate) lines: Option<Lines>,
}

/// What training saw in a node.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct NodeFacts {
    /// By how much the split lowered the loss; zero for leaves.
    pub(crate) gain: f32,
    /// Sum of the hessians of its rows.
    pub(crate) weight: f32,
    /// Its rows.
    pub(crate) rows: u32,
}

/// Straight lines in the leaves of a tree: a row without missing values among a leaf's columns is answered by
/// `intercept + sum(slope * value)`, any other row by the leaf's own number.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Lines {
    /// Where the terms of each node start; one more entry than nodes.
    pub(crate) starts: Vec<u32>,
    /// One number a node; meaningless for splits.
    pub(crate) intercepts: Vec<f64>,
    pub(crate) columns: Vec<u32>,
    pub(crate) slopes: Vec<f64>,
}

impl Lines {
    /// The answer of a leaf, if it has a line and the row has all its values.
    pub(crate) fn answer(&self, leaf: u32, row: &[f64]) -> Option<f64> {
        let terms = self.starts[leaf as usize] as usize..self.starts[leaf as usize + 1] as usize;
        if terms.is_empty() {
            return None;
        }
        let mut sum = self.intercepts[leaf as usize];
        for (&column, slope) in self.columns[terms.clone()].iter().zip(&self.slopes[terms]) {
            sum += slope * row[column as usize];
        }
        sum.is_finite().then_some(sum)
    }
}

impl BoostTree {
    /// Adds the tree's answer for a row of raw and derived values to the scores.
    pub(crate) fn add_to(&self, row: &[f64], scores: &mut [f64]) {
        let leaf = self.tree.leaf_of(row);
        let answer = self.tree.answer_of(leaf).expect("a walk ends at a leaf");
        match (answer, &self.lines) {
            ([value], None) => scores[self.output as usize] += value,
            ([value], Some(lines)) => {
                scores[self.output as usize] += lines.answer(leaf, row).unwrap_or(*value);
            }
            (values, _) => scores.iter_mut().zip(values).for_each(|(score, value)| *score += value),
        }
    }
}

impl BoostModel {
    /// How many trees there are.
    pub fn tree_count(&self) -> usize {
        self.trees.len()
    }

    /// How many scores a row has.
    pub fn output_count(&self) -> usize {
        self.base.len()
    }

    /// Columns that trees may test: raw ones, then derived ones.
    pub(crate) fn tested_columns(&self) -> usize {
        self.features + self.encodings.count()
    }

    /// Visits each row of the view, in order: its raw and derived values.
    pub(crate) fn for_each_row(&self, x: FrameView<'_>, mut visit: impl FnMut(usize, &[f64])) {
        let width = self.features;
        let mut tested = vec![0.0; self.tested_columns()];
        for_each_block(x, |start, values| {
            for (at, row) in values.chunks_exact(width.max(1)).enumerate() {
                tested[..width].copy_from_slice(row);
                let (raw, derived) = tested.split_at_mut(width);
                self.encodings.fill(raw, derived);
                visit(start + at, &tested);
            }
        });
    }

    /// The scores of one row of raw and derived values by the first `trees` trees, walked one by one.
    pub(crate) fn score_into(&self, tested: &[f64], trees: usize, scores: &mut [f64]) {
        scores.copy_from_slice(&self.base);
        self.trees[..trees.min(self.trees.len())]
            .iter()
            .for_each(|tree| tree.add_to(tested, scores));
    }

    /// Loss removed by each raw column's splits; a derived column's share is split evenly between those it is made of.
    pub(crate) fn gains(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.features];
        for tree in &self.trees {
            for (node, facts) in tree.facts.iter().enumerate() {
                let Some((column, _)) = tree.tree.split_of(node as u32) else {
                    continue;
                };
                if column < self.features {
                    gains[column] += f64::from(facts.gain);
                } else {
                    let sources = self.encodings.sources(column - self.features);
                    let share = f64::from(facts.gain) / sources.len().max(1) as f64;
                    sources.iter().for_each(|&source| gains[source as usize] += share);
                }
            }
        }
        gains
    }
}

impl FittedModel for BoostModel {
    fn shape(&self) -> (Meaning, usize) {
        (self.meaning, self.link.width(self.meaning, self.base.len()))
    }

    fn feature_count(&self) -> usize {
        self.features
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let width = self.shape().1;
        assert_eq!(out.len(), x.row_count() * width, "one place a number");
        assert_eq!(x.column_count(), self.features, "the columns of training");
        let mut scores = vec![0.0; self.base.len()];
        self.for_each_row(x, |row, tested| {
            self.score_into(tested, self.trees.len(), &mut scores);
            self.link.answer(&scores, &mut out[row * width..(row + 1) * width]);
        });
    }

    fn save(&self, to: &mut Encoder) {
        to.u8(match self.meaning {
            Meaning::Number => 0,
            Meaning::ClassProbability => 1,
        });
        self.link.save(to);
        to.u64(self.features as u64);
        to.f64s(&self.base);
        self.encodings.save(to);
        to.u64(self.trees.len() as u64);
        self.trees.iter().for_each(|tree| tree.save(to));
    }

    fn importances(&self) -> Option<Vec<f64>> {
        let mut gains = self.gains();
        let total: f64 = gains.iter().sum();
        if total > 0.0 {
            gains.iter_mut().for_each(|gain| *gain /= total);
        }
        Some(gains)
    }
}

impl BoostModel {
    /// Reads a model back.
    ///
    /// # Errors
    /// [`ArtifactError`] on anything that a save cannot have written.
    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let meaning = match from.u8()? {
            0 => Meaning::Number,
            1 => Meaning::ClassProbability,
            other => return Err(ArtifactError::damaged(format!("{other} is no meaning of answers"))),
        };
        let link = Link::load(from)?;
        let features = from.u64()?;
        let base = from.f64s()?;
        let is_sound = features <= kolosal_base::limits::COLUMNS_MAX as u64
            && link.suits(meaning, base.len())
            && base.iter().all(|score| score.is_finite());
        if !is_sound {
            return Err(ArtifactError::damaged("the head of a booster does not fit together"));
        }
        let encodings = Encodings::load(from, features as usize)?;
        let columns = features as usize + encodings.count();
        let count = from.u64()?;
        let mut trees = Vec::new();
        for _ in 0..count {
            trees.push(BoostTree::load(from, columns, base.len())?);
        }
        Ok(Self {
            meaning,
            link,
            features: features as usize,
            base,
            trees,
            encodings,
        })
    }
}

impl BoostTree {
    fn save(&self, to: &mut Encoder) {
        to.u32(self.output);
        to.u32(self.tree.width() as u32);
        self.tree.save(to);
        to.f32s(&self.facts.iter().map(|facts| facts.gain).collect::<Vec<_>>());
        to.f32s(&self.facts.iter().map(|facts| facts.weight).collect::<Vec<_>>());
        to.u32s(&self.facts.iter().map(|facts| facts.rows).collect::<Vec<_>>());
        to.bool(self.lines.is_some());
        if let Some(lines) = &self.lines {
            to.u32s(&lines.starts);
            to.f64s(&lines.intercepts);
            to.u32s(&lines.columns);
            to.f64s(&lines.slopes);
        }
    }

    fn load(from: &mut Decoder<'_>, columns: usize, outputs: usize) -> Result<Self, ArtifactError> {
        let (output, width) = (from.u32()?, from.u32()? as usize);
        let fits = (width == 1 && (output as usize) < outputs) || (width == outputs && output == 0);
        if !fits {
            return Err(ArtifactError::damaged("a tree adds to an output that is not there"));
        }
        let tree = Tree::load(from, columns, width, f64::is_finite)?;
        let (gains, weights, rows) = (from.f32s()?, from.f32s()?, from.u32s()?);
        let nodes = tree.node_count();
        if [gains.len(), weights.len(), rows.len()] != [nodes; 3] {
            return Err(ArtifactError::damaged("a tree has other facts than nodes"));
        }
        let facts = (0..nodes).map(|at| NodeFacts {
            gain: gains[at],
            weight: weights[at],
            rows: rows[at],
        });
        let facts = facts.collect();
        let lines = if from.bool()? {
            let lines = Lines {
                starts: from.u32s()?,
                intercepts: from.f64s()?,
                columns: from.u32s()?,
                slopes: from.f64s()?,
            };
            if !(width == 1 && lines.is_sound(nodes, columns)) {
                return Err(ArtifactError::damaged("the lines of a tree do not fit its leaves"));
            }
            Some(lines)
        } else {
            None
        };
        Ok(Self {
            tree,
            output,
            facts,
            lines,
        })
    }
}

impl Lines {
    fn is_sound(&self, nodes: usize, columns: usize) -> bool {
        self.starts.len() == nodes + 1
            && self.intercepts.len() == nodes
            && self.columns.len() == self.slopes.len()
            && self.starts.is_sorted()
            && self.starts[0] == 0
            && self.starts[nodes] as usize == self.columns.len()
            && self.columns.iter().all(|&column| (column as usize) < columns)
    }
}
