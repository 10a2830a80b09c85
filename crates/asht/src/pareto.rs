//! Two objectives: fronts, hypervolume, and the expected gain of it in closed form.

use crate::acquire::Slopes;
use crate::special::{normal_cdf, normal_pdf};

/// Indices of the points that no other dominates, ordered by the first objective; of equal points the first.
pub fn front(points: &[Vec<f64>]) -> Vec<usize> {
    let beats = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(x, y)| x <= y) && a != b;
    let mut kept: Vec<usize> = (0..points.len())
        .filter(|&i| {
            let other = |j: usize| beats(&points[j], &points[i]) || (j < i && points[j] == points[i]);
            !(0..points.len()).any(other)
        })
        .collect();
    kept.sort_by(|&a, &b| points[a][0].total_cmp(&points[b][0]).then(a.cmp(&b)));
    kept
}

/// The area that a front of two objectives dominates within the reference corner.
pub fn hypervolume(points: &[[f64; 2]], reference: [f64; 2]) -> f64 {
    let mut sorted: Vec<[f64; 2]> = points
        .iter()
        .copied()
        .filter(|p| p[0] < reference[0] && p[1] < reference[1])
        .collect();
    sorted.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let (mut area, mut top) = (0.0, reference[1]);
    for [a, b] in sorted {
        if b < top {
            area += (reference[0] - a) * (top - b);
            top = b;
        }
    }
    area
}

/// Vertical strips under a front, for the expected improvement of its hypervolume.
pub(crate) struct Strips {
    /// Left end, right end, height below which a point in the strip adds area.
    strips: Vec<(f64, f64, f64)>,
}

impl Strips {
    /// From a front sorted by the first objective, and the corner.
    pub(crate) fn new(front: &[[f64; 2]], reference: [f64; 2]) -> Self {
        let mut strips = Vec::with_capacity(front.len() + 1);
        let (mut left, mut height) = (f64::NEG_INFINITY, reference[1]);
        for p in front
            .iter()
            .filter(|p| p[0] < reference[0] && p[1] < reference[1])
        {
            strips.push((left, p[0], height));
            (left, height) = (p[0], p[1]);
        }
        strips.push((left, reference[0], height));
        Self { strips }
    }

    /// The logarithm of the expected gain for independent normal objectives, and its slopes.
    ///
    /// A point `(a, b)` gains, over each strip `[l, u]` of height `h`, `(u - max(l, a))+ (h - b)+`; means of both factors
    /// are closed and independent, so the gain is a sum of products (Emmerich et al. 2011, Yang et al. 2019).
    pub(crate) fn ln_gain(&self, mean: &[f64], sd: &[f64], slopes: &mut Slopes) -> f64 {
        let mut gain = [0.0; 5]; // value, then by both means and both deviations
        for &(left, right, height) in &self.strips {
            let (inner, inner_by) = width(right, mean[0], sd[0]);
            let (outer, outer_by) = if left.is_finite() {
                width(left, mean[0], sd[0])
            } else {
                (0.0, (0.0, 0.0))
            };
            let (depth, depth_by) = width(height, mean[1], sd[1]);
            let span = (inner - outer).max(0.0);
            gain[0] += span * depth;
            gain[1] += (inner_by.0 - outer_by.0) * depth;
            gain[3] += (inner_by.1 - outer_by.1) * depth;
            gain[2] += span * depth_by.0;
            gain[4] += span * depth_by.1;
        }
        if gain[0] < 1e-280 {
            return self.far(mean, slopes);
        }
        slopes.mean = vec![gain[1] / gain[0], gain[2] / gain[0]];
        slopes.sd = vec![gain[3] / gain[0], gain[4] / gain[0]];
        gain[0].ln()
    }

    /// Where no gain is expected in numbers: the nearer to the corner of ideal values the better.
    fn far(&self, mean: &[f64], slopes: &mut Slopes) -> f64 {
        slopes.mean = vec![-1.0, -1.0];
        slopes.sd = vec![0.0, 0.0];
        -700.0 - mean[0] - mean[1]
    }
}

/// `E (edge - v)+` for a normal `v`, with its slopes by mean and deviation.
fn width(edge: f64, mean: f64, sd: f64) -> (f64, (f64, f64)) {
    let z = (edge - mean) / sd;
    let (density, below) = (normal_pdf(z), normal_cdf(z));
    ((edge - mean) * below + sd * density, (-below, density))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::Seed;

    const FRONT: [[f64; 2]; 3] = [[0.0, 2.0], [1.0, 1.0], [2.0, 0.5]];

    #[test]
    fn fronts_and_areas_are_those_drawn_by_hand() {
        let points: Vec<Vec<f64>> = [[2.0, 0.5], [0.0, 2.0], [1.0, 1.0], [1.0, 1.0], [3.0, 3.0]]
            .map(Vec::from)
            .to_vec();
        assert_eq!(front(&points), [1, 2, 0]);
        assert_eq!(hypervolume(&FRONT, [3.0, 3.0]), 3.0 + 2.0 + 0.5);
    }

    #[test]
    fn the_closed_form_agrees_with_simulation_and_its_slopes_with_differences() {
        let strips = Strips::new(&FRONT, [3.0, 3.0]);
        let (mean, sd) = ([0.8, 0.9], [0.7, 0.4]);
        let mut slopes = Slopes {
            mean: vec![],
            sd: vec![],
        };
        let value = strips.ln_gain(&mean, &sd, &mut slopes).exp();
        let mut rng = Seed::new(9).rng();
        let before = hypervolume(&FRONT, [3.0, 3.0]);
        let mut sum = 0.0;
        for _ in 0..100_000 {
            let p = [mean[0] + sd[0] * rng.normal(), mean[1] + sd[1] * rng.normal()];
            let all: Vec<[f64; 2]> = FRONT.iter().copied().chain([p]).collect();
            sum += hypervolume(&all, [3.0, 3.0]) - before;
        }
        assert!((sum / 1e5 / value - 1.0).abs() < 0.02, "{} {value}", sum / 1e5);
        let mut unused = slopes.clone();
        let mut at = |m: f64, s: f64| strips.ln_gain(&[0.8 + m, 0.9], &[0.7, 0.4 + s], &mut unused);
        assert!(((at(1e-5, 0.0) - at(-1e-5, 0.0)) / 2e-5 - slopes.mean[0]).abs() < 1e-5);
        assert!(((at(0.0, 1e-5) - at(0.0, -1e-5)) / 2e-5 - slopes.sd[1]).abs() < 1e-5);
    }
}
