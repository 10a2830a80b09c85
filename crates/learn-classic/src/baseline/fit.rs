//! One pass over the target.

use kolosal_learner::{Target, TrainView};

use super::{BaselineModel, BaselineParams, Statistic};

pub(super) fn fit(params: &BaselineParams, train: &TrainView<'_>) -> BaselineModel {
    let answer = match train.target() {
        Target::Classes { codes, count } => shares(train, codes, count as usize),
        Target::Numbers(values) => vec![match params.statistic {
            Statistic::Mean => mean(train, values),
            Statistic::Median => median(train, values),
        }],
        Target::Unknown { .. } => {
            unreachable!("learners of answers are not on the card of tasks without any")
        }
    };
    BaselineModel::new(answer, train.task(), train.features().column_count())
}

fn shares(train: &TrainView<'_>, codes: &[u32], count: usize) -> Vec<f64> {
    let mut shares = vec![0.0; count];
    codes
        .iter()
        .enumerate()
        .for_each(|(row, &code)| shares[code as usize] += train.weight(row));
    let total: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}

/// The weighted mean, as an offset from the first value so that large values lose no digits.
fn mean(train: &TrainView<'_>, values: &[f64]) -> f64 {
    let origin = values[0];
    let total: f64 = (0..values.len()).map(|row| train.weight(row)).sum();
    let offset: f64 = values
        .iter()
        .enumerate()
        .map(|(row, v)| train.weight(row) / total * (v - origin))
        .sum();
    origin + offset
}

/// The lowest value at or below which half of the weight lies; the mean of two where the halves meet between them.
fn median(train: &TrainView<'_>, values: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..values.len()).filter(|&row| train.weight(row) > 0.0).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let half: f64 = order.iter().map(|&row| train.weight(row)).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (i, &row) in order.iter().enumerate() {
        below += train.weight(row);
        if below > half {
            return values[row];
        }
        if below == half {
            return values[row] + (values[order[i + 1]] - values[row]) / 2.0;
        }
    }
    values[*order.last().expect("some row has weight")]
}
