//! The training itself: prepare, plan, try, blend, fit again.

use std::time::Duration;

use kolosal_base::ErrorKind;
use kolosal_frame::Frame;
use kolosal_learner::{MetricError, TaskKind, default_metric};
use kolosal_pipeline::{DataFacts, Manifest, Pipeline};

use crate::finish::{Assembled, CLOSING, Ending, best_of, blending};
use crate::prepare::{Prepared, prepare};
use crate::trial::{Finished, run_trial};
use crate::validation::{Validation, plan};
use crate::{
    Budget, Candidate, Event, Events, Stop, TrainError, TrainRequest, TrialReport, portfolio, table_hash,
};

/// The result of a training.
pub struct Trained {
    /// What predicts.
    pub pipeline: Pipeline,
    /// What it is and how it came about.
    pub manifest: Manifest,
    /// Every candidate tried, in order, with the time it took.
    pub trials: Vec<TrialReport>,
    /// Why no further candidate was tried.
    pub stop: Stop,
}

/// Learns to predict a column of a table.
///
/// # Errors
/// [`TrainError`] if the request does not fit the table, or everything was stopped before any candidate was done.
pub fn train(
    table: &Frame,
    request: &TrainRequest,
    budget: &Budget<'_>,
    events: &dyn Events,
) -> Result<Trained, TrainError> {
    let prepared = prepare(table, request)?;
    let task = prepared.task().kind();
    let metric = request.metric.unwrap_or_else(|| default_metric(task));
    require_suited(metric, task)?;
    let candidates = portfolio(task, request)?;
    let validation = plan(&prepared, request)?;
    let mut notes = vec![format!(
        "'{}' is learned as {}: {}",
        prepared.spec.name,
        task.name(),
        prepared.task_reason
    )];
    notes.extend(prepared.notes.iter().cloned());
    notes.iter().for_each(|note| events.event(&Event::Note(note)));
    events.event(&Event::Planned {
        candidates: candidates.len(),
        validation: &validation.name,
        metric: metric.name(),
        task: task.name(),
    });
    let mut search = Search {
        prepared: &prepared,
        validation: &validation,
        request,
        budget,
        metric,
        events,
    };
    let Walked {
        finished,
        reports,
        stop,
    } = search.walk(&candidates);
    if finished.is_empty() {
        return Err(no_model(&reports, stop));
    }
    let data = DataFacts {
        rows: prepared.row_count(),
        columns: prepared.table_columns,
        sha256: table_hash(table),
    };
    let ending = Ending {
        request,
        metric,
        budget,
        events,
        validation: &validation,
        data,
    };
    let Assembled { pipeline, manifest } = ending.assemble(prepared, finished, &reports, notes);
    events.event(&Event::Done {
        elapsed: budget.clock.now(),
    });
    Ok(Trained {
        pipeline,
        manifest,
        trials: reports,
        stop,
    })
}

pub(crate) fn require_suited(metric: &dyn kolosal_learner::Metric, task: TaskKind) -> Result<(), TrainError> {
    if metric.suits(task) {
        return Ok(());
    }
    let suited = kolosal_learner::METRICS
        .iter()
        .filter(|m| m.suits(task))
        .map(|m| m.name())
        .collect();
    Err(MetricError::Unsuited {
        metric: metric.name(),
        task: task.name(),
        suited,
    }
    .into())
}

fn no_model(reports: &[TrialReport], stop: Stop) -> TrainError {
    let problems: Vec<String> = reports
        .iter()
        .filter_map(|report| Some(format!("{}: {}", report.name, report.problem.as_ref()?)))
        .collect();
    let (kind, why) = match stop {
        Stop::Cancelled => (ErrorKind::Cancelled, "it was cancelled".to_owned()),
        Stop::Time => (
            ErrorKind::Busy,
            "the time limit was too short; raise --time-limit".to_owned(),
        ),
        Stop::Work => (
            ErrorKind::Busy,
            "the work limit was too small; raise --work-limit".to_owned(),
        ),
        Stop::Finished => (ErrorKind::Data, problems.join("; ")),
    };
    TrainError::NoModel { why, kind }
}

struct Search<'a> {
    prepared: &'a Prepared,
    validation: &'a Validation,
    request: &'a TrainRequest,
    budget: &'a Budget<'a>,
    metric: &'static dyn kolosal_learner::Metric,
    events: &'a dyn Events,
}

struct Walked {
    finished: Vec<Finished>,
    reports: Vec<TrialReport>,
    stop: Stop,
}

impl Search<'_> {
    /// Tries candidates in order until all are done or something runs out.
    fn walk(&mut self, candidates: &[Candidate]) -> Walked {
        let mut walked = Walked {
            finished: Vec::new(),
            reports: Vec::new(),
            stop: Stop::Finished,
        };
        let mut work = 0;
        for (index, candidate) in candidates.iter().enumerate() {
            let reserve = self.reserve(&walked.finished);
            work += self.work_of(candidate);
            if let Some(stop) = self.must_stop(reserve, work, walked.finished.is_empty()) {
                walked.stop = stop;
                break;
            }
            self.events.event(&Event::Started {
                index,
                name: &candidate.name,
            });
            let limits = (self.budget, self.request.seed, reserve);
            let (report, done) = run_trial(
                (index, candidate),
                self.prepared,
                self.validation,
                self.metric,
                limits,
            );
            self.events.event(&Event::Finished(&report));
            let is_out_of_time = done.is_none() && self.is_out_of_time(reserve);
            walked.reports.push(report);
            walked.finished.extend(done);
            self.let_go_of_folds(&mut walked.finished);
            if is_out_of_time {
                walked.stop = Stop::Time;
                break;
            }
        }
        if self.budget.cancel.is_requested() {
            walked.stop = Stop::Cancelled;
        }
        walked
    }

    /// Only the best candidate has to be ready at any moment: the members that others have of a fold are let go.
    fn let_go_of_folds(&self, finished: &mut [Finished]) {
        let Some(best) = best_of(finished, self.metric) else {
            return;
        };
        for (at, done) in finished.iter_mut().enumerate().filter(|(_, done)| !done.is_full) {
            if at != best && done.ready.take().is_some() {
                let predictions = size_of_val(done.held_out.values()) as u64;
                done.memory.shrink(predictions);
            }
        }
    }

    fn is_out_of_time(&self, reserve: Duration) -> bool {
        self.budget.time_left().is_some_and(|left| left <= reserve)
    }

    fn must_stop(&self, reserve: Duration, work: u64, is_first: bool) -> Option<Stop> {
        if self.budget.cancel.is_requested() {
            return Some(Stop::Cancelled);
        }
        if self.is_out_of_time(reserve) {
            return Some(Stop::Time);
        }
        // The first candidate is always tried: it costs next to nothing, and an answer is better than none.
        (!is_first && self.budget.work_max.is_some_and(|max| work > max)).then_some(Stop::Work)
    }

    /// Time to keep back: for blending what has finished, for fitting it on all rows (a third more than an average fold
    /// each, but never more than two fifths of the time that is left), and for closing.
    fn reserve(&self, finished: &[Finished]) -> Duration {
        let Some(left) = self.budget.time_left() else {
            return Duration::ZERO;
        };
        let refits: Duration = finished
            .iter()
            .filter(|done| !done.is_full)
            .map(|done| done.fit_time * 4 / 3)
            .sum();
        refits.min(left * 2 / 5) + (blending(finished) + CLOSING).min(left / 4)
    }

    /// Work of all folds of a candidate and of fitting it again.
    fn work_of(&self, candidate: &Candidate) -> u64 {
        let columns = self.prepared.shared.frame.column_count();
        let folds = self
            .validation
            .folds
            .iter()
            .map(|fold| candidate.work(fold.train.len(), columns));
        folds.sum::<u64>() + candidate.work(self.prepared.row_count(), columns)
    }
}
