//! Boosters of random trees with the shape of fitted ones, for tests of what reads models.

use kolosal_base::{Rng, Seed};
use kolosal_learner::Meaning;

use super::cell::CompiledCell;
use crate::boost::encoding::Encodings;
use crate::boost::link::Link;
use crate::boost::model::{BoostModel, BoostTree, Lines, NodeFacts};
use crate::tree::{Side, Test, Tree};

/// Cuts that a column offers, as after binning into 255 bins.
const CUTS: usize = 254;
/// Levels of a column of categories.
const LEVELS: usize = 100;
/// Rows that the root of a tree has seen.
const ROWS: u32 = 20_000;

/// What a random booster looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SampleShape {
    /// Trees.
    pub(crate) trees: usize,
    /// Leaves of each tree; of oblivious trees the next power of two.
    pub(crate) leaves: usize,
    /// Columns; numbers between 0 and 1 are what the cuts of numeric columns tell apart.
    pub(crate) columns: usize,
    /// The last so many columns hold categories of 100 levels.
    pub(crate) category_columns: usize,
    /// Scores of a row; beyond one, every second tree adds to all of them.
    pub(crate) outputs: usize,
    /// How trees grow.
    pub(crate) growth: SampleGrowth,
    /// Where the randomness starts.
    pub(crate) seed: u64,
}

/// How the trees of a random booster grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleGrowth {
    /// The leaf with most rows, give or take, is split next.
    LeafWise,
    /// All nodes of a level ask the same question.
    Oblivious,
    /// Leaf-wise, with straight lines in the leaves.
    LeafWiseLines,
}

impl Default for SampleShape {
    fn default() -> Self {
        Self {
            trees: 100,
            leaves: 31,
            columns: 30,
            category_columns: 0,
            outputs: 1,
            growth: SampleGrowth::LeafWise,
            seed: 0,
        }
    }
}

/// A booster of random trees for regression.
///
/// # Panics
/// If there are no columns, no leaves or no outputs.
pub(crate) fn sample_model(shape: &SampleShape) -> BoostModel {
    assert!(
        shape.columns > 0 && shape.leaves > 0 && shape.outputs > 0,
        "a model has columns, leaves and outputs"
    );
    let mut rng = Seed::new(shape.seed).fork("sample").rng();
    let trees = (0..shape.trees)
        .map(|at| sample_tree(shape, at, &mut rng))
        .collect();
    BoostModel {
        meaning: Meaning::Number,
        link: Link::Identity,
        features: shape.columns,
        base: (0..shape.outputs).map(|_| rng.normal()).collect(),
        trees,
        encodings: Encodings::default(),
        compiled: CompiledCell::default(),
    }
}

fn sample_tree(shape: &SampleShape, at: usize, rng: &mut Rng) -> BoostTree {
    let width = if at % 2 == 1 { shape.outputs } else { 1 };
    let mut growing = Growing {
        tree: Tree::new(width),
        rows: vec![ROWS],
        leaves: vec![0],
    };
    if shape.growth == SampleGrowth::Oblivious {
        for _ in 0..shape.leaves.next_power_of_two().ilog2() {
            let question = sample_question(shape, rng);
            for place in 0..growing.leaves.len() {
                growing.split(place, &question, rng);
            }
        }
    } else {
        for _ in 1..shape.leaves {
            let size = |place: usize, rng: &mut Rng| {
                f64::from(growing.rows[growing.leaves[place] as usize]) * (0.2 + rng.uniform())
            };
            let sizes: Vec<f64> = (0..growing.leaves.len()).map(|place| size(place, rng)).collect();
            let place = (0..sizes.len()).max_by(|&a, &b| sizes[a].total_cmp(&sizes[b]));
            let question = sample_question(shape, rng);
            growing.split(place.expect("a tree has leaves"), &question, rng);
        }
    }
    for &leaf in &growing.leaves {
        let answer: Vec<f64> = (0..width).map(|_| 0.1 * rng.normal()).collect();
        growing.tree.set_answer(leaf, &answer);
    }
    let has_lines = shape.growth == SampleGrowth::LeafWiseLines && width == 1;
    BoostTree {
        output: if width == 1 {
            (at % shape.outputs) as u32
        } else {
            0
        },
        facts: growing.facts(rng),
        lines: has_lines.then(|| growing.lines(shape, rng)),
        tree: growing.tree,
    }
}

/// A column, what is asked of it, and the side of missing values.
type AnyQuestion = (usize, Test, Side);

fn sample_question(shape: &SampleShape, rng: &mut Rng) -> AnyQuestion {
    let column = rng.below(shape.columns);
    let missing = if rng.below(4) == 0 {
        Side::Left
    } else {
        Side::Right
    };
    if column + shape.category_columns >= shape.columns {
        let word = |rng: &mut Rng| rng.next_u64();
        return (
            column,
            Test::Among(
                (0..1 + rng.below(LEVELS.div_ceil(64)))
                    .map(|_| word(rng))
                    .collect(),
            ),
            missing,
        );
    }
    let cut = (rng.below(CUTS) + 1) as f64 / (CUTS + 1) as f64;
    (column, Test::UpTo(cut), missing)
}

struct Growing {
    tree: Tree,
    /// Rows of each node.
    rows: Vec<u32>,
    leaves: Vec<u32>,
}

impl Growing {
    /// Splits the leaf at a place of the list of leaves; rows are shared out at random.
    fn split(&mut self, place: usize, (column, test, missing): &AnyQuestion, rng: &mut Rng) {
        let node = self.leaves[place];
        let left = self.tree.split(node, *column as u32, test, *missing);
        let rows = self.rows[node as usize];
        let to_left = ((f64::from(rows) * (0.05 + 0.9 * rng.uniform())) as u32).min(rows);
        self.rows.extend([to_left, rows - to_left]);
        self.leaves[place] = left;
        self.leaves.push(left + 1);
    }

    fn facts(&self, rng: &mut Rng) -> Vec<NodeFacts> {
        let facts = |(node, &rows): (usize, &u32)| NodeFacts {
            gain: match self.tree.split_of(node as u32) {
                Some(_) => rng.uniform() as f32,
                None => 0.0,
            },
            weight: rows as f32 * 0.25,
            rows,
        };
        self.rows.iter().enumerate().map(facts).collect()
    }

    /// A line of up to three numeric columns in two leaves of three.
    fn lines(&self, shape: &SampleShape, rng: &mut Rng) -> Lines {
        let mut lines = Lines {
            starts: vec![0],
            ..Lines::default()
        };
        let numeric = shape.columns - shape.category_columns;
        for node in 0..self.tree.node_count() as u32 {
            if self.tree.split_of(node).is_none() && numeric > 0 && rng.below(3) > 0 {
                for _ in 0..=rng.below(3) {
                    lines.columns.push(rng.below(numeric) as u32);
                    lines.slopes.push(rng.normal());
                }
            }
            lines.intercepts.push(0.1 * rng.normal());
            lines.starts.push(lines.columns.len() as u32);
        }
        lines
    }
}
