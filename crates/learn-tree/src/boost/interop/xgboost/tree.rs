//! One tree of an XGBoost model.

use serde_json::Value;

use super::super::InteropError;
use super::super::place::Place;
use super::super::sketch::{Part, SetBudget, SketchNode, assemble};
use super::super::threshold::from_below;
use super::categories::XgboostColumn;
use crate::boost::model::{BoostTree, NodeFacts};
use crate::tree::{Side, Test};

/// Nodes of a tree are numbered in 31 bits.
const NODES_MAX: usize = (1 << 31) - 1;
/// Codes from here on are no categories.
const CODES: i64 = 1 << 24;
/// By how much the hessians of two children may differ from their parent's, relative to it: sums in single precision.
const HESSIAN_ERROR: f64 = 1e-2;

/// What all trees of a model share.
pub(super) struct TreeReader<'a> {
    pub(super) columns: &'a [XgboostColumn],
    pub(super) outputs: usize,
    pub(super) budget: SetBudget,
    /// Leaves whose answer the file repeats, and all of them.
    pub(super) repeated: (usize, usize),
    /// The first leaf whose answer is another than its repetition.
    pub(super) first_odd: Option<String>,
}

/// The lists of a tree, checked for length only.
struct Lists<'a> {
    place: Place<'a>,
    left: Vec<i64>,
    right: Vec<i64>,
    features: Vec<i64>,
    limits: Vec<f64>,
    kinds: Vec<i64>,
    default_left: Vec<bool>,
    gains: Vec<f64>,
    hessians: Vec<f64>,
    /// Start and end of each node's categories.
    sets: Vec<(usize, usize)>,
    categories: Vec<i64>,
    /// The number that each leaf answers with, or its vector.
    answers: Answers,
}

enum Answers {
    Numbers,
    Vectors {
        width: usize,
        values: Vec<f64>,
        by_leaf: bool,
    },
}

impl TreeReader<'_> {
    /// Reads a tree whose answers are multiplied by `factor` and go to `output`.
    pub(super) fn read(
        &mut self,
        place: &Place<'_>,
        output: u32,
        factor: f32,
    ) -> Result<BoostTree, InteropError> {
        let lists = Lists::read(place, self.columns.len())?;
        let nodes = (0..lists.left.len()).map(|at| self.node(&lists, at, factor));
        let nodes = nodes.collect::<Result<Vec<_>, InteropError>>()?;
        let (width, output) = match &lists.answers {
            Answers::Numbers => (1, output),
            Answers::Vectors { width, .. } if *width == self.outputs => (*width, 0),
            Answers::Vectors { width, .. } => {
                return Err(place.damaged(format!(
                    "leaves have {width} numbers, the model has {}",
                    self.outputs
                )));
            }
        };
        let deleted = count_text(&place.get("tree_param")?.get("num_deleted")?, NODES_MAX)?;
        let assembled = assemble(&nodes, width, output).map_err(|what| place.damaged(what))?;
        if assembled.used + deleted != nodes.len() {
            return Err(place.damaged(format!(
                "{} of {} nodes are never reached",
                nodes.len() - assembled.used,
                nodes.len()
            )));
        }
        lists.check_repetitions(place)?;
        self.compare_answers(&lists, place)?;
        Ok(assembled.tree)
    }

    fn node(&mut self, lists: &Lists<'_>, at: usize, factor: f32) -> Result<SketchNode, InteropError> {
        let facts = NodeFacts {
            gain: if lists.left[at] < 0 {
                0.0
            } else {
                lists.gains[at] as f32
            },
            weight: lists.hessians[at] as f32,
            rows: 0,
        };
        let part = if lists.left[at] < 0 {
            let scaled = |value: f64| f64::from(value as f32 * factor);
            let answer = lists.answer(at)?.into_iter().map(scaled).collect();
            Part::Leaf { answer, line: None }
        } else {
            self.split(lists, at)?
        };
        Ok(SketchNode { part, facts })
    }

    fn split(&mut self, lists: &Lists<'_>, at: usize) -> Result<Part, InteropError> {
        let place = &lists.place;
        let feature = lists.features[at];
        let column = usize::try_from(feature)
            .ok()
            .and_then(|feature| self.columns.get(feature));
        let column = column.ok_or_else(|| {
            place.damaged(format!(
                "node {at} tests feature {feature} of {}",
                self.columns.len()
            ))
        })?;
        let test = match lists.kinds[at] {
            0 => {
                let threshold = from_below(lists.limits[at] as f32);
                Test::UpTo(
                    threshold
                        .ok_or_else(|| place.damaged(format!("no number is below node {at}'s limit")))?,
                )
            }
            1 => {
                let (start, end) = lists.sets[at];
                let codes = codes(&lists.categories[start..end], column, place)?;
                let words = column
                    .codes
                    .as_ref()
                    .map_or(0, |codes| codes.ours.len().div_ceil(64));
                let bits = self.budget.bits(&codes, words);
                Test::Except(
                    bits.ok_or_else(|| {
                        place.damaged(format!("the categories of node {at} lie too far apart"))
                    })?,
                )
            }
            other => {
                return Err(place.damaged(format!("node {at} has split type {other}, 0 or 1 belongs there")));
            }
        };
        Ok(Part::Split {
            feature: feature as u32,
            test,
            missing: if lists.default_left[at] {
                Side::Left
            } else {
                Side::Right
            },
            children: [lists.left[at] as usize, lists.right[at] as usize],
        })
    }

    /// Leaves repeat their answer as a base weight, unless the objective has changed all of them afterwards.
    fn compare_answers(&mut self, lists: &Lists<'_>, place: &Place<'_>) -> Result<(), InteropError> {
        let Answers::Numbers = lists.answers else {
            return Ok(());
        };
        let Some(weights) = place.find("base_weights")? else {
            return Ok(());
        };
        let weights = weights.numbers(Some(lists.left.len()))?;
        for (at, weight) in weights.iter().enumerate().filter(|(at, _)| lists.left[*at] < 0) {
            let same = (*weight as f32) == (lists.limits[at] as f32);
            self.repeated.0 += usize::from(same);
            self.repeated.1 += 1;
            if !same && self.first_odd.is_none() {
                self.first_odd = Some(place.damaged(format!("node {at}")).to_string());
            }
        }
        Ok(())
    }
}

/// Our codes of a node's categories.
fn codes(listed: &[i64], column: &XgboostColumn, place: &Place<'_>) -> Result<Vec<u32>, InteropError> {
    let code = |&code: &i64| match &column.codes {
        Some(known) => usize::try_from(code)
            .ok()
            .and_then(|code| known.ours.get(code))
            .copied(),
        None => u32::try_from(code).ok().filter(|_| code < CODES),
    };
    let codes: Option<Vec<u32>> = listed.iter().map(code).collect();
    codes.ok_or_else(|| place.damaged(format!("a category of '{}' is out of range", column.column.name)))
}

impl<'a> Lists<'a> {
    fn read(place: &Place<'a>, features: usize) -> Result<Self, InteropError> {
        let param = place.get("tree_param")?;
        let nodes = count_text(&param.get("num_nodes")?, NODES_MAX)?;
        let stated = count_text(&param.get("num_feature")?, NODES_MAX)?;
        if stated != features {
            return Err(param.damaged(format!("{stated} features in a model of {features}")));
        }
        let width = count_text(&param.get("size_leaf_vector")?, NODES_MAX)?;
        let whole = |key: &str| place.get(key)?.integers(Some(nodes));
        let real = |key: &str| place.get(key)?.numbers(Some(nodes));
        let kinds = match place.find("split_type")? {
            Some(list) => list.integers(Some(nodes))?,
            None => vec![0; nodes],
        };
        let sets = sets(place, nodes, &kinds)?;
        let categories = place
            .find("categories")?
            .map_or(Ok(Vec::new()), |list| list.integers(None))?;
        if nodes == 0 || sets.iter().any(|(_, end)| *end > categories.len()) {
            return Err(place.damaged("a tree has no nodes, or categories beyond its list"));
        }
        Ok(Self {
            left: whole("left_children")?,
            right: whole("right_children")?,
            features: whole("split_indices")?,
            limits: real("split_conditions")?,
            kinds,
            default_left: flags(&place.get("default_left")?, nodes)?,
            gains: real("loss_changes")?,
            hessians: real("sum_hessian")?,
            sets,
            categories,
            answers: Answers::read(place, nodes, width)?,
            place: place.clone(),
        })
    }

    fn answer(&self, at: usize) -> Result<Vec<f64>, InteropError> {
        let Answers::Vectors {
            width,
            values,
            by_leaf,
        } = &self.answers
        else {
            return Ok(vec![self.limits[at]]);
        };
        let leaf = if *by_leaf { self.right[at] } else { at as i64 };
        let start = usize::try_from(leaf)
            .ok()
            .and_then(|leaf| leaf.checked_mul(*width));
        let answer = start.and_then(|start| values.get(start..start + width));
        let answer = answer.ok_or_else(|| self.place.damaged(format!("leaf {at} has no weights")))?;
        Ok(answer.to_vec())
    }

    /// Children name their parent, and the hessians of two children sum to their parent's.
    fn check_repetitions(&self, place: &Place<'_>) -> Result<(), InteropError> {
        let parents = place.get("parents")?.integers(Some(self.left.len()))?;
        for at in (0..self.left.len()).filter(|&at| self.left[at] >= 0) {
            let [left, right] = [self.left[at] as usize, self.right[at] as usize];
            if right != left + 1 {
                // XGBoost's own walk takes the child behind the left one whatever the file says.
                return Err(place.damaged(format!("the children of node {at} do not stand side by side")));
            }
            if parents[left] != at as i64 || parents[right] != at as i64 {
                return Err(place.damaged(format!("the children of node {at} name another parent")));
            }
            let difference = self.hessians[at] - self.hessians[left] - self.hessians[right];
            if difference.abs() > HESSIAN_ERROR * self.hessians[at].abs().max(1.0) {
                return Err(place.damaged(format!(
                    "the hessians of node {at}'s children do not sum to its own"
                )));
            }
        }
        Ok(())
    }
}

impl Answers {
    fn read(place: &Place<'_>, nodes: usize, width: usize) -> Result<Self, InteropError> {
        if width <= 1 {
            return Ok(Self::Numbers);
        }
        // Since 3.1 leaves have a list of their own; before, they were the weights of all nodes.
        let (list, by_leaf) = match place.find("leaf_weights")? {
            Some(list) => (list, true),
            None => (place.get("base_weights")?, false),
        };
        let values = list.numbers(None)?;
        let room = nodes.checked_mul(width).is_some_and(|most| values.len() <= most);
        if !room || values.len() % width != 0 {
            return Err(list.damaged(format!("{} numbers in vectors of {width}", values.len())));
        }
        Ok(Self::Vectors {
            width,
            values,
            by_leaf,
        })
    }
}

/// Where each node's categories start and end.
fn sets(place: &Place<'_>, nodes: usize, kinds: &[i64]) -> Result<Vec<(usize, usize)>, InteropError> {
    let mut sets = vec![(0, 0); nodes];
    if kinds.iter().all(|kind| *kind == 0) {
        return Ok(sets);
    }
    let owners = place.get("categories_nodes")?;
    let listed = owners.integers(None)?;
    let starts = place.get("categories_segments")?.integers(Some(listed.len()))?;
    let sizes = place.get("categories_sizes")?.integers(Some(listed.len()))?;
    for (at, owner) in listed.iter().enumerate() {
        let set = usize::try_from(*owner).ok().and_then(|owner| sets.get_mut(owner));
        let range = (usize::try_from(starts[at]), usize::try_from(sizes[at]));
        let (Some(set), (Ok(start), Ok(size))) = (set, range) else {
            return Err(owners.damaged(format!("entry {at} names no node or no list")));
        };
        let fresh = set.1 == 0 && size > 0 && kinds[*owner as usize] == 1;
        let end = start.checked_add(size).filter(|_| fresh);
        *set = (
            start,
            end.ok_or_else(|| owners.damaged(format!("entry {at} is empty, repeated or unfit")))?,
        );
    }
    match (0..nodes).find(|&at| kinds[at] == 1 && sets[at].1 == 0) {
        Some(at) => Err(owners.damaged(format!("node {at} tests categories and lists none"))),
        None => Ok(sets),
    }
}

fn flags(list: &Place<'_>, nodes: usize) -> Result<Vec<bool>, InteropError> {
    let flag = |value: &Value| match value {
        Value::Bool(flag) => Some(*flag),
        other => match other.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
    };
    let flags: Option<Vec<bool>> = list.array()?.iter().map(flag).collect();
    let flags = flags.filter(|flags| flags.len() == nodes);
    flags.ok_or_else(|| list.damaged(format!("a list of {nodes} times 0 or 1 belongs here")))
}

/// A count that the format writes as a text.
pub(super) fn count_text(place: &Place<'_>, max: usize) -> Result<usize, InteropError> {
    let count = match place.value() {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|count| usize::try_from(count).ok()),
    };
    let count = count.filter(|count| *count <= max);
    count.ok_or_else(|| place.damaged(format!("a whole number up to {max} belongs here")))
}
