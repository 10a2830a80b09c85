//! The same rows and the same seed give the same model, whatever else is different.

use kolosal_base::Seed;
use kolosal_frame::{Categories, Column, SparseNumbers};
use std::sync::Arc;

use super::{LearnerCase, accepted, answers_soundly, bytes_of};
use crate::clause::{Verdict, at, demand};
use crate::room::Room;
use crate::tables::{Fold, Table, mixed};

/// Rows enough for several blocks of any fixed-order sum, so that threads have something to share.
const ROWS_OF_BLOCKS: usize = 4500;

pub(super) fn at_any_thread_count(case: &LearnerCase) -> Verdict {
    for rows in [super::ROWS, ROWS_OF_BLOCKS] {
        let table = mixed(case.task(), case.learner.card(), rows, 1);
        let first = bytes_at(case, &table, 1)?;
        for threads in [1, 2, 8] {
            let again = bytes_at(case, &table, threads)?;
            at(
                &format!("{rows} rows at {threads} threads"),
                same_bytes(&first, &again),
            )?;
        }
    }
    Ok(())
}

fn bytes_at(case: &LearnerCase, table: &Table, threads: usize) -> Result<Vec<u8>, String> {
    let model = accepted(case.fit(&table.train(), &Room::new(threads).cx())?)?;
    Ok(bytes_of(model.as_ref()))
}

fn same_bytes(a: &[u8], b: &[u8]) -> Verdict {
    let differs = a.iter().zip(b).position(|(x, y)| x != y);
    demand(a == b, || {
        format!(
            "the saved bytes differ: {} and {} long, first at {differs:?}",
            a.len(),
            b.len()
        )
    })
}

pub(super) fn with_another_seed(case: &LearnerCase) -> Verdict {
    let table = case.table();
    [0, 1, u64::MAX].into_iter().try_for_each(|seed| {
        let room = Room {
            seed: Seed::new(seed),
            ..Room::new(1)
        };
        let model = accepted(case.fit(&table.train(), &room.cx())?)?;
        at(
            &format!("seed {seed}"),
            answers_soundly(case.task(), model.as_ref(), table.view()),
        )
    })
}

pub(super) fn only_rows_of_the_view(case: &LearnerCase) -> Verdict {
    let table = mixed(case.task(), case.learner.card(), 90, 4);
    let inside: Vec<u32> = (0..90).filter(|row| row % 3 != 0).collect();
    let whole = fold_bytes(case, &table.fold(&inside))?;
    let other = outside_changed(&table, &inside);
    at(
        "rows outside the view changed",
        same_bytes(&whole, &fold_bytes(case, &other.fold(&inside))?),
    )?;
    at(
        "a table of just these rows",
        same_bytes(&whole, &bytes_at(case, &table.gather(&inside), 1)?),
    )
}

fn fold_bytes(case: &LearnerCase, fold: &Fold<'_>) -> Result<Vec<u8>, String> {
    let model = accepted(case.fit(&fold.train(), &Room::new(1).cx())?)?;
    Ok(bytes_of(model.as_ref()))
}

/// The table with every feature outside the given ascending rows changed; levels stay, as they do for the folds of a
/// table.
pub fn outside_changed(table: &Table, inside: &[u32]) -> Table {
    let is_inside = |row: usize| inside.binary_search(&(row as u32)).is_ok();
    (0..table.frame.column_count()).fold(table.clone(), |table, position| {
        let column = match &table.frame.columns()[position] {
            Column::Numbers(values) => {
                let change = |(row, v): (usize, &f64)| if is_inside(row) { *v } else { 40.0 + row as f64 };
                Column::numbers(values.iter().enumerate().map(change).collect())
            }
            Column::Categories(c) => {
                let last = c.levels().len().saturating_sub(1) as u32;
                let change = |(row, &code): (usize, &u32)| if is_inside(row) { code } else { last };
                let codes = c.codes().iter().enumerate().map(change).collect();
                Column::Categories(Categories::new(codes, Arc::clone(c.levels())))
            }
            Column::Sparse(sparse) => {
                let value = |row: usize| if is_inside(row) { sparse.get(row) } else { 50.0 };
                let stored = (0..sparse_len(&table)).filter(|&row| value(row) != 0.0);
                let (rows, values) = stored.map(|row| (row as u32, value(row))).unzip();
                Column::Sparse(Arc::new(SparseNumbers::new(sparse_len(&table), rows, values)))
            }
            Column::Text(texts) => {
                let value = |(row, text)| {
                    if is_inside(row) {
                        text
                    } else {
                        "bad bad good words of another day"
                    }
                };
                Column::text(&texts.iter().enumerate().map(value).collect::<Vec<_>>())
            }
        };
        table.replacing(position, column)
    })
}

fn sparse_len(table: &Table) -> usize {
    table.row_count()
}
