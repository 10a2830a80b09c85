//! Pairs of columns worth combining, found before the first tree.
//!
//! A pair is judged by linear regression: by how much the error of predicting the answer from the two columns' own ordered
//! means falls when the mean of their combination is added, in units of the error that is left. Ordered means do not hold a
//! row's own answer, so a useless combination of many levels explains nothing, and without an effect the score is about a
//! chi-square number of one degree of freedom. Only so many rows are looked at, the first ones of a random order, and only
//! the columns that explain most alone where there are very many.

use kolosal_learner::FitError;

use super::encoder::Encoder;
use super::projection::Projection;

/// Rows that pairs are judged by.
const ROWS_MAX: usize = 1 << 14;
/// Columns that are paired with each other: 435 pairs.
const COLUMNS_MAX: usize = 30;
/// A chi-square number of one degree of freedom is above this once in two thousand pairs.
const SCORE_MIN: f64 = 12.0;
/// Less than this share of a column's variance left by the others is rounding.
const PIVOT_MIN: f64 = 1e-9;

/// Values of the sampled rows: one list a mean.
type Means = Vec<Vec<f32>>;

impl Encoder<'_> {
    /// At most `count` pairs of category columns, the best first, that explain something beyond their columns.
    ///
    /// # Errors
    /// Never yet; pairs that memory cannot hold are refused when they are encoded.
    pub(crate) fn best_pairs(&self, count: usize) -> Result<Vec<Projection>, FitError> {
        let rows = self.row_count().min(ROWS_MAX);
        let (answers, weights) = self.sample_answers(rows);
        let sample = Sample { answers, weights };
        let columns = self.columns();
        let singles = self.workers().map(columns.len(), |at| {
            self.sample(&Projection::single(columns[at]), rows)
        });
        let chosen = sample.strongest(&singles);
        let pairs: Vec<(usize, usize)> = chosen
            .iter()
            .enumerate()
            .flat_map(|(at, &a)| chosen[at + 1..].iter().map(move |&b| (a, b)))
            .collect();
        let scores = self.workers().map(pairs.len(), |at| {
            let (a, b) = pairs[at];
            let pair = Projection::single(columns[a]).with(columns[b])?;
            let score = sample.gain(&[&singles[a], &singles[b], &self.sample(&pair, rows)]);
            Some((score, pair))
        });
        let mut scored: Vec<(f64, Projection)> = scores.into_iter().flatten().collect();
        scored.retain(|(score, _)| *score > SCORE_MIN);
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        Ok(scored.into_iter().take(count).map(|(_, pair)| pair).collect())
    }
}

/// Answers of the sampled rows, one list a mean, and their weights.
struct Sample {
    answers: Vec<Vec<f64>>,
    weights: Vec<f64>,
}

impl Sample {
    /// The columns that explain most by themselves, in column order.
    fn strongest(&self, singles: &[Means]) -> Vec<usize> {
        let scores: Vec<f64> = singles.iter().map(|means| self.gain(&[means])).collect();
        let mut columns: Vec<usize> = (0..singles.len()).collect();
        columns.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        columns.truncate(COLUMNS_MAX);
        columns.sort_unstable();
        columns
    }

    /// How far the last of several predictors lowers the squared error of a regression on all of them, in units of the error
    /// of a row that is left; the sum over all means. Zero where it enters with the wrong sign.
    fn gain(&self, predictors: &[&Means]) -> f64 {
        let gain = |(mean, answers): (usize, &Vec<f64>)| {
            let predictors: Vec<&[f32]> = predictors.iter().map(|means| means[mean].as_slice()).collect();
            let mut moments = moments(&predictors, answers, &self.weights);
            let last = predictors.len() - 1;
            (0..last).for_each(|pivot| sweep(&mut moments, pivot));
            let [own, both, all] = [
                moments.at(last, last),
                moments.at(last, last + 1),
                moments.at(last + 1, last + 1),
            ];
            let is_useful = own > PIVOT_MIN * moments.variances[last] && both > 0.0;
            let removed = if is_useful { both * both / own } else { 0.0 };
            let left = (all - removed) / self.weights.iter().sum::<f64>();
            if left > 0.0 { removed / left } else { 0.0 }
        };
        // Weights enter as parts of the mean weight, so that their scale does not matter.
        self.answers.iter().enumerate().map(gain).sum::<f64>() * self.row_factor()
    }

    /// Rows for each unit of weight.
    fn row_factor(&self) -> f64 {
        self.weights.len() as f64 / self.weights.iter().sum::<f64>()
    }
}

/// Weighted products of deviations from the mean, of the predictors and, last, the answer.
struct Moments {
    size: usize,
    products: Vec<f64>,
    /// The diagonal before any sweep.
    variances: Vec<f64>,
}

impl Moments {
    fn at(&self, row: usize, column: usize) -> f64 {
        self.products[row * self.size + column]
    }
}

fn moments(predictors: &[&[f32]], answers: &[f64], weights: &[f64]) -> Moments {
    let size = predictors.len() + 1;
    let value = |column: usize, row: usize| match predictors.get(column) {
        Some(values) => f64::from(values[row]),
        None => answers[row],
    };
    let total: f64 = weights.iter().sum();
    let mean = |column: usize| {
        let sum: f64 = (0..weights.len())
            .map(|row| weights[row] * value(column, row))
            .sum();
        sum / total
    };
    let means: Vec<f64> = (0..size).map(mean).collect();
    let mut products = vec![0.0; size * size];
    for (row, weight) in weights.iter().enumerate() {
        for a in 0..size {
            let deviation = weight * (value(a, row) - means[a]);
            for b in a..size {
                products[a * size + b] += deviation * (value(b, row) - means[b]);
            }
        }
    }
    for a in 0..size {
        for b in 0..a {
            products[a * size + b] = products[b * size + a];
        }
    }
    let variances = (0..size).map(|a| products[a * size + a]).collect();
    Moments {
        size,
        products,
        variances,
    }
}

/// Takes out of all later variables what a variable explains of them.
fn sweep(moments: &mut Moments, pivot: usize) {
    let size = moments.size;
    let own = moments.at(pivot, pivot);
    if own <= PIVOT_MIN * moments.variances[pivot] {
        return;
    }
    for a in pivot + 1..size {
        let factor = moments.at(a, pivot) / own;
        for b in pivot + 1..size {
            moments.products[a * size + b] -= factor * moments.at(pivot, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::Seed;

    #[test]
    fn only_what_a_predictor_adds_counts() {
        let mut rng = Seed::new(1).rng();
        let draw = |rng: &mut kolosal_base::Rng| (0..4000).map(|_| rng.normal() as f32).collect::<Vec<_>>();
        let (a, b, noise) = (draw(&mut rng), draw(&mut rng), draw(&mut rng));
        let answers = (0..4000)
            .map(|row| f64::from(a[row] + 0.5 * b[row]) + rng.normal())
            .collect();
        let sample = Sample {
            answers: vec![answers],
            weights: vec![0.5; 4000],
        };
        let [a, b, noise] = [vec![a], vec![b], vec![noise]];
        assert!(sample.gain(&[&a, &noise, &b]) > 500.0);
        assert!(sample.gain(&[&a, &b, &noise]) < 12.0);
        assert_eq!(sample.gain(&[&a, &b, &b]), 0.0, "nothing is left of it");
        assert_eq!(sample.strongest(&[noise, b, a]), [0, 1, 2]);
    }
}
