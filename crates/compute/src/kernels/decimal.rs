//! Plain decimal numbers in text, a column at a time.
//!
//! A plain cell is an optional minus and at most sixteen characters of digits with at most one point. It is read
//! without a branch that depends on its characters: cells of one column differ in length and sign from row to row, and
//! a mispredicted branch costs more than all the arithmetic. The digits form an integer of at most 2^53, which divided
//! by a power of ten up to 10^15 is correctly rounded (Clinger 1990). Other cells are left to the caller.

use std::ops::Range;

/// The cells of one column in consecutive rows, given by the positions of all separators.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    /// The whole text.
    pub text: &'a [u8],
    /// Where in the text the positions begin to count.
    pub base: usize,
    /// Where each cell of each row ends, preceded by where the cell before the first ends; `u32::MAX` there means that
    /// the first cell begins at `base`.
    pub ends: &'a [u32],
    /// Cells of a row.
    pub stride: usize,
    /// The column's position within a row.
    pub position: usize,
}

impl Cells<'_> {
    /// The bytes of the cell in a row; a carriage return at the end of a row does not count.
    ///
    /// # Panics
    /// If the row does not exist.
    #[inline(always)]
    pub fn range(&self, row: usize) -> Range<usize> {
        let at = row * self.stride + self.position;
        let start = self.base + self.ends[at].wrapping_add(1) as usize;
        let end = self.base + self.ends[at + 1] as usize;
        let is_last = self.position + 1 == self.stride;
        if is_last && end > start && self.text[end - 1] == b'\r' {
            return start..end - 1;
        }
        start..end
    }
}

/// A number read from a plain cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plain {
    /// Its value.
    pub value: f64,
    /// Whether it begins with a zero and a further digit, as codes do and quantities do not.
    pub has_leading_zero: bool,
}

/// Reads one number a row into `out`; rows whose cell is not plain get NaN and are appended to `uncommon`.
///
/// Cells that end within the first sixteen bytes of the text are never plain. Returns whether a plain cell has a
/// leading zero.
///
/// # Panics
/// If a row of `out` has no cell, or a cell lies outside the text.
pub fn plain_numbers(cells: &Cells<'_>, out: &mut [f64], uncommon: &mut Vec<u32>) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which implies SSE 4.1 and SSSE3, checked on the line above.
            return unsafe { x86::plain_numbers_avx2(cells, out, uncommon) };
        }
    }
    numbers_with(cells, out, uncommon, plain_number)
}

#[inline(always)]
fn numbers_with(
    cells: &Cells<'_>,
    out: &mut [f64],
    uncommon: &mut Vec<u32>,
    read: impl Fn(&[u8], Range<usize>) -> Option<Plain>,
) -> bool {
    let mut has_leading_zero = false;
    for (row, slot) in out.iter_mut().enumerate() {
        match read(cells.text, cells.range(row)) {
            Some(plain) => {
                has_leading_zero |= plain.has_leading_zero;
                *slot = plain.value;
            }
            None => {
                *slot = f64::NAN;
                uncommon.push(row as u32);
            }
        }
    }
    has_leading_zero
}

/// Whether the cell begins with a minus, its length without that, and its last sixteen bytes.
#[inline(always)]
fn window(text: &[u8], cell: Range<usize>) -> Option<(u64, usize, &[u8; 16])> {
    let is_negative = u64::from(*text.get(cell.start)? == b'-');
    let len = cell
        .end
        .wrapping_sub(cell.start)
        .wrapping_sub(is_negative as usize);
    if len.wrapping_sub(1) > 15 || cell.end < 16 {
        return None;
    }
    let bytes = text.get(cell.end - 16..cell.end)?;
    Some((is_negative, len, bytes.try_into().ok()?))
}

/// Largest integer below which every whole number has a float of its own.
const EXACT_MAX: u64 = 1 << 53;

/// What the digits are divided by for a point at each place of the window; behind the last place, for none.
const DIVISORS: [f64; 32] = {
    let mut divisors = [1.0; 32];
    let mut place = 15;
    while place > 0 {
        place -= 1;
        divisors[place] = divisors[place + 1] * 10.0;
    }
    divisors
};

#[inline(always)]
fn assemble(mantissa: u64, point: u32, is_negative: u64) -> Option<f64> {
    if mantissa > EXACT_MAX {
        return None;
    }
    let magnitude = mantissa as i64 as f64 / DIVISORS[point as usize & 31];
    Some(f64::from_bits(magnitude.to_bits() | is_negative << 63))
}

#[inline(always)]
fn has_leading_zero(window: &[u8; 16], len: usize) -> bool {
    let first = window[(16 - len) & 15];
    let second = window[(17 - len) & 15];
    (len > 1) & (first == b'0') & (second.wrapping_sub(b'0') < 10)
}

const ZEROS: u128 = u128::from_ne_bytes([b'0'; 16]);
const POINTS: u128 = u128::from_ne_bytes([b'.'; 16]);
const LOW_SEVEN: u128 = u128::from_ne_bytes([0x7f; 16]);

/// The scalar twin: reads one plain cell as two machine words.
#[inline(always)]
pub fn plain_number(text: &[u8], cell: Range<usize>) -> Option<Plain> {
    let (is_negative, len, bytes) = window(text, cell)?;
    // The cell's last character is the highest byte; what precedes the cell becomes leading zeros.
    let before = 8 * (16 - len as u32);
    let word = u128::from_le_bytes(*bytes);
    let word = (word >> before << before) | (ZEROS & !(u128::MAX << before));
    let (digits, point) = without_point(word);
    if len == usize::from(point < 16) {
        return None; // A lone point.
    }
    let mantissa = sixteen_digits(digits)?;
    Some(Plain {
        value: assemble(mantissa, point, is_negative)?,
        has_leading_zero: has_leading_zero(bytes, len),
    })
}

/// Removes the first point and says where it was, 16 if there is none.
#[inline(always)]
fn without_point(word: u128) -> (u128, u32) {
    let differs = word ^ POINTS;
    let points = !(((differs & LOW_SEVEN) + LOW_SEVEN) | differs | LOW_SEVEN);
    if points == 0 {
        return (word, 16);
    }
    let at = points.trailing_zeros() / 8;
    let above = word & (u128::MAX << (8 * at) << 8);
    let below = word & !(u128::MAX << (8 * at));
    (above | below << 8 | u128::from(b'0'), at)
}

#[inline(always)]
fn sixteen_digits(word: u128) -> Option<u64> {
    let (high, low) = (word as u64, (word >> 64) as u64);
    let is_other = |half: u64| {
        (half.wrapping_add(0x4646_4646_4646_4646) | half.wrapping_sub(0x3030_3030_3030_3030))
            & 0x8080_8080_8080_8080
    };
    (is_other(high) | is_other(low) == 0).then(|| eight_digits(high) * 100_000_000 + eight_digits(low))
}

/// Eight digit characters as a number: pairs, then fours, then all eight at once (Lemire 2018).
#[inline(always)]
fn eight_digits(word: u64) -> u64 {
    const MASK: u64 = 0x0000_00ff_0000_00ff;
    let digits = word.wrapping_sub(0x3030_3030_3030_3030);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let fours = (pairs & MASK).wrapping_mul(100 + (1_000_000 << 32));
    let rest = (pairs >> 16 & MASK).wrapping_mul(1 + (10_000 << 32));
    fours.wrapping_add(rest) >> 32
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The same with one 128 bit register for the whole cell.

    use std::arch::x86_64::{
        __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_madd_epi16,
        _mm_maddubs_epi16, _mm_movemask_epi8, _mm_packus_epi32, _mm_set1_epi8, _mm_set1_epi16,
        _mm_set1_epi32, _mm_shuffle_epi8, _mm_sub_epi8, _mm_subs_epu8, _mm_testz_si128,
    };
    use std::ops::Range;

    use super::{Cells, Plain, assemble, has_leading_zero, numbers_with, window};

    /// Sixteen bytes from `len` on keep the last `len` bytes of a window.
    const KEEP: [u8; 48] = {
        let mut keep = [0; 48];
        let mut at = 16;
        while at < 48 {
            keep[at] = 0xff;
            at += 1;
        }
        keep
    };

    /// For a point at each place: how to close the gap it leaves; 0x80 makes a zero.
    const CLOSE: [[u8; 16]; 32] = {
        let mut close = [[0; 16]; 32];
        let mut point = 0;
        while point < 32 {
            let mut at = 0;
            while at < 16 {
                close[point][at] = match (point < 16, at) {
                    (true, 0) => 0x80,
                    (true, at) if at <= point => at as u8 - 1,
                    (_, at) => at as u8,
                };
                at += 1;
            }
            point += 1;
        }
        close
    };

    #[target_feature(enable = "avx2,bmi1,bmi2")]
    pub(super) fn plain_numbers_avx2(cells: &Cells<'_>, out: &mut [f64], uncommon: &mut Vec<u32>) -> bool {
        numbers_with(cells, out, uncommon, |text, cell| {
            // SAFETY: this function is compiled for processors with AVX2, which implies SSE 4.1 and SSSE3.
            unsafe { plain_number_sse(text, cell) }
        })
    }

    /// # Safety
    /// The processor has SSE 4.1 and SSSE3.
    #[inline(always)]
    unsafe fn plain_number_sse(text: &[u8], cell: Range<usize>) -> Option<Plain> {
        let (is_negative, len, bytes) = window(text, cell)?;
        let keep: &[u8; 16] = KEEP[len..len + 16].try_into().expect("sixteen bytes");
        // SAFETY: the loads read sixteen bytes from arrays of sixteen and need no alignment; the caller vouches for the
        // instructions.
        let (mantissa, point) = unsafe {
            let digits = _mm_sub_epi8(load(bytes), _mm_set1_epi8(b'0' as i8));
            let digits = _mm_and_si128(digits, load(keep));
            let points = _mm_cmpeq_epi8(digits, _mm_set1_epi8((b'.' as i8).wrapping_sub(b'0' as i8)));
            let point = (_mm_movemask_epi8(points) as u32 | 1 << 16).trailing_zeros();
            let digits = _mm_shuffle_epi8(digits, load(&CLOSE[point as usize & 31]));
            let excess = _mm_subs_epu8(digits, _mm_set1_epi8(9));
            if _mm_testz_si128(excess, excess) == 0 {
                return None;
            }
            (sixteen(digits), point)
        };
        if len == usize::from(point < 16) {
            return None; // A lone point.
        }
        Some(Plain {
            value: assemble(mantissa, point, is_negative)?,
            has_leading_zero: has_leading_zero(bytes, len),
        })
    }

    /// # Safety
    /// The processor has SSE2, as every 64 bit one has.
    #[inline(always)]
    unsafe fn load(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: the load reads the sixteen bytes of the array and needs no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    /// Sixteen digits as a number: pairs, fours, then two of eight that are joined.
    ///
    /// # Safety
    /// The processor has SSE 4.1 and SSSE3.
    #[inline(always)]
    unsafe fn sixteen(digits: __m128i) -> u64 {
        // SAFETY: no memory is touched; the caller vouches for the instructions.
        let eights = unsafe {
            let pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(10 | 1 << 8));
            let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(100 | 1 << 16));
            let packed = _mm_packus_epi32(fours, fours);
            _mm_cvtsi128_si64(_mm_madd_epi16(packed, _mm_set1_epi32(10_000 | 1 << 16))) as u64
        };
        (eights & 0xffff_ffff) * 100_000_000 + (eights >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::Seed;

    /// Reads cells both ways, which must agree to the bit.
    fn read(cells: &[String]) -> Vec<Option<f64>> {
        let padding = " ".repeat(16);
        let text = padding.clone() + &cells.join(",");
        let mut ends = vec![u32::MAX];
        for cell in cells {
            ends.push(ends[ends.len() - 1].wrapping_add(1) + cell.len() as u32);
        }
        let column = Cells {
            text: text.as_bytes(),
            base: 16,
            ends: &ends,
            stride: 1,
            position: 0,
        };
        let both = [
            |cells: &Cells<'_>, out: &mut [f64], rest: &mut Vec<u32>| plain_numbers(cells, out, rest),
            |cells: &Cells<'_>, out: &mut [f64], rest: &mut Vec<u32>| {
                numbers_with(cells, out, rest, plain_number)
            },
        ]
        .map(|f| {
            let (mut out, mut uncommon) = (vec![0.0; cells.len()], Vec::new());
            let has_zero = f(&column, &mut out, &mut uncommon);
            let bits: Vec<u64> = out.iter().map(|value| value.to_bits()).collect();
            (bits, uncommon, has_zero)
        });
        assert_eq!(both[0], both[1]);
        let [(bits, uncommon, _), _] = both;
        let values = bits.into_iter().enumerate();
        values
            .map(|(row, bits)| (!uncommon.contains(&(row as u32))).then_some(f64::from_bits(bits)))
            .collect()
    }

    #[test]
    fn plain_cells_have_the_value_the_standard_library_gives() {
        let mut rng = Seed::new(1).rng();
        let cells: Vec<String> = (0..5000)
            .map(|_| {
                let sign = ["", "-"][rng.below(2)];
                let (whole, fraction) = (rng.below(9), rng.below(9));
                let mut digits = |count: usize| -> String {
                    (0..count)
                        .map(|_| char::from(b'0' + rng.below(10) as u8))
                        .collect()
                };
                let whole = digits(whole);
                let fraction = digits(fraction);
                if fraction.is_empty() {
                    format!("{sign}{whole}")
                } else {
                    format!("{sign}{whole}.{fraction}")
                }
            })
            .collect();
        for (cell, value) in cells.iter().zip(read(&cells)) {
            if let Some(value) = value {
                assert_eq!(Ok(value.to_bits()), cell.parse().map(f64::to_bits), "{cell}");
            } else {
                assert!(cell.parse::<f64>().is_err() || cell.len() > 16, "{cell}");
            }
        }
    }

    #[test]
    fn other_cells_are_left_to_the_caller() {
        let mut rng = Seed::new(2).rng();
        let cells: Vec<String> = (0..20_000)
            .map(|_| {
                (0..rng.below(18))
                    .map(|_| char::from(b"0123456789..-+e :/x"[rng.below(19)]))
                    .collect()
            })
            .collect();
        for (cell, value) in cells.iter().zip(read(&cells)) {
            if let Some(value) = value {
                assert_eq!(Ok(value), cell.parse(), "{cell}");
            }
        }
        let odd = [
            "",
            ".",
            "-",
            "-.",
            "1e5",
            "1.2.3",
            "+1",
            "12345678901234567",
            "9007199254740993",
        ];
        assert!(read(&odd.map(str::to_owned)).iter().all(Option::is_none));
    }

    #[test]
    fn leading_zeros_are_noticed() {
        let has_zero = |cell: &str| {
            let text = format!("{:16}{cell}", "");
            plain_number(text.as_bytes(), 16..text.len()).map(|plain| plain.has_leading_zero)
        };
        assert_eq!(
            ["007", "-01", "0.5", "0", "10"].map(has_zero),
            [true, true, false, false, false].map(Some)
        );
    }

    #[test]
    fn carriage_returns_end_only_the_last_cell_of_a_row() {
        let text = b"                12,34\r\n";
        let column = |position| Cells {
            text,
            base: 16,
            ends: &[u32::MAX, 2, 6],
            stride: 2,
            position,
        };
        assert_eq!([column(0).range(0), column(1).range(0)], [16..18, 19..21]);
    }
}
