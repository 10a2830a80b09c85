//! Products of the design matrix and its transpose with vectors, block of rows by block of rows.

use std::ops::Range;

use kolosal_compute::kernels::{add_scaled, dot};

use super::Design;

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
        of_level.clear();
        of_level.extend_from_slice(&coefficients[column.start..column.start + column.levels]);
        of_level.push(0.0);
        for (score, &code) in scores.iter_mut().zip(&column.codes[rows.clone()]) {
            *score += of_level[code as usize];
        }
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
    let mut of_level = Vec::new();
    for column in &design.coded {
        of_level.clear();
        of_level.resize(column.levels + 1, 0.0);
        for (residual, &code) in residuals.iter().zip(&column.codes[rows.clone()]) {
            of_level[code as usize] += residual;
        }
        let places = out[column.start..column.start + column.levels].iter_mut();
        places.zip(&of_level).for_each(|(place, sum)| *place += sum);
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
