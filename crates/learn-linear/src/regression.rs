//! What the three penalised regressions share: the choice of `alpha`, the fitted model and its path.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning, choices};

use crate::design::{Design, Response};
use crate::model::{Linear, Link};
use crate::path::PathPoint;

choices! {
    /// Who chooses the strength of the penalty.
    pub enum Select {
        /// The caller: `alpha` is used as it is.
        Fixed = "fixed",
        /// The learner, by cross-validation over a path of strengths.
        Cv = "cv",
    }
}

/// A fitted ridge, lasso or elastic net.
#[derive(Debug, Clone, PartialEq)]
pub struct RegressionModel {
    linear: Linear,
    alpha: f64,
    path: Vec<PathPoint>,
}

impl RegressionModel {
    /// The model of standardised coefficients and their intercept.
    pub(crate) fn new(design: &Design, response: &Response, fit: &PathPoint, spreads: &[f64]) -> Self {
        let point = fit.unscaled(design, response);
        let output = (point.coefficients, point.intercept);
        let linear = Linear::new(design.slots.clone(), Link::Identity, &[output], spreads);
        Self {
            linear,
            alpha: fit.alpha,
            path: Vec::new(),
        }
    }

    /// The same model with the path that led to it, given in standardised coefficients.
    pub(crate) fn with_path(mut self, path: &[PathPoint], design: &Design, response: &Response) -> Self {
        self.path = path
            .iter()
            .map(|point| point.unscaled(design, response))
            .collect();
        self
    }

    /// One coefficient a number column, one a level of a categorical column, in column order.
    pub fn coefficients(&self) -> &[f64] {
        &self.linear.coefficients
    }

    /// The answer where every column is zero or missing.
    pub fn intercept(&self) -> f64 {
        self.linear.intercepts[0]
    }

    /// The strength of the penalty, given or chosen.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The fits along the strengths that were tried, strongest first. Only right after a fit: not saved.
    pub fn path(&self) -> &[PathPoint] {
        &self.path
    }

    /// Reads what [`FittedModel::save`] wrote.
    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let alpha = from.finite()?;
        Ok(Self {
            alpha,
            linear: Linear::load(from, Link::Identity)?,
            path: Vec::new(),
        })
    }
}

impl FittedModel for RegressionModel {
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
        to.f64(self.alpha);
        self.linear.save(to);
    }

    /// Sum over a column's coefficients of their size times the standard deviation of what they multiply.
    fn importances(&self) -> Option<Vec<f64>> {
        Some(self.linear.importances.clone())
    }
}
