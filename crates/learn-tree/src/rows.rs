//! Rows as trees read them: blocks of values, row after row.

use kolosal_frame::{Column, FrameView, MISSING};

/// Values of a block, so that it stays in the nearest caches while every tree walks it.
const BLOCK_VALUES: usize = 1 << 14;

/// Hands the view's rows to `visit` in blocks: the position of the first row, and the rows' values one after the other
/// (codes for categories, NaN for missing).
pub(crate) fn for_each_block(x: FrameView<'_>, mut visit: impl FnMut(usize, &[f64])) {
    let width = x.column_count();
    let block = (BLOCK_VALUES / width.max(1)).clamp(8, 1024);
    let mut reader = Reader::default();
    for start in (0..x.row_count()).step_by(block) {
        let part = x.slice(start, block.min(x.row_count() - start));
        visit(start, reader.read(part));
    }
}

#[derive(Default)]
struct Reader {
    rows: Vec<f64>,
    numbers: Vec<f64>,
    codes: Vec<u32>,
}

impl Reader {
    fn read(&mut self, part: FrameView<'_>) -> &[f64] {
        let (count, width) = (part.row_count(), part.column_count());
        self.rows.resize(count * width, 0.0);
        self.numbers.resize(count, 0.0);
        self.codes.resize(count, 0);
        for at in 0..width {
            let places = self.rows[at..].iter_mut().step_by(width);
            match part.column(at) {
                Column::Categories(_) => {
                    part.codes_into(at, &mut self.codes);
                    places
                        .zip(&self.codes)
                        .for_each(|(place, &code)| *place = value_of(code));
                }
                Column::Text(_) => places.for_each(|place| *place = f64::NAN),
                Column::Numbers(_) | Column::Sparse(_) => {
                    part.numbers_into(at, &mut self.numbers);
                    places
                        .zip(&self.numbers)
                        .for_each(|(place, &number)| *place = number);
                }
            }
        }
        &self.rows
    }
}

fn value_of(code: u32) -> f64 {
    if code == MISSING {
        f64::NAN
    } else {
        f64::from(code)
    }
}
