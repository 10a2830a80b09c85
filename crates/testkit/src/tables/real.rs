//! The real tables of `examples/data`, split as they come.

use kolosal_frame::{Column, Field, Frame, FrozenSchema, Kind};
use kolosal_learner::Task;

use super::{Answers, Table};

/// Rows to learn from and rows to be judged by, under one schema.
pub struct RealTables {
    /// To learn from.
    pub train: Table,
    /// To be judged by.
    pub test: Table,
}

const BREAST_CANCER: [&str; 2] = [
    include_str!("../../../../examples/data/breast_cancer.train.csv"),
    include_str!("../../../../examples/data/breast_cancer.test.csv"),
];
const PENGUINS: [&str; 2] = [
    include_str!("../../../../examples/data/penguins.train.csv"),
    include_str!("../../../../examples/data/penguins.test.csv"),
];

/// An easy real question of each kind: malignant or benign, which species of penguin, how heavy a penguin; of tasks
/// without a target, the table without its species.
///
/// # Panics
/// If the files in `examples/data` are not what they were.
pub fn real_tables(task: Task) -> RealTables {
    let (files, target) = match task {
        Task::Binary => (BREAST_CANCER, "diagnosis"),
        Task::Multiclass { .. } | Task::Anomaly | Task::Clustering => (PENGUINS, "species"),
        Task::Regression => (PENGUINS, "body_mass_g"),
    };
    let [train, test] = files.map(|text| Cells::read(text).with_known(target));
    let (train_frame, test_frame) = (train.frame(target), test.frame(target));
    let aligned = FrozenSchema::of(&train_frame).align(&test_frame);
    let labels = train.labels(target);
    RealTables {
        train: table(train_frame, train.answers(target, task, &labels)),
        test: table(
            aligned.expect("both files have one header"),
            test.answers(target, task, &labels),
        ),
    }
}

fn table(frame: Frame, answers: Answers) -> Table {
    Table {
        frame,
        answers,
        weights: None,
    }
}

/// Cells of a file without quotes, `NA` where missing.
struct Cells<'a> {
    header: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
}

impl<'a> Cells<'a> {
    fn read(text: &'a str) -> Self {
        assert!(!text.contains('"'), "the example files need no quotes");
        let cell = |cell: &'a str| if cell == "NA" { "" } else { cell };
        let mut lines = text
            .lines()
            .map(|line| line.split(',').map(cell).collect::<Vec<_>>());
        let header = lines.next().expect("a header");
        let rows: Vec<_> = lines.collect();
        assert!(
            rows.iter().all(|row| row.len() == header.len()),
            "rows are complete"
        );
        Self { header, rows }
    }

    fn column(&self, name: &str) -> Vec<&'a str> {
        let at = self
            .header
            .iter()
            .position(|other| *other == name)
            .expect("a column of the file");
        self.rows.iter().map(|row| row[at]).collect()
    }

    fn with_known(mut self, target: &str) -> Self {
        let known: Vec<bool> = self.column(target).iter().map(|cell| !cell.is_empty()).collect();
        let mut known = known.into_iter();
        self.rows.retain(|_| known.next().expect("one a row"));
        self
    }

    fn frame(&self, target: &str) -> Frame {
        let names = self.header.iter().filter(|name| **name != target);
        let column = |name: &&str| match numbers(&self.column(name)) {
            Some(values) => (
                Field::new(*name, Kind::Numeric, "numbers"),
                Column::numbers(values),
            ),
            None => {
                let words = Column::categories(&self.column(name));
                (Field::new(*name, Kind::Categorical, "words"), words)
            }
        };
        Frame::new(names.map(column).collect()).expect("distinct names and equal lengths")
    }

    fn labels(&self, target: &str) -> Vec<&'a str> {
        let mut labels = self.column(target);
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    fn answers(&self, target: &str, task: Task, labels: &[&str]) -> Answers {
        let cells = self.column(target);
        if !task.kind().has_target() {
            let rows = cells.len();
            return Answers::Unknown { task, rows };
        }
        if task == Task::Regression {
            return Answers::Numbers(numbers(&cells).expect("numbers"));
        }
        let code = |cell: &&str| labels.binary_search(cell).expect("a class of training") as u32;
        Answers::Classes {
            codes: cells.iter().map(code).collect(),
            count: labels.len() as u32,
        }
    }
}

fn numbers(cells: &[&str]) -> Option<Vec<f64>> {
    let number = |cell: &&str| {
        if cell.is_empty() {
            Some(f64::NAN)
        } else {
            cell.parse().ok()
        }
    };
    cells.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(task: Task, rows: [usize; 2], columns: usize) {
        let tables = real_tables(task);
        assert_eq!([tables.train.row_count(), tables.test.row_count()], rows);
        assert_eq!(tables.test.frame.column_count(), columns);
        assert_eq!(tables.train.answers.task(), task);
    }

    #[test]
    fn the_real_tables_have_the_rows_and_columns_of_their_files() {
        check(Task::Binary, [427, 142], 30);
        check(Task::Multiclass { classes: 3 }, [258, 86], 7);
        check(Task::Regression, [257, 85], 7);
    }
}
