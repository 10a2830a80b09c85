//! Guards of single columns and pairs: useless ones, copies, numbers among words.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use kolosal_frame::{Column, Field, Frame, Kind, MISSING};

use super::{Finding, sample};
use crate::facts::column_hash;

/// Columns that cannot be learned from, by position, each with the reason.
pub(crate) fn useless_columns(table: &Frame, taken: &[Option<usize>]) -> BTreeMap<usize, Finding> {
    let fields = table.schema().fields();
    let mut found = BTreeMap::new();
    let mut seen: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    for (at, field) in fields.iter().enumerate() {
        if taken.contains(&Some(at)) {
            continue;
        }
        let column = &table.columns()[at];
        if let Some((guard, reason)) = why_useless(field, column) {
            found.insert(at, left_out(guard, field, &reason));
            continue;
        }
        match seen.entry(column_hash(column)) {
            Entry::Occupied(first) => {
                let reason = format!(
                    "it has the values of '{}' in every row",
                    fields[*first.get()].name
                );
                found.insert(at, left_out("copied_column", field, &reason));
            }
            Entry::Vacant(place) => drop(place.insert(at)),
        }
    }
    found
}

fn left_out(guard: &'static str, field: &Field, reason: &str) -> Finding {
    let reason = format!("column '{}' is left out: {reason}", field.name);
    Finding::new(guard, &[&field.name], reason, remedy(guard))
}

/// Why a column cannot be learned from, in words.
pub(crate) fn useless(field: &Field, column: &Column) -> Option<String> {
    let (guard, reason) = why_useless(field, column)?;
    Some(format!("{reason}; {}", remedy(guard)))
}

fn remedy(guard: &str) -> &'static str {
    if guard == "identifier" {
        "use --column-type to change that"
    } else {
        "nothing needs to be done"
    }
}

/// The guard that leaves a column out, and why.
fn why_useless(field: &Field, column: &Column) -> Option<(&'static str, String)> {
    if field.kind == Kind::Identifier {
        return Some(("identifier", format!("it names the row ({})", field.reason)));
    }
    match distinct_up_to_two(column) {
        0 => return Some(("constant", "it is missing in every row".to_owned())),
        1 if column.missing_count() == 0 => {
            return Some(("constant", "it has one value in every row".to_owned()));
        }
        _ => {}
    }
    let counts_rows = field.kind == Kind::Integer && counts_the_rows(column);
    counts_rows.then(|| ("identifier", "it counts the rows without a gap".to_owned()))
}

/// Fewest rows for which a count of the rows is told from chance.
const COUNTED_MIN: usize = 50;

/// Whether the values are consecutive whole numbers, each once, in rising or falling order.
fn counts_the_rows(column: &Column) -> bool {
    let Column::Numbers(values) = column else {
        return false;
    };
    let step = |by: f64| values.windows(2).all(|pair| pair[1] - pair[0] == by);
    values.len() >= COUNTED_MIN && (step(1.0) || step(-1.0))
}

/// Number of distinct present values, counted up to two.
fn distinct_up_to_two(column: &Column) -> usize {
    fn count<T: PartialEq>(values: impl Iterator<Item = T>) -> usize {
        let mut first = None;
        for value in values {
            match &first {
                None => first = Some(value),
                Some(before) if *before != value => return 2,
                Some(_) => {}
            }
        }
        usize::from(first.is_some())
    }
    match column {
        Column::Numbers(values) => count(values.iter().filter(|v| !v.is_nan())),
        Column::Categories(c) => count(c.codes().iter().filter(|&&code| code != MISSING)),
        Column::Text(strings) => count(strings.iter().filter(|text| !text.is_empty())),
        Column::Sparse(sparse) => count(
            (0..column.len())
                .map(|row| sparse.get(row))
                .filter(|v| !v.is_nan()),
        ),
    }
}

/// Least share of numbers, and least share of rows with words, of a column that mixes both.
const MIXED: (f64, f64) = (0.5, 0.001);

/// Columns of words most of which are numbers.
pub(super) fn mixed(features: &Frame) -> Vec<Finding> {
    let mut found = Vec::new();
    for (field, column) in features.schema().fields().iter().zip(features.columns()) {
        let Column::Categories(categories) = column else {
            continue;
        };
        let levels = categories.levels();
        let is_number: Vec<bool> = levels
            .iter()
            .map(|level| level.trim().parse::<f64>().is_ok())
            .collect();
        let mut counts = vec![0_usize; levels.len()];
        categories
            .codes()
            .iter()
            .filter(|&&code| code != MISSING)
            .for_each(|&code| counts[code as usize] += 1);
        let rows: usize = counts.iter().sum();
        let numbers: usize = (0..levels.len())
            .filter(|&i| is_number[i])
            .map(|i| counts[i])
            .sum();
        let share = numbers as f64 / rows.max(1) as f64;
        if share < MIXED.0 || 1.0 - share < MIXED.1 || is_number.iter().filter(|n| **n).count() < 3 {
            continue;
        }
        let word = (0..levels.len())
            .filter(|&i| !is_number[i])
            .max_by_key(|&i| counts[i]);
        let word = word.map_or("", |i| levels.get(i));
        found.push(Finding::new(
            "mixed_types",
            &[&field.name],
            format!(
                "column '{}' mixes numbers ({numbers} rows) and words ({} rows, such as '{word}'), so it is learned as words",
                field.name,
                rows - numbers
            ),
            "if the words mean that the number is not known, use --column-type or empty those cells",
        ));
    }
    found
}

/// Rows that copies of numbers are looked for in.
const COPY_ROWS: usize = 1_000;

/// Most columns that are compared with each other.
const COPY_COLUMNS: usize = 300;

/// Correlation from which on two columns say the same.
const SAME: f64 = 0.999_99;

/// Numbers that follow each other but for a factor and noise in the last digits.
pub(super) fn near_copies(features: &Frame) -> Vec<Finding> {
    let rows = sample(features.row_count(), COPY_ROWS);
    let mut standard: Vec<(usize, Vec<f64>)> = Vec::new();
    for (at, column) in features.columns().iter().enumerate() {
        let Column::Numbers(values) = column else { continue };
        let picked: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
        let mean = picked.iter().sum::<f64>() / picked.len() as f64;
        let size = picked.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>().sqrt();
        // Missing or endless values leave no finite size.
        if size > 0.0 && size.is_finite() && standard.len() < COPY_COLUMNS {
            standard.push((at, picked.iter().map(|v| (v - mean) / size).collect()));
        }
    }
    let mut found = Vec::new();
    let mut copied = std::collections::BTreeSet::new();
    for (i, (first, a)) in standard.iter().enumerate() {
        for (second, b) in &standard[i + 1..] {
            let together: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            if together.abs() > SAME && copied.insert(*second) {
                let name = |at: &usize| features.schema().fields()[*at].name.as_str();
                found.push(Finding::new(
                    "near_copy",
                    &[name(first), name(second)],
                    format!(
                        "columns '{}' and '{}' say the same but for a factor (correlation {:.6})",
                        name(first),
                        name(second),
                        together
                    ),
                    "one of them suffices, and importances are shared between both",
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(columns: Vec<(&str, Kind, Column)>) -> Frame {
        let columns = columns
            .into_iter()
            .map(|(name, kind, column)| (Field::new(name, kind, "test"), column));
        Frame::new(columns.collect()).expect("distinct names")
    }

    #[test]
    fn copies_counts_and_constants_are_left_out() {
        let waves: Vec<f64> = (0..60).map(|i| f64::from(i).sin()).collect();
        let table = frame(vec![
            ("wave", Kind::Numeric, Column::numbers(waves.clone())),
            ("again", Kind::Numeric, Column::numbers(waves.clone())),
            (
                "row",
                Kind::Integer,
                Column::numbers((0..60).map(f64::from).collect()),
            ),
            ("one", Kind::Numeric, Column::numbers(vec![1.0; 60])),
            (
                "twice",
                Kind::Numeric,
                Column::numbers(waves.iter().map(|w| 2.0 * w + 1.0).collect()),
            ),
        ]);
        let found = useless_columns(&table, &[]);
        let guards: Vec<(usize, &str)> = found.iter().map(|(at, finding)| (*at, finding.guard)).collect();
        assert_eq!(guards, [(1, "copied_column"), (2, "identifier"), (3, "constant")]);
        let near = near_copies(&table.project(&[0, 4]));
        assert_eq!(near.len(), 1);
        assert_eq!(near[0].columns, ["wave", "twice"]);
    }

    #[test]
    fn words_among_numbers_are_named() {
        let cells: Vec<String> = (0..40)
            .map(|i| {
                if i % 10 == 9 {
                    "unknown".to_owned()
                } else {
                    (i % 7).to_string()
                }
            })
            .collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let table = frame(vec![("age", Kind::Categorical, Column::categories(&cells))]);
        let found = mixed(&table);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].reason.contains("36 rows") && found[0].reason.contains("'unknown'"),
            "{}",
            found[0]
        );
        let plain = frame(vec![(
            "c",
            Kind::Categorical,
            Column::categories(&["a", "b", "a"]),
        )]);
        assert_eq!(mixed(&plain), []);
    }
}
