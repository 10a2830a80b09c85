//! Exactly one learner with given parameters: no search, no blend.

use std::time::Duration;

use kolosal_frame::Frame;
use kolosal_learner::{FitContext, FitError, Point};
use kolosal_pipeline::{DataFacts, Manifest, MemberPlan, Pipeline, fit_member};

use crate::finish::{Judged, assemble_pipeline, feature_entries};
use crate::gather::Chosen;
use crate::prepare::{HeldOutRows, Prepared, prepare, require_clean};
use crate::trial::Heard;
use crate::{Budget, TrainError, TrainRequest, table_hash};

/// The result of a single fit.
pub struct Fitted {
    /// What predicts.
    pub pipeline: Pipeline,
    /// What it is and how it came about; it has no held-out scores.
    pub manifest: Manifest,
    /// Time to bin the columns, where the learner bins them.
    pub bin_time: Duration,
    /// Time of the fit itself: transforms and learner, without binning.
    pub fit_time: Duration,
    /// What the learner said that is no failure.
    pub warnings: Vec<String>,
}

/// The tables of a single fit.
#[derive(Clone, Copy)]
pub struct FitTables<'a> {
    /// Rows to learn from.
    pub train: &'a Frame,
    /// Rows that the learner may judge itself by, to stop early; with the columns and levels of `train`.
    pub held_out: Option<&'a Frame>,
}

/// Fits one learner on all rows with a known target.
///
/// # Errors
/// [`TrainError`] if the request does not fit the table, or the learner refuses.
pub fn fit(
    tables: FitTables<'_>,
    (learner, point): (&str, &Point),
    request: &TrainRequest,
    budget: &Budget<'_>,
) -> Result<Fitted, TrainError> {
    let learner = kolosal_learners::find(learner)?;
    let name = learner.card().name;
    let failed = |source| TrainError::Fit {
        learner: name,
        source,
    };
    if !learner.card().needs_target() {
        return Err(failed(FitError::Unsupported {
            learner: name,
            what: format!("learn the target '{}'", request.target),
            remedy: "it looks at no target: leave --target out",
        }));
    }
    learner.check(point).map_err(|error| failed(error.into()))?;
    let prepared = prepare(tables.train, request)?;
    require_clean(&prepared, request)?;
    let held_out = tables
        .held_out
        .map(|table| HeldOutRows::new(table, (&prepared, request)))
        .transpose()?;
    let valid = held_out.as_ref().map(HeldOutRows::view).transpose()?;
    let warnings = Heard::new(budget.clock, None);
    let plan = MemberPlan::plain(learner, point.clone());
    let bin_time = bin(&prepared, &plan, budget);
    let started = budget.clock.now();
    let member = {
        let cx = FitContext {
            valid: valid.as_ref(),
            ..budget.context(request.seed.fork("fit"), Duration::ZERO, &warnings)
        };
        fit_member(&plan, &prepared.train_view()?, &cx).map_err(failed)?
    };
    let fit_time = budget.clock.now().saturating_sub(started);
    let rows = prepared.row_count();
    let Prepared {
        spec,
        shared,
        findings,
        table_columns,
        ..
    } = prepared;
    let pipeline = assemble_pipeline(spec, shared, vec![Chosen::alone(member)], Judged::default());
    let data = DataFacts {
        rows,
        columns: table_columns,
        sha256: table_hash(tables.train),
    };
    let mut manifest = describe(
        &pipeline,
        request,
        data,
        findings.iter().map(ToString::to_string).collect(),
    );
    manifest.guards = findings.iter().map(crate::Finding::to_entry).collect();
    Ok(Fitted {
        pipeline,
        manifest,
        bin_time,
        fit_time,
        warnings: warnings.take(),
    })
}

/// Bins the columns where the learner will: the frame keeps the bins, so the fit finds them done.
fn bin(prepared: &Prepared, plan: &MemberPlan, budget: &Budget<'_>) -> Duration {
    let started = budget.clock.now();
    let takes_frame_as_it_is = plan.learner.card().takes_missing && plan.learner.card().takes_categories;
    if let (true, Some(bins_max)) = (takes_frame_as_it_is, plan.learner.bins(&plan.point)) {
        prepared.shared.frame.binned(bins_max, budget.workers);
    }
    budget.clock.now().saturating_sub(started)
}

fn describe(pipeline: &Pipeline, request: &TrainRequest, data: DataFacts, notes: Vec<String>) -> Manifest {
    Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        task: pipeline.target().task.kind().name().to_owned(),
        target: pipeline.target().name.clone(),
        classes: pipeline.target().classes.iter().map(str::to_owned).collect(),
        features: feature_entries(pipeline),
        data,
        seed: request.seed.value(),
        options: [("task".to_owned(), request.task.name().to_owned())].into(),
        metric: kolosal_learner::default_metric(pipeline.target().task.kind())
            .name()
            .to_owned(),
        scores: std::collections::BTreeMap::new(),
        leaderboard: Vec::new(),
        members: pipeline.member_entries(),
        importances: pipeline.importances(),
        notes,
        guards: Vec::new(),
        facts: pipeline.facts(),
        groups: Vec::new(),
    }
}
