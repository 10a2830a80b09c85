//! One tree of a LightGBM model.

use super::super::InteropError;
use super::super::sketch::{LeafLine, Part, SetBudget, SketchNode, assemble};
use super::levels::LightgbmColumn;
use super::text::Block;
use crate::boost::model::{BoostTree, NodeFacts};
use crate::tree::{Side, Test, ZERO_MAX};

const LEAVES_MAX: usize = 1 << 30;
const CATEGORICAL: u32 = 1;
const DEFAULT_LEFT: u32 = 2;

/// What all trees of a model share.
pub(super) struct TreeReader<'a> {
    pub(super) columns: &'a [LightgbmColumn],
    pub(super) budget: SetBudget,
    /// What every answer is multiplied by.
    pub(super) factor: f64,
}

/// Which values a split takes for missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    None,
    Zero,
    NaN,
}

/// The lists of a tree, checked for length only.
struct Lists {
    splits: usize,
    left: Vec<i64>,
    right: Vec<i64>,
    features: Vec<usize>,
    thresholds: Vec<f64>,
    kinds: Vec<u32>,
    sets: Vec<usize>,
    words: Vec<u32>,
    gains: Vec<f32>,
    values: Vec<f64>,
    lines: Option<Vec<LeafLine>>,
    /// Hessians and rows of splits, then of leaves.
    weights: Vec<f32>,
    rows: Vec<u32>,
}

impl TreeReader<'_> {
    /// Reads a tree that adds to `output`.
    pub(super) fn read(&mut self, block: &Block<'_>, output: u32) -> Result<BoostTree, InteropError> {
        let lists = Lists::read(block)?;
        let all = 0..lists.splits + lists.values.len();
        let nodes = all
            .map(|at| self.node(&lists, at, block))
            .collect::<Result<Vec<_>, _>>()?;
        let assembled = assemble(&nodes, 1, output).map_err(|what| block.damaged("left_child", what))?;
        if assembled.used != nodes.len() {
            let lost = nodes.len() - assembled.used;
            return Err(block.damaged("left_child", format!("{lost} nodes are never reached")));
        }
        lists.check_counts(block)?;
        Ok(assembled.tree)
    }

    fn node(&mut self, lists: &Lists, at: usize, block: &Block<'_>) -> Result<SketchNode, InteropError> {
        let facts = NodeFacts {
            gain: lists.gains.get(at).copied().unwrap_or(0.0),
            weight: lists.weights[at],
            rows: lists.rows[at],
        };
        let part = if at < lists.splits {
            self.split(lists, at, block)?
        } else {
            self.leaf(lists, at - lists.splits)
        };
        Ok(SketchNode { part, facts })
    }

    fn leaf(&self, lists: &Lists, leaf: usize) -> Part {
        let line = lists.lines.as_ref().map(|lines| lines[leaf].clone());
        let (value, line) = match line {
            // A line without terms is its intercept.
            Some(line) if line.terms.is_empty() => (line.intercept, None),
            Some(line) => (lists.values[leaf], Some(line)),
            None => (lists.values[leaf], None),
        };
        let scaled = line.map(|line| LeafLine {
            intercept: line.intercept * self.factor,
            terms: line
                .terms
                .iter()
                .map(|(column, slope)| (*column, slope * self.factor))
                .collect(),
        });
        Part::Leaf {
            answer: vec![value * self.factor],
            line: scaled,
        }
    }

    fn split(&mut self, lists: &Lists, at: usize, block: &Block<'_>) -> Result<Part, InteropError> {
        let (feature, kind) = (lists.features[at], lists.kinds[at]);
        if feature >= self.columns.len() {
            let what = format!("split {at} tests feature {feature} of {}", self.columns.len());
            return Err(block.damaged("split_feature", what));
        }
        let default = if kind & DEFAULT_LEFT != 0 {
            Side::Left
        } else {
            Side::Right
        };
        let missing = match kind >> 2 {
            0 => Missing::None,
            1 => Missing::Zero,
            2 => Missing::NaN,
            _ => return Err(block.damaged("decision_type", format!("{kind} is no kind of split"))),
        };
        let (test, missing) = if kind & CATEGORICAL == 0 {
            number_test(lists.thresholds[at], missing, default)
        } else {
            (Test::Among(self.set(lists, at, block)?), Side::Right)
        };
        Ok(Part::Split {
            feature: feature as u32,
            test,
            missing,
            children: [lists.left[at], lists.right[at]].map(|child| lists.place(child)),
        })
    }

    /// The levels that go left, as bits of our codes.
    fn set(&mut self, lists: &Lists, at: usize, block: &Block<'_>) -> Result<Vec<u64>, InteropError> {
        let index = lists.thresholds[at];
        let bounds = lists
            .sets
            .get(index as usize..)
            .filter(|_| index >= 0.0 && index.fract() == 0.0);
        let words = match bounds {
            Some([start, end, ..]) => lists.words.get(*start..*end),
            _ => None,
        };
        let words =
            words.ok_or_else(|| block.damaged("cat_boundaries", format!("split {at} has no categories")))?;
        let column = &self.columns[lists.features[at]];
        let bits = (0..words.len() * 32).filter(|bit| words[bit / 32] >> (bit % 32) & 1 == 1);
        let code = |bit: usize| match &column.codes {
            Some(known) => known.ours.get(bit).copied(),
            None => Some(bit as u32),
        };
        let codes: Option<Vec<u32>> = bits.map(code).collect();
        let levels = column.codes.as_ref().map_or(1, |known| known.ours.len());
        let set = codes.and_then(|codes| self.budget.bits(&codes, levels.div_ceil(64)));
        set.ok_or_else(|| {
            block.damaged(
                "cat_threshold",
                format!("split {at} lists categories that are not there"),
            )
        })
    }
}

/// What a split of numbers does with missing values and with zero.
fn number_test(threshold: f64, missing: Missing, default: Side) -> (Test, Side) {
    let zero = if 0.0 <= threshold { Side::Left } else { Side::Right };
    match missing {
        // NaN stands for zero here.
        Missing::None => (Test::UpTo(threshold), zero),
        Missing::NaN => (Test::UpTo(threshold), default),
        Missing::Zero if zero == default && !(-ZERO_MAX..ZERO_MAX).contains(&threshold) => {
            (Test::UpTo(threshold), default)
        }
        Missing::Zero => (Test::UpToButZero(threshold), default),
    }
}

impl Lists {
    fn read(block: &Block<'_>) -> Result<Self, InteropError> {
        let leaves: usize = block.number("num_leaves")?;
        let values = finite(block.numbers("leaf_value", leaves)?, "leaf_value", block)?;
        if leaves == 0 || leaves > LEAVES_MAX {
            return Err(block.damaged("num_leaves", "a tree has one leaf at least"));
        }
        let splits = leaves - 1;
        let whole = |key: &str| {
            if splits == 0 {
                Ok(Vec::new())
            } else {
                block.numbers::<i64>(key, splits)
            }
        };
        let thresholds = if splits == 0 {
            Vec::new()
        } else {
            block.numbers("threshold", splits)?
        };
        if thresholds.iter().any(|threshold: &f64| threshold.is_nan()) {
            return Err(block.damaged("threshold", "numbers belong here"));
        }
        let sets: usize = block.number("num_cat")?;
        let (sets, words) = if sets == 0 {
            (Vec::new(), Vec::new())
        } else {
            let bounds = block.numbers("cat_boundaries", sets.saturating_add(1))?;
            (
                bounds,
                block.find_numbers("cat_threshold", None)?.unwrap_or_default(),
            )
        };
        let linear = block.find("is_linear").is_some_and(|flag| flag == "1");
        Ok(Self {
            splits,
            left: whole("left_child")?,
            right: whole("right_child")?,
            features: unsigned(whole("split_feature")?, "split_feature", block)?,
            thresholds,
            kinds: unsigned(whole("decision_type")?, "decision_type", block)?,
            sets,
            words,
            gains: gains(block, splits)?,
            values,
            lines: if linear { Some(lines(block, leaves)?) } else { None },
            weights: facts(block, ["internal_weight", "leaf_weight"], [splits, leaves])?,
            rows: facts(block, ["internal_count", "leaf_count"], [splits, leaves])?,
        })
    }

    /// Where a child stands among splits and then leaves; one that is out of range stays out of range.
    fn place(&self, child: i64) -> usize {
        let place = if child < 0 {
            (!child).checked_add(self.splits as i64)
        } else {
            Some(child)
        };
        let within = child < self.splits as i64;
        place
            .and_then(|place| usize::try_from(place).ok())
            .filter(|_| within)
            .unwrap_or(usize::MAX)
    }

    /// The rows of two children sum to their parent's.
    fn check_counts(&self, block: &Block<'_>) -> Result<(), InteropError> {
        for at in 0..self.splits {
            let [left, right] =
                [self.left[at], self.right[at]].map(|child| u64::from(self.rows[self.place(child)]));
            if u64::from(self.rows[at]) != left + right {
                return Err(block.damaged(
                    "internal_count",
                    format!("the rows of split {at}'s children do not sum to its own"),
                ));
            }
        }
        Ok(())
    }
}

/// Numbers of splits and then of leaves; zero where the file does not have them.
fn facts<T: std::str::FromStr + Default + Clone>(
    block: &Block<'_>,
    keys: [&str; 2],
    lens: [usize; 2],
) -> Result<Vec<T>, InteropError> {
    let mut all = Vec::new();
    let known = block.find(keys[1]).is_some_and(|text| !text.is_empty());
    for (key, len) in keys.into_iter().zip(lens) {
        if known && len > 0 {
            all.extend(block.numbers::<T>(key, len)?);
        } else {
            all.extend(vec![T::default(); len]);
        }
    }
    Ok(all)
}

fn gains(block: &Block<'_>, splits: usize) -> Result<Vec<f32>, InteropError> {
    if splits == 0 {
        return Ok(Vec::new());
    }
    block.numbers("split_gain", splits)
}

fn finite(values: Vec<f64>, key: &str, block: &Block<'_>) -> Result<Vec<f64>, InteropError> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(block.damaged(key, format!("{value} stands where a finite number belongs"))),
        None => Ok(values),
    }
}

fn unsigned<T: TryFrom<i64>>(values: Vec<i64>, key: &str, block: &Block<'_>) -> Result<Vec<T>, InteropError> {
    let converted = values
        .into_iter()
        .map(|value| T::try_from(value).ok())
        .collect::<Option<_>>();
    converted.ok_or_else(|| block.damaged(key, "a list of numbers from 0 belongs here"))
}

fn lines(block: &Block<'_>, leaves: usize) -> Result<Vec<LeafLine>, InteropError> {
    let intercepts = finite(block.numbers("leaf_const", leaves)?, "leaf_const", block)?;
    let counts: Vec<usize> = block.numbers("num_features", leaves)?;
    let total = counts
        .iter()
        .try_fold(0_usize, |sum, count| sum.checked_add(*count));
    let total = total.ok_or_else(|| block.damaged("num_features", "the counts are beyond any file"))?;
    let columns: Vec<u32> = block.numbers("leaf_features", total)?;
    let slopes = finite(block.numbers("leaf_coeff", total)?, "leaf_coeff", block)?;
    let mut terms = columns.into_iter().zip(slopes);
    let line = |(intercept, count): (f64, usize)| LeafLine {
        intercept,
        terms: terms.by_ref().take(count).collect(),
    };
    Ok(intercepts.into_iter().zip(counts).map(line).collect())
}
