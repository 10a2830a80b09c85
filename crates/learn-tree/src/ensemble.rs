//! Trees whose answers are averaged: the model that the forests and the single tree share, and the plan it is grown by.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning, Predictions};

use crate::outcome::Outcome;
use crate::rows::for_each_block;
use crate::split::{Criterion, Cutting, Limits};
use crate::tree::Tree;

/// What kind of trees are grown, and how many.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) trees: usize,
    pub(crate) criterion: Criterion,
    pub(crate) cutting: Cutting,
    /// Draws with replacement as a share of the rows; `None` shows every row to every tree.
    pub(crate) draws: Option<f64>,
    pub(crate) size: Size,
    pub(crate) features: Features,
    pub(crate) balance: Balance,
    pub(crate) bins_max: usize,
    /// Price of a leaf as a share of the impurity.
    pub(crate) pruning: f64,
    pub(crate) out_of_bag: OutOfBag,
}

/// Limits of a tree as users give them.
#[derive(Debug, Clone)]
pub(crate) struct Size {
    pub(crate) max_depth: i64,
    pub(crate) min_samples_split: i64,
    pub(crate) min_samples_leaf: i64,
    pub(crate) min_weight_fraction_leaf: f64,
    pub(crate) max_leaf_nodes: i64,
    pub(crate) min_impurity_decrease: f64,
}

/// How many columns a node looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Features {
    Sqrt,
    Log2,
    Fraction(f64),
}

/// Whether classes are given equal weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Balance {
    AsGiven,
    Equal,
}

/// Whether rows are answered by the trees that did not see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutOfBag {
    Skip,
    Compute,
}

/// Trees whose answers are averaged.
#[derive(Debug, Clone)]
pub struct TreeEnsemble {
    pub(crate) outcome: Outcome,
    pub(crate) features: usize,
    pub(crate) trees: Vec<Tree>,
    pub(crate) importances: Vec<f64>,
    pub(crate) out_of_bag: Option<Predictions>,
}

impl Features {
    pub(crate) fn count(self, columns: usize) -> usize {
        let wanted = match self {
            Self::Sqrt => (columns as f64).sqrt(),
            Self::Log2 => (columns as f64).log2(),
            Self::Fraction(share) => columns as f64 * share,
        };
        (wanted as usize).clamp(1, columns.max(1))
    }
}

impl Size {
    pub(crate) fn limits(&self, total_weight: f64, columns: usize) -> Limits {
        let or_none = |value: i64| {
            if value == 0 {
                u32::MAX
            } else {
                u32::try_from(value).unwrap_or(u32::MAX)
            }
        };
        // A split that gains nothing is still made where nothing is asked for: its children may gain.
        let gain_min = match self.min_impurity_decrease {
            0.0 => f64::NEG_INFINITY,
            share => (share - f64::EPSILON) * total_weight,
        };
        Limits {
            depth_max: or_none(self.max_depth),
            split_rows_min: self.min_samples_split as usize,
            leaf_rows_min: self.min_samples_leaf as usize,
            leaf_weight_min: self.min_weight_fraction_leaf * total_weight,
            gain_min,
            columns,
            leaves_max: self.max_leaf_nodes as usize,
        }
    }
}

impl TreeEnsemble {
    /// How many trees there are.
    pub fn tree_count(&self) -> usize {
        self.trees.len()
    }

    /// How many leaves all trees have together.
    pub fn leaf_count(&self) -> usize {
        self.trees.iter().map(Tree::leaf_count).sum()
    }

    /// Reads an ensemble back.
    ///
    /// # Errors
    /// [`ArtifactError`] on anything that a save cannot have written.
    pub fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let outcome = Outcome::load(from)?;
        let importances = from.f64s()?;
        if importances.iter().any(|share| !(0.0..=1.0).contains(share)) {
            return Err(ArtifactError::damaged(
                "a feature importance is not between 0 and 1",
            ));
        }
        let features = importances.len();
        // Each tree takes at least its five list lengths, so the count is bounded by what is left.
        let count = from.count("trees", from.remaining() / 40)?;
        if count == 0 || features == 0 {
            return Err(ArtifactError::damaged("a model without trees or features"));
        }
        let trees = (0..count).map(|_| Tree::load(from, features, outcome.leaf_width(), outcome.legal()));
        Ok(Self {
            outcome,
            features,
            trees: trees.collect::<Result<_, _>>()?,
            importances,
            out_of_bag: None,
        })
    }
}

impl FittedModel for TreeEnsemble {
    fn shape(&self) -> (Meaning, usize) {
        self.outcome.shape()
    }

    fn feature_count(&self) -> usize {
        self.features
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let width = self.outcome.shape().1;
        assert_eq!(
            x.column_count(),
            self.features,
            "the view has the columns of training"
        );
        assert_eq!(out.len(), x.row_count() * width, "one answer a row");
        out.fill(0.0);
        for_each_block(x, |start, rows| {
            let count = rows.len() / self.features;
            let block = &mut out[start * width..(start + count) * width];
            for tree in &self.trees {
                tree.for_each_leaf(rows, self.features, |at, leaf| {
                    let answer = &mut block[at * width..(at + 1) * width];
                    tree.add_answer(leaf, self.outcome.summed(answer));
                });
            }
            block
                .chunks_exact_mut(width)
                .for_each(|answer| self.outcome.finish(answer, self.trees.len()));
        });
    }

    fn save(&self, to: &mut Encoder) {
        self.outcome.save(to);
        to.f64s(&self.importances);
        to.u64(self.trees.len() as u64);
        self.trees.iter().for_each(|tree| tree.save(to));
    }

    fn importances(&self) -> Option<Vec<f64>> {
        Some(self.importances.clone())
    }

    fn out_of_bag(&self) -> Option<&Predictions> {
        self.out_of_bag.as_ref()
    }
}
