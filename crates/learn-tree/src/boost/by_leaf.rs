//! A block of rows in the order of the leaves that they fall into.
//!
//! The answers of a tree take several steps to find, and each step asks for derivatives at the scores so far. With the rows of
//! a leaf side by side, answers are added and derivatives summed without looking leaves up, and rows of leaves that are done
//! can be left out.

use kolosal_compute::kernels::{self, Loop};
use kolosal_learner::Target;

use super::leaf::Sums;
use super::newton::LeafSums;
use super::objective::{Labels, Objective};

/// Some rows, leaf after leaf.
#[derive(Debug, Default)]
pub(crate) struct ByLeaf {
    spans: Vec<Span>,
    /// Scores before the tree, by output.
    scores: Vec<Vec<f64>>,
    trial: Vec<Vec<f64>>,
    gradients: Vec<Vec<f32>>,
    hessians: Vec<Vec<f32>>,
    /// The leaf of each row.
    leaf_of: Vec<u16>,
    numbers: Vec<f64>,
    codes: Vec<u32>,
    /// How many classes there are; zero where answers are numbers.
    classes: u32,
    /// Empty where every row counts one.
    weights: Vec<f64>,
}

/// The rows of a leaf.
#[derive(Debug, Clone, Copy)]
struct Span {
    leaf: u16,
    start: usize,
    end: usize,
}

impl ByLeaf {
    /// Takes the rows of a block in the order of their leaves.
    pub(crate) fn sort<'a>(
        &mut self,
        (leaf_of, leaves): (&[u16], usize),
        labels: &Labels<'_>,
        scores: impl ExactSizeIterator<Item = &'a [f64]>,
    ) {
        let order = self.order(leaf_of, leaves);
        self.leaf_of.clear();
        self.leaf_of.extend(order.iter().map(|&at| leaf_of[at as usize]));
        let outputs = scores.len();
        self.scores.resize(outputs, Vec::new());
        self.trial.resize(outputs, Vec::new());
        self.gradients.resize(outputs, Vec::new());
        self.hessians.resize(outputs, Vec::new());
        for (own, scores) in self.scores.iter_mut().zip(scores) {
            gather(own, scores, &order);
        }
        match labels.target() {
            Target::Numbers(values) => {
                gather(&mut self.numbers, values, &order);
                self.classes = 0;
            }
            Target::Classes { codes, count } => {
                gather(&mut self.codes, codes, &order);
                self.classes = count;
            }
            Target::Unknown { .. } => {
                unreachable!("learners of answers are not on the card of tasks without any")
            }
        }
        gather(
            &mut self.weights,
            labels.weights().unwrap_or(&[]),
            if labels.weights().is_some() { &order } else { &[] },
        );
    }

    /// Positions of the rows, leaf after leaf and in order within each; sets the spans.
    fn order(&mut self, leaf_of: &[u16], leaves: usize) -> Vec<u32> {
        let mut ends = vec![0_usize; leaves + 1];
        leaf_of.iter().for_each(|leaf| ends[usize::from(*leaf) + 1] += 1);
        self.spans.clear();
        for leaf in 0..leaves {
            let (start, len) = (ends[leaf], ends[leaf + 1]);
            ends[leaf + 1] = start + len;
            if len > 0 {
                self.spans.push(Span {
                    leaf: leaf as u16,
                    start,
                    end: start + len,
                });
            }
        }
        let mut order = vec![0; leaf_of.len()];
        for (at, leaf) in (0_u32..).zip(leaf_of) {
            let place = &mut ends[usize::from(*leaf)];
            order[*place] = at;
            *place += 1;
        }
        order
    }

    /// Forgets the rows of leaves that are not open any more.
    pub(crate) fn keep(&mut self, is_open: &[bool]) {
        let mut kept = 0;
        let mut moves = Vec::with_capacity(self.spans.len());
        self.spans.retain_mut(|span| {
            if !is_open[usize::from(span.leaf)] {
                return false;
            }
            let len = span.end - span.start;
            moves.push((span.start..span.end, kept));
            (span.start, span.end) = (kept, kept + len);
            kept += len;
            true
        });
        pull(&mut self.leaf_of, &moves, kept);
        self.scores
            .iter_mut()
            .for_each(|scores| pull(scores, &moves, kept));
        if self.classes == 0 {
            pull(&mut self.numbers, &moves, kept);
        } else {
            pull(&mut self.codes, &moves, kept);
        }
        if !self.weights.is_empty() {
            pull(&mut self.weights, &moves, kept);
        }
    }

    /// Adds up derivatives by leaf at the scores with the leaves' answers.
    pub(crate) fn sums(&mut self, objective: &dyn Objective, answers: &[f64], sums: &mut LeafSums) {
        let (rows, outputs) = (self.leaf_of.len(), self.scores.len());
        if rows == 0 {
            return;
        }
        for (at, (trial, scores)) in self.trial.iter_mut().zip(&self.scores).enumerate() {
            trial.resize(rows, 0.0);
            for span in &self.spans {
                let answer = answers[usize::from(span.leaf) * outputs + at];
                let places = trial[span.start..span.end].iter_mut();
                places
                    .zip(&scores[span.start..span.end])
                    .for_each(|(place, score)| *place = score + answer);
            }
        }
        let target = if self.classes == 0 {
            Target::Numbers(&self.numbers)
        } else {
            Target::Classes {
                codes: &self.codes,
                count: self.classes,
            }
        };
        let labels = Labels::reordered(target, (!self.weights.is_empty()).then_some(&self.weights[..]));
        let scores: Vec<&[f64]> = self.trial.iter().map(Vec::as_slice).collect();
        let resized = |values: &mut Vec<f32>| values.resize(rows, 0.0);
        self.gradients.iter_mut().for_each(resized);
        self.hessians.iter_mut().for_each(resized);
        let mut gradients: Vec<&mut [f32]> = self.gradients.iter_mut().map(Vec::as_mut_slice).collect();
        let mut hessians: Vec<&mut [f32]> = self.hessians.iter_mut().map(Vec::as_mut_slice).collect();
        objective.derive(&labels, &scores, &mut gradients, &mut hessians);
        for (at, (gradients, hessians)) in gradients.iter().zip(&hessians).enumerate() {
            for span in &self.spans {
                let rows = span.start..span.end;
                sums.own[usize::from(span.leaf) * outputs + at] =
                    kernels::widest(SpanSum(&gradients[rows.clone()], &hessians[rows]));
            }
        }
        if !sums.cross.is_empty() {
            objective.add_cross(&labels, &scores, &self.leaf_of, &mut sums.cross);
        }
    }
}

fn gather<T: Copy>(into: &mut Vec<T>, from: &[T], order: &[u32]) {
    into.clear();
    into.extend(order.iter().map(|&at| from[at as usize]));
}

/// Moves ranges to the places they belong to, which are not behind them, and forgets what comes after.
fn pull<T: Copy>(values: &mut Vec<T>, moves: &[(std::ops::Range<usize>, usize)], kept: usize) {
    for (from, to) in moves {
        values.copy_within(from.clone(), *to);
    }
    values.truncate(kept);
}

/// Sums of gradients and hessians, in lanes whose number is fixed.
struct SpanSum<'a>(&'a [f32], &'a [f32]);

impl Loop for SpanSum<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run(self) -> Sums {
        const LANES: usize = 8;
        let Self(gradients, hessians) = self;
        let (mut gradient, mut hessian) = ([0.0; LANES], [0.0; LANES]);
        let (first, second) = (gradients.chunks_exact(LANES), hessians.chunks_exact(LANES));
        let rest = first.remainder().iter().zip(second.remainder());
        for (first, second) in first.zip(second) {
            for lane in 0..LANES {
                gradient[lane] += f64::from(first[lane]);
                hessian[lane] += f64::from(second[lane]);
            }
        }
        for (lane, (first, second)) in rest.enumerate() {
            gradient[lane] += f64::from(*first);
            hessian[lane] += f64::from(*second);
        }
        Sums {
            gradient: gradient.iter().sum(),
            hessian: hessian.iter().sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::objective::BinaryLogLoss;
    use super::*;

    #[test]
    fn sums_are_those_of_the_rows_in_their_own_order_and_done_leaves_are_left_out() {
        let rows = 500;
        let leaf_of: Vec<u16> = (0..rows).map(|at| (at * 7 % 5) as u16).collect();
        let codes: Vec<u32> = (0..rows).map(|at| u32::from(at * 3 % 11 < 4)).collect();
        let weights: Vec<f64> = (0..rows).map(|at| f64::from(at % 4)).collect();
        let scores: Vec<f64> = (0..rows).map(|at| f64::from(at % 17) / 4.0 - 2.0).collect();
        let target = Target::Classes {
            codes: &codes,
            count: 2,
        };
        let labels = Labels::reordered(target, Some(&weights));
        let objective = BinaryLogLoss::default();
        let answers = [0.5, -1.0, 0.0, 2.0, 0.25, 9.0];
        let mut block = ByLeaf::default();
        block.sort((&leaf_of, 6), &labels, std::iter::once(&scores[..]));
        for is_open in [[true; 6], [true, false, true, false, true, true]] {
            block.keep(&is_open);
            let mut found = LeafSums::new(6, 1, false);
            block.sums(&objective, &answers, &mut found);
            let moved: Vec<f64> = scores
                .iter()
                .zip(&leaf_of)
                .map(|(score, leaf)| score + answers[usize::from(*leaf)])
                .collect();
            let (mut gradients, mut hessians) = (vec![0.0; moved.len()], vec![0.0; moved.len()]);
            objective.derive(&labels, &[&moved], &mut [&mut gradients], &mut [&mut hessians]);
            for (leaf, found) in found.own.iter().enumerate() {
                let own = |values: &[f32]| {
                    let pairs = values
                        .iter()
                        .zip(&leaf_of)
                        .filter(|(_, of)| usize::from(**of) == leaf && is_open[leaf]);
                    pairs.map(|(value, _)| f64::from(*value)).sum::<f64>()
                };
                assert!((found.gradient - own(&gradients)).abs() < 1e-9);
                assert!((found.hessian - own(&hessians)).abs() < 1e-9);
            }
        }
    }
}
