//! The schema a model was trained with, and bringing other tables to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::convert::convert;
use crate::parse::number::{Number, general};
use crate::read::{shorten, wanted_words};
use crate::{Categories, Column, Field, Frame, FrameError, MISSING, Schema, Strings, closest};

/// Fields and the levels of the coded ones, as they were in training.
#[derive(Debug, Clone, PartialEq)]
pub struct FrozenSchema {
    schema: Arc<Schema>,
    levels: Vec<Option<Arc<Strings>>>,
}

impl FrozenSchema {
    /// Joins fields and levels.
    ///
    /// # Panics
    /// If there is not one entry of `levels` a field, or not levels exactly for the boolean and categorical fields.
    pub fn new(schema: Schema, levels: Vec<Option<Arc<Strings>>>) -> Self {
        assert_eq!(schema.len(), levels.len(), "one entry a field");
        let pairs = schema.fields().iter().zip(&levels);
        for (field, levels) in pairs {
            assert_eq!(
                field.kind.is_coded(),
                levels.is_some(),
                "coded fields have levels: {}",
                field.name
            );
        }
        Self {
            schema: Arc::new(schema),
            levels,
        }
    }

    /// The schema and levels of a frame.
    ///
    /// # Panics
    /// If a boolean or categorical field of the frame is not stored as codes.
    pub fn of(frame: &Frame) -> Self {
        let levels = frame.columns().iter().map(|column| match column {
            Column::Categories(categories) => Some(Arc::clone(categories.levels())),
            _ => None,
        });
        Self::new((**frame.schema()).clone(), levels.collect())
    }

    /// The fields, in training order.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The levels of a coded field.
    pub fn levels(&self, position: usize) -> Option<&Arc<Strings>> {
        self.levels[position].as_ref()
    }

    /// Brings a table to this schema: picks the columns by name, in training order; ignores others; converts kinds
    /// where nothing is lost. Categories that training did not see become missing.
    ///
    /// # Errors
    /// [`FrameError::MissingColumns`] naming all columns that lack, or [`FrameError::Unfit`] for the first value that
    /// a column's kind cannot hold.
    pub fn align(&self, frame: &Frame) -> Result<Frame, FrameError> {
        let names: Vec<&str> = frame
            .schema()
            .fields()
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        self.require_names(&names)?;
        let by_name: BTreeMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (*name, at)).collect();
        let mut columns = Vec::with_capacity(self.schema.len());
        for (field, levels) in self.schema.fields().iter().zip(&self.levels) {
            let at = by_name[field.name.as_str()];
            let given = &frame.schema().fields()[at];
            let column =
                convert(&frame.columns()[at], given.kind, field).map_err(|unfit| FrameError::Unfit {
                    row: unfit.row + 1,
                    column: field.name.clone(),
                    value: shorten(unfit.value.as_bytes()),
                    wanted: wanted_words(field.kind),
                })?;
            columns.push(match (column, levels) {
                (Column::Categories(categories), Some(levels)) => {
                    Column::Categories(recode(&categories, levels))
                }
                (column, _) => column,
            });
        }
        Frame::from_parts((*self.schema).clone(), columns)
    }

    /// Checks that every column is among the names of a table.
    ///
    /// # Errors
    /// [`FrameError::MissingColumns`] naming all that lack.
    pub fn require_names(&self, names: &[&str]) -> Result<(), FrameError> {
        let given: std::collections::BTreeSet<&str> = names.iter().copied().collect();
        let lacking = self
            .schema
            .fields()
            .iter()
            .filter(|field| !given.contains(field.name.as_str()));
        let missing: Vec<(String, Vec<String>)> = lacking
            .map(|Field { name, .. }| (name.clone(), closest(name, names.iter().copied())))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(FrameError::MissingColumns { missing })
    }
}

/// Codes by the training levels. A level that training spelled otherwise but that is the same number ("1" and "1.0")
/// counts as the same, provided that all training levels are numbers.
fn recode(categories: &Categories, levels: &Arc<Strings>) -> Categories {
    let unknown = categories.levels().iter().any(|level| !is_level(levels, level));
    if !unknown {
        return categories.recode(levels);
    }
    let Some(by_value) = numeric_levels(levels) else {
        return categories.recode(levels);
    };
    let known = Categories::new(Vec::new(), Arc::clone(levels));
    let map: Vec<u32> = categories
        .levels()
        .iter()
        .map(|level| {
            let by_number = || number_of(level).and_then(|bits| by_value.get(&bits).copied());
            known.code_of(level).or_else(by_number).unwrap_or(MISSING)
        })
        .collect();
    let translate = |&code: &u32| {
        if code == MISSING {
            MISSING
        } else {
            map[code as usize]
        }
    };
    Categories::new(
        categories.codes().iter().map(translate).collect(),
        Arc::clone(levels),
    )
}

fn is_level(levels: &Arc<Strings>, wanted: &str) -> bool {
    Categories::new(Vec::new(), Arc::clone(levels))
        .code_of(wanted)
        .is_some()
}

/// The code of each number among the levels, the first spelling winning; `None` if a level is no number.
fn numeric_levels(levels: &Strings) -> Option<BTreeMap<u64, u32>> {
    let mut by_value = BTreeMap::new();
    for (code, level) in levels.iter().enumerate() {
        by_value.entry(number_of(level)?).or_insert(code as u32);
    }
    Some(by_value)
}

/// The bits of the number that a level spells, both zeros alike.
fn number_of(level: &str) -> Option<u64> {
    match general(level.as_bytes()) {
        Number::Value(value) => Some((value + 0.0).to_bits()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DateOrder, Kind};

    fn frame(columns: Vec<(&str, Kind, Column)>) -> Frame {
        let columns = columns
            .into_iter()
            .map(|(name, kind, column)| (Field::new(name, kind, "test"), column));
        Frame::new(columns.collect()).expect("distinct names, equal lengths")
    }

    fn trained() -> FrozenSchema {
        FrozenSchema::of(&frame(vec![
            ("n", Kind::Numeric, Column::numbers(vec![1.0])),
            ("c", Kind::Categorical, Column::categories(&["1"])),
            ("d", Kind::Datetime, Column::numbers(vec![0.0])),
            ("t", Kind::Text, Column::text(&["a b"])),
        ]))
    }

    #[test]
    fn columns_are_picked_by_name_and_converted_without_loss() {
        let given = frame(vec![
            ("extra", Kind::Numeric, Column::numbers(vec![9.0, 9.0])),
            ("t", Kind::Integer, Column::numbers(vec![7.0, f64::NAN])),
            ("d", Kind::Categorical, Column::categories(&["1970-01-02", ""])),
            ("c", Kind::Numeric, Column::numbers(vec![1.0, 2.0])),
            ("n", Kind::Text, Column::text(&["2.5", ""])),
        ]);
        let aligned = trained().align(&given).expect("all fits");
        let view = aligned.view();
        assert_eq!(view.numbers(0)[0], 2.5);
        assert!(view.numbers(0)[1].is_nan());
        assert_eq!(view.codes(1), [0, MISSING]);
        assert_eq!(view.numbers(2)[0], 86_400e6);
        assert_eq!(view.texts(3).collect::<Vec<_>>(), ["7", ""]);
        assert_eq!(aligned.schema(), trained().schema());
    }

    #[test]
    fn a_level_is_found_under_another_spelling_of_its_number() {
        let levels = Arc::new(["1.0", "2"].iter().collect::<Strings>());
        let Column::Categories(given) = Column::categories(&["1", "2.00", "3", "x"]) else {
            panic!("categorical")
        };
        assert_eq!(recode(&given, &levels).codes(), [0, 1, MISSING, MISSING]);
    }

    #[test]
    fn all_missing_columns_are_named_at_once_with_the_closest_names() {
        let given = frame(vec![
            ("N", Kind::Numeric, Column::numbers(vec![1.0])),
            ("d", Kind::Numeric, Column::numbers(vec![f64::NAN])),
        ]);
        let error = trained().align(&given).expect_err("columns lack");
        assert_eq!(
            error.to_string(),
            "the table lacks 3 columns: 'n' (did you mean N, d?), 'c' (did you mean N, d?), 't' (did you mean N, d?)"
        );
    }

    #[test]
    fn a_value_that_does_not_fit_is_named() {
        let given = frame(vec![
            ("n", Kind::Categorical, Column::categories(&["1", "two"])),
            ("c", Kind::Categorical, Column::categories(&["1", "1"])),
            ("d", Kind::Numeric, Column::numbers(vec![f64::NAN, f64::NAN])),
            ("t", Kind::Text, Column::text(&["", ""])),
        ]);
        let error = trained().align(&given).expect_err("'two' is no number");
        assert_eq!(
            error.to_string(),
            "row 2, column 'n': 'two' is not a number, as the column was in training: mend the value or leave it empty"
        );
    }

    #[test]
    fn dates_are_read_in_the_order_of_training() {
        let field = Field::new("d", Kind::Datetime, "test").with_dates(DateOrder::MonthFirst);
        let schema = FrozenSchema::new(Schema::new(vec![field]).expect("one name"), vec![None]);
        let given = frame(vec![(
            "d",
            Kind::Categorical,
            Column::categories(&["01/02/1970"]),
        )]);
        let aligned = schema.align(&given).expect("a date");
        assert_eq!(aligned.view().numbers(0), [86_400e6]);
    }
}
