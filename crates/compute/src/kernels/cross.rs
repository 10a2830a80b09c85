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
    cross_lanes::<2>(left, right, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn cross_avx512(left: &[&[f64]], right: &[&[f64]], out: &mut [f64]) {
    cross_lanes::<4>(left, right, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn cross_avx2(left: &[&[f64]], right: &[&[f64]], out: &mut [f64]) {
    cross_lanes::<2>(left, right, out);
}

/// Walks the pairs in rectangles of two by `C`, so that each loaded number is used several times.
#[inline(always)]
fn cross_lanes<const C: usize>(left: &[&[f64]], right: &[&[f64]], out: &mut [f64]) {
    for (lines, pair) in out.chunks_mut(2 * right.len()).zip(left.chunks(2)) {
        // An odd vector is paired with itself, and the second line of results is dropped.
        let (first, second) = (pair[0], pair[pair.len() - 1]);
        let (upper, lower) = lines.split_at_mut(right.len());
        for at in (0..right.len()).step_by(C) {
            if at + C <= right.len() {
                let columns: [&[f64]; C] = std::array::from_fn(|c| right[at + c]);
                add_pair(first, second, columns, (&mut upper[at..], lower.get_mut(at..)));
            } else {
                for at in at..right.len() {
                    add_pair(
                        first,
                        second,
                        [right[at]],
                        (&mut upper[at..], lower.get_mut(at..)),
                    );
                }
            }
        }
    }
}

/// Adds the products of two vectors with `C` others.
#[inline(always)]
fn add_pair<const C: usize>(
    first: &[f64],
    second: &[f64],
    columns: [&[f64]; C],
    (upper, lower): (&mut [f64], Option<&mut [f64]>),
) {
    let (mut of_first, mut of_second) = ([[0.0_f64; LANES]; C], [[0.0_f64; LANES]; C]);
    for at in 0..first.len().div_ceil(LANES) {
        let (a, b) = (lanes_at(first, at), lanes_at(second, at));
        for c in 0..C {
            let x = lanes_at(columns[c], at);
            for lane in 0..LANES {
                of_first[c][lane] = a[lane].mul_add(x[lane], of_first[c][lane]);
                of_second[c][lane] = b[lane].mul_add(x[lane], of_second[c][lane]);
            }
        }
    }
    upper
        .iter_mut()
        .zip(&of_first)
        .for_each(|(place, lanes)| *place += total(lanes));
    if let Some(lower) = lower {
        lower
            .iter_mut()
            .zip(&of_second)
            .for_each(|(place, lanes)| *place += total(lanes));
    }
}

/// The numbers of one step, with zeros past the end: indexing single lanes would keep the sums out of registers.
#[inline(always)]
fn lanes_at(vector: &[f64], at: usize) -> [f64; LANES] {
    let rest = &vector[at * LANES..];
    match rest.first_chunk::<LANES>() {
        Some(lanes) => *lanes,
        None => std::array::from_fn(|lane| rest.get(lane).copied().unwrap_or(0.0)),
    }
}

/// The lanes added pairwise.
#[inline(always)]
fn total(s: &[f64; LANES]) -> f64 {
    ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
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
            if !plain.is_empty() {
                cross_lanes::<1>(&left, &right, &mut plain);
            }
            for (at, (x, y)) in fast.iter().zip(&plain).enumerate() {
                assert_eq!(x.to_bits(), y.to_bits());
                let (a, b) = (left[at / count_right], right[at % count_right]);
                let direct: f64 = 0.5 + a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                assert!((x - direct).abs() < 1e-12);
            }
        }
    }
}
