//! What a fit needs around it.

use std::time::Duration;

use kolosal_base::{Cancel, ManualClock, Seed};
use kolosal_compute::{Ledger, Workers};
use kolosal_learner::{FitContext, Silent};

/// Owns everything that a [`FitContext`] lends: threads, memory, a clock that stands still, and a way to be stopped.
pub struct Room {
    /// The threads.
    pub workers: Workers,
    /// The memory.
    pub memory: Ledger,
    /// The clock.
    pub clock: ManualClock,
    /// The way to be stopped.
    pub cancel: Cancel,
    /// The randomness.
    pub seed: Seed,
    /// When the fit must be over.
    pub deadline: Option<Duration>,
}

impl Room {
    /// A room with so many threads and unlimited memory.
    pub fn new(threads: usize) -> Self {
        Self {
            workers: Workers::new(threads),
            memory: Ledger::unlimited(),
            clock: ManualClock::default(),
            cancel: Cancel::new(),
            seed: Seed::new(7),
            deadline: None,
        }
    }

    /// What it lends to a fit.
    pub fn cx(&self) -> FitContext<'_> {
        FitContext {
            seed: self.seed,
            workers: &self.workers,
            memory: &self.memory,
            clock: &self.clock,
            deadline: self.deadline,
            cancel: &self.cancel,
            progress: &Silent,
            valid: None,
        }
    }
}
