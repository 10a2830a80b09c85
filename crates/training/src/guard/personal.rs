//! The guard of personal data: e-mail addresses, phone numbers, payment cards, bank accounts, social security numbers.
//!
//! Cards and accounts are known by their check digits (ISO/IEC 7812 and ISO 13616), the others by their form. Only counts
//! leave this module, never a value.

use kolosal_frame::{Column, Frame, MISSING};

use super::{Finding, sample};

/// Values that are looked at a column.
const VALUES: usize = 1_000;

/// Share of values from which on a column is said to hold such data.
const SHARE_MIN: f64 = 0.3;

type Test = fn(&str) -> bool;

const TESTS: &[(&str, Test)] = &[
    ("e-mail addresses", is_email),
    ("bank account numbers (IBAN)", is_iban),
    ("payment card numbers", is_card),
    ("social security numbers", is_ssn),
    ("phone numbers", is_phone),
];

/// Columns of a table, the target and roles included, that hold personal data.
pub(super) fn scan(table: &Frame) -> Vec<Finding> {
    let mut found = Vec::new();
    for (field, column) in table.schema().fields().iter().zip(table.columns()) {
        let values = values_of(column);
        let hits = |test: Test| values.iter().filter(|value| test(value)).count();
        let share = |test: Test| hits(test) as f64 / values.len().max(1) as f64;
        let Some((what, _)) = TESTS.iter().find(|(_, test)| share(*test) >= SHARE_MIN) else {
            continue;
        };
        found.push(Finding::new(
            "personal_data",
            &[&field.name],
            format!(
                "column '{}' seems to hold {what}, which the model file would carry on",
                field.name
            ),
            format!(
                "leave it out with --column-type {}=identifier, unless you may use it",
                field.name
            ),
        ));
    }
    found
}

/// Some present values as text; of numbers only whole ones that are long enough to be a card.
fn values_of(column: &Column) -> Vec<String> {
    match column {
        Column::Categories(categories) => {
            let rows = sample(column.len(), VALUES).into_iter();
            rows.map(|row| categories.codes()[row])
                .filter(|&code| code != MISSING)
                .map(|code| categories.levels().get(code as usize).to_owned())
                .collect()
        }
        Column::Text(strings) => {
            let rows = sample(column.len(), VALUES).into_iter();
            rows.map(|row| strings.get(row).to_owned())
                .filter(|text| !text.is_empty())
                .collect()
        }
        Column::Numbers(values) => {
            let rows = sample(values.len(), VALUES).into_iter();
            rows.map(|row| values[row])
                .filter(|v| !v.is_nan())
                .map(|v| {
                    if v.fract() == 0.0 && v.abs() >= 1e12 {
                        format!("{v:.0}")
                    } else {
                        String::new()
                    }
                })
                .collect()
        }
        Column::Sparse(_) => Vec::new(),
    }
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.trim().split_once('@') else {
        return false;
    };
    let is_name =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "._%+-".contains(c));
    let ending = host.rsplit('.').next().unwrap_or_default();
    is_name(name)
        && is_name(host)
        && host.contains('.')
        && ending.len() >= 2
        && ending.chars().all(char::is_alphabetic)
}

/// Country, two check digits, and the remainder of the rearranged number by 97 is one.
fn is_iban(text: &str) -> bool {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = bare.as_bytes();
    let has_form = (15..=34).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit);
    if !has_form {
        return false;
    }
    let turned = bytes[4..].iter().chain(&bytes[..4]);
    let rest = turned.fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte.to_ascii_uppercase() - b'A') + 10) % 97,
    });
    rest == 1
}

/// 13 to 19 digits whose Luhn sum is a multiple of ten.
fn is_card(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || c == ' ' || c == '-';
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if !text.chars().all(is_part)
        || !(13..=19).contains(&digits.len())
        || digits.iter().all(|d| *d == digits[0])
    {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &digit)| match (i % 2, digit * 2) {
            (0, _) => digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Three, two and four digits joined by `-`, none of the groups zero (the form used in the United States).
fn is_ssn(text: &str) -> bool {
    let parts: Vec<&str> = text.trim().split('-').collect();
    let is_group = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit()) && part.bytes().any(|b| b != b'0')
    };
    matches!(parts.as_slice(), [a, b, c] if is_group(a, 3) && is_group(b, 2) && is_group(c, 4))
}

/// Nine to fifteen digits that begin with `+` or `(`, or are grouped by spaces, dots or dashes into at least three groups.
fn is_phone(text: &str) -> bool {
    let text = text.trim();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_part = |c: char| c.is_ascii_digit() || "+()-. /".contains(c);
    if !(9..=15).contains(&digits) || !text.chars().all(is_part) {
        return false;
    }
    let groups = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|group| !group.is_empty());
    // A date such as 2024-01-05 10:00 has colons, and one without a time too few digits.
    text.starts_with(['+', '(']) || groups.count() >= 3 && !is_ssn(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(test: Test, yes: &[&str], no: &[&str]) {
        yes.iter().for_each(|text| assert!(test(text), "{text}"));
        no.iter().for_each(|text| assert!(!test(text), "{text}"));
    }

    #[test]
    fn forms_and_check_digits_tell_personal_data() {
        check(
            is_email,
            &["ann@example.org", "a.b+c@mail.example.com"],
            &["ann@", "a@b", "x @ y.de", "3.5"],
        );
        // The example number of the IBAN registry, and the same with a wrong check digit.
        check(
            is_iban,
            &["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"],
            &["DE88370400440532013000", "DE89"],
        );
        // Numbers that card networks publish for tests.
        check(
            is_card,
            &["4111 1111 1111 1111", "5500-0000-0000-0004"],
            &["4111111111111112", "0000000000000000", "1234"],
        );
        check(
            is_ssn,
            &["123-45-6789"],
            &["000-45-6789", "2024-01-05", "123456789"],
        );
        check(
            is_phone,
            &["+49 30 1234567", "(212) 555-0134", "212-555-0134"],
            &["2024-01-05", "3.14159", "123456789012"],
        );
    }

    #[test]
    fn a_column_of_addresses_is_found_and_no_value_is_told() {
        let cells: Vec<String> = (0..30).map(|i| format!("person{i}@example.org")).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let field = kolosal_frame::Field::new("contact", kolosal_frame::Kind::Text, "test");
        let table = Frame::new(vec![(field, Column::text(&cells))]).expect("one column");
        let found = scan(&table);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].columns, ["contact"]);
        assert!(!found[0].to_string().contains("person"), "{}", found[0]);
    }
}
