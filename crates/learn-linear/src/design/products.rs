//! Products of the design matrix and its transpose with vectors, block of rows by block of rows.

use std::ops::Range;

use kolosal_compute::kernels::{add_combinations, add_cross_products};

use super::Design;
use super::scatter::sums_by_code;

/// Rows whose columns stay in the first-level cache.
const CHUNK: usize = 512;
/// Dense columns that are taken together: a piece of each fits the second-level cache.
const STRIP: usize = 32;

/// Writes `intercept + X u` of a block of rows into `scores`.
pub(crate) fn linear_scores(
    design: &Design,
    rows: Range<usize>,
    coefficients: &[f64],
    intercept: f64,
    scores: &mut [f64],
) {
    scores.fill(intercept);
    add_dense_scores(design, &rows, &[coefficients], scores);
    add_other_scores(design, rows, coefficients, scores);
}

/// Writes the scores of several outputs, one line of `scores` each; a point holds for each output its coefficients and
/// then its intercept.
pub(crate) fn all_scores(design: &Design, rows: Range<usize>, point: &[f64], scores: &mut [f64]) {
    let width = design.width();
    let outputs: Vec<&[f64]> = point.chunks(width + 1).map(|part| &part[..width]).collect();
    let length = rows.len();
    for (line, part) in scores.chunks_mut(length).zip(point.chunks(width + 1)) {
        line.fill(part[width]);
    }
    add_dense_scores(design, &rows, &outputs, scores);
    for (line, coefficients) in scores.chunks_mut(length).zip(&outputs) {
        add_other_scores(design, rows.clone(), coefficients, line);
    }
}

fn add_dense_scores(design: &Design, rows: &Range<usize>, outputs: &[&[f64]], scores: &mut [f64]) {
    let mut factors = Vec::new();
    for strip in design.dense.chunks(STRIP) {
        let columns: Vec<&[f64]> = strip.iter().map(|column| &column.values[rows.clone()]).collect();
        factors.clear();
        for u in outputs {
            factors.extend(strip.iter().map(|column| u[column.slot]));
        }
        add_combinations(&columns, &factors, scores);
    }
}

fn add_other_scores(design: &Design, rows: Range<usize>, coefficients: &[f64], scores: &mut [f64]) {
    let mut of_level = Vec::new();
    for column in &design.coded {
        let codes = &column.codes[rows.clone()];
        let u = &coefficients[column.start..column.start + column.levels];
        if column.levels > codes.len() {
            let known = |code: &u32| u.get(*code as usize).copied().unwrap_or(0.0);
            scores
                .iter_mut()
                .zip(codes)
                .for_each(|(score, code)| *score += known(code));
            continue;
        }
        // One more place for missing values spares a comparison a row.
        of_level.clear();
        of_level.extend_from_slice(u);
        of_level.push(0.0);
        scores
            .iter_mut()
            .zip(codes)
            .for_each(|(score, &code)| *score += of_level[code as usize]);
    }
    if !design.stored.ends.is_empty() {
        for (score, row) in scores.iter_mut().zip(rows) {
            let entries = design.stored.ends[row]..design.stored.ends[row + 1];
            for (slot, value) in design.stored.slots[entries.clone()]
                .iter()
                .zip(&design.stored.values[entries])
            {
                *score += value * coefficients[*slot as usize];
            }
        }
    }
}

/// Adds `X' r` of a block of rows to `out`; `residuals` holds the block's part of `r`.
pub(crate) fn transposed_product(design: &Design, rows: Range<usize>, residuals: &[f64], out: &mut [f64]) {
    add_dense_products(design, &rows, residuals, (out, design.width()));
    add_other_products(design, rows, residuals, out);
}

/// Adds `X' r` and the sum of `r` for several outputs, laid out as in [`all_scores`].
pub(crate) fn all_products(design: &Design, rows: Range<usize>, residuals: &[f64], out: &mut [f64]) {
    let width = design.width();
    add_dense_products(design, &rows, residuals, (out, width + 1));
    for (line, part) in residuals.chunks(rows.len()).zip(out.chunks_mut(width + 1)) {
        add_other_products(design, rows.clone(), line, &mut part[..width]);
        part[width] += line.iter().sum::<f64>();
    }
}

/// `out` holds one part of `stride` numbers for each line of `residuals`.
fn add_dense_products(
    design: &Design,
    rows: &Range<usize>,
    residuals: &[f64],
    (out, stride): (&mut [f64], usize),
) {
    for start in (0..rows.len()).step_by(CHUNK) {
        let piece = start..rows.len().min(start + CHUNK);
        let lines: Vec<&[f64]> = residuals
            .chunks(rows.len())
            .map(|line| &line[piece.clone()])
            .collect();
        for strip in design.dense.chunks(STRIP) {
            let from = rows.start + piece.start..rows.start + piece.end;
            let columns: Vec<&[f64]> = strip.iter().map(|column| &column.values[from.clone()]).collect();
            let mut products = vec![0.0; lines.len() * columns.len()];
            add_cross_products(&lines, &columns, &mut products);
            for (part, products) in out.chunks_mut(stride).zip(products.chunks(columns.len())) {
                strip
                    .iter()
                    .zip(products)
                    .for_each(|(column, product)| part[column.slot] += product);
            }
        }
    }
}

fn add_other_products(design: &Design, rows: Range<usize>, residuals: &[f64], out: &mut [f64]) {
    for column in &design.coded {
        let codes = &column.codes[rows.clone()];
        let places = &mut out[column.start..column.start + column.levels];
        if column.levels > codes.len() {
            for (residual, &code) in residuals.iter().zip(codes) {
                if let Some(place) = places.get_mut(code as usize) {
                    *place += residual;
                }
            }
            continue;
        }
        let of_level = sums_by_code(codes, residuals, column.levels + 1);
        places
            .iter_mut()
            .zip(&of_level)
            .for_each(|(place, sum)| *place += sum);
    }
    if !design.stored.ends.is_empty() {
        for (residual, row) in residuals.iter().zip(rows) {
            let entries = design.stored.ends[row]..design.stored.ends[row + 1];
            for (slot, value) in design.stored.slots[entries.clone()]
                .iter()
                .zip(&design.stored.values[entries])
            {
                out[*slot as usize] += value * residual;
            }
        }
    }
}
