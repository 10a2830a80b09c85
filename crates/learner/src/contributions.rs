//! What each column adds to the scores behind a model's answers.

/// How scores become answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreLink {
    /// The score is the answer.
    Identity,
    /// e to the power of the score is the answer.
    Exponential,
    /// One score; the logistic function of it is the probability of the second class, or the answer itself.
    Logistic,
    /// One score a class; e to the power of each, divided by their sum.
    Softmax,
    /// One score a class; the logistic function of each, divided by their sum.
    OneVersusRest,
}

/// Shapley values of columns against a background: a column that is absent takes the values it has in the background's rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// How the scores become answers.
    pub link: ScoreLink,
    /// The mean score of the background, one an output.
    pub base: Vec<f64>,
    /// `values[(row * outputs + output) * columns + column]`; with the base they add up to the score.
    pub values: Vec<f64>,
}

impl Contributions {
    /// Scores a row has.
    pub fn outputs(&self) -> usize {
        self.base.len()
    }

    /// The scores that base and values add up to, output by output, row after row.
    ///
    /// # Panics
    /// If there are no columns.
    pub fn scores(&self, columns: usize) -> Vec<f64> {
        let lines = self.values.chunks_exact(columns).enumerate();
        lines
            .map(|(at, line)| self.base[at % self.base.len()] + line.iter().sum::<f64>())
            .collect()
    }
}

impl ScoreLink {
    /// The answer that the scores of one row stand for.
    pub fn answer(self, scores: &[f64], out: &mut [f64]) {
        let sigmoid = |score: f64| 1.0 / (1.0 + (-score).exp());
        match self {
            Self::Identity => out.copy_from_slice(scores),
            Self::Exponential => out
                .iter_mut()
                .zip(scores)
                .for_each(|(out, score)| *out = score.exp()),
            Self::Logistic => match out {
                [only] => *only = sigmoid(scores[0]),
                [first, second] => (*first, *second) = (sigmoid(-scores[0]), sigmoid(scores[0])),
                _ => panic!("one score answers with one or two numbers"),
            },
            Self::Softmax => {
                let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                out.iter_mut()
                    .zip(scores)
                    .for_each(|(out, score)| *out = (score - highest).exp());
            }
            Self::OneVersusRest => out
                .iter_mut()
                .zip(scores)
                .for_each(|(out, score)| *out = sigmoid(*score)),
        }
        if matches!(self, Self::Softmax | Self::OneVersusRest) {
            let total: f64 = out.iter().sum();
            out.iter_mut().for_each(|share| *share /= total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_become_answers() {
        let mut out = [0.0; 2];
        ScoreLink::Logistic.answer(&[0.0], &mut out);
        assert_eq!(out, [0.5, 0.5]);
        let mut out = [0.0; 3];
        ScoreLink::Softmax.answer(&[1.0, 1.0, 1.0], &mut out);
        assert!(out.iter().all(|share| (share - 1.0 / 3.0).abs() < 1e-15));
        let sums = Contributions {
            link: ScoreLink::Identity,
            base: vec![1.0, 2.0],
            values: vec![1.0, 1.0, 0.5, -0.5],
        };
        assert_eq!(sums.scores(2), [3.0, 2.0]);
    }
}
