//! What a table is, in a few bytes.

use kolosal_frame::{Column, Frame};
use sha2::{Digest, Sha256};

/// SHA-256 of a table's names, kinds and values, in hexadecimal: equal tables have equal hashes, whatever file they came
/// from.
pub fn table_hash(table: &Frame) -> String {
    let mut hash = Sha256::new();
    hash.update((table.row_count() as u64).to_le_bytes());
    for (field, column) in table.schema().fields().iter().zip(table.columns()) {
        update_text(&mut hash, &field.name);
        update_text(&mut hash, field.kind.name());
        update_column(&mut hash, column);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of parts, one after the other.
pub fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// SHA-256 of a column's values, whatever its name and kind.
pub(crate) fn column_hash(column: &Column) -> [u8; 32] {
    let mut hash = Sha256::new();
    update_column(&mut hash, column);
    hash.finalize().into()
}

fn update_column(hash: &mut Sha256, column: &Column) {
    match column {
        Column::Numbers(values) => update_numbers(hash, values),
        Column::Categories(categories) => {
            categories
                .levels()
                .iter()
                .for_each(|level| update_text(hash, level));
            for block in categories.codes().chunks(BLOCK) {
                hash.update(
                    block
                        .iter()
                        .flat_map(|code| code.to_le_bytes())
                        .collect::<Vec<u8>>(),
                );
            }
        }
        Column::Text(strings) => strings.iter().for_each(|text| update_text(hash, text)),
        Column::Sparse(sparse) => {
            for row in sparse.rows() {
                hash.update(row.to_le_bytes());
            }
            update_numbers(hash, sparse.values());
        }
    }
}

const BLOCK: usize = 8192;

fn update_numbers(hash: &mut Sha256, values: &[f64]) {
    for block in values.chunks(BLOCK) {
        hash.update(
            block
                .iter()
                .flat_map(|value| value.to_bits().to_le_bytes())
                .collect::<Vec<u8>>(),
        );
    }
}

fn update_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_frame::{Field, Kind};

    #[test]
    fn any_change_of_name_kind_or_value_changes_the_hash() {
        let table = |name: &str, kind, values: Vec<f64>| {
            table_hash(
                &Frame::new(vec![(Field::new(name, kind, "test"), Column::numbers(values))])
                    .expect("one column"),
            )
        };
        let base = table("a", Kind::Numeric, vec![1.0, 2.0]);
        assert_eq!(base, table("a", Kind::Numeric, vec![1.0, 2.0]));
        assert_ne!(base, table("b", Kind::Numeric, vec![1.0, 2.0]));
        assert_ne!(base, table("a", Kind::Integer, vec![1.0, 2.0]));
        assert_ne!(base, table("a", Kind::Numeric, vec![1.0, f64::NAN]));
        assert_eq!(base.len(), 64);
    }
}
