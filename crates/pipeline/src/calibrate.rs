//! Temperature scaling (Guo et al. 2017): one number that makes probabilities as sure as they should be.
//!
//! Each probability p of a row becomes p^(1/T) divided by the sum over the row. T above one makes answers less sure.
//! The order of classes, and so accuracy and the area under a binary curve, stay as they are.

use kolosal_learner::{Metric, Predictions, Target, find_metric};

/// Fewest rows from which a temperature is learned.
const ROWS_MIN: usize = 500;

/// Most probabilities that a temperature is learned from; of more, every so many rows count. One number needs no more.
const VALUES_MAX: usize = 1 << 20;

/// Smallest gain in log-loss that is worth a temperature.
const GAIN_MIN: f64 = 1e-4;

/// Probabilities nearer to zero than this count as this: no row is ever beyond recall.
const FLOOR: f64 = 1e-15;

/// The temperature with the lowest log-loss on held-out predictions; `None` if one is as good, for regressions, and
/// for fewer than five hundred rows.
pub fn fit_temperature(target: &Target<'_>, held_out: &Predictions, weights: Option<&[f64]>) -> Option<f64> {
    if !matches!(target, Target::Classes { .. }) || held_out.row_count() < ROWS_MIN {
        return None;
    }
    let metric = find_metric("log_loss").expect("log-loss is on the list of metrics");
    let step = held_out.values().len().div_ceil(VALUES_MAX);
    if step > 1 {
        let rows: Vec<u32> = (0..held_out.row_count() as u32).step_by(step).collect();
        return fit_temperature_on(&rows, target, held_out, weights);
    }
    let loss = |log_temperature: f64| {
        let mut scaled = held_out.clone();
        apply_temperature(log_temperature.exp(), scaled.width(), scaled.values_mut());
        metric.score(target, &scaled, weights).unwrap_or(f64::INFINITY)
    };
    let best = golden_section(loss, -2.0, 2.0);
    (loss(best) < metric_at_one(metric, target, held_out, weights)? - GAIN_MIN).then(|| best.exp())
}

/// The same on some of the rows.
fn fit_temperature_on(
    rows: &[u32],
    target: &Target<'_>,
    held_out: &Predictions,
    weights: Option<&[f64]>,
) -> Option<f64> {
    let Target::Classes { codes, count } = target else {
        return None;
    };
    let codes: Vec<u32> = rows.iter().map(|&row| codes[row as usize]).collect();
    let weights = weights.map(|weights| rows.iter().map(|&row| weights[row as usize]).collect::<Vec<_>>());
    let target = Target::Classes {
        codes: &codes,
        count: *count,
    };
    fit_temperature(&target, &held_out.select(rows), weights.as_deref())
}

fn metric_at_one(
    metric: &dyn Metric,
    target: &Target<'_>,
    held_out: &Predictions,
    weights: Option<&[f64]>,
) -> Option<f64> {
    metric.score(target, held_out, weights).ok()
}

/// Scales probabilities, `width` a row, in place.
pub fn apply_temperature(temperature: f64, width: usize, values: &mut [f64]) {
    let power = temperature.recip();
    for row in values.chunks_exact_mut(width) {
        row.iter_mut().for_each(|p| *p = p.max(FLOOR).powf(power));
        let total: f64 = row.iter().sum();
        row.iter_mut().for_each(|p| *p /= total);
    }
}

/// The minimum of a function with one valley, to three digits.
fn golden_section(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut a, mut b) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut fa, mut fb) = (f(a), f(b));
    while high - low > 1e-3 {
        if fa <= fb {
            (high, b, fb) = (b, a, fa);
            a = high - ratio * (high - low);
            fa = f(a);
        } else {
            (low, a, fa) = (a, b, fb);
            b = low + ratio * (high - low);
            fb = f(b);
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_learner::Task;

    #[test]
    fn answers_that_are_too_sure_are_cooled() {
        // Nine of ten answers of 0.99 are right: the calibrated probability is 0.9.
        let codes: Vec<u32> = (0..1000).map(|i| u32::from(i % 10 != 0)).collect();
        let target = Target::Classes {
            codes: &codes,
            count: 2,
        };
        let held_out = Predictions::from_values(Task::Binary, [0.01, 0.99].repeat(1000));
        let temperature = fit_temperature(&target, &held_out, None).expect("too sure");
        let mut row = [0.01, 0.99];
        apply_temperature(temperature, 2, &mut row);
        assert!((row[1] - 0.9).abs() < 1e-3, "{row:?}");
    }

    #[test]
    fn calibrated_or_few_answers_are_left_alone() {
        let codes: Vec<u32> = (0..1000).map(|i| u32::from(i % 10 != 0)).collect();
        let target = Target::Classes {
            codes: &codes,
            count: 2,
        };
        let calibrated = Predictions::from_values(Task::Binary, [0.1, 0.9].repeat(1000));
        assert_eq!(fit_temperature(&target, &calibrated, None), None);
        let few = Target::Classes {
            codes: &codes[..100],
            count: 2,
        };
        let sure = Predictions::from_values(Task::Binary, [0.01, 0.99].repeat(100));
        assert_eq!(fit_temperature(&few, &sure, None), None);
    }
}
