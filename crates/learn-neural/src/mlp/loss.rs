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
}

impl Answers<'_> {
    fn weight(&self, row: u32) -> f32 {
        self.weights.map_or(1.0, |weights| weights[row as usize])
    }

    /// The sum of the losses of some rows of a mini-batch; panels of scores become gradients of the mini-batch's mean loss.
    pub(super) fn loss_and_gradient(&self, rows: &[u32], batch_rows: usize, scores: &mut [f32]) -> f64 {
        let share = 1.0 / batch_rows as f32;
        let mut loss = 0.0;
        for (at, &row) in rows.iter().enumerate() {
            let weight = self.weight(row) * share;
            match self.known {
                Known::Numbers(targets) => {
                    let place = &mut scores[in_panels(rows.len(), at, 0)];
                    let off = *place - targets[row as usize];
                    loss += f64::from(weight * off * off);
                    *place = 2.0 * weight * off;
                }
                Known::Classes { codes, smoothing } => {
                    let class = (codes[row as usize] as usize, *smoothing);
                    loss += self.classified(scores, (rows.len(), at), class, weight);
                }
            }
        }
        loss
    }

    /// Cross entropy of one row.
    fn classified(
        &self,
        scores: &mut [f32],
        (rows, row): (usize, usize),
        (class, smoothing): (usize, f32),
        weight: f32,
    ) -> f64 {
        let place = |output: usize| in_panels(rows, row, output);
        let highest =
            (0..self.outputs).fold(f32::NEG_INFINITY, |high, output| high.max(scores[place(output)]));
        let of_class = scores[place(class)] - highest;
        let mut total = 0.0;
        let mut sum = 0.0;
        for output in 0..self.outputs {
            let at = place(output);
            let score = scores[at] - highest;
            sum += score;
            scores[at] = exp(score);
            total += scores[at];
        }
        let spread = smoothing / self.outputs as f32;
        for output in 0..self.outputs {
            let wanted = spread + if output == class { 1.0 - smoothing } else { 0.0 };
            let at = place(output);
            scores[at] = weight * (scores[at] / total - wanted);
        }
        let logarithm = f64::from(total).ln();
        let expected = f64::from((1.0 - smoothing) * of_class + spread * sum);
        f64::from(weight) * (logarithm - expected)
    }
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
            };
            let scores: Vec<f32> = (0..2 * SIDE).map(|i| (i as f32 * 0.9).sin()).collect();
            let loss = |scores: &[f32]| answers.loss_and_gradient(&[0, 1], 2, &mut scores.to_vec());
            let mut gradient = scores.clone();
            answers.loss_and_gradient(&[0, 1], 2, &mut gradient);
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
