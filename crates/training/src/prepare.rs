//! From a table and a request to rows, answers and features; with a note on everything left out.

use kolosal_frame::{Column, Frame, MISSING};
use kolosal_learner::{Task, TrainView};
use kolosal_pipeline::{CodedTarget, SharedFeatures, TargetSpec};

use crate::guard::{self, Finding};
use crate::task::target_spec;
use crate::{TrainError, TrainRequest};

/// Fewest rows with a known target that can be learned from.
const ROWS_MIN: usize = 4;

/// What is learned from.
pub(crate) struct Prepared {
    /// What is predicted.
    pub(crate) spec: TargetSpec,
    /// Why it is this task.
    pub(crate) task_reason: String,
    /// The answer of each row; all known.
    pub(crate) answers: CodedTarget,
    /// The weight of each row.
    pub(crate) weights: Option<Vec<f64>>,
    /// Group codes of the rows.
    pub(crate) groups: Option<Vec<u32>>,
    /// Times of the rows.
    pub(crate) times: Option<Vec<f64>>,
    /// The features.
    pub(crate) shared: SharedFeatures,
    /// Rows and columns of the table with known target.
    pub(crate) table_columns: usize,
    /// What guards have found.
    pub(crate) findings: Vec<Finding>,
}

/// Most columns that a category is counted for: of more levels its target means are taken.
const LEVELS_SPREAD: usize = 50;

/// Columns that a text is counted for.
const WORDS_SPREAD: usize = 300;

impl Prepared {
    /// The question.
    pub(crate) fn task(&self) -> Task {
        self.spec.task
    }

    /// How many rows are learned from.
    pub(crate) fn row_count(&self) -> usize {
        self.answers.len()
    }

    /// How many columns there are for a tree, to which a text is words.
    pub(crate) fn width(&self) -> usize {
        self.columns_as(|_| 1)
    }

    /// How many columns there are once categories and text are spread out into numbers.
    pub(crate) fn spread(&self) -> usize {
        self.columns_as(|levels| levels.min(LEVELS_SPREAD))
    }

    fn columns_as(&self, category: impl Fn(usize) -> usize) -> usize {
        let of = |column: &Column| match column {
            Column::Numbers(_) | Column::Sparse(_) => 1,
            Column::Categories(categories) => category(categories.levels().len()),
            Column::Text(_) => WORDS_SPREAD,
        };
        self.shared.frame.columns().iter().map(of).sum()
    }

    /// Answers and weights of some rows, owned.
    pub(crate) fn select(&self, rows: &[u32]) -> (CodedTarget, Option<Vec<f64>>) {
        let pick = |weights: &Vec<f64>| rows.iter().map(|&row| weights[row as usize]).collect();
        (self.answers.select(rows), self.weights.as_ref().map(pick))
    }

    /// All rows, for a fit.
    pub(crate) fn train_view(&self) -> Result<TrainView<'_>, TrainError> {
        let weights = self.weights.as_deref();
        Ok(TrainView::new(
            self.shared.frame.view(),
            self.answers.as_target(),
            weights,
            self.task(),
        )?)
    }
}

/// Resolves names, codes the target, leaves out what cannot be learned from.
pub(crate) fn prepare(table: &Frame, request: &TrainRequest) -> Result<Prepared, TrainError> {
    let target_at = table.schema().require(&request.target)?;
    let field = &table.schema().fields()[target_at];
    let (spec, task_reason) = target_spec(field, &table.columns()[target_at], request.task)?;
    let answers = spec.code(&table.columns()[target_at])?;
    let mut findings = Vec::new();
    let (table, answers) = known_rows(table, answers, &spec.name, &mut findings);
    if answers.len() < ROWS_MIN {
        return Err(TrainError::TooFewRows {
            rows: answers.len(),
            needed: ROWS_MIN,
        });
    }
    let roles = Roles::of(&table, request)?;
    let weights = roles.weight.map(|at| weights_of(&table, at)).transpose()?;
    let groups = roles.group.map(|at| codes_of(&table.columns()[at]));
    let times = roles.time.map(|at| times_of(&table, at)).transpose()?;
    findings.extend(guard::rare_classes(&spec, &answers));
    let mut taken = vec![Some(target_at), roles.weight, roles.group];
    for name in &request.ignore {
        taken.push(Some(ignored(&table, name, target_at)?));
    }
    let features = features_of(&table, &taken, &mut findings)?;
    let shared = SharedFeatures::new(&features);
    let mut prepared = Prepared {
        spec,
        task_reason,
        answers,
        weights,
        groups,
        times,
        shared,
        table_columns: table.column_count(),
        findings,
    };
    prepared.train_view()?;
    request.constraints.check(&prepared)?;
    let found = guard::look(&prepared, &table, &features, request);
    prepared.findings.extend(found);
    Ok(prepared)
}

/// The column that is not to be learned from.
fn ignored(table: &Frame, name: &str, target_at: usize) -> Result<usize, TrainError> {
    let at = table.schema().require(name)?;
    if at == target_at {
        return Err(role_error(table, at, "another column than the target", "ignored"));
    }
    Ok(at)
}

/// Where strict checks are on, any finding is an error.
pub(crate) fn require_clean(prepared: &Prepared, request: &TrainRequest) -> Result<(), TrainError> {
    if !request.is_strict || prepared.findings.is_empty() {
        return Ok(());
    }
    let notes = prepared.findings.iter().map(ToString::to_string).collect();
    Err(TrainError::Strict { notes })
}

/// Rows that a learner may judge itself by while it learns, coded as those it learns from.
pub(crate) struct HeldOutRows {
    features: Frame,
    answers: CodedTarget,
    weights: Option<Vec<f64>>,
    task: Task,
}

impl HeldOutRows {
    /// The rows of a table of the same columns whose answer is known.
    pub(crate) fn new(
        table: &Frame,
        (prepared, request): (&Prepared, &TrainRequest),
    ) -> Result<Self, TrainError> {
        let spec = &prepared.spec;
        let answers = spec.code(&table.columns()[table.schema().require(&spec.name)?])?;
        let (table, answers) = known_rows(table, answers, &spec.name, &mut Vec::new());
        let weights = Roles::of(&table, request)?
            .weight
            .map(|at| weights_of(&table, at))
            .transpose()?;
        let fields = prepared.shared.fields().iter();
        let kept: Vec<usize> = fields
            .map(|field| table.schema().require(&field.name))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            features: prepared.shared.apply(&table.project(&kept)),
            answers,
            weights,
            task: spec.task,
        })
    }

    /// The rows, for a fit.
    pub(crate) fn view(&self) -> Result<TrainView<'_>, TrainError> {
        let weights = self.weights.as_deref();
        Ok(TrainView::new(
            self.features.view(),
            self.answers.as_target(),
            weights,
            self.task,
        )?)
    }
}

/// The rows whose answer is known.
fn known_rows(
    table: &Frame,
    answers: CodedTarget,
    name: &str,
    findings: &mut Vec<Finding>,
) -> (Frame, CodedTarget) {
    let known: Vec<u32> = (0..answers.len())
        .filter(|&row| answers.is_known(row))
        .map(|row| row as u32)
        .collect();
    let lost = answers.len() - known.len();
    if lost == 0 {
        return (table.clone(), answers);
    }
    findings.push(guard::missing_target(lost, answers.len(), name));
    (table.select(&known).to_frame(), answers.select(&known))
}

/// Columns that are used for something else than learning.
struct Roles {
    weight: Option<usize>,
    group: Option<usize>,
    time: Option<usize>,
}

impl Roles {
    fn of(table: &Frame, request: &TrainRequest) -> Result<Self, TrainError> {
        let find = |name: &Option<String>| name.as_ref().map(|name| table.schema().require(name)).transpose();
        Ok(Self {
            weight: find(&request.weight)?,
            group: find(&request.group)?,
            time: find(&request.time_column)?,
        })
    }
}

pub(crate) fn weights_of(table: &Frame, at: usize) -> Result<Vec<f64>, TrainError> {
    match &table.columns()[at] {
        Column::Numbers(values) => Ok(values.to_vec()),
        _ => Err(role_error(table, at, "a number", "weight")),
    }
}

fn times_of(table: &Frame, at: usize) -> Result<Vec<f64>, TrainError> {
    match &table.columns()[at] {
        Column::Numbers(values) if values.iter().all(|v| !v.is_nan()) => Ok(values.to_vec()),
        Column::Numbers(_) => Err(role_error(table, at, "known in every row", "time")),
        _ => Err(role_error(table, at, "a date or a number", "time")),
    }
}

fn role_error(table: &Frame, at: usize, needed: &'static str, role: &'static str) -> TrainError {
    let field = &table.schema().fields()[at];
    TrainError::Role {
        column: field.name.clone(),
        found: field.kind.to_string(),
        needed,
        role,
    }
}

/// Equal values get equal codes; missing values form a group of their own.
fn codes_of(column: &Column) -> Vec<u32> {
    match column {
        Column::Categories(c) => c
            .codes()
            .iter()
            .map(|&code| {
                if code == MISSING {
                    c.levels().len() as u32
                } else {
                    code
                }
            })
            .collect(),
        Column::Text(strings) => dense_codes(&strings.iter().collect::<Vec<_>>()),
        Column::Numbers(values) => dense_codes(&values.iter().map(|v| v.to_bits()).collect::<Vec<_>>()),
        Column::Sparse(sparse) => dense_codes(
            &(0..column.len())
                .map(|row| sparse.get(row).to_bits())
                .collect::<Vec<_>>(),
        ),
    }
}

fn dense_codes<T: Ord + Clone>(values: &[T]) -> Vec<u32> {
    let mut distinct = values.to_owned();
    distinct.sort_unstable();
    distinct.dedup();
    let code = |value| {
        distinct
            .binary_search(value)
            .expect("every value is among the distinct ones") as u32
    };
    values.iter().map(code).collect()
}

/// Columns worth learning from; everything else gets a finding.
fn features_of(
    table: &Frame,
    taken: &[Option<usize>],
    findings: &mut Vec<Finding>,
) -> Result<Frame, TrainError> {
    let useless = guard::useless_columns(table, taken);
    let kept: Vec<usize> = (0..table.column_count())
        .filter(|at| !taken.contains(&Some(*at)) && !useless.contains_key(at))
        .collect();
    if kept.is_empty() {
        let mut reasons: Vec<String> = useless.values().map(ToString::to_string).collect();
        if reasons.is_empty() {
            reasons.push("the table has only the target".to_owned());
        }
        return Err(TrainError::NoFeatures { reasons });
    }
    findings.extend(useless.into_values());
    Ok(table.project(&kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_frame::{Field, Kind};

    fn table() -> Frame {
        let column = |name: &str, kind, column| (Field::new(name, kind, "test"), column);
        Frame::new(vec![
            column(
                "id",
                Kind::Identifier,
                Column::text(&["p", "q", "r", "s", "t", "u"]),
            ),
            column(
                "x",
                Kind::Numeric,
                Column::numbers(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            ),
            column("constant", Kind::Numeric, Column::numbers(vec![7.0; 6])),
            column("empty", Kind::Numeric, Column::numbers(vec![f64::NAN; 6])),
            column(
                "y",
                Kind::Categorical,
                Column::categories(&["a", "b", "", "a", "b", "a"]),
            ),
        ])
        .expect("distinct names")
    }

    #[test]
    fn what_cannot_be_learned_from_is_left_out_with_a_note() {
        let prepared = prepare(&table(), &TrainRequest::new("y")).expect("x can be learned from");
        assert_eq!(prepared.row_count(), 5);
        assert_eq!(prepared.shared.frame.column_count(), 1);
        assert_eq!(prepared.findings.len(), 1 + 2 + 3, "{:?}", prepared.findings);
    }

    #[test]
    fn strict_turns_notes_into_an_error() {
        let strict = TrainRequest {
            is_strict: true,
            ..TrainRequest::new("y")
        };
        let prepared = prepare(&table(), &strict).expect("x can be learned from");
        let refused = require_clean(&prepared, &strict);
        assert!(matches!(refused, Err(TrainError::Strict { notes }) if notes.len() == 6));
    }

    #[test]
    fn a_column_in_a_role_must_fit_it() {
        let weighted = TrainRequest {
            weight: Some("id".to_owned()),
            ..TrainRequest::new("y")
        };
        let error = prepare(&table(), &weighted).err().expect("words are no weights");
        assert_eq!(
            error.to_string(),
            "column 'id' is identifier, it must be a number to be used as weight"
        );
        let unknown = prepare(&table(), &TrainRequest::new("z")).err().expect("absent");
        assert!(unknown.to_string().starts_with("there is no column 'z'"));
    }
}
