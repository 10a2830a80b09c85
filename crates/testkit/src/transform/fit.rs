//! What a transform learns, and from which rows.

use super::{TransformCase, bytes_of, same_columns, same_values, sound};
use crate::clause::{Verdict, at, demand};
use crate::learner::{is_name, outside_changed};
use crate::room::Room;

pub(super) fn is_named(case: &TransformCase) -> Verdict {
    let name = case.transform.name();
    demand(is_name(name), || format!("it is '{name}'"))?;
    let fitted = case.fit(&case.table())?.transform.name();
    demand(fitted == name, || format!("fitted it calls itself '{fitted}'"))
}

pub(super) fn columns_of_training(case: &TransformCase) -> Verdict {
    let table = case.table();
    let fitted = case.fit(&table)?;
    sound(&fitted.train, table.row_count())?;
    let applied = fitted.transform.apply(table.view());
    sound(&applied, table.row_count())?;
    same_columns("training rows", &applied, &fitted.train)
}

pub(super) fn origins_exist(case: &TransformCase) -> Verdict {
    let table = case.table();
    let fitted = case.fit(&table)?;
    let (origins, columns) = (fitted.transform.origins(), fitted.train.column_count());
    demand(origins.len() == columns, || {
        format!("{} origins for {columns} columns", origins.len())
    })?;
    let inputs = table.frame.column_count();
    demand(origins.iter().all(|&origin| origin < inputs), || {
        format!("of {inputs} input columns, origins are {origins:?}")
    })
}

pub(super) fn at_any_thread_count(case: &TransformCase) -> Verdict {
    let table = case.table();
    let first = case.fit(&table)?;
    for threads in [1, 2, 8] {
        let again = case.fit_in(&table.train(), &Room::new(threads))?;
        let what = format!("{threads} threads");
        let is_same = bytes_of(again.transform.as_ref()) == bytes_of(first.transform.as_ref());
        demand(is_same, || format!("{what}: the saved bytes differ"))?;
        same_values(&what, first.train.view(), again.train.view())?;
    }
    Ok(())
}

pub(super) fn only_rows_of_the_view(case: &TransformCase) -> Verdict {
    let table = case.table();
    let inside: Vec<u32> = (0..table.row_count() as u32).filter(|row| row % 3 != 0).collect();
    let room = Room::new(1);
    let first = case.fit_in(&table.fold(&inside).train(), &room)?;
    let changed = outside_changed(&table, &inside);
    let other = case.fit_in(&changed.fold(&inside).train(), &room)?;
    let own = case.fit(&table.gather(&inside))?;
    for (what, fitted) in [
        ("rows outside the view changed", other),
        ("a table of just these rows", own),
    ] {
        let is_same = bytes_of(fitted.transform.as_ref()) == bytes_of(first.transform.as_ref());
        demand(is_same, || format!("{what}: the saved bytes differ"))?;
        same_values(what, first.train.view(), fitted.train.view())?;
    }
    Ok(())
}

pub(super) fn weights_are_taken(case: &TransformCase) -> Verdict {
    let table = case.table();
    for weights in [[0.25, 1.0, 3.5, 0.0], [0.0, 0.0, 1e-9, 0.0]] {
        let rows = 0..table.row_count();
        let weighted = table.weighted(rows.map(|row| weights[row % 4]).collect());
        let fitted = case.fit(&weighted)?;
        at("training rows", sound(&fitted.train, table.row_count()))?;
        at(
            "applied",
            sound(&fitted.transform.apply(table.view()), table.row_count()),
        )?;
    }
    Ok(())
}
