//! Which question a target asks, and why we think so.

use kolosal_frame::{Column, Field, Kind};
use kolosal_pipeline::{TargetError, TargetSpec};

use crate::TaskChoice;

/// Most distinct whole numbers that are taken for classes.
const INTEGER_CLASSES_MAX: usize = 20;

/// Fewest rows a whole number needs on average to be taken for a class.
const ROWS_PER_CLASS_MIN: usize = 10;

/// The target as asked for, or as it looks; and the reason in words.
pub(crate) fn target_spec(
    field: &Field,
    column: &Column,
    choice: TaskChoice,
) -> Result<(TargetSpec, String), TargetError> {
    match choice {
        TaskChoice::Regression => Ok((regression(field, column)?, "as asked for".to_owned())),
        TaskChoice::Binary => {
            let spec = TargetSpec::classification(&field.name, column)?;
            if spec.classes.len() != 2 {
                let rule = "a binary task needs two; use --task multiclass or regression".to_owned();
                let name = field.name.clone();
                return Err(TargetError::ClassCount {
                    name,
                    found: spec.classes.len(),
                    rule,
                });
            }
            Ok((spec, "as asked for".to_owned()))
        }
        TaskChoice::Multiclass => Ok((
            TargetSpec::classification(&field.name, column)?,
            "as asked for".to_owned(),
        )),
        TaskChoice::Auto => detect(field, column),
    }
}

fn detect(field: &Field, column: &Column) -> Result<(TargetSpec, String), TargetError> {
    let classification = |reason: String| Ok((TargetSpec::classification(&field.name, column)?, reason));
    match (field.kind, column) {
        (Kind::Datetime, _) => Err(TargetError::NotNumeric {
            name: field.name.clone(),
            found: "a date".to_owned(),
        }),
        (_, Column::Numbers(values)) => {
            let distinct = distinct_whole(values);
            let rows = values.iter().filter(|v| !v.is_nan()).count();
            match distinct {
                Some(2) => classification("it has two distinct values".to_owned()),
                Some(count)
                    if count <= INTEGER_CLASSES_MAX && rows >= count * ROWS_PER_CLASS_MIN && count > 2 =>
                {
                    classification(format!(
                        "it has {count} distinct whole numbers in {rows} rows; use --task regression if they are amounts"
                    ))
                }
                _ => Ok((
                    regression(field, column)?,
                    "it is a number with many values".to_owned(),
                )),
            }
        }
        _ => classification("it is a word".to_owned()),
    }
}

fn regression(field: &Field, column: &Column) -> Result<TargetSpec, TargetError> {
    let Column::Numbers(values) = column else {
        let found = if field.kind == Kind::Datetime {
            "a date"
        } else {
            "words"
        };
        return Err(TargetError::NotNumeric {
            name: field.name.clone(),
            found: found.to_owned(),
        });
    };
    let name = field.name.clone();
    let mut known = values.iter().filter(|v| !v.is_nan());
    let Some(first) = known.next() else {
        return Err(TargetError::AllMissing { name });
    };
    if known.all(|value| value == first) {
        return Err(TargetError::Constant {
            name,
            value: first.to_string(),
        });
    }
    Ok(TargetSpec::regression(name))
}

/// How many distinct values there are if all are whole and they are few.
fn distinct_whole(values: &[f64]) -> Option<usize> {
    let mut seen: Vec<f64> = Vec::new();
    for value in values.iter().filter(|v| !v.is_nan()) {
        if let Err(at) = seen.binary_search_by(|s| s.total_cmp(value)) {
            if seen.len() > INTEGER_CLASSES_MAX {
                return None;
            }
            seen.insert(at, *value);
        }
    }
    // Two values of any kind are two classes; more are classes only if they count something.
    (seen.len() <= 2 || seen.iter().all(|v| v.fract() == 0.0)).then_some(seen.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_learner::Task;

    fn check(kind: Kind, column: &Column, choice: TaskChoice, expected: Result<Task, &str>) {
        let found = target_spec(&Field::new("y", kind, "test"), column, choice).map(|(spec, _)| spec.task);
        assert_eq!(found.map_err(|e| e.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn tasks_follow_from_the_target() {
        let few = |n: u32| Column::numbers((0..200).map(|i| f64::from(i % n)).collect());
        let auto = TaskChoice::Auto;
        check(Kind::Integer, &few(2), auto, Ok(Task::Binary));
        check(Kind::Integer, &few(5), auto, Ok(Task::Multiclass { classes: 5 }));
        check(Kind::Integer, &few(30), auto, Ok(Task::Regression));
        check(
            Kind::Integer,
            &few(5),
            TaskChoice::Regression,
            Ok(Task::Regression),
        );
        check(
            Kind::Numeric,
            &Column::numbers(vec![0.5, 1.5, 2.5]),
            auto,
            Ok(Task::Regression),
        );
        check(
            Kind::Categorical,
            &Column::categories(&["a", "b"]),
            auto,
            Ok(Task::Binary),
        );
    }

    #[test]
    fn targets_that_cannot_be_learned_are_refused() {
        let auto = TaskChoice::Auto;
        let constant = "the target 'y' is '1' in every row: there is nothing to tell apart";
        check(
            Kind::Numeric,
            &Column::numbers(vec![1.0, 1.0]),
            auto,
            Err(constant),
        );
        let missing = "the target 'y' is missing in every row: choose another column or fill it";
        check(
            Kind::Numeric,
            &Column::numbers(vec![f64::NAN]),
            auto,
            Err(missing),
        );
        let three = Column::categories(&["a", "b", "c"]);
        let rule =
            "the target 'y' has 3 classes: a binary task needs two; use --task multiclass or regression";
        check(Kind::Categorical, &three, TaskChoice::Binary, Err(rule));
    }
}
