//! Functions of single-precision numbers that vectorise, the same bits on every processor.

/// Adding and taking away 1.5 * 2^23 rounds to a whole number, which stands in the low bits in between.
const ROUNDER: f32 = 12_582_912.0;
/// ln 2 in two parts; the first has trailing zero bits, so whole multiples of it are exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// e^x to within a few units in the last place; x is first brought into -87 ..= 88.
#[inline(always)]
#[expect(
    clippy::manual_clamp,
    reason = "max and min make a number of NaN, and clamp does not"
)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = x.max(-87.0).min(88.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUNDER);
    let k = shifted - ROUNDER;
    let r = k.mul_add(-LN2_LOW, k.mul_add(-LN2_HIGH, x));
    let mut series = 1.0 / 5_040.0;
    for term in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = r.mul_add(series, term);
    }
    // The low bits of `shifted` hold k; moved up they are added to the exponent.
    f32::from_bits(series.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// Cosine and sine of so many whole turns, for up to some millions of them.
#[inline(always)]
pub(crate) fn cos_sin_of_turns(turns: f32) -> (f32, f32) {
    let whole = (turns + ROUNDER) - ROUNDER;
    // Half the angle lies within a quarter turn of zero, where short series are exact to the last places.
    let half = (turns - whole) * std::f32::consts::PI;
    let square = half * half;
    let mut sine = -1.0 / 39_916_800.0;
    for term in [1.0 / 362_880.0, -1.0 / 5_040.0, 1.0 / 120.0, -1.0 / 6.0, 1.0] {
        sine = square.mul_add(sine, term);
    }
    sine *= half;
    let mut cosine = 1.0 / 479_001_600.0;
    for term in [
        -1.0 / 3_628_800.0,
        1.0 / 40_320.0,
        -1.0 / 720.0,
        1.0 / 24.0,
        -0.5,
        1.0,
    ] {
        cosine = square.mul_add(cosine, term);
    }
    ((-2.0 * sine).mul_add(sine, 1.0), 2.0 * sine * cosine)
}

/// Thirty-two bits of which each depends on all of `x` (a multiply and shift finaliser with low bias).
#[inline(always)]
pub(crate) fn mix(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_right() {
        for i in -870..=880 {
            let x = i as f32 * 0.1;
            let right = f64::from(x).exp();
            assert!((f64::from(exp(x)) / right - 1.0).abs() < 4e-7, "e^{x}");
        }
        assert!(exp(f32::NEG_INFINITY) > 0.0 && exp(1e9).is_finite() && !exp(f32::NAN).is_nan());
    }

    #[test]
    fn cosines_and_sines_are_right() {
        for i in -1000..=1000 {
            let turns = i as f32 * 0.0137;
            let angle = f64::from(turns) * std::f64::consts::TAU;
            let (cos, sin) = cos_sin_of_turns(turns);
            assert!((f64::from(cos) - angle.cos()).abs() < 1e-6, "{turns} turns");
            assert!((f64::from(sin) - angle.sin()).abs() < 1e-6, "{turns} turns");
        }
    }

    #[test]
    fn mixed_bits_are_even() {
        let ones: u32 = (0..10_000).map(|x| mix(x).count_ones()).sum();
        assert!((ones as f64 / 320_000.0 - 0.5).abs() < 0.005);
    }
}
