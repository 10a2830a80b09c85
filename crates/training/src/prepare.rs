//! From a table and a request to rows, answers and features; with a note on everything left out.

use kolosal_frame::{Column, Field, Frame, Kind, MISSING};
use kolosal_learner::{Task, TrainView};
use kolosal_pipeline::{CodedTarget, SharedFeatures, TargetSpec};

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
    /// What the user should know.
    pub(crate) notes: Vec<String>,
}

impl Prepared {
    /// The question.
    pub(crate) fn task(&self) -> Task {
        self.spec.task
    }

    /// How many rows are learned from.
    pub(crate) fn row_count(&self) -> usize {
        self.answers.len()
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
    let mut notes = Vec::new();
    let (table, answers) = known_rows(table, answers, &spec.name, &mut notes);
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
    note_classes(&spec, &answers, &mut notes);
    let features = features_of(&table, &[Some(target_at), roles.weight, roles.group], &mut notes)?;
    if request.is_strict && !notes.is_empty() {
        return Err(TrainError::Strict { notes });
    }
    let shared = SharedFeatures::new(&features);
    let table_columns = table.column_count();
    let prepared = Prepared {
        spec,
        task_reason,
        answers,
        weights,
        groups,
        times,
        shared,
        table_columns,
        notes,
    };
    prepared.train_view()?;
    Ok(prepared)
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
    notes: &mut Vec<String>,
) -> (Frame, CodedTarget) {
    let known: Vec<u32> = (0..answers.len())
        .filter(|&row| answers.is_known(row))
        .map(|row| row as u32)
        .collect();
    let lost = answers.len() - known.len();
    if lost == 0 {
        return (table.clone(), answers);
    }
    notes.push(format!(
        "{lost} of {} rows have no value of '{name}' and are left out",
        answers.len()
    ));
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

fn note_classes(spec: &TargetSpec, answers: &CodedTarget, notes: &mut Vec<String>) {
    let CodedTarget::Classes { codes, count } = answers else {
        return;
    };
    let mut rows = vec![0_u32; *count as usize];
    codes.iter().for_each(|&code| rows[code as usize] += 1);
    for (class, rows) in rows.iter().enumerate().filter(|(_, rows)| **rows < 5) {
        let label = spec.classes.get(class);
        let plural = if *rows == 1 { "row" } else { "rows" };
        notes.push(format!(
            "class '{label}' of '{}' has only {rows} {plural}: answers for it cannot be trusted; collect more or join classes",
            spec.name
        ));
    }
}

/// Columns worth learning from; everything else gets a note.
fn features_of(table: &Frame, taken: &[Option<usize>], notes: &mut Vec<String>) -> Result<Frame, TrainError> {
    let (mut kept, mut reasons) = (Vec::new(), Vec::new());
    for (at, field) in table.schema().fields().iter().enumerate() {
        if taken.contains(&Some(at)) {
            continue;
        }
        match useless(field, &table.columns()[at]) {
            None => kept.push(at),
            Some(reason) => reasons.push(format!("column '{}' is left out: {reason}", field.name)),
        }
    }
    if kept.is_empty() {
        if reasons.is_empty() {
            reasons.push("the table has only the target".to_owned());
        }
        return Err(TrainError::NoFeatures { reasons });
    }
    notes.append(&mut reasons);
    Ok(table.project(&kept))
}

/// Why a column cannot be learned from.
pub(crate) fn useless(field: &Field, column: &Column) -> Option<String> {
    if field.kind == Kind::Identifier {
        return Some(format!(
            "it names the row ({}); use --column-type to change that",
            field.reason
        ));
    }
    match distinct_up_to_two(column) {
        0 => Some("it is missing in every row".to_owned()),
        1 if column.missing_count() == 0 => Some("it has one value in every row".to_owned()),
        _ => None,
    }
}

/// Number of distinct present values, counted up to two.
fn distinct_up_to_two(column: &Column) -> usize {
    fn count<T: PartialEq>(values: impl Iterator<Item = T>) -> usize {
        let mut first = None;
        for value in values {
            match &first {
                None => first = Some(value),
                Some(before) if *before != value => return 2,
                Some(_) => {}
            }
        }
        usize::from(first.is_some())
    }
    match column {
        Column::Numbers(values) => count(values.iter().filter(|v| !v.is_nan())),
        Column::Categories(c) => count(c.codes().iter().filter(|&&code| code != MISSING)),
        Column::Text(strings) => count(strings.iter().filter(|text| !text.is_empty())),
        Column::Sparse(sparse) => count(
            (0..column.len())
                .map(|row| sparse.get(row))
                .filter(|v| !v.is_nan()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(prepared.notes.len(), 1 + 2 + 3, "{:?}", prepared.notes);
    }

    #[test]
    fn strict_turns_notes_into_an_error() {
        let strict = TrainRequest {
            is_strict: true,
            ..TrainRequest::new("y")
        };
        assert!(matches!(prepare(&table(), &strict), Err(TrainError::Strict { notes }) if notes.len() == 6));
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
