//! What an artifact says of itself: readable without loading the model.
//!
//! A manifest holds nothing that differs between two runs of the same work: no time, no duration, no thread count.

use std::collections::BTreeMap;

#[cfg(test)]
use kolosal_learner::Domain;
use kolosal_learner::{ParamDef, Point, Value};
use serde::{Deserialize, Serialize};

/// The description at the head of an artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The product's version that wrote it.
    pub version: String,
    /// `binary`, `multiclass`, `regression`, `anomaly` or `clustering`.
    pub task: String,
    /// The column that is predicted; empty where the task has no target.
    pub target: String,
    /// The class labels in code order.
    pub classes: Vec<String>,
    /// The columns it predicts from.
    pub features: Vec<FeatureEntry>,
    /// Facts of the training table.
    pub data: DataFacts,
    /// The seed.
    pub seed: u64,
    /// Options of the training, by name.
    pub options: BTreeMap<String, String>,
    /// The metric it was chosen by; empty where the task has no target.
    pub metric: String,
    /// Values of all metrics on held-out rows of the training table.
    pub scores: BTreeMap<String, f64>,
    /// Everything that was tried, best first.
    pub leaderboard: Vec<LeaderboardEntry>,
    /// What answers, with the weight of each.
    pub members: Vec<MemberEntry>,
    /// Share of each feature in the answers, where the members tell.
    pub importances: BTreeMap<String, f64>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// What guards have found in the training table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<GuardEntry>,
    /// Numbers that describe the fit, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, f64>,
    /// The groups of a clustering on the training rows, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupEntry>,
}

/// Something that a guard has found in the training table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardEntry {
    /// The guard.
    pub guard: String,
    /// The columns it is about.
    pub columns: Vec<String>,
    /// What was seen, and what was done about it.
    pub reason: String,
    /// What the user can do.
    pub remedy: String,
}

/// One group of a clustering.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupEntry {
    /// Training rows in it.
    pub rows: usize,
    /// What sets it apart, most telling first.
    pub traits: Vec<TraitEntry>,
}

/// What a column is like in a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraitEntry {
    /// The column.
    pub column: String,
    /// In words: its mean beside that of all rows, or its most frequent level beside that level's share in all rows.
    pub value: String,
    /// How far that is from all rows: standard deviations, or a difference of shares.
    pub difference: f64,
}

/// One feature column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureEntry {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Why it has that kind.
    pub reason: String,
    /// How many levels it has, if it is categorical.
    pub levels: Option<usize>,
}

/// The training table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataFacts {
    /// Rows with a known target.
    pub rows: usize,
    /// Columns, the target included.
    pub columns: usize,
    /// SHA-256 of names, kinds and values, in hexadecimal.
    pub sha256: String,
}

/// One line of the leaderboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaderboardEntry {
    /// A name for people: the learner, and what sets it apart.
    pub name: String,
    /// The learner, or `ensemble`.
    pub learner: String,
    /// The parameters that differ from the learner's defaults.
    pub params: BTreeMap<String, String>,
    /// The metric on held-out rows; none if it did not finish.
    pub score: Option<f64>,
    /// How the rows were held out: `5 folds`, `holdout`, `out of bag`.
    pub validation: String,
    /// Its weight in the ensemble.
    pub weight: f64,
    /// Why it did not finish, if it did not.
    pub problem: Option<String>,
}

/// One part of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberEntry {
    /// The learner.
    pub learner: String,
    /// Its parameters, complete, as text.
    pub params: BTreeMap<String, String>,
    /// Its weight; the weights sum to one.
    pub weight: f64,
}

impl MemberEntry {
    /// The parameters as a point again.
    ///
    /// # Errors
    /// The first name or value that the learner's table does not know.
    pub fn point(&self, defs: &[ParamDef]) -> Result<Point, String> {
        let parse = |(name, text): (&String, &String)| {
            let def = defs
                .iter()
                .find(|def| def.name == name)
                .ok_or_else(|| format!("no parameter '{name}'"))?;
            let value = def.legal.parse(text).filter(|value| def.legal.contains(value));
            let value = value.ok_or_else(|| format!("parameter {name} is '{text}'"))?;
            Ok((name.clone(), value))
        };
        self.params.iter().map(parse).collect()
    }
}

/// A point as text, every parameter.
pub(crate) fn point_text(point: &Point) -> BTreeMap<String, String> {
    point
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

/// The parameters of a point that differ from the defaults, as text.
pub fn point_difference(point: &Point, defs: &[ParamDef]) -> BTreeMap<String, String> {
    let default_of = |name: &str| {
        defs.iter()
            .find(|def| def.name == name)
            .map(|def| (def.default)())
    };
    let differs = |(name, value): &(&String, &Value)| default_of(name).as_ref() != Some(*value);
    point
        .iter()
        .filter(differs)
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

/// Whether a value of a domain survives being written as text.
#[cfg(test)]
fn survives(domain: Domain, value: &Value) -> bool {
    domain.parse(&value.to_string()).as_ref() == Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_survives_being_written_as_text() {
        for learner in kolosal_learners::LEARNERS {
            for def in learner.params() {
                let value = (def.default)();
                assert!(
                    survives(def.legal, &value),
                    "{} of {}",
                    def.name,
                    learner.card().name
                );
            }
        }
    }
}
