//! Minimal cost-complexity pruning (Breiman et al. 1984, chapter 3).
//!
//! The smallest subtree that minimises `impurity + alpha * leaves` is found from the leaves upwards: a split stays only
//! if what it and the splits below it gain is more than `alpha` for each leaf they add.

use crate::grow::Grown;
use crate::tree::Tree;

/// Cuts off every branch that gains no more than `alpha` a leaf, and fills the new leaves by `answer`.
pub(crate) fn prune<T>(grown: &Grown<T>, alpha: f64, answer: impl Fn(&[T]) -> Vec<f64>) -> (Tree, Vec<f64>) {
    let kept = surplus(grown, alpha);
    let width = answer(&grown.samples[..1]).len();
    let (mut tree, mut gains) = (Tree::new(width), vec![0.0]);
    let mut stack = vec![(0_u32, 0_u32)];
    while let Some((from, to)) = stack.pop() {
        let old = grown.tree.split_of(from).filter(|_| kept[from as usize] > 0.0);
        let Some((feature, child)) = old else {
            let (start, len) = grown.spans[from as usize];
            tree.set_shares(
                to,
                &answer(&grown.samples[start as usize..(start + len) as usize]),
            );
            continue;
        };
        let (test, missing) = grown.tree.test_of(from);
        let left = tree.split(to, feature as u32, &test, missing);
        gains[to as usize] = grown.gains[from as usize];
        gains.extend([0.0; 2]);
        stack.extend([(child + 1, left + 1), (child, left)]);
    }
    tree.shrink();
    (tree, gains)
}

/// For each node what keeping its splits earns beyond the price of their leaves; zero where they do not pay.
fn surplus<T>(grown: &Grown<T>, alpha: f64) -> Vec<f64> {
    let mut surplus = vec![0.0; grown.tree.node_count()];
    for node in (0..grown.tree.node_count()).rev() {
        if let Some((_, child)) = grown.tree.split_of(node as u32) {
            let below = surplus[child as usize] + surplus[child as usize + 1];
            surplus[node] = f64::max(0.0, grown.gains[node] + below - alpha);
        }
    }
    surplus
}
