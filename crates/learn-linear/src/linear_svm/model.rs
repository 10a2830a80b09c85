//! The fitted machine.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FitContext, FittedModel, Meaning, PlattCurve};

use crate::design::Design;
use crate::model::{Linear, Link};

/// Scores with the slope of their curve in them, so that the logistic function makes them probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearSvmModel {
    linear: Linear,
    /// One an output; none for a regression.
    curves: Vec<PlattCurve>,
}

impl LinearSvmModel {
    pub(super) fn classifier(
        design: &Design,
        link: Link,
        outputs: Vec<(Vec<f64>, f64)>,
        curves: Vec<PlattCurve>,
        cx: &FitContext<'_>,
    ) -> Self {
        let curved: Vec<(Vec<f64>, f64)> = outputs
            .into_iter()
            .zip(&curves)
            .map(|((w, b), curve)| {
                let w = w.into_iter().map(|w| w * curve.slope).collect();
                (w, b * curve.slope + curve.offset)
            })
            .collect();
        let linear = Linear::new(design.slots.clone(), link, &curved, &design.spreads(cx.workers));
        Self { linear, curves }
    }

    pub(super) fn regression(linear: Linear) -> Self {
        Self {
            linear,
            curves: Vec::new(),
        }
    }

    /// How many scores there are: one a class for several classes, else one.
    pub fn output_count(&self) -> usize {
        self.linear.intercepts.len()
    }

    /// The coefficients of one machine: one a number column, one a level of a categorical column, in column order.
    ///
    /// # Panics
    /// If there are not so many machines.
    pub fn coefficients(&self, output: usize) -> Vec<f64> {
        let outputs = self.output_count();
        assert!(output < outputs, "there are {outputs} scores");
        let slope = self.curves.get(output).map_or(1.0, |curve| curve.slope);
        let of_output = self.linear.coefficients.iter().skip(output).step_by(outputs);
        of_output.map(|w| w / slope).collect()
    }

    /// The intercept of one machine.
    ///
    /// # Panics
    /// If there are not so many machines.
    pub fn intercept(&self, output: usize) -> f64 {
        let curve = self.curves.get(output).copied().unwrap_or(PlattCurve::PLAIN);
        (self.linear.intercepts[output] - curve.offset) / curve.slope
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let (slopes, offsets) = (from.f64s()?, from.f64s()?);
        let is_sound = |slope: &f64| slope.is_finite() && *slope > 0.0;
        if slopes.len() != offsets.len()
            || slopes.len() == 2
            || !slopes.iter().all(is_sound)
            || offsets.iter().any(|offset| !offset.is_finite())
        {
            return Err(ArtifactError::damaged("the curves of the scores are no curves"));
        }
        let link = match slopes.len() {
            0 => Link::Identity,
            1 => Link::Logistic,
            _ => Link::OneVsRest,
        };
        let linear = Linear::load(from, link)?;
        if link == Link::OneVsRest && linear.intercepts.len() != slopes.len() {
            return Err(ArtifactError::damaged("there is not one curve a score"));
        }
        let curves = slopes
            .into_iter()
            .zip(offsets)
            .map(|(slope, offset)| PlattCurve { slope, offset })
            .collect();
        Ok(Self { linear, curves })
    }
}

impl FittedModel for LinearSvmModel {
    fn shape(&self) -> (Meaning, usize) {
        self.linear.shape()
    }

    fn feature_count(&self) -> usize {
        self.linear.slots.column_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        self.linear.predict_into(x, out);
    }

    /// Exact: the margins, as the curves of the probabilities have them, are linear.
    fn contributions(
        &self,
        x: FrameView<'_>,
        background: FrameView<'_>,
        _: &kolosal_compute::Workers,
    ) -> Option<kolosal_learner::Contributions> {
        Some(self.linear.contributions(x, background))
    }

    fn save(&self, to: &mut Encoder) {
        to.f64s(&self.curves.iter().map(|curve| curve.slope).collect::<Vec<_>>());
        to.f64s(&self.curves.iter().map(|curve| curve.offset).collect::<Vec<_>>());
        self.linear.save(to);
    }

    /// Sum over a column's coefficients of their size times the standard deviation of what they multiply.
    fn importances(&self) -> Option<Vec<f64>> {
        Some(self.linear.importances.clone())
    }
}
