//! What columns mean, and why we think so.

use std::fmt;
use std::str::FromStr;

use crate::{DateOrder, FrameError};

/// What the values of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Real numbers.
    Numeric,
    /// Whole numbers.
    Integer,
    /// Two values that say yes and no.
    Boolean,
    /// One of a limited set of levels.
    Categorical,
    /// A moment or a date.
    Datetime,
    /// Free text.
    Text,
    /// A name of the row, different in almost every row: kept, never learned from.
    Identifier,
}

impl Kind {
    /// Every kind with its name, in the order of the documentation.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Numeric, "numeric"),
        (Self::Integer, "integer"),
        (Self::Boolean, "boolean"),
        (Self::Categorical, "categorical"),
        (Self::Datetime, "datetime"),
        (Self::Text, "text"),
        (Self::Identifier, "identifier"),
    ];

    /// The name used in options, schemas and reports.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .expect("every kind is in ALL")
            .1
    }

    /// Whether the values are stored as numbers.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Numeric | Self::Integer | Self::Datetime)
    }

    /// Whether the values are stored as codes.
    pub fn is_coded(self) -> bool {
        matches!(self, Self::Boolean | Self::Categorical)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(kind, _)| *kind).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|(_, name)| *name).collect();
            format!("'{text}' is no column type: choose one of {}", names.join(", "))
        })
    }
}

/// Name and meaning of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The column's name, unique in its table.
    pub name: String,
    /// What its values mean.
    pub kind: Kind,
    /// Why this kind was chosen, in words for the user.
    pub reason: String,
    /// How dates of this column are written in text files; says nothing unless the kind is [`Kind::Datetime`].
    pub dates: DateOrder,
}

impl Field {
    /// Names and types a column.
    pub fn new(name: impl Into<String>, kind: Kind, reason: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            reason: reason.into(),
            dates: DateOrder::default(),
        }
    }

    /// The same field with dates written in another order.
    pub fn with_dates(mut self, dates: DateOrder) -> Self {
        self.dates = dates;
        self
    }
}

/// The fields of a table, in column order; names are distinct and not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    fields: Vec<Field>,
}

impl Schema {
    /// Checks the names.
    ///
    /// # Errors
    /// [`FrameError::EmptyName`] or [`FrameError::DuplicateName`].
    pub fn new(fields: Vec<Field>) -> Result<Self, FrameError> {
        let mut order: Vec<usize> = (0..fields.len()).collect();
        order.sort_by(|&a, &b| fields[a].name.cmp(&fields[b].name).then(a.cmp(&b)));
        if let Some(position) = fields.iter().position(|field| field.name.is_empty()) {
            return Err(FrameError::EmptyName {
                position: position + 1,
            });
        }
        if let Some(pair) = order
            .windows(2)
            .find(|pair| fields[pair[0]].name == fields[pair[1]].name)
        {
            let name = fields[pair[0]].name.clone();
            return Err(FrameError::DuplicateName {
                name,
                first: pair[0] + 1,
                second: pair[1] + 1,
            });
        }
        Ok(Self { fields })
    }

    /// The fields in column order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The position of a column, or an error with the names that look most alike.
    ///
    /// # Errors
    /// [`FrameError::NoColumn`].
    pub fn require(&self, name: &str) -> Result<usize, FrameError> {
        self.position(name).ok_or_else(|| {
            let names = self.fields.iter().map(|field| field.name.as_str());
            FrameError::NoColumn {
                name: name.to_owned(),
                closest: closest(name, names),
            }
        })
    }
}

/// Up to three candidates that look most like `wanted`, best first; only those near enough to be a slip of the hand.
pub fn closest<'a>(wanted: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted_lower = wanted.to_lowercase();
    let far = wanted.chars().count().div_ceil(2).max(2);
    let mut scored: Vec<(usize, &str)> = candidates
        .take(10_000)
        .map(|name| (edit_distance(&wanted_lower, &name.to_lowercase(), far), name))
        .filter(|(distance, _)| *distance <= far)
        .collect();
    scored.sort_unstable();
    scored
        .iter()
        .take(3)
        .map(|(_, name)| (*name).to_owned())
        .collect()
}

/// Levenshtein distance, or `limit + 1` as soon as it must be larger than `limit`.
fn edit_distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Field {
        Field::new(name, Kind::Numeric, "test")
    }

    #[test]
    fn names_must_be_distinct_and_not_empty() {
        let twice = Schema::new(vec![field("a"), field("b"), field("a")]).expect_err("duplicate");
        assert_eq!(
            twice.to_string(),
            "two columns are called 'a' (columns 1 and 3): rename one of them"
        );
        assert!(matches!(
            Schema::new(vec![field("a"), field("")]),
            Err(FrameError::EmptyName { position: 2 })
        ));
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_closest_names() {
        let schema = Schema::new(vec![field("species"), field("island"), field("Sex")]).expect("distinct");
        let error = schema.require("spceies").expect_err("absent");
        assert_eq!(
            error.to_string(),
            "there is no column 'spceies'; the closest names are species"
        );
        assert_eq!(closest("sex", ["Sex", "age"].into_iter()), ["Sex"]);
    }

    #[test]
    fn kinds_are_read_back_from_their_names() {
        for (kind, name) in Kind::ALL {
            assert_eq!(name.parse::<Kind>(), Ok(kind));
        }
        assert!("number".parse::<Kind>().is_err());
    }
}
