//! Delimited text: CSV, TSV and their relatives.
//!
//! The text is cut into pieces at record borders ([`layout`]); each piece is walked in runs of rows whose separators
//! are known ([`runs`]); the cells of a run go column by column into the slots of the final columns ([`parse`],
//! [`columns`]). A sample decides the plan of each column; a column whose plan proves wrong is read once more as words.

mod careful;
mod columns;
mod detect;
mod head;
mod layout;
mod parse;
mod runs;

use std::collections::BTreeSet;

use kolosal_base::limits::{CELL_BYTES_MAX, RECORD_BYTES_MAX, ROWS_MAX};

use self::careful::unquoted;
use self::columns::{Filled, Stop, Task};
use self::detect::Dialect;
use self::layout::{Body, Layout, Obstacle};
use self::parse::{BadCell, Cell};
use self::runs::{Records, Runs, Uneven};
use super::finish::{Finished, Raw, Unfinished};
use super::plan::{Plan, Sample, Wish};
use super::source::Source;
use super::{Job, Place, ReadError, Reading, shorten};
use crate::infer::grouped;
use crate::{Column, Field, Frame, FrameError, Kind};

pub(crate) use self::parse::Quoted;

/// Slots (pieces times columns) kept at most, so that very wide files are cut into fewer pieces.
const SLOTS_MAX: usize = 1 << 20;

/// Rows of a sample taken at each of three places.
const SAMPLE_ROWS: usize = 200;

/// Bytes indexed for a sample at each of three places.
const SAMPLE_WINDOW: usize = 32 << 10;

/// A text to be read as a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DelimitedText<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where the text lies, behind `skipped` bytes, if pages read may be released.
    pub(crate) source: Option<&'a Source>,
    /// Bytes of the file before the text (a byte order mark).
    pub(crate) skipped: usize,
    pub(crate) prefers_tab: bool,
    pub(crate) quoted: Quoted,
}

/// A text of which names, wishes and layout are known.
struct Table<'a> {
    job: &'a Job<'a>,
    text: &'a [u8],
    source: Option<&'a Source>,
    /// Bytes of the file before `text`.
    offset: usize,
    /// Lines of the file before `text`.
    lines_before: usize,
    names: Vec<String>,
    /// What is asked for each column; `None` for those left out.
    wishes: Vec<Option<Wish>>,
    records: Records<'a>,
    layout: Layout,
    quoted: Quoted,
}

/// Reads a delimited text.
pub(crate) fn read(job: &Job<'_>, input: DelimitedText<'_>) -> Result<Reading, ReadError> {
    let table = Table::open(job, input)?;
    let samples = table.samples();
    let mut plans: Vec<Plan> = (table.wishes.iter().zip(&samples))
        .map(|(wish, sample)| wish.as_ref().map_or(Plan::Skip, |wish| sample.plan(wish)))
        .collect();
    let memory = table.reserve(&plans, &samples)?;
    let mut hints = vec![None; plans.len()];
    let mut done: Vec<Option<Finished>> = plans.iter().map(|_| None).collect();
    // The second round reads as words what the first found to be no numbers or dates; words fit every cell.
    for _ in 0..2 {
        if plans.iter().all(|&plan| plan == Plan::Skip) {
            break;
        }
        let filled = table.fill(&plans)?;
        let finished = table.finish(filled, &hints)?;
        for (position, finished) in finished.into_iter().enumerate() {
            match finished {
                Outcome::Finished(column) => {
                    done[position] = Some(column);
                    plans[position] = Plan::Skip;
                }
                Outcome::AsWords(hint) => {
                    hints[position] = hint;
                    plans[position] = samples[position].as_words();
                }
                Outcome::Nothing => plans[position] = Plan::Skip,
            }
        }
    }
    table.assemble(done, memory)
}

/// What a round of reading made of a column.
enum Outcome {
    Nothing,
    AsWords(Option<&'static str>),
    Finished(Finished),
}

impl<'a> Table<'a> {
    fn open(job: &'a Job<'a>, input: DelimitedText<'a>) -> Result<Self, ReadError> {
        let dialect = job.dialect(&input)?;
        let names = job.names(&input, &dialect)?;
        let wishes = job.wishes(&names)?;
        let Dialect { marks, body, .. } = dialect;
        let text = job.limited(&input.bytes[body..], marks);
        let lines_before = count_newlines(&input.bytes[..body], marks.newline);
        let piece = job
            .piece
            .unwrap_or_else(|| (text.len() / 32).clamp(256 << 10, 8 << 20));
        let piece = piece.max(text.len() / (SLOTS_MAX / names.len()).max(1));
        let laid_out = Body { text, marks, piece }.lay_out(job.workers, job.cancel);
        let line_of = |at: usize| lines_before + 1 + count_newlines(&text[..at], marks.newline);
        let layout = laid_out.map_err(|obstacle| match obstacle {
            Obstacle::Cancelled => ReadError::Cancelled,
            Obstacle::Nul { at } => job.not_a_table(format!("line {} holds a NUL byte", line_of(at))),
            Obstacle::OpenQuote { at } => ReadError::UnclosedQuote {
                file: job.file(),
                line: line_of(at),
            },
        })?;
        let columns = names.len();
        if layout.rows == 0 {
            return Err(ReadError::HeaderOnly {
                file: job.file(),
                columns,
            });
        }
        if layout.rows > ROWS_MAX {
            let (found, limit) = (layout.rows, ROWS_MAX);
            return Err(job.table_error(FrameError::TooLarge {
                what: "rows",
                found,
                limit,
            }));
        }
        let records = Records {
            text,
            marks,
            cells: columns,
            is_careful: layout.is_careful,
        };
        let offset = input.skipped + body;
        let (quoted, source) = (input.quoted, input.source);
        Ok(Self {
            job,
            text,
            source,
            offset,
            lines_before,
            names,
            wishes,
            records,
            layout,
            quoted,
        })
    }

    /// Cells from the beginning, the middle and the end of the file. Errors are left to the reading itself.
    fn samples(&self) -> Vec<Sample> {
        let mut samples = vec![Sample::default(); self.names.len()];
        let pieces = &self.layout.pieces;
        let places: BTreeSet<usize> = [0, pieces.len() / 2, pieces.len() - 1].into();
        let mut scratch = Vec::new();
        for &place in &places {
            let mut runs = Runs::new(self.records, &pieces[place], SAMPLE_WINDOW);
            let Ok(Some(run)) = runs.next_run() else {
                continue;
            };
            for row in 0..run.rows.min(SAMPLE_ROWS) {
                for (position, sample) in samples.iter_mut().enumerate() {
                    if self.wishes[position].is_none() {
                        continue;
                    }
                    let cell = &self.text[run.cell(row, position)];
                    let value = unquoted(cell, &mut scratch);
                    match (self.quoted, cell) {
                        (Quoted::IsWord, [b'"', ..]) => sample.add_word(value),
                        _ => sample.add(value),
                    }
                }
            }
        }
        samples
    }

    fn reserve(&self, plans: &[Plan], samples: &[Sample]) -> Result<kolosal_compute::Reservation, ReadError> {
        let cell = |(plan, sample): (&Plan, &Sample)| match plan {
            Plan::Skip => 0,
            Plan::Numbers | Plan::Moments(_) => size_of::<f64>(),
            Plan::Words => size_of::<u32>(),
            Plan::Text => size_of::<u64>() + sample.bytes_mean(),
        };
        let row: usize = plans.iter().zip(samples).map(cell).sum();
        self.job.reserve((row * self.layout.rows) as u64)
    }

    fn fill(&self, plans: &[Plan]) -> Result<Vec<Filled>, ReadError> {
        let task = Task {
            records: self.records,
            pieces: &self.layout.pieces,
            quoted: self.quoted,
            plans,
            done: &|piece| {
                if let Some(source) = self.source {
                    source.release(self.offset + piece.start..self.offset + piece.end);
                }
            },
        };
        task.read(self.job.workers, self.job.cancel)
            .map_err(|stop| self.stop_error(stop))
    }

    /// Judges every column that was read; the first error in column order wins.
    fn finish(&self, filled: Vec<Filled>, hints: &[Option<&'static str>]) -> Result<Vec<Outcome>, ReadError> {
        let mut columns: Vec<(Option<Filled>, Result<Outcome, ReadError>)> = filled
            .into_iter()
            .map(|filled| (Some(filled), Ok(Outcome::Nothing)))
            .collect();
        self.job
            .workers
            .for_each_mut(&mut columns, |position, (filled, outcome)| {
                if let Some(filled) = filled.take() {
                    *outcome = self.finish_one(position, filled, hints[position]);
                }
            });
        columns.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn finish_one(
        &self,
        position: usize,
        filled: Filled,
        hint: Option<&'static str>,
    ) -> Result<Outcome, ReadError> {
        let Some(wish) = &self.wishes[position] else {
            return Ok(Outcome::Nothing);
        };
        let raw = match (filled, wish.kind()) {
            (Filled::Skipped, _) => return Ok(Outcome::Nothing),
            (Filled::Contradicted(_), None) => return Ok(Outcome::AsWords(None)),
            (Filled::Contradicted(cell), Some(wanted)) => {
                return Err(self.value_error(position, &cell, wanted));
            }
            (Filled::Read(Raw::Numbers(_, facts), Some(cell)), kind) => {
                return match facts.are_codes() {
                    Some(hint) if kind.is_none() => Ok(Outcome::AsWords(Some(hint))),
                    _ => Err(self.infinite_error(position, &cell)),
                };
            }
            (Filled::Read(raw, _), _) => raw,
        };
        let name = &self.names[position];
        match (Unfinished { name, wish, hint }).finish(raw) {
            Finished::AsWords(reason) => Ok(Outcome::AsWords(Some(reason))),
            Finished::Refused { row, value, wanted } => Err(ReadError::Value {
                place: self.place_of_row(row),
                column: name.clone(),
                value: shorten(value.as_bytes()),
                wanted,
            }),
            finished => Ok(Outcome::Finished(finished)),
        }
    }

    fn assemble(
        &self,
        done: Vec<Option<Finished>>,
        memory: kolosal_compute::Reservation,
    ) -> Result<Reading, ReadError> {
        let mut notes = Vec::new();
        if self.layout.blanks > 0 {
            notes.push(format!(
                "{} blank lines were skipped",
                grouped(self.layout.blanks)
            ));
        }
        if self.layout.is_careful {
            notes.push("some quotes stand inside cells: they were read as characters".to_owned());
        }
        let mut columns: Vec<(Field, Column)> = Vec::with_capacity(done.len());
        for finished in done.into_iter().flatten() {
            match finished {
                Finished::Done(field, column) => columns.push((field, column)),
                Finished::Noted(field, column, note) => {
                    columns.push((field, column));
                    notes.push(note);
                }
                Finished::AsWords(_) | Finished::Refused { .. } => {
                    unreachable!("handled when the column was finished")
                }
            }
        }
        let frame = Frame::new(columns).map_err(|source| self.job.table_error(source))?;
        drop(memory);
        self.job.deliver(frame, notes)
    }

    fn stop_error(&self, stop: Stop) -> ReadError {
        match stop {
            Stop::Cancelled => ReadError::Cancelled,
            Stop::Changed => ReadError::Changed {
                file: self.job.file(),
            },
            Stop::Uneven(Uneven::TooLong { start }) => ReadError::RecordTooLong {
                file: self.job.file(),
                line: self.line_at(start),
                limit: RECORD_BYTES_MAX,
            },
            Stop::Uneven(Uneven::Ragged { start, row, found }) => ReadError::Ragged {
                place: self.place(row, start),
                found,
                expected: self.records.cells,
                delimiter: shown(self.records.marks.delimiter),
            },
            Stop::Cell(position, BadCell::TooLong { cell }) => ReadError::CellTooLong {
                place: self.place(cell.row, cell.bytes.start),
                column: self.names[position].clone(),
                found: cell.bytes.len(),
                limit: CELL_BYTES_MAX,
            },
            Stop::Cell(position, BadCell::Encoding { cell, at }) => ReadError::Encoding {
                place: self.place(cell.row, cell.bytes.start),
                column: self.names[position].clone(),
                offset: self.offset + at,
                value: shorten(&self.text[cell.bytes]),
            },
        }
    }

    fn value_error(&self, position: usize, cell: &Cell, wanted: Kind) -> ReadError {
        ReadError::Value {
            place: self.place(cell.row, cell.bytes.start),
            column: self.names[position].clone(),
            value: self.shown_cell(cell),
            wanted,
        }
    }

    fn infinite_error(&self, position: usize, cell: &Cell) -> ReadError {
        ReadError::Infinite {
            place: self.place(cell.row, cell.bytes.start),
            column: self.names[position].clone(),
            value: self.shown_cell(cell),
        }
    }

    fn shown_cell(&self, cell: &Cell) -> String {
        shorten(unquoted(&self.text[cell.bytes.clone()], &mut Vec::new()))
    }

    fn place(&self, row: usize, at: usize) -> Place {
        Place {
            file: self.job.file(),
            row: row + 1,
            line: Some(match self.quoted {
                Quoted::MayBeNumber => self.line_at(at),
                Quoted::IsWord => row + 1, // One JSON object a line, rewritten as a row.
            }),
        }
    }

    fn line_at(&self, at: usize) -> usize {
        self.lines_before + 1 + count_newlines(&self.text[..at], self.records.marks.newline)
    }

    fn place_of_row(&self, row: usize) -> Place {
        let pieces = &self.layout.pieces;
        let piece = &pieces[pieces.partition_point(|piece| piece.first_row + piece.rows <= row)];
        let mut runs = Runs::new(self.records, piece, runs::WINDOW);
        let mut first = piece.first_row;
        while let Ok(Some(run)) = runs.next_run() {
            if row < first + run.rows {
                return self.place(row, run.cell(row - first, 0).start);
            }
            first += run.rows;
        }
        unreachable!("row {row} was read before")
    }
}

fn count_newlines(text: &[u8], newline: u8) -> usize {
    text.iter().filter(|&&byte| byte == newline).count()
}

fn shown(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tab".to_owned(),
        byte if byte.is_ascii_graphic() => char::from(byte).to_string(),
        byte => format!("byte {byte}"),
    }
}
