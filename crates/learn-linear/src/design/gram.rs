//! The weighted Gram matrix of the design: `X' diag(h) X`, `X' h` and the sum of `h`.
//!
//! The matrix falls into rectangles, one for each pair of column groups (a tile of dense columns, a category, all
//! sparse columns). Each rectangle is summed over the rows in order by one worker, so no partial matrices are kept and
//! the thread count does not matter. A pair of categories costs one addition a row, whatever their number of levels.

use std::ops::Range;

use kolosal_compute::Workers;
use kolosal_compute::kernels::{add_cross_products, dot};

use super::scatter::{sums_by_code, sums_by_pair};
use super::{Coded, Dense, Design};

/// Dense columns of one tile.
const TILE: usize = 8;
/// Rows whose tile stays in the first-level cache.
const CHUNK: usize = 512;

/// Sums of weighted products of all pairs of columns.
#[derive(Debug, Clone)]
pub(crate) struct Gram {
    /// Side of the matrix.
    pub(crate) width: usize,
    /// `X' diag(h) X`, row after row, both halves.
    pub(crate) products: Vec<f64>,
    /// `X' h`.
    pub(crate) sums: Vec<f64>,
    /// Sum of `h`.
    pub(crate) total: f64,
}

/// Some rows of a design and their weights.
struct Part<'a> {
    design: &'a Design,
    rows: Range<usize>,
    h: &'a [f64],
}

/// Columns that are handled together.
#[derive(Clone, Copy)]
enum Group<'a> {
    Tile(&'a [Dense]),
    Coded(&'a Coded),
    Stored,
}

/// The Gram matrix of the rows from `first` on, one for each of their weights `h`, of which none is negative.
pub(crate) fn weighted_gram(design: &Design, first: usize, h: &[f64], workers: &Workers) -> Gram {
    let width = design.width();
    let part = Part {
        design,
        rows: first..first + h.len(),
        h,
    };
    let groups = groups_of(design);
    let pairs: Vec<(usize, usize)> = (0..groups.len())
        .flat_map(|i| (i..groups.len()).map(move |j| (i, j)))
        .collect();
    let rectangles = workers.map(pairs.len(), |at| {
        let (i, j) = pairs[at];
        rectangle(&part, groups[i], groups[j])
    });
    let mut gram = Gram {
        width,
        products: vec![0.0; width * width],
        sums: vec![0.0; width],
        total: h.iter().sum(),
    };
    for (&(i, j), rectangle) in pairs.iter().zip(rectangles) {
        let (rows, columns) = (slots_of(design, groups[i]), slots_of(design, groups[j]));
        for (at, &row) in rows.iter().enumerate() {
            for (value, &column) in rectangle[at * columns.len()..].iter().zip(&columns) {
                gram.products[row * width + column] = *value;
                gram.products[column * width + row] = *value;
            }
        }
    }
    let sums = workers.map(groups.len(), |at| column_sums(&part, groups[at]));
    for (group, sums) in groups.iter().zip(sums) {
        slots_of(design, *group)
            .iter()
            .zip(sums)
            .for_each(|(&slot, sum)| gram.sums[slot] = sum);
    }
    gram
}

fn groups_of(design: &Design) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = design.dense.chunks(TILE).map(Group::Tile).collect();
    groups.extend(design.coded.iter().map(Group::Coded));
    if !design.stored.ends.is_empty() {
        groups.push(Group::Stored);
    }
    groups
}

/// The coefficients that a group's places stand for.
fn slots_of(design: &Design, group: Group<'_>) -> Vec<usize> {
    match group {
        Group::Tile(columns) => columns.iter().map(|column| column.slot).collect(),
        Group::Coded(column) => (column.start..column.start + column.levels).collect(),
        Group::Stored => stored_slots(design),
    }
}

fn stored_slots(design: &Design) -> Vec<usize> {
    let mut slots: Vec<usize> = design.stored.slots.iter().map(|&slot| slot as usize).collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn rectangle(part: &Part<'_>, left: Group<'_>, right: Group<'_>) -> Vec<f64> {
    match (left, right) {
        (Group::Tile(a), Group::Tile(b)) => tile_by_tile(part, a, b),
        (Group::Tile(a), Group::Coded(b)) => transpose(&coded_by_tile(part, b, a), b.levels, a.len()),
        (Group::Coded(a), Group::Coded(b)) => coded_by_coded(part, a, b),
        (Group::Tile(_) | Group::Coded(_), Group::Stored) => any_by_stored(part, left),
        (Group::Stored, Group::Stored) => stored_by_stored(part),
        _ => unreachable!("groups stand in the order tiles, categories, stored entries"),
    }
}

impl Part<'_> {
    /// Pieces of the rows: positions in the design, and their weights.
    fn chunks(&self) -> impl Iterator<Item = (Range<usize>, &[f64])> {
        let starts = self.rows.clone().step_by(CHUNK);
        starts
            .zip(self.h.chunks(CHUNK))
            .map(|(start, h)| (start..start + h.len(), h))
    }
}

fn tile_by_tile(part: &Part<'_>, left: &[Dense], right: &[Dense]) -> Vec<f64> {
    // Of a tile by itself, the lower left quarter is the upper right one.
    let (half, from) = if std::ptr::eq(left, right) {
        (left.len() / 2, left.len() / 2)
    } else {
        (left.len(), 0)
    };
    let mut upper = vec![0.0; half * right.len()];
    let mut lower = vec![0.0; (left.len() - half) * (right.len() - from)];
    let mut scaled = vec![0.0; TILE * CHUNK];
    for (rows, h) in part.chunks() {
        for (column, place) in left.iter().zip(scaled.chunks_mut(CHUNK)) {
            let pairs = column.values[rows.clone()].iter().zip(h);
            place
                .iter_mut()
                .zip(pairs)
                .for_each(|(slot, (x, h))| *slot = x * h);
        }
        let of_left: Vec<&[f64]> = scaled
            .chunks(CHUNK)
            .take(left.len())
            .map(|s| &s[..rows.len()])
            .collect();
        let of_right: Vec<&[f64]> = right.iter().map(|column| &column.values[rows.clone()]).collect();
        add_cross_products(&of_left[..half], &of_right, &mut upper);
        add_cross_products(&of_left[half..], &of_right[from..], &mut lower);
    }
    let width = right.len();
    for at in half..left.len() {
        upper.extend(
            (0..from)
                .map(|column| upper[column * width + at])
                .collect::<Vec<f64>>(),
        );
        upper.extend_from_slice(&lower[(at - half) * (width - from)..][..width - from]);
    }
    upper
}

/// Row `level` of the result holds the sums of the tile's columns over the rows of that level.
fn coded_by_tile(part: &Part<'_>, coded: &Coded, tile: &[Dense]) -> Vec<f64> {
    let mut sums = vec![[0.0; TILE]; coded.levels + 1];
    let mut lines = vec![[0.0; TILE]; CHUNK];
    for (rows, h) in part.chunks() {
        for (at, column) in tile.iter().enumerate() {
            let pairs = column.values[rows.clone()].iter().zip(h);
            lines
                .iter_mut()
                .zip(pairs)
                .for_each(|(line, (x, h))| line[at] = x * h);
        }
        for (&code, line) in coded.codes[rows].iter().zip(&lines) {
            let place = &mut sums[code as usize];
            for at in 0..TILE {
                place[at] += line[at];
            }
        }
    }
    sums[..coded.levels]
        .iter()
        .flat_map(|line| line[..tile.len()].iter().copied())
        .collect()
}

fn coded_by_coded(part: &Part<'_>, left: &Coded, right: &Coded) -> Vec<f64> {
    let stride = right.levels + 1;
    let shape = (stride, (left.levels + 1) * stride);
    let sums = sums_by_pair(
        &left.codes[part.rows.clone()],
        &right.codes[part.rows.clone()],
        part.h,
        shape,
    );
    (0..left.levels)
        .flat_map(|level| sums[level * stride..][..right.levels].iter().copied())
        .collect()
}

fn any_by_stored(part: &Part<'_>, left: Group<'_>) -> Vec<f64> {
    let (design, slots) = (part.design, stored_slots(part.design));
    let place = places(design, &slots);
    let mut out = vec![0.0; slots_of(design, left).len() * slots.len()];
    for (row, h) in part.rows.clone().zip(part.h) {
        for at in design.stored.ends[row]..design.stored.ends[row + 1] {
            let (column, value) = (
                place[design.stored.slots[at] as usize],
                design.stored.values[at] * h,
            );
            match left {
                Group::Tile(tile) => {
                    for (i, dense) in tile.iter().enumerate() {
                        out[i * slots.len() + column] += dense.values[row] * value;
                    }
                }
                Group::Coded(coded) if (coded.codes[row] as usize) < coded.levels => {
                    out[coded.codes[row] as usize * slots.len() + column] += value;
                }
                _ => {}
            }
        }
    }
    out
}

fn stored_by_stored(part: &Part<'_>) -> Vec<f64> {
    let (design, slots) = (part.design, stored_slots(part.design));
    let place = places(design, &slots);
    let mut out = vec![0.0; slots.len() * slots.len()];
    for (row, h) in part.rows.clone().zip(part.h) {
        let entries = design.stored.ends[row]..design.stored.ends[row + 1];
        for a in entries.clone() {
            let line = place[design.stored.slots[a] as usize] * slots.len();
            let value = design.stored.values[a] * h;
            for b in entries.clone() {
                out[line + place[design.stored.slots[b] as usize]] += value * design.stored.values[b];
            }
        }
    }
    out
}

/// Where each coefficient stands among the sorted `slots`.
fn places(design: &Design, slots: &[usize]) -> Vec<usize> {
    let mut place = vec![0; design.width()];
    slots.iter().enumerate().for_each(|(at, &slot)| place[slot] = at);
    place
}

fn column_sums(part: &Part<'_>, group: Group<'_>) -> Vec<f64> {
    let (design, rows) = (part.design, part.rows.clone());
    match group {
        Group::Tile(columns) => columns
            .iter()
            .map(|column| dot(&column.values[rows.clone()], part.h))
            .collect(),
        Group::Coded(column) => {
            let mut sums = sums_by_code(&column.codes[rows], part.h, column.levels + 1);
            sums.truncate(column.levels);
            sums
        }
        Group::Stored => {
            let slots = stored_slots(design);
            let place = places(design, &slots);
            let mut sums = vec![0.0; slots.len()];
            for (row, h) in rows.zip(part.h) {
                for at in design.stored.ends[row]..design.stored.ends[row + 1] {
                    sums[place[design.stored.slots[at] as usize]] += design.stored.values[at] * h;
                }
            }
            sums
        }
    }
}

fn transpose(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..columns)
        .flat_map(|j| (0..rows).map(move |i| values[i * columns + j]))
        .collect()
}

#[cfg(test)]
mod tests {
    use kolosal_compute::Workers;
    use kolosal_frame::Column;

    use super::weighted_gram;
    use crate::testing::{Table, design_of, noise};

    #[test]
    fn every_entry_is_the_sum_of_products_whatever_the_number_of_columns() {
        let rows = 700;
        for dense in [0, 1, 2, 7, 8, 9, 16, 17] {
            let mut columns: Vec<Column> = (0..dense).map(|j| Column::numbers(noise(rows, j))).collect();
            let words: Vec<Vec<&str>> = (2..4)
                .map(|k| (0..rows).map(|i| ["a", "b", "", "c"][i * k / 3 % 4]).collect())
                .collect();
            columns.extend(words.iter().map(|words| Column::categories(words)));
            let table = Table::regression(columns, &noise(rows, 99));
            let design = design_of(&table);
            let (first, h) = (100, noise(500, 98).iter().map(|v| v.abs()).collect::<Vec<f64>>());
            let gram = weighted_gram(&design, first, &h, &Workers::new(2));
            let width = design.width();
            let written: Vec<Vec<f64>> = (0..width)
                .map(|slot| {
                    let of_dense = design
                        .dense
                        .iter()
                        .find(|column| column.slot == slot)
                        .map(|c| c.values.clone());
                    of_dense.unwrap_or_else(|| {
                        let holds = |c: &&super::Coded| (c.start..c.start + c.levels).contains(&slot);
                        let coded = design.coded.iter().find(holds).unwrap();
                        coded
                            .codes
                            .iter()
                            .map(|&code| f64::from(coded.start + code as usize == slot))
                            .collect()
                    })
                })
                .collect();
            for i in 0..width {
                let sum: f64 = (0..500).map(|r| h[r] * written[i][first + r]).sum();
                assert!((gram.sums[i] - sum).abs() < 1e-9);
                for j in 0..width {
                    let product: f64 = (0..500)
                        .map(|r| h[r] * written[i][first + r] * written[j][first + r])
                        .sum();
                    assert!(
                        (gram.products[i * width + j] - product).abs() < 1e-9,
                        "{dense} columns, entry {i} {j}"
                    );
                }
            }
        }
    }
}
