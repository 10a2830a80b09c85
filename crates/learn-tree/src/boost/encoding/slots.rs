//! A map from the numbers of combinations to places in a table: direct where few numbers exist, hashed elsewhere.
//!
//! The hash is fixed (a multiplication and a shift, linear probing), so that the same rows make the same map everywhere.

/// The place of a key that was never inserted.
const EMPTY: u32 = u32::MAX;
/// Key spaces up to this size are direct whatever the number of keys.
const DIRECT_MIN: u64 = 1024;
/// A direct map has at most so many places for each expected key.
const DIRECT_FACTOR: u64 = 4;
/// 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming 3, 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Keys and their places, numbered in the order in which the keys came.
#[derive(Debug, Clone)]
pub(super) struct SlotMap {
    keys: Vec<u64>,
    index: Index,
}

#[derive(Debug, Clone)]
enum Index {
    /// The place of each possible key.
    Direct(Vec<u32>),
    /// Places by hash; the length is a power of two and at least twice the number of keys.
    Hashed(Vec<u32>),
}

impl PartialEq for SlotMap {
    fn eq(&self, other: &Self) -> bool {
        self.keys == other.keys
    }
}

impl SlotMap {
    /// An empty map of keys below `size`, of which about `expected` will come.
    pub(super) fn new(size: u64, expected: usize) -> Self {
        let is_small = size <= DIRECT_MIN.max(DIRECT_FACTOR * expected as u64);
        let index = if is_small {
            Index::Direct(vec![EMPTY; size as usize])
        } else {
            Index::Hashed(vec![EMPTY; 64])
        };
        Self {
            keys: Vec::new(),
            index,
        }
    }

    /// How many keys came.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys, by place.
    pub(super) fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// The place of a key; the number of keys if it never came.
    #[inline]
    pub(super) fn get(&self, key: u64) -> usize {
        let slot = match &self.index {
            Index::Direct(slots) => slots[key as usize],
            Index::Hashed(slots) => slots[find(slots, &self.keys, key).0],
        };
        (slot as usize).min(self.keys.len())
    }

    /// The place of a key, a new one if it comes for the first time, and how many places were looked at.
    #[inline]
    pub(super) fn insert(&mut self, key: u64) -> (u32, usize) {
        let next = self.keys.len() as u32;
        let (place, looked) = match &mut self.index {
            Index::Direct(slots) => (&mut slots[key as usize], 1),
            Index::Hashed(slots) => {
                let (at, looked) = find(slots, &self.keys, key);
                (&mut slots[at], looked)
            }
        };
        if *place != EMPTY {
            return (*place, looked);
        }
        *place = next;
        self.keys.push(key);
        self.grow_if_full();
        (next, looked)
    }

    fn grow_if_full(&mut self) {
        let Index::Hashed(slots) = &mut self.index else {
            return;
        };
        if self.keys.len() * 2 <= slots.len() {
            return;
        }
        let mut wider = vec![EMPTY; slots.len() * 4];
        for (slot, &key) in self.keys.iter().enumerate() {
            let (at, _) = find(&wider, &[], key);
            wider[at] = slot as u32;
        }
        *slots = wider;
    }

    /// Bytes held on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let (Index::Direct(slots) | Index::Hashed(slots)) = &self.index;
        self.keys.len() * size_of::<u64>() + slots.len() * size_of::<u32>()
    }
}

/// Where a key stands, or the empty place where it belongs, and how many places were looked at. Without keys to compare
/// every full place counts as another key's.
#[inline]
fn find(slots: &[u32], keys: &[u64], key: u64) -> (usize, usize) {
    let mask = slots.len() - 1;
    let folded = key ^ (key >> 32);
    let mut at = (folded.wrapping_mul(SPREAD) >> (64 - slots.len().trailing_zeros())) as usize;
    let mut looked = 1;
    while slots[at] != EMPTY && keys.get(slots[at] as usize) != Some(&key) {
        at = (at + 1) & mask;
        looked += 1;
    }
    (at, looked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::Seed;
    use std::collections::BTreeMap;

    #[test]
    fn both_kinds_of_map_number_keys_as_they_come() {
        let mut rng = Seed::new(1).rng();
        for (size, is_direct) in [(500, true), (1 << 40, false), (u64::MAX, false)] {
            let mut map = SlotMap::new(size, 100);
            assert_eq!(matches!(map.index, Index::Direct(_)), is_direct);
            let mut truth = BTreeMap::new();
            for _ in 0..3000 {
                let key = (rng.next_u64() % size) & !0xff00;
                let next = truth.len() as u32;
                assert_eq!(map.insert(key).0, *truth.entry(key).or_insert(next));
            }
            assert_eq!(map.len(), truth.len());
            for _ in 0..3000 {
                let key = rng.next_u64() % size;
                let place = truth.get(&key).map_or(truth.len(), |&slot| slot as usize);
                assert_eq!(map.get(key), place);
            }
        }
    }

    #[test]
    fn evenly_spaced_keys_do_not_pile_up() {
        for step in [1, 1 << 10, 1 << 31, (1 << 32) + 1, 1 << 40] {
            let mut map = SlotMap::new(u64::MAX, 1);
            let looked: usize = (0..10_000_u64).map(|at| map.insert(at * step).1).sum();
            assert!(looked < 40_000, "{looked} looks at step {step}");
        }
    }
}
