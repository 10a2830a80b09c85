//! Words of bits as matrices and as bytes.

use super::{Codes, LANES};

/// Bit `i` of the word as byte `i`: 0 or 1.
#[inline]
pub fn spread(bits: u64) -> Codes {
    let mut bytes = [0; LANES];
    let (eights, _) = bytes.as_chunks_mut::<8>();
    for (eight, byte) in eights.iter_mut().zip(bits.to_le_bytes()) {
        // Byte `i` keeps bit `i` alone; adding 127 carries into the highest bit unless it is zero.
        let own = (u64::from(byte) * 0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
        let carried = own + 0x7f7f_7f7f_7f7f_7f7f;
        *eight = (carried >> 7 & 0x0101_0101_0101_0101).to_le_bytes();
    }
    bytes
}

/// Turns a matrix of 64 rows of 64 bits over: bit `j` of word `i` becomes bit `i` of word `j`.
///
/// Blocks of 32, 16, .. 1 bits change places (Warren 2012, section 7-3).
#[inline]
pub fn transpose(words: &mut [u64; LANES]) {
    let (mut width, mut mask) = (LANES / 2, u64::from(u32::MAX));
    while width > 0 {
        for at in (0..LANES).filter(|at| at & width == 0) {
            let moved = (words[at] >> width ^ words[at + width]) & mask;
            words[at] ^= moved << width;
            words[at + width] ^= moved;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_become_bytes_of_zero_and_one() {
        for bits in [0, 1, u64::MAX, 0x8000_0000_0000_0000, 0x0123_4567_89ab_cdef] {
            let expected: Codes = std::array::from_fn(|i| (bits >> i & 1) as u8);
            assert_eq!(spread(bits), expected);
        }
    }

    #[test]
    fn a_transposed_matrix_has_its_bits_turned_over() {
        let words: [u64; LANES] =
            std::array::from_fn(|i| 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(i as u64 * 7 + 3));
        let mut turned = words;
        transpose(&mut turned);
        for i in 0..LANES {
            for j in 0..LANES {
                assert_eq!(turned[j] >> i & 1, words[i] >> j & 1);
            }
        }
    }
}
