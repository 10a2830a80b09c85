//! What happens during a training, as it happens.

use std::time::Duration;

use crate::TrialReport;

/// One step of a training.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Something the user should know.
    Note(&'a str),
    /// What will be tried.
    Planned {
        /// How many candidates the portfolio has; a search may add more.
        candidates: usize,
        /// How rows are held out, in words.
        validation: &'a str,
        /// The metric they are judged by.
        metric: &'static str,
        /// The question.
        task: &'static str,
    },
    /// A candidate is being fitted.
    Started {
        /// Its place in the portfolio, from zero.
        index: usize,
        /// Its name.
        name: &'a str,
    },
    /// A candidate is done, or has failed.
    Finished(&'a TrialReport),
    /// Members were chosen.
    Blended {
        /// How many candidates count.
        members: usize,
        /// The metric on held-out rows.
        score: f64,
    },
    /// The members of a candidate were read back or fitted on all rows.
    Gathered {
        /// How many are done.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// It is over.
    Done {
        /// Time since the start.
        elapsed: Duration,
    },
}

/// Hears of events; called from the thread that trains, and must return at once.
pub trait Events: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unheard;

impl Events for Unheard {
    fn event(&self, _: &Event<'_>) {}
}
