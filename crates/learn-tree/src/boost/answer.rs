//! Answers of a grown tree's leaves, and what they add to the scores of the rows that were learned from.

use kolosal_compute::Crew;
use kolosal_compute::kernels::histogram::Sample;

use super::grow::{Grown, GrownLeaf};
use super::leaf::Sums;
use super::linear::LineFit;
use super::model::Lines;
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
    /// Answers are bounds of other leaves and stay as they were when the tree was grown.
    pub(crate) keeps_answers: bool,
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
        if self.keeps_answers {
            return leaf.state.answer;
        }
        if self.objective.renews() {
            let rows: Vec<u32> = rows.iter().map(|sample| sample.at).collect();
            let leaf_rows = LeafRows {
                labels: self.labels,
                rows: &rows,
                scores,
            };
            if let Some(answer) = self.objective.renew(self.output, &leaf_rows) {
                return answer.clamp(leaf.state.bounds.low, leaf.state.bounds.high);
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

/// What a tree adds: a number a leaf, or a line where the leaf has one.
pub(crate) struct Additions<'a> {
    pub(crate) grown: &'a Grown,
    pub(crate) answers: &'a [f64],
    pub(crate) lines: Option<(&'a Lines, &'a LineFit<'a>)>,
}

impl Additions<'_> {
    fn of_row(&self, leaf: u32, at: u32, answer: f64) -> f64 {
        let line = self
            .lines
            .and_then(|(lines, fit)| lines.answer_of_row(leaf, at, fit));
        line.unwrap_or(answer)
    }

    /// Adds to the scores of the tree's own rows, leaf by leaf.
    pub(crate) fn add_to_own(&self, samples: &[Sample], scores: &mut [f64]) {
        for (leaf, &answer) in self.grown.leaves.iter().zip(self.answers) {
            let rows = &samples[leaf.start..leaf.start + leaf.len];
            if self.lines.is_none() {
                rows.iter()
                    .for_each(|sample| scores[sample.at as usize] += answer);
            } else {
                rows.iter().for_each(|sample| {
                    scores[sample.at as usize] += self.of_row(leaf.node, sample.at, answer)
                });
            }
        }
    }

    /// Adds to the scores of the rows that the tree did not see (`is_seen` is false), walking their bins.
    pub(crate) fn add_to_others(
        &self,
        table: &Table<'_>,
        is_seen: &[bool],
        scores: &mut [f64],
        crew: &Crew<'_>,
    ) {
        let mut by_node = vec![0.0; self.grown.facts.len()];
        for (leaf, answer) in self.grown.leaves.iter().zip(self.answers) {
            by_node[leaf.node as usize] = *answer;
        }
        crew.for_each_chunk_mut(scores, BLOCK, |block, part| {
            for (at, score) in part.iter_mut().enumerate() {
                let row = block * BLOCK + at;
                if !is_seen[row] {
                    let leaf = self.grown.bins.leaf_of(table, row as u32);
                    *score += self.of_row(leaf as u32, row as u32, by_node[leaf]);
                }
            }
        });
    }
}
