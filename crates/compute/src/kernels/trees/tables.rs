//! Oblivious trees: every node of a level asks the same question, so the answers are the bits of a leaf's number.

use std::ops::Range;

use super::{Codes, LANES, Picks};

/// Levels that a tree of [`Tables`] may have.
pub const DEPTH_MAX: usize = 16;

/// Whether a row's code in a slot is at most a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The code that is looked at.
    pub slot: u16,
    /// The largest code that goes left.
    pub cut: u8,
}

/// Oblivious trees packed for scoring. The leaf of a row has the number whose bits, highest first, say level by level whether
/// the row goes right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tables {
    questions: Vec<Question>,
    /// Where the questions of each tree start; one more entry than trees, none without trees.
    starts: Vec<u32>,
    slots: usize,
}

impl Tables {
    /// How many trees there are.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is no tree.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a tree by its questions, the root's first.
    ///
    /// # Panics
    /// If there are more than [`DEPTH_MAX`].
    pub fn push(&mut self, questions: &[Question]) {
        assert!(questions.len() <= DEPTH_MAX, "a leaf's number has sixteen bits");
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        let slots = questions.iter().map(|question| usize::from(question.slot) + 1);
        self.slots = slots.fold(self.slots, usize::max);
        self.questions.extend_from_slice(questions);
        self.starts.push(self.questions.len() as u32);
    }

    #[inline]
    fn questions(&self, tree: usize) -> &[Question] {
        &self.questions[self.starts[tree] as usize..self.starts[tree + 1] as usize]
    }

    /// Codes that a row must have.
    pub fn codes_min(&self) -> usize {
        self.slots
    }

    /// Visits the trees of the range in order with the number of the leaf that the row falls into.
    ///
    /// # Panics
    /// If the row has fewer codes than [`Tables::codes_min`] or the range leaves the tables.
    #[inline]
    pub fn walk(&self, trees: Range<usize>, codes: &[u8], mut visit: impl FnMut(usize, u16)) {
        assert!(codes.len() >= self.slots, "one code a slot");
        for tree in trees {
            let leaf = self.questions(tree).iter().fold(0, |leaf, question| {
                // SAFETY: `push` has seen every question, so its slot is below `slots`, and the row has a code for each.
                let code = unsafe { *codes.get_unchecked(question.slot as usize) };
                leaf << 1 | u16::from(code > question.cut)
            });
            visit(tree, leaf);
        }
    }

    /// Finds the leaf of each of [`LANES`] rows in one tree.
    ///
    /// # Panics
    /// If a slot has no codes or the tree is not there.
    pub fn leaves(&self, tree: usize, codes: &[Codes], picks: &mut Picks) {
        let questions = self.questions(tree);
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512bw") {
                // SAFETY: the processor has AVX-512 BW, checked on the line above.
                unsafe { leaves_avx512(questions, codes, picks) };
                return;
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2, checked on the line above.
                unsafe { leaves_avx2(questions, codes, picks) };
                return;
            }
        }
        leaves_plain(questions, codes, picks);
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.questions.capacity() * size_of::<Question>() + self.starts.capacity() * size_of::<u32>()
    }

    /// Gives back what pushing has allocated ahead.
    pub fn shrink(&mut self) {
        self.questions.shrink_to_fit();
        self.starts.shrink_to_fit();
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
fn leaves_avx512(questions: &[Question], codes: &[Codes], picks: &mut Picks) {
    leaves_plain(questions, codes, picks);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn leaves_avx2(questions: &[Question], codes: &[Codes], picks: &mut Picks) {
    leaves_plain(questions, codes, picks);
}

/// The first levels go into the high byte of a number, the last eight into its low byte.
#[inline(always)]
fn leaves_plain(questions: &[Question], codes: &[Codes], picks: &mut Picks) {
    let (first, last) = questions.split_at(questions.len().saturating_sub(8));
    let low = eight_levels(last, codes);
    if first.is_empty() {
        for row in 0..LANES {
            picks[row] = u16::from(low[row]);
        }
    } else {
        let high = eight_levels(first, codes);
        for row in 0..LANES {
            picks[row] = u16::from(high[row]) << 8 | u16::from(low[row]);
        }
    }
}

#[inline(always)]
fn eight_levels(questions: &[Question], codes: &[Codes]) -> Codes {
    let mut bits = [0_u8; LANES];
    for question in questions {
        let codes = &codes[usize::from(question.slot)];
        for row in 0..LANES {
            bits[row] = (bits[row] << 1) | u8::from(codes[row] > question.cut);
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_spells_the_leaf_in_bits() {
        let codes: Vec<Codes> = (0..20)
            .map(|slot| std::array::from_fn(|row| ((slot * 97 + row * 41) % 251) as u8))
            .collect();
        let mut tables = Tables::default();
        assert!(tables.is_empty());
        let tree = |depth: usize| -> Vec<Question> {
            let question = |level: usize| Question {
                slot: ((level * 7 + depth) % 20) as u16,
                cut: (level * 53 % 251) as u8,
            };
            (0..depth).map(question).collect()
        };
        (0..=DEPTH_MAX).for_each(|depth| tables.push(&tree(depth)));
        assert_eq!(tables.len(), DEPTH_MAX + 1);
        let expected = |depth: usize, row: usize| {
            let bit =
                |leaf, ask: &Question| leaf << 1 | u16::from(codes[usize::from(ask.slot)][row] > ask.cut);
            tree(depth).iter().fold(0, bit)
        };
        for depth in 0..=DEPTH_MAX {
            let wanted: Picks = std::array::from_fn(|row| expected(depth, row));
            let (mut picks, mut plain) = ([7; LANES], [8; LANES]);
            tables.leaves(depth, &codes, &mut picks);
            leaves_plain(tables.questions(depth), &codes, &mut plain);
            assert_eq!((picks, plain), (wanted, wanted));
        }
        for row in 0..LANES {
            let one: Vec<u8> = codes.iter().map(|slot| slot[row]).collect();
            tables.walk(1..DEPTH_MAX, &one, |tree, leaf| {
                assert_eq!(leaf, expected(tree, row));
            });
        }
    }
}
