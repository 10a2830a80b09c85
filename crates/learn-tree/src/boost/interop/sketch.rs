//! A foreign tree before it is believed: nodes in any order, children named by number.

use super::super::model::{BoostTree, Lines, NodeFacts};
use crate::tree::{Side, Test, Tree};

/// What a foreign node says of itself.
#[derive(Debug, Clone)]
pub(super) struct SketchNode {
    pub(super) part: Part,
    pub(super) facts: NodeFacts,
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    Split {
        feature: u32,
        test: Test,
        missing: Side,
        children: [usize; 2],
    },
    /// An answer; its line has an intercept, columns and slopes.
    Leaf {
        answer: Vec<f64>,
        line: Option<LeafLine>,
    },
}

/// The straight line of a leaf.
#[derive(Debug, Clone, Default)]
pub(super) struct LeafLine {
    pub(super) intercept: f64,
    pub(super) terms: Vec<(u32, f64)>,
}

/// A tree grown from a sketch, and how many of the sketch's nodes it uses.
pub(super) struct Assembled {
    pub(super) tree: BoostTree,
    pub(super) used: usize,
}

/// Walks a sketch from node 0 and builds the tree; fails with words where a child is out of range, is reached twice, or
/// an answer has another width.
pub(super) fn assemble(nodes: &[SketchNode], width: usize, output: u32) -> Result<Assembled, String> {
    let mut tree = Tree::new(width);
    let mut places = vec![0];
    let mut seen = vec![false; nodes.len()];
    let mut stack = vec![(0, 0)];
    while let Some((from, to)) = stack.pop() {
        let node: &SketchNode = nodes
            .get(from)
            .ok_or_else(|| format!("there is no node {from}"))?;
        if std::mem::replace(&mut seen[from], true) {
            return Err(format!("node {from} is reached twice"));
        }
        places[to as usize] = from;
        match &node.part {
            Part::Leaf { answer, .. } if answer.len() == width => tree.set_answer(to, answer),
            Part::Leaf { answer, .. } => {
                return Err(format!(
                    "leaf {from} has {} numbers, {width} belong there",
                    answer.len()
                ));
            }
            Part::Split {
                feature,
                test,
                missing,
                children: [left, right],
            } => {
                let first = tree.split(to, *feature, test, *missing);
                places.extend([0; 2]);
                stack.extend([(*right, first + 1), (*left, first)]);
            }
        }
    }
    tree.shrink();
    let used = places.len();
    let facts = places.iter().map(|&from| nodes[from].facts).collect();
    let lines = lines(nodes, &places);
    let tree = BoostTree {
        tree,
        output,
        facts,
        lines,
    };
    Ok(Assembled { tree, used })
}

fn lines(nodes: &[SketchNode], places: &[usize]) -> Option<Lines> {
    let of = |from: usize| match &nodes[from].part {
        Part::Leaf { line: Some(line), .. } if !line.terms.is_empty() => Some(line),
        _ => None,
    };
    if !places.iter().any(|&from| of(from).is_some()) {
        return None;
    }
    let mut lines = Lines {
        starts: vec![0],
        ..Lines::default()
    };
    for &from in places {
        let line = of(from);
        lines.intercepts.push(line.map_or(0.0, |line| line.intercept));
        for (column, slope) in line.map_or(&[][..], |line| &line.terms) {
            lines.columns.push(*column);
            lines.slopes.push(*slope);
        }
        lines.starts.push(lines.columns.len() as u32);
    }
    Some(lines)
}

/// Sets of codes as words of bits, within a budget that files of any honest shape keep.
#[derive(Debug)]
pub(super) struct SetBudget {
    words_left: usize,
}

impl SetBudget {
    /// A budget for a file of so many bytes.
    pub(super) fn for_file(bytes: usize) -> Self {
        Self {
            words_left: (4 << 20) + bytes.saturating_mul(2),
        }
    }

    /// The bits of these codes in so many words at least; `None` if they take too much room.
    pub(super) fn bits(&mut self, codes: &[u32], words_min: usize) -> Option<Vec<u64>> {
        let needed = codes
            .iter()
            .max()
            .map_or(0, |&code| code as usize / 64 + 1)
            .max(words_min);
        self.words_left = self.words_left.checked_sub(needed)?;
        let mut words = vec![0; needed];
        codes
            .iter()
            .for_each(|&code| words[code as usize / 64] |= 1 << (code % 64));
        Some(words)
    }
}
