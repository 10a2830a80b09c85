//! One candidate: fitted on every fold, judged on the rows held out.
//!
//! Every finished fit goes to the journal at once, so that nothing has to be done twice and nothing but predictions has to
//! stay in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kolosal_base::{Clock, Seed};
use kolosal_compute::Reservation;
use kolosal_frame::split::Fold;
use kolosal_learner::{
    FitContext, FitError, Metric, Point, Predictions, Progress, Stopped, TrainView, Value,
};
use kolosal_pipeline::{Features, Member, MemberPlan, fit_member};

use crate::journal::{FitRecord, Journal};
use crate::prepare::Prepared;
use crate::validation::Validation;
use crate::{Budget, Candidate};

/// What came of a candidate.
#[derive(Debug, Clone)]
pub struct TrialReport {
    /// Its place among the candidates, from zero.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// The learner.
    pub learner: &'static str,
    /// Its parameters as asked for.
    pub point: Point,
    /// The metric on held-out rows; `None` if it did not finish.
    pub score: Option<f64>,
    /// How rows were held out.
    pub validation: String,
    /// Time it took.
    pub elapsed: Duration,
    /// Why it did not finish.
    pub problem: Option<String>,
    /// What its learner said that is no failure.
    pub warnings: Vec<String>,
}

/// A finished candidate.
pub(crate) struct Finished {
    pub(crate) candidate: Candidate,
    /// Its place in the list of reports.
    pub(crate) index: usize,
    pub(crate) score: f64,
    /// Predictions for [`Validation::rows`].
    pub(crate) held_out: Predictions,
    /// Where its members are: one a fold, or one of all rows.
    pub(crate) kept: Vec<Kept>,
    /// Whether there is one member, fitted on all rows.
    pub(crate) is_full: bool,
    /// Bytes of all its members.
    pub(crate) bytes: u64,
    /// What is kept of it in memory, set aside in the ledger.
    pub(crate) _memory: Reservation,
    /// The plan for all rows: where rounds were chosen on held-out rows, with as many of them.
    pub(crate) plan: MemberPlan,
    /// Time of an average fit.
    pub(crate) fit_time: Duration,
    /// Time to judge its held-out predictions once.
    pub(crate) judge_time: Duration,
}

/// Where the bytes of a member are.
pub(crate) enum Kept {
    /// In the journal, under this name.
    Named(String),
    /// Here, since the journal could not take them.
    Here(Vec<u8>),
}

/// What a trial is run with.
#[derive(Clone, Copy)]
pub(crate) struct Bench<'a> {
    pub(crate) prepared: &'a Prepared,
    pub(crate) validation: &'a Validation,
    pub(crate) metric: &'a dyn Metric,
    pub(crate) budget: &'a Budget<'a>,
    pub(crate) journal: &'a dyn Journal,
    pub(crate) seed: Seed,
}

/// How long a candidate may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// Time to keep back before the deadline.
    pub(crate) reserve: Duration,
    /// What the candidate as a whole may take; learners that stop early end in time, others are given up.
    pub(crate) share: Option<Duration>,
}

impl Bench<'_> {
    /// Fits and judges one candidate; the report always comes, the rest if it finished.
    pub(crate) fn run(
        &self,
        (index, candidate): (usize, &Candidate),
        allowance: Allowance,
    ) -> (TrialReport, Option<Finished>) {
        let started = self.budget.clock.now();
        let mut report = unjudged(index, candidate);
        let outcome = self.fit(candidate, allowance, &mut report);
        report.elapsed = self.budget.clock.now().saturating_sub(started);
        let judged = outcome.and_then(|done| {
            let memory = self.budget.memory.reserve(self.held_bytes(&done));
            let memory = memory.map_err(|error| error.to_string())?;
            self.judge(&done).map(|judged| (judged, memory, done))
        });
        match judged {
            Err(problem) => {
                report.problem = Some(problem);
                (report, None)
            }
            Ok(((score, judge_time), memory, done)) => {
                report.score = Some(score);
                let finished = Finished {
                    candidate: candidate.clone(),
                    index,
                    score,
                    held_out: done.held_out,
                    kept: done.kept,
                    is_full: done.is_full,
                    bytes: done.bytes,
                    _memory: memory,
                    plan: done.plan,
                    fit_time: Duration::from_secs_f64(done.seconds),
                    judge_time,
                };
                (report, Some(finished))
            }
        }
    }

    /// The score on held-out rows, and the time to find it.
    fn judge(&self, done: &Done) -> Result<(f64, Duration), String> {
        let started = self.budget.clock.now();
        let (answers, weights) = self.prepared.select(&self.validation.rows);
        let score = self
            .metric
            .score(&answers.as_target(), &done.held_out, weights.as_deref())
            .map_err(|error| error.to_string())?;
        Ok((score, self.budget.clock.now().saturating_sub(started)))
    }

    /// Bytes that stay in memory for a finished candidate.
    fn held_bytes(&self, done: &Done) -> u64 {
        let here: usize = done
            .kept
            .iter()
            .map(|kept| match kept {
                Kept::Named(_) => 0,
                Kept::Here(bytes) => bytes.len(),
            })
            .sum();
        let journal = if self.journal.is_in_memory() {
            done.bytes
        } else {
            0
        };
        size_of_val(done.held_out.values()) as u64 + here as u64 + journal
    }

    fn fit(
        &self,
        candidate: &Candidate,
        allowance: Allowance,
        report: &mut TrialReport,
    ) -> Result<Done, String> {
        let fits = if self.validation.is_exchangeable && gives_out_of_bag(candidate) {
            self.whole(candidate, allowance)?
        } else {
            None
        };
        let is_full = fits.is_some();
        let fits = match fits {
            Some(fits) => fits,
            None => {
                report.validation.clone_from(&self.validation.name);
                self.folds(candidate, allowance)?
            }
        };
        let mut warnings: Vec<String> = fits
            .iter()
            .flat_map(|fit| fit.record.warnings.iter().cloned())
            .collect();
        if fits.iter().any(|fit| fit.record.is_cut_short) {
            warnings.push("it ended before it was done, since time was short".to_owned());
        }
        warnings.extend(fits.iter().filter_map(|fit| fit.lost.clone()));
        warnings.sort_unstable();
        warnings.dedup();
        report.warnings = warnings;
        Ok(self.gather(candidate, fits, is_full))
    }

    /// One fit on all rows; `None` if some row is in every sample (rare, and rarer with more parts), since no part can
    /// then answer it honestly.
    fn whole(&self, candidate: &Candidate, allowance: Allowance) -> Result<Option<Vec<Fit>>, String> {
        let prepared = self.prepared;
        let name = self.name(candidate, "out of bag");
        let expected = self.validation.rows.len() * prepared.task().width();
        if let Some(fit) = self.found(&name, expected) {
            return Ok(Some(vec![fit]));
        }
        let started = self.budget.clock.now();
        let heard = Heard::new(self.budget.clock, allowance.share.map(|share| started + share));
        let cx = self.context(candidate, allowance, &heard);
        let train = prepared.train_view().expect("prepared rows were checked");
        let member = fit_member(&candidate.plan, &train, &cx.with_seed(cx.seed.fork("all rows")))
            .map_err(|error| error.to_string())?;
        let Some(answers) = member.model().out_of_bag() else {
            return Ok(None);
        };
        if !answers.values().iter().all(|v| v.is_finite()) {
            return Ok(None);
        }
        let answers = answers.values().to_vec();
        Ok(Some(vec![self.keep(name, (&member, answers), (started, &heard))]))
    }

    fn folds(&self, candidate: &Candidate, allowance: Allowance) -> Result<Vec<Fit>, String> {
        let folds = &self.validation.folds;
        let waves = folds.len().div_ceil(self.budget.workers.threads()).max(1) as u32;
        let share = allowance.share.map(|share| share / waves);
        let fits = self.budget.workers.map(folds.len(), |i| {
            self.fold(candidate, (i, &folds[i]), (allowance, share))
        });
        fits.into_iter().collect()
    }

    fn fold(
        &self,
        candidate: &Candidate,
        (i, fold): (usize, &Fold),
        (allowance, share): (Allowance, Option<Duration>),
    ) -> Result<Fit, String> {
        let prepared = self.prepared;
        let width = prepared.task().width();
        let name = self.name(candidate, &format!("fold {i}"));
        if let Some(fit) = self.found(&name, fold.valid.len() * width) {
            return Ok(fit);
        }
        let started = self.budget.clock.now();
        let heard = Heard::new(self.budget.clock, share.map(|share| started + share));
        let cx = self.context(candidate, allowance, &heard);
        let cx = cx.with_seed(cx.seed.fork("fold").fork_index(i as u64));
        let fitted = fit_fold(candidate, prepared, fold, &cx).map_err(|error| error.to_string())?;
        let (answers, member) = fitted;
        Ok(self.keep(name, (&member, answers), (started, &heard)))
    }

    /// The name of a fit: everything its result depends on beside the run's data and options.
    fn name(&self, candidate: &Candidate, part: &str) -> String {
        let settings: Vec<String> = candidate
            .plan
            .point
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let learner = candidate.plan.learner.card().name;
        format!(
            "{}|{learner}|{}|{}|{}|{part}",
            candidate.name,
            candidate.plan.features.name(),
            settings.join(" "),
            self.validation.name
        )
    }

    fn context<'a>(
        &'a self,
        candidate: &Candidate,
        allowance: Allowance,
        heard: &'a Heard<'a>,
    ) -> FitContext<'a> {
        let seed = self.seed.fork("trial").fork(&candidate.name);
        let mut cx = self.budget.context(seed, allowance.reserve, heard);
        if let (Some(share), false) = (allowance.share, candidate.ends_early()) {
            let end = self.budget.clock.now() + share;
            cx.deadline = Some(cx.deadline.map_or(end, |deadline| deadline.min(end)));
        }
        cx
    }

    /// A fit that was finished before, if it can be read and has as many answers as expected.
    fn found(&self, name: &str, answers: usize) -> Option<Fit> {
        let record = FitRecord::from_bytes(&self.journal.get(name)?).ok()?;
        // What was cut short by a time limit is no result for a run without one.
        let is_whole = !record.is_cut_short || self.budget.deadline.is_some();
        (is_whole && record.answers.len() == answers).then(|| Fit {
            bytes: record.member.len() as u64,
            record: FitRecord {
                member: Vec::new(),
                ..record
            },
            kept: Kept::Named(name.to_owned()),
            lost: None,
        })
    }

    fn keep(
        &self,
        name: String,
        (member, answers): (&Member, Vec<f64>),
        (started, heard): (Duration, &Heard<'_>),
    ) -> Fit {
        let elapsed = self.budget.clock.now().saturating_sub(started);
        let mut record = FitRecord {
            member: member.to_bytes(),
            answers,
            rounds: member.model().rounds(),
            is_cut_short: heard.was_enough(),
            seconds: elapsed.as_secs_f64(),
            warnings: heard.take(),
        };
        let bytes = record.member.len() as u64;
        let put = self.journal.put(&name, &record.to_bytes());
        let member = std::mem::take(&mut record.member);
        let (kept, lost) = match put {
            Ok(()) => (Kept::Named(name), None),
            Err(problem) => {
                let lost = format!("a finished fit could not be kept for a later run: {problem}");
                (Kept::Here(member), Some(lost))
            }
        };
        Fit {
            bytes,
            record,
            kept,
            lost,
        }
    }

    /// Held-out answers in the order of [`Validation::rows`], and where the members are.
    fn gather(&self, candidate: &Candidate, fits: Vec<Fit>, is_full: bool) -> Done {
        let task = self.prepared.task();
        let width = task.width();
        let values = if is_full {
            fits[0].record.answers.clone()
        } else {
            let mut values = vec![0.0; self.validation.rows.len() * width];
            for (fold, fit) in self.validation.folds.iter().zip(&fits) {
                for (row, answer) in fold.valid.iter().zip(fit.record.answers.chunks_exact(width)) {
                    let at = self.validation.rows.binary_search(row);
                    let at = at.expect("every held-out row is listed");
                    values[at * width..(at + 1) * width].copy_from_slice(answer);
                }
            }
            values
        };
        let rounds: Option<Vec<usize>> = fits.iter().map(|fit| fit.record.rounds).collect();
        let rows = self.validation.folds[0].train.len();
        let plan = match rounds {
            Some(rounds) if !is_full => settled(&candidate.plan, &rounds, (rows, task)),
            _ => candidate.plan.clone(),
        };
        let seconds = fits.iter().map(|fit| fit.record.seconds).sum::<f64>() / fits.len() as f64;
        Done {
            held_out: Predictions::from_values(task, values),
            is_full,
            bytes: fits.iter().map(|fit| fit.bytes).sum(),
            plan,
            seconds,
            kept: fits.into_iter().map(|fit| fit.kept).collect(),
        }
    }
}

/// Reads the members of a candidate back; `None` if that fails.
pub(crate) fn read_members(
    done: &Finished,
    journal: &dyn Journal,
    prepared: &Prepared,
) -> Option<Vec<Member>> {
    let inputs = prepared.shared.output_count();
    let plan = &done.candidate.plan;
    let point = plan.learner.check(&plan.point).ok()?;
    let read = |kept: &Kept| {
        let member = match kept {
            Kept::Here(bytes) => Member::from_bytes(bytes, point.clone(), inputs).ok()?,
            Kept::Named(name) => {
                let record = FitRecord::from_bytes(&journal.get(name)?).ok()?;
                Member::from_bytes(&record.member, point.clone(), inputs).ok()?
            }
        };
        // The journal may have been tampered with: a member of another task cannot answer this one.
        (member.model().shape() == Predictions::shape_of(prepared.task())).then_some(member)
    };
    done.kept.iter().map(read).collect()
}

/// A fit that is done and kept.
struct Fit {
    /// What is known of it, without the member.
    record: FitRecord,
    kept: Kept,
    bytes: u64,
    /// Why the journal could not take it.
    lost: Option<String>,
}

/// What the fits of a candidate gave.
struct Done {
    held_out: Predictions,
    kept: Vec<Kept>,
    is_full: bool,
    bytes: u64,
    plan: MemberPlan,
    /// Time of an average fit.
    seconds: f64,
}

/// The report of a candidate of which nothing is known yet but that its rows are judged out of bag.
pub(crate) fn unjudged(index: usize, candidate: &Candidate) -> TrialReport {
    TrialReport {
        index,
        name: candidate.name.clone(),
        learner: candidate.plan.learner.card().name,
        point: candidate.plan.point.clone(),
        score: None,
        validation: "out of bag".to_owned(),
        elapsed: Duration::ZERO,
        problem: None,
        warnings: Vec::new(),
    }
}

/// Whether one fit on all rows gives honest predictions for each of them: trees that each see a sample, over columns that
/// no transform has learned from.
fn gives_out_of_bag(candidate: &Candidate) -> bool {
    let learner = candidate.plan.learner;
    let says = |point: &Point, name: &str| point.get(name) == Some(&Value::Bool(true));
    candidate.plan.features == Features::Plain
        && !learner.card().wants_scaling
        && learner
            .check(&candidate.plan.point)
            .is_ok_and(|point| says(&point, "bootstrap") && says(&point, "oob_score"))
}

/// The plan with the mean number of rounds that the folds have settled on.
fn settled(plan: &MemberPlan, rounds: &[usize], (rows, task): (usize, kolosal_learner::Task)) -> MemberPlan {
    let mean = (rounds.iter().sum::<usize>() as f64 / rounds.len().max(1) as f64).round() as usize;
    let stopped = Stopped {
        rounds: mean.max(1),
        rows,
        task,
    };
    MemberPlan {
        point: plan.learner.settle(&plan.point, &stopped),
        ..plan.clone()
    }
}

fn fit_fold(
    candidate: &Candidate,
    prepared: &Prepared,
    fold: &Fold,
    cx: &FitContext<'_>,
) -> Result<(Vec<f64>, Member), FitError> {
    let frame = &prepared.shared.frame;
    let (answers, weights) = prepared.select(&fold.train);
    let features = frame.select(&fold.train);
    let train = TrainView::new(features, answers.as_target(), weights.as_deref(), prepared.task())?;
    let (answers, weights) = prepared.select(&fold.valid);
    let features = frame.select(&fold.valid);
    // Held-out rows of weight zero cannot judge; the learner then does without them.
    let valid = TrainView::new(features, answers.as_target(), weights.as_deref(), prepared.task()).ok();
    let cx = FitContext {
        valid: valid.as_ref(),
        ..*cx
    };
    let member = fit_member(&candidate.plan, &train, &cx)?;
    let mut out = vec![0.0; fold.valid.len() * prepared.task().width()];
    member.predict_into(features, &mut out);
    Ok((out, member))
}

/// Keeps each warning once, and says when a fit has had its share of the time.
pub(crate) struct Heard<'a> {
    warnings: Mutex<Vec<String>>,
    clock: &'a dyn Clock,
    end: Option<Duration>,
    was_enough: AtomicBool,
}

impl<'a> Heard<'a> {
    /// Fits that judge themselves by held-out rows should end at `end` on the clock.
    pub(crate) fn new(clock: &'a dyn Clock, end: Option<Duration>) -> Self {
        Self {
            warnings: Mutex::default(),
            clock,
            end,
            was_enough: AtomicBool::new(false),
        }
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn was_enough(&self) -> bool {
        self.was_enough.load(Ordering::Relaxed)
    }
}

impl Progress for Heard<'_> {
    fn step(&self, _: u64, _: u64) {}

    fn warn(&self, message: &str) {
        let mut heard = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(at) = heard.binary_search_by(|before| before.as_str().cmp(message)) {
            heard.insert(at, message.to_owned());
        }
    }

    fn is_enough(&self) -> bool {
        let is_enough = self.end.is_some_and(|end| self.clock.now() >= end);
        if is_enough {
            self.was_enough.store(true, Ordering::Relaxed);
        }
        is_enough
    }
}
