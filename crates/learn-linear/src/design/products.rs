//! Products of the design matrix and its transpose with vectors, block of rows by block of rows.

use std::ops::Range;

use kolosal_compute::kernels::{add_scaled, dot};

use super::Design;
use super::scatter::sums_by_code;

/// Writes `intercept + X u` of a block of rows into `scores`.
pub(crate) fn linear_scores(
    design: &Design,
    rows: Range<usize>,
    coefficients: &[f64],
    intercept: f64,
    scores: &mut [f64],
) {
    scores.fill(intercept);
    for column in &design.dense {
        let u = coefficients[column.slot];
        if u != 0.0 {
            add_scaled(scores, u, &column.values[rows.clone()]);
        }
    }
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
    for column in &design.dense {
        out[column.slot] += dot(&column.values[rows.clone()], residuals);
    }
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
