//! Answers of an oblivious tree's leaves: Newton steps on all rows, or the objective's own rule.
//!
//! A step moves the answers of a leaf by `-(H + lambda)^-1 g`, with the sums of its rows' derivatives at the scores that the
//! steps before have led to. The penalty holds back every step, not the whole answer, as in CatBoost. Where outputs curve
//! together (softmax), `H` is the whole matrix of second derivatives.

use std::ops::Range;

use kolosal_compute::kernels::histogram::Slot;

use super::by_leaf::ByLeaf;
use super::fit::Fit;
use super::leaf::{Bounds, Penalty, Sums};
use super::linear::solve;
use super::objective::LeafRows;
use super::symmetric::{BLOCK, SymmetricRoom};

/// A leaf is done when a step moves its answers by less than this share of one and themselves.
const STEP_MIN: f64 = 1e-7;

impl<S: Slot> Fit<'_, S> {
    /// The answers of the leaves, output by output within a leaf, learning rate included; and each leaf's rows and hessians.
    pub(crate) fn leaf_answers(
        &self,
        room: &mut SymmetricRoom<S>,
        leaves: usize,
    ) -> (Vec<f64>, Vec<(u32, f64)>) {
        let mut answers = vec![0.0; leaves * self.outputs.len()];
        let penalty = self.leaf_penalty();
        let sums = self.leaf_sums(room, leaves);
        let masses = sums.masses();
        if self.objective.renews() {
            self.renew(&room.leaf_of, &mut answers);
        } else {
            self.newton_step(&sums, (&penalty, &mut answers));
            self.further_steps(room, (&penalty, leaves), &mut answers);
        }
        answers
            .iter_mut()
            .for_each(|answer| *answer *= self.ground.config.learning_rate);
        (answers, masses)
    }

    /// The L2 penalty counts rows, so it is taken times the mean weight.
    fn leaf_penalty(&self) -> Penalty {
        let penalty = Penalty::of(&self.ground.config.limits);
        Penalty {
            lambda: penalty.lambda * self.labels.total_weight() / self.rows.len().max(1) as f64,
            ..penalty
        }
    }

    /// Adds one Newton step to the answers of every leaf.
    fn newton_step(&self, sums: &LeafSums, (penalty, answers): (&Penalty, &mut [f64])) {
        let outputs = self.outputs.len();
        if !sums.cross.is_empty() {
            for (leaf, answers) in answers.chunks_exact_mut(outputs).enumerate() {
                sums.coupled_step(leaf, penalty.lambda, answers);
            }
            return;
        }
        for (answer, sums) in answers.iter_mut().zip(&sums.own) {
            *answer += penalty.answer(*sums, 0.0, 0.0, Bounds::FREE);
        }
    }

    /// Steps behind the first, each at the scores that the ones before have led to. A leaf is done when a step hardly moves it.
    /// Losses that compare rows of a group take no such steps: their rows cannot be put in the order of leaves.
    fn further_steps(
        &self,
        room: &mut SymmetricRoom<S>,
        (penalty, leaves): (&Penalty, usize),
        answers: &mut [f64],
    ) {
        let steps = self.ground.config.leaf_steps;
        if steps < 2 || self.objective.needs_groups() {
            return;
        }
        let (crew, outputs) = (self.ground.crew, self.outputs.len());
        let leaf_of = &room.leaf_of;
        room.by_leaf
            .resize_with(leaf_of.len().div_ceil(BLOCK), ByLeaf::default);
        crew.for_each_mut(&mut room.by_leaf, |at, block| {
            let rows = at * BLOCK..((at + 1) * BLOCK).min(leaf_of.len());
            let scores = self.outputs.iter().map(|output| &output.scores[rows.clone()]);
            block.sort(
                (&leaf_of[rows.clone()], leaves),
                &self.labels.slice(rows.clone()),
                scores,
            );
        });
        let mut is_open = vec![true; leaves];
        for _ in 1..steps {
            let before = answers.to_vec();
            let mut jobs: Vec<(&mut ByLeaf, LeafSums)> = room
                .by_leaf
                .iter_mut()
                .map(|block| (block, LeafSums::new(leaves, outputs, self.objective.has_cross())))
                .collect();
            crew.for_each_mut(&mut jobs, |_, (block, sums)| {
                block.sums(self.objective, &before, sums);
            });
            let mut total = LeafSums::new(leaves, outputs, self.objective.has_cross());
            jobs.iter().for_each(|(_, sums)| total.add(sums));
            self.newton_step(&total, (penalty, answers));
            let mut has_fewer = false;
            let pairs = answers.chunks_exact(outputs).zip(before.chunks_exact(outputs));
            for (is_open, (answers, before)) in is_open.iter_mut().zip(pairs) {
                let moves = |(answer, before): (&f64, &f64)| {
                    (answer - before).abs() > STEP_MIN * (1.0 + answer.abs())
                };
                if *is_open && !answers.iter().zip(before).any(moves) {
                    *is_open = false;
                    has_fewer = true;
                }
            }
            if !is_open.contains(&true) {
                break;
            }
            if has_fewer {
                crew.for_each_mut(&mut room.by_leaf, |_, block| block.keep(&is_open));
            }
        }
    }

    /// Sums over the rows of each leaf at the scores as they are.
    fn leaf_sums(&self, room: &SymmetricRoom<S>, leaves: usize) -> LeafSums {
        let outputs = self.outputs.len();
        let has_cross = self.objective.has_cross();
        let blocks = self.labels.blocks(self.objective, BLOCK);
        let parts = self.ground.crew.map(blocks.len(), |at| {
            let mut sums = LeafSums::new(leaves, outputs, has_cross);
            self.present_sums((&room.leaf_of[blocks[at].clone()], &blocks[at]), &mut sums);
            sums
        });
        let mut total = LeafSums::new(leaves, outputs, has_cross);
        parts.iter().for_each(|sums| total.add(sums));
        total
    }

    fn present_sums(&self, (leaf_of, block): (&[u16], &Range<usize>), sums: &mut LeafSums) {
        for (at, output) in self.outputs.iter().enumerate() {
            sums.count(
                at,
                leaf_of,
                (&output.gradients[block.clone()], &output.hessians[block.clone()]),
            );
        }
        sums.count_rows(leaf_of, |at| self.labels.weight(block.start + at) > 0.0);
        if !sums.cross.is_empty() {
            let scores: Vec<&[f64]> = self
                .outputs
                .iter()
                .map(|output| &output.scores[block.clone()])
                .collect();
            let labels = self.labels.slice(block.clone());
            self.objective
                .add_cross(&labels, &scores, leaf_of, &mut sums.cross);
        }
    }

    /// Answers by the objective's own rule.
    fn renew(&self, leaf_of: &[u16], answers: &mut [f64]) {
        let outputs = self.outputs.len();
        let mut rows_of = vec![Vec::new(); answers.len() / outputs];
        self.rows
            .iter()
            .for_each(|&row| rows_of[usize::from(leaf_of[row as usize])].push(row));
        for (at, output) in self.outputs.iter().enumerate() {
            for (leaf, rows) in rows_of.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
                let leaf_rows = LeafRows {
                    labels: self.labels,
                    rows,
                    scores: &output.scores,
                };
                if let Some(answer) = self.objective.renew(at, &leaf_rows) {
                    answers[leaf * outputs + at] = answer;
                }
            }
        }
    }
}

/// Sums of derivatives over the rows of each leaf.
pub(crate) struct LeafSums {
    /// Output by output within a leaf.
    pub(crate) own: Vec<Sums>,
    /// Of each leaf, the derivatives by two outputs `a < b`, at `b (b - 1) / 2 + a`; empty where outputs do not curve together.
    pub(crate) cross: Vec<f64>,
    /// Rows of each leaf that count; counted at the first step only.
    rows: Vec<u32>,
    outputs: usize,
}

impl LeafSums {
    pub(crate) fn new(leaves: usize, outputs: usize, has_cross: bool) -> Self {
        let pairs = if has_cross { outputs * (outputs - 1) / 2 } else { 0 };
        Self {
            own: vec![Sums::default(); leaves * outputs],
            cross: vec![0.0; leaves * pairs],
            rows: vec![0; leaves],
            outputs,
        }
    }

    fn count(&mut self, output: usize, leaf_of: &[u16], (gradients, hessians): (&[f32], &[f32])) {
        for ((leaf, gradient), hessian) in leaf_of.iter().zip(gradients).zip(hessians) {
            let sum = &mut self.own[usize::from(*leaf) * self.outputs + output];
            sum.gradient += f64::from(*gradient);
            sum.hessian += f64::from(*hessian);
        }
    }

    fn count_rows(&mut self, leaf_of: &[u16], counts: impl Fn(usize) -> bool) {
        for (at, leaf) in leaf_of.iter().enumerate() {
            self.rows[usize::from(*leaf)] += u32::from(counts(at));
        }
    }

    /// Rows and hessians of each leaf.
    fn masses(&self) -> Vec<(u32, f64)> {
        let leaves = self.own.chunks_exact(self.outputs);
        let hessians = leaves.map(|leaf| leaf.iter().map(|sums| sums.hessian).sum());
        self.rows.iter().copied().zip(hessians).collect()
    }

    fn add(&mut self, other: &Self) {
        self.rows
            .iter_mut()
            .zip(&other.rows)
            .for_each(|(sum, other)| *sum += other);
        for (sum, other) in self.own.iter_mut().zip(&other.own) {
            sum.gradient += other.gradient;
            sum.hessian += other.hessian;
        }
        self.cross
            .iter_mut()
            .zip(&other.cross)
            .for_each(|(sum, other)| *sum += other);
    }

    /// Adds `-(H + lambda)^-1 g` to the answers of a leaf.
    fn coupled_step(&self, leaf: usize, lambda: f64, answers: &mut [f64]) {
        let outputs = self.outputs;
        let own = &self.own[leaf * outputs..(leaf + 1) * outputs];
        let pairs = outputs * (outputs - 1) / 2;
        let cross = &self.cross[leaf * pairs..(leaf + 1) * pairs];
        let stride = outputs + 1;
        let mut system = vec![0.0; outputs * stride];
        // Scores may move together without a change of the loss, so that the matrix alone need not have an inverse.
        let steepest = own.iter().fold(0.0_f64, |most, sums| most.max(sums.hessian));
        for (b, sums) in own.iter().enumerate() {
            system[b * stride + b] = sums.hessian + lambda.max(1e-6 * steepest);
            system[b * stride + outputs] = -sums.gradient;
            for a in 0..b {
                system[a * stride + b] = cross[b * (b.max(1) - 1) / 2 + a];
                system[b * stride + a] = system[a * stride + b];
            }
        }
        if let Some(step) = solve(&mut system, outputs) {
            answers
                .iter_mut()
                .zip(step)
                .for_each(|(answer, step)| *answer += step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_that_curve_together_step_by_the_inverse_of_the_whole_matrix() {
        // Nine rows at equal odds of three classes: H = 9 (I / 3 - 1 / 9), so that a step that sums to zero is -g / (3 + lambda).
        let own = |gradient| Sums {
            gradient,
            hessian: 2.0,
        };
        let sums = LeafSums {
            own: vec![own(5.0), own(-1.0), own(-4.0)],
            cross: vec![-1.0; 3],
            rows: vec![9],
            outputs: 3,
        };
        for lambda in [0.0, 3.0] {
            let mut answers = [1.0, 1.0, 1.0];
            sums.coupled_step(0, lambda, &mut answers);
            for (answer, gradient) in answers.into_iter().zip([5.0, -1.0, -4.0]) {
                assert!(
                    (answer - (1.0 - gradient / (3.0 + lambda))).abs() < 1e-5,
                    "{answer}"
                );
            }
        }
    }
}
