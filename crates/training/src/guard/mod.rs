//! Guards: what a table should be asked before anything is learned from it.
//!
//! Each guard looks for one thing that makes models fail in ways their scores do not show. A finding says what was seen,
//! what was done about it, and what the user can do; with `--strict` any of them ends the training.

mod columns;
mod drift;
mod leak;
mod personal;
mod rows;

pub(crate) use columns::{useless, useless_columns};
pub use drift::drift;
pub(crate) use rows::{missing_target, rare_classes};

use std::fmt;

use kolosal_frame::Frame;
use kolosal_pipeline::GuardEntry;

use crate::TrainRequest;
use crate::prepare::Prepared;

/// Something about the data that the user should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Which guard found it: lower case, words joined by `_`.
    pub guard: &'static str,
    /// The columns it is about.
    pub columns: Vec<String>,
    /// What was seen, and what was done about it.
    pub reason: String,
    /// What the user can do.
    pub remedy: String,
}

impl Finding {
    pub(crate) fn new(
        guard: &'static str,
        columns: &[&str],
        reason: String,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            guard,
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            reason,
            remedy: remedy.into(),
        }
    }

    /// As a model's manifest keeps it.
    pub fn to_entry(&self) -> GuardEntry {
        GuardEntry {
            guard: self.guard.to_owned(),
            columns: self.columns.clone(),
            reason: self.reason.clone(),
            remedy: self.remedy.clone(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.reason, self.remedy)
    }
}

/// Looks at the columns that are learned from; `table` has the rows with a known target, in their order.
pub(crate) fn look(
    prepared: &Prepared,
    table: &Frame,
    features: &Frame,
    request: &TrainRequest,
) -> Vec<Finding> {
    let mut found = columns::mixed(features);
    found.extend(columns::near_copies(features));
    found.extend(leak::probe(prepared, features));
    found.extend(rows::copies(prepared, features));
    found.extend(rows::imbalance(prepared));
    found.extend(rows::order(prepared, features, request));
    found.extend(rows::groups(prepared, features, request));
    found.extend(personal::scan(table));
    found
}

/// Every so-many-th row, at most `count`.
fn sample(rows: usize, count: usize) -> Vec<usize> {
    (0..rows).step_by(rows.div_ceil(count).max(1)).collect()
}
