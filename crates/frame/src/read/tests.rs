//! Files written, read and compared; every refusal with its message.

use std::fs;
use std::io::Write;
use std::path::Path;

use arrow_array::RecordBatch;
use kolosal_base::{Cancel, ErrorKind};
use kolosal_compute::{Ledger, Workers};
use proptest::prelude::*;

use super::*;
use crate::{Column, DateOrder, Field, MISSING, Schema};

/// A folder with one file in it.
struct Fixture {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Fixture {
    fn new(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a writable folder");
        Self { folder, path }
    }

    fn read(&self, options: &ReadOptions<'_>) -> Result<Reading, ReadError> {
        self.read_in_pieces(options, None)
    }

    fn read_in_pieces(&self, options: &ReadOptions<'_>, piece: Option<usize>) -> Result<Reading, ReadError> {
        let (workers, ledger, cancel) = (Workers::new(2), Ledger::unlimited(), Cancel::new());
        let job = Job {
            path: &self.path,
            options,
            workers: &workers,
            ledger: &ledger,
            cancel: &cancel,
            piece,
        };
        let reading = job.run();
        if reading.is_err() {
            assert_eq!(ledger.used(), 0, "a refusal gives its memory back");
        }
        reading
    }

    /// The message of the refusal, without the folder.
    fn refusal(&self, options: &ReadOptions<'_>) -> String {
        let error = self.read(options).expect_err("must be refused");
        let folder = format!("{}/", self.folder.path().display());
        error.to_string().replace(&folder, "")
    }
}

fn read_csv(text: &str) -> Frame {
    let reading = Fixture::new("t.csv", text).read(&ReadOptions::default());
    reading.expect("a table").frame
}

fn refusal(text: &str) -> String {
    Fixture::new("t.csv", text).refusal(&ReadOptions::default())
}

fn kinds(frame: &Frame) -> Vec<Kind> {
    frame.schema().fields().iter().map(|field| field.kind).collect()
}

/// A column as text, the empty string where the value is missing.
fn spelled(frame: &Frame, position: usize) -> Vec<String> {
    let kind = frame.schema().fields()[position].kind;
    (0..frame.row_count())
        .map(|row| crate::convert::spell(&frame.columns()[position], kind, row))
        .collect()
}

/// Frames alike to the bit.
fn assert_same(a: &Frame, b: &Frame, context: &str) {
    assert_eq!(a.schema(), b.schema(), "{context}");
    for (x, y) in a.columns().iter().zip(b.columns()) {
        match (x, y) {
            (Column::Numbers(x), Column::Numbers(y)) => {
                assert!(
                    x.iter().zip(y.iter()).all(|(x, y)| x.to_bits() == y.to_bits()),
                    "{context}"
                );
            }
            (Column::Categories(x), Column::Categories(y)) => {
                assert_eq!((x.codes(), x.levels()), (y.codes(), y.levels()), "{context}");
            }
            (Column::Text(x), Column::Text(y)) => assert_eq!(x, y, "{context}"),
            (x, y) => panic!("{context}: {x:?} against {y:?}"),
        }
    }
}

#[test]
fn a_small_table_is_typed_with_reasons() {
    let frame = read_csv(
        "species,mass,count,seen,tame,zip\nowl,1.5,3,2024-01-31,yes,00123\nlynx,,4,,no,10115\nowl,2.5,NA,2024-02-01T12:00,yes,00123\n",
    );
    assert_eq!(
        kinds(&frame),
        [
            Kind::Categorical,
            Kind::Numeric,
            Kind::Integer,
            Kind::Datetime,
            Kind::Boolean,
            Kind::Categorical
        ]
    );
    let reasons: Vec<&str> = frame
        .schema()
        .fields()
        .iter()
        .map(|field| field.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "2 distinct words in 3 rows",
            "1 of 3 values are missing, the others are numbers with decimals",
            "1 of 3 values are missing, the others are whole numbers",
            "1 of 3 values are missing, the others are dates (year-month-day)",
            "the two values are 'no' and 'yes'",
            "2 distinct words in 3 rows; digits with leading zeros are codes, not quantities",
        ]
    );
    assert_eq!(spelled(&frame, 1), ["1.5", "", "2.5"]);
    assert_eq!(spelled(&frame, 3), ["2024-01-31", "", "2024-02-01T12:00:00"]);
    assert_eq!(spelled(&frame, 5), ["00123", "10115", "00123"]);
}

#[test]
fn quotes_blanks_and_line_ends_are_understood() {
    let frame = read_csv("\u{feff}a, b ,\"c,\"\"d\"\"\"\r\n\"x\ny\", 1 ,\"2\"\r\n\r\n \"z,3,\"\"\r\n");
    let names: Vec<&str> = frame
        .schema()
        .fields()
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b", "c,\"d\""]);
    assert_eq!(spelled(&frame, 0), ["x\ny", " \"z"]);
    assert_eq!(spelled(&frame, 1), ["1", "3"]);
    assert_eq!(spelled(&frame, 2), ["2", ""]);
}

#[test]
fn every_missing_word_is_missing_in_every_kind() {
    for word in [
        "", "NA", "N/A", "null", "NULL", "NaN", "nan", "None", "?", "\"\"", " ?",
    ] {
        let frame = read_csv(&format!("n,w,d\n1.5,x,2024-01-01\n{word},{word},{word}\n"));
        assert_eq!(kinds(&frame), [Kind::Numeric, Kind::Categorical, Kind::Datetime]);
        assert!(
            frame.columns().iter().all(|column| column.is_missing(1)),
            "{word}"
        );
    }
}

#[test]
fn a_value_that_contradicts_the_sample_makes_words_of_the_column() {
    let mut text = "n,d,m\n".to_owned();
    for row in 0..3000 {
        let number = if row == 2990 {
            "many".to_owned()
        } else {
            format!("{}", row % 40)
        };
        let date = if row == 1500 { "soon" } else { "2024-05-01" };
        let month_last = if row == 2000 { "31/05/2024" } else { "01/02/2024" };
        text += &format!("{number},{date},{month_last}\n");
    }
    let frame = read_csv(&text);
    assert_eq!(
        kinds(&frame),
        [Kind::Categorical, Kind::Categorical, Kind::Datetime]
    );
    assert_eq!(spelled(&frame, 0)[2990], "many");
    assert_eq!(spelled(&frame, 0)[2989], "29");
    assert_eq!(spelled(&frame, 1)[1500], "soon");
    assert_eq!(frame.schema().fields()[2].dates, DateOrder::DayFirst);
    assert_eq!(spelled(&frame, 2)[0], "2024-02-01");
}

#[test]
fn dates_that_could_be_either_stay_words_with_a_note() {
    let reading = Fixture::new("t.csv", "d\n01/02/2024\n03/04/2024\n").read(&ReadOptions::default());
    let reading = reading.expect("a table");
    assert_eq!(kinds(&reading.frame), [Kind::Categorical]);
    assert_eq!(
        reading.notes,
        [
            "column 'd' may hold dates such as '01/02/2024', but no value tells the day from the month: it is read as words"
        ]
    );
}

#[test]
fn whole_numbers_beyond_the_exact_ones_keep_every_digit() {
    let mut text = "big,id,f\n".to_owned();
    for row in 0..100_u64 {
        text += &format!(
            "{},{},{}\n",
            9_007_199_254_740_993 + row,
            row + 1,
            if row == 50 { "0.5" } else { "12345678901234567890" }
        );
    }
    let frame = read_csv(&text);
    assert_eq!(kinds(&frame), [Kind::Identifier, Kind::Identifier, Kind::Numeric]);
    assert_eq!(spelled(&frame, 0)[0], "9007199254740993");
    assert_eq!(spelled(&frame, 1)[99], "100");
}

#[test]
fn a_table_without_header_gets_numbered_names() {
    let frame = read_csv("5.1,setosa\n4.9,setosa\n");
    assert_eq!(frame.schema().fields()[1].name, "column_2");
    assert_eq!(frame.row_count(), 2);
    let options = ReadOptions {
        header: Header::Absent,
        ..ReadOptions::default()
    };
    let frame = Fixture::new("t.csv", "a,b\nc,d\n")
        .read(&options)
        .expect("a table")
        .frame;
    assert_eq!(frame.row_count(), 2);
}

#[test]
fn compressed_and_other_encodings_read_alike() {
    let text = "näme;x\nö;1\nß;2\n";
    let plain = read_csv(text);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).expect("memory");
    let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        [0xfeff]
            .into_iter()
            .chain(text.encode_utf16())
            .flat_map(bytes)
            .collect()
    };
    let check = |name: &str, bytes: Vec<u8>, encoding: Encoding| {
        let options = ReadOptions {
            encoding,
            ..ReadOptions::default()
        };
        let frame = Fixture::new(name, bytes).read(&options).expect("a table").frame;
        assert_same(&frame, &plain, name);
    };
    check("t.csv.gz", gzip.finish().expect("memory"), Encoding::Detect);
    check(
        "t.csv.zst",
        zstd::encode_all(text.as_bytes(), 1).expect("memory"),
        Encoding::Detect,
    );
    check("t.csv", utf16(u16::to_le_bytes), Encoding::Detect);
    check("t.txt", utf16(u16::to_be_bytes), Encoding::Detect);
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    check("t.csv", latin.clone(), Encoding::Windows1252);
    let refused = Fixture::new("t.csv", latin).refusal(&ReadOptions::default());
    assert!(refused.contains("not valid UTF-8"), "{refused}");
}

#[test]
fn json_lines_read_like_the_same_table() {
    let text = "{\"a\": 1, \"b\": \"x, \\\"y\\\"\", \"c\": true}\n\n{\"b\": \"12\", \"a\": null, \"d\": {\"k\": [1, 2]}}\n{\"a\": 2.5, \"c\": false, \"b\": \"\"}";
    let frame = Fixture::new("t.jsonl", text)
        .read(&ReadOptions::default())
        .expect("a table")
        .frame;
    assert_eq!(
        kinds(&frame),
        [Kind::Numeric, Kind::Categorical, Kind::Boolean, Kind::Categorical]
    );
    assert_eq!(spelled(&frame, 0), ["1", "", "2.5"]);
    assert_eq!(spelled(&frame, 1), ["x, \"y\"", "12", ""]);
    assert_eq!(spelled(&frame, 2), ["true", "", "false"]);
    assert_eq!(spelled(&frame, 3), ["", "{\"k\": [1, 2]}", ""]);
    let strings = Fixture::new("t.ndjson", "{\"s\": \"1\"}\n{\"s\": \"2\"}\n");
    assert_eq!(
        kinds(&strings.read(&ReadOptions::default()).expect("a table").frame),
        [Kind::Categorical]
    );
}

#[test]
fn json_lines_are_refused_by_line() {
    let check = |text: &str, expected: &str| {
        let refused = Fixture::new("t.jsonl", text).refusal(&ReadOptions::default());
        assert!(refused.starts_with(expected), "{refused}");
    };
    check(
        "{\"a\": 1}\n[1]\n",
        "t.jsonl, line 2: invalid type: sequence, expected a JSON object",
    );
    check("{\"a\": 1}\n\n{\"a\": }\n", "t.jsonl, line 3: expected value");
    check(
        "{\"a\": 1, \"a\": 2}\n",
        "t.jsonl, line 1: the key 'a' occurs twice",
    );
    check("{\"\": 1}\n", "t.jsonl: column 1 has an empty name");
    check("{\"a\": 1} x\n", "t.jsonl, line 1: trailing characters");
    let array = Fixture::new("t.json", "[{\"a\": 1}]").refusal(&ReadOptions::default());
    assert!(
        array.contains("a JSON array, not one JSON object a line"),
        "{array}"
    );
}

#[test]
fn bad_tables_are_refused_with_place_and_remedy() {
    let check = |text: &str, expected: &str| assert_eq!(refusal(text), expected, "{text:?}");
    check("", "t.csv is empty: a table needs a header and at least one row");
    check(
        "\n\r\n",
        "t.csv is empty: a table needs a header and at least one row",
    );
    check(
        "a,b\n",
        "t.csv has a header with 2 columns and no rows: a table needs at least one row",
    );
    check(
        "a,b\n1,2\n\n3\n4,5\n",
        "t.csv, row 2 (line 4) has 1 cells where 2 are expected: mend the row, or quote cells that contain the delimiter ','",
    );
    check(
        "a,b\n1,\"2\n\"\n3,4,5\n4,5\n",
        "t.csv, row 2 (line 4) has 3 cells where 2 are expected: mend the row, or quote cells that contain the delimiter ','",
    );
    check(
        "a,b\n1,2\n3,\"x\n4,5\n",
        "t.csv: the quote opened in line 3 is never closed: close it, or double quotes that are part of a value",
    );
    check(
        "a,b,a\n1,2,3\n",
        "t.csv: two columns are called 'a' (columns 1 and 3): rename one of them",
    );
    check(
        "a,,c\n1,2,3\n",
        "t.csv: column 2 has an empty name: name every column in the header",
    );
    check(
        "a,b\n1,x\ninf,y\n",
        "t.csv, row 2 (line 3), column 'a': 'inf' is infinite: clean the value, or read the column as words (--column-type a=categorical)",
    );
    check(
        "a,b\n1,x\n\"-1e999\",y\n",
        "t.csv, row 2 (line 3), column 'a': '-1e999' is infinite: clean the value, or read the column as words (--column-type a=categorical)",
    );
    check(
        "a,b\n1,x\n2,\0\n",
        "t.csv does not look like a table (line 3 holds a NUL byte): give a CSV, TSV, JSON lines, Parquet or Arrow file",
    );
}

#[test]
fn text_that_is_not_utf8_is_named_by_row_column_and_byte() {
    let refused =
        Fixture::new("t.csv", b"\xef\xbb\xbfn,w\n1,ok\n2,caf\xe9\n").refusal(&ReadOptions::default());
    assert_eq!(
        refused,
        "t.csv, row 2 (line 3), column 'w', byte 17: 'caf\u{fffd}' is not valid UTF-8: save the file as UTF-8, or name its encoding (windows-1252)"
    );
    let header = Fixture::new("t.csv", b"n,\xff\n1,2\n").refusal(&ReadOptions::default());
    assert!(
        header.contains("the column name '\u{fffd}' is not valid UTF-8 at byte 2"),
        "{header}"
    );
}

#[test]
fn files_that_are_none_are_refused() {
    let fixture = Fixture::new("t.csv", "a\n1\n");
    let read = |path: &Path| {
        let error = read(
            path,
            &ReadOptions::default(),
            &Workers::new(1),
            &Ledger::unlimited(),
            &Cancel::new(),
        );
        error.expect_err("no file")
    };
    let absent = read(&fixture.folder.path().join("absent.csv"));
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    assert!(absent.to_string().ends_with("absent.csv: check the path"));
    let folder = read(fixture.folder.path());
    assert!(
        folder
            .to_string()
            .ends_with("is a folder: give the path of one file in it")
    );
    let cut = &zstd::encode_all(&b"a\n1\n2\n3\n"[..], 1).expect("memory")[..12];
    let damaged = Fixture::new("t.csv.zst", cut).refusal(&ReadOptions::default());
    assert!(
        damaged.starts_with("t.csv.zst: the zstd data is damaged or cut off"),
        "{damaged}"
    );
    let random = Fixture::new("t.csv", [0x89, b'P', b'N', b'G', 0, 1, 2, 0, b'\n', 5])
        .refusal(&ReadOptions::default());
    assert!(random.contains("does not look like a table"), "{random}");
}

#[test]
fn too_many_columns_and_endless_lines_are_refused() {
    let wide = format!(
        "{}\n{}\n",
        vec!["x"; 1_000_000].join(","),
        vec!["1"; 1_000_000].join(",")
    );
    assert_eq!(
        refusal(&wide),
        "t.csv: the table has 1000000 columns, at most 200000 are supported"
    );
    let limit = kolosal_base::limits::RECORD_BYTES_MAX;
    let line = "x".repeat(limit + 10);
    let expected = format!("is longer than {limit} bytes: check the line ends and quotes");
    for text in [line.clone(), format!("a,b\n1,2\n3,{line}\n4,5\n")] {
        let refused = refusal(&text);
        assert!(refused.ends_with(&expected), "{refused}");
    }
    let gzip = zstd::encode_all(line.as_bytes(), 1).expect("memory");
    let refused = Fixture::new("t.csv.zst", gzip).refusal(&ReadOptions::default());
    assert!(refused.ends_with(&expected), "{refused}");
    let cell = "y".repeat(kolosal_base::limits::CELL_BYTES_MAX + 1);
    let refused = refusal(&format!("a,b\n1,x\n2,{cell}\n"));
    assert!(
        refused.contains("row 2 (line 3), column 'b': the cell has 16777217 bytes"),
        "{refused}"
    );
}

#[test]
fn the_memory_budget_is_kept() {
    let fixture = Fixture::new("t.csv", "a,b\n1,2\n".to_owned() + &"3,4\n".repeat(1000));
    let (workers, cancel) = (Workers::new(1), Cancel::new());
    let error = read(
        &fixture.path,
        &ReadOptions::default(),
        &workers,
        &Ledger::new(1000),
        &cancel,
    );
    assert_eq!(error.expect_err("too small").kind(), ErrorKind::Busy);
    let ledger = Ledger::new(100_000);
    let reading = read(&fixture.path, &ReadOptions::default(), &workers, &ledger, &cancel).expect("fits");
    assert_eq!(ledger.used(), 1001 * 16);
    drop(reading);
    cancel.request();
    let error = read(&fixture.path, &ReadOptions::default(), &workers, &ledger, &cancel);
    assert_eq!(error.expect_err("cancelled").kind(), ErrorKind::Cancelled);
}

#[test]
fn kinds_set_by_the_user_win_or_are_refused_by_value() {
    let fixture = Fixture::new("t.csv", "zip,n,flag\n1,2.5,0\n2,x,1\n3,,2\n");
    let with = |name: &str, kind: Kind| ReadOptions {
        kinds: vec![(name.to_owned(), kind)],
        ..ReadOptions::default()
    };
    let frame = fixture
        .read(&with("zip", Kind::Categorical))
        .expect("a table")
        .frame;
    assert_eq!(
        frame.schema().fields()[0],
        Field::new("zip", Kind::Categorical, "set by the user")
    );
    assert_eq!(spelled(&frame, 0), ["1", "2", "3"]);
    let check = |name: &str, kind: Kind, expected: &str| {
        let refused = fixture.refusal(&with(name, kind));
        assert!(refused.starts_with(expected), "{refused}");
    };
    check(
        "n",
        Kind::Numeric,
        "t.csv, row 2 (line 3), column 'n': 'x' is not a number: mend the value or read",
    );
    check(
        "n",
        Kind::Datetime,
        "t.csv, row 1 (line 2), column 'n': '2.5' is not a date",
    );
    check(
        "flag",
        Kind::Boolean,
        "t.csv, row 3 (line 4), column 'flag': '2' is not one of two values",
    );
    check(
        "ZIP",
        Kind::Text,
        "t.csv: there is no column 'ZIP'; the closest names are zip",
    );
    let halves = Fixture::new("t.csv", "n\n1\n2.5\n");
    let refused = halves.refusal(&with("n", Kind::Integer));
    assert!(
        refused.starts_with("t.csv, row 2 (line 3), column 'n': '2.5' is not a whole number"),
        "{refused}"
    );
}

#[test]
fn columns_and_rows_can_be_chosen() {
    let fixture = Fixture::new("t.csv", b"a,b,c\n1,\xff,x\n\n2,y,z\n3,v,w\n");
    let options = ReadOptions {
        columns: Some(vec!["c".to_owned(), "a".to_owned()]),
        rows: Some(2),
        ..ReadOptions::default()
    };
    let frame = fixture.read(&options).expect("the bad cell is not read").frame;
    assert_eq!((frame.column_count(), frame.row_count()), (2, 2));
    assert_eq!(spelled(&frame, 0), ["1", "2"]);
    assert_eq!(spelled(&frame, 1), ["x", "z"]);
}

#[test]
fn a_table_is_read_as_training_saw_it() {
    let train = read_csv("id,d,c,n,zip\nr1,31/01/2024,a,1.5,01\nr2,01/02/2024,b,2,02\n");
    let schema = FrozenSchema::of(&train);
    let options = ReadOptions {
        schema: Some(&schema),
        ..ReadOptions::default()
    };
    let fixture = Fixture::new("p.csv", "zip,extra,n,c,d,id\n02,9,7,z,03/04/2024,5\n3,9,,a,,6\n");
    let frame = fixture.read(&options).expect("fits").frame;
    assert_eq!(frame.schema(), train.schema());
    assert_eq!(spelled(&frame, 1), ["2024-04-03", ""]);
    assert_eq!(spelled(&frame, 2), ["", "a"]);
    assert_eq!(spelled(&frame, 3), ["7", ""]);
    let Column::Categories(zip) = &frame.columns()[4] else {
        panic!("categorical")
    };
    assert_eq!(zip.codes(), [1, MISSING]);
    let lacking = Fixture::new("p.csv", "id,dd,c,n\n1,2,3,4\n").refusal(&options);
    assert_eq!(
        lacking,
        "p.csv: the table lacks 2 columns: 'd' (did you mean c, dd, id?), 'zip' (did you mean id?)"
    );
    let unfit = Fixture::new("p.csv", "id,d,c,n,zip\n1,,a,two,01\n").refusal(&options);
    assert!(
        unfit.starts_with("p.csv, row 1 (line 2), column 'n': 'two' is not a number"),
        "{unfit}"
    );
}

#[test]
fn a_frozen_schema_can_be_made_of_its_parts() {
    let schema = Schema::new(vec![Field::new("n", Kind::Numeric, "test")]).expect("one name");
    let frozen = FrozenSchema::new(schema, vec![None]);
    let options = ReadOptions {
        schema: Some(&frozen),
        ..ReadOptions::default()
    };
    let frame = Fixture::new("p.csv", "m,n\nx,1\n")
        .read(&options)
        .expect("fits")
        .frame;
    assert_eq!(frame.column_count(), 1);
}

/// A batch with a column of each Arrow type that has a counterpart here, three rows, the second null.
fn batch_of_every_type() -> RecordBatch {
    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Int8Array,
        Int64Array, LargeStringArray, NullArray, StringArray, StringViewArray, TimestampNanosecondArray,
        TimestampSecondArray, UInt64Array, types::Int8Type,
    };
    let dictionary: DictionaryArray<Int8Type> = [Some("b"), None, Some("a")].into_iter().collect();
    let coded = DictionaryArray::<Int8Type>::try_new(
        Int8Array::from(vec![Some(1), None, Some(0)]),
        std::sync::Arc::new(Int64Array::from(vec![7, 9])),
    );
    let decimals = Decimal128Array::from(vec![Some(12_345_678_901_234_567_890_123), None, Some(-5)]);
    let zoned = TimestampNanosecondArray::from(vec![Some(1_500), None, Some(-1)]).with_timezone("+02:00");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("null", std::sync::Arc::new(NullArray::new(3))),
        (
            "bool",
            std::sync::Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        ),
        (
            "i8",
            std::sync::Arc::new(Int8Array::from(vec![Some(-3), None, Some(4)])),
        ),
        (
            "u64",
            std::sync::Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(1)])),
        ),
        (
            "f32",
            std::sync::Arc::new(Float32Array::from(vec![Some(0.5), None, Some(-2.25)])),
        ),
        (
            "decimal",
            std::sync::Arc::new(decimals.with_precision_and_scale(38, 2).expect("in range")),
        ),
        (
            "date",
            std::sync::Arc::new(Date32Array::from(vec![Some(1), None, Some(-1)])),
        ),
        (
            "seconds",
            std::sync::Arc::new(TimestampSecondArray::from(vec![Some(86_400), None, Some(0)])),
        ),
        ("zoned", std::sync::Arc::new(zoned)),
        (
            "utf8",
            std::sync::Arc::new(StringArray::from(vec![Some("x"), None, Some("NA")])),
        ),
        (
            "large",
            std::sync::Arc::new(LargeStringArray::from(vec![Some("x"), None, Some("z")])),
        ),
        (
            "view",
            std::sync::Arc::new(StringViewArray::from(vec![Some("x"), None, Some("z")])),
        ),
        ("dictionary", std::sync::Arc::new(dictionary)),
        ("coded", std::sync::Arc::new(coded.expect("keys in range"))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .expect("columns of three rows")
}

#[test]
fn every_arrow_type_becomes_its_counterpart() {
    let batch = batch_of_every_type();
    let mut file = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).expect("memory");
    file.write(&batch).expect("memory");
    let mut stream = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).expect("memory");
    stream.write(&batch).expect("memory");
    let mut parquet = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("memory");
    parquet.write(&batch).expect("memory");
    let files = [
        ("t.arrow", file.into_inner().expect("memory")),
        ("t.ipc", stream.into_inner().expect("memory")),
        ("t.parquet", parquet.into_inner().expect("memory")),
    ];
    let expected = [
        (Kind::Numeric, ["", "", ""]),
        (Kind::Boolean, ["true", "", "false"]),
        (Kind::Integer, ["-3", "", "4"]),
        (Kind::Categorical, ["18446744073709551615", "", "1"]),
        (Kind::Numeric, ["0.5", "", "-2.25"]),
        (Kind::Numeric, ["1.2345678901234568e20", "", "-0.05"]),
        (Kind::Datetime, ["1970-01-02", "", "1969-12-31"]),
        (Kind::Datetime, ["1970-01-02", "", "1970-01-01"]),
        (
            Kind::Datetime,
            ["1970-01-01T00:00:00.000001", "", "1969-12-31T23:59:59.999999"],
        ),
        (Kind::Categorical, ["x", "", ""]),
        (Kind::Categorical, ["x", "", "z"]),
        (Kind::Categorical, ["x", "", "z"]),
        (Kind::Categorical, ["b", "", "a"]),
        (Kind::Integer, ["9", "", "7"]),
    ];
    for (name, bytes) in files {
        let frame = Fixture::new(name, bytes)
            .read(&ReadOptions::default())
            .expect("a table")
            .frame;
        for (position, (kind, values)) in expected.iter().enumerate() {
            let field = &frame.schema().fields()[position];
            assert_eq!(
                (field.kind, spelled(&frame, position)),
                (*kind, values.map(str::to_owned).to_vec()),
                "{name} {}",
                field.name
            );
        }
    }
}

#[test]
fn arrow_values_without_counterpart_are_refused() {
    use arrow_array::{ArrayRef, BinaryArray, Float64Array};
    let refusal = |array: ArrayRef| {
        let batch = RecordBatch::try_from_iter([("x", array)]).expect("one column");
        let mut file = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).expect("memory");
        file.write(&batch).expect("memory");
        Fixture::new("t.arrow", file.into_inner().expect("memory")).refusal(&ReadOptions::default())
    };
    assert_eq!(
        refusal(std::sync::Arc::new(BinaryArray::from(vec![&b"x"[..]]))),
        "t.arrow: column 'x' has the type Binary, which is not supported: leave it out or turn it into numbers or text"
    );
    assert_eq!(
        refusal(std::sync::Arc::new(Float64Array::from(vec![
            1.0,
            f64::NEG_INFINITY
        ]))),
        "t.arrow, row 2, column 'x': '-inf' is infinite: clean the value, or read the column as words (--column-type x=categorical)"
    );
    assert_eq!(
        refusal(std::sync::Arc::new(Float64Array::from(Vec::<f64>::new()))),
        "t.arrow has a header with 1 columns and no rows: a table needs at least one row"
    );
}

/// One column of random cells: mostly of one form, sometimes not.
fn column() -> impl Strategy<Value = Vec<String>> {
    let form = prop_oneof![
        "-?[0-9]{1,6}(\\.[0-9]{1,8})?",
        "[0-9]{1,3}",
        "20[0-9]{2}-0[1-9]-[12][0-9]",
        "[0-3][0-9]/0[1-9]/2024",
        "(yes|no)",
        "[a-dé,\"\n ]{0,6}",
        "(NA|[0-9]|x|0[0-9]|)",
    ];
    let rare = prop_oneof![9 => Just(None), 1 => prop_oneof![Just(Some("NA")), Just(Some("word")), Just(Some("007"))]];
    form.prop_flat_map(move |example| {
        let same = Just(example);
        proptest::collection::vec((same, 0..4_usize, rare.clone()), 1..60)
    })
    .prop_map(|cells| {
        let vary = |(cell, cut, rare): (String, usize, Option<&str>)| match rare {
            Some(word) => word.to_owned(),
            None => cell.chars().skip(cut % 2 * cut).collect(),
        };
        cells.into_iter().map(vary).collect()
    })
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_table_reads_back_whatever_the_pieces(columns in proptest::collection::vec(column(), 1..5), piece in 1_usize..64) {
        let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
        let mut text = (0..columns.len()).map(|at| format!("name {at}")).collect::<Vec<_>>().join(",") + "\n";
        for row in 0..rows {
            let line = columns.iter().map(|column| quoted(&column[row])).collect::<Vec<_>>().join(",");
            text += if line.is_empty() { "\"\"" } else { &line };
            text += "\n";
        }
        let fixture = Fixture::new("t.csv", &text);
        let options = ReadOptions { delimiter: Some(b','), header: Header::Present, ..ReadOptions::default() };
        let whole = fixture.read(&options).expect("well formed").frame;
        prop_assert_eq!(whole.row_count(), rows);
        let pieces = fixture.read_in_pieces(&options, Some(piece)).expect("well formed").frame;
        assert_same(&whole, &pieces, &text);
        for (position, column) in columns.iter().enumerate() {
            let field = &whole.schema().fields()[position];
            for (row, cell) in column[..rows].iter().enumerate() {
                let read = spelled(&whole, position)[row].clone();
                let is_same = match field.kind {
                    _ if crate::parse::is_missing(cell.as_bytes()) => read.is_empty(),
                    Kind::Numeric | Kind::Integer => read.parse::<f64>() == cell.trim().parse::<f64>(),
                    Kind::Datetime => {
                        let moment = |text: &str, order| crate::parse::moment::read(text.as_bytes(), order);
                        moment(&read, DateOrder::YearFirst) == moment(cell, field.dates)
                    }
                    Kind::Boolean | Kind::Categorical | Kind::Text | Kind::Identifier => read == *cell,
                };
                prop_assert!(is_same, "{} {}: {:?} became {:?}", field.name, field.kind, cell, read);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_panic(bytes in proptest::collection::vec(prop_oneof![Just(b','), Just(b'\n'), Just(b'"'), Just(b'\r'), Just(b'1'), Just(b'a'), any::<u8>()], 0..200), piece in 1_usize..64) {
        let fixture = Fixture::new("t.csv", &bytes);
        let options = ReadOptions::default();
        let outcome = |reading: Result<Reading, ReadError>| reading.map(|reading| reading.frame).map_err(|error| error.to_string());
        let whole = outcome(fixture.read(&options));
        let pieces = outcome(fixture.read_in_pieces(&options, Some(piece)));
        match (whole, pieces) {
            (Ok(whole), Ok(pieces)) => assert_same(&whole, &pieces, "bytes"),
            // Of several errors, the sample may decide which is met first.
            (whole, pieces) => prop_assert_eq!(whole.is_err(), pieces.is_err()),
        }
    }
}
