//! Tables at the edge of what can be learned: an answer, or where none can be asked for, a refusal with a name.

use std::sync::Arc;

use kolosal_frame::{Categories, Column, Kind, MISSING};
use kolosal_learner::{FitError, Task};

use super::{LearnerCase, answers_soundly, predict};
use crate::clause::{Verdict, demand};
use crate::room::Room;
use crate::tables::{Answers, PlainSize, Table, plain};

/// Folds of healthy tables look like this: every learner has to answer.
fn must_answer(case: &LearnerCase, table: &Table) -> Verdict {
    let model = case.model(table)?;
    answers_soundly(case.task(), model.as_ref(), table.view())
}

/// No healthy table looks like this: a learner may say that it cannot.
fn may_refuse(case: &LearnerCase, table: &Table) -> Verdict {
    match case.fit(&table.train(), &Room::new(1).cx())? {
        Ok(model) => answers_soundly(case.task(), model.as_ref(), table.view()),
        Err(FitError::Data(_) | FitError::Unsupported { .. }) => Ok(()),
        Err(other) => Err(format!("the refusal does not name the data: {other}")),
    }
}

pub(super) fn constant_column(case: &LearnerCase) -> Verdict {
    let rows = super::ROWS;
    let table = case.table();
    let sevens = table.with_column("sevens", Kind::Numeric, Column::numbers(vec![7.1; rows]));
    must_answer(case, &sevens)?;
    let zeros = sevens.with_column("zeros", Kind::Integer, Column::numbers(vec![0.0; rows]));
    must_answer(case, &zeros)?;
    let alone = plain(case.task(), PlainSize { rows, columns: 2 }, 1);
    let alone = (0..2).fold(alone, |t, at| t.replacing(at, Column::numbers(vec![7.1; rows])));
    must_answer(case, &alone)
}

pub(super) fn duplicated_column(case: &LearnerCase) -> Verdict {
    let table = case.table();
    let twice = (0..table.frame.column_count()).fold(table.clone(), |twice, at| {
        let kind = table.frame.schema().fields()[at].kind;
        twice.with_column(&format!("again {at}"), kind, table.frame.columns()[at].clone())
    });
    must_answer(case, &twice)
}

pub(super) fn column_without_values(case: &LearnerCase) -> Verdict {
    let (card, rows) = (case.learner.card(), super::ROWS);
    let mut table = case.table();
    if card.takes_missing {
        table = table.with_column("nothing", Kind::Numeric, Column::numbers(vec![f64::NAN; rows]));
    }
    if card.takes_categories {
        table = table.with_column("no word", Kind::Categorical, Column::categories(&vec![""; rows]));
    }
    must_answer(case, &table)
}

pub(super) fn categories_without_rows(case: &LearnerCase) -> Verdict {
    if !case.learner.card().takes_categories {
        return Ok(());
    }
    let levels = Arc::new(["a", "b", "c"].iter().collect());
    let codes = |code| Column::Categories(Categories::new(vec![code; super::ROWS], Arc::clone(&levels)));
    let table = case.table().with_column("one level", Kind::Categorical, codes(2));
    must_answer(
        case,
        &table.with_column("no level", Kind::Categorical, codes(MISSING)),
    )
}

pub(super) fn one_row(case: &LearnerCase) -> Verdict {
    may_refuse(case, &case.table().gather(&[17]))
}

pub(super) fn one_class(case: &LearnerCase) -> Verdict {
    if !matches!(case.task(), Task::Binary | Task::Multiclass { .. }) {
        return Ok(());
    }
    let mut table = case.table();
    for class in 0..case.task().width() as u32 {
        table.answers = Answers::Classes {
            codes: vec![class; table.row_count()],
            count: case.task().width() as u32,
        };
        may_refuse(case, &table)?;
    }
    Ok(())
}

pub(super) fn absent_class(case: &LearnerCase) -> Verdict {
    let Task::Multiclass { classes } = case.task() else {
        return Ok(());
    };
    let table = case.table();
    let train = table.train();
    (0..classes).try_for_each(|absent| {
        let rows = (0..table.row_count() as u32).filter(|&row| train.classes()[row as usize] != absent);
        must_answer(case, &table.gather(&rows.collect::<Vec<_>>()))
    })
}

pub(super) fn more_columns_than_rows(case: &LearnerCase) -> Verdict {
    must_answer(
        case,
        &plain(
            case.task(),
            PlainSize {
                rows: 10,
                columns: 30,
            },
            5,
        ),
    )
}

pub(super) fn equal_answers(case: &LearnerCase) -> Verdict {
    if case.task() != Task::Regression {
        return Ok(());
    }
    for value in [3.5, 0.0, -1e6] {
        let mut table = case.table();
        table.answers = Answers::Numbers(vec![value; table.row_count()]);
        let answers = predict(case.model(&table)?.as_ref(), table.view());
        let far = answers
            .iter()
            .find(|v| v.is_nan() || (**v - value).abs() > 1e-6 * (1.0 + value.abs()));
        demand(far.is_none(), || {
            format!("all answers are {value}, one is predicted as {far:?}")
        })?;
    }
    Ok(())
}

/// The numbers of the first columns times these.
fn scaled(case: &LearnerCase, factors: [f64; 2]) -> Table {
    let table = plain(
        case.task(),
        PlainSize {
            rows: super::ROWS,
            columns: 3,
        },
        6,
    );
    (0..2).fold(table, |table, at| {
        let values = table.view().numbers(at);
        table.replacing(
            at,
            Column::numbers(values.iter().map(|v| v * factors[at]).collect()),
        )
    })
}

pub(super) fn huge_values(case: &LearnerCase) -> Verdict {
    may_refuse(case, &scaled(case, [1e300, 1e-300]))?;
    may_refuse(case, &scaled(case, [1.7e308, 1.0]))?;
    may_refuse(case, &scaled(case, [1e160, 1e-320]))
}

pub(super) fn huge_targets(case: &LearnerCase) -> Verdict {
    for factor in [1e300, 1e160, 1e-300] {
        let mut table = case.table();
        if let Answers::Numbers(values) = &mut table.answers {
            values.iter_mut().for_each(|value| *value *= factor);
            may_refuse(case, &table)?;
        }
    }
    Ok(())
}
