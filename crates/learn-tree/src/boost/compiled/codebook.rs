//! How the values of a row become codes: which thresholds and level sets the trees test, column by column.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use kolosal_compute::kernels::trees::{
    Codes, LANES, SLOT_CUTS, Slot, codes_into, rank, ranks_abreast, ranks_into, spread, transpose,
};

use crate::boost::model::BoostTree;
use crate::tree::{Side, Test};

/// Codes that a row has at most: beyond it, filling them would cost more than they save.
const SLOTS_MAX: usize = 1 << 13;

/// Columns whose thresholds are searched side by side for one row.
const ABREAST: usize = 8;

/// The codes of a row, column by column: first those of its thresholds, then one a level set (0 left, 1 right).
///
/// Columns stand in the order of their number of thresholds, so that those that are searched together need about the same
/// number of steps.
#[derive(Debug, Default)]
pub(super) struct Codebook {
    columns: Vec<TestedColumn>,
    /// For each [`ABREAST`] columns where their thresholds start and for how many each column has room.
    groups: Vec<(usize, usize)>,
    /// Thresholds of each column, filled up with NaN to the room of its group.
    cuts: Vec<f64>,
    slots: Vec<Slot>,
    /// For each column with sets, level by level (missing values last) the bits of its sets: 1 where the level goes right.
    levels: Vec<u64>,
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
    sets: Sets,
}

/// The level sets of a column as a matrix of bits.
#[derive(Debug, Clone, Copy)]
struct Sets {
    count: usize,
    /// Where the matrix starts.
    word: usize,
    /// Levels that some set knows; those beyond and missing values share the last line.
    levels: u32,
}

/// A set of levels and whether missing values go left.
type SetKey = (Vec<u64>, bool);

/// What the trees ask of a column.
#[derive(Debug, Default)]
struct Asked {
    cuts: Vec<f64>,
    sides: Vec<(f64, bool)>,
    sets: BTreeSet<SetKey>,
}

/// Finds the code and the cut that stand for a test.
#[derive(Debug)]
pub(super) struct Index {
    /// By column: its position among the tested ones, and the codes of its sets.
    columns: BTreeMap<usize, (usize, BTreeMap<SetKey, usize>)>,
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
        for asked in asked.values_mut() {
            asked.cuts.sort_by(f64::total_cmp);
            asked.cuts.dedup();
        }
        let mut asked: Vec<(usize, Asked)> = asked.into_iter().collect();
        asked.sort_by_key(|(_, asked)| std::cmp::Reverse(asked.cuts.len()));
        let mut book = Self::default();
        let mut columns = BTreeMap::new();
        for group in asked.chunks(ABREAST) {
            let (start, room) = (book.cuts.len(), group[0].1.cuts.len());
            book.groups.push((start, room));
            for (column, asked) in group {
                let sets = book.push(*column, asked, room);
                columns.insert(*column, (book.columns.len() - 1, sets));
            }
            book.cuts.resize(start + ABREAST * room, f64::NAN);
        }
        (book, Index { columns })
    }

    fn push(&mut self, column: usize, asked: &Asked, room: usize) -> BTreeMap<SetKey, usize> {
        let (code, cuts, slots) = (self.codes, self.cuts.len(), self.slots.len());
        let part = |&(cut, left): &(f64, bool)| {
            let at = rank(&asked.cuts, cut) as usize;
            ((at / SLOT_CUTS * SLOT_CUTS) as u32, left)
        };
        let parts: BTreeSet<(u32, bool)> = asked.sides.iter().map(part).collect();
        let slot = |(first, missing_left)| Slot { first, missing_left };
        self.slots.extend(parts.into_iter().map(slot));
        self.cuts.extend(&asked.cuts);
        self.cuts.resize(cuts + room, f64::NAN);
        self.codes += self.slots.len() - slots;
        let kept: Vec<&SetKey> = asked
            .sets
            .iter()
            .take(SLOTS_MAX.saturating_sub(self.codes))
            .collect();
        let sets = self.push_sets(&kept);
        self.columns.push(TestedColumn {
            column,
            code,
            cuts: cuts..cuts + asked.cuts.len(),
            slots: slots..self.slots.len(),
            sets,
        });
        let places = kept.into_iter().cloned().zip(self.codes..).collect();
        self.codes += sets.count;
        places
    }

    fn push_sets(&mut self, sets: &[&SetKey]) -> Sets {
        let word = self.levels.len();
        let words = sets.iter().map(|(words, _)| words.len()).max().unwrap_or(0);
        let levels = words * 64;
        let width = sets.len().div_ceil(64);
        for level in 0..=levels {
            for sets in sets.chunks(64) {
                let goes_right = |(words, missing_left): &SetKey| match words.get(level / 64) {
                    Some(word) if level < levels => word >> (level % 64) & 1 == 0,
                    _ => !missing_left,
                };
                let bits = sets.iter().enumerate();
                self.levels
                    .push(bits.fold(0, |bits, (at, set)| bits | u64::from(goes_right(set)) << at));
            }
        }
        if width == 0 {
            self.levels.truncate(word);
        }
        Sets {
            count: sets.len(),
            word,
            levels: levels as u32,
        }
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
        for (group, &(start, room)) in self.columns.chunks(ABREAST).zip(&self.groups) {
            let mut values = [0.0; ABREAST];
            for (value, column) in values.iter_mut().zip(group) {
                *value = row[column.column];
            }
            let ranks = ranks_abreast(&self.cuts[start..start + ABREAST * room], room, values);
            for ((column, value), rank) in group.iter().zip(values).zip(ranks) {
                let slots = &self.slots[column.slots.clone()];
                let codes = &mut codes[column.code..];
                for (code, slot) in codes.iter_mut().zip(slots) {
                    *code = slot.code(rank, value.is_nan());
                }
                if column.sets.count > 0 {
                    let bits = self.set_bits(column.sets, value);
                    let codes = &mut codes[slots.len()..slots.len() + column.sets.count];
                    for (codes, bits) in codes.chunks_mut(LANES).zip(bits) {
                        codes.copy_from_slice(&spread(*bits)[..codes.len()]);
                    }
                }
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
        let sets = column.sets;
        let codes = &mut codes[slots.len()..slots.len() + sets.count];
        for (word, codes) in codes.chunks_mut(LANES).enumerate() {
            let mut bits = values.map(|value| self.set_bits(sets, value)[word]);
            transpose(&mut bits);
            for (codes, bits) in codes.iter_mut().zip(bits) {
                *codes = spread(bits);
            }
        }
    }

    /// One bit a set of a column: whether the value goes right.
    #[inline]
    fn set_bits(&self, sets: Sets, value: f64) -> &[u64] {
        let level = if value.is_nan() {
            sets.levels
        } else {
            (value as u32).min(sets.levels)
        };
        let width = sets.count.div_ceil(LANES);
        &self.levels[sets.word + level as usize * width..][..width]
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.columns.capacity() * size_of::<TestedColumn>()
            + (self.cuts.capacity() + self.levels.capacity()) * 8
            + self.slots.capacity() * size_of::<Slot>()
            + self.groups.capacity() * size_of::<(usize, usize)>()
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
        }
    }
}
