//! The names of categories: the container that XGBoost 3.1 and later store beside the trees.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::columns::LevelCodes;
use super::super::place::Place;
use super::super::{BoosterColumn, ColumnValues, InteropError};

/// A column, and what the file's category codes are here; `None` where values are the codes themselves.
pub(super) struct XgboostColumn {
    pub(super) column: BoosterColumn,
    pub(super) codes: Option<LevelCodes>,
}

/// Reads names and kinds of the columns.
pub(super) fn read_columns(
    learner: &Place<'_>,
    model: &Place<'_>,
    features: usize,
) -> Result<Vec<XgboostColumn>, InteropError> {
    let names = texts(learner, "feature_names", features)?;
    let kinds = texts(learner, "feature_types", features)?;
    let encoders = encoders(model, features)?;
    (0..features)
        .map(|at| {
            let name = names
                .get(at)
                .map_or_else(|| format!("f{at}"), |name| (*name).to_owned());
            let codes = match &encoders {
                Some(all) if kinds.get(at) == Some(&"c") => level_names(&all[at])?,
                _ => None,
            };
            let column = match &codes {
                Some(codes) => BoosterColumn::levels(name, Arc::clone(&codes.levels)),
                None => BoosterColumn::numbers(name),
            };
            Ok(XgboostColumn { column, codes })
        })
        .collect()
}

/// A list of one text a feature, which may be absent or empty.
fn texts<'a>(learner: &Place<'a>, key: &str, features: usize) -> Result<Vec<&'a str>, InteropError> {
    let Some(list) = learner.find(key)? else {
        return Ok(Vec::new());
    };
    let texts = list.strings(None)?;
    if texts.is_empty() || texts.len() == features {
        Ok(texts)
    } else {
        Err(list.damaged(format!("{} entries for {features} features", texts.len())))
    }
}

fn encoders<'a>(model: &Place<'a>, features: usize) -> Result<Option<Vec<Place<'a>>>, InteropError> {
    let Some(container) = model.find("cats")? else {
        return Ok(None);
    };
    let list = container.get("enc")?;
    let all: Vec<Place<'_>> = list.items()?.collect();
    if all.is_empty() || all.len() == features {
        Ok(Some(all).filter(|all| !all.is_empty()))
    } else {
        Err(list.damaged(format!("{} entries for {features} features", all.len())))
    }
}

fn level_names(encoder: &Place<'_>) -> Result<Option<LevelCodes>, InteropError> {
    let values = encoder.get("values")?;
    let names: Vec<String> = match encoder.find("offsets")? {
        Some(offsets) => byte_names(&offsets, &values)?,
        None => values.numbers(None)?.iter().map(f64::to_string).collect(),
    };
    if names.is_empty() {
        return Ok(None);
    }
    let codes = LevelCodes::new(&names);
    codes
        .map(Some)
        .ok_or_else(|| values.damaged("a category is empty or stands there twice"))
}

fn byte_names(offsets: &Place<'_>, values: &Place<'_>) -> Result<Vec<String>, InteropError> {
    let ends = offsets.integers(None)?;
    let bytes = values.integers(None)?;
    let sound = ends.is_sorted() && ends.first().is_none_or(|first| *first == 0);
    if !sound
        || ends
            .last()
            .is_some_and(|last| usize::try_from(*last) != Ok(bytes.len()))
    {
        return Err(offsets.damaged(format!("the offsets do not divide {} bytes", bytes.len())));
    }
    // Written as signed bytes.
    let byte = |value: &i64| {
        u8::try_from(value.rem_euclid(256))
            .ok()
            .filter(|_| (-128..256).contains(value))
    };
    let bytes: Option<Vec<u8>> = bytes.iter().map(byte).collect();
    let bytes = bytes.ok_or_else(|| values.damaged("a list of bytes belongs here"))?;
    ends.windows(2)
        .map(|pair| {
            let name = bytes[pair[0] as usize..pair[1] as usize].to_vec();
            String::from_utf8(name).map_err(|_| values.damaged("a category is not UTF-8"))
        })
        .collect()
}

/// The container for our levels.
pub(super) fn write_container(columns: &[BoosterColumn]) -> Value {
    let levels = |column: &BoosterColumn| match &column.values {
        ColumnValues::Levels(levels) => levels.iter().map(str::to_owned).collect(),
        ColumnValues::Numbers => Vec::new(),
    };
    let all: Vec<Vec<String>> = columns.iter().map(levels).collect();
    if all.iter().all(Vec::is_empty) {
        return json!({"enc": [], "feature_segments": [], "sorted_idx": []});
    }
    let mut segments = vec![0];
    let mut order = Vec::new();
    for names in &all {
        // Our levels are sorted, so each column's order is the identity.
        order.extend(0..names.len());
        segments.push(order.len());
    }
    let encoders: Vec<Value> = all.iter().map(|names| encoder(names)).collect();
    json!({"enc": encoders, "feature_segments": segments, "sorted_idx": order})
}

fn encoder(names: &[String]) -> Value {
    let mut offsets = Vec::new();
    let mut bytes: Vec<i8> = Vec::new();
    if !names.is_empty() {
        offsets.push(0);
    }
    for name in names {
        bytes.extend(name.bytes().map(u8::cast_signed));
        offsets.push(bytes.len());
    }
    json!({"offsets": offsets, "values": bytes})
}
