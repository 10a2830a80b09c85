//! How a column of text is to be read, decided before all of it is seen.
//!
//! A plan is a guess from a sample and decides speed only: a value that contradicts it makes the column be read again
//! as words, and what the column means is judged afterwards from all values.

use crate::parse::is_missing;
use crate::parse::moment::{self, DateOrder};
use crate::parse::number::{Number, general};
use crate::{Field, Kind};

/// What was asked for a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing: find out.
    Infer,
    /// This kind, by the user.
    User(Kind),
    /// The kind it had in training.
    Frozen(Field),
}

impl Wish {
    /// The kind asked for, if one was.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Infer => None,
            Self::User(kind) => Some(*kind),
            Self::Frozen(field) => Some(field.kind),
        }
    }
}

/// How to read a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Not at all.
    Skip,
    /// As numbers.
    Numbers,
    /// As moments.
    Moments(DateOrder),
    /// As codes of distinct words.
    Words,
    /// As one string a row.
    Text,
}

/// A sample's cells of one column, counted.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    present: usize,
    numbers: usize,
    /// Whether all cells are moments, for each of [`DateOrder::ALL`].
    moments: [bool; 3],
    distinct: std::collections::BTreeSet<Vec<u8>>,
    bytes: usize,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            present: 0,
            numbers: 0,
            moments: [true; 3],
            distinct: std::collections::BTreeSet::new(),
            bytes: 0,
        }
    }
}

impl Sample {
    /// Counts one cell, already without its quotes.
    pub(crate) fn add(&mut self, cell: &[u8]) {
        if is_missing(cell) {
            return;
        }
        self.present += 1;
        self.bytes += cell.len();
        self.numbers += usize::from(!matches!(general(cell), Number::Not));
        for (holds, (order, _)) in self.moments.iter_mut().zip(DateOrder::ALL) {
            *holds = *holds && moment::read(cell, order).is_some();
        }
        self.distinct.insert(cell[..cell.len().min(64)].to_vec());
    }

    /// Counts a cell that is no number whatever it looks like.
    pub(crate) fn add_word(&mut self, cell: &[u8]) {
        let numbers = self.numbers;
        self.add(cell);
        self.numbers = numbers;
    }

    /// Mean bytes of a cell, for reserving memory.
    pub(crate) fn bytes_mean(&self) -> usize {
        self.bytes.div_ceil(self.present.max(1))
    }

    /// The plan that fits the sample and the wish.
    pub(crate) fn plan(&self, wish: &Wish) -> Plan {
        match wish {
            Wish::Frozen(field) if field.kind == Kind::Datetime => Plan::Moments(field.dates),
            wish => wish
                .kind()
                .map_or_else(|| self.guess(), |kind| self.plan_for(kind)),
        }
    }

    fn plan_for(&self, kind: Kind) -> Plan {
        match kind {
            Kind::Numeric | Kind::Integer => Plan::Numbers,
            Kind::Boolean | Kind::Categorical => Plan::Words,
            Kind::Text | Kind::Identifier => Plan::Text,
            // Between day and month that could be either, the day comes first as in most of the world.
            Kind::Datetime => Plan::Moments(self.date_orders().next().unwrap_or_default()),
        }
    }

    fn guess(&self) -> Plan {
        if self.numbers == self.present {
            return Plan::Numbers;
        }
        let mut orders = self.date_orders();
        match (orders.next(), orders.next()) {
            (Some(order), None) => Plan::Moments(order),
            _ => self.as_words(),
        }
    }

    /// The plan for a column that is neither numbers nor moments.
    pub(crate) fn as_words(&self) -> Plan {
        const SAMPLE_MIN: usize = 50;
        let is_varied = self.present >= SAMPLE_MIN && self.distinct.len() * 10 > self.present * 8;
        if is_varied { Plan::Text } else { Plan::Words }
    }

    fn date_orders(&self) -> impl Iterator<Item = DateOrder> {
        let has_any = self.present > 0;
        let orders = DateOrder::ALL.into_iter().zip(self.moments);
        orders.filter_map(move |((order, _), holds)| (holds && has_any).then_some(order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(cells: &[&str], wish: &Wish) -> Plan {
        let mut sample = Sample::default();
        cells.iter().for_each(|cell| sample.add(cell.as_bytes()));
        sample.plan(wish)
    }

    #[test]
    fn a_sample_is_guessed_by_what_all_its_cells_are() {
        let check = |cells: &[&str], expected| assert_eq!(plan(cells, &Wish::Infer), expected, "{cells:?}");
        check(&["1", "2.5", "", "NA"], Plan::Numbers);
        check(&["", "?"], Plan::Numbers);
        check(&["1", "x"], Plan::Words);
        check(&["2024-01-01", ""], Plan::Moments(DateOrder::YearFirst));
        check(&["31/01/2024", "01/02/2024"], Plan::Moments(DateOrder::DayFirst));
        check(
            &["01/31/2024", "01/02/2024"],
            Plan::Moments(DateOrder::MonthFirst),
        );
        check(&["01/02/2024", "03/04/2024"], Plan::Words);
        let ids: Vec<String> = (0..60).map(|i| format!("u{i}")).collect();
        check(&ids.iter().map(String::as_str).collect::<Vec<_>>(), Plan::Text);
    }

    #[test]
    fn a_wish_beats_the_sample() {
        assert_eq!(plan(&["1", "2"], &Wish::User(Kind::Categorical)), Plan::Words);
        assert_eq!(plan(&["x"], &Wish::User(Kind::Numeric)), Plan::Numbers);
        assert_eq!(
            plan(&["01/02/2024"], &Wish::User(Kind::Datetime)),
            Plan::Moments(DateOrder::DayFirst)
        );
        let frozen = Field::new("d", Kind::Datetime, "test").with_dates(DateOrder::MonthFirst);
        assert_eq!(
            plan(&["31/12/2024"], &Wish::Frozen(frozen)),
            Plan::Moments(DateOrder::MonthFirst)
        );
    }
}
