//! Fitting a set of trees: binning, choosing rows for each tree, growing in parallel, and out-of-bag answers.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kolosal_frame::BinnedMatrix;
use kolosal_learner::{FitContext, FitError, Predictions, Target, TrainView};

use crate::bag::{Bag, bitmap};
use crate::ensemble::{Balance, OutOfBag, Plan, TreeEnsemble};
use crate::grow::{Grown, Growth, Spread};
use crate::outcome::Outcome;
use crate::problem::{BinarySource, Classes, NumberSource, Problem, Scalar, WeightedSource};
use crate::prune::prune;
use crate::rows::for_each_block;
use crate::sample::Sample;
use crate::tree::Tree;

/// Rows whose out-of-bag answers one task computes.
const OOB_ROWS: usize = 2048;

/// A finished tree with what is kept of its growth.
struct Finished {
    tree: Tree,
    importances: Vec<f64>,
    seen: Option<Vec<u64>>,
}

impl TreeEnsemble {
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
            (Target::Unknown { .. }, _) => {
                unreachable!("learners of answers are not on the card of tasks without any")
            }
        }
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

/// Trees that are grown however short time is.
const TREES_MIN: usize = 10;

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
        let failure: OnceLock<FitError> = OnceLock::new();
        let grow = |tree: usize| {
            cx.checkpoint()?;
            let finished = self.grow_one(problem, &matrix, &bag, tree as u64)?;
            cx.progress
                .step(done.fetch_add(1, Ordering::Relaxed) + 1, plan.trees as u64);
            let kept = finished.tree.heap_bytes() + finished.seen.as_ref().map_or(0, |seen| seen.len() * 8);
            Ok((finished, cx.reserve(kept as u64)?))
        };
        let is_enough = AtomicBool::new(false);
        let is_over = || {
            is_enough.load(Ordering::Relaxed)
                || cx.progress.is_enough() && {
                    is_enough.store(true, Ordering::Relaxed);
                    true
                }
        };
        // Once a tree has failed, the others are not even begun; nor are those that a caller short of time does without.
        let finished = cx.workers.map(plan.trees, |tree| match failure.get() {
            Some(error) => Err(error.clone()),
            None if tree >= TREES_MIN && is_over() => Ok(None),
            None => grow(tree)
                .map(Some)
                .inspect_err(|error: &FitError| drop(failure.set(error.clone()))),
        });
        // The reservations of the trees are given back with this list, when the model passes to the caller.
        let finished = finished.into_iter().collect::<Result<Vec<_>, FitError>>()?;
        let finished: Vec<_> = finished.into_iter().flatten().collect();
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
            let unseen = Unseen {
                model: &model,
                train,
                seen: &seen,
            };
            model.out_of_bag = Some(unseen.answer(cx)?);
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

/// Answers for the training rows by the trees that did not see them.
struct Unseen<'a> {
    model: &'a TreeEnsemble,
    train: &'a TrainView<'a>,
    /// For each tree a bitmap of the rows it saw.
    seen: &'a [Vec<u64>],
}

impl Unseen<'_> {
    /// All rows; one that every tree saw gets NaN.
    fn answer(&self, cx: &FitContext<'_>) -> Result<Predictions, FitError> {
        let width = self.model.outcome.shape().1;
        let mut answers = Predictions::zeros(self.model.outcome.task(), self.train.row_count());
        cx.checkpoint()?;
        cx.workers
            .for_each_chunk_mut(answers.values_mut(), OOB_ROWS * width, |chunk, out| {
                self.answer_chunk(chunk * OOB_ROWS, out);
            });
        Ok(answers)
    }

    fn answer_chunk(&self, first: usize, out: &mut [f64]) {
        let outcome = self.model.outcome;
        let width = outcome.shape().1;
        let part = self.train.features().slice(first, out.len() / width);
        let mut counts = vec![0_usize; out.len() / width];
        let (mut rows_unseen, mut places) = (Vec::new(), Vec::new());
        for_each_block(part, |start, rows| {
            for (tree, seen) in self.model.trees.iter().zip(self.seen) {
                rows_unseen.clear();
                places.clear();
                for (at, row) in (start..).zip(rows.chunks_exact(self.model.features)) {
                    if seen[(first + at) / 64] >> ((first + at) % 64) & 1 == 0 {
                        rows_unseen.extend_from_slice(row);
                        places.push(at);
                    }
                }
                tree.for_each_leaf(&rows_unseen, self.model.features, |at, leaf| {
                    let at = places[at];
                    counts[at] += 1;
                    tree.add_answer(leaf, outcome.summed(&mut out[at * width..(at + 1) * width]));
                });
            }
        });
        for (answer, &count) in out.chunks_exact_mut(width).zip(&counts) {
            match count {
                0 => answer.fill(f64::NAN),
                count => outcome.finish(answer, count),
            }
        }
    }
}

fn total_weight<T: Sample>(samples: &[T]) -> f64 {
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
