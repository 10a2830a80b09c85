//! Distances of some points to a block of others that is stored column by column.

/// Points of a block that are handled together; one 512-bit register.
const LANES: usize = 8;

/// The sum of squared differences: `out[q * len + i]` is that of `queries[q]` and point `i` of the block.
///
/// Number `j` of point `i` stands at `block[j * len + i]`. Every sum runs over the numbers in order, with fused
/// multiply-adds, so it does not depend on the processor nor on what else is asked. Fastest when the block stays in the
/// second-level cache.
///
/// # Panics
/// If the queries differ in length, or `block` or `out` do not fit them.
pub fn squared_distances(queries: &[&[f64]], block: &[f64], out: &mut [f64]) {
    dispatch::<true>(queries, block, out);
}

/// As [`squared_distances`], but the sum of absolute differences.
///
/// # Panics
/// As [`squared_distances`].
pub fn absolute_distances(queries: &[&[f64]], block: &[f64], out: &mut [f64]) {
    dispatch::<false>(queries, block, out);
}

fn dispatch<const SQUARED: bool>(queries: &[&[f64]], block: &[f64], out: &mut [f64]) {
    let Some(first) = queries.first() else {
        assert!(out.is_empty(), "one place a query and point");
        return;
    };
    assert!(
        queries.iter().all(|query| query.len() == first.len()),
        "queries are equally long"
    );
    assert!(
        out.len().is_multiple_of(queries.len()),
        "one place a query and point"
    );
    assert_eq!(
        block.len(),
        first.len() * (out.len() / queries.len()),
        "points have as many numbers as queries"
    );
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F, checked on the line above.
            unsafe { distances_avx512::<SQUARED>(queries, block, out) };
            return;
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA, checked on the line above.
            unsafe { distances_avx2::<SQUARED>(queries, block, out) };
            return;
        }
    }
    distances::<4, SQUARED>(queries, block, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn distances_avx512<const SQUARED: bool>(queries: &[&[f64]], block: &[f64], out: &mut [f64]) {
    distances::<8, SQUARED>(queries, block, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn distances_avx2<const SQUARED: bool>(queries: &[&[f64]], block: &[f64], out: &mut [f64]) {
    distances::<4, SQUARED>(queries, block, out);
}

/// Walks queries in groups of `Q`, so that each loaded point is used several times.
#[inline(always)]
fn distances<const Q: usize, const SQUARED: bool>(queries: &[&[f64]], block: &[f64], out: &mut [f64]) {
    let len = out.len() / queries.len();
    if len == 0 {
        return;
    }
    for (group, out) in queries.chunks(Q).zip(out.chunks_mut(Q * len)) {
        if group.len() == Q {
            group_distances::<Q, SQUARED>(std::array::from_fn(|q| group[q]), block, out);
        } else {
            for (query, out) in group.iter().zip(out.chunks_mut(len)) {
                group_distances::<1, SQUARED>([query], block, out);
            }
        }
    }
}

#[inline(always)]
fn group_distances<const Q: usize, const SQUARED: bool>(
    queries: [&[f64]; Q],
    block: &[f64],
    out: &mut [f64],
) {
    let len = out.len() / Q;
    for start in (0..len).step_by(LANES) {
        let mut sums = [[0.0_f64; LANES]; Q];
        for (j, column) in block.chunks_exact(len).enumerate() {
            let points = lanes_at(column, start);
            for q in 0..Q {
                let x = queries[q][j];
                for lane in 0..LANES {
                    let off = x - points[lane];
                    if SQUARED {
                        sums[q][lane] = off.mul_add(off, sums[q][lane]);
                    } else {
                        sums[q][lane] += off.abs();
                    }
                }
            }
        }
        let count = LANES.min(len - start);
        for (q, sums) in sums.iter().enumerate() {
            out[q * len + start..][..count].copy_from_slice(&sums[..count]);
        }
    }
}

/// The numbers of one step, with zeros past the end.
#[inline(always)]
fn lanes_at(column: &[f64], start: usize) -> [f64; LANES] {
    let rest = &column[start..];
    match rest.first_chunk::<LANES>() {
        Some(lanes) => *lanes,
        None => std::array::from_fn(|lane| rest.get(lane).copied().unwrap_or(0.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_bit_equal_to_plain_sums() {
        for (count, len, width) in [
            (1, 1, 1),
            (3, 7, 2),
            (4, 8, 5),
            (8, 9, 3),
            (17, 40, 20),
            (2, 5, 0),
        ] {
            let points: Vec<Vec<f64>> = (0..count)
                .map(|q| (0..width).map(|j| ((q * 13 + j * 7) as f64).sin()).collect())
                .collect();
            let queries: Vec<&[f64]> = points.iter().map(|point| &point[..]).collect();
            let block: Vec<f64> = (0..len * width).map(|i| (i as f64 * 1.3).cos()).collect();
            let (mut squared, mut absolute) = (vec![9.0; count * len], vec![9.0; count * len]);
            squared_distances(&queries, &block, &mut squared);
            absolute_distances(&queries, &block, &mut absolute);
            for q in 0..count {
                for i in 0..len {
                    let off = |j: usize| queries[q][j] - block[j * len + i];
                    let plain = (0..width).fold(0.0_f64, |sum, j| off(j).mul_add(off(j), sum));
                    assert_eq!(squared[q * len + i].to_bits(), plain.to_bits());
                    let plain = (0..width).fold(0.0_f64, |sum, j| sum + off(j).abs());
                    assert_eq!(absolute[q * len + i].to_bits(), plain.to_bits());
                }
            }
        }
    }

    #[test]
    fn distances_that_leave_the_numbers_are_infinite() {
        let mut out = [0.0];
        squared_distances(&[&[1e300]], &[-1e300], &mut out);
        assert_eq!(out, [f64::INFINITY]);
    }
}
