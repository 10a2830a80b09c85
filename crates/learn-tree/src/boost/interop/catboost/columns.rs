//! The columns of a CatBoost model: numbers with their borders, and categories with their hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kolosal_base::limits::COLUMNS_MAX;
use kolosal_frame::Strings;

use super::super::place::Place;
use super::super::{BoosterColumn, InteropError};
use super::hash;

/// What pandas writes for a missing value that is made a text.
const MISSING_TEXT: &str = "nan";

/// A column of numbers.
pub(super) struct NumberColumn {
    /// Its position among all columns.
    pub(super) at: usize,
    pub(super) borders: Vec<f32>,
    /// Whether NaN counts as above every border; it counts as below otherwise.
    pub(super) nan_above: bool,
}

/// A categorical column.
#[derive(Debug, Clone)]
pub(super) struct CategoryColumn {
    /// Its position among all columns.
    pub(super) at: usize,
    pub(super) name: String,
    /// Hashes that the trees test one by one.
    pub(super) tested: Vec<u32>,
    /// The levels, and the hash of each.
    pub(super) levels: Arc<Strings>,
    pub(super) hashes: Vec<u32>,
    /// The hash that stands for a missing value, if the model knows one.
    pub(super) missing: Option<u32>,
}

/// All columns.
pub(super) struct Columns {
    pub(super) numbers: Vec<NumberColumn>,
    pub(super) categories: Vec<CategoryColumn>,
    names: Vec<String>,
}

impl Columns {
    pub(super) fn read(info: &Place<'_>) -> Result<Self, InteropError> {
        for other in ["text_features", "embedding_features"] {
            if info
                .find(other)?
                .map_or(Ok(false), |list| list.array().map(|items| !items.is_empty()))?
            {
                let what = format!("it has {}; train it without", other.replace('_', " "));
                return Err(InteropError::foreign(info.library(), what));
            }
        }
        let numbers = list(info, "float_features", read_number)?;
        let categories = list(info, "categorical_features", read_category)?;
        let places = numbers
            .iter()
            .map(|(at, ..)| *at)
            .chain(categories.iter().map(|(at, ..)| *at));
        let distinct: BTreeSet<usize> = places.collect();
        let count = numbers.len() + categories.len();
        if count > COLUMNS_MAX
            || distinct.len() != count
            || distinct.last().is_some_and(|last| *last >= count)
        {
            return Err(info.damaged(format!(
                "flat_feature_index does not number {count} columns from 0"
            )));
        }
        let mut names = vec![String::new(); count];
        for (at, name) in numbers
            .iter()
            .map(|(at, name, _)| (*at, name))
            .chain(categories.iter().map(|(at, name, _)| (*at, name)))
        {
            names[at].clone_from(name);
        }
        Ok(Self {
            numbers: numbers.into_iter().map(|(.., column)| column).collect(),
            categories: categories.into_iter().map(|(.., column)| column).collect(),
            names,
        })
    }

    /// How many columns there are.
    pub(super) fn count(&self) -> usize {
        self.names.len()
    }

    /// Gives each categorical column its levels: all that the file names, because it does not say whose they are.
    pub(super) fn name_levels(&mut self, info: &Place<'_>) -> Result<(), InteropError> {
        let names = names(info)?;
        let known: Vec<(&String, u32)> = names
            .iter()
            .filter(|(name, _)| !name.is_empty())
            .map(|(n, h)| (n, *h))
            .collect();
        let levels: Arc<Strings> = Arc::new(known.iter().map(|(name, _)| name).collect());
        let missing = ["", MISSING_TEXT]
            .iter()
            .find_map(|text| names.get(*text))
            .copied();
        for column in &mut self.categories {
            column.missing = missing;
            column.levels = Arc::clone(&levels);
            column.hashes = known.iter().map(|(_, hash)| *hash).collect();
        }
        Ok(())
    }

    /// The columns in the words of all formats.
    pub(super) fn describe(&self) -> Vec<BoosterColumn> {
        let mut columns: Vec<BoosterColumn> = self.names.iter().map(BoosterColumn::numbers).collect();
        for column in &self.categories {
            columns[column.at] = BoosterColumn::levels(&column.name, Arc::clone(&column.levels));
        }
        columns
    }
}

/// The names of categories, sorted, with their hashes, which must be those of the names.
fn names(info: &Place<'_>) -> Result<BTreeMap<String, u32>, InteropError> {
    let mut names = BTreeMap::new();
    let Some(list) = info
        .find("cat_features_hash")?
        .filter(|list| !list.value().is_null())
    else {
        return Ok(names);
    };
    for entry in list.items()? {
        let (name, hash) = (entry.get("value")?.str()?, hash_of(&entry.get("hash")?)?);
        if hash::category(name) != hash {
            return Err(entry.damaged(format!("{hash} is not the hash of '{name:.40}'")));
        }
        names.insert(name.to_owned(), hash);
    }
    Ok(names)
}

/// A hash of 32 bits, which may be written as a signed number.
pub(super) fn hash_of(place: &Place<'_>) -> Result<u32, InteropError> {
    let value = place.value().as_i64();
    let hash = value.and_then(|value| {
        u32::try_from(value)
            .ok()
            .or_else(|| i32::try_from(value).ok().map(i32::cast_unsigned))
    });
    hash.ok_or_else(|| place.damaged("a hash of 32 bits belongs here"))
}

type Entry<T> = (usize, String, T);

/// Reads a list whose entries number themselves from 0.
fn list<T>(
    info: &Place<'_>,
    key: &str,
    read: fn(&Place<'_>, usize, String) -> Result<T, InteropError>,
) -> Result<Vec<Entry<T>>, InteropError> {
    let Some(list) = info.find(key)? else {
        return Ok(Vec::new());
    };
    let mut entries = Vec::new();
    for (number, entry) in list.items()?.enumerate() {
        if entry.get("feature_index")?.count(COLUMNS_MAX)? != number {
            return Err(entry.damaged(format!("feature_index {number} belongs here")));
        }
        let at = entry.get("flat_feature_index")?.count(COLUMNS_MAX)?;
        let name = match entry.find("feature_name")?.or(entry.find("feature_id")?) {
            Some(name) => name.str()?.to_owned(),
            None => String::new(),
        };
        let name = if name.is_empty() { at.to_string() } else { name };
        entries.push((at, name.clone(), read(&entry, at, name)?));
    }
    Ok(entries)
}

fn read_number(entry: &Place<'_>, at: usize, _: String) -> Result<NumberColumn, InteropError> {
    let borders: Vec<f32> = match entry.get("borders")? {
        list if list.value().is_null() => Vec::new(),
        list => list.numbers(None)?.iter().map(|border| *border as f32).collect(),
    };
    if !borders.is_sorted() {
        return Err(entry.damaged("borders are not in order"));
    }
    let nan_above = match entry.get("nan_value_treatment")?.str()? {
        "AsTrue" => true,
        "AsFalse" | "AsIs" => false,
        other => return Err(entry.damaged(format!("'{other:.40}' is no treatment of NaN"))),
    };
    Ok(NumberColumn {
        at,
        borders,
        nan_above,
    })
}

fn read_category(entry: &Place<'_>, at: usize, name: String) -> Result<CategoryColumn, InteropError> {
    let tested = match entry.find("values")? {
        Some(list) => list
            .items()?
            .map(|value| hash_of(&value))
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    Ok(CategoryColumn {
        at,
        name,
        tested,
        levels: Arc::new(Strings::default()),
        hashes: Vec::new(),
        missing: None,
    })
}
