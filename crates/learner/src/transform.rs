//! The contract of feature transforms: fitted on training rows only, applied to any rows.

use kolosal_frame::{Frame, FrameView};

use crate::{ArtifactError, Decoder, Encoder, FitContext, FitError, TrainView};

/// A way to make features, before it has seen data.
pub trait Transform: Send + Sync {
    /// The name in artifacts: lower case, words joined by `_`.
    fn name(&self) -> &'static str;

    /// Learns from the training rows, and gives them transformed.
    ///
    /// The transformed training rows need not equal [`FittedTransform::apply`] on them: an encoding that uses the
    /// target must not show a row its own answer.
    ///
    /// # Errors
    /// [`FitError`] if stopped or short of memory.
    fn fit(&self, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Fitted, FitError>;

    /// Reads a fitted transform back; bytes are not trusted.
    ///
    /// # Errors
    /// [`ArtifactError`] on anything that a save cannot have written.
    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError>;
}

/// The result of fitting a transform.
pub struct Fitted {
    /// What was learned.
    pub transform: Box<dyn FittedTransform>,
    /// The training rows, transformed.
    pub train: Frame,
}

/// A transform that has learned; immutable and shared between threads.
pub trait FittedTransform: Send + Sync {
    /// The name under which [`Transform::load`] finds it.
    fn name(&self) -> &'static str;

    /// Transforms every row of `x`, whose columns have the order, kinds and levels of training.
    ///
    /// Each row's result depends on that row alone; columns come out in the same order with the same kinds and levels
    /// for any input.
    fn apply(&self, x: FrameView<'_>) -> Frame;

    /// Writes everything that applying needs.
    fn save(&self, to: &mut Encoder);

    /// For each output column, the position of the input column it is made from.
    fn origins(&self) -> Vec<usize>;
}
