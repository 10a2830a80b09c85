//! Limited-memory quasi-Newton descent inside a box (Nocedal 1980; steps are projected onto the bounds).

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Evaluations of the function.
    pub(crate) evaluations: usize,
    /// Stop when an iteration gains less.
    pub(crate) gain_min: f64,
}

const MEMORY: usize = 8;

/// Minimises `f` (value, gradient into the slice) from `x` between `bounds`; gives the value, `x` becomes the place.
pub(crate) fn minimise(
    x: &mut [f64],
    bounds: &[(f64, f64)],
    limits: Limits,
    mut f: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> f64 {
    let n = x.len();
    for (v, (low, high)) in x.iter_mut().zip(bounds) {
        *v = v.clamp(*low, *high);
    }
    let mut gradient = vec![0.0; n];
    let mut value = f(x, &mut gradient);
    let mut used = 1;
    let mut pairs: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    let mut trial = vec![0.0; n];
    let mut trial_gradient = vec![0.0; n];
    while used < limits.evaluations && value.is_finite() {
        let free: Vec<bool> = (0..n)
            .map(|j| {
                let (low, high) = bounds[j];
                !(x[j] <= low && gradient[j] > 0.0 || x[j] >= high && gradient[j] < 0.0)
            })
            .collect();
        let mut direction = direction(&gradient, &free, &pairs);
        let mut slope: f64 = direction.iter().zip(&gradient).map(|(d, g)| d * g).sum();
        if slope.is_nan() || slope >= 0.0 {
            pairs.clear();
            direction = steepest(&gradient, &free);
            slope = direction.iter().zip(&gradient).map(|(d, g)| d * g).sum();
        }
        if slope.is_nan() || slope >= -1e-14 {
            break;
        }
        let mut step = 1.0;
        let mut found = None;
        while used < limits.evaluations {
            for j in 0..n {
                trial[j] = (x[j] + step * direction[j]).clamp(bounds[j].0, bounds[j].1);
            }
            let new = f(&trial, &mut trial_gradient);
            used += 1;
            let predicted: f64 = (0..n).map(|j| (trial[j] - x[j]) * gradient[j]).sum();
            if new.is_finite() && new <= value + 1e-4 * predicted {
                found = Some(new);
                break;
            }
            step *= if new.is_finite() { 0.4 } else { 0.1 };
            if step < 1e-6 {
                break;
            }
        }
        let Some(new) = found else { break };
        remember(&mut pairs, (x, &trial), (&gradient, &trial_gradient));
        let gain = value - new;
        x.copy_from_slice(&trial);
        gradient.copy_from_slice(&trial_gradient);
        value = new;
        if gain < limits.gain_min {
            break;
        }
    }
    value
}

type Pairs = Vec<(Vec<f64>, Vec<f64>, f64)>;

fn remember(pairs: &mut Pairs, x: (&[f64], &[f64]), g: (&[f64], &[f64])) {
    let s: Vec<f64> = x.0.iter().zip(x.1).map(|(a, b)| b - a).collect();
    let y: Vec<f64> = g.0.iter().zip(g.1).map(|(a, b)| b - a).collect();
    let sy: f64 = s.iter().zip(&y).map(|(a, b)| a * b).sum();
    let yy: f64 = y.iter().map(|v| v * v).sum();
    if sy > 1e-10 * yy {
        if pairs.len() == MEMORY {
            pairs.remove(0);
        }
        pairs.push((s, y, sy));
    }
}

/// The first step is no longer than a tenth of the unit box or a quarter of a log unit needs.
fn steepest(gradient: &[f64], free: &[bool]) -> Vec<f64> {
    let norm = gradient
        .iter()
        .zip(free)
        .map(|(g, &f)| if f { g * g } else { 0.0 })
        .sum::<f64>()
        .sqrt();
    let scale = 0.2 / norm.max(0.2);
    gradient
        .iter()
        .zip(free)
        .map(|(g, &f)| if f { -g * scale } else { 0.0 })
        .collect()
}

fn direction(gradient: &[f64], free: &[bool], pairs: &Pairs) -> Vec<f64> {
    let Some((_, y, sy)) = pairs.last() else {
        return steepest(gradient, free);
    };
    let mut q: Vec<f64> = gradient
        .iter()
        .zip(free)
        .map(|(g, &f)| if f { *g } else { 0.0 })
        .collect();
    let mut alphas = [0.0; MEMORY];
    for (k, (s, y, sy)) in pairs.iter().enumerate().rev() {
        alphas[k] = s.iter().zip(&q).map(|(a, b)| a * b).sum::<f64>() / sy;
        q.iter_mut().zip(y).for_each(|(q, y)| *q -= alphas[k] * y);
    }
    let scale = sy / y.iter().map(|v| v * v).sum::<f64>();
    q.iter_mut().for_each(|v| *v *= scale);
    for (k, (s, y, sy)) in pairs.iter().enumerate() {
        let beta = y.iter().zip(&q).map(|(a, b)| a * b).sum::<f64>() / sy;
        q.iter_mut()
            .zip(s)
            .for_each(|(q, s)| *q += (alphas[k] - beta) * s);
    }
    q.iter()
        .zip(free)
        .map(|(v, &f)| if f { -v } else { 0.0 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banana_valley_is_followed_to_its_end_and_bounds_hold() {
        let rosenbrock = |x: &[f64], g: &mut [f64]| {
            let (a, b) = (x[0], x[1]);
            g[0] = -400.0 * a * (b - a * a) - 2.0 * (1.0 - a);
            g[1] = 200.0 * (b - a * a);
            100.0 * (b - a * a).powi(2) + (1.0 - a).powi(2)
        };
        let limits = Limits {
            evaluations: 300,
            gain_min: 0.0,
        };
        let mut x = [-1.2, 1.0];
        assert!(minimise(&mut x, &[(-2.0, 2.0); 2], limits, rosenbrock) < 1e-8);
        let mut x = [-1.2, 1.0];
        minimise(&mut x, &[(-2.0, 0.5); 2], limits, rosenbrock);
        assert!((x[0] - 0.5).abs() < 1e-3 && x[1] <= 0.5, "{x:?}");
    }
}
