//! What is settled before the first row is read: dialect, column names, row limit.

use std::ops::ControlFlow;

use kolosal_base::limits::{COLUMN_NAME_BYTES_MAX, COLUMNS_MAX, RECORD_BYTES_MAX};
use kolosal_compute::kernels::scan::Marks;

use super::careful::{is_blank, unquoted, walk};
use super::detect::{Dialect, Hints, Unknown, detect};
use super::{DelimitedText, count_newlines};
use crate::read::{Job, ReadError, shorten};
use crate::{Field, FrameError, Kind, Schema};

impl Job<'_> {
    pub(super) fn dialect(&self, input: &DelimitedText<'_>) -> Result<Dialect, ReadError> {
        let hints = Hints {
            delimiter: self.options.delimiter,
            prefers_tab: input.prefers_tab.then_some(()),
            header: self.options.header,
        };
        let line_of = |at: usize| 1 + count_newlines(&input.bytes[..at], b'\n');
        detect(input.bytes, hints).map_err(|unknown| match unknown {
            Unknown::Empty => ReadError::Empty { file: self.file() },
            Unknown::TooLong => ReadError::RecordTooLong {
                file: self.file(),
                line: 1,
                limit: RECORD_BYTES_MAX,
            },
            Unknown::OpenQuote { at } => ReadError::UnclosedQuote {
                file: self.file(),
                line: line_of(at),
            },
        })
    }

    /// Column names from the header, or `column_1`, `column_2`, ..
    pub(super) fn names(
        &self,
        input: &DelimitedText<'_>,
        dialect: &Dialect,
    ) -> Result<Vec<String>, ReadError> {
        let found = dialect.first.len();
        if found > COLUMNS_MAX {
            return Err(self.table_error(FrameError::TooLarge {
                what: "columns",
                found,
                limit: COLUMNS_MAX,
            }));
        }
        if !dialect.has_header {
            return Ok((1..=found).map(|position| format!("column_{position}")).collect());
        }
        let mut scratch = Vec::new();
        let mut fields = Vec::with_capacity(found);
        for cell in &dialect.first {
            let name = unquoted(&input.bytes[cell.clone()], &mut scratch);
            let text = std::str::from_utf8(name).map_err(|error| {
                let at = input.skipped + cell.start + error.valid_up_to();
                self.not_a_table(format!(
                    "the column name '{}' is not valid UTF-8 at byte {at}",
                    shorten(name)
                ))
            })?;
            if text.len() > COLUMN_NAME_BYTES_MAX {
                let (what, found, limit) = ("bytes in a column name", text.len(), COLUMN_NAME_BYTES_MAX);
                return Err(self.table_error(FrameError::TooLarge { what, found, limit }));
            }
            if text.contains('\0') {
                return Err(self.not_a_table("the first line holds a NUL byte".to_owned()));
            }
            fields.push(Field::new(text.trim(), Kind::Text, ""));
        }
        let schema = Schema::new(fields).map_err(|source| self.table_error(source))?;
        Ok(schema.fields().iter().map(|field| field.name.clone()).collect())
    }

    /// The text up to the row limit, if there is one.
    pub(super) fn limited<'t>(&self, text: &'t [u8], marks: Marks) -> &'t [u8] {
        let Some(limit) = self.options.rows else {
            return text;
        };
        let (mut rows, mut line) = (0, 0);
        walk(text, 0, marks, |at| {
            if rows >= limit {
                return ControlFlow::Break(());
            }
            if text[at] == marks.newline {
                rows += usize::from(!is_blank(text, line, at));
                line = at + 1;
            }
            ControlFlow::Continue(())
        });
        if rows >= limit { &text[..line] } else { text }
    }
}
