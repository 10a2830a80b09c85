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

/// What the watch does when its moment has come.
enum Then {
    Nothing,
    Cancel(Cancel),
    PassDeadline,
}

/// When that is, counted from one.
#[derive(Clone, Copy)]
enum Moment {
    Look(u64),
    Step(u64),
}

/// Clock and hearer of progress in one: counts looks and steps, and acts at its moment.
struct Watch {
    moment: Moment,
    then: Then,
    looks: AtomicU64,
    steps: AtomicU64,
    /// Steps heard after the moment.
    late_steps: AtomicU64,
}

impl Watch {
    fn new(moment: Moment, then: Then) -> Self {
        let [looks, steps, late_steps] = [0, 0, 0].map(AtomicU64::new);
        Self {
            moment,
            then,
            looks,
            steps,
            late_steps,
        }
    }

    fn has_come(&self) -> bool {
        match self.moment {
            Moment::Look(n) => read(&self.looks) >= n,
            Moment::Step(n) => read(&self.steps) >= n,
        }
    }

    fn act(&self) {
        if let Then::Cancel(cancel) = &self.then
            && self.has_come()
        {
            cancel.request();
        }
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Clock for Watch {
    fn now(&self) -> Duration {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.act();
        let is_late = matches!(self.then, Then::PassDeadline) && self.has_come();
        if is_late { DEADLINE } else { Duration::ZERO }
    }
}

impl Progress for Watch {
    fn step(&self, _: u64, _: u64) {
        if self.has_come() {
            self.late_steps.fetch_add(1, Ordering::Relaxed);
        }
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.act();
    }

    fn warn(&self, _: &str) {}
}

/// A fit on one thread under a watch.
fn watched(case: &LearnerCase, room: &Room, watch: &Watch) -> Result<FitResult, String> {
    let cx = FitContext {
        clock: watch,
        progress: watch,
        deadline: Some(DEADLINE),
        ..room.cx()
    };
    case.fit(&case.table().train(), &cx)
}

/// Looks at the clock, and steps of progress, of a fit that nobody stops.
fn undisturbed(case: &LearnerCase) -> Result<(u64, u64), String> {
    let watch = Watch::new(Moment::Look(u64::MAX), Then::Nothing);
    accepted(watched(case, &Room::new(1), &watch)?)?;
    let looks = read(&watch.looks);
    demand(looks > 0, || {
        "the fit never looks whether it should stop".to_owned()
    })?;
    if let Some((def, rounds)) = case.rounds() {
        demand(looks >= rounds as u64, || {
            format!("{} = {rounds}, but only {looks} checkpoints", def.name)
        })?;
    }
    Ok((looks, read(&watch.steps)))
}

/// A few numbers from `low` to `high`, both included.
fn spread(low: u64, high: u64) -> Vec<u64> {
    let mut picked: Vec<u64> = (0..=4)
        .map(|quarter| low + high.saturating_sub(low) * quarter / 4)
        .collect();
    picked.retain(|n| (low..=high).contains(n));
    picked.dedup();
    picked
}

pub(super) fn cancel_is_heard(case: &LearnerCase) -> Verdict {
    let before = Room::new(1);
    before.cancel.request();
    let result = case.fit(&case.table().train(), &before.cx())?;
    let is_heard = matches!(result, Err(FitError::Cancelled));
    demand(is_heard, || "a fit starts although it was cancelled".to_owned())?;
    let (looks, steps) = undisturbed(case)?;
    // After the last look or step nobody has to hear anything.
    let at_looks = spread(1, looks - 1).into_iter().map(Moment::Look);
    let at_steps = spread(1, steps.saturating_sub(1)).into_iter().map(Moment::Step);
    at_looks.chain(at_steps).try_for_each(|moment| {
        let room = Room::new(1);
        let watch = Watch::new(moment, Then::Cancel(room.cancel.clone()));
        let result = watched(case, &room, &watch)?;
        stopped(
            &watch,
            matches!(result, Err(FitError::Cancelled)),
            "cancelled",
            [looks, steps],
        )
    })
}

pub(super) fn deadline_is_kept(case: &LearnerCase) -> Verdict {
    let late = Room {
        deadline: Some(Duration::from_secs(1)),
        ..Room::new(1)
    };
    late.clock.advance(Duration::from_secs(5));
    let result = case.fit(&case.table().train(), &late.cx())?;
    let is_kept = matches!(result, Err(FitError::OutOfTime));
    demand(is_kept, || "a fit starts after its deadline".to_owned())?;
    let (looks, steps) = undisturbed(case)?;
    spread(1, looks).into_iter().try_for_each(|n| {
        let watch = Watch::new(Moment::Look(n), Then::PassDeadline);
        let result = watched(case, &Room::new(1), &watch)?;
        stopped(
            &watch,
            matches!(result, Err(FitError::OutOfTime)),
            "out of time",
            [looks, steps],
        )
    })
}

/// The fit ended as it should, within one more step.
fn stopped(watch: &Watch, is_stopped: bool, how: &str, [looks, steps]: [u64; 2]) -> Verdict {
    let moment = match watch.moment {
        Moment::Look(n) => format!("at checkpoint {n} of {looks}"),
        Moment::Step(n) => format!("at step {n} of {steps}"),
    };
    demand(is_stopped, || format!("{how} {moment}, the fit does not end so"))?;
    let more = read(&watch.late_steps);
    demand(more <= 1, || {
        format!("{how} {moment}, the fit goes on for {more} steps")
    })
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
