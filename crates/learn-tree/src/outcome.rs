//! What trees answer, and how their answers become predictions.

use kolosal_base::limits::CLASSES_MAX;
use kolosal_learner::{ArtifactError, Decoder, Encoder, Meaning, Task};

/// The task a set of trees has learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome(Task);

impl Outcome {
    pub(crate) fn new(task: Task) -> Self {
        Self(task)
    }

    pub(crate) fn task(self) -> Task {
        self.0
    }

    /// Numbers a leaf answers with: one probability is enough for two classes.
    pub(crate) fn leaf_width(self) -> usize {
        match self.0 {
            Task::Multiclass { classes } => classes as usize,
            _ => 1,
        }
    }

    pub(crate) fn shape(self) -> (Meaning, usize) {
        match self.0 {
            Task::Regression => (Meaning::Number, 1),
            task => (Meaning::ClassProbability, task.width()),
        }
    }

    /// The part of a prediction that trees add to.
    pub(crate) fn summed(self, prediction: &mut [f64]) -> &mut [f64] {
        match self.0 {
            Task::Binary => &mut prediction[1..],
            _ => prediction,
        }
    }

    /// Turns the sum over `trees` into the mean, and completes the probabilities.
    pub(crate) fn finish(self, prediction: &mut [f64], trees: usize) {
        let summed = self.summed(prediction);
        summed.iter_mut().for_each(|value| *value /= trees as f64);
        if let (Task::Binary, [zero, one]) = (self.0, prediction) {
            *zero = 1.0 - *one;
        }
    }

    /// Which numbers a leaf may answer with.
    pub(crate) fn legal(self) -> fn(f64) -> bool {
        match self.0 {
            Task::Regression => f64::is_finite,
            _ => |value| (0.0..=1.0).contains(&value),
        }
    }

    pub(crate) fn save(self, to: &mut Encoder) {
        to.u32(match self.0 {
            Task::Regression => 0,
            task => task.width() as u32,
        });
    }

    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        match from.u32()? {
            0 => Ok(Self(Task::Regression)),
            classes if (2..=CLASSES_MAX as u32).contains(&classes) => Ok(Self(Task::classification(classes))),
            other => Err(ArtifactError::damaged(format!(
                "{other} classes in a model of trees"
            ))),
        }
    }
}
