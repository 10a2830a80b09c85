//! What a fitted model says.

use std::sync::Arc;

use kolosal_base::Seed;
use kolosal_frame::{Categories, Column, Frame, MISSING, SparseNumbers};
use kolosal_learner::{FitContext, FittedModel};

use super::{LearnerCase, accepted, answers_soundly, close, predict, same_bits, sound};
use crate::clause::{Verdict, at, demand};
use crate::room::Room;
use crate::tables::{Table, mixed};

pub(super) fn are_sound(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let model = case.model(&table)?;
    let columns = table.frame.column_count();
    demand(model.feature_count() == columns, || {
        format!("the model knows {} of {columns} columns", model.feature_count())
    })?;
    at(
        "training rows",
        answers_soundly(case.task(), model.as_ref(), table.view()),
    )?;
    let others = mixed(case.task(), case.learner.card(), 200, 9);
    at(
        "other rows",
        answers_soundly(case.task(), model.as_ref(), others.view()),
    )
}

pub(super) fn depend_on_their_row_alone(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let model = case.model(&table)?;
    let whole = predict(model.as_ref(), table.view());
    let single = |row| predict(model.as_ref(), table.view().slice(row, 1));
    let one_by_one: Vec<f64> = (0..table.row_count()).flat_map(single).collect();
    same_bits("one by one", &whole, &one_by_one)?;
    let backwards: Vec<u32> = (0..table.row_count() as u32).rev().collect();
    let answers = predict(model.as_ref(), table.frame.select(&backwards));
    let width = model.shape().1;
    let turned: Vec<f64> = answers.chunks_exact(width).rev().flatten().copied().collect();
    same_bits("backwards", &whole, &turned)?;
    same_bits("again", &whole, &predict(model.as_ref(), table.view()))
}

pub(super) fn none_and_one(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let model = case.model(&table)?;
    demand(
        predict(model.as_ref(), table.view().slice(3, 0)).is_empty(),
        || "no rows".to_owned(),
    )?;
    at(
        "one row",
        answers_soundly(case.task(), model.as_ref(), table.gather(&[5]).view()),
    )?;
    let empty = table.gather(&[]);
    at(
        "an empty table",
        answers_soundly(case.task(), model.as_ref(), empty.view()),
    )
}

pub(super) fn unseen_categories(case: &LearnerCase) -> Verdict {
    if !case.learner.card().takes_categories {
        return Ok(());
    }
    let table = case.table();
    let colour = table.frame.schema().position("colour").expect("a category");
    // Trained without the rows of level 0, asked for rows of each level, and of none.
    let known: Vec<u32> = (0..table.row_count() as u32)
        .filter(|&row| table.view().codes(colour)[row as usize] != 0)
        .collect();
    let room = Room::new(1);
    let model = accepted(case.fit(&table.fold(&known).train(), &room.cx())?)?;
    at(
        "a level unseen in training",
        answers_soundly(case.task(), model.as_ref(), table.view()),
    )?;
    let missing = table.replacing(colour, with_codes(&table.frame, colour, MISSING));
    at(
        "a missing category",
        answers_soundly(case.task(), model.as_ref(), missing.view()),
    )
}

fn with_codes(frame: &Frame, position: usize, code: u32) -> Column {
    let Column::Categories(categories) = &frame.columns()[position] else {
        panic!("column {position} is a category");
    };
    Column::Categories(Categories::new(
        vec![code; frame.row_count()],
        Arc::clone(categories.levels()),
    ))
}

pub(super) fn huge_rows(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let model = case.model(&table)?;
    for value in [1e300, -1e300, 1e-300, -1e-300, 5e-324, -0.0] {
        let strange = all_numbers(&table, value);
        at(
            &format!("all numbers {value:e}"),
            answers_soundly(case.task(), model.as_ref(), strange.view()),
        )?;
    }
    if case.learner.card().takes_missing {
        let missing = all_numbers(&table, f64::NAN);
        at(
            "all numbers missing",
            answers_soundly(case.task(), model.as_ref(), missing.view()),
        )?;
    }
    Ok(())
}

/// The table with every number, stored sparsely or not, set to one value.
pub(crate) fn all_numbers(table: &Table, value: f64) -> Table {
    let rows = table.row_count();
    (0..table.frame.column_count()).fold(table.clone(), |table, position| {
        match &table.frame.columns()[position] {
            Column::Numbers(_) => table.replacing(position, Column::numbers(vec![value; rows])),
            Column::Sparse(_) => {
                let stored = SparseNumbers::new(rows, (0..rows as u32).collect(), vec![value; rows]);
                table.replacing(position, Column::Sparse(Arc::new(stored)))
            }
            _ => table,
        }
    })
}

pub(super) fn importances_are_shares(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let Some(shares) = case.model(&table)?.importances() else {
        return Ok(());
    };
    let total: f64 = shares.iter().sum();
    let is_sound = shares.len() == table.frame.column_count()
        && shares.iter().all(|share| share.is_finite() && *share >= 0.0)
        && ((total - 1.0).abs() <= 1e-9 || total == 0.0);
    demand(is_sound, || format!("they are {shares:?} and sum to {total}"))
}

pub(super) fn contributions_add_up(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let model = case.model(&table)?;
    let (columns, room) = (table.frame.column_count(), Room::new(1));
    let background = table.gather(&[1, 5, 8, 20, 33, 41]);
    let (x, others) = (table.view().slice(10, 20), background.view());
    let workers = room.cx().workers;
    let Some(found) = model.contributions(x, others, workers) else {
        return Ok(());
    };
    let values = x.row_count() * found.outputs() * columns;
    demand(found.values.len() == values, || {
        format!("{} values for {values} places", found.values.len())
    })?;
    let width = model.shape().1;
    let mut summed = vec![0.0; x.row_count() * width];
    let scores = found.scores(columns);
    for (out, scores) in summed
        .chunks_exact_mut(width)
        .zip(scores.chunks_exact(found.outputs()))
    {
        found.link.answer(scores, out);
    }
    close(
        "answers by contributions",
        &predict(model.as_ref(), x),
        &summed,
        1e-8,
    )
}

pub(super) fn out_of_bag(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let model = case.model(&table)?;
    let claimed = case.learner.card().has_out_of_bag;
    let Some(answers) = model.out_of_bag() else {
        return demand(!claimed, || "the card claims them, the model has none".to_owned());
    };
    demand(claimed, || {
        "the model has them, the card does not say so".to_owned()
    })?;
    demand(answers.row_count() == table.row_count(), || {
        format!("{} answers for {} rows", answers.row_count(), table.row_count())
    })?;
    let answered: Vec<f64> = (0..answers.row_count())
        .map(|row| answers.row(row))
        .filter(|row| !row.iter().all(|value| value.is_nan()))
        .flatten()
        .copied()
        .collect();
    demand(!answered.is_empty(), || "no row has an answer".to_owned())?;
    sound(case.task(), &answered)
}

pub(super) fn takes_held_out_rows(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let held_out = mixed(case.task(), case.learner.card(), 20, 3);
    let (room, valid) = (Room::new(1), held_out.train());
    let cx = FitContext {
        valid: Some(&valid),
        ..room.cx()
    };
    let first = accepted(case.fit(&table.train(), &cx)?)?;
    answers_soundly(case.task(), first.as_ref(), table.view())?;
    let again = accepted(case.fit(&table.train(), &cx)?)?;
    same_bits(
        "fitted again",
        &predict(first.as_ref(), table.view()),
        &predict(again.as_ref(), table.view()),
    )
}

/// The answers of two models agree on a table, to `tolerance`.
pub(super) fn agree(what: &str, models: [&dyn FittedModel; 2], table: &Table, tolerance: f64) -> Verdict {
    let [a, b] = models.map(|model| predict(model, table.view()));
    close(what, &a, &b, tolerance)
}

/// All rows of a table in an order of no meaning.
pub(super) fn shuffled(rows: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    Seed::new(11).rng().shuffle(&mut order);
    order
}
