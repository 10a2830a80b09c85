//! What one cell of text says: a number, a moment, or nothing at all.

pub(crate) mod moment;
pub(crate) mod number;

/// Spellings of a missing value, besides the empty cell.
const MISSING_WORDS: [&[u8]; 8] = [b"NA", b"N/A", b"null", b"NULL", b"NaN", b"nan", b"None", b"?"];

/// Whether a cell says that its value is missing.
pub(crate) fn is_missing(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    cell.is_empty() || cell.len() <= 4 && MISSING_WORDS.contains(&cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_words_are_exact_and_blanks_do_not_count() {
        for cell in [
            "", " ", "NA", " NA ", "N/A", "null", "NULL", "NaN", "nan", "None", "?", " ?",
        ] {
            assert!(is_missing(cell.as_bytes()), "{cell}");
        }
        for cell in ["na", "none", "-", "0", "NaNs", "??", "Null"] {
            assert!(!is_missing(cell.as_bytes()), "{cell}");
        }
    }
}
