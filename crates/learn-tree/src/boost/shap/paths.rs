//! A tree as the list of its leaves, each with the distinct columns on its path.

use super::{Cover, ExplainError};
use crate::boost::model::{BoostModel, BoostTree, NodeFacts};
use crate::tree::{Side, Test};

/// Distinct columns that a path may test: one bit of a word each.
pub(super) const COLUMNS_MAX: usize = 64;

/// The leaves of all trees.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) trees: Vec<TreePaths>,
    /// The most distinct columns on a path.
    pub(super) columns_max: usize,
}

/// The leaves of one tree.
#[derive(Debug)]
pub(super) struct TreePaths {
    /// One entry a split.
    questions: Vec<Question>,
    pub(super) leaves: Vec<LeafPath>,
    /// The outputs that the leaves add to: from this one, as many as an answer is wide.
    pub(super) output: usize,
}

#[derive(Debug)]
struct Question {
    column: usize,
    test: Test,
    missing: Side,
}

/// One leaf and the columns on its path.
#[derive(Debug)]
pub(super) struct LeafPath {
    pub(super) answer: Vec<f64>,
    pub(super) elements: Vec<Element>,
    /// Element after element the questions of the tree that it passes through, and whether the path goes left there.
    turns: Vec<(u32, bool)>,
}

/// All that a path asks of one column.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) column: usize,
    /// The share of cover that stays on the path: the product over the column's edges.
    pub(super) absent: f64,
    /// How many turns of the leaf are its own.
    turns: usize,
}

/// An element while its path is being walked.
#[derive(Debug, Clone)]
struct Edges {
    column: usize,
    absent: f64,
    turns: Vec<(u32, bool)>,
}

impl Paths {
    /// The paths of all trees, without covers (`absent` is meaningless then) if none are asked for.
    pub(super) fn new(model: &BoostModel, cover: Option<Cover>) -> Result<Self, ExplainError> {
        let measure = cover.map(|cover| resolve(model, cover));
        let mut paths = Self {
            trees: Vec::with_capacity(model.trees.len()),
            columns_max: 0,
        };
        for (at, tree) in model.trees.iter().enumerate() {
            if tree.lines.is_some() {
                return Err(ExplainError::LinearLeaves { tree: at });
            }
            if measure.is_some_and(|measure| tree.tree.node_count() > 1 && measure(&tree.facts[0]) <= 0.0) {
                return Err(ExplainError::NoCovers { tree: at });
            }
            let one = TreePaths::new(tree, measure);
            let columns = one
                .leaves
                .iter()
                .map(|leaf| leaf.elements.len())
                .max()
                .unwrap_or(0);
            if columns > COLUMNS_MAX {
                return Err(ExplainError::TooManyColumns { tree: at, columns });
            }
            paths.columns_max = paths.columns_max.max(columns);
            paths.trees.push(one);
        }
        Ok(paths)
    }
}

/// Reads the cover of a node.
pub(super) type Measure = fn(&NodeFacts) -> f64;

/// Which facts are the cover; [`Cover::Auto`] looks at the roots.
pub(super) fn resolve(model: &BoostModel, cover: Cover) -> Measure {
    let rows: Measure = |facts| f64::from(facts.rows);
    let weights: Measure = |facts| f64::from(facts.weight);
    match cover {
        Cover::Rows => rows,
        Cover::Weights => weights,
        Cover::Auto => {
            let knows_rows = |tree: &BoostTree| tree.tree.node_count() == 1 || tree.facts[0].rows > 0;
            if model.trees.iter().all(knows_rows) {
                rows
            } else {
                weights
            }
        }
    }
}

/// Where a walk over all paths of a tree stands.
struct Visit {
    node: u32,
    elements: Vec<Edges>,
}

impl TreePaths {
    fn new(tree: &BoostTree, measure: Option<Measure>) -> Self {
        let mut paths = Self {
            questions: Vec::new(),
            leaves: Vec::with_capacity(tree.tree.leaf_count()),
            output: tree.output as usize,
        };
        let mut open = vec![Visit {
            node: 0,
            elements: Vec::new(),
        }];
        while let Some(visit) = open.pop() {
            match tree.tree.split_of(visit.node) {
                None => paths.leaves.push(leaf_path(tree, &visit)),
                Some((column, left)) => {
                    let (test, missing) = tree.tree.test_of(visit.node);
                    let question = paths.questions.len() as u32;
                    paths.questions.push(Question {
                        column,
                        test,
                        missing,
                    });
                    for (node, goes_left) in [(left + 1, false), (left, true)] {
                        let share = measure.map_or(0.0, |measure| {
                            let facts = &tree.facts;
                            share_of(
                                measure(&facts[node as usize]),
                                measure(&facts[visit.node as usize]),
                            )
                        });
                        open.push(Visit {
                            node,
                            elements: extended(&visit.elements, column, share, (question, goes_left)),
                        });
                    }
                }
            }
        }
        paths
    }

    /// For each question whether the row goes left.
    pub(super) fn decide(&self, row: &[f64], goes_left: &mut Vec<bool>) {
        goes_left.clear();
        goes_left.extend(self.questions.iter().map(|question| question.goes_left(row)));
    }
}

/// The share of a node's cover that a child has; a node that saw nothing shares evenly.
fn share_of(child: f64, node: f64) -> f64 {
    if node > 0.0 { child / node } else { 0.5 }
}

/// The elements of a path one edge longer.
fn extended(elements: &[Edges], column: usize, share: f64, turn: (u32, bool)) -> Vec<Edges> {
    let mut longer = elements.to_vec();
    match longer.iter_mut().find(|element| element.column == column) {
        Some(element) => {
            element.absent *= share;
            element.turns.push(turn);
        }
        None => longer.push(Edges {
            column,
            absent: share,
            turns: vec![turn],
        }),
    }
    longer
}

fn leaf_path(tree: &BoostTree, visit: &Visit) -> LeafPath {
    let element = |edges: &Edges| Element {
        column: edges.column,
        absent: edges.absent,
        turns: edges.turns.len(),
    };
    LeafPath {
        answer: tree.tree.answer_of(visit.node).expect("leaves answer").to_vec(),
        elements: visit.elements.iter().map(element).collect(),
        turns: visit
            .elements
            .iter()
            .flat_map(|edges| edges.turns.iter().copied())
            .collect(),
    }
}

impl LeafPath {
    /// One bit an element: whether a row with these decisions passes all its tests.
    pub(super) fn passes(&self, goes_left: &[bool]) -> u64 {
        let (mut bits, mut rest) = (0, &self.turns[..]);
        for (at, element) in self.elements.iter().enumerate() {
            let (turns, behind) = rest.split_at(element.turns);
            let fails = turns.iter().fold(false, |fails, &(question, left)| {
                fails | (goes_left[question as usize] != left)
            });
            bits |= u64::from(!fails) << at;
            rest = behind;
        }
        bits
    }
}

impl Question {
    /// The side that [`crate::tree::Tree::leaf_of`] takes.
    fn goes_left(&self, row: &[f64]) -> bool {
        let value = row[self.column];
        let missing = self.missing == Side::Left;
        match &self.test {
            Test::UpTo(cut) => value <= *cut || (value.is_nan() && missing),
            Test::Among(_) if value.is_nan() => missing,
            Test::Among(words) => {
                let level = value as usize;
                words
                    .get(level / 64)
                    .map_or(missing, |word| word >> (level % 64) & 1 == 1)
            }
        }
    }
}
