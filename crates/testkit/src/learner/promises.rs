//! What a card may claim of rows and weights.

use super::answers::{agree, shuffled};
use super::{LearnerCase, answers_soundly};
use crate::clause::Verdict;
use crate::tables::Table;

/// Sums in another order round differently, and a solver stops a step sooner or later: no more than this.
const TOLERANCE: f64 = 1e-5;

pub(super) fn rows_in_any_order(case: &LearnerCase) -> Verdict {
    if !case.learner.card().ignores_row_order {
        return Ok(());
    }
    let table = case.table();
    let other = case.model(&table.gather(&shuffled(table.row_count())))?;
    agree(
        "rows shuffled",
        [case.model(&table)?.as_ref(), other.as_ref()],
        &table,
        TOLERANCE,
    )
}

pub(super) fn weight_is_repetition(case: &LearnerCase) -> Verdict {
    if !case.learner.card().weight_is_repetition {
        return Ok(());
    }
    let table = case.table();
    let counts: Vec<usize> = (0..table.row_count()).map(|row| 1 + row * 7 % 3).collect();
    let weighted = case.model(&table.weighted(counts.iter().map(|&count| count as f64).collect()))?;
    let repeated: Vec<u32> = counts
        .iter()
        .enumerate()
        .flat_map(|(row, &count)| vec![row as u32; count])
        .collect();
    let repeated = case.model(&table.gather(&repeated))?;
    agree(
        "rows repeated",
        [weighted.as_ref(), repeated.as_ref()],
        &table,
        TOLERANCE,
    )
}

pub(super) fn weight_zero_is_absence(case: &LearnerCase) -> Verdict {
    if !case.learner.card().weight_is_repetition {
        return Ok(());
    }
    let table = case.table();
    let counts = |row: usize| row % 4 != 1;
    let weights = (0..table.row_count())
        .map(|row| if counts(row) { 1.5 } else { 0.0 })
        .collect();
    let weighted = case.model(&spoiled(&table.weighted(weights), counts))?;
    let kept: Vec<u32> = (0..table.row_count() as u32)
        .filter(|&row| counts(row as usize))
        .collect();
    let kept = table.gather(&kept);
    let kept = case.model(&kept.weighted(vec![1.5; kept.row_count()]))?;
    agree(
        "rows left out",
        [weighted.as_ref(), kept.as_ref()],
        &table,
        TOLERANCE,
    )
}

/// Rows that do not count get answers that would show if they did.
fn spoiled(table: &Table, counts: impl Fn(usize) -> bool) -> Table {
    let mut table = table.clone();
    match &mut table.answers {
        crate::tables::Answers::Numbers(values) => {
            (0..values.len())
                .filter(|&row| !counts(row))
                .for_each(|row| values[row] = 1e3);
        }
        crate::tables::Answers::Classes { codes, .. } => {
            (0..codes.len())
                .filter(|&row| !counts(row))
                .for_each(|row| codes[row] = 0);
        }
        crate::tables::Answers::Unknown { .. } => {}
    }
    table
}

pub(super) fn weights_are_taken(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let weights = (0..table.row_count())
        .map(|row| [0.25, 1.0, 3.5, 0.0][row % 4])
        .collect();
    let model = case.model(&table.weighted(weights))?;
    answers_soundly(case.task(), model.as_ref(), table.view())
}
