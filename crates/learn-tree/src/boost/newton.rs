//! Answers of an oblivious tree's leaves: Newton steps on all rows, or the objective's own rule.
//!
//! A step moves the answers of a leaf by `-(H + lambda)^-1 g`, with the sums of its rows' derivatives at the scores that the
//! steps before have led to. The penalty holds back every step, not the whole answer, as in CatBoost. Where outputs curve
//! together (softmax), `H` is the whole matrix of second derivatives.

use std::ops::Range;

use kolosal_compute::kernels::histogram::Slot;

use super::fit::{Fit, Output};
use super::leaf::{Bounds, Penalty, Sums};
use super::linear::solve;
use super::objective::LeafRows;
use super::symmetric::{BLOCK, SymmetricRoom};

impl<S: Slot> Fit<'_, S> {
    /// The answers of the leaves, output by output within a leaf, learning rate included; and each leaf's rows and hessians.
    pub(crate) fn leaf_answers(
        &self,
        room: &mut SymmetricRoom<S>,
        leaves: usize,
    ) -> (Vec<f64>, Vec<(u32, f64)>) {
        let mut answers = vec![0.0; leaves * self.outputs.len()];
        let penalty = self.leaf_penalty();
        let sums = self.leaf_sums(room, None, leaves);
        let masses = sums.masses();
        if self.objective.renews() {
            self.renew(&room.leaf_of, &mut answers);
        } else {
            self.newton_step(&sums, (&penalty, &mut answers));
            for _ in 1..self.ground.config.leaf_steps {
                let sums = self.leaf_sums(room, Some(&answers), leaves);
                self.newton_step(&sums, (&penalty, &mut answers));
            }
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

    /// Sums over the rows of each leaf at the scores as they are, or, with answers, at those plus the leaf's answer.
    fn leaf_sums(&self, room: &mut SymmetricRoom<S>, answers: Option<&[f64]>, leaves: usize) -> LeafSums {
        let outputs = self.outputs.len();
        let blocks = self.labels.blocks(self.objective, BLOCK);
        let mut jobs = Vec::with_capacity(blocks.len());
        let mut rest: Vec<TrialSlices<'_>> = room.trial.iter_mut().map(TrialSlices::of).collect();
        for block in &blocks {
            let trial: Vec<_> = rest.iter_mut().map(|slices| slices.take(block.len())).collect();
            jobs.push((
                block.clone(),
                trial,
                LeafSums::new(leaves, outputs, self.objective.has_cross()),
            ));
        }
        let leaf_of = &room.leaf_of;
        self.ground
            .crew
            .for_each_mut(&mut jobs, |_, (block, trial, sums)| {
                let leaf_of = &leaf_of[block.clone()];
                match answers {
                    Some(answers) => self.trial_sums(trial, (leaf_of, block), (answers, sums)),
                    None => self.present_sums((leaf_of, block), sums),
                }
            });
        let mut total = LeafSums::new(leaves, outputs, self.objective.has_cross());
        jobs.iter().for_each(|(_, _, sums)| total.add(sums));
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

    fn trial_sums(
        &self,
        trial: &mut [TrialSlices<'_>],
        (leaf_of, block): (&[u16], &Range<usize>),
        (answers, sums): (&[f64], &mut LeafSums),
    ) {
        let outputs = self.outputs.len();
        let labels = self.labels.slice(block.clone());
        for (at, (trial, output)) in trial.iter_mut().zip(&self.outputs).enumerate() {
            let scores = trial.scores.iter_mut().zip(&output.scores[block.clone()]);
            for ((place, score), leaf) in scores.zip(leaf_of) {
                *place = score + answers[usize::from(*leaf) * outputs + at];
            }
        }
        let mut scores: Vec<&[f64]> = Vec::with_capacity(outputs);
        let (mut gradients, mut hessians) = (Vec::with_capacity(outputs), Vec::with_capacity(outputs));
        for trial in trial.iter_mut() {
            scores.push(trial.scores);
            gradients.push(&mut *trial.gradients);
            hessians.push(&mut *trial.hessians);
        }
        self.objective
            .derive(&labels, &scores, &mut gradients, &mut hessians);
        for (at, (gradients, hessians)) in gradients.iter().zip(&hessians).enumerate() {
            sums.count(at, leaf_of, (gradients, hessians));
        }
        if !sums.cross.is_empty() {
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

/// Room for the scores and derivatives of a block of rows under answers that are tried.
struct TrialSlices<'a> {
    scores: &'a mut [f64],
    gradients: &'a mut [f32],
    hessians: &'a mut [f32],
}

impl<'a> TrialSlices<'a> {
    fn of(output: &'a mut Output) -> Self {
        Self {
            scores: &mut output.scores,
            gradients: &mut output.gradients,
            hessians: &mut output.hessians,
        }
    }

    /// The next so many rows.
    fn take(&mut self, rows: usize) -> Self {
        Self {
            scores: self
                .scores
                .split_off_mut(..rows)
                .expect("blocks are parts of the rows"),
            gradients: self
                .gradients
                .split_off_mut(..rows)
                .expect("blocks are parts of the rows"),
            hessians: self
                .hessians
                .split_off_mut(..rows)
                .expect("blocks are parts of the rows"),
        }
    }
}

/// Sums of derivatives over the rows of each leaf.
struct LeafSums {
    /// Output by output within a leaf.
    own: Vec<Sums>,
    /// Of each leaf, the derivatives by two outputs `a < b`, at `b (b - 1) / 2 + a`; empty where outputs do not curve together.
    cross: Vec<f64>,
    /// Rows of each leaf that count; counted at the first step only.
    rows: Vec<u32>,
    outputs: usize,
}

impl LeafSums {
    fn new(leaves: usize, outputs: usize, has_cross: bool) -> Self {
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
