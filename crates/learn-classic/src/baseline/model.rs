//! The fitted constant.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning, Predictions, Task};

/// The same answer for every row.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineModel {
    answer: Vec<f64>,
    meaning: Meaning,
    features: usize,
}

impl BaselineModel {
    pub(super) fn new(answer: Vec<f64>, task: Task, features: usize) -> Self {
        Self {
            answer,
            meaning: Predictions::shape_of(task).0,
            features,
        }
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let features = from.u32()? as usize;
        let is_number = from.bool()?;
        let answer = from.f64s()?;
        let total: f64 = answer.iter().sum();
        let is_sound = if is_number {
            answer.len() == 1 && answer[0].is_finite()
        } else {
            answer.len() >= 2 && answer.iter().all(|p| (0.0..=1.0).contains(p)) && (total - 1.0).abs() < 1e-6
        };
        if !is_sound {
            return Err(ArtifactError::damaged(
                "the baseline's answer is neither a number nor probabilities",
            ));
        }
        let meaning = if is_number {
            Meaning::Number
        } else {
            Meaning::ClassProbability
        };
        Ok(Self {
            answer,
            meaning,
            features,
        })
    }
}

impl FittedModel for BaselineModel {
    fn shape(&self) -> (Meaning, usize) {
        (self.meaning, self.answer.len())
    }

    fn feature_count(&self) -> usize {
        self.features
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        assert_eq!(out.len(), x.row_count() * self.answer.len(), "one answer a row");
        out.chunks_exact_mut(self.answer.len())
            .for_each(|row| row.copy_from_slice(&self.answer));
    }

    fn save(&self, to: &mut Encoder) {
        to.u32(self.features as u32);
        to.bool(self.meaning == Meaning::Number);
        to.f64s(&self.answer);
    }

    fn importances(&self) -> Option<Vec<f64>> {
        Some(vec![0.0; self.features])
    }
}
