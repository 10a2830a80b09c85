//! Limits are kept, whatever runs out, and what was ready is handed out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kolosal_base::{Cancel, Clock, ErrorKind, ManualClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_training::{
    Budget, Event, Events, InMemory, Stop, Surroundings, TrainError, TrainRequest, Trained, Unheard, train,
};

/// Three hundred rows: two numbers, a category, and a class that follows from them.
fn table() -> Frame {
    let wave = |i: u32, step: f64| (f64::from(i) * step).sin();
    let words = ["red", "green", "blue"];
    let colour: Vec<&str> = (0..300).map(|i| words[i % 3]).collect();
    let answer: Vec<&str> = (0..300)
        .map(|i| {
            if wave(i, 0.37) + f64::from(i % 3) > 0.8 {
                "yes"
            } else {
                "no"
            }
        })
        .collect();
    let field = |name: &str, kind| Field::new(name, kind, "test");
    Frame::new(vec![
        (
            field("a", Kind::Numeric),
            Column::numbers((0..300).map(|i| wave(i, 0.37)).collect()),
        ),
        (
            field("b", Kind::Numeric),
            Column::numbers((0..300).map(|i| wave(i, 1.71)).collect()),
        ),
        (field("c", Kind::Categorical), Column::categories(&colour)),
        (field("y", Kind::Categorical), Column::categories(&answer)),
    ])
    .expect("distinct names and equal lengths")
}

/// A clock on which every look costs a millisecond, so that time passes with work and not with the machine.
#[derive(Default)]
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct Limits<'a> {
    clock: &'a dyn Clock,
    deadline: Option<Duration>,
    work_max: Option<u64>,
    memory: Ledger,
    cancel: Cancel,
}

impl<'a> Limits<'a> {
    fn none(clock: &'a dyn Clock) -> Self {
        Self {
            clock,
            deadline: None,
            work_max: None,
            memory: Ledger::unlimited(),
            cancel: Cancel::new(),
        }
    }

    fn train(&self, events: &dyn Events) -> Result<Trained, TrainError> {
        let workers = Workers::new(1);
        let budget = Budget {
            workers: &workers,
            memory: &self.memory,
            clock: self.clock,
            deadline: self.deadline,
            work_max: self.work_max,
            cancel: &self.cancel,
        };
        let journal = InMemory::default();
        let surroundings = Surroundings {
            events,
            journal: &journal,
            findings: &[],
            table_hash: None,
            past: &[],
        };
        train(&table(), &TrainRequest::new("y"), &budget, surroundings)
    }
}

#[test]
fn a_deadline_is_kept_and_leaves_a_model() {
    for limit in [600, 1000, 2000, 4000] {
        let clock = Ticking::default();
        let limits = Limits {
            deadline: Some(Duration::from_millis(limit)),
            ..Limits::none(&clock)
        };
        let trained = limits
            .train(&Unheard)
            .unwrap_or_else(|error| panic!("{limit}: {error}"));
        let elapsed = clock.now();
        assert!(
            elapsed <= Duration::from_millis(limit + limit / 100 + 10),
            "{limit} ms: took {elapsed:?}"
        );
        assert!(
            trained
                .manifest
                .members
                .iter()
                .map(|member| member.weight)
                .sum::<f64>()
                > 0.999
        );
    }
}

#[test]
fn no_time_at_all_is_refused_by_name() {
    let clock = ManualClock::default();
    clock.advance(Duration::from_secs(5));
    let limits = Limits {
        deadline: Some(Duration::from_secs(1)),
        ..Limits::none(&clock)
    };
    let error = limits.train(&Unheard).err().expect("the deadline has passed");
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("--time-limit"), "{error}");
}

#[test]
fn a_request_to_stop_before_anything_is_done_is_an_error() {
    let clock = ManualClock::default();
    let limits = Limits::none(&clock);
    limits.cancel.request();
    assert_eq!(
        limits.train(&Unheard).err().map(|error| error.kind()),
        Some(ErrorKind::Cancelled)
    );
}

/// Asks to stop when the named candidate starts.
struct StopAt(&'static str, Cancel);

impl Events for StopAt {
    fn event(&self, event: &Event<'_>) {
        if let Event::Started { name, .. } = event
            && *name == self.0
        {
            self.1.request();
        }
    }
}

#[test]
fn a_request_to_stop_keeps_what_was_done_before() {
    let clock = ManualClock::default();
    let limits = Limits::none(&clock);
    let trained = limits
        .train(&StopAt("lightgbm", limits.cancel.clone()))
        .expect("others were done");
    assert_eq!(trained.stop, Stop::Cancelled);
    let done: Vec<&str> = trained
        .trials
        .iter()
        .filter(|trial| trial.score.is_some())
        .map(|trial| trial.name.as_str())
        .collect();
    assert_eq!(done, ["baseline", "logistic_regression", "decision_tree"]);
}

#[test]
fn a_work_limit_stops_at_the_same_candidate_every_time() {
    let names = |work: u64| {
        let clock = ManualClock::default();
        let limits = Limits {
            work_max: Some(work),
            ..Limits::none(&clock)
        };
        let trained = limits.train(&Unheard).expect("a baseline costs next to nothing");
        (
            trained.stop,
            trained
                .trials
                .iter()
                .map(|trial| trial.name.clone())
                .collect::<Vec<_>>(),
        )
    };
    let (stop, few) = names(20);
    assert_eq!(stop, Stop::Work);
    assert!(!few.is_empty() && few.len() < 4, "{few:?}");
    assert_eq!(names(20).1, few);
    assert_eq!(names(1_000_000).0, Stop::Finished);
}

#[test]
fn memory_that_does_not_suffice_leaves_candidates_out_with_the_reason() {
    let clock = ManualClock::default();
    let limits = Limits {
        memory: Ledger::new(12_000),
        ..Limits::none(&clock)
    };
    let trained = limits.train(&Unheard).expect("a baseline reserves nothing");
    let problems: Vec<&String> = trained
        .trials
        .iter()
        .filter_map(|trial| trial.problem.as_ref())
        .collect();
    assert!(
        problems.iter().any(|problem| problem.contains("memory limit")),
        "{problems:?}"
    );
    assert_eq!(limits.memory.used(), 0, "everything is given back");
}
