//! Constants that fit weighted answers best: means, quantiles, and minima found by safeguarded Newton steps.

use kolosal_learner::Target;

use super::labels::{Labels, LeafRows};
use super::pointwise::Pointwise;

/// Means are kept this far from the borders of their range before a logarithm is taken (LightGBM's `kEpsilon`).
const MARGIN: f64 = 1e-15;
/// Halving a bracket of numbers so often leaves nothing between its ends.
const STEPS_MAX: usize = 200;

/// The weighted mean of the answers; class codes count as numbers.
pub(super) fn mean(rows: &Labels<'_>) -> f64 {
    let sum: f64 = match rows.target() {
        Target::Numbers(values) => (0..values.len()).map(|row| rows.weight(row) * values[row]).sum(),
        Target::Classes { codes, .. } => (0..codes.len())
            .map(|row| rows.weight(row) * f64::from(codes[row]))
            .sum(),
        Target::Unknown { .. } => {
            unreachable!("learners of answers are not on the card of tasks without any")
        }
    };
    sum / rows.total_weight()
}

/// The logarithm of the mean of answers that are not negative.
pub(super) fn log_mean(rows: &Labels<'_>) -> f64 {
    mean(rows).max(MARGIN).ln()
}

/// `ln(share / (1 - share))` for a share of 0 ..= 1.
pub(super) fn logit(share: f64) -> f64 {
    let share = share.clamp(MARGIN, 1.0 - MARGIN);
    share.ln() - (-share).ln_1p()
}

/// The logarithm of each class's share of the weight.
pub(super) fn log_shares(rows: &Labels<'_>, classes: usize) -> Vec<f64> {
    class_shares(rows, classes)
        .into_iter()
        .map(|share| share.max(MARGIN).ln())
        .collect()
}

/// Each class's share of the weight.
pub(super) fn class_shares(rows: &Labels<'_>, classes: usize) -> Vec<f64> {
    let mut shares = vec![0.0; classes];
    for (row, &class) in rows.classes().iter().enumerate() {
        shares[class as usize] += rows.weight(row);
    }
    let total = rows.total_weight();
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}

/// The quantile of the targets whose weights are `weight(row, target)` each.
pub(super) fn target_quantile(rows: &Labels<'_>, alpha: f64, factor: impl Fn(f64) -> f64) -> f64 {
    let values = rows.numbers();
    let weighed = |row: usize| (values[row], rows.weight(row) * factor(values[row]));
    quantile((0..values.len()).map(weighed).collect(), alpha).unwrap_or(0.0)
}

/// The quantile of the residuals `target - score` of a leaf; `None` if its rows have no weight.
pub(super) fn leaf_quantile(leaf: &LeafRows<'_>, alpha: f64, factor: impl Fn(f64) -> f64) -> Option<f64> {
    let values = leaf.labels.numbers();
    let weighed = |&row: &u32| {
        let row = row as usize;
        let residual = values[row] - leaf.scores[row];
        (residual, leaf.labels.weight(row) * factor(values[row]))
    };
    quantile(leaf.rows.iter().map(weighed).collect(), alpha)
}

/// The value below which a share `alpha` of the weight lies: the minimiser of the pinball loss, and the middle of all
/// minimisers where there are several. A row of weight two is two rows, a row of weight zero none.
pub(super) fn quantile(mut weighed: Vec<(f64, f64)>, alpha: f64) -> Option<f64> {
    weighed.retain(|(_, weight)| *weight > 0.0);
    let first = weighed.first()?.1;
    if weighed.iter().all(|(_, weight)| *weight == first) {
        return Some(even_quantile(&mut weighed, alpha));
    }
    weighed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let goal = alpha * weighed.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut below = 0.0;
    for (at, (value, weight)) in weighed.iter().enumerate() {
        below += weight;
        if (below - goal).abs() <= 1e-12 * goal {
            let next = weighed.get(at + 1).map_or(*value, |(next, _)| *next);
            return Some(value + (next - value) / 2.0);
        }
        if below > goal {
            return Some(*value);
        }
    }
    weighed.last().map(|(value, _)| *value)
}

/// The same where all weights are equal: by selection, without sorting.
fn even_quantile(values: &mut [(f64, f64)], alpha: f64) -> f64 {
    let goal = alpha * values.len() as f64;
    let whole = goal.round();
    let is_between = (goal - whole).abs() <= 1e-12 * goal && whole >= 1.0 && whole < values.len() as f64;
    let at = if is_between {
        whole as usize - 1
    } else {
        goal as usize
    };
    let (_, &mut (value, _), above) =
        values.select_nth_unstable_by(at.min(values.len() - 1), |a, b| a.0.total_cmp(&b.0));
    if !is_between {
        return value;
    }
    let next = above
        .iter()
        .fold(f64::INFINITY, |next, (other, _)| next.min(*other));
    value + (next - value) / 2.0
}

/// The constant score at which the summed gradient of a convex loss of residuals is zero: Newton's steps, replaced by
/// halving the bracket wherever they leave it.
pub(super) fn minimise<L: Pointwise>(loss: &L, rows: &Labels<'_>) -> f64 {
    let values = rows.numbers();
    let counted = |row: &usize| rows.weight(*row) > 0.0;
    let (mut low, mut high) = (0..values.len())
        .filter(counted)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), row| {
            (low.min(values[row]), high.max(values[row]))
        });
    let mut score = target_quantile(rows, 0.5, |_| 1.0);
    for _ in 0..STEPS_MAX {
        let [slope, curvature] = slope_at(loss, rows, score);
        if slope > 0.0 {
            high = score;
        } else {
            low = score;
        }
        let newton = score - slope / curvature;
        let next = if newton > low && newton < high {
            newton
        } else {
            low + (high - low) / 2.0
        };
        let is_settled = (next - score).abs() <= 1e-12 * (1.0 + score.abs());
        score = next;
        if slope == 0.0 || is_settled {
            break;
        }
    }
    score
}

fn slope_at<L: Pointwise>(loss: &L, rows: &Labels<'_>, score: f64) -> [f64; 2] {
    let mut total = [0.0; 2];
    for (row, &answer) in rows.numbers().iter().enumerate() {
        let exponentials = loss.exponents(answer, score).map(f64::exp);
        let [slope, curvature] = loss.derive(answer, score, exponentials);
        total[0] += rows.weight(row) * slope;
        total[1] += rows.weight(row) * curvature;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_split_the_weight() {
        let even =
            |values: &[f64], alpha| quantile(values.iter().map(|&value| (value, 1.0)).collect(), alpha);
        assert_eq!(even(&[3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(even(&[4.0, 1.0, 3.0, 2.0], 0.5), Some(2.5));
        assert_eq!(even(&[4.0, 1.0, 3.0, 2.0], 0.3), Some(2.0));
        assert_eq!(even(&[4.0, 1.0, 3.0, 2.0], 0.75), Some(3.5));
        assert_eq!(even(&[4.0, 1.0, 3.0, 2.0], 0.99), Some(4.0));
        assert_eq!(even(&[7.0], 0.01), Some(7.0));
        assert_eq!(even(&[], 0.5), None);
        assert_eq!(quantile(vec![(5.0, 0.0)], 0.5), None);
    }

    #[test]
    fn a_row_of_weight_two_is_two_rows_and_one_of_weight_zero_none() {
        let mut rng = kolosal_base::Seed::new(3).rng();
        for _ in 0..200 {
            let rows: Vec<(f64, usize)> = (0..1 + rng.below(9))
                .map(|_| (rng.below(6) as f64, rng.below(4)))
                .collect();
            let weighed = rows.iter().map(|&(value, times)| (value, times as f64)).collect();
            let repeated = rows
                .iter()
                .flat_map(|&(value, times)| std::iter::repeat_n((value, 1.0), times))
                .collect();
            for alpha in [0.1, 0.25, 0.5, 0.8] {
                let (weighed, repeated): (Vec<_>, Vec<_>) = (Clone::clone(&weighed), Clone::clone(&repeated));
                assert_eq!(
                    quantile(weighed, alpha),
                    quantile(repeated, alpha),
                    "{rows:?} at {alpha}"
                );
            }
        }
    }
}
