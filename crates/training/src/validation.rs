//! How rows are held out.

use kolosal_base::Seed;
use kolosal_pipeline::CodedTarget;

use crate::prepare::Prepared;
use crate::{Preset, TrainError, TrainRequest};

pub(crate) use kolosal_frame::Fold;

/// Number of folds.
const FOLDS: usize = 5;

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

/// Rows above which one holdout takes the place of five folds.
fn folds_rows_max(preset: Preset) -> usize {
    match preset {
        Preset::Fast => 10_000,
        Preset::Balanced => 100_000,
        Preset::Best => 1_000_000,
    }
}

/// Five folds, or one holdout for large tables; by group or in time where asked for, by class otherwise.
pub(crate) fn plan(prepared: &Prepared, request: &TrainRequest) -> Result<Validation, TrainError> {
    let rows = prepared.row_count();
    let seed = request.seed.fork("folds");
    let count = FOLDS.min(rows / 2);
    let is_holdout = rows > folds_rows_max(request.preset);
    let (kind, mut folds, is_exchangeable) = match (&prepared.times, &prepared.groups) {
        (Some(times), _) => (
            "folds in time",
            kolosal_frame::temporal_folds(times, count),
            false,
        ),
        (None, Some(groups)) => (
            "folds by group",
            kolosal_frame::grouped_folds(groups, count, seed),
            false,
        ),
        (None, None) => ("folds", by_class(prepared, count, seed), !is_holdout),
    };
    folds.retain(|fold| !fold.train.is_empty() && !fold.valid.is_empty());
    if folds.is_empty() {
        return Err(TrainError::TooFewRows {
            rows,
            needed: rows + 1,
        });
    }
    let name = if is_holdout {
        // The last fold in time is the one with the most rows to learn from; any other is as good as the next.
        folds = vec![folds.pop().expect("there is a fold")];
        format!("holdout of {} rows", folds[0].valid.len())
    } else {
        format!("{} {kind}", folds.len())
    };
    let mut held_out: Vec<u32> = folds.iter().flat_map(|fold| fold.valid.iter().copied()).collect();
    held_out.sort_unstable();
    Ok(Validation {
        name,
        folds,
        rows: held_out,
        is_exchangeable,
    })
}

fn by_class(prepared: &Prepared, count: usize, seed: Seed) -> Vec<Fold> {
    match &prepared.answers {
        CodedTarget::Classes { codes, .. } => kolosal_frame::stratified_folds(codes, count, seed),
        CodedTarget::Numbers(_) => kolosal_frame::random_folds(prepared.row_count(), count, seed),
    }
}
