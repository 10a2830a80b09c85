//! Gauss-Legendre quadrature on the interval from 0 to 1.

/// A point and its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    at: f64,
    weight: f64,
}

/// Points that are worked on side by side.
pub(super) const ABREAST: usize = 4;

/// Some points of a rule side by side; those of weight zero only fill up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Points {
    /// The points.
    pub(super) at: [f64; ABREAST],
    /// Their distances from 1.
    pub(super) rest: [f64; ABREAST],
    pub(super) weight: [f64; ABREAST],
}

/// The rule of so many points, some points at a time.
pub(super) fn rule(count: usize) -> Vec<Points> {
    let points = gauss_legendre(count);
    let filler = Point { at: 0.5, weight: 0.0 };
    let side_by_side = |part: &[Point]| {
        let point = |lane: usize| part.get(lane).copied().unwrap_or(filler);
        Points {
            at: std::array::from_fn(|lane| point(lane).at),
            rest: std::array::from_fn(|lane| 1.0 - point(lane).at),
            weight: std::array::from_fn(|lane| point(lane).weight),
        }
    };
    points.chunks(ABREAST).map(side_by_side).collect()
}

/// The rule of so many points: exact for polynomials of degree up to `2 count - 1`.
///
/// The points are the roots of the Legendre polynomial, found by Newton's method from Tricomi's approximation.
fn gauss_legendre(count: usize) -> Vec<Point> {
    let root = |i: usize| {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (count as f64 + 0.5)).cos();
        for _ in 0..100 {
            let (value, slope) = legendre(count, x);
            let step = value / slope;
            x -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        let (_, slope) = legendre(count, x);
        Point {
            at: 0.5 * (1.0 - x),
            weight: 1.0 / ((1.0 - x * x) * slope * slope),
        }
    };
    (0..count).map(root).collect()
}

/// The Legendre polynomial of a degree and its derivative.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for n in 2..=degree {
        let n = n as f64;
        (before, value) = (value, ((2.0 * n - 1.0) * x * value - (n - 1.0) * before) / n);
    }
    let slope = degree as f64 * (x * value - before) / (x * x - 1.0);
    (value, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_up_to_the_rules_degree_are_integrated_exactly() {
        for count in 1..=32 {
            let rule = gauss_legendre(count);
            for power in 0..2 * count {
                let sum: f64 = rule.iter().map(|p| p.weight * p.at.powi(power as i32)).sum();
                let exact = 1.0 / (power as f64 + 1.0);
                assert!(
                    (sum - exact).abs() < 1e-14,
                    "{count} points, power {power}: {sum}"
                );
            }
        }
    }
}
