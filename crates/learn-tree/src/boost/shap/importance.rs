//! Importances that come from the trees alone.

use super::Cover;
use super::paths::{Measure, resolve};
use super::sources::Sources;
use crate::boost::model::BoostModel;

/// What is added up over the splits of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportanceKind {
    /// By how much its splits lowered the loss.
    Gain,
    /// How many splits there are.
    Splits,
    /// The cover of the nodes that it splits.
    Cover(Cover),
}

impl BoostModel {
    /// The sum over the splits of each raw column; a derived column's share is split evenly between those it is made of.
    pub fn importances_by(&self, kind: ImportanceKind) -> Vec<f64> {
        let measure: Measure = match kind {
            ImportanceKind::Gain => |facts| f64::from(facts.gain),
            ImportanceKind::Splits => |_| 1.0,
            ImportanceKind::Cover(cover) => resolve(self, cover),
        };
        let mut tested = vec![0.0; self.tested_columns()];
        for tree in &self.trees {
            for (node, facts) in tree.facts.iter().enumerate() {
                if let Some((column, _)) = tree.tree.split_of(node as u32) {
                    tested[column] += measure(facts);
                }
            }
        }
        let mut raw = vec![0.0; self.features];
        Sources::of(self).fold_values(&tested, &mut raw);
        raw
    }
}
