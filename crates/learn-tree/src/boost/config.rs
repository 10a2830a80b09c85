//! What the engine is told: everything that sets one booster apart from another.

use kolosal_learner::Metric;

/// A booster's plan.
#[derive(Debug, Clone)]
pub struct BoostConfig {
    /// Most rounds; one tree an output each, or one tree for all outputs.
    pub rounds: usize,
    /// Factor on every leaf's answer.
    pub learning_rate: f64,
    /// How a tree grows.
    pub growth: Growth,
    /// Most leaves of a tree; zero for no limit.
    pub leaves_max: usize,
    /// Most splits between root and leaf.
    pub depth_max: usize,
    /// Penalties and least sizes.
    pub limits: SplitLimits,
    /// Shares of columns that are looked at.
    pub columns: ColumnShares,
    /// Which rows a tree sees.
    pub sampling: Sampling,
    /// How categories are split.
    pub categories: CategoryRule,
    /// Each column is cut at one random place instead of the best.
    pub extra_trees: bool,
    /// Ridge regressions in the leaves with this penalty.
    pub linear_lambda: Option<f64>,
    /// Trees are dropped while the next one is fitted.
    pub dart: Option<Dart>,
    /// Direction in which the answer may move with each column: -1, 0 or 1; empty for none.
    pub monotone: Vec<i8>,
    /// How monotone columns bound the leaves.
    pub monotone_method: MonotoneMethod,
    /// Sets of columns that may meet on a path; empty for no limit.
    pub interactions: Vec<Vec<u32>>,
    /// Most bins of a column.
    pub bins_max: usize,
    /// How gradients are added up.
    pub precision: Precision,
    /// Newton steps by which a leaf's answer is found; more than one only with oblivious trees.
    pub leaf_steps: usize,
    /// How oblivious trees score a cut.
    pub score: Score,
    /// Noise on the scores of oblivious trees, as a multiple of the gradients' spread.
    pub random_strength: f64,
    /// When to stop before all rounds are done, given held-out rows.
    pub stopping: Option<Stopping>,
    /// Statistics of the target by category, as derived columns.
    pub encode: Option<EncodeRule>,
    /// Whether scores start from the target's mean (or what the objective says) instead of zero.
    pub start_from_average: bool,
}

/// Which node is split next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// The leaf of highest gain.
    LeafWise,
    /// The leaf nearest the root.
    DepthWise,
    /// All leaves of a level, by one test.
    Oblivious,
}

/// Penalties and least sizes of splits and leaves.
#[derive(Debug, Clone)]
pub struct SplitLimits {
    /// L1 penalty on leaf answers.
    pub alpha: f64,
    /// L2 penalty on leaf answers.
    pub lambda: f64,
    /// A split must lower the loss by more than this.
    pub gain_min: f64,
    /// Least hessian of a leaf.
    pub hessian_min: f64,
    /// Least rows of a leaf, estimated from hessians where those differ.
    pub rows_min: usize,
    /// Largest answer of a leaf before the learning rate; zero for no limit.
    pub step_max: f64,
    /// Rows by which a leaf's answer is drawn to its parent's.
    pub path_smooth: f64,
}

/// Shares of columns that are looked at, multiplied with each other.
#[derive(Debug, Clone)]
pub struct ColumnShares {
    /// By each tree.
    pub tree: f64,
    /// By each level of a tree.
    pub level: f64,
    /// By each node.
    pub node: f64,
}

/// Which rows a tree sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sampling {
    /// All.
    All,
    /// Each with this probability, drawn anew every so many rounds.
    Bernoulli {
        /// Share of the rows.
        share: f64,
        /// Rounds between draws.
        every: usize,
    },
    /// Gradient-based one-side sampling (Ke et al. 2017): rows of large gradients, and a sample of the others with more weight.
    OneSide {
        /// Share of rows kept for their gradients.
        top: f64,
        /// Share of rows drawn from the others.
        other: f64,
    },
    /// Minimal variance sampling (Ibragimov, Gusev 2019): rows by the size of their gradients, with inverse weights.
    MinimalVariance {
        /// Share of the rows.
        share: f64,
    },
    /// Random weights `(-ln u)^temperature` (the Bayesian bootstrap).
    Bayesian {
        /// Zero gives every row weight one.
        temperature: f64,
    },
}

/// How categories are split.
#[derive(Debug, Clone)]
pub struct CategoryRule {
    /// Up to so many levels each level is tried against all others.
    pub one_hot_max: usize,
    /// Levels are ordered by gradient over hessian plus this.
    pub smooth: f64,
    /// L2 penalty on top, for splits of ordered levels.
    pub lambda: f64,
    /// Most levels on one side.
    pub levels_max: usize,
    /// Least rows that are added to a side at a time.
    pub group_min: usize,
}

/// Dropouts (Vinayak, Gilad-Bachrach 2015).
#[derive(Debug, Clone)]
pub struct Dart {
    /// Chance of each tree to be dropped.
    pub drop_rate: f64,
    /// Chance that a round drops nothing.
    pub skip_rate: f64,
    /// Most trees dropped in a round; zero for no limit.
    pub drop_max: usize,
    /// How new and dropped trees are scaled.
    pub scale: DartScale,
}

/// How new and dropped trees are scaled; see [`Dart`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DartScale {
    /// By the number of dropped trees and one.
    ByCount,
    /// By the number of dropped trees and the learning rate.
    ByRate,
}

/// How monotone columns bound the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonotoneMethod {
    /// Both children are bounded by the middle of their answers.
    Basic,
    /// Leaves are bounded by the answers of the leaves they border on.
    Intermediate,
}

/// How gradients are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Rounded at random to whole numbers, as fine as 32 bits allow for their sum.
    Quantised,
    /// In 64 bits, finer than single precision.
    Exact,
}

/// How oblivious trees score a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// Fall of the squared error.
    L2,
    /// Cosine of the angle between gradients and leaf answers.
    Cosine,
}

/// Early stopping on held-out rows.
#[derive(Debug, Clone)]
pub struct Stopping {
    /// Rounds without a better score after which to stop, before any adaptation.
    pub patience: usize,
    /// Whether patience grows with the best round and shrinks with the rows.
    pub adaptive: bool,
    /// What is judged; `None` for the objective's own loss.
    pub metric: Option<&'static dyn Metric>,
}

/// Statistics of the target by category.
#[derive(Debug, Clone)]
pub struct EncodeRule {
    /// Columns with more levels are encoded instead of split by level.
    pub one_hot_max: usize,
    /// Most columns in a combination.
    pub complexity_max: usize,
    /// Orders of the rows.
    pub permutations: usize,
}
