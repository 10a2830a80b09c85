//! One binary log-loss a class.
//!
//! Each output is [`BinaryLogLoss`] of "this class or any other"; the answer is the logistic probabilities divided by their
//! sum. As LightGBM's `multiclassova` and CatBoost's `MultiClassOneVsAll`.

use super::Objective;
use super::average::{class_shares, logit};
use super::binary::BinaryLogLoss;
use super::labels::{Labels, LossSum};
use super::pointwise::{Answers, Derivatives, derive, loss};
use crate::boost::link::Link;

/// One binary log-loss a class; one output each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneVersusAll {
    /// How many classes there are, at least two.
    pub classes: usize,
}

impl Objective for OneVersusAll {
    fn name(&self) -> &'static str {
        "one_vs_all"
    }

    fn outputs(&self) -> usize {
        self.classes
    }

    fn link(&self) -> Link {
        Link::OneVersusAll
    }

    fn base(&self, rows: &Labels<'_>) -> Vec<f64> {
        class_shares(rows, self.classes).into_iter().map(logit).collect()
    }

    fn derive(&self, rows: &Labels<'_>, scores: &[&[f64]], grad: &mut [&mut [f32]], hess: &mut [&mut [f32]]) {
        let binary = BinaryLogLoss::default();
        for (class, scores) in scores.iter().enumerate() {
            let answers = Answers::IsClass(rows.classes(), class as u32);
            let out = Derivatives::of(grad, hess, class);
            derive(&binary, answers, rows.weights(), scores, out);
        }
    }

    /// The losses of the classes added up.
    fn loss(&self, rows: &Labels<'_>, scores: &[&[f64]]) -> LossSum {
        let binary = BinaryLogLoss::default();
        let mut total = LossSum::default();
        for (class, scores) in scores.iter().enumerate() {
            let answers = Answers::IsClass(rows.classes(), class as u32);
            let own = loss(&binary, answers, rows.weights(), scores);
            total.sum += own.sum;
            total.weight = own.weight;
        }
        total
    }
}
