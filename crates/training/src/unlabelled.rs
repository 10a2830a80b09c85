//! Fits of tasks without a target: groups and strange rows.

use std::time::Duration;

use kolosal_base::Seed;
use kolosal_frame::{Column, Field, Frame, FrozenSchema, Kind};
use kolosal_learner::{FitError, Learner, Point, Task, TaskKind, TrainView};
use kolosal_pipeline::{DataFacts, Manifest, MemberPlan, SharedFeatures, TargetSpec, fit_member};

use crate::finish::{Judged, assemble_pipeline, feature_entries};
use crate::gather::Chosen;
use crate::guard::useless;
use crate::prepare::weights_of;
use crate::single::Fitted;
use crate::trial::Heard;
use crate::{Budget, TrainError, table_hash};

/// A category with more levels would put every row far from every other.
const LEVELS_MAX: usize = 50;

/// What is asked of a table without a target.
#[derive(Debug, Clone)]
pub struct UnlabelledRequest {
    /// Columns that must not count.
    pub ignore: Vec<String>,
    /// A column with the weight of each row.
    pub weight: Option<String>,
    /// The only source of randomness.
    pub seed: Seed,
}

/// What came of it.
pub struct UnlabelledFit {
    /// Pipeline, manifest, times, and what the learner said.
    pub fitted: Fitted,
    /// Columns that do not count, and why.
    pub left_out: Vec<(String, String)>,
}

/// Fits one learner of a task without a target on all rows.
///
/// Text and categories of more than fifty levels are left out with a note, and moments count as numbers.
///
/// # Errors
/// [`TrainError`] if the request does not fit the table, the learner needs a target, or it refuses.
pub fn fit_unlabelled(
    table: &Frame,
    (learner, point): (&str, &Point),
    request: &UnlabelledRequest,
    budget: &Budget<'_>,
) -> Result<UnlabelledFit, TrainError> {
    let learner = kolosal_learners::find(learner)?;
    let name = learner.card().name;
    let failed = |source| TrainError::Fit {
        learner: name,
        source,
    };
    let task = task_of(learner).map_err(failed)?;
    let point = learner.check(point).map_err(|error| failed(error.into()))?;
    let mut left_out = Vec::new();
    let (shared, weights) = features(table, request, &mut left_out)?;
    let warnings = Heard::new(budget.clock, None);
    let plan = MemberPlan::plain(learner, point);
    let started = budget.clock.now();
    let member = {
        let train = TrainView::unlabelled(shared.frame.view(), weights.as_deref(), task)?;
        let cx = budget.context(request.seed.fork("fit"), Duration::ZERO, &warnings);
        fit_member(&plan, &train, &cx).map_err(failed)?
    };
    let fit_time = budget.clock.now().saturating_sub(started);
    let pipeline = assemble_pipeline(
        TargetSpec::unlabelled(task),
        shared,
        vec![Chosen::alone(member)],
        Judged::default(),
    );
    let data = DataFacts {
        rows: table.row_count(),
        columns: table.column_count(),
        sha256: table_hash(table),
    };
    let note = |(name, why): &(String, String)| format!("column '{name}' is left out: {why}");
    let mut notes: Vec<String> = left_out.iter().map(note).collect();
    let warnings = warnings.take();
    // Where a border was drawn and why there are so many groups belongs to the model.
    notes.extend(warnings.iter().cloned());
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        task: task.kind().name().to_owned(),
        target: String::new(),
        classes: Vec::new(),
        features: feature_entries(&pipeline),
        data,
        seed: request.seed.value(),
        options: std::collections::BTreeMap::new(),
        metric: String::new(),
        scores: std::collections::BTreeMap::new(),
        leaderboard: Vec::new(),
        members: pipeline.member_entries(),
        importances: pipeline.importances(),
        notes,
        facts: pipeline.facts(),
        guards: Vec::new(),
        groups: Vec::new(),
    };
    let fitted = Fitted {
        pipeline,
        manifest,
        bin_time: Duration::ZERO,
        fit_time,
        warnings,
    };
    Ok(UnlabelledFit { fitted, left_out })
}

fn task_of(learner: &dyn Learner) -> Result<Task, FitError> {
    let tasks = learner.card().tasks;
    if tasks.contains(&TaskKind::Anomaly) {
        Ok(Task::Anomaly)
    } else if tasks.contains(&TaskKind::Clustering) {
        Ok(Task::Clustering)
    } else {
        Err(FitError::Unsupported {
            learner: learner.card().name,
            what: "learn without a target".to_owned(),
            remedy: "name the column to predict with --target",
        })
    }
}

/// The columns that count and the weights of the rows; columns that do not count are listed with the reason.
fn features(
    table: &Frame,
    request: &UnlabelledRequest,
    left_out: &mut Vec<(String, String)>,
) -> Result<(SharedFeatures, Option<Vec<f64>>), TrainError> {
    let mut taken = Vec::new();
    for name in request.ignore.iter().chain(&request.weight) {
        taken.push(table.schema().require(name)?);
    }
    let weight = request.weight.as_ref().and(taken.last());
    let weights = weight.map(|&at| weights_of(table, at)).transpose()?;
    let mut kept = Vec::new();
    for (at, field) in table.schema().fields().iter().enumerate() {
        if taken.contains(&at) {
            continue;
        }
        match says_nothing(field, &table.columns()[at]) {
            Some(why) => left_out.push((field.name.clone(), why)),
            None => kept.push(at),
        }
    }
    if kept.is_empty() {
        let reason = |(name, why): &(String, String)| format!("column '{name}' is left out: {why}");
        let mut reasons: Vec<String> = left_out.iter().map(reason).collect();
        if reasons.is_empty() {
            reasons.push("every column is ignored".to_owned());
        }
        return Err(TrainError::NoFeatures { reasons });
    }
    let features = table.project(&kept);
    let number = |field: &Field| match field.kind {
        Kind::Datetime => Field::new(field.name.clone(), Kind::Numeric, "a moment counts as a number"),
        _ => field.clone(),
    };
    let fields = features.schema().fields().iter().map(number);
    let shared = SharedFeatures {
        schema: FrozenSchema::of(&features),
        transforms: Vec::new(),
        frame: Frame::new(fields.zip(features.columns().iter().cloned()).collect())?,
    };
    Ok((shared, weights))
}

/// Why a column tells nothing of how far rows are from each other.
fn says_nothing(field: &Field, column: &Column) -> Option<String> {
    match column {
        _ if field.kind == Kind::Identifier => useless(field, column),
        Column::Text(_) => Some("it is text".to_owned()),
        Column::Categories(c) if c.levels().len() > LEVELS_MAX => {
            Some(format!("it has more than {LEVELS_MAX} levels"))
        }
        _ => useless(field, column),
    }
}
