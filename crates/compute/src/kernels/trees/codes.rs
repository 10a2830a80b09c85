//! Numbers become ranks among sorted thresholds, and ranks become codes of one byte.

/// Thresholds that the codes of one slot tell apart: ranks 0 to 254, with one code left for missing values.
pub const SLOT_CUTS: usize = 254;

/// Which part of a column's ranks a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The first threshold that the slot knows.
    pub first: u32,
    /// Whether missing values go left: they have code 0 then and every rank is one higher; otherwise they have code 255.
    pub missing_left: bool,
}

impl Slot {
    /// The code of a value whose rank among all thresholds of the column is known.
    #[inline(always)]
    pub fn code(self, rank: u32, is_missing: bool) -> u8 {
        let part = rank.saturating_sub(self.first).min(SLOT_CUTS as u32) as u8;
        match (is_missing, self.missing_left) {
            (false, left) => part + u8::from(left),
            (true, true) => 0,
            (true, false) => u8::MAX,
        }
    }

    /// The largest code that goes left where values up to threshold `cut` do.
    ///
    /// # Panics
    /// If the slot does not know the threshold.
    pub fn cut(self, cut: u32) -> u8 {
        let part = cut - self.first;
        assert!((part as usize) < SLOT_CUTS, "the threshold lies in the slot");
        part as u8 + u8::from(self.missing_left)
    }
}

/// For each value how many of the ascending `cuts` lie below it; NaN counts none.
///
/// # Panics
/// If there are not as many ranks as values.
pub fn ranks_into(cuts: &[f64], values: &[f64], ranks: &mut [u32]) {
    assert_eq!(values.len(), ranks.len(), "one rank a value");
    if cuts.is_empty() {
        ranks.fill(0);
        return;
    }
    let (values, rest) = values.as_chunks::<GROUP>();
    let (ranks, rest_ranks) = ranks.as_chunks_mut::<GROUP>();
    for (values, ranks) in values.iter().zip(ranks) {
        *ranks = search(cuts, *values);
    }
    for (value, rank) in rest.iter().zip(rest_ranks) {
        [*rank] = search(cuts, [*value]);
    }
}

/// How many of the ascending `cuts` lie below the value; NaN counts none.
#[inline]
pub fn rank(cuts: &[f64], value: f64) -> u32 {
    if cuts.is_empty() {
        return 0;
    }
    let [rank] = search(cuts, [value]);
    rank
}

/// The ranks of `N` values, each among cuts of its own: those of value `i` stand at `i * count ..` in ascending order, at most
/// `count` of them, with NaN behind them.
///
/// # Panics
/// If there are not `N * count` cuts.
#[inline]
pub fn ranks_abreast<const N: usize>(cuts: &[f64], count: usize, values: [f64; N]) -> [u32; N] {
    assert_eq!(cuts.len(), N * count, "padded cuts for each value");
    if count == 0 {
        return [0; N];
    }
    let starts: [usize; N] = std::array::from_fn(|lane| lane * count);
    let at = descend(cuts, count, starts, values);
    std::array::from_fn(|lane| at[lane] - starts[lane] as u32)
}

/// Values that are searched for side by side: their loads overlap.
const GROUP: usize = 8;

#[inline(always)]
fn search<const N: usize>(cuts: &[f64], values: [f64; N]) -> [u32; N] {
    descend(cuts, cuts.len(), [0; N], values)
}

/// Binary search without branches among `count` cuts behind each start: where the first one stands that is not below the
/// value. The number of steps depends on the number of cuts alone.
///
/// # Panics
/// If there is no cut or a start has fewer behind it.
#[inline(always)]
fn descend<const N: usize>(cuts: &[f64], count: usize, starts: [usize; N], values: [f64; N]) -> [u32; N] {
    assert!(
        count > 0 && starts.iter().all(|start| start + count <= cuts.len()),
        "cuts behind each start"
    );
    let mut at = starts;
    let mut left = count;
    while left > 1 {
        let half = left / 2;
        for lane in 0..N {
            // SAFETY: `at + left <= start + count <= cuts.len()` holds before and after each step, and `0 < half < left`.
            let cut = unsafe { *cuts.get_unchecked(at[lane] + half - 1) };
            at[lane] += std::hint::select_unpredictable(cut < values[lane], half, 0);
        }
        left -= half;
    }
    std::array::from_fn(|lane| {
        // SAFETY: here `left` is 1, so `at < cuts.len()`.
        let cut = unsafe { *cuts.get_unchecked(at[lane]) };
        at[lane] as u32 + u32::from(cut < values[lane])
    })
}

/// The codes of one slot for values with their ranks.
///
/// # Panics
/// If the lengths differ.
pub fn codes_into(slot: Slot, values: &[f64], ranks: &[u32], codes: &mut [u8]) {
    assert!(
        values.len() == ranks.len() && values.len() == codes.len(),
        "one code a value"
    );
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512bw") {
            // SAFETY: the processor has AVX-512 BW, checked on the line above.
            unsafe { codes_avx512(slot, values, ranks, codes) };
            return;
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            unsafe { codes_avx2(slot, values, ranks, codes) };
            return;
        }
    }
    codes_plain(slot, values, ranks, codes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
fn codes_avx512(slot: Slot, values: &[f64], ranks: &[u32], codes: &mut [u8]) {
    codes_plain(slot, values, ranks, codes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn codes_avx2(slot: Slot, values: &[f64], ranks: &[u32], codes: &mut [u8]) {
    codes_plain(slot, values, ranks, codes);
}

#[inline(always)]
fn codes_plain(slot: Slot, values: &[f64], ranks: &[u32], codes: &mut [u8]) {
    for ((code, value), rank) in codes.iter_mut().zip(values).zip(ranks) {
        *code = slot.code(*rank, value.is_nan());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::trees::LANES;

    #[test]
    fn a_rank_counts_the_thresholds_below() {
        for length in [0_usize, 1, 2, 3, 7, 8, 9, 100, 255, 600] {
            let cuts: Vec<f64> = (0..length).map(|i| i as f64 * 0.5 - 20.0).collect();
            let mut values = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0];
            values.extend((0..300).map(|i| (f64::from(i) * 1.7).sin() * 90.0));
            values.extend(&cuts);
            let mut ranks = vec![9; values.len()];
            ranks_into(&cuts, &values, &mut ranks);
            for (value, rank) in values.iter().zip(ranks) {
                assert_eq!(rank as usize, cuts.iter().filter(|cut| *cut < value).count());
            }
        }
    }

    #[test]
    fn ranks_abreast_are_those_of_one_value() {
        for count in [0_usize, 1, 2, 3, 7, 8, 100, 254, 300] {
            let lengths = [count, count - count.min(1), count / 3, 0];
            let cuts = lengths.map(|length| (0..length).map(|i| i as f64 * 0.5 - 9.0).collect::<Vec<_>>());
            let padded: Vec<f64> = cuts
                .iter()
                .flat_map(|cuts| {
                    cuts.iter()
                        .copied()
                        .chain(std::iter::repeat(f64::NAN))
                        .take(count)
                })
                .collect();
            for i in 0..200 {
                let values: [f64; 4] =
                    std::array::from_fn(|lane| f64::from(i) * 0.25 - 11.0 + lane as f64 * 7.0);
                let expected: [u32; 4] = std::array::from_fn(|lane| rank(&cuts[lane], values[lane]));
                assert_eq!(ranks_abreast(&padded, count, values), expected);
            }
            assert_eq!(ranks_abreast(&padded, count, [f64::NAN; 4]), [0; 4]);
        }
    }

    #[test]
    fn codes_decide_as_the_numbers_do() {
        let cuts: Vec<f64> = (0..600).map(f64::from).collect();
        let values: Vec<f64> = (-3..650)
            .map(|i| {
                if i % 7 == 0 {
                    f64::NAN
                } else {
                    f64::from(i) + f64::from(i % 2) * 0.5
                }
            })
            .collect();
        let (mut ranks, mut codes) = (vec![0; values.len()], vec![0; values.len()]);
        ranks_into(&cuts, &values, &mut ranks);
        for (first, missing_left) in [(0, false), (0, true), (254, false), (508, true)] {
            let slot = Slot { first, missing_left };
            codes_into(slot, &values, &ranks, &mut codes);
            let mut plain = vec![0; values.len()];
            codes_plain(slot, &values, &ranks, &mut plain);
            assert_eq!(codes, plain);
            for cut in first..(first + SLOT_CUTS as u32).min(600) {
                for (value, code) in values.iter().zip(&codes) {
                    let left = *value <= cuts[cut as usize] || (value.is_nan() && missing_left);
                    assert_eq!(*code <= slot.cut(cut), left, "{value} at cut {cut}");
                }
            }
        }
        assert_eq!(values.len() % LANES, 653 % LANES);
    }
}
