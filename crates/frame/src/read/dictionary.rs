//! Distinct words and their codes, built a piece of a file at a time and merged in file order.

use std::str::Utf8Error;
use std::sync::Arc;

use crate::parse::is_missing;
use crate::{MISSING, Strings};

/// The words met so far; an entry's number is the order in which it came.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    /// Open addressing with linear probing; the length is a power of two and at least twice the number of words.
    slots: Vec<Slot>,
    words: Strings,
    hashes: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Upper half of the hash.
    tag: u32,
    entry: u32,
}

const FREE: Slot = Slot {
    tag: 0,
    entry: u32::MAX,
};

impl Dictionary {
    /// The number of a word, which is added if it is new.
    ///
    /// # Errors
    /// If the word is new and not UTF-8.
    #[inline]
    pub(crate) fn intern(&mut self, word: &[u8]) -> Result<u32, Utf8Error> {
        self.intern_hashed(word, hash(word))
    }

    fn intern_hashed(&mut self, word: &[u8], hash: u64) -> Result<u32, Utf8Error> {
        if self.words.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let tag = (hash >> 32) as u32;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.entry == FREE.entry {
                break;
            }
            if slot.tag == tag && self.words.get(slot.entry as usize).as_bytes() == word {
                return Ok(slot.entry);
            }
            at = (at + 1) & mask;
        }
        let entry = self.words.len() as u32;
        self.words.push(std::str::from_utf8(word)?);
        self.hashes.push(hash);
        self.slots[at] = Slot { tag, entry };
        Ok(entry)
    }

    fn grow(&mut self) {
        let len = (self.slots.len() * 4).max(64);
        self.slots.clear();
        self.slots.resize(len, FREE);
        for (entry, &hash) in self.hashes.iter().enumerate() {
            let mut at = hash as usize & (len - 1);
            while self.slots[at].entry != FREE.entry {
                at = (at + 1) & (len - 1);
            }
            self.slots[at] = Slot {
                tag: (hash >> 32) as u32,
                entry: entry as u32,
            };
        }
    }
}

/// Sorted levels, and for each dictionary the code of each of its words.
pub(crate) struct Merged {
    pub(crate) levels: Arc<Strings>,
    pub(crate) maps: Vec<Vec<u32>>,
}

/// Joins dictionaries; words that mean "missing" get the code [`MISSING`].
pub(crate) fn merge(dictionaries: &[&Dictionary]) -> Merged {
    let mut joined = Dictionary::default();
    let mut maps: Vec<Vec<u32>> = Vec::with_capacity(dictionaries.len());
    for dictionary in dictionaries {
        let words = dictionary.words.iter().zip(&dictionary.hashes);
        let code = |(word, &hash): (&str, &u64)| {
            if is_missing(word.as_bytes()) {
                return MISSING;
            }
            let entry = joined.intern_hashed(word.as_bytes(), hash);
            entry.expect("the words of a dictionary are UTF-8")
        };
        maps.push(words.map(code).collect());
    }
    let (levels, ranks) = sorted(&joined.words);
    for code in maps.iter_mut().flatten().filter(|code| **code != MISSING) {
        *code = ranks[*code as usize];
    }
    Merged {
        levels: Arc::new(levels),
        maps,
    }
}

/// The words in ascending order, and the rank of each.
fn sorted(words: &Strings) -> (Strings, Vec<u32>) {
    let mut order: Vec<u32> = (0..words.len() as u32).collect();
    order.sort_unstable_by_key(|&entry| words.get(entry as usize));
    let mut ranks = vec![0; order.len()];
    let mut levels = Strings::default();
    for (rank, &entry) in order.iter().enumerate() {
        ranks[entry as usize] = rank as u32;
        levels.push(words.get(entry as usize));
    }
    (levels, ranks)
}

/// A hash of our own: the same on every machine, eight bytes a step by folded multiplication.
#[inline]
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    const SEED: u64 = 0x2d35_8dcc_aa6c_78a5;
    const FACTOR: u64 = 0x8bb8_4b93_962e_acc9;
    let fold = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(FACTOR);
        product as u64 ^ (product >> 64) as u64
    };
    let mut state = SEED ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = fold(state, u64::from_le_bytes(*word));
    }
    fold(fold(state, tail(rest)), SEED)
}

/// Up to seven bytes as one number.
#[inline]
fn tail(rest: &[u8]) -> u64 {
    let four = |at: usize| {
        let bytes: [u8; 4] = rest[at..at + 4].try_into().expect("four bytes");
        u64::from(u32::from_le_bytes(bytes))
    };
    match rest {
        [] => 0,
        [_, _, _, _, ..] => four(0) | four(rest.len() - 4) << 32,
        [first, ..] => {
            let last = rest[rest.len() - 1];
            u64::from(*first) | u64::from(rest[rest.len() / 2]) << 8 | u64::from(last) << 16
        }
    }
}

/// How many distinct values a stream of hashes has: exact below four million values, beyond that estimated from the
/// hashes below a threshold. Says whether it is exact.
pub(crate) fn distinct(count: usize, hashes: impl Iterator<Item = u64>) -> (usize, bool) {
    const KEPT: usize = 4 << 20;
    let shift = (count / KEPT).checked_ilog2().map_or(0, |log| log + 1);
    let threshold = u64::MAX >> shift;
    let mut kept: Vec<u64> = hashes.filter(|&hash| hash <= threshold).collect();
    kept.sort_unstable();
    kept.dedup();
    (kept.len() << shift, shift == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_its_number_through_growth() {
        let mut dictionary = Dictionary::default();
        let word = |i: u32| format!("word number {}", i % 1000);
        for i in 0..5000 {
            assert_eq!(dictionary.intern(word(i).as_bytes()), Ok(i % 1000));
        }
        assert_eq!(dictionary.words.len(), 1000);
        assert!(dictionary.intern(b"\xff").is_err());
    }

    #[test]
    fn merged_levels_are_sorted_and_missing_words_have_no_code() {
        let of = |words: &[&str]| {
            let mut dictionary = Dictionary::default();
            for word in words {
                dictionary.intern(word.as_bytes()).expect("UTF-8");
            }
            dictionary
        };
        let (first, second) = (of(&["b", "NA", "a"]), of(&["c", "a"]));
        let merged = merge(&[&first, &second]);
        assert_eq!(merged.levels.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(merged.maps, [vec![1, MISSING, 0], vec![2, 0]]);
    }

    #[test]
    fn hashes_of_short_and_long_words_differ() {
        let words: Vec<String> = (0..20_000)
            .map(|i| format!("{i}"))
            .chain((0..200).map(|i| "x".repeat(i)))
            .collect();
        let (count, exact) = distinct(words.len(), words.iter().map(|word| hash(word.as_bytes())));
        assert_eq!((count, exact), (words.len(), true));
    }

    #[test]
    fn the_number_of_very_many_distinct_values_is_estimated() {
        let count = 20 << 20;
        let (found, exact) = distinct(count, (0..count).map(|i| hash(&(i as u64).to_le_bytes())));
        assert!(!exact && found.abs_diff(count) < count / 500, "{found}");
    }
}
