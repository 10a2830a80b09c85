//! The fitted logistic regression.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use crate::model::{Linear, Link};

/// Coefficients of the linear scores: one score for two classes, one a class for more.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticModel {
    pub(super) linear: Linear,
    pub(super) iterations: usize,
}

impl LogisticModel {
    /// How many scores there are: one for two classes, else one a class.
    pub fn output_count(&self) -> usize {
        self.linear.intercepts.len()
    }

    /// The coefficients of one score: one a number column, one a level of a categorical column, in column order.
    ///
    /// # Panics
    /// If there are not so many scores.
    pub fn coefficients(&self, output: usize) -> Vec<f64> {
        let outputs = self.output_count();
        assert!(output < outputs, "there are {outputs} scores");
        self.linear
            .coefficients
            .iter()
            .skip(output)
            .step_by(outputs)
            .copied()
            .collect()
    }

    /// One intercept a score.
    pub fn intercepts(&self) -> &[f64] {
        &self.linear.intercepts
    }

    /// How many iterations the solver took. Only right after a fit: not saved.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Reads what [`FittedModel::save`] wrote.
    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let link = if from.bool()? {
            Link::Softmax
        } else {
            Link::Logistic
        };
        Ok(Self {
            linear: Linear::load(from, link)?,
            iterations: 0,
        })
    }
}

impl FittedModel for LogisticModel {
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
        to.bool(self.linear.link == Link::Softmax);
        self.linear.save(to);
    }

    /// Sum over a column's coefficients of their size times the standard deviation of what they multiply.
    fn importances(&self) -> Option<Vec<f64>> {
        Some(self.linear.importances.clone())
    }
}
