//! A logistic curve over scores: probabilities for machines that give none.

/// Most steps of Newton's method on two numbers.
const STEPS: usize = 100;

/// Slope and offset of a logistic curve over scores (Platt 1999): the probability at a score is `1 / (1 + e^-(slope score + offset))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlattCurve {
    /// Always positive.
    pub slope: f64,
    /// The log-odds at score zero.
    pub offset: f64,
}

impl PlattCurve {
    /// The logistic function itself.
    pub const PLAIN: Self = Self {
        slope: 1.0,
        offset: 0.0,
    };

    /// The curve of greatest likelihood, towards targets that are drawn in by one row a class, as Platt proposed. The slope
    /// stays positive, so that the order of scores is kept (Lin, Lin, Weng 2007 for the numerics).
    pub fn of(scores: &[f64], is_in: impl Fn(usize) -> bool, weights: &[f64]) -> Self {
        let (mut inside, mut outside) = (0.0, 0.0);
        for (row, weight) in weights.iter().enumerate() {
            *(if is_in(row) { &mut inside } else { &mut outside }) += weight;
        }
        let (high, low) = ((inside + 1.0) / (inside + 2.0), 1.0 / (outside + 2.0));
        let target = |row: usize| if is_in(row) { high } else { low };
        // Scores in units of their size, so that the curvature is well scaled.
        let unit = scores
            .iter()
            .fold(0.0_f64, |unit, score| unit.max(score.abs()))
            .max(1e-300);
        let loss = |curve: Self| -> f64 {
            let of_row = |(row, score): (usize, &f64)| {
                let z = curve.slope * score / unit + curve.offset;
                weights[row] * (z.max(0.0) - target(row) * z + (-z.abs()).exp().ln_1p())
            };
            scores.iter().enumerate().map(of_row).sum()
        };
        let mut curve = Self {
            slope: 0.0,
            offset: ((inside + 1.0) / (outside + 1.0)).ln(),
        };
        let mut reached = loss(curve);
        for _ in 0..STEPS {
            let Some((step, promise)) = curve.step(scores, weights, unit, target) else {
                break;
            };
            let mut share = 1.0;
            let next = loop {
                let next = Self {
                    slope: curve.slope + share * step[0],
                    offset: curve.offset + share * step[1],
                };
                let at = loss(next);
                if at < reached - 1e-4 * share * promise {
                    reached = at;
                    break Some(next);
                }
                share *= 0.5;
                if share < 1e-10 {
                    break None;
                }
            };
            let Some(next) = next else { break };
            curve = next;
            if promise < 1e-12 * (1.0 + reached) {
                break;
            }
        }
        Self {
            slope: (curve.slope / unit).max(1e-12),
            offset: curve.offset,
        }
    }

    /// Newton's step, and what it promises to gain.
    fn step(
        self,
        scores: &[f64],
        weights: &[f64],
        unit: f64,
        target: impl Fn(usize) -> f64,
    ) -> Option<([f64; 2], f64)> {
        let (mut gradient, mut bends) = ([0.0; 2], [1e-12, 0.0, 1e-12]);
        for (row, score) in scores.iter().enumerate() {
            let x = score / unit;
            let p = 1.0 / (1.0 + (-(self.slope * x + self.offset)).exp());
            let (off, bend) = (weights[row] * (p - target(row)), weights[row] * p * (1.0 - p));
            gradient[0] += off * x;
            gradient[1] += off;
            bends[0] += bend * x * x;
            bends[1] += bend * x;
            bends[2] += bend;
        }
        let determinant = bends[0] * bends[2] - bends[1] * bends[1];
        let step = [
            -(bends[2] * gradient[0] - bends[1] * gradient[1]) / determinant,
            -(bends[0] * gradient[1] - bends[1] * gradient[0]) / determinant,
        ];
        let promise = -(gradient[0] * step[0] + gradient[1] * step[1]);
        (promise > 0.0 && promise.is_finite()).then_some((step, promise))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_scores_by_hand() {
        // One of four rows at -1 and three of four at 1: targets (4 + 1) / (4 + 2) and 1 / 6 draw the shares in to
        // 1/3 and 2/3, whose log-odds are -ln 2 and ln 2.
        let scores = [-1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0];
        let inside = [true, false, false, false, true, true, true, false];
        let curve = PlattCurve::of(&scores, |row| inside[row], &[1.0; 8]);
        assert!(
            (curve.slope - 2.0_f64.ln()).abs() < 1e-8 && curve.offset.abs() < 1e-8,
            "{curve:?}"
        );
        let backwards = PlattCurve::of(&scores, |row| !inside[row], &[1.0; 8]);
        assert_eq!(backwards.slope, 1e-12);
    }
}
