//! Products of matrices cut into square tiles: the inside of a layer of a neural network.
//!
//! A *panel* holds 32 columns of some rows, row after row; a matrix of more columns is panel after panel. A weight matrix is
//! made of tiles of 32 by 32, the rows of a tile being inputs and its columns outputs. In this shape no operand has to be
//! packed before a product, results come out as panels again, and the gradient of a tile is a tile.
//!
//! Every sum runs over its terms in order with fused multiply-adds, whatever the shape of the registers, so results are the
//! same bits on every processor and for any number of rows.

/// Side of a tile, and columns of a panel.
pub const SIDE: usize = 32;

/// A square of weights: `tile[input * SIDE + output]`.
pub type Tile = [f32; SIDE * SIDE];

/// Sets `out`, a panel, to the product of panels and tiles: `out[row][j] = sum over t, k of x[t][row][k] tiles[t][k][j]`.
///
/// # Panics
/// If `x` does not hold one panel a tile with as many rows as `out`.
pub fn panel_product(x: &[f32], tiles: &[&Tile], out: &mut [f32]) {
    assert!(out.len().is_multiple_of(SIDE), "a panel holds whole rows");
    assert_eq!(x.len(), tiles.len() * out.len(), "one panel a tile");
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F, checked on the line above.
            unsafe { product_avx512(x, tiles, out) };
            return;
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA, checked on the line above.
            unsafe { product_avx2(x, tiles, out) };
            return;
        }
    }
    product_lanes::<4, 8>(x, tiles, out);
}

/// Sets `out` to the sum of outer products of the rows of pairs of panels: `out[i][j] = sum over pairs and rows of
/// x[row][i] y[row][j]`, in the order of pairs and rows.
///
/// # Panics
/// If the panels of a pair differ in length or do not hold whole rows.
pub fn outer_product(pairs: &[(&[f32], &[f32])], out: &mut Tile) {
    let are_alike = |(x, y): &(&[f32], &[f32])| x.len() == y.len() && x.len().is_multiple_of(SIDE);
    assert!(pairs.iter().all(are_alike), "pairs of panels have the same rows");
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F, checked on the line above.
            unsafe { outer_avx512(pairs, out) };
            return;
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA, checked on the line above.
            unsafe { outer_avx2(pairs, out) };
            return;
        }
    }
    outer_lanes::<4, 8>(pairs, out);
}

/// Writes the transposed tile.
pub fn transpose_tile(tile: &Tile, out: &mut Tile) {
    const STEP: usize = 8;
    for at_row in (0..SIDE).step_by(STEP) {
        for at_column in (0..SIDE).step_by(STEP) {
            for row in at_row..at_row + STEP {
                for column in at_column..at_column + STEP {
                    out[column * SIDE + row] = tile[row * SIDE + column];
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! vector_forms {
    ($features:literal, $product:ident, $outer:ident, $vector:ident, [$zero:ident, $load:ident, $store:ident, $all:ident, $fused:ident], $rows:literal, $count:literal) => {
        #[target_feature(enable = $features)]
        fn $product(x: &[f32], tiles: &[&Tile], out: &mut [f32]) {
            let rows = out.len() / SIDE;
            let whole = rows - rows % $rows;
            for row in (0..whole).step_by($rows) {
                $product::block::<$rows>(x, tiles, (row, rows), out);
            }
            for row in whole..rows {
                $product::block::<1>(x, tiles, (row, rows), out);
            }
        }

        mod $product {
            use std::arch::x86_64::*;

            use super::{SIDE, Tile};

            const LANES: usize = size_of::<$vector>() / size_of::<f32>();

            /// Some rows of a product, as many columns at a time as registers hold.
            #[target_feature(enable = $features)]
            #[inline]
            pub(super) fn block<const R: usize>(
                x: &[f32],
                tiles: &[&Tile],
                (row, rows): (usize, usize),
                out: &mut [f32],
            ) {
                assert!(row + R <= rows && out.len() == rows * SIDE && x.len() == tiles.len() * out.len());
                for column in (0..SIDE).step_by($count * LANES) {
                    let mut sums = [[$zero(); $count]; R];
                    for (t, tile) in tiles.iter().enumerate() {
                        // SAFETY: panel `t` starts at `t * rows * SIDE` and holds `rows` rows, of which `row` is one.
                        let left = unsafe { x.as_ptr().add((t * rows + row) * SIDE) };
                        for k in 0..SIDE {
                            // SAFETY: the lanes behind `column` lie in row `k` of the tile; `count * LANES` divides SIDE.
                            let line: [$vector; $count] = std::array::from_fn(|c| unsafe {
                                $load(tile.as_ptr().add(k * SIDE + column + c * LANES))
                            });
                            for r in 0..R {
                                // SAFETY: row `row + r` is one of the panel's, since `row + R <= rows`.
                                let one = $all(unsafe { *left.add(r * SIDE + k) });
                                for c in 0..$count {
                                    sums[r][c] = $fused(one, line[c], sums[r][c]);
                                }
                            }
                        }
                    }
                    for r in 0..R {
                        for c in 0..$count {
                            let at = (row + r) * SIDE + column + c * LANES;
                            // SAFETY: `row + r < rows` and the lanes end within the row.
                            unsafe { $store(out.as_mut_ptr().add(at), sums[r][c]) };
                        }
                    }
                }
            }
        }

        #[target_feature(enable = $features)]
        fn $outer(pairs: &[(&[f32], &[f32])], out: &mut Tile) {
            use std::arch::x86_64::*;
            const LANES: usize = size_of::<$vector>() / size_of::<f32>();
            for row in (0..SIDE).step_by($rows) {
                for column in (0..SIDE).step_by($count * LANES) {
                    let mut sums = [[$zero(); $count]; $rows];
                    for (x, y) in pairs {
                        assert_eq!(x.len(), y.len(), "pairs have the same rows");
                        for at in (0..x.len() / SIDE).map(|k| k * SIDE) {
                            // SAFETY: the row that starts at `at` is whole, and the lanes behind `column` lie in it.
                            let line: [$vector; $count] = std::array::from_fn(|c| unsafe {
                                $load(y.as_ptr().add(at + column + c * LANES))
                            });
                            for r in 0..$rows {
                                // SAFETY: `row + r < SIDE`, since the block's rows divide it.
                                let one = $all(unsafe { *x.as_ptr().add(at + row + r) });
                                for c in 0..$count {
                                    sums[r][c] = $fused(one, line[c], sums[r][c]);
                                }
                            }
                        }
                    }
                    for r in 0..$rows {
                        for c in 0..$count {
                            let at = (row + r) * SIDE + column + c * LANES;
                            // SAFETY: the lanes end within a row of the tile.
                            unsafe { $store(out.as_mut_ptr().add(at), sums[r][c]) };
                        }
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
vector_forms!(
    "avx512f",
    product_avx512,
    outer_avx512,
    __m512,
    [
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps
    ],
    8,
    2
);

#[cfg(target_arch = "x86_64")]
vector_forms!(
    "avx2,fma",
    product_avx2,
    outer_avx2,
    __m256,
    [
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps
    ],
    4,
    2
);

#[inline(always)]
fn product_lanes<const R: usize, const C: usize>(x: &[f32], tiles: &[&Tile], out: &mut [f32]) {
    let (x, _) = x.as_chunks::<SIDE>();
    let (out, _) = out.as_chunks_mut::<SIDE>();
    let rows = out.len();
    let whole = rows - rows % R;
    for row in (0..whole).step_by(R) {
        for column in (0..SIDE).step_by(C) {
            product_block::<R, C>(x, tiles, (row, column), out);
        }
    }
    for row in whole..rows {
        for column in (0..SIDE).step_by(C) {
            product_block::<1, C>(x, tiles, (row, column), out);
        }
    }
}

#[inline(always)]
fn product_block<const R: usize, const C: usize>(
    x: &[[f32; SIDE]],
    tiles: &[&Tile],
    (row, column): (usize, usize),
    out: &mut [[f32; SIDE]],
) {
    let mut sums = [[0.0_f32; C]; R];
    for (tile, panel) in tiles.iter().zip(x.chunks_exact(out.len())) {
        let left: &[[f32; SIDE]; R] = panel[row..].first_chunk().expect("the rows are there");
        let (lines, _) = tile.as_chunks::<C>();
        for k in 0..SIDE {
            let line = &lines[(k * SIDE + column) / C];
            for r in 0..R {
                for c in 0..C {
                    sums[r][c] = left[r][k].mul_add(line[c], sums[r][c]);
                }
            }
        }
    }
    for r in 0..R {
        out[row + r][column..column + C].copy_from_slice(&sums[r]);
    }
}

#[inline(always)]
fn outer_lanes<const R: usize, const C: usize>(pairs: &[(&[f32], &[f32])], out: &mut Tile) {
    for row in (0..SIDE).step_by(R) {
        for column in (0..SIDE).step_by(C) {
            let mut sums = [[0.0_f32; C]; R];
            for (x, y) in pairs {
                let (x, _) = x.as_chunks::<SIDE>();
                let (y, _) = y.as_chunks::<SIDE>();
                for (x, y) in x.iter().zip(y) {
                    let x: &[f32; R] = x[row..].first_chunk().expect("a row holds whole blocks");
                    let y: &[f32; C] = y[column..].first_chunk().expect("a row holds whole blocks");
                    for r in 0..R {
                        for c in 0..C {
                            sums[r][c] = x[r].mul_add(y[c], sums[r][c]);
                        }
                    }
                }
            }
            for r in 0..R {
                out[(row + r) * SIDE + column..(row + r) * SIDE + column + C].copy_from_slice(&sums[r]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 7 + seed * 13) as f32 * 0.37).sin())
            .collect()
    }

    fn tile(seed: usize) -> Tile {
        let values = numbers(SIDE * SIDE, seed);
        std::array::from_fn(|i| values[i])
    }

    #[test]
    fn products_are_sums_in_order_on_every_processor() {
        for (rows, count) in [(0, 1), (1, 1), (7, 2), (8, 3), (33, 8)] {
            let tiles: Vec<Tile> = (0..count).map(tile).collect();
            let tiles: Vec<&Tile> = tiles.iter().collect();
            let x = numbers(count * rows * SIDE, 99);
            let mut fast = vec![f32::NAN; rows * SIDE];
            let mut plain = fast.clone();
            panel_product(&x, &tiles, &mut fast);
            product_lanes::<1, 16>(&x, &tiles, &mut plain);
            assert!(fast.iter().zip(&plain).all(|(a, b)| a.to_bits() == b.to_bits()));
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                plain.fill(f32::NAN);
                // SAFETY: the processor has AVX2 and FMA, checked on the line above.
                unsafe { product_avx2(&x, &tiles, &mut plain) };
                assert!(fast.iter().zip(&plain).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
            for (at, value) in fast.iter().enumerate() {
                let (row, j) = (at / SIDE, at % SIDE);
                let terms = (0..count * SIDE).map(|i| (i / SIDE, i % SIDE));
                let direct = terms.fold(0.0_f32, |sum, (t, k)| {
                    x[(t * rows + row) * SIDE + k].mul_add(tiles[t][k * SIDE + j], sum)
                });
                assert_eq!(value.to_bits(), direct.to_bits());
            }
        }
    }

    #[test]
    fn outer_products_are_sums_in_order_on_every_processor() {
        for lengths in [&[][..], &[1], &[32, 5], &[8, 0, 31]] {
            let panels: Vec<(Vec<f32>, Vec<f32>)> = lengths
                .iter()
                .enumerate()
                .map(|(at, rows)| (numbers(rows * SIDE, at), numbers(rows * SIDE, at + 50)))
                .collect();
            let pairs: Vec<(&[f32], &[f32])> = panels.iter().map(|(x, y)| (&x[..], &y[..])).collect();
            let (mut fast, mut plain) = ([f32::NAN; SIDE * SIDE], [0.0; SIDE * SIDE]);
            outer_product(&pairs, &mut fast);
            outer_lanes::<1, 32>(&pairs, &mut plain);
            assert!(fast.iter().zip(&plain).all(|(a, b)| a.to_bits() == b.to_bits()));
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                plain.fill(f32::NAN);
                // SAFETY: the processor has AVX2 and FMA, checked on the line above.
                unsafe { outer_avx2(&pairs, &mut plain) };
                assert!(fast.iter().zip(&plain).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
            let direct = |i: usize, j: usize| {
                let rows = panels
                    .iter()
                    .flat_map(|(x, y)| x.chunks(SIDE).zip(y.chunks(SIDE)));
                rows.fold(0.0_f32, |sum, (x, y)| x[i].mul_add(y[j], sum))
            };
            assert_eq!(fast[3 * SIDE + 17].to_bits(), direct(3, 17).to_bits());
            assert_eq!(fast[31 * SIDE].to_bits(), direct(31, 0).to_bits());
        }
    }

    #[test]
    fn a_tile_transposed_twice_is_itself() {
        let tile = tile(5);
        let (mut turned, mut back) = ([0.0; SIDE * SIDE], [0.0; SIDE * SIDE]);
        transpose_tile(&tile, &mut turned);
        transpose_tile(&turned, &mut back);
        assert_eq!(turned[5 * SIDE + 2], tile[2 * SIDE + 5]);
        assert_eq!(tile, back);
    }
}
