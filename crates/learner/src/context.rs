//! What a fit may use, and when it must stop.

use std::time::Duration;

use kolosal_base::{Cancel, Clock, ErrorKind, Seed};
use kolosal_compute::{Ledger, OverLimit, Reservation, Workers};

use crate::{DataError, ParamError, TrainView};

/// Hears how far a fit has come. Implementations return at once.
pub trait Progress: Send + Sync {
    /// `done` of `total` equal steps are finished.
    fn step(&self, done: u64, total: u64);

    /// Something the user should know that is no failure, in one sentence.
    fn warn(&self, message: &str);

    /// Whether a fit should end now with what it has, since time is short. Looked at once a round by boosters that judge
    /// themselves by held-out rows, and before each tree of a forest; others go on to their end or their deadline.
    fn is_enough(&self) -> bool {
        false
    }
}

/// A [`Progress`] that hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: u64, _: u64) {}

    fn warn(&self, _: &str) {}
}

/// Everything from outside that a fit may touch: randomness, threads, memory, time, and a way to be stopped.
#[derive(Clone, Copy)]
pub struct FitContext<'a> {
    /// The only source of randomness.
    pub seed: Seed,
    /// The only threads.
    pub workers: &'a Workers,
    /// Where large allocations are reserved before they are made.
    pub memory: &'a Ledger,
    /// The only clock.
    pub clock: &'a dyn Clock,
    /// When the fit must be over, on [`FitContext::clock`].
    pub deadline: Option<Duration>,
    /// Set when the caller wants the fit to stop.
    pub cancel: &'a Cancel,
    /// Hears of progress.
    pub progress: &'a dyn Progress,
    /// Held-out rows for early stopping, where the learner can use them.
    pub valid: Option<&'a TrainView<'a>>,
}

impl FitContext<'_> {
    /// To be called once per tree, round, epoch or sweep.
    ///
    /// # Errors
    /// [`FitError::Cancelled`] or [`FitError::OutOfTime`].
    pub fn checkpoint(&self) -> Result<(), FitError> {
        if self.cancel.is_requested() {
            return Err(FitError::Cancelled);
        }
        match self.deadline {
            Some(deadline) if self.clock.now() >= deadline => Err(FitError::OutOfTime),
            _ => Ok(()),
        }
    }

    /// Reserves memory for as long as the returned value lives.
    ///
    /// # Errors
    /// [`FitError::Memory`] if the ledger has less left.
    pub fn reserve(&self, bytes: u64) -> Result<Reservation, FitError> {
        Ok(self.memory.reserve(bytes)?)
    }

    /// The same context with a seed of its own.
    pub fn with_seed(&self, seed: Seed) -> Self {
        Self { seed, ..*self }
    }
}

/// Why a fit gave no model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The caller asked to stop.
    #[error("the fit was cancelled")]
    Cancelled,
    /// The deadline passed first.
    #[error("the time limit passed before the fit was done")]
    OutOfTime,
    /// The ledger refused.
    #[error(transparent)]
    Memory(#[from] OverLimit),
    /// A parameter is not legal.
    #[error(transparent)]
    Params(#[from] ParamError),
    /// The rows are unfit.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The learner cannot do this task or take this column.
    #[error("{learner} cannot {what}: {remedy}")]
    Unsupported {
        /// The learner's name.
        learner: &'static str,
        /// What it was asked to do.
        what: String,
        /// What to do instead.
        remedy: &'static str,
    },
}

impl FitError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cancelled => ErrorKind::Cancelled,
            Self::OutOfTime | Self::Memory(_) => ErrorKind::Busy,
            Self::Params(_) | Self::Unsupported { .. } => ErrorKind::Invalid,
            Self::Data(_) => ErrorKind::Data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::ManualClock;

    #[test]
    fn a_checkpoint_fails_from_the_deadline_on() {
        let (workers, memory, clock, cancel) = (
            Workers::new(1),
            Ledger::unlimited(),
            ManualClock::default(),
            Cancel::new(),
        );
        let cx = FitContext {
            seed: Seed::new(0),
            workers: &workers,
            memory: &memory,
            clock: &clock,
            deadline: Some(Duration::from_secs(2)),
            cancel: &cancel,
            progress: &Silent,
            valid: None,
        };
        clock.advance(Duration::from_millis(1999));
        assert_eq!(cx.checkpoint(), Ok(()));
        clock.advance(Duration::from_millis(1));
        assert_eq!(cx.checkpoint(), Err(FitError::OutOfTime));
        cancel.request();
        assert_eq!(cx.checkpoint(), Err(FitError::Cancelled));
    }
}
