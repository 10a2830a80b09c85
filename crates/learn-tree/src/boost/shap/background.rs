//! Shapley values against background rows.

use std::collections::BTreeMap;

use kolosal_frame::FrameView;

use super::paths::{COLUMNS_MAX, Paths};
use super::rows::explain_rows;
use super::sources::Sources;
use super::{Effort, ExplainError};
use crate::boost::model::BoostModel;

/// Explains scores where an absent column has the value of a background row, averaged over all background rows.
///
/// For one background row a leaf is reached by the coalitions that hold all columns where only the explained row passes
/// the tests (`p` of them) and none where only the background row does (`q`): each of the former gets
/// `(p-1)! q! / (p+q)!`, each of the latter `-p! (q-1)! / (p+q)!` of the leaf's value. A leaf where some column fails in
/// both rows gives nothing.
#[derive(Debug)]
pub struct BackgroundShap<'m> {
    model: &'m BoostModel,
    paths: Paths,
    sources: Sources,
    /// For each leaf of each tree the distinct ways in which background rows pass its elements, and how often.
    meetings: Vec<Vec<Vec<(u64, f64)>>>,
    weights: Weights,
    expected: Vec<f64>,
}

struct Scratch {
    goes_left: Vec<bool>,
    values: Vec<f64>,
}

impl<'m> BackgroundShap<'m> {
    /// Prepares the explanation of a model against the rows of `background`, which all count the same.
    ///
    /// # Errors
    /// [`ExplainError`] if the model has linear leaves or a path of more than 64 columns, or there is no background row.
    ///
    /// # Panics
    /// If the background has another number of columns than the model.
    pub fn new(model: &'m BoostModel, background: FrameView<'_>) -> Result<Self, ExplainError> {
        let paths = Paths::new(model, None)?;
        let count = background.row_count();
        if count == 0 {
            return Err(ExplainError::EmptyBackground);
        }
        let (meetings, mut expected) = meet(model, &paths, background);
        expected.iter_mut().for_each(|sum| *sum /= count as f64);
        let share = |(bits, times): (u64, u32)| (bits, f64::from(times) / count as f64);
        let shares = |leaf: BTreeMap<u64, u32>| leaf.into_iter().map(share).collect();
        Ok(Self {
            model,
            sources: Sources::of(model),
            weights: Weights::up_to(paths.columns_max),
            paths,
            meetings: meetings
                .into_iter()
                .map(|leaves| leaves.into_iter().map(shares).collect())
                .collect(),
            expected,
        })
    }

    /// The mean score of the background for each output.
    pub fn expected(&self) -> &[f64] {
        &self.expected
    }

    /// Writes the Shapley values of each row: for each output one number a raw column.
    ///
    /// # Errors
    /// [`ExplainError::Cancelled`] if the caller asked to stop; `out` holds no meaning then.
    ///
    /// # Panics
    /// If `out` is not `rows * outputs * columns` long or `x` has another number of columns.
    pub fn values_into(
        &self,
        x: FrameView<'_>,
        effort: Effort<'_>,
        out: &mut [f64],
    ) -> Result<(), ExplainError> {
        let features = self.sources.features;
        let width = self.expected.len() * features;
        let scratch = || Scratch {
            goes_left: Vec::new(),
            values: vec![0.0; self.expected.len() * self.sources.tested()],
        };
        let explain = |scratch: &mut Scratch, row: &[f64], place: &mut [f64]| {
            self.add_values(scratch, row);
            let values = scratch.values.chunks_exact(self.sources.tested());
            for (tested, raw) in values.zip(place.chunks_exact_mut(features)) {
                self.sources.fold_values(tested, raw);
            }
        };
        explain_rows((self.model, x), effort, (out, width), scratch, explain)
    }

    fn add_values(&self, scratch: &mut Scratch, row: &[f64]) {
        let tested = self.sources.tested();
        scratch.values.fill(0.0);
        for (tree, meetings) in self.paths.trees.iter().zip(&self.meetings) {
            tree.decide(row, &mut scratch.goes_left);
            for (leaf, meetings) in tree.leaves.iter().zip(meetings) {
                let count = leaf.elements.len();
                let passes = leaf.passes(&scratch.goes_left);
                let mut weights = [0.0; COLUMNS_MAX];
                self.weights.add(passes, meetings, &mut weights[..count]);
                let lines = scratch.values.chunks_exact_mut(tested).skip(tree.output);
                for (line, value) in lines.zip(&leaf.answer) {
                    for (element, weight) in leaf.elements.iter().zip(&weights) {
                        line[element.column] += weight * value;
                    }
                }
            }
        }
    }
}

/// How often each leaf is met in which way.
type Meetings = Vec<Vec<BTreeMap<u64, u32>>>;

/// Counts for each leaf how background rows pass its elements, and sums the scores of the background.
fn meet(model: &BoostModel, paths: &Paths, background: FrameView<'_>) -> (Meetings, Vec<f64>) {
    let leaves = |tree: &super::paths::TreePaths| vec![BTreeMap::new(); tree.leaves.len()];
    let mut meetings: Meetings = paths.trees.iter().map(leaves).collect();
    let mut sums = vec![0.0; model.base.len()];
    let mut scores = sums.clone();
    let mut goes_left = Vec::new();
    model.for_each_row(background, |_, row| {
        for (tree, meetings) in paths.trees.iter().zip(&mut meetings) {
            tree.decide(row, &mut goes_left);
            for (leaf, met) in tree.leaves.iter().zip(meetings) {
                *met.entry(leaf.passes(&goes_left)).or_insert(0) += 1;
            }
        }
        model.score_into(row, usize::MAX, &mut scores);
        sums.iter_mut()
            .zip(&scores)
            .for_each(|(sum, score)| *sum += score);
    });
    (meetings, sums)
}

/// `(p-1)! q! / (p+q)!` for all `p >= 1` and `q`.
#[derive(Debug)]
struct Weights {
    width: usize,
    table: Vec<f64>,
}

impl Weights {
    fn up_to(columns: usize) -> Self {
        let width = columns + 1;
        let mut table = vec![0.0; width * width];
        for p in 1..width {
            // `w(p, 0) = 1 / p` and `w(p, q) = w(p, q-1) * q / (p + q)`.
            let mut weight = 1.0 / p as f64;
            for q in 0..width {
                weight *= if q == 0 { 1.0 } else { q as f64 / (p + q) as f64 };
                table[p * width + q] = weight;
            }
        }
        Self { width, table }
    }

    /// Adds to each element its Shapley value for a leaf of value one.
    fn add(&self, passes: u64, meetings: &[(u64, f64)], weights: &mut [f64]) {
        let all = if weights.len() == COLUMNS_MAX {
            u64::MAX
        } else {
            (1 << weights.len()) - 1
        };
        for &(met, share) in meetings {
            let (mut ours, mut theirs) = (passes & !met, met & !passes);
            if (passes | met) != all || passes == met {
                continue;
            }
            let (p, q) = (ours.count_ones() as usize, theirs.count_ones() as usize);
            while ours != 0 {
                weights[ours.trailing_zeros() as usize] += share * self.table[p * self.width + q];
                ours &= ours - 1;
            }
            while theirs != 0 {
                weights[theirs.trailing_zeros() as usize] -= share * self.table[q * self.width + p];
                theirs &= theirs - 1;
            }
        }
    }
}
