//! What candidates cost in time, learned as they finish; and when trying more no longer pays.

use std::collections::BTreeMap;
use std::time::Duration;

use kolosal_learner::{Metric, Predictions, Task};
use kolosal_pipeline::Judge;

/// Shortest time that tells a rate.
const TOLD_MIN: Duration = Duration::from_millis(20);

/// Seconds a work unit takes, by learner.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    by_learner: BTreeMap<&'static str, Vec<f64>>,
}

impl Costs {
    /// Takes a candidate that was fitted in this run.
    pub(crate) fn learn(&mut self, learner: &'static str, work: u64, elapsed: Duration) {
        // What took no time to speak of was found done, or says nothing about larger work; and what a constant costs is judging
        // it, which says nothing about learning.
        if elapsed >= TOLD_MIN && learner != "baseline" {
            let rates = self.by_learner.entry(learner).or_default();
            rates.push(elapsed.as_secs_f64() / work.max(1) as f64);
        }
    }

    /// How long a candidate of so much work will take by the median rate of its learner, or by the median of all learners where
    /// its own has not finished yet; `None` where none has.
    pub(crate) fn expect(&self, learner: &str, work: u64) -> Option<Duration> {
        let rate = match self.by_learner.get(learner) {
            Some(rates) => median(rates),
            None if self.by_learner.is_empty() => return None,
            None => median(
                &self
                    .by_learner
                    .values()
                    .map(|rates| median(rates))
                    .collect::<Vec<f64>>(),
            ),
        };
        Duration::try_from_secs_f64(rate * work as f64).ok()
    }
}

fn median(rates: &[f64]) -> f64 {
    let mut rates = rates.to_vec();
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// The ensemble as it stands, in the shape that is cheap to keep: what it answers for the held-out rows.
///
/// It is grown one candidate at a time and never looks back, so it is no better than the one that is chosen in the end; it
/// only tells whether candidates still add something.
pub(crate) struct Standing<'a> {
    judge: Judge<'a>,
    task: Task,
    answers: Vec<f64>,
    loss: f64,
    /// Candidates since the last that added something.
    idle: usize,
}

/// Shares of a newcomer that are tried.
const SHARES: [f64; 4] = [0.06, 0.15, 0.3, 0.6];

/// Part of the loss that a newcomer must take off to count as an improvement.
const GAIN_MIN: f64 = 1e-4;

impl<'a> Standing<'a> {
    pub(crate) fn new(judge: Judge<'a>, task: Task) -> Self {
        Self {
            judge,
            task,
            answers: Vec::new(),
            loss: f64::INFINITY,
            idle: 0,
        }
    }

    /// Candidates in a row that have added nothing.
    pub(crate) fn idle(&self) -> usize {
        self.idle
    }

    /// Takes a finished candidate, or one that failed.
    pub(crate) fn take(&mut self, held_out: Option<&Predictions>) {
        let Some(held_out) = held_out else {
            self.idle += 1;
            return;
        };
        if self.answers.is_empty() {
            self.loss = self.loss_of(held_out.values().to_vec());
            self.answers = held_out.values().to_vec();
            return;
        }
        let mix = |share: f64| {
            let pairs = self.answers.iter().zip(held_out.values());
            pairs
                .map(|(old, new)| (1.0 - share) * old + share * new)
                .collect::<Vec<f64>>()
        };
        let tried = SHARES.iter().map(|&share| (share, self.loss_of(mix(share))));
        let best = tried
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .expect("there are shares");
        if best.1 < self.loss {
            if best.1 < self.loss - GAIN_MIN * self.loss.abs().max(1e-12) {
                self.idle = 0;
            } else {
                self.idle += 1;
            }
            self.answers = mix(best.0);
            self.loss = best.1;
        } else {
            self.idle += 1;
        }
    }

    fn loss_of(&self, answers: Vec<f64>) -> f64 {
        let predictions = Predictions::from_values(self.task, answers);
        let metric: &dyn Metric = self.judge.metric;
        metric
            .score(&self.judge.target, &predictions, self.judge.weights)
            .map_or(f64::INFINITY, |score| metric.loss(score))
    }
}

/// Candidates in a row without an improvement after which a search ends: few on small tables, where scores are noisy and a
/// long search only fits the noise.
///
/// Points of the published rule (AutoGluon's `best_v150`), interpolated in logarithms: 4 at 100 rows, 8 at 500, 15 at 2,500, 40 at
/// 10,000, 100 at 100,000.
pub(crate) fn patience(rows: usize) -> usize {
    const POINTS: [(f64, f64); 5] = [
        (100.0, 4.0),
        (500.0, 8.0),
        (2_500.0, 15.0),
        (10_000.0, 40.0),
        (100_000.0, 100.0),
    ];
    let rows = (rows as f64).clamp(POINTS[0].0, POINTS[4].0);
    let at = POINTS.windows(2).position(|pair| rows <= pair[1].0).unwrap_or(3);
    let ((x0, y0), (x1, y1)) = (POINTS[at], POINTS[at + 1]);
    let share = (rows / x0).ln() / (x1 / x0).ln();
    (y0 * (y1 / y0).powf(share)).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_learner::{Target, find_metric};

    #[test]
    fn patience_grows_with_rows_and_ends_where_the_points_end() {
        for (rows, expected) in [
            (1, 4),
            (100, 4),
            (500, 8),
            (2_500, 15),
            (10_000, 40),
            (100_000, 100),
            (9_000_000, 100),
        ] {
            assert_eq!(patience(rows), expected, "{rows}");
        }
        assert!((1..1000).all(|i| patience(i * 50) <= patience((i + 1) * 50)));
    }

    #[test]
    fn a_newcomer_counts_only_if_it_adds_something() {
        let target = [1.0, 2.0, 3.0];
        let judge = Judge {
            target: Target::Numbers(&target),
            weights: None,
            metric: find_metric("rmse").expect("a metric"),
        };
        let numbers = |values: &[f64]| Predictions::from_values(Task::Regression, values.to_vec());
        let mut standing = Standing::new(judge, Task::Regression);
        standing.take(Some(&numbers(&[2.0, 3.0, 4.0])));
        standing.take(Some(&numbers(&[2.0, 3.0, 4.0])));
        assert_eq!(standing.idle(), 1);
        standing.take(Some(&numbers(&[0.5, 1.5, 2.5])));
        assert_eq!(standing.idle(), 0);
        assert!(standing.loss < 0.3, "{}", standing.loss);
        standing.take(None);
        assert_eq!(standing.idle(), 1);
    }

    #[test]
    fn the_median_rate_of_a_learner_tells_what_its_next_fit_costs() {
        let mut costs = Costs::default();
        for seconds in [1, 2, 30] {
            costs.learn("ridge", 10, Duration::from_secs(seconds));
        }
        assert_eq!(costs.expect("ridge", 20), Some(Duration::from_secs(4)));
        assert_eq!(
            costs.expect("lasso", 20),
            Some(Duration::from_secs(4)),
            "as fast as any other"
        );
        costs.learn("xgboost", 10, Duration::from_secs(40));
        assert_eq!(
            costs.expect("mlp", 20),
            Some(Duration::from_secs(80)),
            "as slow as half of the others"
        );
        costs.learn("lasso", 10, Duration::from_millis(1));
        assert_eq!(Costs::default().expect("lasso", 20), None);
    }
}
