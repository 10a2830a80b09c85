//! From the raw values of a column to its kind, reason and storage.

use std::sync::Arc;

use crate::convert::{categorise, convert, spell, text_of};
use crate::infer::{NumberFacts, WordFacts, judge_numbers, judge_words, values_are};
use crate::parse::moment::{self, DateOrder};
use crate::read::dictionary::{distinct, hash};
use crate::read::plan::Wish;
use crate::{Categories, Column, Field, Kind, MISSING, Strings};

/// The values of a column as they were read.
#[derive(Debug)]
pub(crate) enum Raw {
    Numbers(Vec<f64>, NumberFacts),
    Moments(Vec<f64>, DateOrder),
    Words(Categories),
    Text(Strings),
}

/// What a column turned out to be.
#[derive(Debug)]
pub(crate) enum Finished {
    Done(Field, Column),
    /// The same, with something the user should know.
    Noted(Field, Column, String),
    /// These numbers are codes, for the given reason: read the column again as words.
    AsWords(&'static str),
    /// The wish cannot be granted because of a value.
    Refused {
        row: usize,
        value: String,
        wanted: Kind,
    },
}

/// A column to be finished.
#[derive(Debug)]
pub(crate) struct Unfinished<'a> {
    pub(crate) name: &'a str,
    pub(crate) wish: &'a Wish,
    /// Why it was read as words although it looks like something else.
    pub(crate) hint: Option<&'static str>,
}

impl Unfinished<'_> {
    /// Finds out what the values mean, or makes them what was wished.
    pub(crate) fn finish(&self, raw: Raw) -> Finished {
        match self.wish {
            Wish::Infer => self.infer(raw),
            Wish::User(kind) => self.fulfil(raw, Field::new(self.name, *kind, "set by the user")),
            Wish::Frozen(field) => self.fulfil(raw, field.clone()),
        }
    }

    fn infer(&self, raw: Raw) -> Finished {
        match raw {
            Raw::Numbers(values, facts) => self.infer_numbers(values, &facts),
            Raw::Moments(values, order) => self.moments(values, order),
            Raw::Words(categories) => self.infer_words(categories),
            Raw::Text(strings) => self.infer_text(strings),
        }
    }

    fn infer_numbers(&self, values: Vec<f64>, facts: &NumberFacts) -> Finished {
        if let Some(reason) = facts.are_codes() {
            return Finished::AsWords(reason);
        }
        let count = || {
            distinct(
                values.len(),
                values.iter().map(|value| hash(&value.to_le_bytes())),
            )
            .0
        };
        let (kind, reason) = judge_numbers(self.name, facts, count);
        let column = Column::numbers(values);
        if kind == Kind::Identifier {
            let field = Field::new(self.name, kind, reason);
            let column = convert(&column, Kind::Integer, &field);
            return Finished::Done(field, column.expect("every number can be spelled"));
        }
        self.done(kind, reason, column)
    }

    fn moments(&self, values: Vec<f64>, order: DateOrder) -> Finished {
        let facts = NumberFacts::of(&values);
        let reason = format!("{} dates ({})", values_are(&facts), order.name());
        let field = Field::new(self.name, Kind::Datetime, reason).with_dates(order);
        Finished::Done(field, Column::numbers(values))
    }

    fn infer_words(&self, categories: Categories) -> Finished {
        let levels = Arc::clone(categories.levels());
        let orders = date_orders(levels.iter());
        if let [order] = orders[..] {
            let parsed: Vec<f64> = levels.iter().map(|level| read_moment(level, order)).collect();
            let value = |&code: &u32| {
                if code == MISSING {
                    f64::NAN
                } else {
                    parsed[code as usize]
                }
            };
            return self.moments(categories.codes().iter().map(value).collect(), order);
        }
        let facts = facts_of_codes(&categories);
        let (kind, reason) = judge_words(&facts, Some(&levels));
        let column = match kind {
            Kind::Text | Kind::Identifier => Column::Text(Arc::new(text_of(&categories))),
            _ => Column::Categories(categories),
        };
        let done = self.done(kind, reason, column);
        match done {
            Finished::Done(field, column) if orders.len() > 1 => {
                let note = format!(
                    "column '{}' may hold dates such as '{}', but no value tells the day from the month: it is read as words",
                    self.name,
                    levels.get(0)
                );
                Finished::Noted(field, column, note)
            }
            done => done,
        }
    }

    fn infer_text(&self, strings: Strings) -> Finished {
        let orders = date_orders(strings.iter().filter(|text| !text.is_empty()));
        if let [order] = orders[..] {
            let value = |text: &str| {
                if text.is_empty() {
                    f64::NAN
                } else {
                    read_moment(text, order)
                }
            };
            return self.moments(strings.iter().map(value).collect(), order);
        }
        let facts = facts_of_text(&strings);
        let (kind, reason) = judge_words(&facts, None);
        match kind {
            Kind::Text | Kind::Identifier => self.done(kind, reason, Column::Text(Arc::new(strings))),
            _ => self.infer_words(categorise(strings.iter())),
        }
    }

    fn done(&self, kind: Kind, reason: String, column: Column) -> Finished {
        let reason = match self.hint {
            Some(hint) => format!("{reason}; {hint}"),
            None => reason,
        };
        Finished::Done(Field::new(self.name, kind, reason), column)
    }

    fn fulfil(&self, raw: Raw, mut field: Field) -> Finished {
        if field.kind == Kind::Datetime && matches!(self.wish, Wish::User(_)) {
            let orders = match &raw {
                Raw::Words(categories) => date_orders(categories.levels().iter()),
                Raw::Text(strings) => date_orders(strings.iter().filter(|text| !text.is_empty())),
                Raw::Numbers(..) | Raw::Moments(..) => Vec::new(),
            };
            field.dates = orders.first().copied().unwrap_or_default();
        }
        let (column, from) = match raw {
            Raw::Numbers(values, _) => (Column::numbers(values), Kind::Numeric),
            Raw::Moments(values, order) => {
                field.dates = order;
                (Column::numbers(values), Kind::Datetime)
            }
            Raw::Words(categories) => (Column::Categories(categories), Kind::Categorical),
            Raw::Text(strings) => (Column::Text(Arc::new(strings)), Kind::Text),
        };
        let wanted = field.kind;
        let refused = |row: usize, value: String| Finished::Refused { row, value, wanted };
        let column = match convert(&column, from, &field) {
            Ok(column) => column,
            Err(unfit) => return refused(unfit.row, unfit.value),
        };
        if matches!(self.wish, Wish::User(_))
            && let Some(row) = first_misfit(&column, wanted)
        {
            return refused(row, spell(&column, from, row));
        }
        Finished::Done(field, column)
    }
}

/// The first row that a user's kind excludes although its storage can hold the value.
fn first_misfit(column: &Column, kind: Kind) -> Option<usize> {
    match (kind, column) {
        (Kind::Integer, Column::Numbers(values)) => {
            values.iter().position(|v| v.fract() != 0.0 && !v.is_nan())
        }
        (Kind::Boolean, Column::Categories(categories)) => {
            let mut met: Vec<u32> = Vec::with_capacity(3);
            categories.codes().iter().position(|&code| {
                if code != MISSING && !met.contains(&code) {
                    met.push(code);
                }
                met.len() > 2
            })
        }
        _ => None,
    }
}

/// The orders in which all texts are dates; none if there is no text.
fn date_orders<'a>(mut texts: impl Iterator<Item = &'a str>) -> Vec<DateOrder> {
    let Some(first) = texts.next() else {
        return Vec::new();
    };
    let fits = |text: &str, order: DateOrder| moment::read(text.as_bytes(), order).is_some();
    let orders = DateOrder::ALL.into_iter().map(|(order, _)| order);
    let mut orders: Vec<DateOrder> = orders.filter(|&order| fits(first, order)).collect();
    for text in texts {
        if orders.is_empty() {
            break;
        }
        orders.retain(|&order| fits(text, order));
    }
    orders
}

fn read_moment(text: &str, order: DateOrder) -> f64 {
    moment::read(text.as_bytes(), order).expect("all texts were found to be dates in this order")
}

fn facts_of_codes(categories: &Categories) -> WordFacts {
    let mut counts = vec![0_u64; categories.levels().len()];
    let mut facts = WordFacts::default();
    for &code in categories.codes() {
        match code {
            MISSING => facts.missing += 1,
            code => counts[code as usize] += 1,
        }
    }
    for (level, &count) in categories.levels().iter().zip(&counts) {
        facts.add(level, count);
    }
    facts.distinct = counts.iter().filter(|&&count| count > 0).count() as u64;
    facts.is_exact = true;
    facts
}

fn facts_of_text(strings: &Strings) -> WordFacts {
    let mut facts = WordFacts::default();
    let present = || strings.iter().filter(|text| !text.is_empty());
    present().for_each(|text| facts.add(text, 1));
    facts.missing = strings.len() as u64 - facts.present;
    let (count, is_exact) = distinct(strings.len(), present().map(|text| hash(text.as_bytes())));
    facts.distinct = count as u64;
    facts.is_exact = is_exact;
    facts
}
