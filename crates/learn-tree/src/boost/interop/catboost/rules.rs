//! The splits of a model by number: what each tests, and the test in our terms.

use super::super::InteropError;
use super::super::place::Place;
use super::super::sketch::SetBudget;
use super::super::threshold::from_up_to;
use super::columns::{CategoryColumn, Columns};
use super::statistic::Statistic;
use crate::tree::{Side, Test};

/// A numbered split.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    /// A column of numbers is above a border.
    Number { column: usize, border: f32 },
    /// A categorical column is one category.
    Category { column: usize, hash: u32 },
    /// A statistic is above a border.
    Statistic { number: usize, border: f32 },
}

/// All splits of a model.
pub(super) struct Rules<'a> {
    columns: &'a Columns,
    statistics: &'a [Statistic],
    /// The position of each statistic's column behind the raw ones; those of one column have none.
    derived: Vec<Option<usize>>,
    rules: Vec<Rule>,
    budget: SetBudget,
}

/// A split: the column, the test, and where missing values go.
pub(super) type Tested = (u32, Test, Side);

impl<'a> Rules<'a> {
    pub(super) fn new(columns: &'a Columns, statistics: &'a [Statistic], file_bytes: usize) -> Self {
        let numbers = columns.numbers.iter().enumerate();
        let numbers = numbers.flat_map(|(column, number)| {
            number
                .borders
                .iter()
                .map(move |&border| Rule::Number { column, border })
        });
        let categories = columns.categories.iter().enumerate();
        let categories = categories.flat_map(|(column, category)| {
            category
                .tested
                .iter()
                .map(move |&hash| Rule::Category { column, hash })
        });
        let all = statistics.iter().enumerate().flat_map(|(number, statistic)| {
            statistic
                .borders
                .iter()
                .map(move |&border| Rule::Statistic { number, border })
        });
        let mut next = columns.count();
        let derived = statistics.iter().map(|statistic| {
            let combined = statistic.members.single().is_none();
            next += usize::from(combined);
            combined.then(|| next - 1)
        });
        Self {
            columns,
            statistics,
            derived: derived.collect(),
            rules: numbers.chain(categories).chain(all).collect(),
            budget: SetBudget::for_file(file_bytes),
        }
    }

    /// Reads a split, whose number and description must agree.
    pub(super) fn read(&mut self, split: &Place<'_>) -> Result<Tested, InteropError> {
        let number = split.get("split_index")?.count(usize::MAX)?;
        let rule = *self
            .rules
            .get(number)
            .ok_or_else(|| split.damaged(format!("there is no split {number}")))?;
        if !self.describes(split, rule)? {
            return Err(split.damaged(format!(
                "split {number} is described otherwise than in features_info"
            )));
        }
        let tested = self.test(rule);
        tested.ok_or_else(|| split.damaged("its categories take too much room"))
    }

    fn describes(&self, split: &Place<'_>, rule: Rule) -> Result<bool, InteropError> {
        let number = |key: &str| Ok::<_, InteropError>(split.get(key)?.number()? as f32);
        let kind = split.get("split_type")?.str()?;
        Ok(match rule {
            Rule::Number { column, border } => {
                kind == "FloatFeature"
                    && number("border")? == border
                    && split.get("float_feature_index")?.value().as_u64() == Some(column as u64)
            }
            Rule::Category { column, hash } => {
                kind == "OneHotFeature"
                    && super::columns::hash_of(&split.get("value")?)? == hash
                    && split.get("cat_feature_index")?.value().as_u64() == Some(column as u64)
            }
            Rule::Statistic { number: at, border } => {
                let target = self.statistics[at].target_border as u64;
                kind == "OnlineCtr"
                    && number("border")? == border
                    && split.get("ctr_target_border_idx")?.value().as_u64() == Some(target)
            }
        })
    }

    /// The test under which values for which the rule does not hold go left.
    fn test(&mut self, rule: Rule) -> Option<Tested> {
        match rule {
            Rule::Number { column, border } => {
                let column = &self.columns.numbers[column];
                let side = if column.nan_above { Side::Right } else { Side::Left };
                Some((column.at as u32, Test::UpTo(from_up_to(border)?), side))
            }
            Rule::Category { column, hash } => self.set(column, |category| category == Some(hash)),
            Rule::Statistic { number, border } => {
                let statistic = &self.statistics[number];
                match (self.derived[number], statistic.members.single()) {
                    (None, Some(column)) => {
                        self.set(column, |category| statistic.of_category(category) > border)
                    }
                    (derived, _) => {
                        let at = derived.expect("a statistic of several columns has a place");
                        Some((at as u32, Test::UpTo(f64::from(border)), Side::Left))
                    }
                }
            }
        }
    }

    /// The set of a column's levels for which `right` does not hold; it is asked about unknown categories too.
    fn set(&mut self, column: usize, right: impl Fn(Option<u32>) -> bool) -> Option<Tested> {
        let column: &CategoryColumn = &self.columns.categories[column];
        let left = (0..column.hashes.len()).filter(|&code| !right(Some(column.hashes[code])));
        let codes: Vec<u32> = left.map(|code| code as u32).collect();
        let side = if right(column.missing) {
            Side::Right
        } else {
            Side::Left
        };
        let words = column.hashes.len().div_ceil(64).max(1);
        Some((
            column.at as u32,
            Test::Among(self.budget.bits(&codes, words)?),
            side,
        ))
    }
}
