//! Walking over a piece in runs of complete rows, each with the positions of all its separators.

use std::ops::Range;

use kolosal_base::limits::RECORD_BYTES_MAX;
use kolosal_compute::kernels::decimal::Cells;
use kolosal_compute::kernels::scan::{self, Marks, SEPARATORS_SLACK};

use super::careful::{self, is_blank};
use super::layout::Piece;

/// Bytes indexed at once: text, positions and the values made of them stay in the second level cache.
pub(super) const WINDOW: usize = 96 << 10;

/// A text of records with an equal number of cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records<'a> {
    pub(super) text: &'a [u8],
    pub(super) marks: Marks,
    /// Cells of a record.
    pub(super) cells: usize,
    pub(super) is_careful: bool,
}

/// Rows whose cells are known by position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) text: &'a [u8],
    pub(super) rows: usize,
    cells: usize,
    base: usize,
    /// Where each cell ends, preceded by where the one before the first ends; relative to `base`.
    ends: &'a [u32],
}

impl<'a> Run<'a> {
    /// The cells of a column.
    #[inline(always)]
    pub(super) fn column(&self, position: usize) -> Cells<'a> {
        Cells {
            text: self.text,
            base: self.base,
            ends: self.ends,
            stride: self.cells,
            position,
        }
    }

    /// The bytes of a cell.
    #[inline(always)]
    pub(super) fn cell(&self, row: usize, position: usize) -> Range<usize> {
        self.column(position).range(row)
    }
}

/// Why a piece cannot be split into rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uneven {
    /// The row that begins at this offset has another number of cells.
    Ragged { start: usize, row: usize, found: usize },
    /// The record that begins at this offset is too long.
    TooLong { start: usize },
}

/// The runs of a piece, in order.
#[derive(Debug)]
pub(super) struct Runs<'a> {
    records: Records<'a>,
    end: usize,
    window: usize,
    /// Start of the indexed window.
    base: usize,
    /// Separators in the window, behind one that stands for the end of the record before.
    total: usize,
    newlines: usize,
    /// The separator before the next row.
    at: usize,
    row: usize,
    ends: Vec<u32>,
}

/// Stands for the separator before the first byte: one more is zero.
const BEFORE: u32 = u32::MAX;

impl<'a> Runs<'a> {
    /// The runs of a piece, indexed `window` bytes at a time.
    pub(super) fn new(records: Records<'a>, piece: &Piece, window: usize) -> Self {
        Self {
            records,
            end: piece.bytes.end,
            window,
            base: piece.bytes.start,
            total: 0,
            newlines: 0,
            at: 0,
            row: piece.first_row,
            ends: vec![BEFORE],
        }
    }

    /// The next run, if the piece has more rows.
    pub(super) fn next_run(&mut self) -> Result<Option<Run<'_>>, Uneven> {
        loop {
            let rows = self.regular_rows();
            if rows > 0 {
                let first = self.at;
                self.at += rows * self.records.cells;
                self.row += rows;
                return Ok(Some(Run {
                    text: self.records.text,
                    rows,
                    cells: self.records.cells,
                    base: self.base,
                    ends: &self.ends[first..=self.at],
                }));
            }
            if self.skip_blank() {
                continue;
            }
            self.check_ragged()?;
            if !self.index_on()? {
                return Ok(None);
            }
        }
    }

    /// Complete rows with the right number of cells from the current one on.
    fn regular_rows(&self) -> usize {
        let cells = self.records.cells;
        if cells > 1 && self.at == 0 {
            // As many line ends as rows, each where a row must end: then there is none elsewhere.
            let rows = self.newlines;
            if rows * cells <= self.total && (1..=rows).all(|row| self.is_newline(row * cells)) {
                return rows;
            }
        }
        let mut rows = 0;
        while self.is_regular(self.at + rows * cells) {
            rows += 1;
        }
        rows
    }

    fn is_regular(&self, before: usize) -> bool {
        let last = before + self.records.cells;
        last <= self.total
            && (before + 1..last).all(|at| !self.is_newline(at))
            && self.is_newline(last)
            && !self.is_blank_at(before)
    }

    fn skip_blank(&mut self) -> bool {
        let blank = self.at < self.total && self.is_blank_at(self.at);
        self.at += usize::from(blank);
        blank
    }

    fn is_blank_at(&self, before: usize) -> bool {
        self.is_newline(before + 1)
            && is_blank(
                self.records.text,
                self.start_behind(before),
                self.base + self.ends[before + 1] as usize,
            )
    }

    /// An error if the current row is complete; it is not regular.
    fn check_ragged(&self) -> Result<(), Uneven> {
        match (self.at + 1..=self.total).find(|&at| self.is_newline(at)) {
            None => Ok(()),
            Some(newline) => Err(Uneven::Ragged {
                start: self.start_behind(self.at),
                row: self.row,
                found: newline - self.at,
            }),
        }
    }

    /// Indexes the text from the current row on; false at the end of the piece.
    fn index_on(&mut self) -> Result<bool, Uneven> {
        let text = self.records.text;
        let start = self.start_behind(self.at);
        let indexed_to = (self.base + self.window).min(self.end);
        if start >= self.end {
            return Ok(false);
        }
        if start == self.base && self.ends.len() > 1 {
            // Not even one record fits: look at twice as much.
            if self.window >= RECORD_BYTES_MAX || indexed_to == self.end {
                return Err(Uneven::TooLong { start });
            }
            self.window = (self.window * 2).min(RECORD_BYTES_MAX);
        }
        let stop = (start + self.window).min(self.end);
        let window = &text[start..stop];
        let slots = self.window.min(self.end - start) + 2 + SEPARATORS_SLACK;
        if self.ends.len() < slots {
            self.ends = vec![0; slots];
        }
        let found = if self.records.is_careful {
            careful::separators(window, self.records.marks, &mut self.ends[1..])
        } else {
            scan::separators(window, self.records.marks, &mut self.ends[1..])
        };
        self.ends[0] = BEFORE;
        (self.base, self.at) = (start, 0);
        (self.total, self.newlines) = (found.separators, found.newlines);
        if stop == text.len() && text[stop - 1] != self.records.marks.newline {
            // The end of the text ends its last record.
            self.total += 1;
            self.newlines += 1;
            self.ends[self.total] = window.len() as u32;
        }
        Ok(true)
    }

    fn is_newline(&self, at: usize) -> bool {
        let is_line_end = |end: u32| {
            let byte = self.records.text.get(self.base + end as usize);
            byte.is_none_or(|byte| *byte == self.records.marks.newline)
        };
        at <= self.total && is_line_end(self.ends[at])
    }

    fn start_behind(&self, at: usize) -> usize {
        self.base + self.ends[at].wrapping_add(1) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, cells: usize, window: usize) -> Result<Vec<Vec<String>>, Uneven> {
        let marks = Marks {
            delimiter: b',',
            newline: b'\n',
        };
        let records = Records {
            text: text.as_bytes(),
            marks,
            cells,
            is_careful: false,
        };
        let piece = Piece {
            bytes: 0..text.len(),
            first_row: 0,
            rows: 0,
        };
        let mut runs = Runs::new(records, &piece, window);
        let mut rows = Vec::new();
        while let Some(run) = runs.next_run()? {
            for row in 0..run.rows {
                rows.push(
                    (0..cells)
                        .map(|cell| text[run.cell(row, cell)].to_owned())
                        .collect(),
                );
            }
        }
        Ok(rows)
    }

    #[test]
    fn every_window_gives_the_same_rows() {
        let text = "a,b\r\n\n\"c\n,\",d\n\r\n,\nlonger than any window,x\nlast,y";
        let expected = [
            ["a", "b"],
            ["\"c\n,\"", "d"],
            ["", ""],
            ["longer than any window", "x"],
            ["last", "y"],
        ];
        for window in 1..100 {
            assert_eq!(rows(text, 2, window).expect("regular"), expected, "{window}");
        }
    }

    #[test]
    fn blank_lines_are_no_rows_of_a_single_column() {
        for window in 1..10 {
            assert_eq!(
                rows("a\n\n\"\"\nb\n\n", 1, window).expect("regular"),
                [["a"], ["\"\""], ["b"]]
            );
        }
    }

    #[test]
    fn rows_with_too_few_or_too_many_cells_are_found() {
        for window in 1..20 {
            assert_eq!(
                rows("a,b\nc\nd,e\n", 2, window),
                Err(Uneven::Ragged {
                    start: 4,
                    row: 1,
                    found: 1
                })
            );
            assert_eq!(
                rows("a,b\nc,d,e,f\n", 2, window),
                Err(Uneven::Ragged {
                    start: 4,
                    row: 1,
                    found: 4
                })
            );
            assert_eq!(
                rows("a,b\nc", 2, window),
                Err(Uneven::Ragged {
                    start: 4,
                    row: 1,
                    found: 1
                })
            );
        }
    }
}
