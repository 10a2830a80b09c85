//! Tables at the edge of what a user can have.

use kolosal_frame::{Column, Frame};

use super::{TransformCase, same_columns, sound};
use crate::clause::{Verdict, at};
use crate::learner::all_numbers;
use crate::tables::Table;

/// The transform fits the table and gives all its rows back, to training and afterwards.
fn must_fit(case: &TransformCase, table: &Table) -> Verdict {
    let fitted = case.fit(table)?;
    at("training rows", sound(&fitted.train, table.row_count()))?;
    let applied = fitted.transform.apply(table.view());
    at("applied", sound(&applied, table.row_count()))?;
    same_columns("applied", &fitted.train, &applied)
}

pub(super) fn one_row(case: &TransformCase) -> Verdict {
    must_fit(case, &case.table().gather(&[5]))
}

pub(super) fn columns_without_values(case: &TransformCase) -> Verdict {
    let table = all_numbers(&case.table(), f64::NAN);
    let rows = table.row_count();
    let blank = (0..table.frame.column_count()).fold(table, |table, position| {
        let column = match &table.frame.columns()[position] {
            Column::Categories(_) => Column::categories(&vec![""; rows]),
            Column::Text(_) => Column::text(&vec![""; rows]),
            other => other.clone(),
        };
        table.replacing(position, column)
    });
    must_fit(case, &blank)
}

pub(super) fn constant_columns(case: &TransformCase) -> Verdict {
    let table = case.table();
    let one = table.gather(&[5; 40]);
    must_fit(case, &one)?;
    must_fit(case, &all_numbers(&table, 1e15 + 0.3))
}

pub(super) fn duplicated_columns(case: &TransformCase) -> Verdict {
    let table = case.table();
    let fields = table.frame.schema().fields();
    let twice = fields
        .iter()
        .zip(table.frame.columns())
        .fold(table.clone(), |twice, (field, column)| {
            // Names that a transform could come upon by itself.
            let taken = format!("{} is missing", field.name);
            twice.with_column(&taken, field.kind, column.clone())
        });
    must_fit(case, &twice)
}

pub(super) fn huge_values(case: &TransformCase) -> Verdict {
    let table = case.table();
    for value in [1e300, 1e-300, f64::MAX, 5e-324] {
        let half = all_numbers(&table, value);
        let other = all_numbers(&table, -value);
        // Values of both signs in each column.
        let mixed = (0..table.frame.column_count()).fold(half.clone(), |mixed, position| {
            let rows = table.row_count();
            let column = match (&half.frame.columns()[position], &other.frame.columns()[position]) {
                (Column::Numbers(a), Column::Numbers(b)) => {
                    let alternate = |row: usize| if row.is_multiple_of(2) { a[row] } else { b[row] };
                    Column::numbers((0..rows).map(alternate).collect())
                }
                (same, _) => same.clone(),
            };
            mixed.replacing(position, column)
        });
        at(&format!("all numbers {value:e}"), must_fit(case, &half))?;
        at(
            &format!("all numbers {value:e} or its negative"),
            must_fit(case, &mixed),
        )?;
    }
    Ok(())
}

pub(super) fn column_alone(case: &TransformCase) -> Verdict {
    let table = case.table();
    for (position, field) in table.frame.schema().fields().iter().enumerate() {
        let frame: Frame = table.frame.project(&[position]);
        let alone = Table {
            frame,
            ..table.clone()
        };
        at(&field.name, must_fit(case, &alone))?;
    }
    let blank = table.replacing(4, Column::categories(&vec![""; table.row_count()]));
    let alone = Table {
        frame: blank.frame.project(&[4]),
        ..table
    };
    at("a category without levels", must_fit(case, &alone))
}
