//! Functions of the normal distribution that stay exact far out in the tail.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, PI};

const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// `exp(x^2) erfc(x)` for `x >= 0`: a power series below 2, a continued fraction above.
fn erfcx(x: f64) -> f64 {
    if x < 2.0 {
        return (x * x).exp() * (1.0 - erf_series(x));
    }
    // erfcx(x) = 1 / (sqrt(pi) (x + (1/2) / (x + 1 / (x + (3/2) / ..)))), evaluated from its tail.
    let terms = (60.0 / x) as usize + 20;
    let mut tail = x;
    for k in (1..=terms).rev() {
        tail = x + 0.5 * k as f64 / tail;
    }
    1.0 / (PI.sqrt() * tail)
}

fn erf_series(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    let mut k = 1.0;
    while term > 1e-17 * sum {
        term *= 2.0 * x * x / (2.0 * k + 1.0);
        sum += term;
        k += 1.0;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// The standard normal density.
pub(crate) fn normal_pdf(z: f64) -> f64 {
    (-0.5 * z * z - LN_SQRT_TAU).exp()
}

/// The standard normal distribution function.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    let x = z.abs() * FRAC_1_SQRT_2;
    let upper = 0.5 * (-x * x).exp() * erfcx(x);
    if z < 0.0 { upper } else { 1.0 - upper }
}

/// The logarithm of [`normal_cdf`], also where that is zero.
pub(crate) fn ln_normal_cdf(z: f64) -> f64 {
    if z > -1.0 {
        return normal_cdf(z).ln();
    }
    let x = -z * FRAC_1_SQRT_2;
    erfcx(x).ln() - LN_2 - x * x
}

/// The quantile of the standard normal distribution (Acklam's rational start, one Halley step).
pub(crate) fn normal_quantile(p: f64) -> f64 {
    let p = p.clamp(1e-15, 1.0 - 1e-15);
    // A start good to a few percent (Winitzki's inverse of erf), then Halley's steps on the exact function.
    let y = 2.0 * p - 1.0;
    let l = (1.0 - y * y).max(1e-300).ln();
    let a = 2.0 / (PI * 0.147) + 0.5 * l;
    let mut z = (y.signum() * ((a * a - l / 0.147).sqrt() - a).max(0.0).sqrt()) * 2.0_f64.sqrt();
    for _ in 0..3 {
        let e = (normal_cdf(z) - p) / normal_pdf(z).max(1e-300);
        z -= e / (1.0 + 0.5 * z * e);
    }
    z
}

/// `ln E max(0, z + N(0, 1))`, that is `ln(phi(z) + z Phi(z))`, and its derivative.
///
/// Three branches keep it exact: the plain formula, its form with `erfcx` in the lower tail, and the asymptote beyond
/// (Ament et al. 2023).
pub(crate) fn ln_ei(z: f64) -> (f64, f64) {
    if z > -1.0 {
        let h = normal_pdf(z) + z * normal_cdf(z);
        return (h.ln(), normal_cdf(z) / h);
    }
    let x = -z * FRAC_1_SQRT_2;
    if z > -1e5 {
        // h = phi(z) (1 - |z| sqrt(pi/2) erfcx(|z|/sqrt 2))
        let mills = (PI / 2.0).sqrt() * erfcx(x);
        let rest = if z > -20.0 { 1.0 + z * mills } else { tail_rest(z) };
        return (-0.5 * z * z - LN_SQRT_TAU + rest.ln(), mills / rest);
    }
    (-0.5 * z * z - LN_SQRT_TAU - 2.0 * (-z).ln(), -z)
}

/// `1 - |z| Mills(|z|)` by its asymptotic series, where the difference would lose all digits.
fn tail_rest(z: f64) -> f64 {
    let w = 1.0 / (z * z);
    w * (1.0 - 3.0 * w * (1.0 - 5.0 * w * (1.0 - 7.0 * w)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, relative: f64) {
        assert!((a - b).abs() <= relative * b.abs(), "{a} {b}");
    }

    #[test]
    fn the_tail_agrees_with_tables() {
        // mpmath 1.3: erfc, ncdf, and log(npdf(z) + z ncdf(z)) at 50 digits.
        near(normal_cdf(1.0), 0.841_344_746_068_542_9, 1e-13);
        near(normal_cdf(-3.0), 0.001_349_898_031_630_094_5, 1e-12);
        near(ln_normal_cdf(-40.0), -804.608_442_013_754, 1e-12);
        near(normal_quantile(0.975), 1.959_963_984_540_054, 1e-12);
        near(normal_quantile(1e-6), -4.753_424_308_822_899, 1e-9);
    }

    #[test]
    fn expected_improvement_is_smooth_over_its_branches() {
        for edge in [-1.0, -20.0, -1e5] {
            let (below, above) = (ln_ei(edge - 1e-9), ln_ei(edge + 1e-9));
            near(below.0, above.0, 1e-8);
            near(below.1, above.1, 1e-4);
        }
        for z in [-30.0, -5.0, -0.5, 2.0] {
            let slope = (ln_ei(z + 1e-5).0 - ln_ei(z - 1e-5).0) / 2e-5;
            near(ln_ei(z).1, slope, 1e-4);
        }
    }
}
