//! Decimal numbers, to the exact value that the standard library gives.
//!
//! Most cells never get here: [`kolosal_compute::kernels::decimal`] reads the plain ones.

use super::is_missing;

/// The largest integer below which every whole number has a float of its own.
pub(crate) const EXACT_INTEGER_MAX: u64 = 1 << 53;

/// What a cell says, taken as a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// A finite number.
    Value(f64),
    /// A whole number written in digits only, too large for a float to hold exactly; the nearest float.
    Wide(f64),
    /// Nothing.
    Missing,
    /// An infinity, or a number too large for a float.
    Infinite,
    /// Something else.
    Not,
}

const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Reads any cell; surrounding blanks do not count.
pub(crate) fn general(cell: &[u8]) -> Number {
    let cell = cell.trim_ascii();
    let (is_negative, digits) = match cell {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, cell),
    };
    let Some(decimal) = Decimal::read(digits) else {
        return not_a_decimal(cell, digits);
    };
    let magnitude = decimal.exact().unwrap_or_else(|| standard(digits));
    if magnitude.is_infinite() {
        return Number::Infinite;
    }
    let value = if is_negative { -magnitude } else { magnitude };
    if decimal.is_all_digits && !decimal.has_exact_mantissa() {
        return Number::Wide(value);
    }
    Number::Value(value)
}

/// Whether a cell begins with a zero and a further digit.
pub(crate) fn has_leading_zero(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    matches!(digits, [b'0', b'0'..=b'9', ..])
}

/// The shortest text that reads back as the same number; whole numbers have no point.
pub(crate) fn shortest(value: f64) -> String {
    if value != 0.0 && !(1e-5..1e16).contains(&value.abs()) {
        return format!("{value:e}");
    }
    value.to_string()
}

fn not_a_decimal(cell: &[u8], unsigned: &[u8]) -> Number {
    if is_missing(cell) {
        return Number::Missing;
    }
    let is_infinity = unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity");
    if is_infinity {
        Number::Infinite
    } else {
        Number::Not
    }
}

/// The standard library's answer for what [`Decimal::read`] accepted.
fn standard(digits: &[u8]) -> f64 {
    let text = std::str::from_utf8(digits).expect("digits, a point and an exponent are ASCII");
    text.parse()
        .expect("what Decimal accepts the standard library accepts")
}

/// The parts of an unsigned decimal number.
struct Decimal {
    mantissa: u64,
    /// Digits in the mantissa from the first that is not zero; more than 19 do not fit.
    significant: usize,
    exponent: i64,
    is_all_digits: bool,
}

impl Decimal {
    /// `digits [. digits] [e [sign] digits]` with a digit before the exponent.
    fn read(text: &[u8]) -> Option<Self> {
        let mut decimal = Self {
            mantissa: 0,
            significant: 0,
            exponent: 0,
            is_all_digits: true,
        };
        let whole = decimal.push_digits(text);
        let mut at = whole;
        if text.get(at) == Some(&b'.') {
            let fraction = decimal.push_digits(&text[at + 1..]);
            decimal.exponent = -(fraction as i64);
            decimal.is_all_digits = false;
            at += 1 + fraction;
            if whole + fraction == 0 {
                return None;
            }
        } else if whole == 0 {
            return None;
        }
        if let Some(b'e' | b'E') = text.get(at) {
            decimal.is_all_digits = false;
            decimal.exponent += read_exponent(&text[at + 1..])?;
            return Some(decimal);
        }
        (at == text.len()).then_some(decimal)
    }

    /// Takes the leading digits and says how many there were.
    fn push_digits(&mut self, text: &[u8]) -> usize {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        for &byte in &text[..count] {
            self.significant += usize::from(self.significant > 0 || byte != b'0');
            self.mantissa = self
                .mantissa
                .wrapping_mul(10)
                .wrapping_add(u64::from(byte - b'0'));
        }
        count
    }

    fn has_exact_mantissa(&self) -> bool {
        self.significant <= 19 && self.mantissa <= EXACT_INTEGER_MAX
    }

    /// The value where one correctly rounded operation gives it.
    fn exact(&self) -> Option<f64> {
        if !self.has_exact_mantissa() {
            return None;
        }
        let power = *POWERS_OF_TEN.get(usize::try_from(self.exponent.unsigned_abs()).ok()?)?;
        let mantissa = self.mantissa as f64;
        Some(if self.exponent < 0 {
            mantissa / power
        } else {
            mantissa * power
        })
    }
}

/// The whole of `text` as an exponent; very large ones are clipped where the value is zero or infinite anyway.
fn read_exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let clipped = digits.iter().fold(0_i64, |value, &byte| {
        (value * 10 + i64::from(byte - b'0')).min(1_000_000)
    });
    Some(sign * clipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_compute::kernels::decimal::plain_number;
    use proptest::prelude::*;

    /// Both ways of reading, checked against each other.
    fn read(cell: &str) -> Number {
        let padded = format!("{:16}{cell}", "");
        let read = general(cell.as_bytes());
        if let Some(fast) = plain_number(padded.as_bytes(), 16..padded.len()) {
            let Number::Value(value) = read else {
                panic!("{cell} is plain but reads {read:?}")
            };
            assert_eq!(fast.value.to_bits(), value.to_bits(), "{cell}");
            assert_eq!(fast.has_leading_zero, has_leading_zero(cell.as_bytes()), "{cell}");
        }
        read
    }

    #[test]
    fn cells_read_as_they_should() {
        let check = |cell: &str, expected: Number| assert_eq!(read(cell), expected, "{cell}");
        check("1.5", Number::Value(1.5));
        check("-.5", Number::Value(-0.5));
        check("+7.", Number::Value(7.0));
        check(" 12 ", Number::Value(12.0));
        check("1e3", Number::Value(1000.0));
        check("9007199254740992", Number::Value(9007199254740992.0));
        check("9007199254740993", Number::Wide(9007199254740992.0));
        check("1e400", Number::Infinite);
        check("-Inf", Number::Infinite);
        check("NA", Number::Missing);
        check("", Number::Missing);
        for word in [
            ".", "-", "e5", "1e", "1.2.3", "1,5", "0x10", "1_000", "12a", "--1", "1 2",
        ] {
            check(word, Number::Not);
        }
    }

    #[test]
    fn the_shortest_text_reads_back() {
        for value in [0.0, -1.5, 3.0, 1e300, 5e-324, 0.1 + 0.2, 123456789012.0] {
            assert_eq!(general(shortest(value).as_bytes()), Number::Value(value));
        }
        assert_eq!(shortest(3.0), "3");
    }

    proptest! {
        #[test]
        fn any_decimal_reads_as_the_standard_library_reads_it(cell in "[-+]?[0-9]{0,20}(\\.[0-9]{0,20})?([eE][-+]?[0-9]{1,3})?") {
            match (read(&cell), cell.parse::<f64>()) {
                (Number::Value(a) | Number::Wide(a), Ok(b)) => prop_assert_eq!(a.to_bits(), b.to_bits()),
                (Number::Infinite, Ok(b)) => prop_assert!(b.is_infinite()),
                (Number::Not | Number::Missing, Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{cell}: {ours:?} against {theirs:?}"),
            }
        }

        #[test]
        fn any_float_written_in_any_way_reads_back(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL, digits in 0_usize..18) {
            let (Number::Value(plain) | Number::Wide(plain)) = read(&value.to_string()) else {
                panic!("{value} is a number")
            };
            prop_assert_eq!(plain.to_bits(), value.to_bits());
            let rounded = format!("{value:.digits$e}");
            if let Number::Value(read) = read(&rounded) {
                prop_assert_eq!(read.to_bits(), rounded.parse::<f64>().unwrap().to_bits());
            }
        }

        #[test]
        fn bytes_that_are_no_number_never_pass_the_plain_way(cell in "[0-9.\\-+e ,/:]{1,16}") {
            read(&cell);
        }
    }
}
