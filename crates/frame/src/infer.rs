//! What a column means, judged from all its values, with the reason in words.
//!
//! | the values | kind |
//! |---|---|
//! | numbers, some with decimals | numeric |
//! | whole numbers | integer |
//! | whole numbers with leading zeros, or beyond 2^53 | as words: categorical or identifier |
//! | whole numbers, different in every row, in a column called `id`, `index`, `customer_id`, .. | identifier |
//! | dates | datetime |
//! | two words that say yes and no | boolean |
//! | codes that differ in 99 of 100 rows | identifier |
//! | mostly different and several words long | text |
//! | other words | categorical |

use crate::{Kind, Strings};

/// Words that say yes and no, in lower case.
const YES_AND_NO: [[&str; 2]; 4] = [["false", "true"], ["no", "yes"], ["f", "t"], ["n", "y"]];

/// Share of different values from which a column names its rows.
const IDENTIFIER_SHARE: f64 = 0.99;

/// Fewest rows from which being different in all of them means anything.
const IDENTIFIER_ROWS_MIN: usize = 20;

/// Most levels of a categorical column.
const LEVELS_MAX: usize = 1 << 20;

/// Bytes of a value looked at when words are counted.
const LOOKED_AT_MAX: usize = 256;

/// What is known about a column of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberFacts {
    pub(crate) present: usize,
    pub(crate) missing: usize,
    /// Whether every value is a whole number.
    pub(crate) is_whole: bool,
    /// Whether a value is written in more digits than a float holds exactly.
    pub(crate) has_wide: bool,
    /// Whether a value begins with a zero and a further digit.
    pub(crate) has_leading_zero: bool,
}

impl Default for NumberFacts {
    fn default() -> Self {
        Self {
            present: 0,
            missing: 0,
            is_whole: true,
            has_wide: false,
            has_leading_zero: false,
        }
    }
}

impl NumberFacts {
    /// The facts of numbers that were never text.
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut facts = Self::default();
        facts.add(values);
        facts
    }

    /// Counts values and looks for fractions.
    pub(crate) fn add(&mut self, values: &[f64]) {
        // Adding 2^52 to a smaller number rounds it to a whole one; unlike a call to `trunc` this is vectorised.
        const ROUNDS: f64 = (1_u64 << 52) as f64;
        let mut missing = 0_usize;
        let mut is_whole = true;
        for value in values {
            let size = value.abs();
            let rounded = (size + ROUNDS) - ROUNDS;
            missing += usize::from(value.is_nan());
            is_whole &= (rounded == size) | (size >= ROUNDS) | value.is_nan();
        }
        self.missing += missing;
        self.present += values.len() - missing;
        self.is_whole &= is_whole;
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.present += other.present;
        self.missing += other.missing;
        self.is_whole &= other.is_whole;
        self.has_wide |= other.has_wide;
        self.has_leading_zero |= other.has_leading_zero;
    }

    /// Why these numbers must be read as words, if they must.
    pub(crate) fn are_codes(&self) -> Option<&'static str> {
        if !self.is_whole || self.present == 0 {
            return None;
        }
        if self.has_leading_zero {
            return Some("digits with leading zeros are codes, not quantities");
        }
        self.has_wide
            .then_some("whole numbers beyond 2^53 are codes, they cannot be held exactly as numbers")
    }
}

/// What numbers mean; `distinct` is asked only where the name makes it matter.
pub(crate) fn judge_numbers(
    name: &str,
    facts: &NumberFacts,
    distinct: impl FnOnce() -> usize,
) -> (Kind, String) {
    if facts.present == 0 {
        return (
            Kind::Numeric,
            format!("all {} values are missing", grouped(facts.missing)),
        );
    }
    if !facts.is_whole {
        return (
            Kind::Numeric,
            format!("{} numbers with decimals", values_are(facts)),
        );
    }
    if names_rows(name) {
        let distinct = distinct();
        let rows = facts.present + facts.missing;
        if distinct as f64 >= IDENTIFIER_SHARE * rows as f64 {
            let reason = format!(
                "whole numbers, {} different in {} rows, in a column called '{name}'",
                grouped(distinct),
                grouped(rows)
            );
            return (Kind::Identifier, reason);
        }
    }
    (Kind::Integer, format!("{} whole numbers", values_are(facts)))
}

/// The beginning of a reason that holds for all values.
pub(crate) fn values_are(facts: &NumberFacts) -> String {
    match facts.missing {
        0 => format!("all {} values are", grouped(facts.present)),
        missing => format!(
            "{} of {} values are missing, the others are",
            grouped(missing),
            grouped(facts.present + missing)
        ),
    }
}

/// Whether a column name says that the column names its rows.
fn names_rows(name: &str) -> bool {
    const NAMES: [&str; 16] = [
        "id",
        "index",
        "idx",
        "row",
        "rowid",
        "row_id",
        "rownum",
        "row_number",
        "rownames",
        "uid",
        "uuid",
        "guid",
        "key",
        "pk",
        "unnamed: 0",
        "#",
    ];
    let trimmed = name.trim();
    let lower = trimmed.to_ascii_lowercase();
    let is_camel_id = ["Id", "ID"].iter().any(|end| {
        let stem = trimmed.strip_suffix(end);
        stem.is_some_and(|stem| stem.ends_with(|c: char| c.is_ascii_lowercase() || c == '_' || c == ' '))
    });
    NAMES.contains(&lower.as_str())
        || is_camel_id
        || ["_id", " id", "-id"].iter().any(|end| lower.ends_with(end))
}

/// What is known about a column of words.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct WordFacts {
    pub(crate) present: u64,
    pub(crate) missing: u64,
    pub(crate) distinct: u64,
    /// Whether `distinct` was counted and not estimated.
    pub(crate) is_exact: bool,
    /// Words of all values together.
    words: u64,
    bytes: u64,
    /// Values that are one word and hold a digit or an `@`.
    codes: u64,
}

impl WordFacts {
    /// Counts a value that occurs `times` times.
    pub(crate) fn add(&mut self, value: &str, times: u64) {
        let bytes = value.as_bytes();
        let looked_at = &bytes[..bytes.len().min(LOOKED_AT_MAX)];
        let words = looked_at
            .split(u8::is_ascii_whitespace)
            .filter(|w| !w.is_empty())
            .count() as u64;
        let is_code = words <= 1
            && looked_at
                .iter()
                .any(|byte| byte.is_ascii_digit() || *byte == b'@');
        self.present += times;
        self.words += words * times;
        self.bytes += bytes.len() as u64 * times;
        self.codes += u64::from(is_code) * times;
    }

    fn share(&self, part: u64) -> f64 {
        part as f64 / self.present.max(1) as f64
    }
}

/// What words mean; `levels` are the distinct ones where they are known.
pub(crate) fn judge_words(facts: &WordFacts, levels: Option<&Strings>) -> (Kind, String) {
    let rows = grouped((facts.present + facts.missing) as usize);
    let distinct = grouped(facts.distinct as usize);
    if facts.present == 0 {
        return (Kind::Categorical, format!("all {rows} values are missing"));
    }
    if let Some(reason) = levels.and_then(yes_and_no) {
        return (Kind::Boolean, reason);
    }
    let different = facts.share(facts.distinct);
    let words_mean = facts.share(facts.words);
    let bytes_mean = facts.share(facts.bytes);
    let about = if facts.is_exact { "" } else { "about " };
    if different >= IDENTIFIER_SHARE
        && facts.present >= IDENTIFIER_ROWS_MIN as u64
        && facts.share(facts.codes) >= 0.9
        && words_mean <= 1.2
    {
        return (
            Kind::Identifier,
            format!("{about}{distinct} different codes in {rows} rows name the rows"),
        );
    }
    let is_prose = words_mean >= 2.5 || bytes_mean >= 40.0;
    let is_varied = different > 0.1 && facts.distinct > 32 || different > 0.5 && words_mean >= 5.0;
    if is_prose && is_varied {
        let reason =
            format!("{about}{distinct} different texts of {words_mean:.0} words on average in {rows} rows");
        return (Kind::Text, reason);
    }
    let is_boundless = different > 0.95 && facts.present >= 100;
    if is_boundless || facts.distinct > LEVELS_MAX as u64 {
        return (
            Kind::Text,
            format!("{about}{distinct} different words in {rows} rows are too many for categories"),
        );
    }
    let noun = if facts.distinct == 1 { "word" } else { "words" };
    (
        Kind::Categorical,
        format!("{about}{distinct} distinct {noun} in {rows} rows"),
    )
}

fn yes_and_no(levels: &Strings) -> Option<String> {
    let lower: Vec<String> = levels.iter().take(3).map(str::to_ascii_lowercase).collect();
    match lower.as_slice() {
        [one] if one.len() > 1 && YES_AND_NO.iter().flatten().any(|word| word == one) => {
            Some(format!("the only value is '{}'", levels.get(0)))
        }
        [a, b]
            if YES_AND_NO
                .iter()
                .any(|pair| pair.contains(&a.as_str()) && pair.contains(&b.as_str()) && a != b) =>
        {
            Some(format!(
                "the two values are '{}' and '{}'",
                levels.get(0),
                levels.get(1)
            ))
        }
        _ => None,
    }
}

/// A count with commas between thousands.
pub(crate) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(name: &str, values: &[f64]) -> (Kind, String) {
        judge_numbers(name, &NumberFacts::of(values), || values.len())
    }

    fn words(values: &[String]) -> (Kind, String) {
        let mut facts = WordFacts::default();
        let mut levels: Vec<&String> = values.iter().collect();
        levels.sort();
        levels.dedup();
        values.iter().for_each(|value| facts.add(value, 1));
        facts.distinct = levels.len() as u64;
        facts.is_exact = true;
        judge_words(&facts, Some(&levels.iter().collect()))
    }

    #[test]
    fn numbers_are_whole_or_not() {
        assert_eq!(
            numbers("x", &[1.0, 2.5]),
            (Kind::Numeric, "all 2 values are numbers with decimals".to_owned())
        );
        assert_eq!(
            numbers("x", &[1.0, f64::NAN, -3.0, 1e300]),
            (
                Kind::Integer,
                "1 of 4 values are missing, the others are whole numbers".to_owned()
            )
        );
        assert_eq!(numbers("x", &[f64::NAN]).0, Kind::Numeric);
    }

    #[test]
    fn distinct_whole_numbers_name_rows_only_under_a_telling_name() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        for name in ["id", "Index", "PassengerId", "customer_id", "user ID"] {
            assert_eq!(numbers(name, &values).0, Kind::Identifier, "{name}");
        }
        for name in ["valid", "weight", "paid", "grid", "ID card length"] {
            assert_eq!(numbers(name, &values).0, Kind::Integer, "{name}");
        }
        assert_eq!(numbers("id", &[0.5, 1.5]).0, Kind::Numeric);
    }

    #[test]
    fn words_are_judged_by_count_and_form() {
        let many = |count: usize, f: &dyn Fn(usize) -> String| (0..count).map(f).collect::<Vec<_>>();
        let check =
            |values: Vec<String>, kind: Kind| assert_eq!(words(&values).0, kind, "{:?}", values.first());
        check(many(100, &|i| ["Yes", "no"][i % 2].to_owned()), Kind::Boolean);
        check(many(100, &|i| ["y", "t"][i % 2].to_owned()), Kind::Categorical);
        check(
            many(100, &|i| ["True", "true", "False"][i % 3].to_owned()),
            Kind::Categorical,
        );
        check(many(100, &|i| format!("{i:08x}-ab{i}")), Kind::Identifier);
        check(many(100, &|i| format!("user{i}@example.com")), Kind::Identifier);
        check(many(10, &|i| format!("code{i}")), Kind::Categorical);
        check(many(1000, &|i| format!("city{}", i % 300)), Kind::Categorical);
        check(
            many(100, &|i| format!("a story about the number {i}")),
            Kind::Text,
        );
        check(many(8, &|i| format!("a story about the number {i}")), Kind::Text);
        check(
            many(1000, &|i| {
                "abcdefghij"
                    .chars()
                    .cycle()
                    .skip(i % 10)
                    .step_by(1 + i / 10)
                    .take(7)
                    .collect()
            }),
            Kind::Categorical,
        );
    }

    #[test]
    fn reasons_count_in_thousands() {
        let values: Vec<String> = (0..48_842).map(|i| format!("w{}", i % 12)).collect();
        assert_eq!(words(&values).1, "12 distinct words in 48,842 rows");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
    }
}
