//! Answers of a grown tree's leaves, and what they add to the scores of the rows that were learned from.

use kolosal_compute::Crew;
use kolosal_compute::kernels::histogram::Sample;

use super::grow::{Grown, GrownLeaf};
use super::leaf::Sums;
use super::objective::{Labels, LeafRows, Objective};
use super::quantise::Derivatives;
use super::search::SearchRule;
use super::table::Table;

/// Rows that one piece of work walks.
const BLOCK: usize = 1 << 12;

/// What leaf answers are made from.
pub(crate) struct Answering<'a> {
    pub(crate) derivatives: Derivatives<'a>,
    pub(crate) objective: &'a dyn Objective,
    pub(crate) labels: &'a Labels<'a>,
    pub(crate) output: usize,
    pub(crate) rule: &'a SearchRule<'a>,
    pub(crate) learning_rate: f64,
}

impl Answering<'_> {
    /// The answer of each leaf, learning rate included, from unrounded derivatives.
    pub(crate) fn answers(
        &self,
        grown: &Grown,
        (samples, scores): (&[Sample], &[f64]),
        crew: &Crew<'_>,
    ) -> Vec<f64> {
        crew.map(grown.leaves.len(), |at| {
            let leaf = &grown.leaves[at];
            let rows = &samples[leaf.start..leaf.start + leaf.len];
            self.answer(leaf, rows, scores) * self.learning_rate
        })
    }

    fn answer(&self, leaf: &GrownLeaf, rows: &[Sample], scores: &[f64]) -> f64 {
        if self.objective.renews() {
            let rows: Vec<u32> = rows.iter().map(|sample| sample.at).collect();
            let leaf = LeafRows {
                labels: self.labels,
                rows: &rows,
                scores,
            };
            if let Some(answer) = self.objective.renew(self.output, &leaf) {
                return answer;
            }
        }
        let sums = self.derivatives.sum(rows);
        let penalty = self.rule.penalty.heavier(leaf.lambda_extra);
        penalty.answer(sums, leaf.len as f64, leaf.parent_answer, leaf.state.bounds)
    }
}

impl Derivatives<'_> {
    /// Sums over rows, in order.
    pub(crate) fn sum(&self, rows: &[Sample]) -> Sums {
        let mut sums = Sums::default();
        match (self.hessians, self.factors) {
            (Some(hessians), None) => {
                for sample in rows {
                    sums.gradient += f64::from(self.gradients[sample.at as usize]);
                    sums.hessian += f64::from(hessians[sample.at as usize]);
                }
            }
            _ => {
                for sample in rows {
                    sums.gradient += f64::from(self.gradient(sample.at));
                    sums.hessian += f64::from(self.hessian(sample.at));
                }
            }
        }
        sums
    }
}

/// Adds the answers of the leaves to the scores of the tree's own rows, leaf by leaf.
pub(crate) fn add_answers(grown: &Grown, answers: &[f64], samples: &[Sample], scores: &mut [f64]) {
    for (leaf, answer) in grown.leaves.iter().zip(answers) {
        for sample in &samples[leaf.start..leaf.start + leaf.len] {
            scores[sample.at as usize] += answer;
        }
    }
}

/// Adds a tree's answers to the scores of the rows that it did not see (`is_seen` is false), walking their bins.
pub(crate) fn add_to_others(
    (grown, answers): (&Grown, &[f64]),
    table: &Table<'_>,
    is_seen: &[bool],
    scores: &mut [f64],
    crew: &Crew<'_>,
) {
    let mut by_node = vec![0.0; grown.splits.len()];
    for (leaf, answer) in grown.leaves.iter().zip(answers) {
        by_node[leaf.node as usize] = *answer;
    }
    crew.for_each_chunk_mut(scores, BLOCK, |block, part| {
        for (at, score) in part.iter_mut().enumerate() {
            let row = block * BLOCK + at;
            if !is_seen[row] {
                *score += by_node[grown.leaf_of(table, row as u32)];
            }
        }
    });
}

impl Grown {
    /// The leaf that a row's bins lead to.
    pub(crate) fn leaf_of(&self, table: &Table<'_>, at: u32) -> usize {
        let mut node = 0;
        while let Some(split) = &self.splits[node] {
            let bin = table.columns()[split.column as usize].bin(at);
            let goes_left = split.test.is_left(bin, split.missing_left);
            node = split.left as usize + usize::from(!goes_left);
        }
        node
    }
}
