//! Guards of rows: unknown targets, rare classes, copies, imbalance, order in time, groups.

use std::collections::BTreeMap;

use kolosal_frame::{Column, Field, Frame, Kind, MISSING};
use kolosal_pipeline::{CodedTarget, TargetSpec};

use super::{Finding, sample};
use crate::TrainRequest;
use crate::prepare::Prepared;

/// Rows without a target.
pub(crate) fn missing_target(lost: usize, rows: usize, name: &str) -> Finding {
    Finding::new(
        "missing_target",
        &[name],
        format!("{lost} of {rows} rows have no value of '{name}' and are left out"),
        "fill them in if they are known",
    )
}

/// Fewest rows of a class that can be learned and judged.
const CLASS_ROWS_MIN: u32 = 5;

/// Classes with too few rows to be learned.
pub(crate) fn rare_classes(spec: &TargetSpec, answers: &CodedTarget) -> Vec<Finding> {
    let CodedTarget::Classes { codes, count } = answers else {
        return Vec::new();
    };
    let mut rows = vec![0_u32; *count as usize];
    codes.iter().for_each(|&code| rows[code as usize] += 1);
    let rare = rows
        .iter()
        .enumerate()
        .filter(|(_, rows)| **rows < CLASS_ROWS_MIN);
    rare.map(|(class, rows)| {
        let label = spec.classes.get(class);
        let plural = if *rows == 1 { "row" } else { "rows" };
        Finding::new(
            "rare_class",
            &[&spec.name],
            format!(
                "class '{label}' of '{}' has only {rows} {plural}: answers for it cannot be trusted",
                spec.name
            ),
            "collect more or join classes",
        )
    })
    .collect()
}

/// Share of copied rows from which on they are worth a word.
const COPIES_MIN: f64 = 0.01;

/// Rows that occur more than once with the same target.
pub(super) fn copies(prepared: &Prepared, features: &Frame) -> Vec<Finding> {
    let rows = features.row_count();
    let mut hashes = vec![0_u64; rows];
    for column in features.columns() {
        mix_column(column, &mut hashes);
    }
    match &prepared.answers {
        CodedTarget::Numbers(values) => mix(&mut hashes, values.iter().map(|v| v.to_bits())),
        CodedTarget::Classes { codes, .. } => mix(&mut hashes, codes.iter().map(|&code| u64::from(code))),
    }
    hashes.sort_unstable();
    let copies = hashes.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let share = copies as f64 / rows.max(1) as f64;
    if share < COPIES_MIN {
        return Vec::new();
    }
    vec![Finding::new(
        "copied_rows",
        &[],
        format!(
            "{copies} of {rows} rows are copies of others, target included: held-out rows may have been seen in training, so scores look better than they are"
        ),
        "remove the copies, or name the column that tells what belongs together with --group",
    )]
}

fn mix_column(column: &Column, hashes: &mut [u64]) {
    match column {
        Column::Numbers(values) => mix(hashes, values.iter().map(|v| v.to_bits())),
        Column::Categories(categories) => mix(hashes, categories.codes().iter().map(|&code| u64::from(code))),
        Column::Text(strings) => mix(hashes, strings.iter().map(|text| text.bytes().fold(0, step_byte))),
        Column::Sparse(sparse) => {
            let values = (0..column.len()).map(|row| sparse.get(row).to_bits());
            mix(hashes, values);
        }
    }
}

fn step_byte(hash: u64, byte: u8) -> u64 {
    step(hash, u64::from(byte))
}

/// One step of a hash by multiplication; the constant is the golden ratio in 64 bits.
fn step(hash: u64, value: u64) -> u64 {
    let mixed = (hash ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ mixed >> 29
}

fn mix(hashes: &mut [u64], values: impl Iterator<Item = u64>) {
    hashes
        .iter_mut()
        .zip(values)
        .for_each(|(hash, value)| *hash = step(*hash, value));
}

/// Share of the rarer class of two from which on nothing is said.
const IMBALANCED: f64 = 0.05;

/// Two classes of which one is rare.
pub(super) fn imbalance(prepared: &Prepared) -> Vec<Finding> {
    let CodedTarget::Classes { codes, count: 2 } = &prepared.answers else {
        return Vec::new();
    };
    let ones = codes.iter().filter(|&&code| code == 1).count();
    let (class, rows) = if ones * 2 < codes.len() {
        (1, ones)
    } else {
        (0, codes.len() - ones)
    };
    let share = rows as f64 / codes.len().max(1) as f64;
    if share >= IMBALANCED {
        return Vec::new();
    }
    vec![Finding::new(
        "imbalance",
        &[&prepared.spec.name],
        format!(
            "class '{}' of '{}' has {rows} of {} rows ({:.1} %): accuracy says little, since always answering the other class is right {:.1} % of the time",
            prepared.spec.classes.get(class),
            prepared.spec.name,
            codes.len(),
            100.0 * share,
            100.0 * (1.0 - share)
        ),
        "judge by auc or average_precision",
    )]
}

/// Fewest rows in which an order is told from chance.
const ORDERED_MIN: usize = 50;

/// A date that rises from row to row, where held-out rows are drawn at random.
pub(super) fn order(prepared: &Prepared, features: &Frame, request: &TrainRequest) -> Vec<Finding> {
    if request.time_column.is_some() || prepared.row_count() < ORDERED_MIN {
        return Vec::new();
    }
    let dates = features.schema().fields().iter().zip(features.columns());
    dates
        .filter(|(field, _)| field.kind == Kind::Datetime)
        .filter(|(_, column)| {
            matches!(column, Column::Numbers(values) if values.windows(2).all(|pair| pair[0] <= pair[1]))
        })
        .map(|(field, _)| {
            Finding::new(
                "time_order",
                &[&field.name],
                format!(
                    "the rows are in the order of '{}', but held-out rows are drawn at random: if the model is to answer for later times, its scores are too good",
                    field.name
                ),
                format!("hold out the latest rows with --time-column {}", field.name),
            )
        })
        .collect()
}

/// Words by which a column says that it names whom a row belongs to.
const OWNERS: &[&str] = &[
    "patient",
    "user",
    "customer",
    "client",
    "subject",
    "person",
    "account",
    "session",
    "device",
    "household",
    "group",
    "store",
    "shop",
    "member",
    "employee",
    "student",
    "visitor",
    "participant",
];

/// A column that names who a row belongs to, with several rows each, where rows are drawn one by one.
pub(super) fn groups(prepared: &Prepared, features: &Frame, request: &TrainRequest) -> Vec<Finding> {
    if request.group.is_some() || request.time_column.is_some() || prepared.row_count() < ORDERED_MIN {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (field, column) in features.schema().fields().iter().zip(features.columns()) {
        if !names_an_owner(field) {
            continue;
        }
        let distinct = distinct(column, &sample(features.row_count(), 20_000));
        let rows = features.row_count().min(20_000);
        // Fewer than twenty owners are a category, and an owner a row is an identifier.
        if distinct >= 20 && distinct * 2 <= rows {
            found.push(Finding::new(
                "groups",
                &[&field.name],
                format!(
                    "column '{}' seems to name whom a row belongs to, and rows of one owner are held out and learned from at once: scores are too good for owners never seen",
                    field.name
                ),
                format!("hold out whole owners with --group {}", field.name),
            ));
        }
    }
    found
}

/// Whether the name of a column is `customer`, `customer_id`, `CustomerID` or the like.
fn names_an_owner(field: &Field) -> bool {
    let name = field.name.to_lowercase();
    let bare: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let stem = bare
        .strip_suffix("id")
        .or(bare.strip_suffix("no"))
        .unwrap_or(&bare);
    OWNERS.contains(&stem)
}

fn distinct(column: &Column, rows: &[usize]) -> usize {
    let mut counts: BTreeMap<u64, ()> = BTreeMap::new();
    for &row in rows {
        let value = match column {
            Column::Numbers(values) => Some(values[row]).filter(|v| !v.is_nan()).map(f64::to_bits),
            Column::Categories(c) => Some(c.codes()[row])
                .filter(|&code| code != MISSING)
                .map(u64::from),
            Column::Text(_) | Column::Sparse(_) => None,
        };
        counts.extend(value.map(|value| (value, ())));
    }
    counts.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_told_by_their_names() {
        let is_owner = |name: &str| names_an_owner(&Field::new(name, Kind::Integer, "test"));
        for name in ["customer_id", "CustomerID", "patient", "User No", "group"] {
            assert!(is_owner(name), "{name}");
        }
        for name in ["id", "grid", "age", "customers_total", "userbase"] {
            assert!(!is_owner(name), "{name}");
        }
    }
}
