//! What the network is judged by while it learns.

use crate::net::math::exp;
use crate::net::tiled::in_panels;

/// What is known of the rows.
pub(super) enum Known {
    /// Numbers with mean zero and variance one.
    Numbers(Vec<f32>),
    /// Classes, and how much of each row's probability is spread over all of them.
    Classes { codes: Vec<u32>, smoothing: f32 },
}

/// Known answers and weights, whose mean is one; one a row.
pub(super) struct Answers<'a> {
    pub(super) known: &'a Known,
    pub(super) weights: Option<&'a [f32]>,
    pub(super) outputs: usize,
    /// Networks that share layers.
    pub(super) copies: usize,
}

impl Answers<'_> {
    fn weight(&self, row: u32) -> f32 {
        self.weights.map_or(1.0, |weights| weights[row as usize])
    }

    /// The sum of the losses of some rows of a mini-batch, the first of which is its `first`; panels of scores become gradients of
    /// the mini-batch's mean loss. Rows belong to the copies in turn, each with scores of its own.
    pub(super) fn loss_and_gradient(
        &self,
        rows: &[u32],
        (first, batch_rows): (usize, usize),
        scores: &mut [f32],
    ) -> f64 {
        let share = 1.0 / batch_rows as f32;
        let mut line = vec![0.0; self.outputs];
        let mut loss = 0.0;
        for (at, &row) in rows.iter().enumerate() {
            let start = (first + at) % self.copies * self.outputs;
            let place = |output: usize| in_panels(rows.len(), at, output);
            for (output, score) in line.iter_mut().enumerate() {
                *score = scores[place(start + output)];
            }
            loss += self.of_row(row, self.weight(row) * share, &mut line);
            if self.copies > 1 {
                // The scores of other copies have no part in this row's loss.
                (0..self.copies * self.outputs).for_each(|other| scores[place(other)] = 0.0);
            }
            for (output, gradient) in line.iter().enumerate() {
                scores[place(start + output)] = *gradient;
            }
        }
        loss
    }

    /// The loss of one row; its scores become their gradient.
    fn of_row(&self, row: u32, weight: f32, scores: &mut [f32]) -> f64 {
        match self.known {
            Known::Numbers(targets) => {
                let off = scores[0] - targets[row as usize];
                scores[0] = 2.0 * weight * off;
                f64::from(weight * off * off)
            }
            Known::Classes { codes, smoothing } => {
                cross_entropy(scores, (codes[row as usize] as usize, *smoothing), weight)
            }
        }
    }
}

/// Cross entropy of one row, some of whose probability is spread over all classes.
fn cross_entropy(scores: &mut [f32], (class, smoothing): (usize, f32), weight: f32) -> f64 {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let of_class = scores[class] - highest;
    let spread = smoothing / scores.len() as f32;
    let (mut total, mut sum) = (0.0, 0.0);
    for score in &mut *scores {
        sum += *score - highest;
        *score = exp(*score - highest);
        total += *score;
    }
    for (output, score) in scores.iter_mut().enumerate() {
        let wanted = spread + if output == class { 1.0 - smoothing } else { 0.0 };
        *score = weight * (*score / total - wanted);
    }
    let expected = f64::from((1.0 - smoothing) * of_class + spread * sum);
    f64::from(weight) * (f64::from(total).ln() - expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_compute::kernels::tiles::SIDE;

    #[test]
    fn gradients_are_those_of_the_mean_loss() {
        let classes = Known::Classes {
            codes: vec![2, 0],
            smoothing: 0.1,
        };
        let numbers = Known::Numbers(vec![0.5, -1.0]);
        for (known, outputs) in [(&classes, 3), (&numbers, 1)] {
            let answers = Answers {
                known,
                weights: Some(&[0.5, 1.5]),
                outputs,
                copies: 1,
            };
            let scores: Vec<f32> = (0..2 * SIDE).map(|i| (i as f32 * 0.9).sin()).collect();
            let loss = |scores: &[f32]| answers.loss_and_gradient(&[0, 1], (0, 2), &mut scores.to_vec());
            let mut gradient = scores.clone();
            answers.loss_and_gradient(&[0, 1], (0, 2), &mut gradient);
            for at in (0..outputs).flat_map(|output| [output, SIDE + output]) {
                let mut moved = scores.clone();
                moved[at] += 1e-2;
                let right = loss(&moved);
                moved[at] -= 2e-2;
                let expected = (right - loss(&moved)) / 2e-2;
                assert!((f64::from(gradient[at]) - expected).abs() < 1e-3, "{at}");
            }
        }
    }
}
