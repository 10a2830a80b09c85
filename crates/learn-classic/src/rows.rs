//! The rows of a training view that have weight.

use kolosal_learner::TrainView;

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
