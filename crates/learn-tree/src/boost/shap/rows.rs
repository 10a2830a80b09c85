//! Explaining many rows in parallel: each row on its own, so that the number of threads changes no value.

use kolosal_frame::FrameView;

use super::{Effort, ExplainError};
use crate::boost::model::BoostModel;

/// Rows that a thread explains before it looks for a request to stop.
const CHUNK: usize = 16;

/// Calls `explain(scratch, tested row, place)` for each row of the view; `width` numbers of `out` belong to a row.
pub(super) fn explain_rows<S>(
    (model, x): (&BoostModel, FrameView<'_>),
    effort: Effort<'_>,
    (out, width): (&mut [f64], usize),
    scratch: impl Fn() -> S + Sync + Send,
    explain: impl Fn(&mut S, &[f64], &mut [f64]) + Sync + Send,
) -> Result<(), ExplainError> {
    assert_eq!(x.column_count(), model.features, "the columns of training");
    assert_eq!(out.len(), x.row_count() * width, "one place a value");
    effort
        .workers
        .for_each_chunk_mut(out, CHUNK * width.max(1), |chunk, part| {
            if effort.cancel.is_requested() {
                return;
            }
            let mut scratch = scratch();
            let rows = x.slice(chunk * CHUNK, part.len() / width);
            model.for_each_row(rows, |row, tested| {
                explain(&mut scratch, tested, &mut part[row * width..(row + 1) * width]);
            });
        });
    if effort.cancel.is_requested() {
        Err(ExplainError::Cancelled)
    } else {
        Ok(())
    }
}
