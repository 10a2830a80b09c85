//! What is predicted: the column, its classes, and how a table's answers become codes or numbers.

use std::sync::Arc;

use kolosal_base::ErrorKind;
use kolosal_base::limits::CLASSES_MAX;
use kolosal_frame::{Column, MISSING, Strings};
use kolosal_learner::{ArtifactError, Decoder, Encoder, Target, Task};

/// The column that is predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetSpec {
    /// Its name.
    pub name: String,
    /// The question.
    pub task: Task,
    /// The class labels in code order; empty for a regression.
    pub classes: Arc<Strings>,
}

/// The answers of a table, one a row.
#[derive(Debug, Clone, PartialEq)]
pub enum CodedTarget {
    /// Numbers; NaN where the answer is missing.
    Numbers(Vec<f64>),
    /// Class codes; [`MISSING`] where the answer is missing or no known class.
    Classes {
        /// One code a row.
        codes: Vec<u32>,
        /// How many classes there are.
        count: u32,
    },
}

/// A target column that cannot be learned or compared with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// No row has an answer.
    #[error("the target '{name}' is missing in every row: choose another column or fill it")]
    AllMissing {
        /// The column.
        name: String,
    },
    /// All rows have one answer.
    #[error("the target '{name}' is '{value}' in every row: there is nothing to tell apart")]
    Constant {
        /// The column.
        name: String,
        /// The one value.
        value: String,
    },
    /// Words where numbers are needed.
    #[error(
        "the target '{name}' of a regression is {found}: a regression needs numbers, or use --task multiclass"
    )]
    NotNumeric {
        /// The column.
        name: String,
        /// What it is.
        found: String,
    },
    /// A model of a task without a target.
    #[error("the model answers {task} and has no target to compare its answers with")]
    NoTarget {
        /// The task.
        task: &'static str,
    },
    /// More or fewer classes than the task has.
    #[error("the target '{name}' has {found} classes: {rule}")]
    ClassCount {
        /// The column.
        name: String,
        /// How many there are.
        found: usize,
        /// What is needed.
        rule: String,
    },
}

impl TargetError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

impl TargetSpec {
    /// No column: the question of a task without a target.
    ///
    /// # Panics
    /// If the task has one.
    pub fn unlabelled(task: Task) -> Self {
        assert!(!task.kind().has_target(), "the task has no target");
        Self {
            name: String::new(),
            task,
            classes: Arc::default(),
        }
    }

    /// A regression of the named column.
    pub fn regression(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            task: Task::Regression,
            classes: Arc::default(),
        }
    }

    /// A classification of the named column into the sorted labels it has.
    ///
    /// # Errors
    /// [`TargetError`] if it has no class, one, or more than can be learned.
    pub fn classification(name: &str, column: &Column) -> Result<Self, TargetError> {
        let labels = labels_of(column);
        let name = name.to_owned();
        match labels.len() {
            0 => Err(TargetError::AllMissing { name }),
            1 => Err(TargetError::Constant {
                name,
                value: labels[0].clone(),
            }),
            found if found > CLASSES_MAX => {
                let rule = format!(
                    "at most {CLASSES_MAX} can be learned; is it an identifier, or a number (--task regression)?"
                );
                Err(TargetError::ClassCount { name, found, rule })
            }
            count => {
                let classes = Arc::new(labels.iter().collect());
                Ok(Self {
                    name,
                    task: Task::classification(count as u32),
                    classes,
                })
            }
        }
    }

    /// The answers of a column with this meaning.
    ///
    /// # Errors
    /// [`TargetError::NotNumeric`] if a regression finds words, [`TargetError::NoTarget`] if the task has no target.
    pub fn code(&self, column: &Column) -> Result<CodedTarget, TargetError> {
        match (self.task, column) {
            (Task::Anomaly | Task::Clustering, _) => Err(TargetError::NoTarget {
                task: self.task.kind().name(),
            }),
            (Task::Regression, Column::Numbers(values)) => Ok(CodedTarget::Numbers(values.to_vec())),
            (Task::Regression, _) => Err(TargetError::NotNumeric {
                name: self.name.clone(),
                found: "words".to_owned(),
            }),
            (_, column) => {
                let codes = (0..column.len())
                    .map(|row| self.code_of(&label(column, row)))
                    .collect();
                Ok(CodedTarget::Classes {
                    codes,
                    count: self.classes.len() as u32,
                })
            }
        }
    }

    fn code_of(&self, label: &str) -> u32 {
        let (mut low, mut high) = (0, self.classes.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.classes.get(middle) < label {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let is_it = low < self.classes.len() && self.classes.get(low) == label;
        if is_it { low as u32 } else { MISSING }
    }

    pub(crate) fn save(&self, to: &mut Encoder) {
        to.str(&self.name);
        to.bool(self.task == Task::Regression);
        to.strings(&self.classes);
        // Tasks without a target are told apart behind what those with one have.
        match self.task {
            Task::Anomaly => to.u8(0),
            Task::Clustering => to.u8(1),
            Task::Binary | Task::Multiclass { .. } | Task::Regression => {}
        }
    }

    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let name = from.str()?.to_owned();
        let is_regression = from.bool()?;
        let classes = from.strings()?;
        let is_sorted = (1..classes.len()).all(|i| classes.get(i - 1) < classes.get(i));
        let task = match (is_regression, classes.len()) {
            (true, 0) => Task::Regression,
            (false, 0) => match from.u8()? {
                0 => Task::Anomaly,
                1 => Task::Clustering,
                other => return Err(ArtifactError::damaged(format!("{other} is no task"))),
            },
            (false, 2..=CLASSES_MAX) if is_sorted => Task::classification(classes.len() as u32),
            _ => return Err(ArtifactError::damaged("task and classes do not belong together")),
        };
        Ok(Self {
            name,
            task,
            classes: Arc::new(classes),
        })
    }
}

/// Sorted distinct labels, missing ones left out.
fn labels_of(column: &Column) -> Vec<String> {
    let mut labels: Vec<String> = match column {
        Column::Categories(c) => {
            let mut seen = vec![false; c.levels().len()];
            c.codes()
                .iter()
                .filter(|&&code| code != MISSING)
                .for_each(|&code| seen[code as usize] = true);
            let levels = c.levels().iter().zip(seen).filter(|(_, seen)| *seen);
            levels.map(|(level, _)| level.to_owned()).collect()
        }
        other => {
            let rows = (0..other.len())
                .map(|row| label(other, row))
                .filter(|label| !label.is_empty());
            rows.collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect()
        }
    };
    labels.sort_unstable();
    labels
}

/// The label of a row, empty if it is missing: words as they are, whole numbers without a point.
fn label(column: &Column, row: usize) -> String {
    match column {
        Column::Categories(c) => match c.codes()[row] {
            MISSING => String::new(),
            code => c.levels().get(code as usize).to_owned(),
        },
        Column::Text(strings) => strings.get(row).to_owned(),
        Column::Numbers(values) => number_label(values[row]),
        Column::Sparse(sparse) => number_label(sparse.get(row)),
    }
}

fn number_label(value: f64) -> String {
    if value.is_nan() {
        String::new()
    } else {
        format!("{value}")
    }
}

impl CodedTarget {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Classes { codes, .. } => codes.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the row has an answer.
    pub fn is_known(&self, row: usize) -> bool {
        match self {
            Self::Numbers(values) => !values[row].is_nan(),
            Self::Classes { codes, .. } => codes[row] != MISSING,
        }
    }

    /// The answers of the given rows.
    pub fn select(&self, rows: &[u32]) -> Self {
        match self {
            Self::Numbers(values) => Self::Numbers(rows.iter().map(|&row| values[row as usize]).collect()),
            Self::Classes { codes, count } => Self::Classes {
                codes: rows.iter().map(|&row| codes[row as usize]).collect(),
                count: *count,
            },
        }
    }

    /// The answers as learners take them.
    pub fn as_target(&self) -> Target<'_> {
        match self {
            Self::Numbers(values) => Target::Numbers(values),
            Self::Classes { codes, count } => Target::Classes { codes, count: *count },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_whole_numbers_have_no_point() {
        let column = Column::numbers(vec![2.0, 1.0, f64::NAN, 2.0]);
        let spec = TargetSpec::classification("y", &column).expect("two classes");
        assert_eq!(spec.classes.iter().collect::<Vec<_>>(), ["1", "2"]);
        let expected = CodedTarget::Classes {
            codes: vec![1, 0, MISSING, 1],
            count: 2,
        };
        assert_eq!(spec.code(&column), Ok(expected));
    }

    #[test]
    fn labels_unknown_in_training_are_missing() {
        let spec = TargetSpec::classification("y", &Column::categories(&["a", "b"])).expect("two classes");
        let coded = spec
            .code(&Column::categories(&["b", "z", ""]))
            .expect("words are labels");
        assert_eq!(
            coded,
            CodedTarget::Classes {
                codes: vec![1, MISSING, MISSING],
                count: 2
            }
        );
    }

    #[test]
    fn one_class_or_none_is_refused() {
        let constant =
            TargetSpec::classification("y", &Column::categories(&["a", "", "a"])).expect_err("constant");
        assert_eq!(
            constant.to_string(),
            "the target 'y' is 'a' in every row: there is nothing to tell apart"
        );
        let empty = TargetSpec::classification("y", &Column::categories(&["", ""])).expect_err("empty");
        assert!(matches!(empty, TargetError::AllMissing { .. }));
        let words = TargetSpec::regression("y")
            .code(&Column::categories(&["a"]))
            .expect_err("words");
        assert!(words.to_string().contains("a regression needs numbers"));
    }
}
