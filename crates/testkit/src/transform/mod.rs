//! The contract of transforms, clause by clause.

mod apply;
mod bytes;
mod edges;
mod fit;

use kolosal_frame::{Column, Frame, FrameView};
use kolosal_learner::{Encoder, Fitted, FittedTransform, Task, TrainView, Transform};

use crate::clause::{Breach, Clause, Subject, Verdict, breaches, demand};
use crate::room::Room;
use crate::tables::{Table, everything};

/// A transform and the task of the table it is fitted on.
#[derive(Clone, Copy)]
pub struct TransformCase {
    /// The transform.
    pub transform: &'static dyn Transform,
    /// The task.
    pub task: Task,
}

/// Every clause about a transform.
pub const TRANSFORM_CLAUSES: &[Clause<TransformCase>] = &[
    Clause {
        name: "the name is lower case joined by _",
        check: fit::is_named,
    },
    Clause {
        name: "training rows come out with the columns of all rows",
        check: fit::columns_of_training,
    },
    Clause {
        name: "every column has an origin",
        check: fit::origins_exist,
    },
    Clause {
        name: "the thread count changes nothing",
        check: fit::at_any_thread_count,
    },
    Clause {
        name: "only the rows of the view are read",
        check: fit::only_rows_of_the_view,
    },
    Clause {
        name: "weights are taken",
        check: fit::weights_are_taken,
    },
    Clause {
        name: "any rows come out with the same columns",
        check: apply::same_columns,
    },
    Clause {
        name: "a row's values depend on that row alone",
        check: apply::row_alone,
    },
    Clause {
        name: "gaps and strange values are taken",
        check: apply::strange_values,
    },
    Clause {
        name: "a saved transform reads back the same",
        check: bytes::read_back_the_same,
    },
    Clause {
        name: "truncated bytes are refused",
        check: bytes::truncated_are_refused,
    },
    Clause {
        name: "damaged bytes do no harm",
        check: bytes::damaged_do_no_harm,
    },
    Clause {
        name: "one row",
        check: edges::one_row,
    },
    Clause {
        name: "columns without values",
        check: edges::columns_without_values,
    },
    Clause {
        name: "one value in all rows",
        check: edges::constant_columns,
    },
    Clause {
        name: "duplicated columns",
        check: edges::duplicated_columns,
    },
    Clause {
        name: "huge and tiny values in training",
        check: edges::huge_values,
    },
    Clause {
        name: "a column alone",
        check: edges::column_alone,
    },
];

/// Every breach of every clause by a transform.
pub fn check_transform(transform: &'static dyn Transform) -> Vec<Breach> {
    breaches(&TransformCase::of(transform), TRANSFORM_CLAUSES)
}

/// Rows enough for every level of the large category to occur, and for some to be rare.
const ROWS: usize = 130;

impl Subject for TransformCase {
    fn whom(&self) -> String {
        format!("{}, {}", self.transform.name(), self.task.kind().name())
    }
}

impl TransformCase {
    /// One case for each kind of target.
    pub fn of(transform: &'static dyn Transform) -> Vec<Self> {
        let tasks = [Task::Binary, Task::Multiclass { classes: 3 }, Task::Regression];
        tasks.map(|task| Self { transform, task }).to_vec()
    }

    fn table(&self) -> Table {
        everything(self.task, ROWS, 1)
    }

    /// A fit after which the ledger must hold what it held before.
    fn fit_in(&self, train: &TrainView<'_>, room: &Room) -> Result<Fitted, String> {
        let fitted = self
            .transform
            .fit(train, &room.cx())
            .map_err(|error| format!("the fit was refused: {error}"))?;
        let used = room.memory.used();
        demand(used == 0, || format!("{used} bytes stay reserved after the fit"))?;
        Ok(fitted)
    }

    fn fit(&self, table: &Table) -> Result<Fitted, String> {
        self.fit_in(&table.train(), &Room::new(1))
    }
}

fn bytes_of(transform: &dyn FittedTransform) -> Vec<u8> {
    let mut out = Encoder::new();
    transform.save(&mut out);
    out.into_bytes()
}

/// Two frames have the same names, kinds, storages and levels.
fn same_columns(what: &str, a: &Frame, b: &Frame) -> Verdict {
    demand(a.schema() == b.schema(), || {
        format!("{what}: the fields are {:?}, were {:?}", b.schema(), a.schema())
    })?;
    for (field, (x, y)) in a
        .schema()
        .fields()
        .iter()
        .zip(a.columns().iter().zip(b.columns()))
    {
        let is_same = match (x, y) {
            (Column::Numbers(_), Column::Numbers(_))
            | (Column::Sparse(_), Column::Sparse(_))
            | (Column::Text(_), Column::Text(_)) => true,
            (Column::Categories(x), Column::Categories(y)) => x.levels() == y.levels(),
            _ => false,
        };
        demand(is_same, || {
            format!("{what}: storage or levels of '{}' differ", field.name)
        })?;
    }
    Ok(())
}

/// Two views have the same columns with the same values in the same order, to the last bit.
fn same_values(what: &str, a: FrameView<'_>, b: FrameView<'_>) -> Verdict {
    same_columns(what, a.frame(), b.frame())?;
    demand(a.row_count() == b.row_count(), || {
        format!("{what}: {} rows, were {}", b.row_count(), a.row_count())
    })?;
    for (position, field) in a.frame().schema().fields().iter().enumerate() {
        let is_same = match a.column(position) {
            Column::Numbers(_) | Column::Sparse(_) => bits(a, position) == bits(b, position),
            Column::Categories(_) => a.codes(position) == b.codes(position),
            Column::Text(_) => a.texts(position).eq(b.texts(position)),
        };
        demand(is_same, || {
            format!("{what}: the values of '{}' differ", field.name)
        })?;
    }
    Ok(())
}

fn bits(x: FrameView<'_>, position: usize) -> Vec<u64> {
    x.numbers(position).iter().map(|value| value.to_bits()).collect()
}

/// The frame has so many rows, and numbers are finite or missing.
fn sound(frame: &Frame, rows: usize) -> Verdict {
    demand(frame.row_count() == rows, || {
        format!("{} rows come out of {rows}", frame.row_count())
    })?;
    for (position, field) in frame.schema().fields().iter().enumerate() {
        if matches!(frame.columns()[position], Column::Numbers(_) | Column::Sparse(_)) {
            let odd = frame
                .view()
                .numbers(position)
                .into_iter()
                .find(|value| value.is_infinite());
            demand(odd.is_none(), || format!("'{}' holds {odd:?}", field.name))?;
        }
    }
    Ok(())
}
