//! Finding things: the filter grammar of MLflow, read into a tree and turned into statements with bound values.
//!
//! ```text
//! filter     := comparison (AND comparison)*
//! comparison := name (= | != | > | >= | < | <= | LIKE | ILIKE) value | name [NOT] IN (value, ..) | name IS [NOT] NULL
//! name       := [metrics. | params. | tags. | attributes. | datasets.] key
//! key        := word | "any characters" | `any characters`
//! value      := 'text' | "text" | number
//! order      := name [ASC | DESC]
//! ```

mod parse;
mod terms;

pub use parse::{Comparison, Entity, Literal, Operator, Order, parse_filter, parse_order};
pub(crate) use terms::{Column, Scope, filter_terms, order_terms};

use crate::StoreError;
use crate::ids::hex;

/// What to find, and which part of it.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// The filter; empty for everything.
    pub filter: String,
    /// Orders, the first one first.
    pub order_by: Vec<String>,
    /// Most things of a page.
    pub count_max: usize,
    /// Where the page before ended.
    pub page: Option<String>,
    /// Which stages are looked at.
    pub view: View,
}

/// Which stages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// What is there.
    #[default]
    Active,
    /// What was deleted and can be restored.
    Deleted,
    /// Both.
    All,
}

impl View {
    pub(crate) fn condition(self, column: &str) -> String {
        match self {
            Self::Active => format!("{column} = 'active'"),
            Self::Deleted => format!("{column} = 'deleted'"),
            Self::All => "1 = 1".to_owned(),
        }
    }
}

/// A part of what was found.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The things.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The same part, of other things.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

/// Cuts the one item too many that tells whether there is a next page.
pub(crate) fn page<T>(mut items: Vec<T>, offset: i64, count_max: usize) -> Page<T> {
    let next = (items.len() > count_max).then(|| token(offset + count_max as i64));
    items.truncate(count_max);
    Page { items, next }
}

fn token(offset: i64) -> String {
    hex(format!("o{offset}").as_bytes())
}

/// The offset that a token names.
pub(crate) fn offset(page: Option<&str>) -> Result<i64, StoreError> {
    let Some(page) = page.filter(|page| !page.is_empty()) else {
        return Ok(0);
    };
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(digits, 16).ok()
    };
    let bytes: Option<Vec<u8>> = page.as_bytes().chunks(2).map(byte).collect();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix('o')?.parse::<u32>().ok())
        .map(i64::from)
        .ok_or_else(|| {
            StoreError::invalid(
                "the page token",
                "is none that this store gave; leave it out to begin anew",
            )
        })
}
