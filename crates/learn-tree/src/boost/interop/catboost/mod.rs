//! CatBoost's models: JSON.
//!
//! Facts of the format that matter here: a number goes right if it is above the border in single precision; what NaN does
//! is said column by column; a category is the low half of its text's CityHash64; a statistic of categories is looked up by
//! a hash of the categories (and of tests of other columns) and compared with a border; splits are numbered across the
//! model, borders of numbers first, then categories tested one by one, then borders of statistics.
//!
//! A statistic of one column is a function of its level, so that a split on it is a set of levels. A statistic of several
//! columns is a [`Combination`], computed before the trees are walked.

mod columns;
mod hash;
mod objective;
mod read;
mod rules;
mod statistic;
mod tree;

pub use read::read_catboost_json;
pub(super) use statistic::Combination;
