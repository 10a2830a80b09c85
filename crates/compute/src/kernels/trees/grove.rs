//! Trees of any shape with up to 256 leaves: a row through many trees, or many rows through a tree.

use std::ops::Range;

use super::{Codes, LANES, Picks};

/// Leaves that a tree of a [`Grove`] may have.
pub const LEAVES_MAX: usize = 256;

/// Trees that one row walks side by side.
const ABREAST: usize = 8;

/// A node of a tree that is handed to [`Grove::push`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rows whose code in the slot is at most the cut go left, others right.
    Split {
        /// The code that is looked at.
        slot: u16,
        /// The largest code that goes left.
        cut: u8,
    },
    /// The end of a walk.
    Leaf,
}

/// Trees packed for scoring; leaves are numbered in the order of their nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grove {
    /// The nodes of all trees for the walk of one row: bits 0 to 15 slot (in a leaf its number), 16 to 23 cut, 24 to 31
    /// distance to the left child. A leaf has cut 255 and distance 0, so that a walk which has arrived stays.
    nodes: Vec<u32>,
    /// The splits of all trees for many rows.
    splits: Vec<Split>,
    trees: Vec<Place>,
    /// Codes that a row has at least.
    slots: usize,
}

/// A split, its children numbered with the splits of the tree first and the leaves behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Split {
    slot: u16,
    cut: u8,
    left: u16,
    right: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    node: u32,
    split: u32,
    splits: u16,
}

impl Grove {
    /// How many trees there are.
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// Whether there is no tree.
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// Adds a tree given level by level, so that the children of split `k` (counted from 0) are nodes `2 k + 1` and
    /// `2 k + 2`; false, and nothing added, if it has more than [`LEAVES_MAX`] leaves.
    ///
    /// # Panics
    /// If the nodes are not one tree in that order.
    pub fn push(&mut self, tree: &[Step]) -> bool {
        let splits = tree.iter().filter(|step| **step != Step::Leaf).count();
        assert_eq!(
            tree.len(),
            2 * splits + 1,
            "each split has two children, and all but the root are one"
        );
        if splits >= LEAVES_MAX {
            return false;
        }
        self.trees.push(Place {
            node: self.nodes.len() as u32,
            split: self.splits.len() as u32,
            splits: splits as u16,
        });
        let numbers = numbered(tree, splits);
        let (mut split, mut leaf) = (0, 0);
        for (at, step) in tree.iter().enumerate() {
            match *step {
                Step::Leaf => {
                    self.nodes.push(leaf | 0xff << 16);
                    leaf += 1;
                }
                Step::Split { slot, cut } => {
                    let place = 2 * split + 1;
                    assert!(place > at, "a child follows its parent");
                    split += 1;
                    self.push_split(
                        place - at,
                        Split {
                            slot,
                            cut,
                            left: numbers[place],
                            right: numbers[place + 1],
                        },
                    );
                }
            }
        }
        true
    }

    /// The distance fits a byte: split `k` stands at position `k` or later, so its children are at most `k + 1` away.
    fn push_split(&mut self, distance: usize, split: Split) {
        assert!(distance <= usize::from(u8::MAX), "a child is near its parent");
        self.slots = self.slots.max(usize::from(split.slot) + 1);
        let (slot, cut) = (u32::from(split.slot), u32::from(split.cut));
        self.nodes.push(slot | cut << 16 | (distance as u32) << 24);
        self.splits.push(split);
    }

    /// Codes that a row must have for [`Grove::walk`]: one a slot, and never fewer than there are leaf numbers.
    pub fn codes_min(&self) -> usize {
        self.slots.max(LEAVES_MAX)
    }

    /// Visits the trees of the range in order with the number of the leaf that the row falls into.
    ///
    /// # Panics
    /// If the row has fewer codes than [`Grove::codes_min`] or the range leaves the grove.
    #[inline]
    pub fn walk(&self, trees: Range<usize>, codes: &[u8], mut visit: impl FnMut(usize, u16)) {
        assert!(codes.len() >= self.codes_min(), "one code a slot");
        let mut tree = trees.start;
        for group in self.trees[trees].chunks(ABREAST) {
            // A group that is not full walks its last tree several times.
            let places = std::array::from_fn(|lane| group[lane.min(group.len() - 1)]);
            let leaves = self.walk_abreast::<ABREAST>(places, codes);
            for leaf in &leaves[..group.len()] {
                visit(tree, *leaf);
                tree += 1;
            }
        }
    }

    #[inline]
    fn walk_abreast<const N: usize>(&self, places: [Place; N], codes: &[u8]) -> [u16; N] {
        let mut at: [u32; N] = places.map(|place| place.node);
        loop {
            let mut moved = 0;
            for at in &mut at {
                // SAFETY: a walk starts at the root of a tree and each step goes from a node to one of its children or
                // stays at a leaf, all of which `push` has checked to be there. A slot is below `slots` and a leaf's number
                // below `LEAVES_MAX`; the row has codes for both, asserted by the caller.
                let (node, code) = unsafe {
                    let node = *self.nodes.get_unchecked(*at as usize);
                    (node, *codes.get_unchecked(node as usize & 0xffff))
                };
                *at += (node >> 24) + u32::from(code > (node >> 16) as u8);
                moved |= node >> 24;
            }
            if moved == 0 {
                break;
            }
        }
        at.map(|at| self.nodes[at as usize] as u16)
    }

    /// Finds the leaf of each of [`LANES`] rows in one tree.
    ///
    /// # Panics
    /// If a slot has no codes or the tree is not there.
    pub fn leaves(&self, tree: usize, codes: &[Codes], picks: &mut Picks) {
        assert!(codes.len() >= self.slots, "codes of every slot");
        let place = self.trees[tree];
        let splits = &self.splits[place.split as usize..][..usize::from(place.splits)];
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512bw") {
                // SAFETY: the processor has AVX-512 BW (which implies F), checked on the line above.
                unsafe { x86::leaves_avx512(splits, codes, picks) };
                return;
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2, checked on the line above.
                unsafe { x86::leaves_avx2(splits, codes, picks) };
                return;
            }
        }
        leaves_with(Scalar, splits, codes, picks);
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<u32>()
            + self.splits.capacity() * size_of::<Split>()
            + self.trees.capacity() * size_of::<Place>()
    }

    /// Gives back what pushing has allocated ahead.
    pub fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
        self.splits.shrink_to_fit();
        self.trees.shrink_to_fit();
    }
}

/// Numbers nodes with splits first and leaves behind them, each in their order.
fn numbered(tree: &[Step], splits: usize) -> Vec<u16> {
    let (mut split, mut leaf) = (0, splits as u16);
    let number = |step: &Step| {
        let next = if *step == Step::Leaf {
            &mut leaf
        } else {
            &mut split
        };
        *next += 1;
        *next - 1
    };
    tree.iter().map(number).collect()
}

/// What sixty-four bytes side by side can be asked.
trait Lanes: Copy {
    /// One bit a row: whether its code is at most the cut.
    fn up_to(self, codes: &Codes, cut: u8) -> u64;

    /// Gives the leaves' numbers to the rows in their sets; each row is in exactly one.
    fn number(self, sets: &[u64], picks: &mut Picks);
}

#[derive(Clone, Copy)]
struct Scalar;

impl Lanes for Scalar {
    #[inline(always)]
    fn up_to(self, codes: &Codes, cut: u8) -> u64 {
        let rows = codes.iter().enumerate();
        rows.fold(0, |set, (row, &code)| set | u64::from(code <= cut) << row)
    }

    #[inline(always)]
    fn number(self, sets: &[u64], picks: &mut Picks) {
        for (leaf, &set) in sets.iter().enumerate() {
            let mut left = set;
            while left != 0 {
                picks[left.trailing_zeros() as usize] = leaf as u16;
                left &= left - 1;
            }
        }
    }
}

#[inline(always)]
fn leaves_with<L: Lanes>(lanes: L, splits: &[Split], codes: &[Codes], picks: &mut Picks) {
    let mut sets = [std::mem::MaybeUninit::<u64>::uninit(); 2 * LEAVES_MAX];
    sets[0].write(u64::MAX);
    for (at, split) in splits.iter().enumerate() {
        // SAFETY: slots are below `Grove::slots`, for which the caller has codes. Children are numbered below
        // `2 * LEAVES_MAX`. A parent comes before its children and the first number is written above, so a set is
        // written before it is read.
        unsafe {
            let reached = sets.get_unchecked(at).assume_init();
            let left = lanes.up_to(codes.get_unchecked(split.slot as usize), split.cut);
            sets.get_unchecked_mut(split.left as usize).write(reached & left);
            sets.get_unchecked_mut(split.right as usize)
                .write(reached & !left);
        }
    }
    let leaves = &sets[splits.len()..2 * splits.len() + 1];
    // SAFETY: a tree of `n` splits has `n + 1` leaves, numbered behind the splits; each is the child of a split or the root.
    let leaves = unsafe { std::slice::from_raw_parts(leaves.as_ptr().cast::<u64>(), leaves.len()) };
    lanes.number(leaves, picks);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The same loop with 256 and 512 bit registers.

    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_cvtepu8_epi16, _mm256_loadu_si256,
        _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi32,
        _mm256_set1_epi64x, _mm256_setr_epi64x, _mm256_setzero_si256, _mm256_shuffle_epi8,
        _mm256_storeu_si256, _mm512_castsi512_si256, _mm512_cmple_epu8_mask, _mm512_cvtepu8_epi16,
        _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_mask_mov_epi8, _mm512_set1_epi8,
        _mm512_setzero_si512, _mm512_storeu_si512,
    };

    use super::{Codes, LANES, Lanes, Picks, Split, leaves_with};

    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2")]
    pub(super) fn leaves_avx512(splits: &[Split], codes: &[Codes], picks: &mut Picks) {
        leaves_with(Avx512(()), splits, codes, picks);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn leaves_avx2(splits: &[Split], codes: &[Codes], picks: &mut Picks) {
        leaves_with(Avx2(()), splits, codes, picks);
    }

    /// Exists only where the processor has AVX-512 BW.
    #[derive(Clone, Copy)]
    struct Avx512(());

    impl Lanes for Avx512 {
        #[inline(always)]
        fn up_to(self, codes: &Codes, cut: u8) -> u64 {
            // SAFETY: the type exists only behind the check for AVX-512 BW; the load reads the 64 bytes of the array.
            unsafe {
                let codes = _mm512_loadu_si512(codes.as_ptr().cast::<__m512i>());
                _mm512_cmple_epu8_mask(codes, _mm512_set1_epi8(cut as i8))
            }
        }

        #[inline(always)]
        fn number(self, sets: &[u64], picks: &mut Picks) {
            // SAFETY: the type exists only behind the check for AVX-512 BW; the stores write the two halves of the array of
            // 64 times 16 bits.
            unsafe {
                let mut numbers = _mm512_setzero_si512();
                for (leaf, &set) in sets.iter().enumerate() {
                    numbers = _mm512_mask_mov_epi8(numbers, set, _mm512_set1_epi8(leaf as i8));
                }
                let low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(numbers));
                let high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64::<1>(numbers));
                let out = picks.as_mut_ptr();
                _mm512_storeu_si512(out.cast::<__m512i>(), low);
                _mm512_storeu_si512(out.add(LANES / 2).cast::<__m512i>(), high);
            }
        }
    }

    /// Exists only where the processor has AVX2.
    #[derive(Clone, Copy)]
    struct Avx2(());

    impl Avx2 {
        /// One byte a row of a half: the leaf's number where the row's bit is set.
        #[inline(always)]
        fn spread(self, set: u32, leaf: u8) -> __m256i {
            // SAFETY: the type exists only behind the check for AVX2.
            unsafe {
                // Byte `i` of the register takes byte `i / 8` of the set, then keeps bit `i % 8` of it.
                let bytes = _mm256_setr_epi64x(
                    0,
                    0x0101_0101_0101_0101,
                    0x0202_0202_0202_0202,
                    0x0303_0303_0303_0303,
                );
                let bits = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
                let spread =
                    _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(set as i32), bytes), bits);
                _mm256_and_si256(_mm256_cmpeq_epi8(spread, bits), _mm256_set1_epi8(leaf as i8))
            }
        }
    }

    impl Lanes for Avx2 {
        #[inline(always)]
        fn up_to(self, codes: &Codes, cut: u8) -> u64 {
            let half = |at: usize| {
                // SAFETY: the type exists only behind the check for AVX2; the load reads 32 of the array's 64 bytes.
                unsafe {
                    let codes = _mm256_loadu_si256(codes.as_ptr().add(at).cast::<__m256i>());
                    let lower = _mm256_min_epu8(codes, _mm256_set1_epi8(cut as i8));
                    _mm256_movemask_epi8(_mm256_cmpeq_epi8(lower, codes)) as u32
                }
            };
            u64::from(half(0)) | u64::from(half(LANES / 2)) << 32
        }

        #[inline(always)]
        fn number(self, sets: &[u64], picks: &mut Picks) {
            // SAFETY: the type exists only behind the check for AVX2; each store writes 16 of the array's 64 places.
            unsafe {
                let mut halves = [_mm256_setzero_si256(); 2];
                for (leaf, &set) in sets.iter().enumerate() {
                    halves[0] = _mm256_or_si256(halves[0], self.spread(set as u32, leaf as u8));
                    halves[1] = _mm256_or_si256(halves[1], self.spread((set >> 32) as u32, leaf as u8));
                }
                let out = picks.as_mut_ptr();
                for (at, half) in halves.into_iter().enumerate() {
                    let bytes: [std::arch::x86_64::__m128i; 2] = std::mem::transmute(half);
                    for (quarter, bytes) in bytes.into_iter().enumerate() {
                        let to = out.add(at * 32 + quarter * 16).cast::<__m256i>();
                        _mm256_storeu_si256(to, _mm256_cvtepu8_epi16(bytes));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator of numbers that is the same on every machine.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % end
        }
    }

    /// A random tree of so many leaves, level by level.
    fn random_tree(leaves: usize, slots: usize, dice: &mut Dice) -> Vec<Step> {
        let mut open = vec![leaves];
        let mut steps = Vec::new();
        let mut at = 0;
        while at < open.len() {
            let leaves = open[at];
            if leaves == 1 {
                steps.push(Step::Leaf);
            } else {
                let left = 1 + dice.below(leaves - 1);
                steps.push(Step::Split {
                    slot: dice.below(slots) as u16,
                    cut: dice.below(256) as u8,
                });
                open.extend([left, leaves - left]);
            }
            at += 1;
        }
        steps
    }

    fn plain_walk(tree: &[Step], codes: impl Fn(usize) -> u8) -> u16 {
        let is_leaf = |step: &&Step| **step == Step::Leaf;
        let mut at = 0;
        while let Step::Split { slot, cut } = tree[at] {
            let splits_before = at - tree[..at].iter().filter(is_leaf).count();
            at = 2 * splits_before + 1 + usize::from(codes(usize::from(slot)) > cut);
        }
        tree[..at].iter().filter(is_leaf).count() as u16
    }

    #[test]
    fn every_form_finds_the_leaf_of_a_plain_walk() {
        let mut dice = Dice(7);
        for (leaves, slots) in [(1, 1), (2, 1), (5, 3), (31, 30), (64, 9), (255, 300), (256, 3)] {
            let trees: Vec<Vec<Step>> = (0..19).map(|_| random_tree(leaves, slots, &mut dice)).collect();
            let mut grove = Grove::default();
            assert!(trees.iter().all(|tree| grove.push(tree)));
            let codes: Vec<Codes> = (0..slots)
                .map(|_| std::array::from_fn(|_| dice.below(256) as u8))
                .collect();
            for (at, tree) in trees.iter().enumerate() {
                let expected: Picks = std::array::from_fn(|row| plain_walk(tree, |slot| codes[slot][row]));
                let mut picks = [9; LANES];
                grove.leaves(at, &codes, &mut picks);
                assert_eq!(picks, expected);
                check_twins(&grove, at, &codes, &expected);
            }
            for row in 0..LANES {
                let mut one: Vec<u8> = codes.iter().map(|slot| slot[row]).collect();
                one.resize(grove.codes_min(), 0);
                let mut found = Vec::new();
                grove.walk(2..19, &one, |tree, leaf| found.push((tree, leaf)));
                let expected = (2..19).map(|at| (at, plain_walk(&trees[at], |slot| codes[slot][row])));
                assert_eq!(found, expected.collect::<Vec<_>>());
            }
        }
    }

    fn check_twins(grove: &Grove, tree: usize, codes: &[Codes], expected: &Picks) {
        let place = grove.trees[tree];
        let splits = &grove.splits[place.split as usize..][..usize::from(place.splits)];
        let mut picks = [9; LANES];
        leaves_with(Scalar, splits, codes, &mut picks);
        assert_eq!(picks, *expected);
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            unsafe { x86::leaves_avx2(splits, codes, &mut picks) };
            assert_eq!(picks, *expected);
        }
    }

    #[test]
    fn a_tree_of_too_many_leaves_is_refused() {
        let mut grove = Grove::default();
        assert!(!grove.push(&random_tree(257, 4, &mut Dice(1))));
        assert!(grove.is_empty());
        assert_eq!((grove.len(), grove.heap_bytes()), (0, 0));
    }
}
