//! The training itself: prepare, plan, try, search, blend.

use std::collections::VecDeque;
use std::time::Duration;

use kolosal_base::ErrorKind;
use kolosal_frame::Frame;
use kolosal_learner::{MetricError, Task, TaskKind, default_metric};
use kolosal_pipeline::{DataFacts, Judge, Manifest, Pipeline};

use crate::candidate::SHORTENED_MAX;
use crate::climb::Climb;
use crate::experience::{Experience, Memory, Traits};
use crate::finish::{Assembled, CLOSING, Ending, blending, writing};
use crate::gather::refits_all;
use crate::journal::Journal;
use crate::pace::{Costs, Standing, patience};
use crate::portfolio::{Size, portfolio};
use crate::prepare::{Prepared, prepare, require_clean};
use crate::search::Search;
use crate::trial::{Allowance, Bench, Finished, unjudged};
use crate::validation::{Validation, plan};
use crate::{
    Budget, Candidate, Event, Events, Finding, Preset, Stop, TrainError, TrainRequest, TrialReport,
    table_hash,
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

/// What a training tells of itself, and where it keeps what is finished.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Hears of every step.
    pub events: &'a dyn Events,
    /// Keeps finished fits; one that holds fits of an earlier run with the same data and options spares them.
    pub journal: &'a dyn Journal,
    /// What the caller has found in the table, such as [`crate::drift`].
    pub findings: &'a [Finding],
    /// The table's [`table_hash`], where the caller has it already.
    pub table_hash: Option<&'a str>,
    /// Earlier trainings; they reorder the portfolio, so they only count where a limit of time makes runs differ anyway.
    pub past: &'a [Experience],
}

/// Learns to predict a column of a table.
///
/// # Errors
/// [`TrainError`] if the request does not fit the table, or everything was stopped before any candidate was done.
pub fn train(
    table: &Frame,
    request: &TrainRequest,
    budget: &Budget<'_>,
    surroundings: Surroundings<'_>,
) -> Result<Trained, TrainError> {
    let Surroundings { events, journal, .. } = surroundings;
    let mut prepared = prepare(table, request)?;
    prepared.findings.extend(surroundings.findings.iter().cloned());
    require_clean(&prepared, request)?;
    let task = prepared.task().kind();
    let metric = request.metric.unwrap_or_else(|| default_metric(task));
    require_suited(metric, task)?;
    let memory = memory_of(&surroundings, (&prepared, metric), budget);
    let candidates = memory.ordered(portfolio(task, size_of(&prepared), request)?);
    let validation = plan(&prepared, request, budget)?;
    let notes = notes_of(&prepared, &memory);
    notes.iter().for_each(|note| events.event(&Event::Note(note)));
    events.event(&Event::Planned {
        candidates: candidates.len(),
        validation: &validation.name,
        metric: metric.name(),
        task: task.name(),
    });
    let walk = Walk {
        prepared: &prepared,
        validation: &validation,
        request,
        budget,
        metric,
        surroundings,
        memory: &memory,
    };
    let Walked {
        finished,
        reports,
        stop,
    } = walk.run(candidates);
    if finished.is_empty() {
        return Err(no_model(&reports, stop));
    }
    let data = DataFacts {
        rows: prepared.row_count(),
        columns: prepared.table_columns,
        sha256: surroundings
            .table_hash
            .map_or_else(|| table_hash(table), str::to_owned),
    };
    let ending = Ending {
        request,
        metric,
        budget,
        journal,
        events,
        validation: &validation,
        data,
    };
    let Assembled { pipeline, manifest } = ending.assemble(prepared, &finished, &reports, notes)?;
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

/// What the user should know before anything is tried.
fn notes_of(prepared: &Prepared, memory: &Memory<'_>) -> Vec<String> {
    let task = format!(
        "'{}' is learned as {}: {}",
        prepared.spec.name,
        prepared.task().kind().name(),
        prepared.task_reason
    );
    let findings = prepared.findings.iter().map(ToString::to_string);
    let remembered = match memory.len() {
        0 => None,
        1 => Some("an earlier training of a table like this one says what to try first".to_owned()),
        count => Some(format!(
            "{count} earlier trainings of tables like this one say what to try first"
        )),
    };
    std::iter::once(task).chain(findings).chain(remembered).collect()
}

/// What is remembered of tables like this one.
fn memory_of<'a>(
    surroundings: &Surroundings<'a>,
    (prepared, metric): (&Prepared, &dyn kolosal_learner::Metric),
    budget: &Budget<'_>,
) -> Memory<'a> {
    let past = if budget.deadline.is_some() && budget.work_max.is_none() {
        surroundings.past
    } else {
        &[]
    };
    let fields = prepared.shared.fields();
    let now = Traits {
        rows: prepared.row_count(),
        columns: fields.len(),
        categorical: fields.iter().filter(|field| field.kind.is_coded()).count(),
        sha256: surroundings.table_hash.unwrap_or_default().to_owned(),
    };
    Memory::new(past, &now, (prepared.task().kind(), metric.name()))
}

fn size_of(prepared: &Prepared) -> Size {
    Size {
        rows: prepared.row_count(),
        spread: prepared.spread(),
        can_combine: kolosal_pipeline::can_combine(&prepared.shared.frame),
    }
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

struct Walk<'a> {
    prepared: &'a Prepared,
    validation: &'a Validation,
    request: &'a TrainRequest,
    budget: &'a Budget<'a>,
    metric: &'static dyn kolosal_learner::Metric,
    surroundings: Surroundings<'a>,
    memory: &'a Memory<'a>,
}

struct Walked {
    finished: Vec<Finished>,
    reports: Vec<TrialReport>,
    stop: Stop,
}

/// Candidates that are tried whatever they add.
const TRIED_MIN: usize = 14;

/// Lines of the portfolio that come first; then learners that were not tried yet, and larger models of those that do best.
const FIRST_LINES: usize = 9;

/// Part of the time that a candidate may take from which on it waits for cheaper ones of other learners.
const DEAR: f64 = 0.25;

fn is_untried(candidate: &Candidate, walked: &Walked) -> bool {
    let name = candidate.plan.learner.card().name;
    walked.reports.iter().all(|report| report.learner != name)
}

/// How far a walk has come.
struct Course<'a> {
    standing: Standing<'a>,
    portfolio: VecDeque<Candidate>,
    climb: Climb,
    search: Option<Search>,
    costs: Costs,
    /// Work units spent.
    work: u64,
}

/// Share of the time left that one candidate may take.
const SHARE_MAX: f64 = 0.5;

impl Walk<'_> {
    /// Tries the portfolio in order, then what the search proposes, until nothing more is gained or something runs out.
    fn run(&self, portfolio: Vec<Candidate>) -> Walked {
        let (answers, weights) = self.prepared.select(&self.validation.rows);
        let judge = Judge {
            target: answers.as_target(),
            weights: weights.as_deref(),
            metric: self.metric,
        };
        let mut course = Course {
            standing: Standing::new(judge, self.prepared.task()),
            portfolio: portfolio.into(),
            climb: Climb::default(),
            search: None,
            costs: Costs::default(),
            work: 0,
        };
        let mut walked = Walked {
            finished: Vec::new(),
            reports: Vec::new(),
            stop: Stop::Finished,
        };
        while let Some(candidate) = self.next(&mut course, &walked) {
            if let Some(stop) = self.step(candidate, &mut course, &mut walked) {
                walked.stop = stop;
                break;
            }
        }
        if self.budget.cancel.is_requested() {
            walked.stop = Stop::Cancelled;
        }
        walked
    }

    /// What is tried next; `None` when nothing more is to be gained.
    fn next(&self, course: &mut Course<'_>, walked: &Walked) -> Option<Candidate> {
        let is_idle = course.standing.idle() >= patience(self.prepared.row_count());
        // Learners that were asked for by name are all tried, and so are the first of each family.
        let may_end = self.request.learners.is_empty() && walked.reports.len() >= TRIED_MIN;
        if is_idle && may_end {
            return None;
        }
        let is_begun = walked.reports.len() >= FIRST_LINES;
        if is_begun && let Some(candidate) = self.untried(course, walked) {
            return Some(candidate);
        }
        if is_begun && let Some(candidate) = self.climbing(course, walked) {
            return Some(candidate);
        }
        if let Some(candidate) = self.next_line(course, walked) {
            return Some(candidate);
        }
        if is_idle || !self.searches() {
            return None;
        }
        let begin = || Search::new(self.request, self.metric, (&walked.finished, self.memory));
        course.search.get_or_insert_with(begin).next(&walked.finished)
    }

    /// The first line of a learner that was not tried yet, where it takes only a fair part of the time left: what a new kind of
    /// model adds to the blend is most, and it may be what the table wants.
    fn untried(&self, course: &mut Course<'_>, walked: &Walked) -> Option<Candidate> {
        let fair = self.share(self.reserve(&walked.finished)).map(|share| share / 2);
        let at = course.portfolio.iter().position(|candidate| {
            let is_fair = match (fair, self.expected(candidate, &course.costs)) {
                (Some(fair), Some(expected)) => expected <= fair,
                _ => true,
            };
            is_fair && is_untried(candidate, walked)
        })?;
        course.portfolio.remove(at)
    }

    /// A larger model of what does best, where there is time for it: half as much for learners that are not the best.
    fn climbing(&self, course: &mut Course<'_>, walked: &Walked) -> Option<Candidate> {
        if self.request.preset == Preset::Fast {
            return None;
        }
        let share = self.share(self.reserve(&walked.finished));
        loop {
            let (candidate, is_of_best) = course.climb.next(self.metric, &walked.finished)?;
            course.climb.take(&candidate);
            let affordable = share.map(|share| if is_of_best { share } else { share / 2 });
            let is_affordable = match (affordable, self.expected(&candidate, &course.costs)) {
                (Some(affordable), Some(expected)) => expected <= affordable,
                _ => true,
            };
            let bound = self.request.constraints.bind(candidate);
            if let (Some(candidate), true) = (bound, is_affordable) {
                return Some(candidate);
            }
        }
    }

    /// The next line of the portfolio. One that takes much of the time left waits for lines of learners that were not tried yet
    /// and take far less.
    fn next_line(&self, course: &mut Course<'_>, walked: &Walked) -> Option<Candidate> {
        let first = course.portfolio.front()?;
        let dear = self
            .share(self.reserve(&walked.finished))
            .map(|share| share.mul_f64(DEAR));
        let expected = |candidate: &Candidate| self.expected(candidate, &course.costs);
        let at = match (dear, expected(first)) {
            (Some(dear), Some(first)) if first > dear => {
                let is_better = |candidate: &Candidate| {
                    is_untried(candidate, walked) && expected(candidate).is_some_and(|time| time < first / 2)
                };
                course.portfolio.iter().position(is_better).unwrap_or(0)
            }
            _ => 0,
        };
        course.portfolio.remove(at)
    }

    /// How long a candidate will take, as far as earlier ones tell.
    fn expected(&self, candidate: &Candidate, costs: &Costs) -> Option<Duration> {
        costs.expect(candidate.plan.learner.card().name, self.work_of(candidate))
    }

    /// Tries a candidate; says why nothing more can be tried, if so.
    fn step(&self, candidate: Candidate, course: &mut Course<'_>, walked: &mut Walked) -> Option<Stop> {
        let reserve = self.reserve(&walked.finished);
        let needed = self.work_of(&candidate);
        let stop = self.must_stop(reserve, course.work + needed, walked.finished.is_empty());
        if stop.is_some() {
            return stop;
        }
        let index = walked.reports.len();
        if let Some(problem) = self.is_hopeless(&candidate, &course.costs, reserve) {
            if course.search.is_some() {
                return Some(Stop::Time);
            }
            walked.reports.push(TrialReport {
                problem: Some(problem),
                ..unjudged(index, &candidate)
            });
            return None;
        }
        course.work += needed;
        let candidate = &self.hastened(candidate, &course.costs, reserve);
        let (report, done) = self.attempt((index, candidate), reserve);
        course.costs.learn(report.learner, needed, report.elapsed);
        course.standing.take(done.as_ref().map(|done| &done.held_out));
        if let Some(search) = &mut course.search {
            search.tell(done.as_ref());
        }
        let is_out_of_time = done.is_none() && self.is_out_of_time(reserve);
        walked.reports.push(report);
        walked.finished.extend(done);
        is_out_of_time.then_some(Stop::Time)
    }

    /// Whether a search follows the portfolio: a fast training is one pass, and one without a limit has no end to wait for.
    fn searches(&self) -> bool {
        match self.request.preset {
            Preset::Fast => false,
            Preset::Balanced => self.budget.deadline.is_some() || self.budget.work_max.is_some(),
            Preset::Best => true,
        }
    }

    fn attempt(
        &self,
        (index, candidate): (usize, &Candidate),
        reserve: Duration,
    ) -> (TrialReport, Option<Finished>) {
        self.surroundings.events.event(&Event::Started {
            index,
            name: &candidate.name,
        });
        let bench = Bench {
            prepared: self.prepared,
            validation: self.validation,
            metric: self.metric,
            budget: self.budget,
            journal: self.surroundings.journal,
            seed: self.request.seed,
        };
        let allowance = Allowance {
            reserve,
            share: self.share(reserve),
        };
        let (report, done) = bench.run((index, candidate), allowance);
        self.surroundings.events.event(&Event::Finished(&report));
        (report, done)
    }

    /// Most time that the next candidate may take.
    fn share(&self, reserve: Duration) -> Option<Duration> {
        let left = self.budget.time_left()?.saturating_sub(reserve);
        Some(left.mul_f64(SHARE_MAX))
    }

    /// The candidate in larger steps, where it would be cut short otherwise: fewer rounds that come to an end are worth
    /// more than many that do not.
    fn hastened(&self, candidate: Candidate, costs: &Costs, reserve: Duration) -> Candidate {
        let expected = self.expected(&candidate, costs);
        match (self.share(reserve), expected) {
            (Some(share), Some(expected)) if expected > share => {
                candidate.hastened(expected.as_secs_f64() / share.as_secs_f64().max(1e-3))
            }
            _ => candidate,
        }
    }

    /// Why a candidate cannot be done in the time that is left, if its learner's earlier fits say so.
    fn is_hopeless(&self, candidate: &Candidate, costs: &Costs, reserve: Duration) -> Option<String> {
        let left = self.budget.time_left()?.saturating_sub(reserve);
        let expected = self.expected(candidate, costs)?;
        // A learner that can end early is worth starting if it gets a fair part of its way.
        let bearable = if candidate.is_network() {
            left.mul_f64(SHARE_MAX * SHORTENED_MAX)
        } else if candidate.ends_early() {
            left * 3
        } else {
            left.mul_f64(SHARE_MAX)
        };
        (expected > bearable).then(|| {
            format!(
                "not tried: it would take about {:.0} s, and {:.0} s are left",
                expected.as_secs_f64(),
                left.as_secs_f64()
            )
        })
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

    /// Time to keep back: for blending what has finished, for fitting it on all rows where folds do not answer themselves (a
    /// third more than an average fold each, but never more than two fifths of the time that is left), and for closing.
    fn reserve(&self, finished: &[Finished]) -> Duration {
        let Some(left) = self.budget.time_left() else {
            return Duration::ZERO;
        };
        let refits: Duration = if refits_all(self.request, self.validation) {
            let folds = finished.iter().filter(|done| !done.is_full);
            folds.map(|done| done.fit_time * 4 / 3).sum()
        } else {
            Duration::ZERO
        };
        refits.min(left * 2 / 5) + (blending(finished) + writing(finished) + CLOSING).min(left / 4)
    }

    /// Work of all folds of a candidate and of fitting it again.
    fn work_of(&self, candidate: &Candidate) -> u64 {
        let columns = self.prepared.shared.frame.column_count();
        let outputs = match self.prepared.task() {
            Task::Multiclass { classes } if candidate.learns_each_class() => u64::from(classes),
            _ => 1,
        };
        let folds = self
            .validation
            .folds
            .iter()
            .map(|fold| candidate.work(fold.train.len(), columns));
        outputs * (folds.sum::<u64>() + candidate.work(self.prepared.row_count(), columns))
    }
}
