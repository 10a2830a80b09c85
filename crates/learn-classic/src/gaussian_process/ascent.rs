//! The highest value of a smooth function within bounds, by limited-memory quasi-Newton steps (Liu, Nocedal 1989).

use kolosal_compute::kernels::{add_scaled, dot};

/// Pairs of steps and changes of the gradient that are remembered.
const MEMORY: usize = 10;
/// Share of the promised rise that a step must bring.
const RISE: f64 = 1e-4;
/// Halvings of a step before the point counts as the best.
const HALVINGS: usize = 12;

/// A point, the value there and the gradient.
#[derive(Debug, Clone)]
pub(super) struct Reached {
    pub(super) point: Vec<f64>,
    pub(super) value: f64,
    gradient: Vec<f64>,
}

/// When to end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Relative rise of a step, and size of the gradient, that count as none.
    pub(super) tol: f64,
    pub(super) steps_max: usize,
}

/// Climbs from a point; `evaluate` gives value and gradient, or `None` where there is none.
///
/// # Errors
/// Those of `evaluate`.
pub(super) fn climb<E>(
    start: Vec<f64>,
    limits: Limits,
    mut evaluate: impl FnMut(&[f64]) -> Result<Option<(f64, Vec<f64>)>, E>,
) -> Result<Option<Reached>, E> {
    let Some((value, gradient)) = evaluate(&start)?.filter(is_number) else {
        return Ok(None);
    };
    let mut at = Reached {
        point: start,
        value,
        gradient,
    };
    let mut memory: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    for _ in 0..limits.steps_max {
        let free = free_gradient(&at, limits);
        if free.iter().all(|g| g.abs() <= limits.tol) {
            break;
        }
        let Some((reached, moved)) = search(&at, &free, &memory, limits, &mut evaluate)? else {
            if memory.is_empty() {
                break;
            }
            memory.clear();
            continue;
        };
        // Of minus the function, so that curvatures are positive.
        let turned: Vec<f64> = at
            .gradient
            .iter()
            .zip(&reached.gradient)
            .map(|(a, b)| a - b)
            .collect();
        let rise = reached.value - at.value;
        let is_flat = rise <= limits.tol * 1e-2 * (1.0 + at.value.abs());
        if dot(&moved, &turned) > 1e-10 * dot(&turned, &turned) {
            if memory.len() == MEMORY {
                memory.remove(0);
            }
            memory.push((moved, turned));
        }
        at = reached;
        if is_flat {
            break;
        }
    }
    Ok(Some(at))
}

/// The first of the shortened steps that rises enough, and how far it moved.
fn search<E>(
    at: &Reached,
    free: &[f64],
    memory: &[(Vec<f64>, Vec<f64>)],
    limits: Limits,
    evaluate: &mut impl FnMut(&[f64]) -> Result<Option<(f64, Vec<f64>)>, E>,
) -> Result<Option<(Reached, Vec<f64>)>, E> {
    let mut step = direction(free, memory);
    for (s, f) in step.iter_mut().zip(free) {
        // Parameters on a bound that the gradient presses against stay there.
        if *f == 0.0 {
            *s = 0.0;
        }
    }
    let mut share = 1.0;
    if memory.is_empty() {
        share = 1.0_f64.min(1.0 / step.iter().map(|s| s.abs()).fold(0.0, f64::max));
    }
    for _ in 0..HALVINGS {
        let mut point = at.point.clone();
        add_scaled(&mut point, share, &step);
        point
            .iter_mut()
            .for_each(|x| *x = x.clamp(limits.low, limits.high));
        let moved: Vec<f64> = point.iter().zip(&at.point).map(|(a, b)| a - b).collect();
        let promise = dot(&moved, &at.gradient);
        if let Some((value, gradient)) = evaluate(&point)?.filter(is_number)
            && value >= at.value + RISE * promise
            && promise > 0.0
        {
            let reached = Reached {
                point,
                value,
                gradient,
            };
            return Ok(Some((reached, moved)));
        }
        share *= 0.4;
    }
    Ok(None)
}

fn is_number((value, gradient): &(f64, Vec<f64>)) -> bool {
    value.is_finite() && gradient.iter().all(|g| g.is_finite())
}

/// The gradient without the parts that press against a bound.
fn free_gradient(at: &Reached, limits: Limits) -> Vec<f64> {
    let free = |(x, g): (&f64, &f64)| {
        let presses = (*x <= limits.low && *g < 0.0) || (*x >= limits.high && *g > 0.0);
        if presses { 0.0 } else { *g }
    };
    at.point.iter().zip(&at.gradient).map(free).collect()
}

/// The two loops of Nocedal (1980), upwards.
fn direction(gradient: &[f64], memory: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut direction = gradient.to_vec();
    let mut shares = Vec::with_capacity(memory.len());
    for (moved, turned) in memory.iter().rev() {
        let share = dot(moved, &direction) / dot(moved, turned);
        add_scaled(&mut direction, -share, turned);
        shares.push(share);
    }
    if let Some((moved, turned)) = memory.last() {
        let size = dot(moved, turned) / dot(turned, turned);
        direction.iter_mut().for_each(|d| *d *= size);
    }
    for ((moved, turned), share) in memory.iter().zip(shares.iter().rev()) {
        let back = dot(turned, &direction) / dot(moved, turned);
        add_scaled(&mut direction, share - back, moved);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_is_found_inside_and_on_a_bound() {
        let limits = Limits {
            low: -1.0,
            high: 3.0,
            tol: 1e-9,
            steps_max: 200,
        };
        // Rosenbrock's valley turned upside down, its top at (1, 1).
        let valley = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            let gradient = vec![2.0 * a + 400.0 * b * x[0], -200.0 * b];
            Ok::<_, ()>(Some((-(a * a) - 100.0 * b * b, gradient)))
        };
        let top = climb(vec![-1.0, 2.0], limits, valley).unwrap().unwrap();
        assert!(top.point.iter().all(|x| (x - 1.0).abs() < 1e-5), "{top:?}");
        let slope = |x: &[f64]| Ok::<_, ()>(Some((2.0 * x[0] - x[1] * x[1], vec![2.0, -2.0 * x[1]])));
        let top = climb(vec![0.0, 0.7], limits, slope).unwrap().unwrap();
        assert!(
            (top.point[0] - 3.0).abs() < 1e-12 && top.point[1].abs() < 1e-6,
            "{top:?}"
        );
    }
}
