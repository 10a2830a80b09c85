//! Which columns hold categories, and the names that pandas gave to their codes.

use std::sync::Arc;

use serde_json::Value;

use super::super::columns::LevelCodes;
use super::super::{BoosterColumn, InteropError, Library};
use super::text::{Block, Parts};

const NAMES: &str = "pandas_categorical:";

/// A column, and what the file's category codes are here; `None` where values are the codes themselves.
pub(super) struct LightgbmColumn {
    pub(super) column: BoosterColumn,
    pub(super) codes: Option<LevelCodes>,
}

/// Reads names and levels of the columns.
pub(super) fn read_columns(parts: &Parts<'_>, features: usize) -> Result<Vec<LightgbmColumn>, InteropError> {
    let names = words(&parts.header, "feature_names", features)?;
    let names = names.ok_or_else(|| parts.header.damaged("feature_names", "it is missing"))?;
    let coded = coded_columns(parts, features)?;
    let mut levels = level_names(parts.rest)?;
    if levels.len() != coded.len() {
        // Codes were given as numbers for some columns at least, and which is not said.
        levels.clear();
    }
    let mut levels = levels.into_iter();
    let mut columns = Vec::with_capacity(features);
    for (at, name) in names.into_iter().enumerate() {
        let codes = if coded.contains(&at) { levels.next() } else { None };
        let column = match &codes {
            Some(codes) => BoosterColumn::levels(name, Arc::clone(&codes.levels)),
            None => BoosterColumn::numbers(name),
        };
        columns.push(LightgbmColumn { column, codes });
    }
    Ok(columns)
}

fn words<'a>(header: &Block<'a>, key: &str, features: usize) -> Result<Option<Vec<&'a str>>, InteropError> {
    let Some(text) = header.find(key) else {
        return Ok(None);
    };
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    if words.len() == features {
        Ok(Some(words))
    } else {
        Err(header.damaged(key, format!("{} entries for {features} features", words.len())))
    }
}

/// The categorical columns: those the parameters name, or else those whose values are listed instead of bounded.
fn coded_columns(parts: &Parts<'_>, features: usize) -> Result<Vec<usize>, InteropError> {
    let infos = words(&parts.header, "feature_infos", features)?.unwrap_or_else(|| vec!["none"; features]);
    let named = parts
        .rest
        .lines()
        .find_map(|line| line.strip_prefix("[categorical_feature: ")?.strip_suffix(']'));
    let named: Vec<usize> = match named.filter(|text| !text.is_empty()) {
        None => return Ok((0..features).filter(|&at| is_listed(infos[at])).collect()),
        Some(text) => match text.split(',').map(|word| word.parse().ok()).collect() {
            Some(named) => named,
            // Columns by name: LightGBM itself only writes their numbers.
            None => return Ok((0..features).filter(|&at| is_listed(infos[at])).collect()),
        },
    };
    let mut named = named;
    named.sort_unstable();
    let odd = named
        .iter()
        .find(|&&at| at >= features || infos[at].starts_with('['));
    match odd {
        Some(at) => Err(parts.header.damaged(
            "feature_infos",
            format!("column {at} is categorical and has bounds"),
        )),
        None => Ok(named),
    }
}

fn is_listed(info: &str) -> bool {
    info != "none" && !info.starts_with('[')
}

/// The names of each categorical column's levels, by code.
fn level_names(rest: &str) -> Result<Vec<LevelCodes>, InteropError> {
    let Some(text) = rest.lines().find_map(|line| line.strip_prefix(NAMES)) else {
        return Ok(Vec::new());
    };
    let damaged = |what: String| InteropError::damaged(Library::Lightgbm, format!("the line {NAMES}"), what);
    let lists: Option<Vec<Vec<Value>>> =
        serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    let column = |values: Vec<Value>| {
        let names: Option<Vec<String>> = values.iter().map(name_of).collect();
        let codes = names.and_then(|names| LevelCodes::new(&names));
        codes.ok_or_else(|| damaged("a level has no name, or stands there twice".to_owned()))
    };
    lists.unwrap_or_default().into_iter().map(column).collect()
}

fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Bool(flag) => Some(if *flag { "True" } else { "False" }.to_owned()),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(whole.to_string()),
            None => number.as_f64().map(|real| real.to_string()),
        },
        _ => None,
    }
}

/// The line that names our levels.
pub(super) fn write_names(columns: &[BoosterColumn]) -> String {
    let names = |column: &BoosterColumn| match &column.values {
        super::super::ColumnValues::Levels(levels) => Some(Value::from_iter(levels.iter())),
        super::super::ColumnValues::Numbers => None,
    };
    let lists: Vec<Value> = columns.iter().filter_map(names).collect();
    if lists.is_empty() {
        format!("{NAMES}null\n")
    } else {
        format!("{NAMES}{}\n", Value::from(lists))
    }
}
