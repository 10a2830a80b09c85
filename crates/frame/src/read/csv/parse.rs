//! From the cells of a run into the slots of the columns.

use std::ops::Range;

use kolosal_base::limits::CELL_BYTES_MAX;
use kolosal_compute::kernels::decimal::plain_numbers;

use super::careful::unquoted;
use super::runs::Run;
use crate::infer::NumberFacts;
use crate::parse::is_missing;
use crate::parse::moment::{self, DateOrder};
use crate::parse::number::{Number, general, has_leading_zero};
use crate::read::dictionary::Dictionary;
use crate::{MISSING, Strings};

/// The places of one column in one piece of the file.
#[derive(Debug)]
pub(super) enum Slot<'a> {
    Skip,
    Numbers(&'a mut [f64]),
    Moments(&'a mut [f64], DateOrder),
    Words(&'a mut [u32], Dictionary),
    Text(Strings),
}

/// One column in one piece: where values go, and what was seen on the way.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) slot: Slot<'a>,
    pub(super) seen: Seen,
}

/// What was seen in a column.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) facts: NumberFacts,
    /// The first cell that is not what the plan says; reading of the column stops there.
    pub(super) contradiction: Option<Cell>,
    /// The first infinite number.
    pub(super) infinity: Option<Cell>,
}

/// A cell by row (from zero) and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) row: usize,
    pub(super) bytes: Range<usize>,
}

/// Whether a quoted number is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoted {
    /// As in CSV files, where quotes mean nothing.
    MayBeNumber,
    /// As in JSON.
    IsWord,
}

/// A cell that no plan can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BadCell {
    /// Not UTF-8, from this offset on.
    Encoding {
        cell: Cell,
        at: usize,
    },
    TooLong {
        cell: Cell,
    },
}

/// Rows of a run as part of a piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) run: Run<'a>,
    /// The run's first row within its piece.
    pub(super) in_piece: usize,
    /// The run's first row within the table.
    pub(super) in_table: usize,
    pub(super) quoted: Quoted,
}

impl Rows<'_> {
    /// Reads the cells at `position` of every row.
    pub(super) fn fill(&self, position: usize, part: &mut Part<'_>) -> Result<(), BadCell> {
        if part.seen.contradiction.is_some() {
            return Ok(());
        }
        let places = self.in_piece..self.in_piece + self.run.rows;
        match &mut part.slot {
            Slot::Skip => Ok(()),
            Slot::Numbers(out) => {
                self.fill_numbers(position, &mut out[places], &mut part.seen);
                Ok(())
            }
            Slot::Moments(out, order) => {
                self.fill_moments(position, &mut out[places], *order, &mut part.seen);
                Ok(())
            }
            Slot::Words(out, dictionary) => self.fill_words(position, &mut out[places], dictionary),
            Slot::Text(strings) => self.fill_text(position, strings),
        }
    }

    fn fill_numbers(&self, position: usize, out: &mut [f64], seen: &mut Seen) {
        let mut uncommon = Vec::new();
        let column = self.run.column(position);
        seen.facts.has_leading_zero |= plain_numbers(&column, out, &mut uncommon);
        for row in uncommon {
            let row = row as usize;
            let cell = Cell {
                row: self.in_table + row,
                bytes: column.range(row),
            };
            match self.uncommon_number(cell, seen) {
                Some(value) => out[row] = value,
                None => return,
            }
        }
        seen.facts.add(out);
    }

    /// A number in any spelling; `None` if the cell contradicts the plan.
    fn uncommon_number(&self, cell: Cell, seen: &mut Seen) -> Option<f64> {
        let raw = &self.run.text[cell.bytes.clone()];
        if raw.is_empty() {
            return Some(f64::NAN);
        }
        let mut scratch = Vec::new();
        let value = unquoted(raw, &mut scratch);
        let number = match general(value) {
            Number::Value(_) | Number::Wide(_) if raw[0] == b'"' && self.quoted == Quoted::IsWord => {
                Number::Not
            }
            number => number,
        };
        match number {
            Number::Value(number) => {
                seen.facts.has_leading_zero |= has_leading_zero(value);
                Some(number)
            }
            Number::Wide(number) => {
                seen.facts.has_wide = true;
                Some(number)
            }
            Number::Missing => Some(f64::NAN),
            Number::Infinite => {
                seen.infinity.get_or_insert(cell);
                Some(f64::NAN)
            }
            Number::Not => {
                seen.contradiction = Some(cell);
                None
            }
        }
    }

    fn fill_moments(&self, position: usize, out: &mut [f64], order: DateOrder, seen: &mut Seen) {
        let mut scratch = Vec::new();
        for (row, slot) in out.iter_mut().enumerate() {
            let bytes = self.run.cell(row, position);
            let raw = &self.run.text[bytes.clone()];
            *slot = match moment::read(raw, order) {
                Some(micros) => micros,
                None => {
                    let value = unquoted(raw, &mut scratch);
                    match moment::read(value, order) {
                        Some(micros) => micros,
                        None if is_missing(value) => f64::NAN,
                        None => {
                            seen.contradiction = Some(Cell {
                                row: self.in_table + row,
                                bytes,
                            });
                            return;
                        }
                    }
                }
            };
        }
    }

    fn fill_words(
        &self,
        position: usize,
        out: &mut [u32],
        dictionary: &mut Dictionary,
    ) -> Result<(), BadCell> {
        let mut scratch = Vec::new();
        for (row, slot) in out.iter_mut().enumerate() {
            let bytes = self.run.cell(row, position);
            let value = unquoted(&self.run.text[bytes.clone()], &mut scratch);
            if value.is_empty() {
                *slot = MISSING;
                continue;
            }
            *slot = dictionary
                .intern(value)
                .map_err(|_| self.bad_text(row, bytes.clone()))?;
            if value.len() > CELL_BYTES_MAX {
                return Err(BadCell::TooLong {
                    cell: Cell {
                        row: self.in_table + row,
                        bytes,
                    },
                });
            }
        }
        Ok(())
    }

    fn fill_text(&self, position: usize, strings: &mut Strings) -> Result<(), BadCell> {
        let mut scratch = Vec::new();
        for row in 0..self.run.rows {
            let bytes = self.run.cell(row, position);
            let value = unquoted(&self.run.text[bytes.clone()], &mut scratch);
            if value.len() > CELL_BYTES_MAX {
                return Err(BadCell::TooLong {
                    cell: Cell {
                        row: self.in_table + row,
                        bytes,
                    },
                });
            }
            let value = if is_missing(value) { b"" } else { value };
            let text = std::str::from_utf8(value).map_err(|_| self.bad_text(row, bytes))?;
            strings.push(text);
        }
        Ok(())
    }

    fn bad_text(&self, row: usize, bytes: Range<usize>) -> BadCell {
        let raw = &self.run.text[bytes.clone()];
        let valid = std::str::from_utf8(raw).map_or_else(|error| error.valid_up_to(), str::len);
        BadCell::Encoding {
            at: bytes.start + valid,
            cell: Cell {
                row: self.in_table + row,
                bytes,
            },
        }
    }
}
