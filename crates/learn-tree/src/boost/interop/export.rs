//! What writers of every format share: rounds of trees with one number a leaf, and level sets as lists of codes.

use super::{BoosterColumn, InteropError, Library};
use crate::boost::BoostModel;
use crate::boost::model::{BoostTree, NodeFacts};
use crate::tree::{Side, Test};

/// What one tree adds to one output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) tree: &'a BoostTree,
    /// Which number of its answers.
    part: usize,
    /// What is added to each answer.
    shift: f64,
}

impl Piece<'_> {
    /// The same piece with so much added to each answer.
    pub(super) fn shifted(self, shift: f64) -> Self {
        Self { shift, ..self }
    }

    /// What is added to each answer.
    pub(super) fn shift(&self) -> f64 {
        self.shift
    }

    pub(super) fn node_count(&self) -> usize {
        self.tree.tree.node_count()
    }

    pub(super) fn facts(&self, node: usize) -> NodeFacts {
        self.tree.facts.get(node).copied().unwrap_or_default()
    }

    /// A leaf's answer with the shift; `None` for splits.
    pub(super) fn answer(&self, node: usize) -> Option<f64> {
        let answer = self.tree.tree.answer_of(node as u32)?;
        Some(answer[self.part] + self.shift)
    }

    /// The feature, the left child, the test and the side of missing values; `None` for leaves.
    pub(super) fn split(&self, node: usize) -> Option<(usize, usize, Test, Side)> {
        let (feature, left) = self.tree.tree.split_of(node as u32)?;
        let (test, missing) = self.tree.tree.test_of(node as u32);
        Some((feature, left as usize, test, missing))
    }

    /// Each node's mean answer, its leaves weighted by their hessians, or alike where these are not known.
    pub(super) fn means(&self) -> Vec<f64> {
        let nodes = self.node_count();
        let mut means = vec![0.0; nodes];
        for node in (0..nodes).rev() {
            means[node] = match self.split(node) {
                None => self.answer(node).expect("a node that does not split answers"),
                Some((_, left, ..)) => {
                    let [a, b] = [left, left + 1].map(|child| f64::from(self.facts(child).weight).max(0.0));
                    let share = if a + b > 0.0 { a / (a + b) } else { 0.5 };
                    share * means[left] + (1.0 - share) * means[left + 1]
                }
            };
        }
        means
    }
}

/// The trees by round: the `r`-th tree of every output, `None` where an output has fewer.
pub(super) fn rounds(model: &BoostModel) -> Vec<Vec<Option<Piece<'_>>>> {
    let outputs = model.base.len();
    let mut queues: Vec<Vec<Piece<'_>>> = vec![Vec::new(); outputs];
    for tree in &model.trees {
        let width = tree.tree.width();
        for part in 0..width {
            let output = if width == 1 { tree.output as usize } else { part };
            queues[output].push(Piece {
                tree,
                part,
                shift: 0.0,
            });
        }
    }
    let count = queues.iter().map(Vec::len).max().unwrap_or(0);
    let round = |at: usize| queues.iter().map(|queue| queue.get(at).copied()).collect();
    (0..count).map(round).collect()
}

/// Checks what no format takes.
pub(super) fn check(
    model: &BoostModel,
    columns: &[BoosterColumn],
    library: Library,
) -> Result<(), InteropError> {
    if columns.len() != model.features {
        let what = format!(
            "{} columns are named, the model has {}",
            columns.len(),
            model.features
        );
        return Err(InteropError::unwritable(library, what));
    }
    if model.encodings.count() > 0 {
        let what = "it tests columns derived from its categories, which the format has no place for; train it with \
                    categories as sets (one-hot or partitions) instead of statistics of the target";
        return Err(InteropError::unwritable(library, what));
    }
    Ok(())
}

/// Codes whose side is the left one or the right one, and where every other code goes.
pub(super) struct Listed {
    pub(super) codes: Vec<u32>,
    /// Where the listed codes go; there may be none.
    pub(super) side: Side,
}

/// The codes of a set test, such that all others go the other way; `None` for thresholds.
pub(super) fn list(test: &Test, missing: Side, column: &BoosterColumn) -> Option<Listed> {
    let (words, side) = match (test, missing) {
        (Test::Among(words), Side::Right) => (words.clone(), Side::Left),
        // Levels beyond the set go left like missing ones, so the zeros within it are the list.
        (Test::Among(words), Side::Left) => (words.iter().map(|word| !word).collect(), Side::Right),
        (Test::Except(words), _) => (words.clone(), Side::Right),
        _ => return None,
    };
    let limit = column.level_count().unwrap_or(words.len() * 64);
    let codes = (0..limit.min(words.len() * 64)).filter(|code| words[code / 64] >> (code % 64) & 1 == 1);
    let codes = codes.map(|code| code as u32).collect();
    Some(Listed { codes, side })
}
