//! One flaw for every clause about transforms.

use std::sync::Arc;
use std::time::Duration;

use kolosal_frame::{Column, Field, Frame, FrameView, Kind, Schema, SparseNumbers};
use kolosal_learner::{
    ArtifactError, Decoder, Encoder, FitContext, FitError, Fitted, FittedTransform, Task, TrainView,
    Transform,
};
use kolosal_prep::Scale;

use crate::transform::{TRANSFORM_CLAUSES, TransformCase, check_transform};

/// Scaling with any part replaced, and a number of its own.
#[derive(Clone, Copy)]
struct Flawed {
    name: &'static str,
    tail: fn(&TrainView<'_>, &FitContext<'_>) -> Result<u32, FitError>,
    train: fn(Frame) -> Frame,
    apply: fn(Frame, FrameView<'_>, u32) -> Frame,
    read_tail: fn(&mut Decoder<'_>) -> Result<u32, ArtifactError>,
    origins: fn(Vec<usize>) -> Vec<usize>,
}

const HONEST: Flawed = Flawed {
    name: "scale",
    tail: |_, _| Ok(0),
    train: |frame| frame,
    apply: |frame, _, _| frame,
    read_tail: |from| from.u32(),
    origins: |origins| origins,
};

struct FlawedFitted {
    inner: Box<dyn FittedTransform>,
    flawed: Flawed,
    tail: u32,
}

impl Transform for Flawed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn fit(&self, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Fitted, FitError> {
        let fitted = Scale.fit(train, cx)?;
        let transform = Box::new(FlawedFitted {
            inner: fitted.transform,
            flawed: *self,
            tail: (self.tail)(train, cx)?,
        });
        let train = (self.train)(fitted.train);
        Ok(Fitted { transform, train })
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError> {
        Ok(Box::new(FlawedFitted {
            inner: Scale.load(from)?,
            flawed: *self,
            tail: (self.read_tail)(from)?,
        }))
    }
}

impl FittedTransform for FlawedFitted {
    fn name(&self) -> &'static str {
        HONEST.name
    }

    fn apply(&self, x: FrameView<'_>) -> Frame {
        (self.flawed.apply)(self.inner.apply(x), x, self.tail)
    }

    fn save(&self, to: &mut Encoder) {
        self.inner.save(to);
        to.u32(self.tail);
    }

    fn origins(&self) -> Vec<usize> {
        (self.flawed.origins)(self.inner.origins())
    }
}

#[track_caller]
fn check(clause: &str, words: &str, flawed: Flawed) {
    let case = TransformCase {
        transform: Box::leak(Box::new(flawed)),
        task: Task::Regression,
    };
    let clause = TRANSFORM_CLAUSES
        .iter()
        .find(|c| c.name == clause)
        .expect("a clause of this name");
    let found = clause
        .judge(case, Duration::from_secs(20))
        .map(|breach| breach.what);
    assert!(
        found.as_ref().is_some_and(|what| what.contains(words)),
        "expected '{words}', found {found:?}"
    );
}

/// Some column of numbers changed.
fn changed(frame: &Frame, position: usize, change: impl Fn(usize, f64) -> f64) -> Frame {
    let values = frame.view().numbers(position);
    let mut columns = frame.columns().to_vec();
    columns[position] = Column::numbers(
        values
            .into_iter()
            .enumerate()
            .map(|(row, v)| change(row, v))
            .collect(),
    );
    Frame::with_schema(frame.schema(), columns)
}

fn renamed(frame: &Frame) -> Frame {
    let mut fields: Vec<Field> = frame.schema().fields().to_vec();
    fields[0] = Field::new("renamed", Kind::Numeric, "test");
    let schema = Schema::new(fields).expect("distinct names");
    Frame::with_schema(&Arc::new(schema), frame.columns().to_vec())
}

#[test]
fn the_honest_transform_breaks_nothing() {
    crate::clause::expect_none(&check_transform(Box::leak(Box::new(HONEST))));
}

#[test]
fn flaws_of_fits_are_noticed() {
    check(
        "the name is lower case joined by _",
        "it is 'Scale'",
        Flawed {
            name: "Scale",
            ..HONEST
        },
    );
    check(
        "the name is lower case joined by _",
        "it calls itself 'scale'",
        Flawed {
            name: "scaled",
            ..HONEST
        },
    );
    let columns = "training rows come out with the columns of all rows";
    check(
        columns,
        "training rows: the fields are",
        Flawed {
            train: |frame| renamed(&frame),
            ..HONEST
        },
    );
    check(
        columns,
        "129 rows come out of 130",
        Flawed {
            train: |frame| frame.view().slice(0, 129).to_frame(),
            ..HONEST
        },
    );
    let origins = "every column has an origin";
    check(
        origins,
        "7 origins for 8 columns",
        Flawed {
            origins: |o| o[1..].to_vec(),
            ..HONEST
        },
    );
    check(
        origins,
        "of 8 input columns",
        Flawed {
            origins: |o| o.iter().map(|at| at + 1).collect(),
            ..HONEST
        },
    );
}

#[test]
fn fits_that_read_what_they_should_not_are_noticed() {
    let threads = Flawed {
        tail: |_, cx| Ok(cx.workers.threads() as u32),
        ..HONEST
    };
    check(
        "the thread count changes nothing",
        "2 threads: the saved bytes differ",
        threads,
    );
    let whole = Flawed {
        tail: |train, _| Ok((train.features().frame().view().numbers(1).iter().sum::<f64>()) as u32),
        ..HONEST
    };
    check(
        "only the rows of the view are read",
        "rows outside the view changed",
        whole,
    );
    let weighed = Flawed {
        tail: |train, _| match train.weights() {
            None => Ok(0),
            Some(_) => Err(FitError::OutOfTime),
        },
        ..HONEST
    };
    check("weights are taken", "the fit was refused", weighed);
}

#[test]
fn flaws_of_application_are_noticed() {
    let same = "any rows come out with the same columns";
    let by_rows = |frame: Frame, x: FrameView<'_>, _| {
        if x.row_count() == 0 {
            renamed(&frame)
        } else {
            frame
        }
    };
    check(
        same,
        "no rows: the fields are",
        Flawed {
            apply: by_rows,
            ..HONEST
        },
    );
    let sparse = |frame: Frame, _: FrameView<'_>, _| {
        let values = frame.view().numbers(1);
        let mut columns = frame.columns().to_vec();
        if values.iter().all(|v| *v > 0.0) {
            let rows = (0..values.len() as u32).collect();
            columns[1] = Column::Sparse(Arc::new(SparseNumbers::new(values.len(), rows, values)));
        }
        Frame::with_schema(frame.schema(), columns)
    };
    check(
        same,
        "storage or levels of 'whole' differ",
        Flawed {
            apply: sparse,
            ..HONEST
        },
    );
    let batch = |frame: Frame, x: FrameView<'_>, _| changed(&frame, 1, |_, v| v + x.row_count() as f64);
    check(
        "a row's values depend on that row alone",
        "row 1 alone: the values of 'whole' differ",
        Flawed {
            apply: batch,
            ..HONEST
        },
    );
    let gaps = |train: &TrainView<'_>, _: &FitContext<'_>| {
        assert!(
            train.features().numbers(1).iter().any(|v| !v.is_nan()),
            "nothing but gaps"
        );
        Ok(0)
    };
    check(
        "gaps and strange values are taken",
        "nothing but gaps",
        Flawed { tail: gaps, ..HONEST },
    );
}

#[test]
fn flaws_of_saved_transforms_are_noticed() {
    let same = "a saved transform reads back the same";
    check(
        same,
        "not all bytes are read",
        Flawed {
            read_tail: |_| Ok(0),
            ..HONEST
        },
    );
    check(
        same,
        "saving again gives other bytes",
        Flawed {
            read_tail: |from| Ok(from.u32()? + 1),
            ..HONEST
        },
    );
    let forgiving = Flawed {
        read_tail: |from| Ok(from.u32().unwrap_or(0)),
        ..HONEST
    };
    check("truncated bytes are refused", "bytes are accepted", forgiving);
    let trusting = |frame: Frame, x: FrameView<'_>, tail| {
        assert!(tail < x.row_count() as u32, "a row that is not there");
        frame
    };
    check(
        "damaged bytes do no harm",
        "a row that is not there",
        Flawed {
            apply: trusting,
            ..HONEST
        },
    );
}

#[test]
fn flaws_at_the_edge_are_noticed() {
    let fails =
        |words: &'static str| move |clause: &str, tail| check(clause, words, Flawed { tail, ..HONEST });
    let refused = fails("the fit was refused");
    refused("one row", |train, _| {
        if train.row_count() == 1 {
            Err(FitError::OutOfTime)
        } else {
            Ok(0)
        }
    });
    refused("columns without values", |train, _| {
        let x = train.features();
        let is_blank = x.row_count() > 1 && x.numbers(0).iter().all(|v| v.is_nan());
        if is_blank { Err(FitError::OutOfTime) } else { Ok(0) }
    });
    refused("one value in all rows", |train, _| {
        let values = train.features().numbers(1);
        if values.iter().all(|v| *v == values[0]) {
            Err(FitError::OutOfTime)
        } else {
            Ok(0)
        }
    });
    refused("duplicated columns", |train, _| {
        if train.features().column_count() > 8 {
            Err(FitError::OutOfTime)
        } else {
            Ok(0)
        }
    });
    refused("huge and tiny values in training", |train, _| {
        if train.features().numbers(1)[0] > 1e299 {
            Err(FitError::OutOfTime)
        } else {
            Ok(0)
        }
    });
    refused("a column alone", |train, _| {
        if train.features().column_count() == 1 {
            Err(FitError::OutOfTime)
        } else {
            Ok(0)
        }
    });
}
