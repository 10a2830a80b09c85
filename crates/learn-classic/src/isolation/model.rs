//! The fitted forest.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FitContext, FittedModel, Meaning};

use crate::cluster::{Cloud, Ground};

/// Rows that are scored together.
const BLOCK: usize = 256;
/// Euler's constant.
const EULER: f64 = 0.577_215_664_901_532_9;

/// A cut or, without a child, a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    /// The first of two nodes that follow one another; zero for a leaf.
    pub(super) child: u32,
    pub(super) column: u32,
    /// Rows below it go first; of a leaf, how deep its rows lie.
    pub(super) value: f64,
}

impl Node {
    pub(super) fn leaf(value: f64) -> Self {
        Self {
            child: 0,
            column: 0,
            value,
        }
    }
}

/// The mean depth at which a search for an absent key ends in a random tree of so many keys.
pub(super) fn mean_depth(count: usize) -> f64 {
    match count {
        0 | 1 => 0.0,
        2 => 1.0,
        count => {
            let before = (count - 1) as f64;
            2.0 * (before.ln() + EULER) - 2.0 * before / count as f64
        }
    }
}

/// What an isolation forest has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct IsolationModel {
    pub(super) ground: Ground,
    /// Mean depth of the sample.
    pub(super) usual: f64,
    pub(super) nodes: Vec<Node>,
    /// Tree `t` holds the nodes `starts[t] .. starts[t + 1]`; children are numbered within the tree.
    pub(super) starts: Vec<u32>,
    /// Scores above it are strange.
    pub(super) border: f64,
}

impl IsolationModel {
    pub(super) fn scores_with(&self, cloud: &Cloud, cx: &FitContext<'_>) -> Vec<f64> {
        let mut scores = vec![0.0; cloud.len()];
        cx.workers.for_each_chunk_mut(&mut scores, BLOCK, |block, out| {
            self.score(cloud, block * BLOCK, out);
        });
        scores
    }

    /// Scores of the points from `first` on.
    fn score(&self, cloud: &Cloud, first: usize, out: &mut [f64]) {
        out.fill(0.0);
        for tree in self.starts.windows(2) {
            let nodes = &self.nodes[tree[0] as usize..tree[1] as usize];
            for (at, depth) in out.iter_mut().enumerate() {
                let point = cloud.point(first + at);
                let mut node = nodes[0];
                while node.child != 0 {
                    let step = usize::from(point[node.column as usize] >= node.value);
                    node = nodes[node.child as usize + step];
                }
                *depth += node.value;
            }
        }
        let trees = (self.starts.len() - 1) as f64;
        for depth in out {
            // Of one row there is nothing to part.
            let share = if self.usual > 0.0 {
                *depth / trees / self.usual
            } else {
                1.0
            };
            *depth = (-share).exp2();
        }
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let ground = Ground::load(from)?;
        let (usual, border) = (from.finite()?, from.finite()?);
        let (starts, children, columns, values) = (from.u32s()?, from.u32s()?, from.u32s()?, from.f64s()?);
        let count = children.len();
        let is_whole = columns.len() == count
            && values.len() == count
            && starts.first() == Some(&0)
            && starts.last().map(|end| *end as usize) == Some(count)
            && starts.len() >= 2
            && starts.windows(2).all(|tree| tree[0] < tree[1])
            && values.iter().all(|value| value.is_finite())
            && usual >= 0.0;
        let is_tree = |tree: &[u32]| {
            let (start, end) = (tree[0] as usize, tree[1] as usize);
            (start..end).all(|at| {
                let child = children[at] as usize;
                child == 0
                    || (child > at - start
                        && child + 1 < end - start
                        && (columns[at] as usize) < ground.width())
            })
        };
        if !is_whole || !starts.windows(2).all(is_tree) {
            return Err(ArtifactError::damaged("the trees of the forest are not whole"));
        }
        let node = |at: usize| Node {
            child: children[at],
            column: columns[at],
            value: values[at],
        };
        Ok(Self {
            ground,
            usual,
            nodes: (0..count).map(node).collect(),
            starts,
            border,
        })
    }
}

impl FittedModel for IsolationModel {
    fn shape(&self) -> (Meaning, usize) {
        (Meaning::Anomaly, 2)
    }

    fn feature_count(&self) -> usize {
        self.ground.column_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        assert_eq!(out.len(), x.row_count() * 2, "two numbers a row");
        let cloud = self.ground.apply(x);
        let mut scores = vec![0.0; x.row_count()];
        for (block, scores) in scores.chunks_mut(BLOCK).enumerate() {
            self.score(&cloud, block * BLOCK, scores);
        }
        for (answer, score) in out.chunks_exact_mut(2).zip(scores) {
            answer.copy_from_slice(&[score, f64::from(u8::from(score > self.border))]);
        }
    }

    fn save(&self, to: &mut Encoder) {
        self.ground.save(to);
        to.f64(self.usual);
        to.f64(self.border);
        to.u32s(&self.starts);
        to.u32s(&self.nodes.iter().map(|node| node.child).collect::<Vec<_>>());
        to.u32s(&self.nodes.iter().map(|node| node.column).collect::<Vec<_>>());
        to.f64s(&self.nodes.iter().map(|node| node.value).collect::<Vec<_>>());
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        vec![("border", self.border)]
    }
}
