//! Dates and times of day, as microseconds since 1970-01-01 UTC.
//!
//! Read without a question: `2024-05-31`, `2024/05/31`, `2024-05`, each (but the last) with an optional time behind a
//! `T` or a blank: `12:30`, `12:30:59`, `12:30:59.123456`, and an optional `Z` or offset such as `+02:00`. Dates with
//! the year last (`31.05.2024`, `5/31/2024`) are read once it is known which number is the day: see [`DateOrder`].

use kolosal_base::civil_date;

/// How the dates of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub enum DateOrder {
    /// Year, month, day (ISO 8601).
    #[default]
    YearFirst,
    /// Day, month, year.
    DayFirst,
    /// Month, day, year.
    MonthFirst,
}

impl DateOrder {
    /// Every order with its name.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::YearFirst, "year-month-day"),
        (Self::DayFirst, "day/month/year"),
        (Self::MonthFirst, "month/day/year"),
    ];

    /// The name used in reasons and schemas.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(order, _)| *order == self);
        found.expect("every order is in ALL").1
    }
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Reads a cell whose date is written in the given order; surrounding blanks do not count.
pub(crate) fn read(cell: &[u8], order: DateOrder) -> Option<f64> {
    let cell = cell.trim_ascii();
    let (days, rest) = match order {
        DateOrder::YearFirst => read_year_first(cell)?,
        DateOrder::DayFirst | DateOrder::MonthFirst => {
            let (first, second, year, rest) = read_year_last(cell)?;
            let (day, month) = match order {
                DateOrder::MonthFirst => (second, first),
                _ => (first, second),
            };
            (days_of(year, month, day)?, rest)
        }
    };
    let micros = match rest {
        [] => 0,
        [b'T' | b't' | b' ', time @ ..] => read_time(time)?,
        _ => return None,
    };
    Some((days * SECONDS_PER_DAY * MICROS_PER_SECOND + micros) as f64)
}

/// Writes a moment in ISO 8601, without the time of day where that is midnight.
pub(crate) fn write(micros: f64) -> String {
    let total = micros as i64;
    let seconds = total.div_euclid(MICROS_PER_SECOND);
    let fraction = total.rem_euclid(MICROS_PER_SECOND);
    let (year, month, day) = civil_date(seconds.div_euclid(SECONDS_PER_DAY));
    let time = seconds.rem_euclid(SECONDS_PER_DAY);
    let mut text = format!("{year:04}-{month:02}-{day:02}");
    if time != 0 || fraction != 0 {
        text += &format!("T{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60);
    }
    if fraction != 0 {
        text += format!(".{fraction:06}").trim_end_matches('0');
    }
    text
}

fn read_year_first(cell: &[u8]) -> Option<(i64, &[u8])> {
    let [y1, y2, y3, y4, separator @ (b'-' | b'/'), m1, m2, rest @ ..] = cell else {
        return None;
    };
    let year = number([*y1, *y2])? * 100 + number([*y3, *y4])?;
    let month = number([*m1, *m2])?;
    match rest {
        [] if *separator == b'-' => Some((days_of(year, month, 1)?, rest)),
        [second, d1, d2, rest @ ..] if second == separator => {
            Some((days_of(year, month, number([*d1, *d2])?)?, rest))
        }
        _ => None,
    }
}

/// First and second number, the year, and what follows.
fn read_year_last(cell: &[u8]) -> Option<(i64, i64, i64, &[u8])> {
    let (first, rest) = one_or_two_digits(cell)?;
    let [separator @ (b'/' | b'-' | b'.'), rest @ ..] = rest else {
        return None;
    };
    let (second, rest) = one_or_two_digits(rest)?;
    let [again, y1, y2, y3, y4, rest @ ..] = rest else {
        return None;
    };
    let year = number([*y1, *y2])? * 100 + number([*y3, *y4])?;
    (again == separator).then_some((first, second, year, rest))
}

fn one_or_two_digits(text: &[u8]) -> Option<(i64, &[u8])> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => Some((number([*a, *b])?, rest)),
        [a @ b'0'..=b'9', rest @ ..] => Some((i64::from(a - b'0'), rest)),
        _ => None,
    }
}

/// `HH:MM[:SS[.fraction]][zone]` in microseconds since midnight UTC.
fn read_time(text: &[u8]) -> Option<i64> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else {
        return None;
    };
    let (hours, minutes) = (number([*h1, *h2])?, number([*m1, *m2])?);
    let (seconds, rest) = match rest {
        [b':', s1, s2, rest @ ..] => (number([*s1, *s2])?, rest),
        rest => (0, rest),
    };
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let (fraction, rest) = read_fraction(rest)?;
    let offset = read_zone(rest)?;
    Some((hours * 3600 + minutes * 60 + seconds - offset) * MICROS_PER_SECOND + fraction)
}

/// Microseconds behind the point; digits beyond the ninth are refused, those beyond the sixth dropped.
fn read_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.' | b',', digits @ ..] = text else {
        return Some((0, text));
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let micros = (0..6).fold(0, |value, i| {
        let digit = if i < count { digits[i] - b'0' } else { 0 };
        value * 10 + i64::from(digit)
    });
    Some((micros, &digits[count..]))
}

/// The offset from UTC in seconds.
fn read_zone(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, a, b] => (sign, [*a, *b], [b'0', b'0']),
        [sign, a, b, b':', c, d] | [sign, a, b, c, d] => (sign, [*a, *b], [*c, *d]),
        _ => return None,
    };
    let seconds = number(hours)? * 3600 + number(minutes)? * 60;
    match sign {
        b'+' if seconds < SECONDS_PER_DAY => Some(seconds),
        b'-' if seconds < SECONDS_PER_DAY => Some(-seconds),
        _ => None,
    }
}

#[inline]
fn number([tens, ones]: [u8; 2]) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// Days since 1970-01-01 of a date that exists (Hinnant 2013, years counted from March).
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if year < 1 || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn iso(cell: &str) -> Option<f64> {
        read(cell.as_bytes(), DateOrder::YearFirst)
    }

    #[test]
    fn iso_forms_are_read() {
        let check = |cell: &str, seconds: f64| assert_eq!(iso(cell), Some(seconds * 1e6), "{cell}");
        check("1970-01-01", 0.0);
        check("1970-01", 0.0);
        check("2000/03/01", 951_868_800.0);
        check("1969-12-31T23:59:59", -1.0);
        check("2020-02-29 12:30", 1_582_979_400.0);
        check("2020-02-29T12:30:00.25Z", 1_582_979_400.25);
        check("2020-02-29T14:30:00+02:00", 1_582_979_400.0);
        check("2020-02-29T07:30:00-0500", 1_582_979_400.0);
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for cell in [
            "2021-02-29",
            "2021-13-01",
            "2021-00-10",
            "0000-01-01",
            "2021-1-1",
            "20210101",
            "2021-01-01T24:00",
            "2021-01-01T10",
            "2021-01-01T10:61",
            "12:30",
            "2021-01/01",
            "2021-01-01x",
            "2021/01",
            "",
        ] {
            assert_eq!(iso(cell), None, "{cell}");
        }
    }

    #[test]
    fn the_year_may_come_last() {
        let may = iso("2024-05-04");
        assert_eq!(read(b"4.5.2024", DateOrder::DayFirst), may);
        assert_eq!(read(b"05/04/2024", DateOrder::MonthFirst), may);
        assert_eq!(read(b"31/05/2024", DateOrder::MonthFirst), None);
        assert_eq!(
            read(b"31/05/2024 10:00", DateOrder::DayFirst),
            iso("2024-05-31T10:00")
        );
    }

    proptest! {
        #[test]
        fn any_moment_reads_back(micros in -62_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let exact = micros as f64;
            prop_assert_eq!(iso(&write(exact)), Some(exact));
        }
    }
}
