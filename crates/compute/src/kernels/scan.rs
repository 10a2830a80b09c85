//! Finding separators, quotes and line ends in delimited text, sixty-four bytes at a time.
//!
//! Each block of 64 bytes becomes five bit masks. A quote flips "inside quotes" for all bytes after it, so the prefix
//! XOR of the quote mask says which separators are data (Langdale and Lemire 2019, section 3.1). This holds as long as
//! quotes stand only where the rules of quoting allow them; [`survey`] reports text where they do not.

use std::ops::Range;

/// The bytes that structure a delimited text; the quote is always `"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Between two cells.
    pub delimiter: u8,
    /// Behind a record.
    pub newline: u8,
}

/// What a piece of delimited text holds, counted for both states that its first byte may be in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Survey {
    /// How many quotes there are; an odd number flips the state of what follows.
    pub quotes: u64,
    /// Whether a NUL byte occurs.
    pub has_nul: bool,
    /// Line ends if the first byte lies outside quotes.
    pub if_outside: Lines,
    /// Line ends if the first byte lies inside quotes.
    pub if_inside: Lines,
}

/// Line ends outside quotes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lines {
    /// All of them.
    pub newlines: u64,
    /// Those that end a line without content (`\r` is no content).
    pub blanks: u64,
    /// Whether a quote stands where quoting rules do not allow it.
    pub is_irregular: bool,
}

/// How many separators [`separators`] found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Delimiters and line ends.
    pub separators: usize,
    /// Line ends among them.
    pub newlines: usize,
}

/// Slots that [`separators`] needs beyond one for each byte.
pub const SEPARATORS_SLACK: usize = 64;

const BLOCK: usize = 64;

/// One bit a byte of a block, the first byte lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Masks {
    delimiter: u64,
    newline: u64,
    quote: u64,
    carriage: u64,
    nul: u64,
}

/// A way to turn a block into masks.
trait Classify: Copy {
    fn classify(self, block: &[u8; BLOCK]) -> Masks;
}

/// Counts quotes and line ends in `text[range]`; the two bytes before the range are looked at too.
///
/// # Panics
/// If the range does not lie in the text.
pub fn survey(text: &[u8], range: Range<usize>, marks: Marks) -> Survey {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512bw") {
            // SAFETY: the processor has AVX-512 F and BW (BW implies F), checked on the line above.
            return unsafe { x86::survey_avx512(text, range, marks) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            return unsafe { x86::survey_avx2(text, range, marks) };
        }
    }
    survey_with(Scalar(marks), text, range, marks)
}

/// Writes the positions of all delimiters and line ends outside quotes into `out` and returns how many there are.
///
/// The text begins outside quotes; slots behind the returned count hold no meaning.
///
/// # Panics
/// If the text is longer than `u32` can address or `out` is shorter than the text and [`SEPARATORS_SLACK`] together.
pub fn separators(text: &[u8], marks: Marks, out: &mut [u32]) -> Found {
    assert!(
        u32::try_from(text.len()).is_ok(),
        "positions in the text fit 32 bits"
    );
    assert!(out.len() >= text.len() + SEPARATORS_SLACK, "one slot a byte");
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512bw") {
            // SAFETY: the processor has AVX-512 F and BW (BW implies F), checked on the line above.
            return unsafe { x86::separators_avx512(text, marks, out) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            return unsafe { x86::separators_avx2(text, marks, out) };
        }
    }
    separators_with(Scalar(marks), text, out)
}

#[derive(Clone, Copy)]
struct Scalar(Marks);

impl Classify for Scalar {
    #[inline(always)]
    fn classify(self, block: &[u8; BLOCK]) -> Masks {
        let mask = |wanted: u8| {
            let bits = block.iter().enumerate();
            bits.fold(0_u64, |mask, (i, &byte)| mask | (u64::from(byte == wanted) << i))
        };
        Masks {
            delimiter: mask(self.0.delimiter),
            newline: mask(self.0.newline),
            quote: mask(b'"'),
            carriage: mask(b'\r'),
            nul: mask(0),
        }
    }
}

/// What the bytes before a block say about it.
#[derive(Debug, Clone, Copy)]
struct Carry {
    /// All ones inside quotes.
    inside: u64,
    /// Line ends at the last two bytes: bit 0 the last, bit 1 the one before.
    newline: u64,
    carriage: u64,
    quote: u64,
    /// Whether a quote may open at the next byte.
    may_open: u64,
}

impl Carry {
    /// The state behind `text[..start]`, taken to be outside quotes; the start of the text counts as a line end.
    fn at(text: &[u8], start: usize, marks: Marks) -> Self {
        let back = |steps: usize| start.checked_sub(steps).map(|at| text[at]);
        let is = |steps: usize, wanted: u8| u64::from(back(steps) == Some(wanted));
        let is_line_end = |steps: usize| u64::from(back(steps).is_none_or(|byte| byte == marks.newline));
        Self {
            inside: 0,
            newline: is_line_end(1) | is_line_end(2) << 1,
            carriage: is(1, b'\r'),
            quote: is(1, b'"'),
            may_open: is(1, marks.delimiter) | is_line_end(1) | is(1, b'"'),
        }
    }
}

#[inline(always)]
fn survey_with<C: Classify>(classes: C, text: &[u8], range: Range<usize>, marks: Marks) -> Survey {
    let mut carry = Carry::at(text, range.start, marks);
    let mut found = Survey::default();
    let (blocks, rest) = text[range].as_chunks::<BLOCK>();
    for block in blocks {
        survey_block(classes.classify(block), u64::MAX, &mut carry, &mut found);
    }
    if !rest.is_empty() {
        let (block, valid) = padded(rest);
        survey_block(
            masked(classes.classify(&block), valid),
            valid,
            &mut carry,
            &mut found,
        );
    }
    found
}

#[inline(always)]
fn survey_block(masks: Masks, valid: u64, carry: &mut Carry, found: &mut Survey) {
    let Masks { newline, quote, .. } = masks;
    let inside = if quote == 0 {
        carry.inside
    } else {
        prefix_xor(quote) ^ carry.inside
    };
    let after_newline = newline << 1 | carry.newline & 1;
    let after_two = newline << 2 | (carry.newline & 1) << 1 | carry.newline >> 1;
    let after_carriage = masks.carriage << 1 | carry.carriage;
    let blank = newline & (after_newline | after_carriage & after_two);
    let count = |mask: u64| u64::from(mask.count_ones());
    found.quotes += count(quote);
    found.has_nul |= masks.nul != 0;
    found.if_outside.newlines += count(newline & !inside);
    found.if_inside.newlines += count(newline & inside);
    found.if_outside.blanks += count(blank & !inside);
    found.if_inside.blanks += count(blank & inside);
    let separator = masks.delimiter | newline;
    if quote | carry.quote != 0 {
        // An opening quote follows a separator or, doubled, a quote; what follows a closing quote is one of those or
        // a carriage return. Both questions are answered for both possible states.
        let misplaced = quote & !((separator | quote) << 1 | carry.may_open);
        let ordinary = valid & !(separator | quote | masks.carriage);
        let stray = (quote << 1 | carry.quote) & ordinary;
        found.if_outside.is_irregular |= (misplaced & inside) | (stray & !inside) != 0;
        found.if_inside.is_irregular |= (misplaced & !inside) | (stray & inside) != 0;
    }
    carry.inside = ((inside as i64) >> 63) as u64;
    carry.newline = newline >> 63 | (newline >> 62 & 1) << 1;
    carry.carriage = masks.carriage >> 63;
    carry.quote = quote >> 63;
    carry.may_open = (separator | quote) >> 63;
}

#[inline(always)]
fn separators_with<C: Classify>(classes: C, text: &[u8], out: &mut [u32]) -> Found {
    let mut inside = 0_u64;
    let mut found = Found::default();
    let mut take = |masks: Masks, base: usize| {
        let outside = !quoted(masks.quote, &mut inside);
        found.newlines += (masks.newline & outside).count_ones() as usize;
        let wanted = (masks.delimiter | masks.newline) & outside;
        found.separators += write_positions(wanted, base as u32, &mut out[found.separators..]);
    };
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for (at, block) in blocks.iter().enumerate() {
        take(classes.classify(block), at * BLOCK);
    }
    if !rest.is_empty() {
        let (block, valid) = padded(rest);
        take(masked(classes.classify(&block), valid), blocks.len() * BLOCK);
    }
    found
}

/// The bytes of a block that lie inside quotes, and the state behind it.
#[inline(always)]
fn quoted(quote: u64, inside: &mut u64) -> u64 {
    if quote == 0 {
        return *inside;
    }
    let quoted = prefix_xor(quote) ^ *inside;
    *inside = ((quoted as i64) >> 63) as u64;
    quoted
}

/// Writes the positions of the set bits. Eight at a time are written whether they exist or not: a loop that stops at
/// the exact number costs a mispredicted branch a block.
#[inline(always)]
fn write_positions(mut mask: u64, base: u32, out: &mut [u32]) -> usize {
    let count = mask.count_ones() as usize;
    let (slots, _) = out.as_chunks_mut::<8>();
    for group in slots.iter_mut().take(BLOCK / 8) {
        for slot in group.iter_mut() {
            *slot = base + mask.trailing_zeros();
            mask &= mask.wrapping_sub(1);
        }
        if mask == 0 {
            break;
        }
    }
    count
}

/// Bit `i` of the result is the parity of bits `0..=i`.
#[inline(always)]
fn prefix_xor(mut mask: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << shift;
    }
    mask
}

/// A block that begins with the rest of a text, and the mask of the bytes that count.
fn padded(rest: &[u8]) -> ([u8; BLOCK], u64) {
    let mut block = [0; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    (block, (1 << rest.len()) - 1)
}

fn masked(masks: Masks, valid: u64) -> Masks {
    Masks {
        delimiter: masks.delimiter & valid,
        newline: masks.newline & valid,
        quote: masks.quote & valid,
        carriage: masks.carriage & valid,
        nul: masks.nul & valid,
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The same loops with 256 and 512 bit registers.

    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
        _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_set1_epi8,
    };
    use std::ops::Range;

    use super::{BLOCK, Classify, Found, Marks, Masks, Survey, separators_with, survey_with};

    #[target_feature(enable = "avx2")]
    pub(super) fn survey_avx2(text: &[u8], range: Range<usize>, marks: Marks) -> Survey {
        survey_with(Avx2::new(marks), text, range, marks)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn separators_avx2(text: &[u8], marks: Marks, out: &mut [u32]) -> Found {
        separators_with(Avx2::new(marks), text, out)
    }

    #[target_feature(enable = "avx512f,avx512bw,popcnt,bmi1,bmi2")]
    pub(super) fn survey_avx512(text: &[u8], range: Range<usize>, marks: Marks) -> Survey {
        survey_with(Avx512::new(marks), text, range, marks)
    }

    #[target_feature(enable = "avx512f,avx512bw,popcnt,bmi1,bmi2")]
    pub(super) fn separators_avx512(text: &[u8], marks: Marks, out: &mut [u32]) -> Found {
        separators_with(Avx512::new(marks), text, out)
    }

    /// Registers filled with the five bytes to look for; exists only where the processor has AVX2.
    #[derive(Clone, Copy)]
    struct Avx2([__m256i; 5]);

    impl Avx2 {
        #[target_feature(enable = "avx2")]
        fn new(marks: Marks) -> Self {
            Self(wanted(marks).map(|byte| _mm256_set1_epi8(byte as i8)))
        }
    }

    impl Classify for Avx2 {
        #[inline(always)]
        fn classify(self, block: &[u8; BLOCK]) -> Masks {
            // SAFETY: a value of this type is made only inside functions that have AVX2 enabled, so the processor has
            // it; the two loads read bytes 0..32 and 32..64 of an array of 64 and need no alignment.
            unsafe {
                let low = _mm256_loadu_si256(block.as_ptr().cast());
                let high = _mm256_loadu_si256(block.as_ptr().add(32).cast());
                let mask = |byte: __m256i| {
                    let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, byte)) as u32;
                    let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, byte)) as u32;
                    u64::from(low) | u64::from(high) << 32
                };
                masks(self.0.map(mask))
            }
        }
    }

    /// Like [`Avx2`]; exists only where the processor has AVX-512 BW.
    #[derive(Clone, Copy)]
    struct Avx512([__m512i; 5]);

    impl Avx512 {
        #[target_feature(enable = "avx512f,avx512bw")]
        fn new(marks: Marks) -> Self {
            Self(wanted(marks).map(|byte| _mm512_set1_epi8(byte as i8)))
        }
    }

    impl Classify for Avx512 {
        #[inline(always)]
        fn classify(self, block: &[u8; BLOCK]) -> Masks {
            // SAFETY: a value of this type is made only inside functions that have AVX-512 BW enabled, so the processor
            // has it; the load reads all 64 bytes of the array and needs no alignment.
            unsafe {
                let bytes = _mm512_loadu_si512(block.as_ptr().cast());
                masks(self.0.map(|byte| _mm512_cmpeq_epi8_mask(bytes, byte)))
            }
        }
    }

    fn wanted(marks: Marks) -> [u8; 5] {
        [marks.delimiter, marks.newline, b'"', b'\r', 0]
    }

    #[inline(always)]
    fn masks([delimiter, newline, quote, carriage, nul]: [u64; 5]) -> Masks {
        Masks {
            delimiter,
            newline,
            quote,
            carriage,
            nul,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::super::tests::{MARKS, scalar_separators, scalar_survey, texts};
        use super::*;

        #[test]
        fn the_avx2_form_agrees_with_its_scalar_twin_where_avx512_is_preferred() {
            if !is_x86_feature_detected!("avx2") {
                return;
            }
            for text in texts() {
                let mut out = vec![0; text.len() + super::super::SEPARATORS_SLACK];
                // SAFETY: AVX2 was checked above.
                let found = unsafe { separators_avx2(&text, MARKS, &mut out) };
                assert_eq!(out[..found.separators], scalar_separators(&text));
                for start in [0, text.len() / 3] {
                    // SAFETY: AVX2 was checked above.
                    let found = unsafe { survey_avx2(&text, start..text.len(), MARKS) };
                    assert_eq!(found, scalar_survey(&text, start));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::Seed;

    pub(super) const MARKS: Marks = Marks {
        delimiter: b',',
        newline: b'\n',
    };

    /// Random texts over the bytes that matter, of every length around the block size.
    pub(super) fn texts() -> Vec<Vec<u8>> {
        let mut rng = Seed::new(1).rng();
        let lengths = (0..200).chain([1000, 4096, 5000]);
        lengths
            .map(|length| (0..length).map(|_| b",\n\"\r\0abcdefgh"[rng.below(13)]).collect())
            .collect()
    }

    /// Byte by byte, without any mask.
    pub(super) fn scalar_separators(text: &[u8]) -> Vec<u32> {
        let mut inside = false;
        let mut found = Vec::new();
        for (at, &byte) in text.iter().enumerate() {
            inside ^= byte == b'"';
            if !inside && (byte == b',' || byte == b'\n') {
                found.push(at as u32);
            }
        }
        found
    }

    pub(super) fn scalar_survey(text: &[u8], start: usize) -> Survey {
        let lines = |mut inside: bool| {
            let mut lines = Lines::default();
            for at in start..text.len() {
                let back = |steps: usize| at.checked_sub(steps).map(|i| text[i]);
                let ends = |steps| back(steps).is_none_or(|byte| byte == b'\n');
                match text[at] {
                    b'"' => {
                        let allowed = at == 0 || matches!(back(1), Some(b',' | b'\n' | b'"'));
                        inside = !inside;
                        lines.is_irregular |= inside && !allowed;
                    }
                    byte => {
                        let separates = matches!(byte, b',' | b'\n' | b'\r');
                        lines.is_irregular |= back(1) == Some(b'"') && !inside && !separates;
                        if byte == b'\n' && !inside {
                            lines.newlines += 1;
                            let blank = ends(1) || back(1) == Some(b'\r') && ends(2);
                            lines.blanks += u64::from(blank);
                        }
                    }
                }
            }
            lines
        };
        Survey {
            quotes: text[start..].iter().filter(|&&b| b == b'"').count() as u64,
            has_nul: text[start..].contains(&0),
            if_outside: lines(false),
            if_inside: lines(true),
        }
    }

    #[test]
    fn separators_are_those_a_byte_loop_finds() {
        for text in texts() {
            let mut out = vec![0; text.len() + SEPARATORS_SLACK];
            let expected = scalar_separators(&text);
            let newlines = expected.iter().filter(|&&at| text[at as usize] == b'\n').count();
            let counts = Found {
                separators: expected.len(),
                newlines,
            };
            assert_eq!(separators(&text, MARKS, &mut out), counts);
            assert_eq!(out[..expected.len()], expected);
            assert_eq!(separators_with(Scalar(MARKS), &text, &mut out), counts);
            assert_eq!(out[..expected.len()], expected);
        }
    }

    #[test]
    fn surveys_are_those_a_byte_loop_makes_from_any_start() {
        for text in texts() {
            for start in [0, 1, 2, 63, 64, 65, text.len()] {
                let start = start.min(text.len());
                let expected = scalar_survey(&text, start);
                assert_eq!(
                    survey(&text, start..text.len(), MARKS),
                    expected,
                    "{start} {text:?}"
                );
                let scalar = survey_with(Scalar(MARKS), &text, start..text.len(), MARKS);
                assert_eq!(scalar, expected);
            }
        }
    }

    #[test]
    fn well_formed_quoting_is_regular_and_a_stray_quote_is_not() {
        let judge = |text: &str| {
            let text = text.as_bytes();
            survey(text, 0..text.len(), MARKS).if_outside.is_irregular
        };
        assert!(!judge("a,\"b,\"\"c\"\"\",\"\"\r\n\"x\ny\",2\n"));
        assert!(judge("a,5\" pipe,6\n"));
        assert!(judge("a,\"b\"c,6\n"));
    }
}
