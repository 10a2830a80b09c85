//! The target of a regression, brought to mean zero and variance one, and back.

use kolosal_learner::{ArtifactError, Decoder, Encoder, Target, TrainView};

/// Mean and standard deviation of the target, and the range that answers are kept in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TargetScale {
    mean: f64,
    deviation: f64,
    low: f64,
    high: f64,
}

impl TargetScale {
    /// Of some rows; that of a classification changes nothing.
    pub(super) fn of(train: &TrainView<'_>, rows: &[u32]) -> Self {
        let Target::Numbers(numbers) = train.target() else {
            return Self {
                mean: 0.0,
                deviation: 1.0,
                low: f64::MIN,
                high: f64::MAX,
            };
        };
        let values = || rows.iter().map(|&row| numbers[row as usize]);
        let weights = || rows.iter().map(|&row| train.weight(row as usize));
        let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let heaviest = weights().fold(0.0, f64::max);
        let total: f64 = weights().map(|weight| weight / heaviest).sum();
        let share = |weight: f64| weight / heaviest / total;
        let mean: f64 = values()
            .zip(weights())
            .map(|(value, weight)| value * share(weight))
            .sum();
        // Everything is divided by the widest distance first, so that no square overflows or vanishes.
        let widest = values().map(|value| (value - mean).abs()).fold(0.0, f64::max);
        let squares = values()
            .zip(weights())
            .map(|(value, weight)| share(weight) * ((value - mean) / widest).powi(2));
        let deviation = if widest > 0.0 && widest.is_finite() {
            widest * squares.sum::<f64>().sqrt()
        } else {
            0.0
        };
        Self {
            mean: mean.clamp(low, high),
            deviation,
            low,
            high,
        }
    }

    pub(super) fn standardise(&self, value: f64) -> f32 {
        if self.deviation > 0.0 {
            ((value - self.mean) / self.deviation) as f32
        } else {
            0.0
        }
    }

    /// The answer that a score stands for.
    pub(super) fn restore(&self, score: f32) -> f64 {
        let value = f64::from(score).mul_add(self.deviation, self.mean);
        if value.is_nan() {
            self.mean
        } else {
            value.clamp(self.low, self.high)
        }
    }

    /// Lowest and highest score that makes a difference.
    pub(super) fn bounds(&self) -> [f32; 2] {
        let low = self.standardise(self.low);
        [low, self.standardise(self.high).max(low)]
    }

    pub(super) fn save(&self, to: &mut Encoder) {
        for value in [self.mean, self.deviation, self.low, self.high] {
            to.f64(value);
        }
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let [mean, deviation, low, high] = [from.finite()?, from.finite()?, from.finite()?, from.finite()?];
        if low > high || deviation < 0.0 {
            return Err(ArtifactError::damaged(format!(
                "answers from {low} to {high} with a deviation of {deviation}"
            )));
        }
        Ok(Self {
            mean,
            deviation,
            low,
            high,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_frame::{Column, Field, Frame, Kind};
    use kolosal_learner::Task;

    fn scale_of(values: &[f64]) -> TargetScale {
        let column = Column::numbers(vec![0.0; values.len()]);
        let frame = Frame::new(vec![(Field::new("x", Kind::Numeric, "test"), column)]).expect("one length");
        let train =
            TrainView::new(frame.view(), Target::Numbers(values), None, Task::Regression).expect("fit");
        let rows: Vec<u32> = (0..values.len() as u32).collect();
        TargetScale::of(&train, &rows)
    }

    #[test]
    fn targets_of_any_size_are_standardised_and_restored() {
        for factor in [1.0, 1e300, 1e-300] {
            let scale = scale_of(&[factor, 2.0 * factor, 3.0 * factor]);
            assert_eq!(scale.standardise(2.0 * factor), 0.0);
            assert!(
                (scale.standardise(3.0 * factor) - 1.5_f32.sqrt()).abs() < 1e-6,
                "{factor}"
            );
            assert!((scale.restore(1.0) / factor - 2.0 - (2.0_f64 / 3.0).sqrt()).abs() < 1e-6);
            assert_eq!(
                scale.restore(100.0),
                3.0 * factor,
                "answers stay among those seen"
            );
        }
        assert_eq!(scale_of(&[4.0, 4.0]).restore(7.0), 4.0);
    }
}
