//! Dot products and scaled sums of dense vectors.

/// Independent partial sums; wide enough to fill two 512-bit registers.
const LANES: usize = 16;

/// The inner product of two vectors, summed in sixteen interleaved lanes that are then added pairwise.
///
/// # Panics
/// If the lengths differ.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "a dot product needs equal lengths");
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            return unsafe { dot_avx2(a, b) };
        }
    }
    dot_lanes(a, b)
}

/// `y += scale * x`, element by element.
///
/// # Panics
/// If the lengths differ.
pub fn add_scaled(y: &mut [f64], scale: f64, x: &[f64]) {
    assert_eq!(y.len(), x.len(), "a scaled sum needs equal lengths");
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            unsafe { add_scaled_avx2(y, scale, x) };
            return;
        }
    }
    add_scaled_lanes(y, scale, x);
}

/// The sum of `weights * (values - centre)^2`, in the same lanes as [`dot`].
///
/// # Panics
/// If the lengths differ.
pub fn centred_squares(values: &[f64], weights: &[f64], centre: f64) -> f64 {
    assert_eq!(values.len(), weights.len(), "one weight a value");
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            return unsafe { centred_squares_avx2(values, weights, centre) };
        }
    }
    centred_squares_lanes(values, weights, centre)
}

/// The scalar twin, compiled once more with wide registers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_avx2(a: &[f64], b: &[f64]) -> f64 {
    dot_lanes(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_scaled_avx2(y: &mut [f64], scale: f64, x: &[f64]) {
    add_scaled_lanes(y, scale, x);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn centred_squares_avx2(values: &[f64], weights: &[f64], centre: f64) -> f64 {
    centred_squares_lanes(values, weights, centre)
}

#[inline(always)]
fn centred_squares_lanes(values: &[f64], weights: &[f64], centre: f64) -> f64 {
    sum_lanes(values, weights, |x, weight| {
        let off = x - centre;
        weight * (off * off)
    })
}

#[inline(always)]
fn dot_lanes(a: &[f64], b: &[f64]) -> f64 {
    sum_lanes(a, b, |x, y| x * y)
}

#[inline(always)]
fn sum_lanes(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (chunks_a, rest_a) = a.as_chunks::<LANES>();
    let (chunks_b, rest_b) = b.as_chunks::<LANES>();
    for (ca, cb) in chunks_a.iter().zip(chunks_b) {
        for i in 0..LANES {
            lanes[i] += term(ca[i], cb[i]);
        }
    }
    for (i, (va, vb)) in rest_a.iter().zip(rest_b).enumerate() {
        lanes[i] += term(*va, *vb);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn add_scaled_lanes(y: &mut [f64], scale: f64, x: &[f64]) {
    for (yi, xi) in y.iter_mut().zip(x) {
        *yi += scale * xi;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dispatched_form_is_bit_equal_to_its_scalar_twin() {
        for length in [0, 1, 15, 16, 17, 100, 1000] {
            let a: Vec<f64> = (0..length).map(|i| (i as f64 * 0.37).sin()).collect();
            let b: Vec<f64> = (0..length).map(|i| (i as f64 * 1.91).cos()).collect();
            assert_eq!(dot(&a, &b).to_bits(), dot_lanes(&a, &b).to_bits());
            let squares = centred_squares(&a, &b, 0.3);
            assert_eq!(squares.to_bits(), centred_squares_lanes(&a, &b, 0.3).to_bits());
            let (mut fast, mut plain) = (a.clone(), a.clone());
            add_scaled(&mut fast, 0.7, &b);
            add_scaled_lanes(&mut plain, 0.7, &b);
            assert!(fast.iter().zip(&plain).all(|(x, y)| x.to_bits() == y.to_bits()));
        }
    }
}
