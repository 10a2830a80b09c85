//! How the values of a row become codes: which thresholds and level sets the trees test, column by column.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use kolosal_compute::kernels::trees::{Codes, LANES, SLOT_CUTS, Slot, codes_into, rank, ranks_into};

use crate::boost::model::BoostTree;
use crate::tree::{Side, Test};

/// Codes that a row has at most: beyond it, filling them would cost more than they save.
const SLOTS_MAX: usize = 1 << 13;

/// The codes of a row, column by column: first those of its thresholds, then one a level set (0 left, 1 right).
#[derive(Debug, Default)]
pub(super) struct Codebook {
    columns: Vec<TestedColumn>,
    cuts: Vec<f64>,
    slots: Vec<Slot>,
    sets: Vec<LevelSet>,
    words: Vec<u64>,
    codes: usize,
}

/// A column that some tree tests.
#[derive(Debug)]
struct TestedColumn {
    column: usize,
    /// Where its codes start.
    code: usize,
    cuts: Range<usize>,
    slots: Range<usize>,
    sets: Range<usize>,
}

/// A level set as bits: set where a level goes left; bit `levels` stands for missing values and all levels beyond.
#[derive(Debug, Clone, Copy)]
struct LevelSet {
    word: u32,
    levels: u32,
}

/// What the trees ask of a column.
#[derive(Debug, Default)]
struct Asked {
    cuts: Vec<f64>,
    sides: Vec<(f64, bool)>,
    sets: BTreeSet<(Vec<u64>, bool)>,
}

/// Finds the code and the cut that stand for a test.
#[derive(Debug)]
pub(super) struct Index {
    columns: BTreeMap<usize, (usize, BTreeMap<(Vec<u64>, bool), usize>)>,
}

impl Codebook {
    /// The codes that all trees together need, and where to find the code of a test.
    pub(super) fn new(trees: &[BoostTree]) -> (Self, Index) {
        let mut asked: BTreeMap<usize, Asked> = BTreeMap::new();
        for tree in trees {
            for node in 0..tree.tree.node_count() as u32 {
                if let Some((column, _)) = tree.tree.split_of(node) {
                    let (test, missing) = tree.tree.test_of(node);
                    asked.entry(column).or_default().note(test, missing == Side::Left);
                }
            }
        }
        let mut book = Self::default();
        let mut index = Index {
            columns: BTreeMap::new(),
        };
        for (column, asked) in asked {
            let sets = book.push(column, asked);
            index.columns.insert(column, (book.columns.len() - 1, sets));
        }
        (book, index)
    }

    fn push(&mut self, column: usize, mut asked: Asked) -> BTreeMap<(Vec<u64>, bool), usize> {
        let code = self.codes;
        let starts = (self.cuts.len(), self.slots.len(), self.sets.len());
        asked.cuts.sort_by(f64::total_cmp);
        asked.cuts.dedup();
        let part = |&(cut, left): &(f64, bool)| {
            let at = rank(&asked.cuts, cut) as usize;
            ((at / SLOT_CUTS * SLOT_CUTS) as u32, left)
        };
        let parts: BTreeSet<(u32, bool)> = asked.sides.iter().map(part).collect();
        self.slots.extend(
            parts
                .into_iter()
                .map(|(first, missing_left)| Slot { first, missing_left }),
        );
        self.codes += self.slots.len() - starts.1;
        self.cuts.extend(asked.cuts);
        let mut places = BTreeMap::new();
        for (words, missing_left) in asked.sets {
            if self.codes >= SLOTS_MAX {
                break;
            }
            self.push_set(&words, missing_left);
            places.insert((words, missing_left), self.codes);
            self.codes += 1;
        }
        self.columns.push(TestedColumn {
            column,
            code,
            cuts: starts.0..self.cuts.len(),
            slots: starts.1..self.slots.len(),
            sets: starts.2..self.sets.len(),
        });
        places
    }

    fn push_set(&mut self, words: &[u64], missing_left: bool) {
        self.sets.push(LevelSet {
            word: self.words.len() as u32,
            levels: words.len() as u32 * 64,
        });
        self.words.extend_from_slice(words);
        self.words.push(u64::from(missing_left));
    }

    /// The code that a test looks at and the largest value of it that goes left; `None` if it has none.
    pub(super) fn question(&self, index: &Index, column: usize, test: (Test, Side)) -> Option<(u16, u8)> {
        let missing_left = test.1 == Side::Left;
        let (at, sets) = &index.columns[&column];
        let place = &self.columns[*at];
        let (code, cut) = match test.0 {
            Test::UpTo(threshold) => {
                let cut = rank(&self.cuts[place.cuts.clone()], threshold);
                let holds = |slot: &Slot| {
                    slot.missing_left == missing_left && (cut.wrapping_sub(slot.first) as usize) < SLOT_CUTS
                };
                let slots = &self.slots[place.slots.clone()];
                let slot = slots.iter().position(holds)?;
                (place.code + slot, slots[slot].cut(cut))
            }
            Test::Among(words) => (*sets.get(&(words, missing_left))?, 0),
            Test::Except(_) | Test::UpToButZero(_) => return None,
        };
        (code < SLOTS_MAX).then_some((code as u16, cut))
    }

    /// How many codes a row has.
    pub(super) fn len(&self) -> usize {
        self.codes
    }

    /// The columns that are read, in order.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|column| column.column)
    }

    /// The codes of one row.
    pub(super) fn code_row(&self, row: &[f64], codes: &mut [u8]) {
        for column in &self.columns {
            let value = row[column.column];
            let codes = &mut codes[column.code..];
            let slots = &self.slots[column.slots.clone()];
            if !slots.is_empty() {
                let rank = rank(&self.cuts[column.cuts.clone()], value);
                for (code, slot) in codes.iter_mut().zip(slots) {
                    *code = slot.code(rank, value.is_nan());
                }
            }
            let sets = &self.sets[column.sets.clone()];
            for (code, set) in codes[slots.len()..].iter_mut().zip(sets) {
                *code = self.set_code(*set, level_of(value));
            }
        }
    }

    /// The codes of one column, the `at`-th of [`Codebook::columns`], for a group of rows; `codes` are those of the group.
    pub(super) fn code_column(&self, at: usize, values: &[f64; LANES], codes: &mut [Codes]) {
        let column = &self.columns[at];
        let codes = &mut codes[column.code..];
        let slots = &self.slots[column.slots.clone()];
        if !slots.is_empty() {
            let mut ranks = [0; LANES];
            ranks_into(&self.cuts[column.cuts.clone()], values, &mut ranks);
            for (codes, slot) in codes.iter_mut().zip(slots) {
                codes_into(*slot, values, &ranks, codes);
            }
        }
        let sets = &self.sets[column.sets.clone()];
        if !sets.is_empty() {
            let levels = values.map(level_of);
            for (codes, set) in codes[slots.len()..].iter_mut().zip(sets) {
                *codes = levels.map(|level| self.set_code(*set, level));
            }
        }
    }

    #[inline]
    fn set_code(&self, set: LevelSet, level: u32) -> u8 {
        let bit = level.min(set.levels);
        let word = self.words[(set.word + bit / 64) as usize];
        u8::from(word >> (bit % 64) & 1 == 0)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.columns.capacity() * size_of::<TestedColumn>()
            + (self.cuts.capacity() + self.words.capacity()) * 8
            + self.slots.capacity() * size_of::<Slot>()
            + self.sets.capacity() * size_of::<LevelSet>()
    }
}

impl Asked {
    fn note(&mut self, test: Test, missing_left: bool) {
        match test {
            Test::UpTo(threshold) => {
                self.cuts.push(threshold);
                self.sides.push((threshold, missing_left));
            }
            Test::Among(words) => {
                self.sets.insert((words, missing_left));
            }
            // Only imported trees ask these: they have no code, so that such trees are walked as they are.
            Test::Except(_) | Test::UpToButZero(_) => {}
        }
    }
}

/// A level as the trees read it; missing and negative values count as a level beyond all sets.
#[inline]
fn level_of(value: f64) -> u32 {
    if value >= 0.0 { value as u32 } else { u32::MAX }
}
