//! What a training may use, and what remains of it.

use std::time::Duration;

use kolosal_base::{Cancel, Clock, Seed};
use kolosal_compute::{Ledger, Workers};
use kolosal_learner::{FitContext, Progress};

/// Threads, memory, time, work, and a way to be stopped.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// The only threads.
    pub workers: &'a Workers,
    /// Where large allocations are reserved.
    pub memory: &'a Ledger,
    /// The only clock.
    pub clock: &'a dyn Clock,
    /// When all must be done, the artifact included, on [`Budget::clock`].
    pub deadline: Option<Duration>,
    /// Deterministic work units that may be spent; see [`crate::Candidate::work`].
    pub work_max: Option<u64>,
    /// Set when the user wants to stop.
    pub cancel: &'a Cancel,
}

/// Why no further candidate was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All were tried.
    Finished,
    /// The time would not suffice for another.
    Time,
    /// The work would not suffice for another.
    Work,
    /// The user asked to stop.
    Cancelled,
}

impl Stop {
    /// The word used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Time => "time_limit",
            Self::Work => "work_limit",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Budget<'_> {
    /// Time until the deadline; `None` without one.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| deadline.saturating_sub(self.clock.now()))
    }

    /// The context of a fit that must be over `reserve` before the deadline.
    pub(crate) fn context<'a>(
        &'a self,
        seed: Seed,
        reserve: Duration,
        progress: &'a dyn Progress,
    ) -> FitContext<'a> {
        FitContext {
            seed,
            workers: self.workers,
            memory: self.memory,
            clock: self.clock,
            deadline: self.deadline.map(|deadline| deadline.saturating_sub(reserve)),
            cancel: self.cancel,
            progress,
            valid: None,
        }
    }
}
