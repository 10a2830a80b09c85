//! The fitted model of learners that answer with a score, or with a function of it.

#[cfg(test)]
mod tests;

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FitContext, FittedModel, Meaning};

use crate::design::Design;
use crate::model::{Linear, Link};

/// A linear score, or e to the power of one.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreModel {
    linear: Linear,
}

/// What standardised coefficients were fitted to: the score times `scale` plus `centre` is that of the target as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Units {
    pub(crate) centre: f64,
    pub(crate) scale: f64,
}

impl Units {
    /// Those of a score that was fitted as it is.
    pub(crate) const PLAIN: Self = Self {
        centre: 0.0,
        scale: 1.0,
    };
}

impl ScoreModel {
    /// The model of standardised coefficients followed by their intercept.
    pub(crate) fn new(design: &Design, link: Link, point: &[f64], units: Units, cx: &FitContext<'_>) -> Self {
        let width = design.width();
        let scaled: Vec<f64> = point[..width].iter().map(|u| u * units.scale).collect();
        let output = design.unscale(&scaled, units.centre + point[width] * units.scale);
        let spreads = design.spreads(cx.workers);
        Self {
            linear: Linear::new(design.slots.clone(), link, &[output], &spreads),
        }
    }

    /// One coefficient a number column, one a level of a categorical column, in column order.
    pub fn coefficients(&self) -> &[f64] {
        &self.linear.coefficients
    }

    /// The score where every column is zero or missing.
    pub fn intercept(&self) -> f64 {
        self.linear.intercepts[0]
    }

    /// Reads what [`FittedModel::save`] wrote.
    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let link = if from.bool()? {
            Link::Exponential
        } else {
            Link::Identity
        };
        Ok(Self {
            linear: Linear::load(from, link)?,
        })
    }
}

impl FittedModel for ScoreModel {
    fn shape(&self) -> (Meaning, usize) {
        self.linear.shape()
    }

    fn feature_count(&self) -> usize {
        self.linear.slots.column_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        self.linear.predict_into(x, out);
    }

    fn contributions(
        &self,
        x: FrameView<'_>,
        background: FrameView<'_>,
        _: &kolosal_compute::Workers,
    ) -> Option<kolosal_learner::Contributions> {
        Some(self.linear.contributions(x, background))
    }

    fn save(&self, to: &mut Encoder) {
        to.bool(self.linear.link == Link::Exponential);
        self.linear.save(to);
    }

    /// Sum over a column's coefficients of their size times the standard deviation of what they multiply.
    fn importances(&self) -> Option<Vec<f64>> {
        Some(self.linear.importances.clone())
    }
}
