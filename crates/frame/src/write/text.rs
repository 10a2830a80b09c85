//! CSV, TSV and JSON lines: blocks of rows made in parallel and written in order.

use std::io::{self, Write};
use std::ops::Range;

use super::WriteJob;
use crate::parse::moment;
use crate::parse::number::shortest;
use crate::{Column, Field, Kind, MISSING};

/// Rows of a block.
const BLOCK_ROWS: usize = 4096;

/// Blocks held in memory at once.
const BLOCKS: usize = 64;

/// What a cell holds.
enum Value<'a> {
    Missing,
    Number(f64),
    Moment(f64),
    Word(&'a str),
}

impl WriteJob<'_> {
    /// RFC 4180 with line feeds; a table of one column writes a missing value as `""`, since a blank line is no row.
    pub(super) fn write_delimited(&self, out: &mut impl Write, delimiter: u8) -> io::Result<()> {
        let mut header = Vec::new();
        for (position, field) in self.frame.schema().fields().iter().enumerate() {
            push_delimiter(&mut header, position, delimiter);
            push_word(&mut header, &field.name, delimiter);
        }
        header.push(b'\n');
        out.write_all(&header)?;
        self.write_blocks(out, |rows| {
            let mut text = Vec::new();
            for row in rows {
                self.push_row(&mut text, row, delimiter);
            }
            text
        })
    }

    pub(super) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        let names = self.frame.schema().fields().iter();
        let keys: Vec<String> = names.map(|field| json_string(&field.name)).collect();
        self.write_blocks(out, |rows| {
            let mut text = Vec::new();
            for row in rows {
                self.push_object(&mut text, row, &keys);
            }
            text
        })
    }

    fn write_blocks(
        &self,
        out: &mut impl Write,
        block: impl Fn(Range<usize>) -> Vec<u8> + Sync + Send,
    ) -> io::Result<()> {
        let rows = self.frame.row_count();
        let blocks = rows.div_ceil(BLOCK_ROWS);
        for first in (0..blocks).step_by(BLOCKS) {
            self.check_cancel()?;
            let texts = self.workers.map(BLOCKS.min(blocks - first), |index| {
                let start = (first + index) * BLOCK_ROWS;
                block(start..(start + BLOCK_ROWS).min(rows))
            });
            for text in texts {
                out.write_all(&text)?;
            }
        }
        Ok(())
    }

    fn push_row(&self, text: &mut Vec<u8>, row: usize, delimiter: u8) {
        let start = text.len();
        for (position, (field, column)) in self.columns().enumerate() {
            push_delimiter(text, position, delimiter);
            match value(field, column, row) {
                Value::Missing => {}
                Value::Number(number) => text.extend_from_slice(shortest(number).as_bytes()),
                Value::Moment(micros) => text.extend_from_slice(moment::write(micros).as_bytes()),
                Value::Word(word) => push_word(text, word, delimiter),
            }
        }
        if text.len() == start {
            text.extend_from_slice(b"\"\"");
        }
        text.push(b'\n');
    }

    fn push_object(&self, text: &mut Vec<u8>, row: usize, keys: &[String]) {
        text.push(b'{');
        for (position, (field, column)) in self.columns().enumerate() {
            push_delimiter(text, position, b',');
            text.extend_from_slice(keys[position].as_bytes());
            text.push(b':');
            let value = match value(field, column, row) {
                Value::Missing => "null".to_owned(),
                Value::Number(number) => shortest(number),
                Value::Moment(micros) => json_string(&moment::write(micros)),
                Value::Word(word @ ("true" | "false")) if field.kind == Kind::Boolean => word.to_owned(),
                Value::Word(word) => json_string(word),
            };
            text.extend_from_slice(value.as_bytes());
        }
        text.extend_from_slice(b"}\n");
    }

    fn columns(&self) -> impl Iterator<Item = (&Field, &Column)> {
        self.frame.schema().fields().iter().zip(self.frame.columns())
    }
}

fn value<'a>(field: &Field, column: &'a Column, row: usize) -> Value<'a> {
    let number = |value: f64| match field.kind {
        _ if value.is_nan() => Value::Missing,
        Kind::Datetime => Value::Moment(value),
        _ => Value::Number(value),
    };
    match column {
        Column::Numbers(values) => number(values[row]),
        Column::Sparse(sparse) => number(sparse.get(row)),
        Column::Categories(categories) => match categories.codes()[row] {
            MISSING => Value::Missing,
            code => Value::Word(categories.levels().get(code as usize)),
        },
        Column::Text(strings) => match strings.get(row) {
            "" => Value::Missing,
            text => Value::Word(text),
        },
    }
}

fn push_delimiter(text: &mut Vec<u8>, position: usize, delimiter: u8) {
    if position > 0 {
        text.push(delimiter);
    }
}

fn push_word(text: &mut Vec<u8>, word: &str, delimiter: u8) {
    let needs_quotes = |byte: u8| matches!(byte, b'"' | b'\n' | b'\r') || byte == delimiter;
    if !word.bytes().any(needs_quotes) {
        text.extend_from_slice(word.as_bytes());
        return;
    }
    text.push(b'"');
    for byte in word.bytes() {
        if byte == b'"' {
            text.push(b'"');
        }
        text.push(byte);
    }
    text.push(b'"');
}

fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("every string has a JSON form")
}
