//! Imputation: a training median in place of each missing number, and a column that says where.
//!
//! Every column of numbers, sparse ones included, gets the median of its training rows (zero if all are missing). A column with missing values
//! in training also gets an indicator, 1 where the value was missing. Categories keep their missing state: learners
//! that take categories give it a place of its own.

use std::sync::Arc;

use kolosal_frame::{Column, Field, Frame, FrameView, Kind, SparseNumbers};
use kolosal_learner::{
    ArtifactError, Decoder, Encoder, FitContext, FitError, Fitted, FittedTransform, TrainView, Transform,
};

use crate::output::{Output, OutputBuilder};

/// Fills missing numbers with the training median.
#[derive(Debug, Clone, Copy)]
pub struct Impute;

#[derive(Debug)]
struct FittedImpute {
    columns: Vec<Fill>,
    output: Output,
}

/// What happens to one column.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fill {
    /// It is no column of numbers.
    Keep,
    /// Missing numbers become the median.
    Median(f64),
    /// Missing numbers become the median, and an indicator follows.
    MedianAndIndicator(f64),
}

impl Transform for Impute {
    fn name(&self) -> &'static str {
        "impute"
    }

    fn fit(&self, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Fitted, FitError> {
        let x = train.features();
        let columns = cx.workers.map(x.column_count(), |position| learn(x, position));
        let transform = Box::new(FittedImpute {
            output: output_of(x, &columns),
            columns,
        });
        let train = transform.apply(x);
        Ok(Fitted { transform, train })
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError> {
        let count = from.count("columns", from.remaining() / 9)?;
        let columns = (0..count)
            .map(|_| load_fill(from))
            .collect::<Result<Vec<_>, _>>()?;
        let output = Output::load(from, count)?;
        let expected: usize = columns.iter().map(Fill::width).sum();
        if expected != output.origins().len() {
            return Err(ArtifactError::damaged(
                "imputed columns and features differ in number",
            ));
        }
        Ok(Box::new(FittedImpute { columns, output }))
    }
}

impl Fill {
    fn width(&self) -> usize {
        if matches!(self, Self::MedianAndIndicator(_)) {
            2
        } else {
            1
        }
    }

    fn save(self, to: &mut Encoder) {
        let (tag, median) = match self {
            Self::Keep => (0, 0.0),
            Self::Median(median) => (1, median),
            Self::MedianAndIndicator(median) => (2, median),
        };
        to.u8(tag);
        to.f64(median);
    }
}

fn load_fill(from: &mut Decoder<'_>) -> Result<Fill, ArtifactError> {
    let (tag, median) = (from.u8()?, from.finite()?);
    match tag {
        0 => Ok(Fill::Keep),
        1 => Ok(Fill::Median(median)),
        2 => Ok(Fill::MedianAndIndicator(median)),
        other => Err(ArtifactError::damaged(format!(
            "there is no way {other} to impute"
        ))),
    }
}

fn learn(x: FrameView<'_>, position: usize) -> Fill {
    if !matches!(x.column(position), Column::Numbers(_) | Column::Sparse(_)) {
        return Fill::Keep;
    }
    let mut present = x.numbers(position);
    let rows = present.len();
    present.retain(|value| !value.is_nan());
    let has_gaps = present.len() < rows;
    let median = median_of(&mut present);
    if has_gaps {
        Fill::MedianAndIndicator(median)
    } else {
        Fill::Median(median)
    }
}

/// The median, the mean of the middle two where there are two; zero for no values.
fn median_of(values: &mut [f64]) -> f64 {
    let count = values.len();
    if count == 0 {
        return 0.0;
    }
    let (below, upper, _) = values.select_nth_unstable_by(count / 2, f64::total_cmp);
    if count % 2 == 1 {
        return *upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lower + (*upper - lower) / 2.0
}

fn output_of(x: FrameView<'_>, columns: &[Fill]) -> Output {
    let mut output = OutputBuilder::default();
    for (position, (field, fill)) in x.frame().schema().fields().iter().zip(columns).enumerate() {
        output.push(position, field.clone());
        if matches!(fill, Fill::MedianAndIndicator(_)) {
            let name = format!("{} is missing", field.name);
            output.push(position, Field::new(name, Kind::Integer, "missing in training"));
        }
    }
    output.finish()
}

impl FittedTransform for FittedImpute {
    fn name(&self) -> &'static str {
        Impute.name()
    }

    fn apply(&self, x: FrameView<'_>) -> Frame {
        assert_eq!(x.column_count(), self.columns.len(), "the columns of training");
        let mut columns = Vec::with_capacity(self.output.origins().len());
        for (position, fill) in self.columns.iter().enumerate() {
            match *fill {
                Fill::Keep => columns.push(x.gather(position)),
                Fill::Median(median) => columns.push(filled(x, position, median)),
                Fill::MedianAndIndicator(median) => {
                    let column = x.column(position);
                    let is_missing = |row| f64::from(u8::from(column.is_missing(x.rows().get(row))));
                    columns.push(filled(x, position, median));
                    columns.push(Column::numbers((0..x.row_count()).map(is_missing).collect()));
                }
            }
        }
        self.output.frame(columns)
    }

    fn save(&self, to: &mut Encoder) {
        to.u64(self.columns.len() as u64);
        self.columns.iter().for_each(|fill| fill.save(to));
        self.output.save(to);
    }

    fn origins(&self) -> Vec<usize> {
        self.output.origins().to_vec()
    }
}

/// The column with the median in its gaps; sparse numbers stay sparse. Only bytes that were tampered with ask for the
/// numbers of another column: it is all gaps then.
fn filled(x: FrameView<'_>, position: usize, median: f64) -> Column {
    let fill = |value: f64| if value.is_nan() { median } else { value };
    match x.gather(position) {
        Column::Numbers(values) => Column::numbers(values.iter().map(|&value| fill(value)).collect()),
        Column::Sparse(sparse) => {
            let filled = sparse
                .rows()
                .iter()
                .zip(sparse.values())
                .map(|(&row, &value)| (row, fill(value)));
            let (rows, values) = filled.filter(|(_, value)| *value != 0.0).unzip();
            Column::Sparse(Arc::new(SparseNumbers::new(x.row_count(), rows, values)))
        }
        _ => Column::numbers(vec![median; x.row_count()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_transform, fit_rows, fitted, table};

    #[test]
    fn a_gap_becomes_the_median_and_is_marked() {
        check_transform(&Impute, &["n", "n is missing", "d", "c", "t"]);
        let (frame, fitted) = fitted(&Impute);
        let out = fitted.transform.apply(frame.view());
        // Present values are 0 1 4 16 25 36 49 64 81 100 121: the sixth is 36.
        assert_eq!(out.view().numbers(0)[3], 36.0);
        assert_eq!(out.view().numbers(1).iter().sum::<f64>(), 1.0);
    }

    #[test]
    fn rows_outside_training_do_not_influence_the_median() {
        let (frame, target) = table();
        let fitted = fit_rows(&Impute, &frame, &target, &[0, 1, 2]);
        // Row 3 is missing but was not seen in training: filled with the median of 0, 1, 4, and no indicator.
        let out = fitted.transform.apply(frame.view());
        assert_eq!(out.view().numbers(0)[3], 1.0);
        assert_eq!(out.column_count(), 4);
    }

    #[test]
    fn gaps_of_sparse_numbers_are_filled_and_stay_sparse() {
        let stored = SparseNumbers::new(6, vec![0, 2, 3, 5], vec![f64::NAN, 4.0, 7.0, 5.0]);
        let frame = Frame::new(vec![(
            Field::new("s", Kind::Numeric, "test"),
            Column::Sparse(Arc::new(stored)),
        )])
        .expect("one column");
        let out = fit_rows(&Impute, &frame, &[0.0; 6], &[0, 1, 2, 3, 4, 5]).train;
        // Present values are 0 0 4 5 7.
        assert!(matches!(&out.columns()[0], Column::Sparse(s) if s.rows() == [0, 2, 3, 5]));
        assert_eq!(out.view().numbers(0), [4.0, 0.0, 4.0, 7.0, 0.0, 5.0]);
        assert_eq!(out.view().numbers(1), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn medians_of_even_and_empty_lists() {
        assert_eq!(median_of(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median_of(&mut []), 0.0);
    }
}
