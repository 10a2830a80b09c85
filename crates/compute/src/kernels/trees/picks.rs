//! Adding the values of chosen leaves to sums.

use super::{LANES, Picks};

/// Adds `values[picks[row]]` to each row's sum.
///
/// # Panics
/// If a pick lies beyond the values.
pub fn add_picked(values: &[f64], picks: &Picks, sums: &mut [f64; LANES]) {
    let highest = picks.iter().copied().fold(0, u16::max);
    assert!(usize::from(highest) < values.len(), "every pick has a value");
    #[cfg(target_arch = "x86_64")]
    {
        if values.len() <= 64 && std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F, checked on the line above; there are at most 64 values.
            unsafe {
                match values.len() {
                    ..=16 => x86::add_avx512::<2>(values, picks, sums),
                    17..=32 => x86::add_avx512::<4>(values, picks, sums),
                    _ => x86::add_avx512::<8>(values, picks, sums),
                }
            };
            return;
        }
    }
    add_plain(values, picks, sums);
}

#[inline(always)]
fn add_plain(values: &[f64], picks: &Picks, sums: &mut [f64; LANES]) {
    for (sum, &pick) in sums.iter_mut().zip(picks) {
        // SAFETY: the caller has checked that the highest pick has a value.
        *sum += unsafe { values.get_unchecked(usize::from(pick)) };
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! Up to sixty-four values in eight registers, chosen by permutations.

    use std::arch::x86_64::{
        __m128i, __m512d, _mm_loadu_si128, _mm512_add_pd, _mm512_cvtepu16_epi64, _mm512_loadu_pd,
        _mm512_mask_blend_pd, _mm512_maskz_loadu_pd, _mm512_permutex2var_pd, _mm512_set1_epi64,
        _mm512_storeu_pd, _mm512_test_epi64_mask,
    };

    use super::{LANES, Picks};

    /// `R` registers of values: 2, 4 or 8.
    #[target_feature(enable = "avx512f")]
    pub(super) fn add_avx512<const R: usize>(values: &[f64], picks: &Picks, sums: &mut [f64; LANES]) {
        let mut table = [[0.0; 8]; R].map(|zeros| load(&zeros));
        for (place, part) in table.iter_mut().zip(values.chunks(8)) {
            *place = load(part);
        }
        for at in (0..LANES).step_by(8) {
            // SAFETY: eight picks of two bytes and eight sums stand behind `at`, which is a multiple of 8 below `LANES`.
            unsafe {
                let picks = _mm512_cvtepu16_epi64(_mm_loadu_si128(picks.as_ptr().add(at).cast::<__m128i>()));
                let half = |at: usize| _mm512_permutex2var_pd(table[2 * at], picks, table[2 * at + 1]);
                let beyond16 = _mm512_test_epi64_mask(picks, _mm512_set1_epi64(16));
                let quarter = |at: usize| _mm512_mask_blend_pd(beyond16, half(2 * at), half(2 * at + 1));
                let chosen = match R {
                    2 => half(0),
                    4 => quarter(0),
                    _ => {
                        let beyond32 = _mm512_test_epi64_mask(picks, _mm512_set1_epi64(32));
                        _mm512_mask_blend_pd(beyond32, quarter(0), quarter(1))
                    }
                };
                let sum = sums.as_mut_ptr().add(at);
                _mm512_storeu_pd(sum, _mm512_add_pd(_mm512_loadu_pd(sum), chosen));
            }
        }
    }

    /// Up to eight numbers, zeros behind them.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(part: &[f64]) -> __m512d {
        let mask = if part.len() >= 8 {
            u8::MAX
        } else {
            (1 << part.len()) - 1
        };
        // SAFETY: the mask has a bit for each number of the slice, and masked places are not read.
        unsafe { _mm512_maskz_loadu_pd(mask, part.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dispatched_form_is_bit_equal_to_its_scalar_twin() {
        for count in [1_usize, 2, 8, 9, 16, 17, 31, 32, 33, 63, 64, 65, 200] {
            let values: Vec<f64> = (0..count).map(|i| (i as f64 * 0.7).sin() / 3.0).collect();
            let picks: Picks = std::array::from_fn(|row| (row * 37 % count) as u16);
            let mut fast: [f64; LANES] = std::array::from_fn(|row| row as f64 * 0.1);
            let mut plain = fast;
            add_picked(&values, &picks, &mut fast);
            add_plain(&values, &picks, &mut plain);
            assert_eq!(fast.map(f64::to_bits), plain.map(f64::to_bits));
        }
    }

    #[test]
    #[should_panic(expected = "every pick has a value")]
    fn a_pick_beyond_the_values_panics() {
        add_picked(&[1.0], &[1; LANES], &mut [0.0; LANES]);
    }
}
