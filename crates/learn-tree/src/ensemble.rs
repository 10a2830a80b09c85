//! Trees whose answers are averaged: fitting and predicting, shared by the forests and the single tree.

use std::sync::atomic::{AtomicU64, Ordering};

use kolosal_frame::{BinnedMatrix, FrameView};
use kolosal_learner::{
    ArtifactError, Decoder, Encoder, FitContext, FitError, FittedModel, Meaning, Predictions, Target,
    TrainView,
};

use crate::bag::{Bag, bitmap};
use crate::grow::{Grown, Growth, Spread};
use crate::outcome::Outcome;
use crate::problem::{BinarySource, Classes, NumberSource, Problem, Scalar, WeightedSource};
use crate::prune::prune;
use crate::rows::for_each_block;
use crate::split::{Criterion, Cutting, Limits};
use crate::tree::Tree;

/// Rows whose out-of-bag answers one task computes.
const OOB_ROWS: usize = 2048;

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
    outcome: Outcome,
    features: usize,
    trees: Vec<Tree>,
    importances: Vec<f64>,
    out_of_bag: Option<Predictions>,
}

/// A finished tree with what is kept of its growth.
struct Finished {
    tree: Tree,
    importances: Vec<f64>,
    seen: Option<Vec<u64>>,
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
    fn limits(&self, total_weight: f64, columns: usize) -> Limits {
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

    /// Grows the trees of a plan.
    pub(crate) fn fit(plan: &Plan, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Self, FitError> {
        let weights = effective_weights(plan.balance, train);
        let bootstrapped = plan.draws.is_some();
        let (criterion, cutting) = (plan.criterion, plan.cutting);
        // A bootstrap draws rows by weight, so that trees only ever see counts.
        let row_weights = weights.as_deref().filter(|_| !bootstrapped);
        let job = Job {
            plan,
            train,
            cx,
            weights: weights.as_deref(),
        };
        match (train.target(), row_weights) {
            (Target::Classes { codes, count }, weights) if count > 2 => job.run(&Classes {
                criterion,
                cutting,
                codes,
                weights,
                count: count as usize,
            }),
            (Target::Classes { codes, .. }, None) => job.run(&scalar(plan, BinarySource(codes))),
            (Target::Numbers(targets), None) => job.run(&scalar(plan, NumberSource(targets))),
            (Target::Numbers(targets), Some(weights)) => {
                job.run(&scalar(plan, WeightedSource { targets, weights }))
            }
            (Target::Classes { codes, .. }, Some(weights)) => {
                let targets: Vec<f64> = codes.iter().map(|&code| f64::from(code)).collect();
                job.run(&scalar(
                    plan,
                    WeightedSource {
                        targets: &targets,
                        weights,
                    },
                ))
            }
        }
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
                for (row, answer) in rows
                    .chunks_exact(self.features)
                    .zip(block.chunks_exact_mut(width))
                {
                    tree.add_answer(row, self.outcome.summed(answer));
                }
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

fn scalar<F>(plan: &Plan, source: F) -> Scalar<F> {
    Scalar {
        criterion: plan.criterion,
        cutting: plan.cutting,
        source,
    }
}

/// Row weights times class weights; `None` if every row counts one.
fn effective_weights(balance: Balance, train: &TrainView<'_>) -> Option<Vec<f64>> {
    let rows = train.row_count();
    let classes = match (balance, train.target()) {
        (Balance::Equal, Target::Classes { codes, count }) => Some((codes, count)),
        _ => None,
    };
    let Some((codes, count)) = classes else {
        return train.weights().map(<[f64]>::to_vec);
    };
    let mut counts = vec![0_usize; count as usize];
    codes.iter().for_each(|&code| counts[code as usize] += 1);
    let class_weight = |code: u32| rows as f64 / (f64::from(count) * counts[code as usize] as f64);
    Some(
        codes
            .iter()
            .enumerate()
            .map(|(row, &code)| train.weight(row) * class_weight(code))
            .collect(),
    )
}

/// One fit.
struct Job<'a> {
    plan: &'a Plan,
    train: &'a TrainView<'a>,
    cx: &'a FitContext<'a>,
    weights: Option<&'a [f64]>,
}

impl Job<'_> {
    fn run<P: Problem>(&self, problem: &P) -> Result<TreeEnsemble, FitError> {
        let Self { plan, train, cx, .. } = *self;
        let frame = train.features().frame();
        let _bins = cx.reserve(frame.binned_bytes(plan.bins_max))?;
        let matrix = frame.binned(plan.bins_max, cx.workers);
        let at_once = cx.workers.threads().min(plan.trees) as u64;
        let _room = cx.reserve(at_once * self.tree_bytes::<P>(&matrix))?;
        let bag = self.bag();
        let done = AtomicU64::new(0);
        let finished = cx.workers.map(plan.trees, |tree| {
            cx.checkpoint()?;
            let finished = self.grow_one(problem, &matrix, &bag, tree as u64)?;
            cx.progress
                .step(done.fetch_add(1, Ordering::Relaxed) + 1, plan.trees as u64);
            let kept = finished.tree.heap_bytes() + finished.seen.as_ref().map_or(0, |seen| seen.len() * 8);
            Ok((finished, cx.reserve(kept as u64)?))
        });
        // The reservations of the trees are given back with this list, when the model passes to the caller.
        let finished = finished.into_iter().collect::<Result<Vec<_>, FitError>>()?;
        let outcome = Outcome::new(train.task());
        let importances = mean_importances(finished.iter().map(|(tree, _)| tree.importances.as_slice()));
        let (mut trees, mut seen) = (Vec::with_capacity(finished.len()), Vec::new());
        let mut held = Vec::with_capacity(finished.len());
        for (one, reserved) in finished {
            trees.push(one.tree);
            seen.extend(one.seen);
            held.push(reserved);
        }
        let mut model = TreeEnsemble {
            outcome,
            features: train.features().column_count(),
            trees,
            importances,
            out_of_bag: None,
        };
        if !seen.is_empty() {
            model.out_of_bag = Some(model.answer_unseen(train, &seen, cx)?);
        }
        Ok(model)
    }

    fn bag(&self) -> Bag {
        let rows = self.train.row_count();
        match self.plan.draws {
            None => Bag::all(rows, self.weights),
            Some(share) => Bag::bootstrap(
                rows,
                ((rows as f64 * share).round() as usize).max(1),
                self.weights,
            ),
        }
    }

    /// Bytes that growing one tree takes: samples and the room to split them, nodes of a full tree, and histograms.
    fn tree_bytes<P: Problem>(&self, matrix: &BinnedMatrix) -> u64 {
        let rows = self.train.row_count();
        let samples = 2 * size_of::<P::Sample>() + size_of::<(u32, u32)>() + 4;
        let nodes = 2 * (16 + size_of::<f64>() + size_of::<(u32, u32)>());
        (rows * (samples + nodes) + matrix.widest() * 64) as u64
    }

    fn grow_one<P: Problem>(
        &self,
        problem: &P,
        matrix: &BinnedMatrix,
        bag: &Bag,
        tree: u64,
    ) -> Result<Finished, FitError> {
        let seed = self.cx.seed.fork("tree").fork_index(tree);
        let drawn = bag.draw(&mut seed.fork("bag").rng());
        let rows = self.train.features().rows();
        let sample = |&(index, count): &(u32, u32)| {
            problem.sample(index as usize, rows.get(index as usize) as u32, count)
        };
        let samples: Vec<P::Sample> = drawn.iter().map(sample).collect();
        let total_weight = total_weight(&samples);
        let columns = self.plan.features.count(matrix.columns().len());
        let growth = Growth {
            problem,
            matrix,
            limits: self.plan.size.limits(total_weight, columns),
            spread: if self.plan.trees == 1 {
                Spread::Columns(self.cx.workers)
            } else {
                Spread::Trees
            },
            cx: self.cx,
        };
        let grown = growth.grow(samples, seed.fork("grow"))?;
        let (tree, gains) = self.pruned(grown, total_weight, problem);
        let seen = (self.plan.out_of_bag == OutOfBag::Compute && self.plan.draws.is_some())
            .then(|| bitmap(self.train.row_count(), &drawn));
        Ok(Finished {
            importances: tree_importances(&tree, &gains, matrix.columns().len()),
            tree,
            seen,
        })
    }

    fn pruned<P: Problem>(
        &self,
        grown: Grown<P::Sample>,
        total_weight: f64,
        problem: &P,
    ) -> (Tree, Vec<f64>) {
        if self.plan.pruning == 0.0 {
            return (grown.tree, grown.gains);
        }
        prune(&grown, self.plan.pruning * total_weight, |samples| {
            let mut answer = vec![0.0; problem.width()];
            problem.answer(samples, &mut answer);
            answer
        })
    }
}

impl TreeEnsemble {
    /// Answers every training row by the trees that did not see it; a row that all saw gets NaN.
    fn answer_unseen(
        &self,
        train: &TrainView<'_>,
        seen: &[Vec<u64>],
        cx: &FitContext<'_>,
    ) -> Result<Predictions, FitError> {
        let width = self.outcome.shape().1;
        let mut answers = Predictions::zeros(self.outcome.task(), train.row_count());
        cx.checkpoint()?;
        cx.workers
            .for_each_chunk_mut(answers.values_mut(), OOB_ROWS * width, |chunk, out| {
                let part = train.features().slice(chunk * OOB_ROWS, out.len() / width);
                let mut counts = vec![0_usize; out.len() / width];
                for_each_block(part, |start, rows| {
                    for (tree, seen) in self.trees.iter().zip(seen) {
                        for (at, row) in (start..).zip(rows.chunks_exact(self.features)) {
                            let place = chunk * OOB_ROWS + at;
                            if seen[place / 64] >> (place % 64) & 1 == 0 {
                                counts[at] += 1;
                                let answer = &mut out[at * width..(at + 1) * width];
                                tree.add_answer(row, self.outcome.summed(answer));
                            }
                        }
                    }
                });
                for (answer, &count) in out.chunks_exact_mut(width).zip(&counts) {
                    if count == 0 {
                        answer.fill(f64::NAN);
                    } else {
                        self.outcome.finish(answer, count);
                    }
                }
            });
        Ok(answers)
    }
}

fn total_weight<T: crate::sample::Sample>(samples: &[T]) -> f64 {
    samples.iter().map(T::weight).sum()
}

/// Each column's share of a tree's gains.
fn tree_importances(tree: &Tree, gains: &[f64], columns: usize) -> Vec<f64> {
    let mut shares = vec![0.0; columns];
    for (node, gain) in (0_u32..).zip(gains) {
        if let Some((feature, _)) = tree.split_of(node) {
            shares[feature] += gain;
        }
    }
    normalise(&mut shares);
    shares
}

/// The mean over trees, as a share of the whole.
fn mean_importances<'a>(trees: impl Iterator<Item = &'a [f64]>) -> Vec<f64> {
    let mut mean: Vec<f64> = Vec::new();
    for shares in trees {
        mean.resize(shares.len(), 0.0);
        mean.iter_mut()
            .zip(shares)
            .for_each(|(slot, share)| *slot += share);
    }
    normalise(&mut mean);
    mean
}

fn normalise(shares: &mut [f64]) {
    let sum: f64 = shares.iter().sum();
    if sum > 0.0 {
        shares.iter_mut().for_each(|share| *share /= sum);
    }
}
