//! Shapley values by their definition, over all subsets of columns: slow, and the measure of everything else.

use crate::boost::model::{BoostModel, BoostTree};
use crate::tree::Side;

use super::paths::Measure;

/// A game: the score of one output when the columns whose bit is set are present.
pub(super) type Game<'a> = &'a dyn Fn(u32) -> f64;

/// The Shapley value of each of `columns` players.
pub(super) fn shapley(columns: usize, game: Game<'_>) -> Vec<f64> {
    let scores: Vec<f64> = (0..1 << columns).map(game).collect();
    let value = |i: usize| {
        let without = (0..1_usize << columns).filter(|set| set >> i & 1 == 0);
        let term = |set: usize| {
            let size = set.count_ones() as usize;
            let weight = factorial(size) * factorial(columns - size - 1) / factorial(columns);
            weight * (scores[set | 1 << i] - scores[set])
        };
        without.map(term).sum()
    };
    (0..columns).map(value).collect()
}

/// The interaction of two players, half of it for each of the two places.
pub(super) fn interaction(columns: usize, (i, j): (usize, usize), game: Game<'_>) -> f64 {
    let without = (0..1_u32 << columns).filter(|set| set >> i & 1 == 0 && set >> j & 1 == 0);
    let term = |set: u32| {
        let size = set.count_ones() as usize;
        let weight = factorial(size) * factorial(columns - size - 2) / factorial(columns - 1);
        weight * (game(set | 1 << i | 1 << j) - game(set | 1 << i) - game(set | 1 << j) + game(set))
    };
    0.5 * without.map(term).sum::<f64>()
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

/// The expected score of an output given the present columns, by Algorithm 1 of Lundberg et al. 2018.
pub(super) fn conditional(
    model: &BoostModel,
    measure: Measure,
    row: &[f64],
    output: usize,
    present: u32,
) -> f64 {
    let trees = model.trees.iter();
    trees.fold(model.base[output], |sum, tree| {
        sum + below(tree, measure, (0, row), output, present)
    })
}

fn below(tree: &BoostTree, measure: Measure, (node, row): (u32, &[f64]), output: usize, present: u32) -> f64 {
    let Some((column, left)) = tree.tree.split_of(node) else {
        let answer = tree.tree.answer_of(node).expect("a leaf");
        return match answer {
            [value] if tree.output as usize == output => *value,
            [_] => 0.0,
            values => values[output],
        };
    };
    if present >> column & 1 == 1 {
        let child = left + u32::from(!goes_left(tree, node, row[column]));
        return below(tree, measure, (child, row), output, present);
    }
    let cover = |node: u32| measure(&tree.facts[node as usize]);
    let share = |child: u32| {
        if cover(node) > 0.0 {
            cover(child) / cover(node)
        } else {
            0.5
        }
    };
    let part = |child: u32| share(child) * below(tree, measure, (child, row), output, present);
    part(left) + part(left + 1)
}

/// Asked of the tree itself: which leaf a row of this value alone reaches below a tree of one split.
fn goes_left(tree: &BoostTree, node: u32, value: f64) -> bool {
    let (test, side) = tree.tree.test_of(node);
    let mut stump = crate::tree::Tree::new(1);
    let left = stump.split(0, 0, &test, side);
    assert!(
        side == Side::Left || side == Side::Right,
        "missing values have a side"
    );
    stump.leaf_of(&[value]) == left
}

/// The mean score of an output over rows that take the present columns from `row` and the others from the background.
pub(super) fn interventional(
    model: &BoostModel,
    background: &[Vec<f64>],
    row: &[f64],
    output: usize,
    present: u32,
) -> f64 {
    let mut scores = vec![0.0; model.base.len()];
    let mut sum = 0.0;
    for other in background {
        let pick = |at: usize| {
            if present >> at & 1 == 1 {
                row[at]
            } else {
                other[at]
            }
        };
        let mixed: Vec<f64> = (0..row.len()).map(pick).collect();
        model.score_into(&mixed, usize::MAX, &mut scores);
        sum += scores[output];
    }
    sum / background.len() as f64
}
