//! The guard of drift: can a model tell training rows from test rows?
//!
//! Adversarial validation: a booster learns on half of a sample of both tables which one a row is from, and the other half
//! judges. Where it can tell, the test rows are not what the model was trained for, and the columns it tells them by say
//! why.

use std::time::Duration;

use kolosal_frame::{Categories, Column, Field, Frame, FrozenSchema, Kind};
use kolosal_learner::{Point, Predictions, Target, Task, TrainView, Value, find_metric};
use kolosal_pipeline::{MemberPlan, fit_member};

use super::{Finding, sample};
use crate::trial::Heard;
use crate::{Budget, TrainRequest};

/// Rows of each table that are looked at.
const ROWS_MAX: usize = 4_000;

/// Fewest rows of each table that anything is said about.
const ROWS_MIN: usize = 50;

/// Area under the curve from which on tables differ.
const DIFFERENT: f64 = 0.7;

/// What tells the rows of a second table from those that are to be learned from; `None` if nothing does, or the tables have
/// too few rows or columns in common to say.
pub fn drift(table: &Frame, test: &Frame, request: &TrainRequest, budget: &Budget<'_>) -> Option<Finding> {
    let roles = [&request.group, &request.weight, &request.time_column];
    let is_used =
        |name: &str| name != request.target && roles.iter().all(|role| role.as_deref() != Some(name));
    let fields = table.schema().fields().iter().enumerate();
    let kept: Vec<usize> = fields
        .filter(|(_, field)| field.kind != Kind::Identifier && is_used(&field.name))
        .map(|(at, _)| at)
        .collect();
    let train = table.project(&kept);
    let test = FrozenSchema::of(&train).align(test).ok()?;
    let (of_train, of_test) = (
        sample(train.row_count(), ROWS_MAX),
        sample(test.row_count(), ROWS_MAX),
    );
    if of_train.len() < ROWS_MIN || of_test.len() < ROWS_MIN || kept.is_empty() {
        return None;
    }
    tell_apart((&train, &of_train), (&test, &of_test), request, budget)
}

/// Learns on half of the rows which table each is from, and judges by the other half.
fn tell_apart(
    (train, of_train): (&Frame, &[usize]),
    (test, of_test): (&Frame, &[usize]),
    request: &TrainRequest,
    budget: &Budget<'_>,
) -> Option<Finding> {
    let heard = Heard::new(budget.clock, None);
    let cx = budget.context(request.seed.fork("drift"), Duration::ZERO, &heard);
    let joined = join((train, of_train), (test, of_test))?;
    let is_test: Vec<u32> = (0..joined.row_count())
        .map(|row| u32::from(row >= of_train.len()))
        .collect();
    // Rows are taken in turn, so both halves have rows of both tables from first to last.
    let halves = [0, 1].map(|half| (half..joined.row_count() as u32).step_by(2).collect::<Vec<u32>>());
    let pick = |rows: &[u32]| {
        rows.iter()
            .map(|&row| is_test[row as usize])
            .collect::<Vec<u32>>()
    };
    let (learned, judged) = (pick(&halves[0]), pick(&halves[1]));
    let target = Target::Classes {
        codes: &learned,
        count: 2,
    };
    let view = TrainView::new(joined.select(&halves[0]), target, None, Task::Binary).ok()?;
    let point = Point::from([
        ("n_estimators".to_owned(), Value::Int(60)),
        ("num_leaves".to_owned(), Value::Int(15)),
    ]);
    let plan = MemberPlan::plain(kolosal_learners::find("lightgbm").ok()?, point);
    let member = fit_member(&plan, &view, &cx).ok()?;
    let mut answers = vec![0.0; judged.len() * Task::Binary.width()];
    member.predict_into(joined.select(&halves[1]), &mut answers);
    let auc = find_metric("auc").ok()?;
    let judged = Target::Classes {
        codes: &judged,
        count: 2,
    };
    let score = auc
        .score(&judged, &Predictions::from_values(Task::Binary, answers), None)
        .ok()?;
    if score < DIFFERENT {
        return None;
    }
    let columns = strongest(&member.importances(joined.column_count())?, &joined);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    Some(Finding::new(
        "drift",
        &columns,
        format!(
            "the test rows differ from the training rows (a model tells them apart with an AUC of {score:.2}), most of all in {}",
            columns.join(", ")
        ),
        "train on rows like those that are to be answered, or leave these columns out with --column-type NAME=identifier",
    ))
}

/// The three columns that count most.
fn strongest(shares: &[f64], joined: &Frame) -> Vec<String> {
    let mut order: Vec<usize> = (0..shares.len()).filter(|&at| shares[at] > 0.05).collect();
    order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]).then(a.cmp(&b)));
    let fields = joined.schema().fields();
    order.iter().take(3).map(|&at| fields[at].name.clone()).collect()
}

/// Rows of one table above rows of the other; text is left out.
fn join((first, a): (&Frame, &[usize]), (second, b): (&Frame, &[usize])) -> Option<Frame> {
    let mut columns = Vec::new();
    for (at, field) in first.schema().fields().iter().enumerate() {
        let column = match (&first.columns()[at], &second.columns()[at]) {
            (Column::Numbers(x), Column::Numbers(y)) => {
                let rows = a.iter().map(|&row| x[row]).chain(b.iter().map(|&row| y[row]));
                Column::numbers(rows.collect())
            }
            // Levels that only the test rows have count as one: all that matters is that they are new.
            (Column::Categories(x), Column::Categories(y)) => {
                let word = |c: &Categories, row: usize| {
                    let code = c.codes()[row] as usize;
                    if code < c.levels().len() {
                        c.levels().get(code).to_owned()
                    } else {
                        "other".to_owned()
                    }
                };
                let cells: Vec<String> = a
                    .iter()
                    .map(|&row| word(x, row))
                    .chain(b.iter().map(|&row| word(y, row)))
                    .collect();
                Column::categories(&cells.iter().map(String::as_str).collect::<Vec<_>>())
            }
            _ => continue,
        };
        let kind = if field.kind.is_coded() {
            Kind::Categorical
        } else {
            Kind::Numeric
        };
        columns.push((Field::new(field.name.clone(), kind, "joined"), column));
    }
    Frame::new(columns).ok()
}
