//! Scaling: numbers with mean zero and variance one over the training rows.
//!
//! Constant columns are only centred. Sparse columns are left as they are: centring would fill them.

use kolosal_frame::{Column, Frame, FrameView};
use kolosal_learner::{
    ArtifactError, Decoder, Encoder, FitContext, FitError, Fitted, FittedTransform, TrainView, Transform,
};

use crate::output::{Output, OutputBuilder};

/// Bound on scaled values: far above any real one, and small enough that sums of products stay finite.
const SCALED_MAX: f64 = 1e100;

/// Brings numbers to mean zero and variance one.
#[derive(Debug, Clone, Copy)]
pub struct Scale;

#[derive(Debug)]
struct FittedScale {
    /// Mean and reciprocal standard deviation of each dense column of numbers.
    columns: Vec<Option<(f64, f64)>>,
    output: Output,
}

impl Transform for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn fit(&self, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Fitted, FitError> {
        let x = train.features();
        let columns = cx
            .workers
            .map(x.column_count(), |position| learn(train, position));
        let mut output = OutputBuilder::default();
        let fields = x.frame().schema().fields();
        fields
            .iter()
            .enumerate()
            .for_each(|(position, field)| output.push(position, field.clone()));
        let transform = Box::new(FittedScale {
            columns,
            output: output.finish(),
        });
        let train = transform.apply(x);
        Ok(Fitted { transform, train })
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError> {
        let count = from.count("columns", from.remaining())?;
        let columns = (0..count)
            .map(|_| {
                Ok(if from.bool()? {
                    Some((from.finite()?, from.finite()?))
                } else {
                    None
                })
            })
            .collect::<Result<Vec<_>, ArtifactError>>()?;
        let output = Output::load(from, count)?;
        if output.origins().len() != count {
            return Err(ArtifactError::damaged(
                "scaled columns and features differ in number",
            ));
        }
        Ok(Box::new(FittedScale { columns, output }))
    }
}

/// Weighted mean and reciprocal standard deviation, by two passes.
fn learn(train: &TrainView<'_>, position: usize) -> Option<(f64, f64)> {
    let x = train.features();
    if !matches!(x.column(position), Column::Numbers(_)) {
        return None;
    }
    let values = x.numbers(position);
    let present = || values.iter().enumerate().filter(|(_, v)| !v.is_nan());
    let total: f64 = present().map(|(row, _)| train.weight(row)).sum();
    if total == 0.0 {
        return Some((0.0, 1.0));
    }
    let mean = present().map(|(row, v)| train.weight(row) * v).sum::<f64>() / total;
    let variance = present()
        .map(|(row, v)| train.weight(row) * (v - mean).powi(2))
        .sum::<f64>()
        / total;
    if !variance.is_finite() {
        let largest = present().fold(0.0, |max: f64, (_, v)| max.max(v.abs()));
        return Some((0.0, largest.recip()));
    }
    // Below rounding error of the mean a column is constant: dividing by noise would blow it up.
    let is_constant = variance.sqrt() <= 1e-12 * mean.abs().max(f64::MIN_POSITIVE);
    Some((mean, if is_constant { 1.0 } else { variance.sqrt().recip() }))
}

impl FittedTransform for FittedScale {
    fn name(&self) -> &'static str {
        Scale.name()
    }

    fn apply(&self, x: FrameView<'_>) -> Frame {
        assert_eq!(x.column_count(), self.columns.len(), "the columns of training");
        let scaled = |(position, stats): (usize, &Option<(f64, f64)>)| match *stats {
            None => x.gather(position),
            Some((mean, factor)) => {
                let mut values = x.numbers(position);
                values
                    .iter_mut()
                    .for_each(|v| *v = ((*v - mean) * factor).clamp(-SCALED_MAX, SCALED_MAX));
                Column::numbers(values)
            }
        };
        self.output
            .frame(self.columns.iter().enumerate().map(scaled).collect())
    }

    fn save(&self, to: &mut Encoder) {
        to.u64(self.columns.len() as u64);
        for stats in &self.columns {
            to.bool(stats.is_some());
            if let Some((mean, factor)) = stats {
                to.f64(*mean);
                to.f64(*factor);
            }
        }
        self.output.save(to);
    }

    fn origins(&self) -> Vec<usize> {
        self.output.origins().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_transform, fitted};

    #[test]
    fn numbers_come_out_with_mean_zero_and_variance_one() {
        check_transform(&Scale, &["n", "d", "c", "t"]);
        let (_, fitted) = fitted(&Scale);
        let values = fitted.train.view().numbers(1);
        let mean = values.iter().sum::<f64>() / 12.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 12.0;
        assert!(mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12);
        assert!(
            fitted.train.view().numbers(0)[3].is_nan(),
            "a missing value stays missing"
        );
    }
}
