//! Turning a column into another kind where nothing is lost.

use std::sync::Arc;

use crate::parse::is_missing;
use crate::parse::moment::{self, DateOrder};
use crate::parse::number::{Number, general, shortest};
use crate::read::dictionary::{Dictionary, merge};
use crate::{Categories, Column, Field, Kind, MISSING, Strings};

/// A value that the wanted kind cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) row: usize,
    pub(crate) value: String,
}

/// The column as the wanted field stores it.
pub(crate) fn convert(column: &Column, from: Kind, wanted: &Field) -> Result<Column, Unfit> {
    match wanted.kind {
        Kind::Numeric | Kind::Integer => match column {
            Column::Numbers(values) if from == Kind::Datetime => refuse_all(values, column, from),
            Column::Numbers(_) | Column::Sparse(_) => Ok(column.clone()),
            words => parse_words(words, parse_number),
        },
        Kind::Datetime => match column {
            Column::Numbers(values) if from != Kind::Datetime => refuse_all(values, column, from),
            Column::Numbers(_) => Ok(column.clone()),
            words => parse_words(words, |text| parse_moment(text, wanted.dates)),
        },
        Kind::Boolean | Kind::Categorical => match column {
            Column::Categories(_) => Ok(column.clone()),
            other => Ok(Column::Categories(categorise(
                (0..other.len()).map(|row| spell(other, from, row)),
            ))),
        },
        Kind::Text | Kind::Identifier => match column {
            Column::Text(_) => Ok(column.clone()),
            other => {
                let strings = (0..other.len()).map(|row| spell(other, from, row));
                Ok(Column::Text(Arc::new(strings.collect())))
            }
        },
    }
}

/// The value in a row as text, the empty string if it is missing.
pub(crate) fn spell(column: &Column, kind: Kind, row: usize) -> String {
    let number = |value: f64| match kind {
        _ if value.is_nan() => String::new(),
        Kind::Datetime => moment::write(value),
        _ => shortest(value),
    };
    match column {
        Column::Numbers(values) => number(values[row]),
        Column::Sparse(sparse) => number(sparse.get(row)),
        Column::Text(strings) => strings.get(row).to_owned(),
        Column::Categories(categories) => match categories.codes()[row] {
            MISSING => String::new(),
            code => categories.levels().get(code as usize).to_owned(),
        },
    }
}

/// Codes of values, the empty string being missing.
pub(crate) fn categorise<S: AsRef<str>>(values: impl Iterator<Item = S>) -> Categories {
    let mut dictionary = Dictionary::default();
    let intern = |value: S| match value.as_ref().as_bytes() {
        [] => MISSING,
        bytes => dictionary.intern(bytes).expect("a string is UTF-8"),
    };
    let mut codes: Vec<u32> = values.map(intern).collect();
    let merged = merge(&[&dictionary]);
    for code in codes.iter_mut().filter(|code| **code != MISSING) {
        *code = merged.maps[0][*code as usize];
    }
    Categories::new(codes, merged.levels)
}

fn parse_number(text: &str) -> Option<f64> {
    match general(text.as_bytes()) {
        Number::Value(value) | Number::Wide(value) => Some(value),
        Number::Missing => Some(f64::NAN),
        Number::Infinite | Number::Not => None,
    }
}

fn parse_moment(text: &str, order: DateOrder) -> Option<f64> {
    let bytes = text.as_bytes();
    if is_missing(bytes) {
        return Some(f64::NAN);
    }
    moment::read(bytes, order).or_else(|| moment::read(bytes, DateOrder::YearFirst))
}

/// Numbers from words: each level once, or each text.
fn parse_words(column: &Column, parse: impl Fn(&str) -> Option<f64>) -> Result<Column, Unfit> {
    let unfit = |row: usize, value: &str| Unfit {
        row,
        value: value.to_owned(),
    };
    let values: Result<Vec<f64>, Unfit> = match column {
        Column::Categories(categories) => {
            let parsed: Vec<Option<f64>> = categories.levels().iter().map(parse).collect();
            let rows = categories.codes().iter().enumerate();
            rows.map(|(row, &code)| match code {
                MISSING => Ok(f64::NAN),
                code => {
                    parsed[code as usize].ok_or_else(|| unfit(row, categories.levels().get(code as usize)))
                }
            })
            .collect()
        }
        Column::Text(strings) => {
            let rows = strings.iter().enumerate();
            rows.map(|(row, text)| parse(text).ok_or_else(|| unfit(row, text)))
                .collect()
        }
        Column::Numbers(_) | Column::Sparse(_) => unreachable!("numbers are no words"),
    };
    values.map(Column::numbers)
}

/// Numbers that mean something else fit only where all are missing.
fn refuse_all(values: &[f64], column: &Column, from: Kind) -> Result<Column, Unfit> {
    match values.iter().position(|value| !value.is_nan()) {
        None => Ok(column.clone()),
        Some(row) => Err(Unfit {
            row,
            value: spell(column, from, row),
        }),
    }
}

/// Strings of a column that stores text.
pub(crate) fn text_of(categories: &Categories) -> Strings {
    let levels = categories.levels();
    let codes = categories.codes().iter();
    codes
        .map(|&code| {
            if code == MISSING {
                ""
            } else {
                levels.get(code as usize)
            }
        })
        .collect()
}
