//! From rows of a table to the inputs of the first layer, and back.

use kolosal_compute::kernels::tiles::SIDE;
use kolosal_compute::kernels::{Loop, widest_fused};

use super::network::{Reading, VECTOR};
use crate::net::periodic::{Spot, WEIGHTS, WIDTH, embed, embed_back};
use crate::net::tiled::in_panels;
use crate::table::Encoded;

/// Rows of a table, and what places of levels hold.
pub(super) struct Source<'a> {
    pub(super) encoded: &'a Encoded,
    /// What a place holds where the row has another level.
    pub(super) absent: &'a [f32],
    /// What it holds where the row has its level.
    pub(super) present: &'a [f32],
}

const NOWHERE: u32 = u32::MAX;

/// The numbers of a column of the first sort, for some rows.
fn numbers_of(source: &Source<'_>, rows: &[u32], (width, at): (usize, usize)) -> [f32; SIDE] {
    let mut numbers = [0.0; SIDE];
    for (number, &row) in numbers.iter_mut().zip(rows) {
        *number = source.encoded.numbers[row as usize * width + at];
    }
    numbers
}

/// Writes the inputs of at most [`SIDE`] rows, panel after panel.
pub(super) fn fill(reading: &Reading<'_>, source: &Source<'_>, rows: &[u32], inputs: &mut [f32]) {
    assert!(
        rows.len() <= SIDE,
        "a block has no more rows than a panel is wide"
    );
    let (layout, count) = (reading.layout, rows.len());
    let widths = layout.widths;
    let width = widths.embedded + widths.plain;
    for column in 0..widths.embedded {
        let numbers = numbers_of(source, rows, (width, column));
        let first = column * WIDTH;
        let spot = Spot {
            weights: &reading.small[column * WEIGHTS..(column + 1) * WEIGHTS],
            numbers: &numbers[..count],
            at: first % SIDE,
        };
        let start = first / SIDE * count * SIDE;
        embed(&spot, &mut inputs[start..start + count * SIDE]);
    }
    for (at, &row) in rows.iter().enumerate() {
        let row = row as usize;
        let plain = &source.encoded.numbers[row * width + widths.embedded..(row + 1) * width];
        for (column, number) in plain.iter().enumerate() {
            inputs[in_panels(count, at, layout.plain_start() + column)] = *number;
        }
        for (place, number) in source.absent.iter().enumerate() {
            inputs[in_panels(count, at, layout.place_start() + place)] = *number;
        }
        for &place in &source.encoded.places[row * widths.placed..(row + 1) * widths.placed] {
            if place != NOWHERE {
                let column = layout.place_start() + place as usize;
                inputs[in_panels(count, at, column)] = source.present[place as usize];
            }
        }
        let codes = &source.encoded.codes[row * widths.coded..(row + 1) * widths.coded];
        for (column, vector) in vectors_of(layout, codes) {
            for (at_number, number) in reading.vectors[vector..vector + VECTOR].iter().enumerate() {
                inputs[in_panels(count, at, column + at_number)] = *number;
            }
        }
    }
}

/// For each code of a row, the first input that its vector goes to, and where the vector starts.
fn vectors_of(layout: &super::network::Layout, codes: &[u32]) -> impl Iterator<Item = (usize, usize)> {
    let (tables, start) = (&layout.tables, layout.vector_start());
    let mut before = 0;
    codes
        .iter()
        .zip(tables)
        .enumerate()
        .map(move |(column, (code, size))| {
            let vector = (before + *code as usize) * VECTOR;
            before += size;
            (start + column * VECTOR, vector)
        })
}

/// Multiplies a panel by the scales of its inputs; `first` is the place of its first row in the mini-batch, whose rows belong to
/// the copies in turn.
pub(super) fn scale(reading: &Reading<'_>, (panel, first): (usize, usize), inputs: &[f32], out: &mut [f32]) {
    let layout = reading.layout;
    let lines = out.chunks_exact_mut(SIDE).zip(inputs.chunks_exact(SIDE));
    for (at, (out, line)) in lines.enumerate() {
        let scales = reading.small(layout.scale((first + at) % layout.copies, panel));
        for ((out, x), scale) in out.iter_mut().zip(line).zip(scales) {
            *out = x * scale;
        }
    }
}

/// Turns the gradient of scaled inputs, `gain` times what stands in the panel, into that of inputs, and adds up that of the
/// scales.
pub(super) fn scale_back(panel: &mut [f32], gain: f32, [inputs, scales]: [&[f32]; 2], sums: &mut [f32]) {
    widest_fused(ScaleBack {
        panel,
        gain,
        inputs,
        scales,
        sums,
    });
}

struct ScaleBack<'a> {
    panel: &'a mut [f32],
    gain: f32,
    inputs: &'a [f32],
    scales: &'a [f32],
    sums: &'a mut [f32],
}

impl Loop for ScaleBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let scales: &[f32; SIDE] = self.scales.first_chunk().expect("a scale an input");
        let sums: &mut [f32; SIDE] = self.sums.first_chunk_mut().expect("a sum an input");
        let (lines, _) = self.panel.as_chunks_mut::<SIDE>();
        let (inputs, _) = self.inputs.as_chunks::<SIDE>();
        for (line, inputs) in lines.iter_mut().zip(inputs) {
            for j in 0..SIDE {
                let gradient = self.gain * line[j];
                sums[j] = gradient.mul_add(inputs[j], sums[j]);
                line[j] = gradient * scales[j];
            }
        }
    }
}

/// Adds up the gradients of the waves, from those of the inputs.
pub(super) fn waves_back(
    reading: &Reading<'_>,
    (source, rows): (&Source<'_>, &[u32]),
    gradient: &[f32],
    sums: &mut [f32],
) {
    let (widths, count) = (reading.layout.widths, rows.len());
    for column in 0..widths.embedded {
        let numbers = numbers_of(source, rows, (widths.embedded + widths.plain, column));
        let first = column * WIDTH;
        let of_column = column * WEIGHTS..(column + 1) * WEIGHTS;
        let spot = Spot {
            weights: &reading.small[of_column.clone()],
            numbers: &numbers[..count],
            at: first % SIDE,
        };
        let start = first / SIDE * count * SIDE;
        embed_back(
            &spot,
            &gradient[start..start + count * SIDE],
            &mut sums[of_column],
        );
    }
}

/// Adds up the gradients of the vectors of levels.
pub(super) fn vectors_back(
    layout: &super::network::Layout,
    (source, rows): (&Source<'_>, &[u32]),
    gradient: &[f32],
    sums: &mut [f32],
) {
    let coded = layout.widths.coded;
    for (at, &row) in rows.iter().enumerate() {
        let codes = &source.encoded.codes[row as usize * coded..(row as usize + 1) * coded];
        for (column, vector) in vectors_of(layout, codes) {
            for (number, sum) in sums[vector..vector + VECTOR].iter_mut().enumerate() {
                *sum += gradient[in_panels(rows.len(), at, column + number)];
            }
        }
    }
}
