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
pub(crate) use terms::{Column, Scope};
use terms::{filter_terms, order_terms};

use crate::StoreError;
use crate::ids::hex;
use crate::sql::{Connection, Row, Statement};

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

/// A query of one table, checked and ready to be asked.
pub(crate) struct Search {
    statement: Statement,
    offset: i64,
    count_max: usize,
}

impl Search {
    /// A search by a query in `scope`; `select` names what is read, `condition` adds what must be true besides the filter, and
    /// `order` comes behind the orders that the query asks for.
    pub(crate) fn new(
        select: &str,
        scope: &Scope,
        (query, order): (&Query, &str),
        condition: impl FnOnce(&mut Statement),
    ) -> Result<Self, StoreError> {
        let offset = offset(query.page.as_deref())?;
        let mut statement = Statement::new(select);
        statement.push(" WHERE ");
        condition(&mut statement);
        filter_terms(scope, &query.filter, &mut statement)?;
        order_terms(scope, &query.order_by, order, &mut statement)?;
        statement.push(" LIMIT ").bind(query.count_max as i64 + 1);
        statement.push(" OFFSET ").bind(offset);
        Ok(Self {
            statement,
            offset,
            count_max: query.count_max,
        })
    }

    /// The page, each row read by `read`.
    pub(crate) fn page<T>(
        &self,
        on: &mut dyn Connection,
        mut read: impl FnMut(&mut dyn Connection, &Row) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let rows = self.statement.query(on)?;
        let items = rows.iter().map(|row| read(on, row)).collect::<Result<_, _>>()?;
        Ok(page(items, self.offset, self.count_max))
    }
}

/// The condition of a table whose rows are all looked at.
pub(crate) fn everything(statement: &mut Statement) {
    statement.push("1 = 1");
}

/// The condition of a table whose rows belong to experiments: a stage, and some experiments or, if none is named, all.
pub(crate) fn in_experiments(view: View, experiments: &[i64]) -> impl FnOnce(&mut Statement) {
    move |statement| {
        statement.push(&view.condition("stage"));
        if !experiments.is_empty() {
            statement
                .push(" AND experiment IN ")
                .bind_list(experiments.iter().copied());
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
