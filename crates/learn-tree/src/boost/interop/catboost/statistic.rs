//! Statistics of categories: what each combination of levels was worth in training.

use std::collections::BTreeMap;

use kolosal_frame::{Column, Frame, MISSING};

use super::super::place::Place;
use super::super::{InteropError, Library};
use super::columns::{Columns, hash_of};
use super::hash;

/// Classes of a target that a table may count.
const CLASSES_MAX: usize = 1 << 16;
/// An entry of the format's hash table that holds nothing.
const EMPTY: u64 = u64::MAX;

/// A statistic as the file states it.
#[derive(Debug, Clone)]
pub(super) struct Statistic {
    pub(super) members: Members,
    pub(super) borders: Vec<f32>,
    pub(super) target_border: usize,
    table: BTreeMap<u64, f32>,
    /// The statistic of a combination that training did not see.
    unseen: f32,
}

/// What a statistic is computed over: positions among categorical columns and among columns of numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Members {
    pub(super) categories: Vec<usize>,
    /// Columns of numbers that are above a border.
    above: Vec<(usize, f32)>,
    /// Categorical columns that are one category.
    equal: Vec<(usize, u32)>,
}

/// A statistic over several columns of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Combination {
    /// Hashes by code, one list a column, and that of missing values.
    categories: Vec<CodedHashes>,
    above: Vec<Above>,
    equal: Vec<(CodedHashes, u32)>,
    table: BTreeMap<u64, f32>,
    unseen: f32,
}

#[derive(Debug, Clone, PartialEq)]
struct CodedHashes {
    column: usize,
    hashes: Vec<u32>,
    missing: Option<u32>,
}

#[derive(Debug, Clone, PartialEq)]
struct Above {
    column: usize,
    border: f32,
    nan: bool,
}

/// How counts become a statistic.
struct Prior {
    numerator: f32,
    denominator: f32,
    shift: f32,
    scale: f32,
}

impl Prior {
    fn value(&self, count: f32, total: f32) -> f32 {
        let ratio = (count + self.numerator) / (total + self.denominator);
        (ratio + self.shift) * self.scale
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Borders,
    Buckets,
    Mean,
    Counter,
}

impl Statistic {
    /// Reads a statistic and its table; `data` holds the tables by identifier.
    pub(super) fn read(entry: &Place<'_>, data: &Place<'_>, columns: &Columns) -> Result<Self, InteropError> {
        let kind = match entry.get("ctr_type")?.str()? {
            "Borders" => Kind::Borders,
            "Buckets" => Kind::Buckets,
            "BinarizedTargetMeanValue" | "FloatTargetMeanValue" => Kind::Mean,
            "Counter" | "FeatureFreq" => Kind::Counter,
            other => {
                let what = format!(
                    "its trees test statistics of kind '{other:.40}'; train it with Borders or Counter"
                );
                return Err(InteropError::foreign(Library::Catboost, what));
            }
        };
        let number = |key: &str| Ok::<_, InteropError>(entry.get(key)?.number()? as f32);
        let prior = Prior {
            numerator: number("prior_numerator")?,
            denominator: number("prior_denomerator")?,
            shift: number("shift")?,
            scale: number("scale")?,
        };
        let target_border = entry.get("target_border_idx")?.count(CLASSES_MAX)?;
        let borders: Vec<f32> = entry
            .get("borders")?
            .numbers(None)?
            .iter()
            .map(|border| *border as f32)
            .collect();
        let source = data.get(entry.get("identifier")?.str()?)?;
        let total = source.get("counter_denominator")?.number()? as f32;
        let unseen = if kind == Kind::Counter {
            prior.value(0.0, total)
        } else {
            prior.value(0.0, 0.0)
        };
        let worth = |counts: &[f32]| match kind {
            Kind::Borders => counts
                .get(target_border + 1..)
                .map(|good| prior.value(good.iter().sum(), counts.iter().sum())),
            Kind::Buckets => counts
                .get(target_border)
                .map(|good| prior.value(*good, counts.iter().sum())),
            Kind::Mean => (counts.len() == 2).then(|| prior.value(counts[0], counts[1])),
            Kind::Counter => (counts.len() == 1).then(|| prior.value(counts[0], total)),
        };
        Ok(Self {
            members: Members::read(&entry.get("elements")?, columns)?,
            borders,
            target_border,
            table: read_table(&source, worth)?,
            unseen,
        })
    }

    /// The value for a single category; `None` for one that is not known.
    pub(super) fn of_category(&self, category: Option<u32>) -> f32 {
        let key = category.map(|category| hash::combine(0, hash::member(category)));
        key.and_then(|key| self.table.get(&key))
            .copied()
            .unwrap_or(self.unseen)
    }

    /// The statistic over the columns of a table.
    pub(super) fn combination(&self, columns: &Columns) -> Combination {
        let coded = |at: usize| {
            let column = &columns.categories[at];
            CodedHashes {
                column: column.at,
                hashes: column.hashes.clone(),
                missing: column.missing,
            }
        };
        let above = |&(at, border): &(usize, f32)| Above {
            column: columns.numbers[at].at,
            border,
            nan: columns.numbers[at].nan_above,
        };
        Combination {
            categories: self.members.categories.iter().map(|&at| coded(at)).collect(),
            above: self.members.above.iter().map(above).collect(),
            equal: self
                .members
                .equal
                .iter()
                .map(|&(at, category)| (coded(at), category))
                .collect(),
            table: self.table.clone(),
            unseen: self.unseen,
        }
    }
}

impl Members {
    fn read(elements: &Place<'_>, columns: &Columns) -> Result<Self, InteropError> {
        let mut members = Self::default();
        let (numbers, categories) = (columns.numbers.len(), columns.categories.len());
        let index = |element: &Place<'_>, key: &str, count: usize| -> Result<usize, InteropError> {
            let place = element.get(key)?;
            match place.count(count)? {
                at if at < count => Ok(at),
                at => Err(place.damaged(format!("there is no column {at}"))),
            }
        };
        for element in elements.items()? {
            match element.get("combination_element")?.str()? {
                "cat_feature_value" => {
                    members
                        .categories
                        .push(index(&element, "cat_feature_index", categories)?);
                }
                "float_feature" => {
                    let at = index(&element, "float_feature_index", numbers)?;
                    members.above.push((at, element.get("border")?.number()? as f32));
                }
                "cat_feature_exact_value" => {
                    let at = index(&element, "cat_feature_index", categories)?;
                    members.equal.push((at, hash_of(&element.get("value")?)?));
                }
                other => return Err(element.damaged(format!("'{other:.40}' is no member of a combination"))),
            }
        }
        Ok(members)
    }

    /// The one categorical column, if there is nothing else.
    pub(super) fn single(&self) -> Option<usize> {
        match (&self.categories[..], &self.above[..], &self.equal[..]) {
            ([at], [], []) => Some(*at),
            _ => None,
        }
    }
}

/// The table: a hash followed by its counts, again and again.
fn read_table(
    source: &Place<'_>,
    worth: impl Fn(&[f32]) -> Option<f32>,
) -> Result<BTreeMap<u64, f32>, InteropError> {
    let stride = source.get("hash_stride")?.count(CLASSES_MAX)?;
    let list = source.get("hash_map")?;
    let entries = list.array()?;
    if stride < 2 || entries.len() % stride != 0 {
        return Err(list.damaged(format!("{} values in entries of {stride}", entries.len())));
    }
    let mut table = BTreeMap::new();
    for (number, entry) in entries.chunks_exact(stride).enumerate() {
        let odd = || {
            list.damaged(format!(
                "entry {number} is not a hash and counts that fit the statistic"
            ))
        };
        let hash: u64 = entry[0]
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(odd)?;
        let counts: Option<Vec<f32>> = entry[1..]
            .iter()
            .map(|count| count.as_f64().map(|count| count as f32))
            .collect();
        let counts = counts.filter(|counts| counts.iter().all(|count| count.is_finite() && *count >= 0.0));
        let value = counts
            .as_deref()
            .and_then(&worth)
            .filter(|value| value.is_finite())
            .ok_or_else(odd)?;
        let repeated = hash != EMPTY && table.insert(hash, value).is_some();
        if repeated {
            return Err(list.damaged(format!("hash {hash} stands there twice")));
        }
    }
    Ok(table)
}

impl Combination {
    /// The statistic of each row.
    pub(crate) fn values(&self, x: &Frame) -> Vec<f64> {
        (0..x.row_count())
            .map(|row| f64::from(self.value(x, row)))
            .collect()
    }

    fn value(&self, x: &Frame, row: usize) -> f32 {
        self.hash(x, row)
            .and_then(|hash| self.table.get(&hash))
            .copied()
            .unwrap_or(self.unseen)
    }

    /// The hash of a row's combination; `None` if it has a category that the model does not know.
    fn hash(&self, x: &Frame, row: usize) -> Option<u64> {
        let mut hash = 0;
        for column in &self.categories {
            hash = hash::combine(hash, hash::member(column.of(x, row)?));
        }
        for above in &self.above {
            hash = hash::combine(hash, u64::from(above.holds(x, row)));
        }
        for (column, category) in &self.equal {
            hash = hash::combine(hash, u64::from(column.of(x, row) == Some(*category)));
        }
        Some(hash)
    }
}

impl CodedHashes {
    fn of(&self, x: &Frame, row: usize) -> Option<u32> {
        match &x.columns()[self.column] {
            Column::Categories(categories) => match categories.codes()[row] {
                MISSING => self.missing,
                code => self.hashes.get(code as usize).copied(),
            },
            _ => None,
        }
    }
}

impl Above {
    fn holds(&self, x: &Frame, row: usize) -> bool {
        let value = match &x.columns()[self.column] {
            Column::Numbers(values) => values[row],
            Column::Sparse(values) => values.get(row),
            _ => f64::NAN,
        };
        if value.is_nan() {
            self.nan
        } else {
            value as f32 > self.border
        }
    }
}
