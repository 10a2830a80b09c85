//! What a fitted transform gives for rows it may never have seen.

use std::sync::Arc;

use kolosal_frame::{Categories, Column, MISSING};

use super::{TransformCase, same_values, sound};
use crate::clause::{Verdict, at};
use crate::learner::all_numbers;
use crate::tables::{Table, everything};

/// Tables with the columns and levels of `table`, and any values at all.
fn others(case: &TransformCase, table: &Table) -> Vec<(&'static str, Table)> {
    let frozen = kolosal_frame::FrozenSchema::of(&table.frame);
    let mut other = everything(case.task, 75, 9);
    other.frame = frozen.align(&other.frame).expect("the same columns");
    let blank = all_words(&all_numbers(table, f64::NAN), MISSING);
    vec![
        ("no rows", table.gather(&[])),
        ("one row", table.gather(&[3])),
        ("other rows", other),
        ("blank rows", blank),
        ("all numbers 1e300", all_numbers(table, 1e300)),
        ("all numbers -1e300", all_numbers(table, -1e300)),
        ("all numbers 1e-300", all_numbers(table, 1e-300)),
        ("the last level everywhere", all_words(table, 0)),
    ]
}

/// Every category set to one code, every text emptied.
fn all_words(table: &Table, code: u32) -> Table {
    let rows = table.row_count();
    (0..table.frame.column_count()).fold(table.clone(), |table, position| {
        let column = match &table.frame.columns()[position] {
            Column::Categories(c) => {
                Column::Categories(Categories::new(vec![code; rows], Arc::clone(c.levels())))
            }
            Column::Text(_) => Column::text(&vec![""; rows]),
            other => other.clone(),
        };
        table.replacing(position, column)
    })
}

pub(super) fn same_columns(case: &TransformCase) -> Verdict {
    let table = case.table();
    let fitted = case.fit(&table)?;
    let known = fitted.transform.apply(table.view());
    others(case, &table).iter().try_for_each(|(what, other)| {
        let applied = fitted.transform.apply(other.view());
        super::same_columns(what, &known, &applied)?;
        at(what, sound(&applied, other.row_count()))
    })
}

pub(super) fn row_alone(case: &TransformCase) -> Verdict {
    let table = case.table();
    let transform = case.fit(&table)?.transform;
    let whole = transform.apply(table.view());
    for row in 0..table.row_count() {
        let single = transform.apply(table.view().slice(row, 1));
        same_values(
            &format!("row {} alone", row + 1),
            whole.view().slice(row, 1),
            single.view(),
        )?;
    }
    let backwards: Vec<u32> = (0..table.row_count() as u32).rev().collect();
    let turned = transform.apply(table.frame.select(&backwards));
    same_values("backwards", whole.select(&backwards), turned.view())
}

pub(super) fn strange_values(case: &TransformCase) -> Verdict {
    let table = case.table();
    for (what, strange) in others(case, &table) {
        if strange.row_count() == 0 {
            continue;
        }
        let fitted = at(what, case.fit(&strange).map(|_| ())).and_then(|()| case.fit(&strange))?;
        at(what, sound(&fitted.train, strange.row_count()))?;
        at(
            what,
            sound(&fitted.transform.apply(table.view()), table.row_count()),
        )?;
    }
    Ok(())
}
