//! The final columns, cut into one slot a piece, filled in parallel and joined again.

use std::ops::Range;
use std::sync::Arc;

use kolosal_base::Cancel;
use kolosal_compute::Workers;

use super::layout::Piece;
use super::parse::{BadCell, Cell, Part, Quoted, Rows, Seen, Slot};
use super::runs::{Records, Runs, Uneven, WINDOW};
use crate::infer::NumberFacts;
use crate::parse::moment::DateOrder;
use crate::read::dictionary::{Dictionary, merge};
use crate::read::finish::Raw;
use crate::read::plan::Plan;
use crate::{Categories, MISSING, Strings};

/// A column after all pieces are read.
#[derive(Debug)]
pub(super) enum Filled {
    Skipped,
    /// Its values; for numbers also the first infinite cell.
    Read(Raw, Option<Cell>),
    /// The first cell that is not what the plan says.
    Contradicted(Cell),
}

/// Why reading stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    Uneven(Uneven),
    /// A bad cell and the position of its column.
    Cell(usize, BadCell),
    /// There are not the rows that the layout counted: someone is writing to the file.
    Changed,
    Cancelled,
}

/// What is read and how.
pub(super) struct Task<'a> {
    pub(super) records: Records<'a>,
    pub(super) pieces: &'a [Piece],
    pub(super) quoted: Quoted,
    /// One plan a cell of a record.
    pub(super) plans: &'a [Plan],
    /// Called with the bytes of each piece once they are read.
    pub(super) done: &'a (dyn Fn(Range<usize>) + Sync),
}

/// The storage of a whole column.
enum Store {
    Skip,
    Numbers(Vec<f64>),
    Moments(Vec<f64>, DateOrder),
    Words(Vec<u32>),
    Text,
}

/// One piece with its slots, and the error that ended it.
struct Work<'a> {
    parts: Vec<Part<'a>>,
    stopped: Option<Stop>,
}

/// What remains of a part once its values are in place.
struct Remains {
    seen: Seen,
    dictionary: Dictionary,
    strings: Strings,
}

impl Task<'_> {
    /// Reads every column by its plan; of several errors, the first in the file is returned.
    pub(super) fn read(&self, workers: &Workers, cancel: &Cancel) -> Result<Vec<Filled>, Stop> {
        let rows = self.pieces.last().map_or(0, |piece| piece.first_row + piece.rows);
        let mut stores: Vec<Store> = self.plans.iter().map(|&plan| Store::new(plan, rows)).collect();
        let mut works = self.cut(&mut stores);
        workers.for_each_mut(&mut works, |index, work| {
            let result = self.read_piece(&self.pieces[index], &mut work.parts, cancel);
            work.stopped = result.err();
            (self.done)(self.pieces[index].bytes.clone());
        });
        if let Some(stop) = works.iter_mut().find_map(|work| work.stopped.take()) {
            return Err(stop);
        }
        let mut remains: Vec<Vec<Remains>> = self.plans.iter().map(|_| Vec::new()).collect();
        for work in works {
            for (column, part) in remains.iter_mut().zip(work.parts) {
                column.push(Remains::of(part));
            }
        }
        let mut columns: Vec<(Store, Vec<Remains>, Filled)> = stores
            .into_iter()
            .zip(remains)
            .map(|(store, remains)| (store, remains, Filled::Skipped))
            .collect();
        workers.for_each_mut(&mut columns, |_, (store, remains, filled)| {
            let store = std::mem::replace(store, Store::Skip);
            *filled = self.join(store, std::mem::take(remains));
        });
        Ok(columns.into_iter().map(|(_, _, filled)| filled).collect())
    }

    /// One list of slots a piece, each slot as long as the piece has rows.
    fn cut<'s>(&self, stores: &'s mut [Store]) -> Vec<Work<'s>> {
        let work = || Work {
            parts: Vec::with_capacity(self.plans.len()),
            stopped: None,
        };
        let mut works: Vec<Work<'s>> = self.pieces.iter().map(|_| work()).collect();
        for store in stores {
            match store {
                Store::Skip => works.iter_mut().for_each(|work| work.push(Slot::Skip)),
                Store::Text => works
                    .iter_mut()
                    .for_each(|work| work.push(Slot::Text(Strings::default()))),
                Store::Numbers(values) => deal(values, self.pieces, &mut works, Slot::Numbers),
                Store::Moments(values, order) => {
                    let order = *order;
                    deal(values, self.pieces, &mut works, |slot| Slot::Moments(slot, order));
                }
                Store::Words(codes) => {
                    deal(codes, self.pieces, &mut works, |slot| {
                        Slot::Words(slot, Dictionary::default())
                    });
                }
            }
        }
        works
    }

    fn read_piece(&self, piece: &Piece, parts: &mut [Part<'_>], cancel: &Cancel) -> Result<(), Stop> {
        let mut runs = Runs::new(self.records, piece, WINDOW);
        let mut in_piece = 0;
        while let Some(run) = runs.next_run().map_err(Stop::Uneven)? {
            if cancel.is_requested() {
                return Err(Stop::Cancelled);
            }
            if in_piece + run.rows > piece.rows {
                return Err(Stop::Changed);
            }
            let rows = Rows {
                run,
                in_piece,
                in_table: piece.first_row + in_piece,
                quoted: self.quoted,
            };
            for (position, part) in parts.iter_mut().enumerate() {
                rows.fill(position, part)
                    .map_err(|bad| Stop::Cell(position, bad))?;
            }
            in_piece += run.rows;
        }
        if in_piece != piece.rows {
            return Err(Stop::Changed);
        }
        Ok(())
    }

    fn join(&self, store: Store, mut remains: Vec<Remains>) -> Filled {
        if let Some(cell) = remains.iter_mut().find_map(|part| part.seen.contradiction.take()) {
            return Filled::Contradicted(cell);
        }
        match store {
            Store::Skip => Filled::Skipped,
            Store::Numbers(values) => {
                let mut facts = NumberFacts::default();
                remains.iter().for_each(|part| facts.join(&part.seen.facts));
                let infinity = remains.iter_mut().find_map(|part| part.seen.infinity.take());
                Filled::Read(Raw::Numbers(values, facts), infinity)
            }
            Store::Moments(values, order) => Filled::Read(Raw::Moments(values, order), None),
            Store::Words(codes) => Filled::Read(Raw::Words(self.recode(codes, &remains)), None),
            Store::Text => Filled::Read(Raw::Text(joined(remains)), None),
        }
    }

    /// From codes of each piece's own dictionary to codes of sorted levels.
    fn recode(&self, mut codes: Vec<u32>, remains: &[Remains]) -> Categories {
        let dictionaries: Vec<&Dictionary> = remains.iter().map(|part| &part.dictionary).collect();
        let merged = merge(&dictionaries);
        for (piece, map) in self.pieces.iter().zip(&merged.maps) {
            for code in &mut codes[piece.first_row..piece.first_row + piece.rows] {
                if *code != MISSING {
                    *code = map[*code as usize];
                }
            }
        }
        Categories::new(codes, Arc::clone(&merged.levels))
    }
}

impl Store {
    fn new(plan: Plan, rows: usize) -> Self {
        match plan {
            Plan::Skip => Self::Skip,
            Plan::Numbers => Self::Numbers(vec![0.0; rows]),
            Plan::Moments(order) => Self::Moments(vec![0.0; rows], order),
            Plan::Words => Self::Words(vec![0; rows]),
            Plan::Text => Self::Text,
        }
    }
}

impl<'a> Work<'a> {
    fn push(&mut self, slot: Slot<'a>) {
        let seen = Seen::default();
        self.parts.push(Part { slot, seen });
    }
}

impl Remains {
    fn of(part: Part<'_>) -> Self {
        let (dictionary, strings) = match part.slot {
            Slot::Words(_, dictionary) => (dictionary, Strings::default()),
            Slot::Text(strings) => (Dictionary::default(), strings),
            _ => (Dictionary::default(), Strings::default()),
        };
        Self {
            seen: part.seen,
            dictionary,
            strings,
        }
    }
}

/// Gives each piece its part of a column.
fn deal<'s, T>(
    mut values: &'s mut [T],
    pieces: &[Piece],
    works: &mut [Work<'s>],
    slot: impl Fn(&'s mut [T]) -> Slot<'s>,
) {
    for (piece, work) in pieces.iter().zip(works) {
        let (own, rest) = values.split_at_mut(piece.rows);
        work.push(slot(own));
        values = rest;
    }
}

fn joined(remains: Vec<Remains>) -> Strings {
    let count = remains.iter().map(|part| part.strings.len()).sum();
    let bytes = remains.iter().map(|part| part.strings.text_bytes()).sum();
    let mut strings = Strings::with_capacity(count, bytes);
    for part in remains {
        strings.append(&part.strings);
    }
    strings
}
