//! The rows of a training view that have weight.

use kolosal_compute::Reservation;
use kolosal_learner::{FitContext, FitError, TrainView};

use crate::cluster::{Cloud, Ground};

/// Rows that count, in view order.
pub(crate) struct Counted {
    /// Positions in the training view.
    pub(crate) positions: Vec<usize>,
    /// Rows of the frame.
    pub(crate) rows: Vec<u32>,
}

/// Finds them.
pub(crate) fn counted(train: &TrainView<'_>) -> Counted {
    let positions: Vec<usize> = (0..train.row_count())
        .filter(|&row| train.weight(row) > 0.0)
        .collect();
    let all = train.features().rows();
    let rows = positions.iter().map(|&at| all.get(at) as u32).collect();
    Counted { positions, rows }
}

/// The rows that count as points, how columns become their numbers, and the memory they take.
///
/// # Errors
/// If there is less memory.
pub(crate) fn pointed(
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<(Ground, Cloud, Reservation), FitError> {
    let view = train.features().frame();
    let counted = counted(train);
    let view = view.select(&counted.rows);
    let (ground, _) = Ground::of(view);
    let memory = cx.reserve((view.row_count() * ground.width() * 16) as u64)?;
    let cloud = ground.apply(view);
    Ok((ground, cloud, memory))
}
