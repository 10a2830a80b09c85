//! A booster read from another library's file.

use std::sync::Arc;

use kolosal_frame::{Column, Field, Frame, FrameView, FrozenSchema, Kind, Schema};
use kolosal_learner::FittedModel;

use super::catboost::Combination;
use super::{BoosterColumn, InteropError, Library};
use crate::boost::BoostModel;

/// A booster that another library trained, with what its file says of columns and classes.
///
/// Its model is a [`BoostModel`] like any other. Only a CatBoost model whose trees test statistics of several columns
/// together ([`combination_count`](Self::combination_count)) needs these computed first: it answers through
/// [`predict_into`](Self::predict_into) and [`scores_into`](Self::scores_into), but has no model that stands alone.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedBooster {
    pub(super) library: Library,
    pub(super) objective: String,
    pub(super) columns: Vec<BoosterColumn>,
    pub(super) schema: FrozenSchema,
    /// Names of classes, empty where the file has none.
    pub(super) classes: Vec<String>,
    /// Tests the columns, then the combinations behind them.
    pub(super) model: BoostModel,
    pub(super) combinations: Vec<Combination>,
}

impl ImportedBooster {
    /// The library that wrote the file.
    pub fn library(&self) -> Library {
        self.library
    }

    /// The objective it was trained for, in the library's own word.
    pub fn objective(&self) -> &str {
        &self.objective
    }

    /// The raw columns, in the order of training.
    pub fn columns(&self) -> &[BoosterColumn] {
        &self.columns
    }

    /// The names of the classes, empty where the file does not say.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Statistics of several columns together that the trees test.
    pub fn combination_count(&self) -> usize {
        self.combinations.len()
    }

    /// The model on its own.
    ///
    /// # Errors
    /// [`InteropError::Foreign`] if it tests combinations.
    pub fn into_model(self) -> Result<BoostModel, InteropError> {
        match self.combinations.len() {
            0 => Ok(self.model),
            count => Err(InteropError::foreign(
                self.library,
                format!(
                    "its trees test {count} statistics of several columns together; train it with max_ctr_complexity=1"
                ),
            )),
        }
    }

    /// The schema that brings a table to the model's columns.
    pub fn schema(&self) -> &FrozenSchema {
        &self.schema
    }

    /// Numbers in an answer: one, or one a class.
    pub fn width(&self) -> usize {
        self.model.shape().1
    }

    /// Answers every row of a table that has the columns of [`schema`](Self::schema), row after row.
    ///
    /// # Panics
    /// If `out` is not `rows * width` long or the table has another number of columns.
    pub fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        self.with_combinations(x, |x| self.model.predict_into(x, out));
    }

    /// The scores of every row before the link, `output_count` numbers a row.
    ///
    /// # Panics
    /// If `out` is not `rows * output_count` long or the table has another number of columns.
    pub fn scores_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let width = self.model.output_count();
        assert_eq!(out.len(), x.row_count() * width, "one place a score");
        self.with_combinations(x, |x| {
            self.model.for_each_row(x, |row, tested| {
                let scores = &mut out[row * width..(row + 1) * width];
                self.model.score_into(tested, self.model.tree_count(), scores);
            });
        });
    }

    /// Scores of a row: the classes but for two, the numbers of an answer otherwise.
    pub fn output_count(&self) -> usize {
        self.model.output_count()
    }

    fn with_combinations(&self, x: FrameView<'_>, visit: impl FnOnce(FrameView<'_>)) {
        assert_eq!(x.column_count(), self.columns.len(), "the columns of training");
        if self.combinations.is_empty() {
            visit(x);
            return;
        }
        let plain = x.to_frame();
        let mut columns: Vec<Column> = plain.columns().to_vec();
        columns.extend(
            self.combinations
                .iter()
                .map(|c| Column::numbers(c.values(&plain))),
        );
        let field = |(at, column): (usize, &Column)| match column {
            Column::Categories(_) => Field::new(at.to_string(), Kind::Categorical, "imported"),
            _ => Field::new(at.to_string(), Kind::Numeric, "imported"),
        };
        let schema = Schema::new(columns.iter().enumerate().map(field).collect());
        let schema = Arc::new(schema.expect("positions are distinct names"));
        let whole = Frame::with_schema(&schema, columns);
        visit(whole.view());
    }
}
