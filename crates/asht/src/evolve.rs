//! Steps of evolution for several objectives (NSGA-II, Deb et al. 2002).
//!
//! Parents win tournaments by the front they are of, then by how empty their surroundings on it are; children are made by
//! simulated binary crossing and polynomial mutation of the numbers and by exchange of the categories. It costs nothing
//! beside a process, learns nothing of the surface, and serves long studies in which processes see only a choice of trials.

use kolosal_base::Rng;

use crate::pareto;
use crate::space::{ABSENT, Space};

/// Distribution indices: how near children are to their parents, mutants to what they were.
const CROSSING_INDEX: f64 = 15.0;
const MUTATION_INDEX: f64 = 20.0;
const POPULATION: usize = 40;

/// A child of points with these values (all minimised); `None` without two points.
pub(crate) fn child(
    space: &Space,
    points: &[&[f64]],
    values: &[Vec<f64>],
    rng: &mut Rng,
) -> Option<Vec<f64>> {
    let fitness = fitness(values);
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| better(&fitness, a, b));
    order.truncate(POPULATION);
    if order.len() < 2 {
        return None;
    }
    // In an ordered population the smaller of two positions wins the tournament.
    let mut parent = || order[rng.below(order.len()).min(rng.below(order.len()))];
    let (a, b) = (parent(), parent());
    let mut x = cross(space, points[a], points[b], rng);
    mutate(space, &mut x, rng);
    let fresh: Vec<f64> = (0..x.len()).map(|_| rng.uniform()).collect();
    space.settle(&mut x, |j| space.at_uniform(j, fresh[j]));
    Some(x)
}

/// Front and crowding distance of each point.
fn fitness(values: &[Vec<f64>]) -> Vec<(usize, f64)> {
    let mut fitness = vec![(usize::MAX, 0.0); values.len()];
    let mut left: Vec<usize> = (0..values.len()).collect();
    let mut rank = 0;
    while !left.is_empty() {
        let told: Vec<Vec<f64>> = left.iter().map(|&i| values[i].clone()).collect();
        let front: Vec<usize> = pareto::front(&told).into_iter().map(|k| left[k]).collect();
        for (&i, crowding) in front.iter().zip(crowding(values, &front)) {
            fitness[i] = (rank, crowding);
        }
        left.retain(|i| !front.contains(i));
        rank += 1;
    }
    fitness
}

fn crowding(values: &[Vec<f64>], front: &[usize]) -> Vec<f64> {
    let mut distance = vec![0.0; front.len()];
    for m in 0..values[front[0]].len() {
        let mut order: Vec<usize> = (0..front.len()).collect();
        let at = |k: usize| values[front[k]][m];
        order.sort_by(|&a, &b| at(a).total_cmp(&at(b)).then(a.cmp(&b)));
        let (first, last) = (order[0], order[order.len() - 1]);
        let range = (at(last) - at(first)).max(1e-300);
        (distance[first], distance[last]) = (f64::INFINITY, f64::INFINITY);
        for window in order.windows(3) {
            distance[window[1]] += (at(window[2]) - at(window[0])) / range;
        }
    }
    distance
}

fn better(fitness: &[(usize, f64)], a: usize, b: usize) -> std::cmp::Ordering {
    let (left, right) = (fitness[a], fitness[b]);
    left.0
        .cmp(&right.0)
        .then(right.1.total_cmp(&left.1))
        .then(a.cmp(&b))
}

fn cross(space: &Space, a: &[f64], b: &[f64], rng: &mut Rng) -> Vec<f64> {
    let mut x = a.to_vec();
    for j in 0..x.len() {
        if a[j] == ABSENT || b[j] == ABSENT {
            continue;
        }
        let u = rng.uniform();
        if space.categories(j) > 0 {
            x[j] = if u < 0.5 { a[j] } else { b[j] };
            continue;
        }
        let spread = if u < 0.5 {
            (2.0 * u).powf(1.0 / (CROSSING_INDEX + 1.0))
        } else {
            (2.0 * (1.0 - u)).powf(-1.0 / (CROSSING_INDEX + 1.0))
        };
        let side = if rng.uniform() < 0.5 { 1.0 } else { -1.0 };
        x[j] = (0.5 * (a[j] + b[j]) + side * 0.5 * spread * (a[j] - b[j])).clamp(0.0, 1.0);
    }
    x
}

fn mutate(space: &Space, x: &mut [f64], rng: &mut Rng) {
    let exist = x.iter().filter(|v| **v != ABSENT).count().max(1);
    for j in 0..x.len() {
        if x[j] == ABSENT || rng.uniform() >= 1.0 / exist as f64 {
            continue;
        }
        let u = rng.uniform();
        if space.categories(j) > 0 {
            x[j] = space.at_uniform(j, u);
            continue;
        }
        let power = 1.0 / (MUTATION_INDEX + 1.0);
        let step = if u < 0.5 {
            (2.0 * u).powf(power) - 1.0
        } else {
            1.0 - (2.0 * (1.0 - u)).powf(power)
        };
        // A step that would not leave its cell moves by one cell at least.
        let cell = space.levels(j).map_or(0.0, |levels| 1.0 / levels as f64);
        let step = if step.abs() < cell {
            cell.copysign(step)
        } else {
            step
        };
        x[j] = (x[j] + step).clamp(0.0, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Param;
    use kolosal_base::Seed;

    #[test]
    fn fronts_are_peeled_and_ends_are_never_crowded() {
        let values = [[0.0, 2.0], [1.0, 1.0], [2.0, 0.0], [0.9, 1.2], [3.0, 3.0]].map(Vec::from);
        let fitness = fitness(&values);
        assert_eq!(fitness.iter().map(|f| f.0).collect::<Vec<_>>(), [0, 0, 0, 0, 1]);
        assert!(fitness[0].1.is_infinite() && fitness[2].1.is_infinite());
        assert!(fitness[1].1.is_finite() && fitness[1].1 > fitness[3].1);
    }

    #[test]
    fn generations_approach_the_front() {
        let space =
            Space::new((0..4).map(|j| Param::float(&format!("x{j}"), 0.0, 1.0)).collect()).expect("sound");
        let tell = |x: &[f64]| {
            let away: f64 = x[1..].iter().map(|v| (v - 0.5).powi(2)).sum();
            vec![x[0] + away, 1.0 - x[0] + away]
        };
        let mut rng = Seed::new(3).rng();
        let mut points: Vec<Vec<f64>> = (0..20).map(|_| space.draw(&mut rng)).collect();
        let mut values: Vec<Vec<f64>> = points.iter().map(|x| tell(x)).collect();
        for _ in 0..300 {
            let seen: Vec<&[f64]> = points.iter().map(Vec::as_slice).collect();
            let x = child(&space, &seen, &values, &mut rng).expect("two points and more");
            values.push(tell(&x));
            points.push(x);
        }
        let front = pareto::front(&values);
        let mean = front.iter().map(|&i| values[i][0] + values[i][1]).sum::<f64>() / front.len() as f64;
        assert!(mean < 1.05 && front.len() > 8, "{mean} {}", front.len());
    }
}
