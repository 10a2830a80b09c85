//! Writing a booster as a LightGBM model.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write};

use super::super::export::{self, Piece};
use super::super::{BoosterColumn, InteropError, Library, checksum};
use super::CHECKSUM;
use super::levels::write_names;
use super::objective::objective_of;
use super::read::read_lightgbm;
use crate::boost::BoostModel;
use crate::tree::{Side, Test};

const LIBRARY: Library = Library::Lightgbm;
/// The kinds of a split: of categories, with missing values left, and what counts as missing.
const CATEGORICAL: u32 = 1;
const DEFAULT_LEFT: u32 = 2;
const ZERO_IS_MISSING: u32 = 1 << 2;
const NAN_IS_MISSING: u32 = 2 << 2;

/// Writes a model as LightGBM's text, for LightGBM 3 and later.
///
/// Scores go into the leaves of the first round. Names of levels go where LightGBM's Python package keeps those of pandas.
/// Blanks in names of columns become underscores. The header carries a checksum, which
/// [`read_lightgbm`](super::read_lightgbm) verifies.
///
/// # Errors
/// [`InteropError::Unwritable`] for derived columns, or codes without levels that a split names to exclude them.
pub fn write_lightgbm(model: &BoostModel, columns: &[BoosterColumn]) -> Result<Vec<u8>, InteropError> {
    export::check(model, columns, LIBRARY)?;
    if columns.is_empty() {
        return Err(InteropError::unwritable(
            LIBRARY,
            "it has no columns; the format needs one",
        ));
    }
    let trees = trees(model, columns)?;
    let plain = text(model, columns, &trees, None);
    let booster = read_lightgbm(plain.as_bytes())?;
    Ok(text(model, columns, &trees, Some(&checksum::of(&booster))).into_bytes())
}

fn text(model: &BoostModel, columns: &[BoosterColumn], trees: &[String], sum: Option<&str>) -> String {
    let outputs = model.base.len();
    let mut to = String::from("tree\nversion=v4\n");
    let objective = objective_of(model.link, model.meaning, outputs);
    put(&mut to, "num_class", &outputs);
    put(&mut to, "num_tree_per_iteration", &outputs);
    put(&mut to, "label_index", &0);
    put(&mut to, "max_feature_idx", &(columns.len() - 1));
    to += &format!("objective={objective}\n");
    to += &format!("feature_names={}\n", names(columns).join(" "));
    to += &format!("feature_infos={}\n", infos(model, columns).join(" "));
    if let Some(sum) = sum {
        to += &format!("{CHECKSUM}={sum}\n");
    }
    let sizes: Vec<usize> = trees.iter().map(String::len).collect();
    put_list(&mut to, "tree_sizes", &sizes);
    to.push('\n');
    to.extend(trees.iter().map(String::as_str));
    to += "end of trees\n\nparameters:\n";
    let word = objective.split(' ').next().unwrap_or_default();
    to += &format!("[objective: {word}]\n[num_class: {outputs}]\n");
    let coded: Vec<String> = coded(columns).map(|at| at.to_string()).collect();
    to += &format!(
        "[categorical_feature: {}]\n\nend of parameters\n\n",
        coded.join(",")
    );
    to += &write_names(columns);
    to
}

fn coded(columns: &[BoosterColumn]) -> impl Iterator<Item = usize> {
    (0..columns.len()).filter(|&at| columns[at].level_count().is_some())
}

fn put<T: Debug>(to: &mut String, key: &str, value: &T) {
    writeln!(to, "{key}={value:?}").expect("a text takes every line");
}

fn put_list<T: Debug>(to: &mut String, key: &str, values: &[T]) {
    let words: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    *to += &format!("{key}={}\n", words.join(" "));
}

/// Names without blanks, each one once.
fn names(columns: &[BoosterColumn]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names: Vec<String> = Vec::new();
    for column in columns {
        let plain: String = column
            .name
            .chars()
            .map(|c| {
                if c.is_whitespace() || c.is_control() {
                    '_'
                } else {
                    c
                }
            })
            .collect();
        let mut name = plain.clone();
        let mut copy = 1;
        while name.is_empty() || taken.contains(&name) {
            copy += 1;
            name = format!("{plain}_{copy}");
        }
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

/// The levels of categories, and for numbers the bounds of the thresholds.
fn infos(model: &BoostModel, columns: &[BoosterColumn]) -> Vec<String> {
    let mut bounds = vec![(f64::INFINITY, f64::NEG_INFINITY); columns.len()];
    for tree in model.trees.iter().map(|tree| &tree.tree) {
        for node in 0..tree.node_count() as u32 {
            if let (Some((feature, _)), (Test::UpTo(t) | Test::UpToButZero(t), _)) =
                (tree.split_of(node), tree.test_of(node))
            {
                bounds[feature] = (bounds[feature].0.min(t), bounds[feature].1.max(t));
            }
        }
    }
    let info = |(column, (low, high)): (&BoosterColumn, (f64, f64))| match column.level_count() {
        Some(0) => "none".to_owned(),
        Some(count) => (0..count)
            .map(|code| code.to_string())
            .collect::<Vec<_>>()
            .join(":"),
        None if low > high => "none".to_owned(),
        None => format!("[{low:?}:{high:?}]"),
    };
    columns.iter().zip(bounds).map(info).collect()
}

fn trees(model: &BoostModel, columns: &[BoosterColumn]) -> Result<Vec<String>, InteropError> {
    let mut rounds = export::rounds(model);
    if rounds.is_empty() {
        rounds.push(vec![None; model.base.len()]);
    }
    let mut trees = Vec::new();
    for (round, pieces) in rounds.into_iter().enumerate() {
        for (output, piece) in pieces.into_iter().enumerate() {
            let shift = if round == 0 { model.base[output] } else { 0.0 };
            let lists = match piece {
                Some(piece) => Lists::of(&piece.shifted(shift), columns)?,
                None => Lists::leaf(shift),
            };
            trees.push(lists.write(trees.len()));
        }
    }
    Ok(trees)
}

/// The lists of a tree: first those of splits, then those of leaves.
#[derive(Default)]
struct Lists {
    features: Vec<usize>,
    gains: Vec<f32>,
    thresholds: Vec<f64>,
    kinds: Vec<u32>,
    children: [Vec<i64>; 2],
    means: Vec<f64>,
    weights: Vec<f32>,
    rows: Vec<u32>,
    values: Vec<f64>,
    leaf_weights: Vec<f32>,
    leaf_rows: Vec<u32>,
    set_bounds: Vec<usize>,
    set_words: Vec<u32>,
    lines: Option<LeafLines>,
}

#[derive(Default)]
struct LeafLines {
    intercepts: Vec<f64>,
    counts: Vec<usize>,
    columns: Vec<u32>,
    slopes: Vec<f64>,
}

impl Lists {
    /// A tree that is one leaf.
    fn leaf(value: f64) -> Self {
        Self {
            values: vec![value],
            leaf_weights: vec![0.0],
            leaf_rows: vec![0],
            ..Self::default()
        }
    }

    fn of(piece: &Piece<'_>, columns: &[BoosterColumn]) -> Result<Self, InteropError> {
        let mut lists = Self::default();
        let numbers = numbers(piece);
        let means = piece.means();
        lists.lines = piece.tree.lines.as_ref().map(|_| LeafLines::default());
        for node in 0..piece.node_count() {
            let facts = piece.facts(node);
            if let Some(value) = piece.answer(node) {
                lists.values.push(value);
                lists.leaf_weights.push(facts.weight);
                lists.leaf_rows.push(facts.rows);
                lists.push_line(piece, node, value);
            } else if let Some((feature, left, test, missing)) = piece.split(node) {
                lists.features.push(feature);
                lists.gains.push(facts.gain);
                lists.means.push(means[node]);
                lists.weights.push(facts.weight);
                lists.rows.push(facts.rows);
                lists.push_test(
                    &test,
                    missing,
                    [numbers[left], numbers[left + 1]],
                    &columns[feature],
                )?;
            }
        }
        lists.sum_rows(&numbers);
        Ok(lists)
    }

    fn push_line(&mut self, piece: &Piece<'_>, node: usize, value: f64) {
        let (Some(lines), Some(ours)) = (&mut self.lines, &piece.tree.lines) else {
            return;
        };
        let terms = ours.starts[node] as usize..ours.starts[node + 1] as usize;
        lines.intercepts.push(if terms.is_empty() {
            value
        } else {
            ours.intercepts[node] + piece.shift()
        });
        lines.counts.push(terms.len());
        lines.columns.extend(&ours.columns[terms.clone()]);
        lines.slopes.extend(&ours.slopes[terms]);
    }

    fn push_test(
        &mut self,
        test: &Test,
        missing: Side,
        children: [i64; 2],
        column: &BoosterColumn,
    ) -> Result<(), InteropError> {
        let [mut left, mut right] = children;
        let default = if missing == Side::Left { DEFAULT_LEFT } else { 0 };
        match test {
            Test::UpTo(threshold) => {
                self.thresholds.push(threshold.clamp(f64::MIN, f64::MAX));
                self.kinds.push(NAN_IS_MISSING | default);
            }
            Test::UpToButZero(threshold) => {
                self.thresholds.push(threshold.clamp(f64::MIN, f64::MAX));
                self.kinds.push(ZERO_IS_MISSING | default);
            }
            Test::Among(_) | Test::Except(_) => {
                let (codes, side) = left_codes(test, missing, column)?;
                if side == Side::Right {
                    std::mem::swap(&mut left, &mut right);
                }
                self.push_set(&codes);
                self.kinds.push(CATEGORICAL | NAN_IS_MISSING);
            }
        }
        self.children[0].push(left);
        self.children[1].push(right);
        Ok(())
    }

    fn push_set(&mut self, codes: &[u32]) {
        if self.set_bounds.is_empty() {
            self.set_bounds.push(0);
        }
        self.thresholds.push((self.set_bounds.len() - 1) as f64);
        let start = self.set_words.len();
        let words = codes.iter().max().map_or(1, |&code| code as usize / 32 + 1);
        self.set_words.resize(start + words, 0);
        codes
            .iter()
            .for_each(|&code| self.set_words[start + code as usize / 32] |= 1 << (code % 32));
        self.set_bounds.push(self.set_words.len());
    }

    /// Rows of splits are those of their leaves: the format says so twice, and readers compare.
    fn sum_rows(&mut self, numbers: &[i64]) {
        assert_eq!(
            numbers.len(),
            self.rows.len() + self.leaf_rows.len(),
            "every node is a split or a leaf"
        );
        for at in (0..self.rows.len()).rev() {
            let rows = |child: i64| match usize::try_from(child) {
                Ok(split) => self.rows[split],
                Err(_) => self.leaf_rows[!child as usize],
            };
            self.rows[at] = rows(self.children[0][at]).saturating_add(rows(self.children[1][at]));
        }
    }

    fn write(&self, number: usize) -> String {
        let mut to = format!("Tree={number}\n");
        put(&mut to, "num_leaves", &self.values.len());
        put(&mut to, "num_cat", &self.set_bounds.len().saturating_sub(1));
        put_list(&mut to, "split_feature", &self.features);
        put_list(&mut to, "split_gain", &self.gains);
        put_list(&mut to, "threshold", &self.thresholds);
        put_list(&mut to, "decision_type", &self.kinds);
        put_list(&mut to, "left_child", &self.children[0]);
        put_list(&mut to, "right_child", &self.children[1]);
        put_list(&mut to, "leaf_value", &self.values);
        put_list(&mut to, "leaf_weight", &self.leaf_weights);
        put_list(&mut to, "leaf_count", &self.leaf_rows);
        put_list(&mut to, "internal_value", &self.means);
        put_list(&mut to, "internal_weight", &self.weights);
        put_list(&mut to, "internal_count", &self.rows);
        if !self.set_bounds.is_empty() {
            put_list(&mut to, "cat_boundaries", &self.set_bounds);
            put_list(&mut to, "cat_threshold", &self.set_words);
        }
        put(&mut to, "is_linear", &u8::from(self.lines.is_some()));
        if let Some(lines) = &self.lines {
            put_list(&mut to, "leaf_const", &lines.intercepts);
            put_list(&mut to, "num_features", &lines.counts);
            put_list(&mut to, "leaf_features", &lines.columns);
            put_list(&mut to, "leaf_coeff", &lines.slopes);
        }
        to + "shrinkage=1\n\n\n"
    }
}

/// Numbers as children name them: splits from 0, leaves as complements from 0.
fn numbers(piece: &Piece<'_>) -> Vec<i64> {
    let (mut splits, mut leaves) = (0, 0);
    let number = |node: usize| {
        let counter = if piece.answer(node).is_some() {
            &mut leaves
        } else {
            &mut splits
        };
        *counter += 1;
        if piece.answer(node).is_some() {
            -leaves
        } else {
            splits - 1
        }
    };
    (0..piece.node_count()).map(number).collect()
}

/// The listed codes, which go left in the file, and our side of them; others and missing values go the other way.
fn left_codes(test: &Test, missing: Side, column: &BoosterColumn) -> Result<(Vec<u32>, Side), InteropError> {
    let listed = export::list(test, missing, column).expect("a test of sets lists codes");
    if listed.side != missing {
        return Ok((listed.codes, listed.side));
    }
    // Listed and missing values on one side: the format only lists those on the other.
    let Some(count) = column.level_count() else {
        let what = format!(
            "a split on '{}' sends listed codes and missing values one way and all other codes another; give the column \
             levels",
            column.name
        );
        return Err(InteropError::unwritable(LIBRARY, what));
    };
    let excluded: BTreeSet<u32> = listed.codes.into_iter().collect();
    let others = (0..count as u32)
        .filter(|code| !excluded.contains(code))
        .collect();
    Ok((others, Side::Left))
}
