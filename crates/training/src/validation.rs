//! How rows are held out.

use kolosal_base::Seed;
use kolosal_learner::Task;
use kolosal_pipeline::CodedTarget;

use crate::prepare::Prepared;
use crate::{Budget, Preset, TrainError, TrainRequest};

use kolosal_frame::split::{self, Fold, SplitError};

/// Number of folds: more make better bags and cost more.
fn fold_count(preset: Preset, rows: usize, load: f64) -> usize {
    let most = match preset {
        Preset::Fast => 5,
        Preset::Balanced | Preset::Best => 8,
    };
    // Many folds of few candidates lose against fewer folds of more.
    let affordable = match load {
        _ if load > 60_000.0 => 2,
        _ if load > 10_000.0 => 3,
        _ if load > 3_000.0 => 4,
        _ if load > 1_000.0 => 5,
        _ => most,
    };
    // A fold of fewer rows judges by chance alone.
    most.min(affordable).min((rows / 10).max(2)).min(rows / 2)
}

/// Seconds of threads that a training without a time limit is planned for; `best` takes its time.
const SECONDS_PLANNED: f64 = 240.0;

/// Numbers to be learned from for each second of a thread that is left.
fn load(prepared: &Prepared, request: &TrainRequest, budget: &Budget<'_>) -> f64 {
    let outputs = match prepared.task() {
        Task::Multiclass { classes } => classes as usize,
        _ => 1,
    };
    let cells = (prepared.row_count() * prepared.width() * outputs) as f64;
    match budget.time_left() {
        Some(left) => cells / (left.as_secs_f64() * budget.workers.threads() as f64).max(1e-3),
        None if request.preset == Preset::Best => 0.0,
        None => cells / SECONDS_PLANNED,
    }
}

/// The folds of a training.
pub(crate) struct Validation {
    /// In words, for people.
    pub(crate) name: String,
    /// Rows to learn from and rows to judge by, a pair a fold.
    pub(crate) folds: Vec<Fold>,
    /// All rows that are held out in some fold, ascending.
    pub(crate) rows: Vec<u32>,
    /// Whether rows are drawn at random and all are held out once, so that out-of-bag predictions are as honest.
    pub(crate) is_exchangeable: bool,
}

/// Rows above which one holdout takes the place of folds.
fn folds_rows_max(preset: Preset) -> usize {
    match preset {
        Preset::Fast => 10_000,
        Preset::Balanced => 100_000,
        Preset::Best => 1_000_000,
    }
}

/// Whether a time limit is so short for a table this large that candidates get further on one holdout than on folds. By hand, at 60
/// seconds on two threads: better on two tables of 15,000 rows, alike on one of 37,000 (docs/training-engine.md).
fn is_pressed(preset: Preset, rows: usize, load: Option<f64>) -> bool {
    preset != Preset::Best && rows >= PRESSED_ROWS_MIN && load.is_some_and(|load| load > PRESSED_LOAD)
}

/// Fewer rows held out would judge by chance, and bags gain most on small tables.
const PRESSED_ROWS_MIN: usize = 5_000;
/// Numbers to be learned from for each second of a thread.
const PRESSED_LOAD: f64 = 1_000.0;

/// The share held out of a table of `rows` rows: enough to judge by, the rest to learn from.
fn holdout_share(rows: usize) -> f64 {
    let rows = rows as f64;
    if rows < 5_000.0 {
        (500.0 / rows).clamp(0.1, 0.2)
    } else {
        (2_500.0 / rows).clamp(0.01, 0.1)
    }
}

/// Folds, or one holdout for large tables; by group or in time where asked for, by class otherwise.
pub(crate) fn plan(
    prepared: &Prepared,
    request: &TrainRequest,
    budget: &Budget<'_>,
) -> Result<Validation, TrainError> {
    let rows = prepared.row_count();
    let seed = request.seed.fork("folds");
    let load = load(prepared, request, budget);
    let is_holdout = rows > folds_rows_max(request.preset)
        || is_pressed(request.preset, rows, budget.deadline.map(|_| load));
    let folds = if is_holdout {
        vec![one_holdout(prepared, holdout_share(rows), seed)?]
    } else {
        several_folds(prepared, fold_count(request.preset, rows, load), seed)?
    };
    let kind = match (&prepared.times, &prepared.groups) {
        (Some(_), _) => " in time",
        (None, Some(_)) => " by group",
        (None, None) => "",
    };
    let name = if is_holdout {
        format!("holdout of {} rows{kind}", folds[0].valid.len())
    } else {
        format!("{} folds{kind}", folds.len())
    };
    let mut held_out: Vec<u32> = folds.iter().flat_map(|fold| fold.valid.iter().copied()).collect();
    held_out.sort_unstable();
    Ok(Validation {
        name,
        folds,
        rows: held_out,
        is_exchangeable: !is_holdout && kind.is_empty(),
    })
}

fn several_folds(prepared: &Prepared, count: usize, seed: Seed) -> Result<Vec<Fold>, SplitError> {
    match (&prepared.times, &prepared.groups, &prepared.answers) {
        (Some(times), _, _) => split::temporal_folds(times, count),
        (None, Some(groups), CodedTarget::Classes { codes, .. }) => {
            split::stratified_grouped_k_fold(codes, groups, count, seed)
        }
        (None, Some(groups), CodedTarget::Numbers(_)) => split::grouped_k_fold(groups, count, seed),
        (None, None, CodedTarget::Classes { codes, .. }) => split::stratified_k_fold(codes, count, seed),
        (None, None, CodedTarget::Numbers(_)) => split::k_fold(prepared.row_count(), count, seed),
    }
}

fn one_holdout(prepared: &Prepared, share: f64, seed: Seed) -> Result<Fold, SplitError> {
    match (&prepared.times, &prepared.groups, &prepared.answers) {
        (Some(times), _, _) => split::temporal_holdout(times, share),
        (None, Some(groups), _) => split::grouped_holdout(groups, share, seed),
        (None, None, CodedTarget::Classes { codes, .. }) => split::stratified_holdout(codes, share, seed),
        (None, None, CodedTarget::Numbers(_)) => split::holdout(prepared.row_count(), share, seed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_fewer_where_rows_or_time_are_few() {
        for (rows, load, expected) in [
            (1_000, 100.0, 8),
            (1_000, 2_000.0, 5),
            (1_000, 5_000.0, 4),
            (1_000, 50_000.0, 3),
            (1_000, 1e9, 2),
            (40, 100.0, 4),
            (4, 100.0, 2),
        ] {
            assert_eq!(
                fold_count(Preset::Balanced, rows, load),
                expected,
                "{rows} rows, {load}"
            );
        }
        assert_eq!(fold_count(Preset::Fast, 1_000, 0.0), 5);
        let pressed = |rows, load| is_pressed(Preset::Balanced, rows, Some(load));
        assert!(pressed(15_000, 1_161.0) && !pressed(15_000, 800.0) && !pressed(3_000, 1e6));
        assert!(!is_pressed(Preset::Best, 15_000, Some(1e6)));
        assert!(
            !is_pressed(Preset::Balanced, 15_000, None),
            "no limit, no pressure"
        );
    }
}
