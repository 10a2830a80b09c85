//! One candidate: fitted on every fold, judged on the rows held out.

use std::sync::Mutex;
use std::time::Duration;

use kolosal_base::Seed;
use kolosal_compute::Reservation;
use kolosal_frame::split::Fold;
use kolosal_learner::{FitContext, FitError, Metric, Point, Predictions, Progress, Stopped, Task, TrainView};
use kolosal_pipeline::{Member, MemberPlan, fit_member};

use crate::prepare::Prepared;
use crate::validation::Validation;
use crate::{Budget, Candidate};

/// What came of a candidate.
#[derive(Debug, Clone)]
pub struct TrialReport {
    /// Its place in the portfolio, from zero.
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
    /// A member that is ready, of the first fold or of all rows; only the best candidate keeps that of a fold.
    pub(crate) ready: Option<Member>,
    /// The member's and the predictions' bytes in the ledger, set aside for as long as they are kept.
    pub(crate) memory: Reservation,
    /// Whether `ready` was fitted on all rows.
    pub(crate) is_full: bool,
    /// The plan for all rows: where rounds were chosen on held-out rows, with as many of them.
    pub(crate) plan: MemberPlan,
    /// Time of an average fit.
    pub(crate) fit_time: Duration,
    /// Time to judge its held-out predictions once.
    pub(crate) judge_time: Duration,
}

/// Fits and judges one candidate; the report always comes, the rest if it finished.
pub(crate) fn run_trial(
    (index, candidate): (usize, &Candidate),
    prepared: &Prepared,
    validation: &Validation,
    judge: &dyn Metric,
    (budget, seed, reserve): (&Budget<'_>, Seed, Duration),
) -> (TrialReport, Option<Finished>) {
    let warnings = Warnings::default();
    let started = budget.clock.now();
    let cx = budget.context(seed.fork("trial").fork(&candidate.name), reserve, &warnings);
    let bagged = if validation.is_exchangeable && gives_out_of_bag(candidate) {
        fit_out_of_bag(candidate, prepared, &cx).transpose()
    } else {
        None
    };
    let uses_bag = bagged.is_some();
    let outcome = bagged.map_or_else(
        || fit_folds(candidate, prepared, validation, &cx).map(|done| (done, false)),
        |done| done.map(|done| (done, true)),
    );
    let elapsed = budget.clock.now().saturating_sub(started);
    let mut report = unjudged(index, candidate);
    report.elapsed = elapsed;
    if !uses_bag {
        report.validation.clone_from(&validation.name);
    }
    let fitted_at = budget.clock.now();
    let kept = outcome.and_then(|(done, is_full)| {
        let bytes = member_bytes(&done.ready) + size_of_val(done.held_out.values()) as u64;
        Ok((done, is_full, cx.reserve(bytes)?))
    });
    let judged = kept.map_err(|error| error.to_string()).and_then(|kept| {
        let (answers, weights) = prepared.select(&validation.rows);
        let score = judge.score(&answers.as_target(), &kept.0.held_out, weights.as_deref());
        score
            .map(|score| (score, kept))
            .map_err(|error| error.to_string())
    });
    report.warnings = warnings.take();
    match judged {
        Err(problem) => {
            report.problem = Some(problem);
            (report, None)
        }
        Ok((score, (done, is_full, memory))) => {
            report.score = Some(score);
            let fits = if is_full { 1 } else { validation.folds.len() as u32 };
            let candidate = candidate.clone();
            let fit_time = elapsed / fits;
            let judge_time = budget.clock.now().saturating_sub(fitted_at);
            (
                report,
                Some(Finished {
                    candidate,
                    index,
                    score,
                    held_out: done.held_out,
                    ready: Some(done.ready),
                    memory,
                    is_full,
                    plan: done.plan,
                    fit_time,
                    judge_time,
                }),
            )
        }
    }
}

/// The report of a candidate of which nothing is known yet but that its rows are judged out of bag.
fn unjudged(index: usize, candidate: &Candidate) -> TrialReport {
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

/// What a member takes until the artifact is written: itself, and itself as bytes.
pub(crate) fn member_bytes(member: &Member) -> u64 {
    2 * member.model().heap_bytes()
}

/// Whether one fit on all rows gives honest predictions for each of them.
fn gives_out_of_bag(candidate: &Candidate) -> bool {
    let learner = candidate.plan.learner;
    learner.card().has_out_of_bag
        && !learner.card().wants_scaling
        && learner
            .check(&candidate.plan.point)
            .is_ok_and(|point| point.get("bootstrap") == Some(&kolosal_learner::Value::Bool(true)))
}

/// What the fits of a candidate gave.
struct Done {
    held_out: Predictions,
    ready: Member,
    plan: MemberPlan,
}

/// One fit on all rows; `None` if some row is in every sample (rare, and rarer with more parts), since no part can
/// then answer it honestly.
fn fit_out_of_bag(
    candidate: &Candidate,
    prepared: &Prepared,
    cx: &FitContext<'_>,
) -> Result<Option<Done>, FitError> {
    let train = prepared.train_view().expect("prepared rows were checked");
    let member = fit_member(&candidate.plan, &train, &cx.with_seed(cx.seed.fork("all rows")))?;
    let held_out = member
        .model()
        .out_of_bag()
        .filter(|answers| answers.values().iter().all(|v| v.is_finite()));
    Ok(held_out.cloned().map(|held_out| Done {
        held_out,
        ready: member,
        plan: candidate.plan.clone(),
    }))
}

fn fit_folds(
    candidate: &Candidate,
    prepared: &Prepared,
    validation: &Validation,
    cx: &FitContext<'_>,
) -> Result<Done, FitError> {
    let width = prepared.task().width();
    let results = cx.workers.map(validation.folds.len(), |i| {
        let cx = cx.with_seed(cx.seed.fork("fold").fork_index(i as u64));
        fit_fold(candidate, prepared, &validation.folds[i], &cx)
    });
    let mut values = vec![0.0; validation.rows.len() * width];
    let mut members = Vec::with_capacity(validation.folds.len());
    for (fold, result) in validation.folds.iter().zip(results) {
        let (answers, member) = result?;
        for (row, answer) in fold.valid.iter().zip(answers.chunks_exact(width)) {
            let at = validation
                .rows
                .binary_search(row)
                .expect("every held-out row is listed");
            values[at * width..(at + 1) * width].copy_from_slice(answer);
        }
        members.push(member);
    }
    let rows = validation.folds[0].train.len();
    let plan = settled(&candidate.plan, &members, (rows, prepared.task()));
    Ok(Done {
        held_out: Predictions::from_values(prepared.task(), values),
        ready: members.into_iter().next().expect("there is a fold"),
        plan,
    })
}

/// The plan with the mean number of rounds that the folds have settled on.
fn settled(plan: &MemberPlan, members: &[Member], (rows, task): (usize, Task)) -> MemberPlan {
    let rounds: Option<Vec<usize>> = members.iter().map(|member| member.model().rounds()).collect();
    let Some(rounds) = rounds else {
        return plan.clone();
    };
    let mean = (rounds.iter().sum::<usize>() as f64 / rounds.len().max(1) as f64).round() as usize;
    let stopped = Stopped {
        rounds: mean.max(1),
        rows,
        task,
    };
    MemberPlan {
        learner: plan.learner,
        point: plan.learner.settle(&plan.point, &stopped),
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

/// Keeps each warning once.
#[derive(Default)]
pub(crate) struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Progress for Warnings {
    fn step(&self, _: u64, _: u64) {}

    fn warn(&self, message: &str) {
        let mut heard = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(at) = heard.binary_search_by(|before| before.as_str().cmp(message)) {
            heard.insert(at, message.to_owned());
        }
    }
}
