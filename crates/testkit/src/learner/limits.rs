//! Requests to stop, deadlines and memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kolosal_base::{Cancel, Clock};
use kolosal_compute::Ledger;
use kolosal_learner::{FitContext, FitError, Progress};

use super::{FitResult, LearnerCase, accepted, answers_soundly};
use crate::clause::{Verdict, demand};
use crate::room::Room;

/// The deadline of fits whose looks at the clock are counted: every checkpoint looks at it.
const DEADLINE: Duration = Duration::from_secs(3600);

/// What happens at the n-th look at the clock or step of progress.
enum Then {
    Nothing,
    Cancel(Cancel),
    PassDeadline,
}

/// A clock, or a hearer of progress, that counts and acts.
struct Counter {
    seen: AtomicU64,
    at: u64,
    then: Then,
}

impl Counter {
    fn new(at: u64, then: Then) -> Self {
        Self {
            seen: AtomicU64::new(0),
            at,
            then,
        }
    }

    fn idle() -> Self {
        Self::new(u64::MAX, Then::Nothing)
    }

    fn count(&self) -> Duration {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.then {
            Then::Cancel(cancel) if seen >= self.at => cancel.request(),
            Then::PassDeadline if seen >= self.at => return DEADLINE,
            _ => {}
        }
        Duration::ZERO
    }

    fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }
}

impl Clock for Counter {
    fn now(&self) -> Duration {
        self.count()
    }
}

impl Progress for Counter {
    fn step(&self, _: u64, _: u64) {
        self.count();
    }

    fn warn(&self, _: &str) {}
}

/// A fit on one thread with a counting clock and counting progress.
fn watched(case: &LearnerCase, room: &Room, clock: &Counter, progress: &Counter) -> Result<FitResult, String> {
    let cx = FitContext {
        clock,
        progress,
        deadline: Some(DEADLINE),
        ..room.cx()
    };
    case.fit(&case.table().train(), &cx)
}

/// Looks at the clock, and steps of progress, of a fit that nobody stops.
fn undisturbed(case: &LearnerCase) -> Result<(u64, u64), String> {
    let (clock, progress) = (Counter::idle(), Counter::idle());
    accepted(watched(case, &Room::new(1), &clock, &progress)?)?;
    let looks = clock.seen();
    demand(looks > 0, || "the fit never looks whether it should stop".to_owned())?;
    if let Some((def, rounds)) = case.rounds() {
        demand(looks >= rounds as u64, || format!("{} = {rounds}, but only {looks} checkpoints", def.name))?;
    }
    Ok((looks, progress.seen()))
}

/// A few numbers from `low` to `high`, both included.
fn spread(low: u64, high: u64) -> Vec<u64> {
    let mut picked: Vec<u64> = (0..=4).map(|quarter| low + high.saturating_sub(low) * quarter / 4).collect();
    picked.retain(|n| (low..=high).contains(n));
    picked.dedup();
    picked
}

fn is_cancelled(result: &FitResult) -> bool {
    matches!(result, Err(FitError::Cancelled))
}

pub(super) fn cancel_is_heard(case: &LearnerCase) -> Verdict {
    let before = Room::new(1);
    before.cancel.request();
    let result = case.fit(&case.table().train(), &before.cx())?;
    demand(is_cancelled(&result), || "a fit starts although it was cancelled".to_owned())?;
    let (looks, steps) = undisturbed(case)?;
    for n in spread(1, looks - 1) {
        let room = Room::new(1);
        let clock = Counter::new(n, Then::Cancel(room.cancel.clone()));
        let result = watched(case, &room, &clock, &Counter::idle())?;
        let more = clock.seen() - n;
        demand(is_cancelled(&result) && more <= 1, || {
            format!("cancelled at checkpoint {n} of {looks}, the fit goes on for {more} more")
        })?;
    }
    for n in spread(1, steps.saturating_sub(1)) {
        let room = Room::new(1);
        let progress = Counter::new(n, Then::Cancel(room.cancel.clone()));
        let result = watched(case, &room, &Counter::idle(), &progress)?;
        let more = progress.seen() - n;
        demand(is_cancelled(&result) && more <= 1, || {
            format!("cancelled at step {n} of {steps}, the fit goes on for {more} more")
        })?;
    }
    Ok(())
}

pub(super) fn deadline_is_kept(case: &LearnerCase) -> Verdict {
    let late = Room {
        deadline: Some(Duration::from_secs(1)),
        ..Room::new(1)
    };
    late.clock.advance(Duration::from_secs(5));
    let result = case.fit(&case.table().train(), &late.cx())?;
    let is_late = |result: &FitResult| matches!(result, Err(FitError::OutOfTime));
    demand(is_late(&result), || "a fit starts after its deadline".to_owned())?;
    let (looks, _) = undisturbed(case)?;
    for n in spread(1, looks) {
        let clock = Counter::new(n, Then::PassDeadline);
        let result = watched(case, &Room::new(1), &clock, &Counter::idle())?;
        let more = clock.seen() - n;
        demand(is_late(&result) && more <= 1, || {
            format!("the deadline passed at checkpoint {n} of {looks}, the fit goes on for {more} more")
        })?;
    }
    Ok(())
}

pub(super) fn memory_is_kept(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let free = Room::new(1);
    accepted(case.fit(&table.train(), &free.cx())?)?;
    let peak = free.memory.peak();
    if peak == 0 {
        return Ok(());
    }
    for limit in [1, peak / 2, peak - 1, peak] {
        let room = Room {
            memory: Ledger::new(limit),
            ..Room::new(1)
        };
        match case.fit(&table.train(), &room.cx())? {
            Err(FitError::Memory(_)) if limit < peak => {}
            Ok(model) if limit > 1 => answers_soundly(case.task(), model.as_ref(), table.view())?,
            Ok(_) => return Err(format!("{peak} bytes are reserved, yet one byte is enough")),
            Err(other) => return Err(format!("a limit of {limit} bytes (peak {peak}) gives: {other}")),
        }
    }
    Ok(())
}
