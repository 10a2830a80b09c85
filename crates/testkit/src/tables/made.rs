//! Tables made by formula.

use std::sync::Arc;

use kolosal_base::{Rng, Seed};
use kolosal_frame::{Column, Field, Frame, Kind, SparseNumbers};
use kolosal_learner::{LearnerCard, Task};

use super::{Answers, Table};

/// Size of a [`plain`] table.
#[derive(Debug, Clone, Copy)]
pub struct PlainSize {
    /// Rows.
    pub rows: usize,
    /// Columns, at least two.
    pub columns: usize,
}

const COLOURS: [&str; 4] = ["amber", "blue", "cyan", "drab"];
const MICROS_PER_DAY: f64 = 86_400e6;

/// Dense numbers alone; the answer follows the first two columns and a little noise.
pub fn plain(task: Task, size: PlainSize, seed: u64) -> Table {
    let mut rng = Seed::new(seed).fork("plain").rng();
    let columns: Vec<Vec<f64>> = (0..size.columns).map(|_| uniform(&mut rng, size.rows)).collect();
    let score = |row: usize| 2.0 * columns[0][row] - columns[1][row] + 0.1 * (row as f64 * 1.7).sin();
    let scores: Vec<f64> = (0..size.rows).map(score).collect();
    let named = columns.into_iter().enumerate().map(|(i, values)| {
        (
            Field::new(format!("x{i}"), Kind::Numeric, "made by formula"),
            Column::numbers(values),
        )
    });
    Table {
        frame: Frame::new(named.collect()).expect("distinct names and equal lengths"),
        answers: answers(task, &scores),
        weights: None,
    }
}

/// Every storage that a learner with this card can meet: dense numbers, whole numbers with ties, sparse numbers; gaps
/// in them if it takes missing values; categories and a flag, with gaps, if it takes categories.
pub fn mixed(task: Task, card: &LearnerCard, rows: usize, seed: u64) -> Table {
    let mut rng = Seed::new(seed).fork("mixed").rng();
    let gap = |row: usize, every: usize, value: f64| {
        if card.takes_missing && row % every == every - 1 {
            f64::NAN
        } else {
            value
        }
    };
    let length = uniform(&mut rng, rows);
    let width = uniform(&mut rng, rows);
    let counts: Vec<f64> = (0..rows).map(|_| rng.below(5) as f64).collect();
    let colours: Vec<usize> = (0..rows).map(|_| rng.below(4)).collect();
    let score = |row: usize| {
        let colour = if card.takes_categories {
            colours[row] as f64 * 0.7
        } else {
            0.0
        };
        2.0 * length[row] - width[row] + 0.5 * counts[row] + colour + 0.1 * (row as f64 * 1.7).sin()
    };
    let answers = answers(task, &(0..rows).map(score).collect::<Vec<_>>());
    let stored: Vec<u32> = (0..rows as u32).filter(|row| row % 5 == 2).collect();
    let values = stored
        .iter()
        .map(|&row| gap(row as usize, 12, 1.0 + f64::from(row % 3)))
        .collect();
    let width = width
        .into_iter()
        .enumerate()
        .map(|(row, value)| gap(row, 7, value))
        .collect();
    let field = |name: &str, kind| Field::new(name, kind, "made by formula");
    let mut columns = vec![
        (field("length", Kind::Numeric), Column::numbers(length)),
        (field("width", Kind::Numeric), Column::numbers(width)),
        (field("count", Kind::Integer), Column::numbers(counts)),
        (
            field("stored", Kind::Numeric),
            Column::Sparse(Arc::new(SparseNumbers::new(rows, stored, values))),
        ),
    ];
    if card.takes_categories {
        let colour = |row: usize| if row % 11 == 10 { "" } else { COLOURS[colours[row]] };
        let flag = |row: usize| ["no", "yes", "yes", ""][row * 5 % 4];
        columns.push((field("colour", Kind::Categorical), words(rows, colour)));
        columns.push((field("flag", Kind::Boolean), words(rows, flag)));
    }
    Table {
        frame: Frame::new(columns).expect("distinct names and equal lengths"),
        answers,
        weights: None,
    }
}

/// Every kind and storage that a table of a user can have, gaps in each, and one category with many levels.
pub fn everything(task: Task, rows: usize, seed: u64) -> Table {
    let mut rng = Seed::new(seed).fork("everything").rng();
    let number = uniform(&mut rng, rows);
    let many: Vec<usize> = (0..rows).map(|_| rng.below(60)).collect();
    let scores: Vec<f64> = (0..rows)
        .map(|row| number[row] + many[row] as f64 * 0.02)
        .collect();
    let gappy = |values: Vec<f64>, every: usize| {
        let at = |(row, value)| if row % every == every - 1 { f64::NAN } else { value };
        Column::numbers(values.into_iter().enumerate().map(at).collect())
    };
    let stored: Vec<u32> = (0..rows as u32).filter(|row| row % 4 == 1).collect();
    let values = stored
        .iter()
        .map(|&row| if row % 9 == 0 { f64::NAN } else { f64::from(row) })
        .collect();
    let level = |row: usize| format!("level {:02}", many[row]);
    let text = |row: usize| ["a good day", "a bad day", "", "Good night, good luck"][row % 4].to_owned();
    let moments = (0..rows)
        .map(|row| row as f64 * 1.37 * MICROS_PER_DAY - 1e15)
        .collect();
    let field = |name: &str, kind| Field::new(name, kind, "made by formula");
    let frame = Frame::new(vec![
        (field("number", Kind::Numeric), gappy(number, 8)),
        (
            field("whole", Kind::Integer),
            Column::numbers((0..rows).map(|row| (row * 7 % 13) as f64).collect()),
        ),
        (field("when", Kind::Datetime), gappy(moments, 10)),
        (
            field("flag", Kind::Boolean),
            words(rows, |row| if row % 3 == 0 { "yes" } else { "no" }),
        ),
        (
            field("colour", Kind::Categorical),
            words(rows, |row| ["amber", "", "blue", "cyan", "amber"][row % 5]),
        ),
        (field("many", Kind::Categorical), words(rows, level)),
        (
            field("text", Kind::Text),
            Column::text(&(0..rows).map(text).collect::<Vec<_>>()),
        ),
        (
            field("stored", Kind::Numeric),
            Column::Sparse(Arc::new(SparseNumbers::new(rows, stored, values))),
        ),
    ]);
    Table {
        frame: frame.expect("distinct names and equal lengths"),
        answers: answers(task, &scores),
        weights: None,
    }
}

fn uniform(rng: &mut Rng, rows: usize) -> Vec<f64> {
    (0..rows).map(|_| 2.0 * rng.uniform() - 1.0).collect()
}

fn words<S: AsRef<str>>(rows: usize, word: impl Fn(usize) -> S) -> Column {
    Column::categories(&(0..rows).map(word).collect::<Vec<_>>())
}

/// The scores themselves, or classes of equal size in ascending order of score.
fn answers(task: Task, scores: &[f64]) -> Answers {
    if task == Task::Regression {
        return Answers::Numbers(scores.to_vec());
    }
    if !task.kind().has_target() {
        let rows = scores.len();
        return Answers::Unknown { task, rows };
    }
    let count = task.width();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(a.cmp(&b)));
    let mut codes = vec![0; scores.len()];
    for (rank, &row) in order.iter().enumerate() {
        codes[row] = (rank * count / scores.len()) as u32;
    }
    Answers::Classes {
        codes,
        count: count as u32,
    }
}
