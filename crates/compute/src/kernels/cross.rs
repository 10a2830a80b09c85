//! Inner products of every vector of one tile with every vector of another: the inside of a Gram matrix.

/// Independent partial sums of each product; one 512-bit register.
const LANES: usize = 8;

/// Adds to `out[i * right.len() + j]` the inner product of `left[i]` and `right[j]`.
///
/// Each product is summed in eight interleaved lanes with fused multiply-adds, then pairwise, so the result does not
/// depend on the processor or on the shape of the tiles. Fastest when the lengths are a few hundred, so that a tile
/// stays in the first-level cache.
///
/// # Panics
/// If the vectors differ in length or `out` is not `left.len() * right.len()` long.
pub fn add_cross_products(left: &[&[f64]], right: &[&[f64]], out: &mut [f64]) {
    assert_eq!(out.len(), left.len() * right.len(), "one place a pair");
    if out.is_empty() {
        return;
    }
    let length = left[0].len();
    assert!(
        left.iter().chain(right).all(|vector| vector.len() == length),
        "cross products need equal lengths"
    );
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F, checked on the line above.
            unsafe { cross_avx512(left, right, out) };
            return;
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA, checked on the line above.
            unsafe { cross_avx2(left, right, out) };
            return;
        }
    }
    cross_lanes::<2, 2>(left, right, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn cross_avx512(left: &[&[f64]], right: &[&[f64]], out: &mut [f64]) {
    cross_lanes::<4, 4>(left, right, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn cross_avx2(left: &[&[f64]], right: &[&[f64]], out: &mut [f64]) {
    cross_lanes::<2, 2>(left, right, out);
}

/// Walks the pairs in squares of `R * C`, so that each loaded number is used several times.
#[inline(always)]
fn cross_lanes<const R: usize, const C: usize>(left: &[&[f64]], right: &[&[f64]], out: &mut [f64]) {
    let width = right.len();
    for i in (0..left.len()).step_by(R) {
        for j in (0..width).step_by(C) {
            let (rows, columns) = (R.min(left.len() - i), C.min(width - j));
            if rows == R && columns == C {
                let tile = square::<R, C>(
                    std::array::from_fn(|r| left[i + r]),
                    std::array::from_fn(|c| right[j + c]),
                );
                for (r, line) in tile.iter().enumerate() {
                    for (c, value) in line.iter().enumerate() {
                        out[(i + r) * width + j + c] += value;
                    }
                }
                continue;
            }
            for r in 0..rows {
                for c in 0..columns {
                    out[(i + r) * width + j + c] += square::<1, 1>([left[i + r]], [right[j + c]])[0][0];
                }
            }
        }
    }
}

#[inline(always)]
fn square<const R: usize, const C: usize>(left: [&[f64]; R], right: [&[f64]; C]) -> [[f64; C]; R] {
    let mut sums = [[[0.0_f64; LANES]; C]; R];
    let left_chunks = left.map(|vector| vector.as_chunks::<LANES>());
    let right_chunks = right.map(|vector| vector.as_chunks::<LANES>());
    let chunks = left_chunks[0].0.len();
    let left_whole = left_chunks.map(|(whole, _)| &whole[..chunks]);
    let right_whole = right_chunks.map(|(whole, _)| &whole[..chunks]);
    for at in 0..chunks {
        for r in 0..R {
            for c in 0..C {
                for lane in 0..LANES {
                    let (a, b) = (left_whole[r][at][lane], right_whole[c][at][lane]);
                    sums[r][c][lane] = a.mul_add(b, sums[r][c][lane]);
                }
            }
        }
    }
    let mut out = [[0.0; C]; R];
    for r in 0..R {
        for c in 0..C {
            let rest = left_chunks[r].1.iter().zip(right_chunks[c].1);
            for (lane, (a, b)) in rest.enumerate() {
                sums[r][c][lane] = a.mul_add(*b, sums[r][c][lane]);
            }
            let s = &sums[r][c];
            out[r][c] = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dispatched_form_is_bit_equal_to_its_scalar_twin() {
        for (count_left, count_right, length) in [
            (0, 3, 5),
            (2, 0, 5),
            (1, 1, 0),
            (3, 5, 7),
            (4, 4, 64),
            (9, 6, 301),
            (8, 8, 512),
        ] {
            let vector = |seed: usize| -> Vec<f64> {
                (0..length)
                    .map(|i| ((i * 7 + seed * 13) as f64 * 0.37).sin())
                    .collect()
            };
            let left: Vec<Vec<f64>> = (0..count_left).map(vector).collect();
            let right: Vec<Vec<f64>> = (10..10 + count_right).map(vector).collect();
            let left: Vec<&[f64]> = left.iter().map(|v| &v[..]).collect();
            let right: Vec<&[f64]> = right.iter().map(|v| &v[..]).collect();
            let mut fast = vec![0.5; count_left * count_right];
            let mut plain = fast.clone();
            add_cross_products(&left, &right, &mut fast);
            cross_lanes::<1, 1>(&left, &right, &mut plain);
            for (at, (x, y)) in fast.iter().zip(&plain).enumerate() {
                assert_eq!(x.to_bits(), y.to_bits());
                let (a, b) = (left[at / count_right], right[at % count_right]);
                let direct: f64 = 0.5 + a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                assert!((x - direct).abs() < 1e-12);
            }
        }
    }
}
