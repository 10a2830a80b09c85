//! The fitted booster: a sum of trees over raw and derived columns, and how the sum becomes an answer.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning, ScoreLink};

use super::compiled::{Compiled, CompiledCell, Scorer};
use super::encoding::Encodings;
use super::link::Link;
use super::shap::ImportanceKind;
use crate::rows::for_each_block;
use crate::tree::Tree;

/// A sum of trees.
///
/// A row's score for output `o` is `base[o]` plus what every tree adds to `o`, in tree order; the [`Link`] turns scores into
/// answers. Trees test the raw columns first and the derived ones (statistics of categories) behind them.
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
    /// Made of the rest when it is first needed.
    pub(crate) compiled: CompiledCell,
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
        self.for_each_term(row, |output, term| scores[output] += term);
    }

    /// Visits the outputs that the tree adds to, with what it adds for a row of raw and derived values.
    pub(crate) fn for_each_term(&self, row: &[f64], mut visit: impl FnMut(usize, f64)) {
        let leaf = self.tree.leaf_of(row);
        let answer = self.tree.answer_of(leaf).expect("a walk ends at a leaf");
        match (answer, &self.lines) {
            ([value], None) => visit(self.output as usize, *value),
            ([value], Some(lines)) => {
                visit(self.output as usize, lines.answer(leaf, row).unwrap_or(*value));
            }
            (values, _) => values
                .iter()
                .enumerate()
                .for_each(|(output, value)| visit(output, *value)),
        }
    }

    /// Bytes held on the heap.
    fn heap_bytes(&self) -> usize {
        let lines = self.lines.as_ref().map_or(0, |lines| {
            (lines.starts.capacity() + lines.columns.capacity()) * size_of::<u32>()
                + (lines.intercepts.capacity() + lines.slopes.capacity()) * size_of::<f64>()
        });
        self.tree.heap_bytes() + self.facts.capacity() * size_of::<NodeFacts>() + lines
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

    /// Builds the form that predictions use, which otherwise happens with the first of them; do this after a fit.
    pub fn compile(&self) {
        self.compiled();
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        self.compiled.get(self)
    }

    /// A scorer of single rows that borrows the model.
    pub fn scorer(&self) -> Scorer<&Self> {
        Scorer::new(self)
    }

    /// Writes the raw scores of each row by the first `trees` trees, row after row; `usize::MAX` stands for all trees.
    ///
    /// # Panics
    /// If `out` does not hold one number an output for each row or `x` has another number of columns.
    pub fn scores_into(&self, x: FrameView<'_>, trees: usize, out: &mut [f64]) {
        let width = self.base.len();
        assert_eq!(out.len(), x.row_count() * width, "one place a score");
        assert_eq!(x.column_count(), self.features, "the columns of training");
        self.compiled().score_rows(self, x, trees, |row, scores| {
            out[row * width..(row + 1) * width].copy_from_slice(scores);
        });
    }

    /// Answers like [`FittedModel::predict_into`], by the first `trees` trees alone.
    ///
    /// # Panics
    /// If `out` does not hold one answer for each row or `x` has another number of columns.
    pub fn predict_first_into(&self, x: FrameView<'_>, trees: usize, out: &mut [f64]) {
        let width = self.shape().1;
        assert_eq!(out.len(), x.row_count() * width, "one place a number");
        assert_eq!(x.column_count(), self.features, "the columns of training");
        self.compiled().score_rows(self, x, trees, |row, scores| {
            self.link.answer(scores, &mut out[row * width..(row + 1) * width]);
        });
    }

    /// The scores of one row of raw and derived values by the first `trees` trees, walked one by one.
    pub(crate) fn score_into(&self, tested: &[f64], trees: usize, scores: &mut [f64]) {
        scores.copy_from_slice(&self.base);
        self.trees[..trees.min(self.trees.len())]
            .iter()
            .for_each(|tree| tree.add_to(tested, scores));
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
        self.predict_first_into(x, self.trees.len(), out);
    }

    fn heap_bytes(&self) -> u64 {
        let trees: usize = self.trees.iter().map(BoostTree::heap_bytes).sum();
        let own = self.base.capacity() * size_of::<f64>() + self.trees.capacity() * size_of::<BoostTree>();
        (own + trees + self.encodings.heap_bytes() + self.compiled.heap_bytes()) as u64
    }

    fn contributions(
        &self,
        x: FrameView<'_>,
        background: FrameView<'_>,
        workers: &kolosal_compute::Workers,
    ) -> Option<kolosal_learner::Contributions> {
        let shap = super::shap::BackgroundShap::new(self, background).ok()?;
        let base = shap.expected().to_vec();
        let mut values = vec![0.0; x.row_count() * base.len() * self.features];
        let cancel = kolosal_base::Cancel::new();
        let effort = super::shap::Effort {
            workers,
            cancel: &cancel,
        };
        shap.values_into(x, effort, &mut values).ok()?;
        let link = match self.link {
            Link::Identity => ScoreLink::Identity,
            Link::Exponential => ScoreLink::Exponential,
            Link::Logistic => ScoreLink::Logistic,
            Link::Softmax => ScoreLink::Softmax,
            Link::OneVersusAll => ScoreLink::OneVersusRest,
        };
        Some(kolosal_learner::Contributions { link, base, values })
    }

    fn save(&self, to: &mut Encoder) {
        to.u8(match self.meaning {
            Meaning::Number => 0,
            Meaning::ClassProbability => 1,
            Meaning::Anomaly | Meaning::Group => {
                unreachable!("boosters answer with numbers or probabilities")
            }
        });
        self.link.save(to);
        to.u64(self.features as u64);
        to.f64s(&self.base);
        self.encodings.save(to);
        to.u64(self.trees.len() as u64);
        self.trees.iter().for_each(|tree| tree.save(to));
    }

    fn rounds(&self) -> Option<usize> {
        let trees_a_round = self
            .trees
            .first()
            .map_or(1, |tree| self.base.len() / tree.tree.width());
        Some(self.trees.len() / trees_a_round.max(1))
    }

    fn importances(&self) -> Option<Vec<f64>> {
        let mut gains = self.importances_by(ImportanceKind::Gain);
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
            other => {
                return Err(ArtifactError::damaged(format!(
                    "{other} is no meaning of answers"
                )));
            }
        };
        let link = Link::load(from)?;
        let features = from.u64()?;
        let base = from.f64s()?;
        let is_sound = features <= kolosal_base::limits::COLUMNS_MAX as u64
            && link.suits(meaning, base.len())
            && base.iter().all(|score| score.is_finite());
        if !is_sound {
            return Err(ArtifactError::damaged(
                "the head of a booster does not fit together",
            ));
        }
        let encodings = Encodings::load(from, features as usize)?;
        let columns = features as usize + encodings.count();
        let count = from.u64()?;
        let mut trees = Vec::new();
        for _ in 0..count {
            trees.push(BoostTree::load(from, columns, base.len())?);
        }
        let model = Self {
            meaning,
            link,
            features: features as usize,
            base,
            trees,
            encodings,
            compiled: CompiledCell::default(),
        };
        model.compile();
        Ok(model)
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
            return Err(ArtifactError::damaged(
                "a tree adds to an output that is not there",
            ));
        }
        let tree = Tree::load(from, columns, width, f64::is_finite)?;
        if tree.has_shares() {
            return Err(ArtifactError::damaged(
                "a booster's tree keeps answers as shares, which only forests do",
            ));
        }
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
                return Err(ArtifactError::damaged(
                    "the lines of a tree do not fit its leaves",
                ));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_with_answers_of_a_forest_is_refused() {
        let load = |fill: fn(&mut Tree, u32, &[f64])| {
            let mut tree = Tree::new(3);
            fill(&mut tree, 0, &[0.0, 1.0, 0.0]);
            let whole = BoostTree {
                tree,
                output: 0,
                facts: vec![NodeFacts::default()],
                lines: None,
            };
            let mut to = Encoder::new();
            whole.save(&mut to);
            BoostTree::load(&mut Decoder::new(&to.into_bytes()), 1, 3).map(|read| read == whole)
        };
        assert!(load(Tree::set_answer).expect("a booster's own"));
        let refused = load(Tree::set_shares).expect_err("a forest's").to_string();
        assert!(refused.contains("only forests"), "{refused}");
    }
}
