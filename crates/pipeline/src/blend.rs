//! Greedy ensemble selection (Caruana et al. 2004): members are added one at a time, with repetition, as long as the
//! mean of those chosen predicts better.

use kolosal_compute::Workers;
use kolosal_learner::{Metric, Predictions, Target, Task};

/// How much each candidate counts; the weights sum to one, most are zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Blend {
    /// One weight a candidate.
    pub weights: Vec<f64>,
    /// The metric's value for the blend on the rows it was chosen on.
    pub score: f64,
}

/// What a blend is chosen by.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// Known answers.
    pub target: Target<'a>,
    /// Weights of the rows.
    pub weights: Option<&'a [f64]>,
    /// What is improved.
    pub metric: &'a dyn Metric,
}

/// Rounds of selection; more gain nothing that lasts.
const ROUNDS: usize = 25;

/// Losses nearer than this are a tie.
const TIE: f64 = 1e-6;

/// Chooses weights for candidates by their out-of-fold predictions of the same rows.
///
/// A tie goes to a candidate chosen before, then to the first, so ensembles stay small; the best prefix of the rounds
/// wins, and rounds end there once it is late. Candidates whose predictions the metric cannot judge are left out; `None` if that is all of them.
pub fn greedy_blend(
    judge: Judge<'_>,
    candidates: &[&Predictions],
    task: Task,
    (workers, is_late): (&Workers, &dyn Fn() -> bool),
) -> Option<Blend> {
    let mut counts = vec![0_u32; candidates.len()];
    let mut sum = vec![0.0; candidates.first()?.values().len()];
    let mut best: Option<(f64, Vec<u32>)> = None;
    for round in 1..=ROUNDS {
        if round > 1 && is_late() {
            break;
        }
        let scale = 1.0 / round as f64;
        let losses = workers.map(candidates.len(), |i| {
            let mean = sum
                .iter()
                .zip(candidates[i].values())
                .map(|(s, v)| (s + v) * scale)
                .collect();
            loss_of(judge, &Predictions::from_values(task, mean))
        });
        let (chosen, loss) = pick(&losses, &counts)?;
        counts[chosen] += 1;
        sum.iter_mut()
            .zip(candidates[chosen].values())
            .for_each(|(s, v)| *s += v);
        if best.as_ref().is_none_or(|(before, _)| loss < before - TIE) {
            best = Some((loss, counts.clone()));
        }
    }
    let (loss, counts) = best?;
    let total: u32 = counts.iter().sum();
    let weights = counts
        .iter()
        .map(|&count| f64::from(count) / f64::from(total))
        .collect();
    // A loss is the score with its sign turned where more is better, so turning it again gives the score.
    Some(Blend {
        weights,
        score: judge.metric.loss(loss),
    })
}

fn loss_of(judge: Judge<'_>, predictions: &Predictions) -> Option<f64> {
    let score = judge
        .metric
        .score(&judge.target, predictions, judge.weights)
        .ok()?;
    Some(judge.metric.loss(score))
}

/// The lowest loss; within a tie the candidate chosen most often so far, then the first.
fn pick(losses: &[Option<f64>], counts: &[u32]) -> Option<(usize, f64)> {
    let lowest = losses.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let tied = (0..losses.len()).filter(|&i| losses[i].is_some_and(|loss| loss <= lowest + TIE));
    let chosen = tied.min_by_key(|&i| (std::cmp::Reverse(counts[i]), i))?;
    Some((chosen, losses[chosen].expect("tied candidates have a loss")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_learner::find_metric;

    fn blend(target: &[f64], candidates: &[&[f64]]) -> Blend {
        let predictions: Vec<Predictions> = candidates
            .iter()
            .map(|values| Predictions::from_values(Task::Regression, values.to_vec()))
            .collect();
        let metric = find_metric("rmse").expect("a metric");
        let judge = Judge {
            target: Target::Numbers(target),
            weights: None,
            metric,
        };
        greedy_blend(
            judge,
            &predictions.iter().collect::<Vec<_>>(),
            Task::Regression,
            (&Workers::new(1), &|| false),
        )
        .expect("candidates can be judged")
    }

    #[test]
    fn when_it_is_late_the_best_so_far_stands() {
        let target = [0.0, 0.0];
        let judge = Judge {
            target: Target::Numbers(&target),
            weights: None,
            metric: find_metric("rmse").expect("on the list"),
        };
        let of = |values: [f64; 2]| Predictions::from_values(Task::Regression, values.to_vec());
        let (first, second) = (of([1.0, 1.0]), of([-2.0, -2.0]));
        let found = greedy_blend(
            judge,
            &[&first, &second],
            Task::Regression,
            (&Workers::new(1), &|| true),
        );
        assert_eq!(found.expect("one round").weights, [1.0, 0.0]);
    }

    #[test]
    fn errors_of_opposite_sign_are_averaged_out() {
        let found = blend(&[0.0, 0.0], &[&[1.0, 1.0], &[-1.0, -1.0], &[5.0, -5.0]]);
        assert_eq!(found.weights, [0.5, 0.5, 0.0]);
        assert_eq!(found.score, 0.0);
    }

    #[test]
    fn the_first_of_equal_candidates_is_taken_alone() {
        assert_eq!(
            blend(&[1.0, 2.0], &[&[1.5, 2.0], &[1.5, 2.0]]).weights,
            [1.0, 0.0]
        );
    }
}
