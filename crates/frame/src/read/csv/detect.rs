//! Which byte separates cells, which ends lines, and whether the first record is a header.

use std::ops::{ControlFlow, Range};

use kolosal_base::limits::RECORD_BYTES_MAX;
use kolosal_compute::kernels::scan::Marks;

use super::careful::{End, unquoted, walk};
use crate::parse::is_missing;
use crate::parse::moment::{self, DateOrder};
use crate::parse::number::{Number, general};
use crate::read::Header;
use crate::read::plan::{Plan, Sample, Wish};

/// Separators tried, in order of preference.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Stands for "none": it separates nothing in a text.
const NO_DELIMITER: u8 = 0x1f;

/// Records looked at.
const RECORDS: usize = 64;

/// Bytes looked at, more if the first line is longer.
const HEAD: usize = 64 << 10;

/// How a text is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) marks: Marks,
    /// The cells of the first record.
    pub(super) first: Vec<Range<usize>>,
    /// Whether the first record names the columns.
    pub(super) has_header: bool,
    /// Where the rows begin.
    pub(super) body: usize,
}

/// What is known before looking.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hints {
    pub(super) delimiter: Option<u8>,
    pub(super) prefers_tab: Option<()>,
    pub(super) header: Header,
}

/// Why there is no dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Nothing but line ends.
    Empty,
    /// The first record does not end.
    TooLong,
    /// A quote in the first record is never closed.
    OpenQuote { at: usize },
}

/// Looks at the beginning of a text.
pub(super) fn detect(text: &[u8], hints: Hints) -> Result<Dialect, Unknown> {
    let start = text
        .iter()
        .position(|byte| !matches!(byte, b'\n' | b'\r'))
        .ok_or(Unknown::Empty)?;
    let newline = newline_of(&text[start..(start + RECORD_BYTES_MAX).min(text.len())]);
    let line = text[start..]
        .iter()
        .take(RECORD_BYTES_MAX)
        .position(|&byte| byte == newline);
    if line.is_none() && text.len() - start > RECORD_BYTES_MAX {
        return Err(Unknown::TooLong);
    }
    let head_end = (start + HEAD.max(4 * line.unwrap_or(0))).min(text.len());
    let head = Head {
        text,
        range: start..head_end,
        newline,
    };
    let delimiter = hints
        .delimiter
        .unwrap_or_else(|| head.delimiter(hints.prefers_tab.is_some()));
    let marks = Marks { delimiter, newline };
    let (first, body) = first_record(text, start, marks)?;
    let has_header = match hints.header {
        Header::Present => true,
        Header::Absent => false,
        Header::Detect => head.has_header(&first, marks),
    };
    let body = if has_header { body } else { start };
    Ok(Dialect {
        marks,
        first,
        has_header,
        body,
    })
}

/// `\n` if there is one, else `\r` if there is one.
fn newline_of(text: &[u8]) -> u8 {
    let has = |wanted: u8| text.contains(&wanted);
    if !has(b'\n') && has(b'\r') { b'\r' } else { b'\n' }
}

/// The cells of the record at `start`, and where the next begins.
fn first_record(text: &[u8], start: usize, marks: Marks) -> Result<(Vec<Range<usize>>, usize), Unknown> {
    let limit = (start + RECORD_BYTES_MAX).min(text.len());
    let mut cells = Vec::new();
    let mut cell = start;
    let mut body = None;
    let end = walk(&text[..limit], start, marks, |at| {
        cells.push(cell..at);
        cell = at + 1;
        if text[at] == marks.newline {
            body = Some(cell);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    match (body, end) {
        (Some(_), _) => {}
        _ if limit < text.len() => return Err(Unknown::TooLong),
        (None, End::Quoted { opened }) => return Err(Unknown::OpenQuote { at: opened }),
        (None, _) => cells.push(cell..text.len()),
    }
    if let Some(last) = cells.last_mut()
        && last.end > last.start
        && text[last.end - 1] == b'\r'
    {
        last.end -= 1;
    }
    Ok((cells, body.unwrap_or(text.len())))
}

/// The beginning of a text.
struct Head<'a> {
    text: &'a [u8],
    range: Range<usize>,
    newline: u8,
}

impl Head<'_> {
    /// The delimiter under which most records have the same number of cells, more than one.
    fn delimiter(&self, prefers_tab: bool) -> u8 {
        let mut candidates = DELIMITERS;
        if prefers_tab {
            candidates.rotate_left(2);
        }
        let scored = candidates.iter().rev().filter_map(|&delimiter| {
            let counts = self.counts(Marks {
                delimiter,
                newline: self.newline,
            });
            score(&counts).map(|score| (score, delimiter))
        });
        // The last of equal maxima wins, which is the most preferred because of the reversal.
        let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b));
        best.map_or(NO_DELIMITER, |(_, delimiter)| delimiter)
    }

    /// Cells of each of the first records.
    fn counts(&self, marks: Marks) -> Vec<usize> {
        self.records(marks).iter().map(Vec::len).collect()
    }

    /// The cells of the first records that are not blank.
    fn records(&self, marks: Marks) -> Vec<Vec<Range<usize>>> {
        let text = &self.text[..self.range.end];
        let mut records = Vec::new();
        let mut cells = Vec::new();
        let mut cell = self.range.start;
        let mut take = |cells: &mut Vec<Range<usize>>| {
            let record = std::mem::take(cells);
            let is_blank = record.len() == 1 && matches!(text[record[0].clone()], [] | [b'\r']);
            if !is_blank {
                records.push(record);
            }
            records.len() < RECORDS
        };
        let end = walk(text, cell, marks, |at| {
            cells.push(cell..at);
            cell = at + 1;
            if text[at] == marks.newline && !take(&mut cells) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if end != End::Stopped && text.len() == self.text.len() && cell < text.len() {
            cells.push(cell..text.len());
            take(&mut cells);
        }
        records
    }

    /// Whether the first record looks like names above values.
    fn has_header(&self, first: &[Range<usize>], marks: Marks) -> bool {
        let records = self.records(marks);
        let rows = records.get(1..).unwrap_or(&[]);
        let mut scratch = Vec::new();
        let mut below = vec![Sample::default(); first.len()];
        for row in rows.iter().filter(|row| row.len() == first.len()) {
            for (sample, cell) in below.iter_mut().zip(row) {
                sample.add(unquoted(&self.text[cell.clone()], &mut scratch));
            }
        }
        let mut values = 0;
        let mut are_labels = true;
        for (position, (cell, sample)) in first.iter().zip(&below).enumerate() {
            let cell = unquoted(&self.text[cell.clone()], &mut scratch);
            let is_typed = !matches!(sample.plan(&Wish::Infer), Plan::Words | Plan::Text);
            let has_values = sample.bytes_mean() > 0;
            if is_value(cell) {
                values += 1;
                are_labels &= is_label(cell, position, first.len());
                if !is_typed {
                    return true;
                }
            } else if !is_missing(cell) && is_typed && has_values {
                return true;
            }
        }
        values == 0 || are_labels || rows.is_empty()
    }
}

/// Share of records with the most frequent number of cells; `None` if this is no delimiter.
fn score(counts: &[usize]) -> Option<f64> {
    let modal = *counts.iter().max_by_key(|count| {
        let same = counts.iter().filter(|other| other == count).count();
        (same, **count)
    })?;
    let share = counts.iter().filter(|&&count| count == modal).count() as f64 / counts.len() as f64;
    if counts[0] > 1 && modal > 1 {
        // Ties between delimiters go to the one that makes more cells, up to a point.
        return Some(share + 0.001 * modal.min(50) as f64);
    }
    // A header without the delimiter above rows that all have it is a damaged header, not a table of one column.
    let is_plain = modal > 1 && share >= 0.9 * (1.0 - 1.0 / counts.len() as f64) && counts.len() > 1;
    let has_none = counts.iter().all(|&count| count == 1);
    (is_plain || counts[0] > 1 && !has_none).then_some(share * 0.5)
}

/// A number or a date.
fn is_value(cell: &[u8]) -> bool {
    matches!(general(cell), Number::Value(_) | Number::Wide(_))
        || DateOrder::ALL
            .iter()
            .any(|(order, _)| moment::read(cell, *order).is_some())
}

/// A number that is usual as a column name: a year, or the column's own position among several.
fn is_label(cell: &[u8], position: usize, count: usize) -> bool {
    match general(cell) {
        Number::Value(value) => {
            let is_year = value.fract() == 0.0 && (1800.0..=2200.0).contains(&value);
            let is_position = value == position as f64 || value == (position + 1) as f64;
            is_year || is_position && count > 2
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(text: &str) -> Dialect {
        detect(text.as_bytes(), Hints::default()).expect("a dialect")
    }

    #[test]
    fn delimiters_are_found() {
        let check =
            |text: &str, delimiter: u8| assert_eq!(dialect(text).marks.delimiter, delimiter, "{text:?}");
        check("a,b\n1,2\n", b',');
        check("a;b\n1,5;2,5\n", b';');
        check("a\tb\n1,0\t2\n", b'\t');
        check("a|b|c\n1|2|3\n", b'|');
        check(
            "text\nhello, world\nno comma here\nwell, well, well\n",
            NO_DELIMITER,
        );
        check("a,b\n\"x;y;z\",2\n", b',');
        check("a,b\n1\n1,2\n3,4\n", b',');
        check("x\n1\n2\n", NO_DELIMITER);
        check("a,b\r1,2\r", b',');
    }

    #[test]
    fn headers_are_told_from_values() {
        let check = |text: &str, expected: bool| assert_eq!(dialect(text).has_header, expected, "{text:?}");
        check("a,b\n1,2\n", true);
        check("name,city\nbob,paris\n", true);
        check("5.1,3.5,setosa\n4.9,3.0,setosa\n", false);
        check("1,2\n3,4\n", false);
        check("1,2,3\n4,5,6\n", true); // their own positions: the names that some writers give
        check("10,20\n30,40\n", false);
        check("name,2019,2020\nbob,1,2\n", true);
        check("0,1,2\n0.5,0.2,0.1\n", true);
        check("id,5\n1,x\n", true);
        check("2024-01-01,7.5\n2024-01-02,8.5\n", false);
    }

    #[test]
    fn the_body_begins_behind_the_header() {
        let found = dialect("\n\na,b\r\n10,20\r\n");
        assert_eq!((found.body, found.marks.newline), (7, b'\n'));
        assert_eq!(found.first, [2..3, 4..5]);
        assert_eq!(dialect("10,20\n30,40\n").body, 0);
    }

    #[test]
    fn texts_without_a_first_record_are_refused() {
        assert_eq!(detect(b"\n\r\n", Hints::default()), Err(Unknown::Empty));
        assert_eq!(
            detect(b"a,\"b\n1,2\n", Hints::default()),
            Err(Unknown::OpenQuote { at: 2 })
        );
    }
}
