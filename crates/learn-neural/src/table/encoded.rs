//! Rows as a network takes them.

use kolosal_compute::Workers;
use kolosal_frame::{FrameView, MISSING};

use super::plan::{Columns, NOWHERE, Plan};

/// Rows that a thread takes at a time.
const CHUNK: usize = 4096;

/// Rows, one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Encoded {
    pub(crate) rows: usize,
    /// Embedded numbers, then plain ones.
    pub(crate) numbers: Vec<f32>,
    /// The place of each column's level among all places.
    pub(crate) places: Vec<u32>,
    /// The code of each column's level in its table.
    pub(crate) codes: Vec<u32>,
}

impl Encoded {
    /// Bytes of so many rows.
    pub(crate) fn bytes(columns: &Columns, rows: usize) -> u64 {
        let widths = columns.widths;
        (rows * (widths.embedded + widths.plain + widths.placed + widths.coded) * 4) as u64
    }

    /// The rows of the view.
    pub(crate) fn of(columns: &Columns, view: FrameView<'_>, workers: &Workers) -> Self {
        let rows = view.row_count();
        let chunk = |at: usize| view.slice(at * CHUNK, CHUNK.min(rows - at * CHUNK));
        let parts = workers.map(rows.div_ceil(CHUNK), |at| encode(columns, chunk(at)));
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        for part in parts {
            all.rows += part.rows;
            all.numbers.extend_from_slice(&part.numbers);
            all.places.extend_from_slice(&part.places);
            all.codes.extend_from_slice(&part.codes);
        }
        all
    }
}

fn encode(columns: &Columns, view: FrameView<'_>) -> Encoded {
    let (widths, rows) = (columns.widths, view.row_count());
    let width = widths.embedded + widths.plain;
    let mut encoded = Encoded {
        rows,
        numbers: vec![0.0; rows * width],
        places: vec![0; rows * widths.placed],
        codes: vec![0; rows * widths.coded],
    };
    let (mut embedded, mut plain) = (0, widths.embedded);
    let (mut placed, mut places, mut coded) = (0, 0_u32, 0);
    for (at, plan) in columns.plans.iter().enumerate() {
        match plan {
            Plan::Nothing => {}
            Plan::Number {
                spread,
                gap,
                is_embedded,
            } => {
                let values = view.numbers(at);
                let next = if *is_embedded { &mut embedded } else { &mut plain };
                write(&mut encoded.numbers, (width, *next), &values, |x| spread.apply(x));
                *next += 1;
                if let Some(gap) = gap {
                    let known = |x: f64| gap.apply(f64::from(u8::from(x.is_nan())));
                    write(&mut encoded.numbers, (width, plain), &values, known);
                    plain += 1;
                }
            }
            Plan::Pair { lower, upper } => {
                let side = |code: u32| f32::from(i8::from(code == *upper) - i8::from(code == *lower));
                write(&mut encoded.numbers, (width, plain), &view.codes(at), side);
                plain += 1;
            }
            Plan::Places {
                place_of,
                missing,
                spreads,
            } => {
                let place = |code: u32| match level(place_of, [*missing, NOWHERE], code) {
                    NOWHERE => NOWHERE,
                    place => places + place,
                };
                write(
                    &mut encoded.places,
                    (widths.placed, placed),
                    &view.codes(at),
                    place,
                );
                (placed, places) = (placed + 1, places + spreads.len() as u32);
            }
            Plan::Vectors { code_of, missing, .. } => {
                let code = |code: u32| level(code_of, [*missing, 0], code);
                write(&mut encoded.codes, (widths.coded, coded), &view.codes(at), code);
                coded += 1;
            }
        }
    }
    encoded
}

/// What stands for a level, for a missing one, or for one that is not on the list.
fn level(of_code: &[u32], [missing, unknown]: [u32; 2], code: u32) -> u32 {
    if code == MISSING {
        return missing;
    }
    of_code.get(code as usize).copied().unwrap_or(unknown)
}

/// Writes a column into rows of so many numbers.
fn write<X: Copy, T>(out: &mut [T], (width, at): (usize, usize), values: &[X], f: impl Fn(X) -> T) {
    for (line, value) in out.chunks_exact_mut(width).zip(values) {
        line[at] = f(*value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Settings;
    use kolosal_frame::{Column, Field, Frame, Kind};

    #[test]
    fn rows_are_written_sort_by_sort() {
        let field = |name: &str, kind| Field::new(name, kind, "test");
        let frame = Frame::new(vec![
            (
                field("x", Kind::Numeric),
                Column::numbers(vec![0.0, 1.0, 2.0, f64::NAN]),
            ),
            (
                field("two", Kind::Categorical),
                Column::categories(&["a", "b", "b", "a"]),
            ),
            (
                field("three", Kind::Categorical),
                Column::categories(&["c", "a", "", "b"]),
            ),
            (
                field("many", Kind::Categorical),
                Column::categories(&["p", "q", "r", "s"]),
            ),
        ])
        .expect("one length");
        let settings = Settings {
            places_max: 4,
            embeds_numbers: true,
        };
        let workers = Workers::new(1);
        let columns = Columns::learn(frame.view(), settings, &workers);
        let encoded = Encoded::of(&columns, frame.view(), &workers);
        assert_eq!((encoded.rows, columns.widths.places), (4, 8));
        let x: Vec<f32> = encoded.numbers.chunks(3).map(|row| row[0]).collect();
        assert!(x[1] == 0.0 && x[3] == 0.0 && x[0] == -x[2] && x[2] > 0.9);
        let pairs: Vec<f32> = encoded.numbers.chunks(3).map(|row| row[2]).collect();
        assert_eq!(pairs, [-1.0, 1.0, 1.0, -1.0]);
        assert_eq!(encoded.places, [2, 4, 0, 5, 3, 6, 1, 7]);
        let narrow = Settings {
            places_max: 3,
            ..settings
        };
        let columns = Columns::learn(frame.view(), narrow, &workers);
        let encoded = Encoded::of(&columns, frame.view(), &workers);
        assert_eq!(encoded.codes, [3, 1, 1, 2, 4, 3, 2, 4]);
        assert_eq!(columns.table_sizes(), [5, 5]);
    }
}
