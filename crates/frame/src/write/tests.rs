//! Tables written in every format and read back.

use std::fs;
use std::sync::Arc;

use kolosal_base::Cancel;
use kolosal_compute::{Ledger, Workers};
use proptest::prelude::*;

use super::*;
use crate::convert::spell;
use crate::read::{ReadError, ReadOptions, read};
use crate::{Column, DateOrder, Field, Frame, Kind, SparseNumbers, Strings};

const EXTENSIONS: [&str; 5] = ["csv", "tsv", "jsonl", "parquet", "arrow"];

fn read_back(path: &Path, options: &ReadOptions<'_>) -> Result<Frame, ReadError> {
    let reading = read(
        path,
        options,
        &Workers::new(2),
        &Ledger::unlimited(),
        &Cancel::new(),
    );
    reading.map(|reading| reading.frame)
}

fn write_to(frame: &Frame, path: &Path) {
    write(frame, path, &Workers::new(2), &Cancel::new()).expect("a writable folder");
}

fn mixed(rows: usize) -> Frame {
    let cell = |f: &dyn Fn(usize) -> String| {
        (0..rows)
            .map(|row| if row % 7 == 3 { String::new() } else { f(row) })
            .collect::<Vec<_>>()
    };
    let number = |f: &dyn Fn(usize) -> f64| {
        Column::numbers(
            (0..rows)
                .map(|row| if row % 7 == 3 { f64::NAN } else { f(row) })
                .collect(),
        )
    };
    let ones: Vec<u32> = (0..rows as u32).step_by(3).collect();
    let sparse = SparseNumbers::new(
        rows,
        ones.clone(),
        ones.iter().map(|row| f64::from(*row) + 0.5).collect(),
    );
    let columns = [
        (
            "number",
            Kind::Numeric,
            number(&|row| (row as f64 + 0.1) * 1.7e-9),
        ),
        (
            "whole, \"quoted\"",
            Kind::Integer,
            number(&|row| row as f64 - 5.0),
        ),
        (
            "moment",
            Kind::Datetime,
            number(&|row| 1.7e15 + row as f64 * 1_234_567.0),
        ),
        (
            "truth",
            Kind::Boolean,
            Column::categories(&cell(&|row| (row % 2 == 0).to_string())),
        ),
        (
            "word",
            Kind::Categorical,
            Column::categories(&cell(&|row| {
                ["a,b", "c\"d", "e\nf", "g\th", "é"][row % 5].to_owned()
            })),
        ),
        (
            "prose",
            Kind::Text,
            Column::text(&cell(&|row| {
                format!("row {row} tells, at length, a story of \"{row}\"\n")
            })),
        ),
        (
            "code",
            Kind::Identifier,
            Column::text(&(0..rows).map(|row| format!("id-{row}")).collect::<Vec<_>>()),
        ),
        ("sparse", Kind::Numeric, Column::Sparse(Arc::new(sparse))),
    ];
    let columns = columns
        .into_iter()
        .map(|(name, kind, column)| (Field::new(name, kind, "test"), column));
    Frame::new(columns.collect()).expect("distinct names, equal lengths")
}

/// Kinds and values alike, however they are stored.
fn assert_alike(a: &Frame, b: &Frame, context: &str) {
    let fields = a.schema().fields().iter().zip(b.schema().fields());
    for (position, (x, y)) in fields.enumerate() {
        assert_eq!((&x.name, x.kind), (&y.name, y.kind), "{context}: {}", y.reason);
        for row in 0..a.row_count() {
            let (old, new) = (
                spell(&a.columns()[position], x.kind, row),
                spell(&b.columns()[position], y.kind, row),
            );
            assert_eq!(old, new, "{context}, {} in row {row}", x.name);
        }
    }
    assert_eq!(
        (a.row_count(), a.column_count()),
        (b.row_count(), b.column_count()),
        "{context}"
    );
}

#[test]
fn every_format_keeps_every_value_and_kind() {
    let frame = mixed(9000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for extension in EXTENSIONS {
        let path = folder.path().join(format!("t.{extension}"));
        write_to(&frame, &path);
        let back = read_back(&path, &ReadOptions::default()).expect("a table");
        assert_alike(&frame, &back, extension);
    }
}

#[test]
fn columns_rows_and_kinds_can_be_chosen_in_every_format() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = ReadOptions {
        kinds: vec![("whole, \"quoted\"".to_owned(), Kind::Categorical)],
        columns: Some(vec!["word".to_owned(), "whole, \"quoted\"".to_owned()]),
        rows: Some(10),
        ..ReadOptions::default()
    };
    for extension in EXTENSIONS {
        let path = folder.path().join(format!("t.{extension}"));
        write_to(&mixed(100), &path);
        let back = read_back(&path, &options).expect("a table");
        assert_eq!((back.row_count(), back.column_count()), (10, 2), "{extension}");
        assert_eq!(back.schema().fields()[0].kind, Kind::Categorical, "{extension}");
        assert_eq!(
            spell(&back.columns()[0], Kind::Categorical, 0),
            "-5",
            "{extension}"
        );
    }
}

#[test]
fn a_lone_missing_value_is_still_a_row() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let column = Column::numbers(vec![1.5, f64::NAN, 2.0]);
    let frame = Frame::new(vec![(Field::new("n", Kind::Numeric, "test"), column)]).expect("one column");
    for extension in EXTENSIONS {
        let path = folder.path().join(format!("t.{extension}"));
        write_to(&frame, &path);
        assert_alike(
            &frame,
            &read_back(&path, &ReadOptions::default()).expect("a table"),
            extension,
        );
    }
}

#[test]
fn refusals_name_the_file_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refusal = |name: &str| {
        let error = write(
            &mixed(3),
            &folder.path().join(name),
            &Workers::new(1),
            &Cancel::new(),
        )
        .expect_err("refused");
        error
            .to_string()
            .replace(&format!("{}/", folder.path().display()), "")
    };
    assert_eq!(
        refusal("t.xls"),
        "t.xls has no known extension: choose .csv, .tsv, .jsonl, .parquet or .arrow"
    );
    assert_eq!(
        refusal("absent/t.csv"),
        "absent/t.csv cannot be written: its folder does not exist"
    );
    let cancel = Cancel::new();
    cancel.request();
    for extension in EXTENSIONS {
        let path = folder.path().join(format!("t.{extension}"));
        let error = write(&mixed(3), &path, &Workers::new(1), &cancel).expect_err("cancelled");
        assert!(matches!(error, WriteError::Cancelled), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_as_such() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for extension in EXTENSIONS {
        let path = folder.path().join(format!("full.{extension}"));
        std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
        let error = write(&mixed(9000), &path, &Workers::new(1), &Cancel::new()).expect_err("no space");
        let WriteError::Io { source, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull, "{extension}: {error}");
    }
}

#[test]
fn dates_written_in_another_order_are_read_back_in_iso() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("t.csv");
    let field = Field::new("d", Kind::Datetime, "test").with_dates(DateOrder::DayFirst);
    let frame = Frame::new(vec![(field, Column::numbers(vec![0.0, 86_400e6]))]).expect("one column");
    write_to(&frame, &path);
    assert_eq!(
        fs::read_to_string(&path).expect("exists"),
        "d\n1970-01-01\n1970-01-02\n"
    );
}

#[test]
fn damaged_binary_files_are_errors_and_never_panics() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for extension in ["parquet", "arrow"] {
        let path = folder.path().join(format!("t.{extension}"));
        write_to(&mixed(200), &path);
        let bytes = fs::read(&path).expect("exists");
        for length in (0..bytes.len()).step_by(bytes.len() / 40) {
            fs::write(&path, &bytes[..length]).expect("writable");
            assert!(
                read_back(&path, &ReadOptions::default()).is_err(),
                "{extension} cut to {length}"
            );
        }
        for at in (0..bytes.len()).step_by(bytes.len() / 200 + 1) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x55;
            fs::write(&path, &flipped).expect("writable");
            let _ = read_back(&path, &ReadOptions::default()); // An error or another value, but no panic.
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_words_and_numbers_survive_every_format(cells in proptest::collection::vec(("[a-z,\"\n\r\t é]{1,8}", proptest::num::f64::NORMAL), 1..50)) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (words, values): (Vec<String>, Vec<f64>) = cells.into_iter().unzip();
        let words: Vec<String> = words.into_iter().map(|word| format!("x{word}")).collect();
        let strings: Strings = words.iter().collect();
        let fields = vec![
            (Field::new("w", Kind::Text, "test"), Column::Text(Arc::new(strings))),
            (Field::new("v", Kind::Numeric, "test"), Column::numbers(values.clone())),
        ];
        let frame = Frame::new(fields).expect("two columns");
        let options = ReadOptions { kinds: vec![("w".to_owned(), Kind::Text), ("v".to_owned(), Kind::Numeric)], ..ReadOptions::default() };
        for extension in EXTENSIONS {
            let path = folder.path().join(format!("t.{extension}"));
            write_to(&frame, &path);
            let back = read_back(&path, &options).expect("a table");
            prop_assert_eq!(back.view().texts(0).collect::<Vec<_>>(), words.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(back.view().numbers(1), values.clone());
        }
    }
}
