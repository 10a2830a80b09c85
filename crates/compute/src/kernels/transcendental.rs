//! Exponentials and logarithms of whole slices, the same bits on every processor.
//!
//! The system's own functions differ between platforms in the last bit and are called once a number; these are
//! polynomials in fused multiply-adds that vectorise.

/// Adding and taking away 1.5 * 2^52 rounds to a whole number, which stands in the low bits in between.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; the first has 21 trailing zero bits, so whole multiples of it are exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Beyond these, e^x would leave the normal numbers.
const EXPONENT_MIN: f64 = -708.0;
const EXPONENT_MAX: f64 = 709.0;

/// Replaces every x by e^x, to within one unit in the last place. x is first brought into -708 ..= 709.
pub fn exp(values: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F, checked on the line above.
            unsafe { exp_avx512(values) };
            return;
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA, checked on the line above.
            unsafe { exp_avx2(values) };
            return;
        }
    }
    exp_plain(values);
}

/// Replaces every x of 0 ..= 1 by ln(1 + x), to within two units in the last place.
pub fn ln_1p_unit(values: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F, checked on the line above.
            unsafe { ln_1p_avx512(values) };
            return;
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA, checked on the line above.
            unsafe { ln_1p_avx2(values) };
            return;
        }
    }
    ln_1p_plain(values);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn exp_avx512(values: &mut [f64]) {
    exp_plain(values);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn exp_avx2(values: &mut [f64]) {
    exp_plain(values);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn ln_1p_avx512(values: &mut [f64]) {
    ln_1p_plain(values);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn ln_1p_avx2(values: &mut [f64]) {
    ln_1p_plain(values);
}

#[inline(always)]
fn exp_plain(values: &mut [f64]) {
    for value in values {
        *value = exp_one(*value);
    }
}

#[inline(always)]
fn ln_1p_plain(values: &mut [f64]) {
    for value in values {
        *value = ln_1p_one(*value);
    }
}

/// e^x = 2^k e^r with |r| <= ln 2 / 2; e^r by its Taylor series to the 13th power (the next term is below 5e-18).
#[inline(always)]
#[expect(
    clippy::manual_clamp,
    reason = "max and min make a number of NaN, and clamp does not"
)]
fn exp_one(x: f64) -> f64 {
    let x = x.max(EXPONENT_MIN).min(EXPONENT_MAX);
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUNDER);
    let k = shifted - ROUNDER;
    let r = k.mul_add(-LN2_LOW, k.mul_add(-LN2_HIGH, x));
    let mut series = 1.0 / 6_227_020_800.0;
    for term in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        series = r.mul_add(series, term);
    }
    // The low bits of `shifted` hold k; moved up they are added to the exponent.
    f64::from_bits(series.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// ln(1 + x) = 2 artanh(s) with s = x / (2 + x) <= 1/3, by its series to the 33rd power.
#[inline(always)]
fn ln_1p_one(x: f64) -> f64 {
    let s = x / (2.0 + x);
    let square = s * s;
    let mut series = 1.0 / 33.0;
    for odd in [
        31.0, 29.0, 27.0, 25.0, 23.0, 21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0,
    ] {
        series = square.mul_add(series, 1.0 / odd);
    }
    let twice = 2.0 * s;
    (twice * square).mul_add(series, twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(from: f64, to: f64) -> Vec<f64> {
        (0..10_007)
            .map(|i| from + (to - from) * f64::from(i) / 10_006.0)
            .collect()
    }

    #[test]
    fn exponentials_are_right_and_bit_equal_to_their_scalar_twin() {
        for (from, to) in [(-708.0, 709.0), (-1.0, 1.0), (-1e-9, 1e-9)] {
            let x = grid(from, to);
            let (mut fast, mut plain) = (x.clone(), x.clone());
            exp(&mut fast);
            exp_plain(&mut plain);
            for ((x, fast), plain) in x.iter().zip(&fast).zip(&plain) {
                assert_eq!(fast.to_bits(), plain.to_bits());
                assert!((fast / x.exp() - 1.0).abs() < 4e-16, "e^{x} is {fast}");
            }
        }
        let mut extreme = [f64::NEG_INFINITY, -1e9, 0.0, 1e9];
        exp(&mut extreme);
        assert!(extreme[0] == extreme[1] && extreme[1] < 4e-308 && extreme[2] == 1.0 && extreme[3] > 8e307);
    }

    #[test]
    fn logarithms_are_right_and_bit_equal_to_their_scalar_twin() {
        for (from, to) in [(0.0, 1.0), (0.0, 1e-12)] {
            let x = grid(from, to);
            let (mut fast, mut plain) = (x.clone(), x.clone());
            ln_1p_unit(&mut fast);
            ln_1p_plain(&mut plain);
            for ((x, fast), plain) in x.iter().zip(&fast).zip(&plain) {
                assert_eq!(fast.to_bits(), plain.to_bits());
                assert!(
                    (fast - x.ln_1p()).abs() <= 6e-16 * x.ln_1p(),
                    "ln(1 + {x}) is {fast}"
                );
            }
        }
    }
}
