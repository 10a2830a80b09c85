//! Trees of random cuts on random samples.

use kolosal_base::Rng;
use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::model::{IsolationModel, Node, mean_depth};
use super::params::IsolationParams;
use crate::border::border;
use crate::cluster::{Cloud, Ground};
use crate::rows::counted;

pub(super) fn fit(
    params: &Checked<IsolationParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<IsolationModel, FitError> {
    let view = train.features().frame();
    let counted = counted(train);
    let view = view.select(&counted.rows);
    let (ground, _) = Ground::of(view);
    let _memory = cx.reserve((view.row_count() * ground.width() * 8) as u64)?;
    let cloud = ground.apply(view);
    let sample = (params.max_samples as usize).min(cloud.len());
    let depth_max = (sample as f64).log2().ceil() as usize;
    let trees = params.n_estimators as usize;
    let (mut nodes, mut starts) = (Vec::new(), vec![0]);
    let together = cx.workers.threads();
    for first in (0..trees).step_by(together) {
        cx.checkpoint()?;
        let count = together.min(trees - first);
        let grown = cx.workers.map(count, |at| {
            let rng = cx.seed.fork("isolation").fork_index((first + at) as u64).rng();
            grow(&cloud, (sample, depth_max), rng)
        });
        for tree in grown {
            nodes.extend(tree);
            starts.push(nodes.len() as u32);
        }
    }
    let mut model = IsolationModel {
        ground,
        usual: mean_depth(sample),
        nodes,
        starts,
        border: 0.5,
    };
    cx.checkpoint()?;
    if params.contamination > 0.0 {
        let scores = model.scores_with(&cloud, cx);
        model.border = border(&scores, params.contamination).unwrap_or(model.border);
    }
    Ok(model)
}

/// One tree, its nodes breadth first: the two below a node follow one another.
fn grow(cloud: &Cloud, (sample, depth_max): (usize, usize), mut rng: Rng) -> Vec<Node> {
    let mut rows = drawn(cloud.len(), sample, &mut rng);
    let mut nodes = vec![Node::leaf(0.0)];
    let mut open = std::collections::VecDeque::from([(0, 0, 0..rows.len())]);
    let mut columns: Vec<usize> = (0..cloud.width).collect();
    while let Some((node, depth, range)) = open.pop_front() {
        let cut = if depth < depth_max && range.len() > 1 {
            cut(cloud, &rows[range.clone()], &mut columns, &mut rng)
        } else {
            None
        };
        let Some((column, at)) = cut else {
            nodes[node] = Node::leaf(depth as f64 + mean_depth(range.len()));
            continue;
        };
        let middle = range.start
            + part(&mut rows[range.clone()], |row| {
                cloud.point(row as usize)[column] < at
            });
        let child = nodes.len();
        nodes[node] = Node {
            child: child as u32,
            column: column as u32,
            value: at,
        };
        nodes.extend([Node::leaf(0.0), Node::leaf(0.0)]);
        open.push_back((child, depth + 1, range.start..middle));
        open.push_back((child + 1, depth + 1, middle..range.end));
    }
    nodes
}

/// So many rows, each at most once.
fn drawn(count: usize, sample: usize, rng: &mut Rng) -> Vec<u32> {
    if sample == count {
        return (0..count as u32).collect();
    }
    // Floyd's way: as many draws as rows wanted.
    let mut picked = std::collections::BTreeSet::new();
    for last in count - sample..count {
        let row = rng.below(last + 1) as u32;
        if !picked.insert(row) {
            picked.insert(last as u32);
        }
    }
    picked.into_iter().collect()
}

/// A column that tells the rows apart, and a number between its lowest and its highest value there.
fn cut(cloud: &Cloud, rows: &[u32], columns: &mut [usize], rng: &mut Rng) -> Option<(usize, f64)> {
    for tried in 0..columns.len() {
        let pick = tried + rng.below(columns.len() - tried);
        columns.swap(tried, pick);
        let column = columns[tried];
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for &row in rows {
            let x = cloud.point(row as usize)[column];
            (low, high) = (low.min(x), high.max(x));
        }
        if low < high {
            let at = low + rng.uniform() * (high - low);
            // Neither side may stay empty.
            return Some((column, if at > low { at } else { high }));
        }
    }
    None
}

/// Puts rows that pass first, each side in its order of before; gives how many pass.
fn part(rows: &mut [u32], passes: impl Fn(u32) -> bool) -> usize {
    let (first, second): (Vec<u32>, Vec<u32>) = rows.iter().partition(|row| passes(**row));
    rows[..first.len()].copy_from_slice(&first);
    rows[first.len()..].copy_from_slice(&second);
    first.len()
}
