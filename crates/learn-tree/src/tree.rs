//! A grown tree: flat nodes, two children side by side and always behind their parent, so that a walk must end.

use kolosal_learner::{ArtifactError, Decoder, Encoder};

const LEAF: u32 = 1 << 31;
const MISSING_LEFT: u32 = 1 << 30;
const LEVELS: u32 = 1 << 29;
/// On a level set: its levels go right and every other level left. On a threshold: zero counts as missing.
const TURNED: u32 = 1 << 28;
const FEATURE: u32 = TURNED - 1;
/// What counts as zero where zero counts as missing.
pub(crate) const ZERO_MAX: f64 = 1e-35_f32 as f64;

/// Bytes of a number of an answer kept as shares.
const SHARE_BYTES: usize = size_of::<u32>() + size_of::<f64>();

/// Rows that walk side by side.
const LANES: usize = 8;

/// One node in sixteen bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    /// Threshold of a number, start of a level set, or the answer of a leaf of width one; in a wider leaf whose answer is kept as
    /// shares, minus their number, else zero.
    value: f64,
    /// The left child, the right one follows; in a leaf the position of its answer, or of its first share.
    link: u32,
    /// The feature, and what kind of node this is.
    field: u32,
}

/// How a split sends a value to one side.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// Numbers up to the threshold go left.
    UpTo(f64),
    /// Levels whose bit is set go left; one beyond the set goes where missing values go.
    Among(Vec<u64>),
    /// Levels whose bit is set go right, every other one left.
    Except(Vec<u64>),
    /// Numbers up to the threshold go left; zero counts as missing.
    UpToButZero(f64),
}

/// Where missing values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A tree whose leaves answer with `width` numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    width: usize,
    nodes: Vec<Node>,
    /// Level sets, each one its number of words followed by the words.
    sets: Vec<u64>,
    /// Answers of leaves wider than one number.
    answers: Vec<f64>,
    /// Answers that are mostly zero: which numbers of them are not, and those numbers.
    shares: Shares,
}

/// Numbers of answers that are not zero.
#[derive(Debug, Clone, Default, PartialEq)]
struct Shares {
    at: Vec<u32>,
    value: Vec<f64>,
}

impl Tree {
    /// A tree that is one leaf without an answer yet.
    pub(crate) fn new(width: usize) -> Self {
        let root = Node {
            value: 0.0,
            link: 0,
            field: LEAF,
        };
        Self {
            width,
            nodes: vec![root],
            sets: Vec::new(),
            answers: Vec::new(),
            shares: Shares::default(),
        }
    }

    /// Gives a leaf its answer.
    pub(crate) fn set_answer(&mut self, node: u32, answer: &[f64]) {
        assert_eq!(answer.len(), self.width, "an answer has the tree's width");
        let leaf = &mut self.nodes[node as usize];
        assert!(leaf.is_leaf(), "only leaves answer");
        if let [value] = answer {
            leaf.value = *value;
        } else {
            leaf.link = (self.answers.len() / self.width) as u32;
            self.answers.extend_from_slice(answer);
        }
    }

    /// Gives a leaf an answer that may be mostly zero, as those of many classes are; [`Tree::add_answer`] reads it.
    pub(crate) fn set_shares(&mut self, node: u32, answer: &[f64]) {
        let count = answer.iter().filter(|share| **share != 0.0).count();
        let is_smaller = count * SHARE_BYTES < size_of_val(answer);
        if self.width == 1 || count == 0 || !is_smaller {
            return self.set_answer(node, answer);
        }
        let leaf = &mut self.nodes[node as usize];
        assert!(leaf.is_leaf(), "only leaves answer");
        (leaf.value, leaf.link) = (-(count as f64), self.shares.at.len() as u32);
        for (at, &share) in (0..).zip(answer).filter(|(_, share)| **share != 0.0) {
            self.shares.at.push(at);
            self.shares.value.push(share);
        }
    }

    /// Adds the answer of a leaf to sums.
    #[inline]
    pub(crate) fn add_answer(&self, leaf: u32, sums: &mut [f64]) {
        let node = &self.nodes[leaf as usize];
        if self.width > 1 && node.value < 0.0 {
            let range = node.link as usize..node.link as usize + (-node.value) as usize;
            let shares = self.shares.at[range.clone()]
                .iter()
                .zip(&self.shares.value[range]);
            shares.for_each(|(&at, share)| sums[at as usize] += share);
        } else {
            sums.iter_mut()
                .zip(self.answer(leaf))
                .for_each(|(sum, value)| *sum += value);
        }
    }

    /// Turns a leaf into a split and returns its left child; the right child follows it.
    pub(crate) fn split(&mut self, node: u32, feature: u32, test: &Test, missing: Side) -> u32 {
        assert!(feature <= FEATURE, "feature numbers leave room for the flags");
        let (kind, value) = match test {
            Test::UpTo(threshold) => (0, *threshold),
            Test::Among(words) => (LEVELS, self.push_set(words)),
            Test::Except(words) => (LEVELS | TURNED, self.push_set(words)),
            Test::UpToButZero(threshold) => (TURNED, *threshold),
        };
        let missing = if missing == Side::Left { MISSING_LEFT } else { 0 };
        let link = self.nodes.len() as u32;
        self.nodes[node as usize] = Node {
            value,
            link,
            field: feature | kind | missing,
        };
        let leaf = Node {
            value: 0.0,
            link: 0,
            field: LEAF,
        };
        self.nodes.extend([leaf, leaf]);
        link
    }

    fn push_set(&mut self, words: &[u64]) -> f64 {
        let at = self.sets.len();
        self.sets.push(words.len() as u64);
        self.sets.extend_from_slice(words);
        at as f64
    }

    /// How many nodes there are.
    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many leaves there are.
    pub(crate) fn leaf_count(&self) -> usize {
        self.nodes.len().div_ceil(2)
    }

    /// The feature and the left child of a split; `None` for a leaf.
    pub(crate) fn split_of(&self, node: u32) -> Option<(usize, u32)> {
        let node = &self.nodes[node as usize];
        (!node.is_leaf()).then_some((node.feature(), node.link))
    }

    /// The answer of a leaf that is not kept as shares; `None` for a split.
    pub(crate) fn answer_of(&self, node: u32) -> Option<&[f64]> {
        self.nodes[node as usize].is_leaf().then(|| self.answer(node))
    }

    /// Changes the answer of a leaf that has one.
    pub(crate) fn answer_mut(&mut self, node: u32) -> &mut [f64] {
        let leaf = &mut self.nodes[node as usize];
        assert!(leaf.is_leaf(), "only leaves answer");
        if self.width == 1 {
            std::slice::from_mut(&mut leaf.value)
        } else {
            let from = leaf.link as usize * self.width;
            &mut self.answers[from..from + self.width]
        }
    }

    /// Numbers in an answer.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The leaf that a row of values (codes for categories, NaN for missing) falls into.
    pub(crate) fn leaf_of(&self, row: &[f64]) -> u32 {
        let mut lane = [0];
        while self.step(row, row.len(), &mut lane) {}
        lane[0]
    }

    /// A node's test and the side of missing values; meaningless for leaves.
    pub(crate) fn test_of(&self, node: u32) -> (Test, Side) {
        let node = &self.nodes[node as usize];
        let test = match node.field & (LEVELS | TURNED) {
            LEVELS => Test::Among(self.set(node).to_vec()),
            0 => Test::UpTo(node.value),
            TURNED => Test::UpToButZero(node.value),
            _ => Test::Except(self.set(node).to_vec()),
        };
        (
            test,
            if node.field & MISSING_LEFT != 0 {
                Side::Left
            } else {
                Side::Right
            },
        )
    }

    /// Visits the leaf of each row of `width` values (codes for categories, NaN for missing) in `rows`.
    ///
    /// Several rows walk side by side: the next node of one is fetched while another compares.
    #[inline]
    pub(crate) fn for_each_leaf(&self, rows: &[f64], width: usize, mut visit: impl FnMut(usize, u32)) {
        let mut groups = rows.chunks_exact(LANES * width);
        let mut at = 0;
        for group in groups.by_ref() {
            let mut lanes = [0_u32; LANES];
            while self.step(group, width, &mut lanes) {}
            for lane in lanes {
                visit(at, lane);
                at += 1;
            }
        }
        for row in groups.remainder().chunks_exact(width) {
            let mut lane = [0];
            while self.step(row, width, &mut lane) {}
            visit(at, lane[0]);
            at += 1;
        }
    }

    /// Moves each lane to the child its row belongs to; false if all stand on leaves.
    #[inline]
    fn step<const N: usize>(&self, rows: &[f64], width: usize, lanes: &mut [u32; N]) -> bool {
        let mut moved = false;
        for (lane, row) in lanes.iter_mut().zip(rows.chunks_exact(width)) {
            let node = &self.nodes[*lane as usize];
            // A leaf names feature 0, so that its row can be read and the result thrown away.
            let value = row[node.feature()];
            let left = if node.field & (LEVELS | TURNED) != 0 {
                self.holds(node, value)
            } else {
                (value <= node.value) | (value.is_nan() & (node.field & MISSING_LEFT != 0))
            };
            let next = node.link + u32::from(!left);
            *lane = if node.is_leaf() { *lane } else { next };
            moved |= !node.is_leaf();
        }
        moved
    }

    /// The answer of a leaf that is not kept as shares.
    #[inline]
    pub(crate) fn answer(&self, leaf: u32) -> &[f64] {
        let leaf = &self.nodes[leaf as usize];
        if self.width == 1 {
            std::slice::from_ref(&leaf.value)
        } else {
            let from = leaf.link as usize * self.width;
            &self.answers[from..from + self.width]
        }
    }

    /// Whether a value goes left in a node that is not a plain threshold.
    fn holds(&self, node: &Node, value: f64) -> bool {
        let (missing_left, turned) = (node.field & MISSING_LEFT != 0, node.field & TURNED != 0);
        if value.is_nan() {
            return missing_left;
        }
        if node.field & LEVELS == 0 {
            return if value.abs() <= ZERO_MAX {
                missing_left
            } else {
                value <= node.value
            };
        }
        let level = value as usize;
        match self.set(node).get(level / 64) {
            Some(word) if value >= 0.0 => (word >> (level % 64) & 1 == 1) != turned,
            _ => turned || missing_left,
        }
    }

    fn set(&self, node: &Node) -> &[u64] {
        let at = node.value as usize;
        &self.sets[at + 1..=at + self.sets[at] as usize]
    }

    /// Bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let shares = self.shares.at.capacity() * SHARE_BYTES;
        self.nodes.capacity() * size_of::<Node>()
            + (self.sets.capacity() + self.answers.capacity()) * 8
            + shares
    }

    /// Gives back what growing has allocated ahead.
    pub(crate) fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
        self.sets.shrink_to_fit();
        self.answers.shrink_to_fit();
        self.shares.at.shrink_to_fit();
        self.shares.value.shrink_to_fit();
    }

    pub(crate) fn save(&self, to: &mut Encoder) {
        to.u32s(&self.nodes.iter().map(|node| node.field).collect::<Vec<_>>());
        to.u32s(&self.nodes.iter().map(|node| node.link).collect::<Vec<_>>());
        to.f64s(&self.nodes.iter().map(|node| node.value).collect::<Vec<_>>());
        let halves = self
            .sets
            .iter()
            .flat_map(|&word| [word as u32, (word >> 32) as u32]);
        to.u32s(&halves.collect::<Vec<_>>());
        to.f64s(&self.answers);
        if self.has_shares() {
            to.u32s(&self.shares.at);
            to.f64s(&self.shares.value);
        }
    }

    /// Whether some answer is kept as shares; [`Tree::answer`] has none for such a leaf.
    pub(crate) fn has_shares(&self) -> bool {
        self.width > 1 && self.nodes.iter().any(|node| node.is_leaf() && node.value < 0.0)
    }

    /// Reads a tree over `features` columns back; `legal` says which numbers an answer may hold.
    pub(crate) fn load(
        from: &mut Decoder<'_>,
        features: usize,
        width: usize,
        legal: fn(f64) -> bool,
    ) -> Result<Self, ArtifactError> {
        let (fields, links, values) = (from.u32s()?, from.u32s()?, from.f64s()?);
        if fields.len() != links.len() || fields.len() != values.len() || fields.len() % 2 == 0 {
            return Err(ArtifactError::damaged("the node lists of a tree do not match"));
        }
        let nodes = (0..fields.len()).map(|at| Node {
            value: values[at],
            link: links[at],
            field: fields[at],
        });
        let halves = from.u32s()?;
        let (pairs, rest) = halves.as_chunks::<2>();
        let mut tree = Self {
            width,
            nodes: nodes.collect(),
            sets: pairs
                .iter()
                .map(|&[low, high]| u64::from(low) | u64::from(high) << 32)
                .collect(),
            answers: from.f64s()?,
            shares: Shares::default(),
        };
        if tree.has_shares() {
            tree.shares.at = from.u32s()?;
            tree.shares.value = from.f64s()?;
        }
        let sound = rest.is_empty()
            && tree.shares.at.len() == tree.shares.value.len()
            && tree.shares.at.iter().all(|&at| (at as usize) < width)
            && tree.shares.value.iter().all(|&value| legal(value))
            && tree.answers.iter().all(|&value| legal(value))
            && (0..tree.nodes.len()).all(|at| tree.is_sound(at, features, legal));
        if sound {
            Ok(tree)
        } else {
            Err(ArtifactError::damaged("a tree has a node that leads nowhere"))
        }
    }

    /// Whether a walk that reaches this node stays in bounds and goes forward.
    fn is_sound(&self, at: usize, features: usize, legal: fn(f64) -> bool) -> bool {
        let node = &self.nodes[at];
        let link = node.link as usize;
        if node.is_leaf() {
            let plain = node.field == LEAF;
            if self.width > 1 && node.value < 0.0 {
                let end = node.link as f64 - node.value;
                return plain && node.value.fract() == 0.0 && end <= self.shares.at.len() as f64;
            }
            let answered = self.width == 1 || (link + 1) * self.width <= self.answers.len();
            return plain && answered && legal(node.value);
        }
        let forward = link > at && link + 1 < self.nodes.len() && node.feature() < features;
        let decides = if node.field & LEVELS == 0 {
            !node.value.is_nan()
        } else {
            let set = node.value as usize;
            let room = self.sets.len().saturating_sub(set) as u64;
            set as f64 == node.value && room > 0 && self.sets[set] < room
        };
        forward && decides
    }
}

impl Node {
    #[inline]
    fn is_leaf(&self) -> bool {
        self.field & LEAF != 0
    }

    #[inline]
    fn feature(&self) -> usize {
        (self.field & FEATURE) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these values go left, without and with missing values on the left.
    fn left_of(test: &Test, values: &[f64]) -> [Vec<bool>; 2] {
        [Side::Right, Side::Left].map(|missing| {
            let mut tree = Tree::new(1);
            let left = tree.split(0, 0, test, missing);
            assert_eq!(tree.test_of(0), (test.clone(), missing));
            values
                .iter()
                .map(|value| tree.leaf_of(&[*value]) == left)
                .collect()
        })
    }

    #[test]
    fn answers_that_are_mostly_zero_are_kept_short_and_survive_being_saved() {
        let mut tree = Tree::new(5);
        let left = tree.split(0, 0, &Test::UpTo(1.5), Side::Left);
        let right = tree.split(left + 1, 0, &Test::UpTo(2.5), Side::Left);
        let answers = [[0.0, 0.0, 1.0, 0.0, 0.0], [0.25, 0.0, 0.0, 0.75, 0.0], [0.2; 5]];
        for (leaf, answer) in [left, right, right + 1].into_iter().zip(&answers) {
            tree.set_shares(leaf, answer);
        }
        assert_eq!((tree.shares.at.len(), tree.answers.len()), (3, 5));
        let mut to = Encoder::new();
        tree.save(&mut to);
        let bytes = to.into_bytes();
        let share = |value| (0.0..=1.0).contains(&value);
        let back = Tree::load(&mut Decoder::new(&bytes), 1, 5, share).expect("as saved");
        assert_eq!(back, tree);
        for (value, answer) in [1.0, 2.0, 3.0].into_iter().zip(answers) {
            let mut sums = [0.0; 5];
            back.add_answer(back.leaf_of(&[value]), &mut sums);
            assert_eq!(sums, answer);
        }
        for damaged in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[damaged] ^= 0x40;
            if let Ok(tree) = Tree::load(&mut Decoder::new(&bytes), 1, 5, share) {
                tree.add_answer(tree.leaf_of(&[2.0]), &mut [0.0; 5]);
            }
        }
    }

    #[test]
    fn levels_beyond_a_set_go_with_missing_values_and_beyond_an_exception_left() {
        let values = [1.0, 0.0, 64.0, -1.0, f64::NAN];
        let among = left_of(&Test::Among(vec![2]), &values);
        assert_eq!(among[0], [true, false, false, false, false]);
        assert_eq!(among[1], [true, false, true, true, true]);
        let except = left_of(&Test::Except(vec![2]), &values);
        assert_eq!(except[0], [false, true, true, true, false]);
        assert_eq!(except[1], [false, true, true, true, true]);
    }

    #[test]
    fn zero_goes_with_missing_values_where_it_counts_as_one() {
        let values = [-1.0, 0.0, -0.0, 1e-36, 1.0, 3.0, f64::NAN];
        let zero = left_of(&Test::UpToButZero(2.0), &values);
        assert_eq!(zero[0], [true, false, false, false, true, false, false]);
        assert_eq!(zero[1], [true, true, true, true, true, false, true]);
    }
}
