//! Which rows a round's trees see, and how much each counts.

use kolosal_base::Seed;

use super::config::Sampling;

/// The rows of a round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bag {
    /// Positions, ascending.
    pub(crate) rows: Vec<u32>,
    /// What derivatives are multiplied with, by position; empty for one.
    pub(crate) factors: Vec<f32>,
}

impl Bag {
    fn all(rows: &[u32]) -> Self {
        Self {
            rows: rows.to_vec(),
            factors: Vec::new(),
        }
    }

    pub(crate) fn factors(&self) -> Option<&[f32]> {
        (!self.factors.is_empty()).then_some(&self.factors[..])
    }
}

impl Sampling {
    /// Whether another bag is drawn in this round.
    pub(crate) fn draws_in(self, round: usize) -> bool {
        match self {
            Self::All => round == 0,
            Self::Bernoulli { every, .. } => round.is_multiple_of(every.max(1)),
            Self::OneSide { .. } | Self::MinimalVariance { .. } | Self::Bayesian { .. } => true,
        }
    }

    /// Draws a bag from the rows that count (`rows`, ascending); `sizes` gives the size of each position's gradient.
    pub(crate) fn draw(self, rows: &[u32], sizes: impl Fn(u32) -> f64, (seed, length): (Seed, usize)) -> Bag {
        let mut rng = seed.rng();
        let bag = match self {
            Self::All => Bag::all(rows),
            Self::Bernoulli { share, .. } => exact_share(rows, share, seed),
            Self::OneSide { top, other } => one_side(rows, (top, other), sizes, (seed, length)),
            Self::MinimalVariance { share } => minimal_variance(rows, share, sizes, (seed, length)),
            Self::Bayesian { temperature } => {
                let mut factors = vec![0.0; length];
                for &row in rows {
                    let uniform = 1.0 - rng.uniform();
                    factors[row as usize] = (-uniform.ln()).powf(temperature) as f32;
                }
                Bag {
                    rows: rows.to_vec(),
                    factors,
                }
            }
        };
        if bag.rows.is_empty() {
            // A tree needs a row; this happens with very few rows only.
            return Bag::all(rows);
        }
        bag
    }
}

/// A share of the rows, drawn without replacement, as many as the share says.
fn exact_share(rows: &[u32], share: f64, seed: Seed) -> Bag {
    let mut wanted = ((rows.len() as f64 * share).round() as usize).clamp(1, rows.len());
    let mut rng = seed.rng();
    let mut drawn = Vec::with_capacity(wanted);
    for (at, &row) in rows.iter().enumerate() {
        // Selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S).
        if rng.uniform() * ((rows.len() - at) as f64) < wanted as f64 {
            drawn.push(row);
            wanted -= 1;
        }
    }
    Bag {
        rows: drawn,
        factors: Vec::new(),
    }
}

/// Rows of large gradients, and some of the others with the weight of all of them.
fn one_side(
    rows: &[u32],
    (top, other): (f64, f64),
    sizes: impl Fn(u32) -> f64,
    (seed, length): (Seed, usize),
) -> Bag {
    let tops = ((rows.len() as f64 * top) as usize).max(1).min(rows.len());
    let others = ((rows.len() as f64 * other) as usize).max(1);
    let mut order: Vec<(f64, u32)> = rows.iter().map(|&row| (sizes(row), row)).collect();
    let larger_first = |a: &(f64, u32), b: &(f64, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if tops < order.len() {
        order.select_nth_unstable_by(tops, larger_first);
    }
    let mut rest: Vec<u32> = order[tops..].iter().map(|(_, row)| *row).collect();
    rest.sort_unstable();
    let drawn = if rest.is_empty() {
        Vec::new()
    } else {
        exact_share(&rest, (others as f64 / rest.len() as f64).min(1.0), seed).rows
    };
    let factor = rest.len() as f64 / drawn.len().max(1) as f64;
    let mut factors = vec![0.0; length];
    order[..tops]
        .iter()
        .for_each(|(_, row)| factors[*row as usize] = 1.0);
    drawn
        .iter()
        .for_each(|row| factors[*row as usize] = factor as f32);
    let mut rows: Vec<u32> = order[..tops].iter().map(|(_, row)| *row).chain(drawn).collect();
    rows.sort_unstable();
    Bag { rows, factors }
}

/// Each row with a chance in proportion to the size of its gradient, at most one, and the inverse chance as its weight.
fn minimal_variance(
    rows: &[u32],
    share: f64,
    sizes: impl Fn(u32) -> f64,
    (seed, length): (Seed, usize),
) -> Bag {
    let all: Vec<f64> = rows.iter().map(|&row| sizes(row)).collect();
    let threshold = chance_threshold(&all, share * rows.len() as f64);
    let mut rng = seed.rng();
    let mut bag = Bag {
        rows: Vec::with_capacity(rows.len()),
        factors: vec![0.0; length],
    };
    for (&row, size) in rows.iter().zip(&all) {
        let chance = if threshold > 0.0 {
            (size / threshold).min(1.0)
        } else {
            share
        };
        if rng.uniform() < chance {
            bag.rows.push(row);
            bag.factors[row as usize] = (1.0 / chance) as f32;
        }
    }
    bag
}

/// The size above which rows are certain, so that the chances `min(1, size / threshold)` sum to `wanted`; zero if the sizes
/// cannot.
///
/// Each pass takes the rows above the last threshold as certain, which lowers it, until no further row is.
fn chance_threshold(sizes: &[f64], wanted: f64) -> f64 {
    let mut threshold = sizes.iter().sum::<f64>() / wanted.max(f64::MIN_POSITIVE);
    let mut certain = 0;
    loop {
        let (mut above, mut small) = (0_usize, 0.0);
        for &size in sizes {
            above += usize::from(size > threshold);
            small += if size > threshold { 0.0 } else { size };
        }
        if above == certain {
            return threshold;
        }
        let left = wanted - above as f64;
        if left <= 0.0 {
            return 0.0;
        }
        certain = above;
        threshold = small / left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(row: u32) -> f64 {
        f64::from(row % 10)
    }

    #[test]
    fn one_side_keeps_large_gradients_and_the_sum_of_weights() {
        let rows: Vec<u32> = (0..1000).collect();
        let bag = Sampling::OneSide { top: 0.2, other: 0.1 }.draw(&rows, sizes, (Seed::new(0), 1000));
        assert_eq!(bag.rows.len(), 300);
        let kept = bag.rows.iter().filter(|row| sizes(**row) >= 8.0).count();
        assert_eq!(kept, 200);
        let total: f64 = bag.factors.iter().map(|f| f64::from(*f)).sum();
        assert!((total - 1000.0).abs() < 1e-3);
    }

    #[test]
    fn minimal_variance_draws_the_share_and_is_right_on_average() {
        let rows: Vec<u32> = (0..20_000).collect();
        let bag = Sampling::MinimalVariance { share: 0.5 }.draw(&rows, sizes, (Seed::new(1), 20_000));
        assert!(
            (bag.rows.len() as f64 - 10_000.0).abs() < 500.0,
            "{}",
            bag.rows.len()
        );
        let weighted: f64 = bag
            .rows
            .iter()
            .map(|&row| sizes(row) * f64::from(bag.factors[row as usize]))
            .sum();
        let exact: f64 = rows.iter().map(|&row| sizes(row)).sum();
        assert!((weighted / exact - 1.0).abs() < 0.02, "{weighted} {exact}");
        assert!(
            bag.rows.iter().all(|row| sizes(*row) > 0.0),
            "a row without gradient is never drawn"
        );
    }

    #[test]
    fn chances_sum_to_what_is_wanted() {
        let sizes: Vec<f64> = (0..1000).map(|i| f64::from(i % 37).powi(3)).collect();
        for wanted in [10.0, 300.0, 800.0, 950.0] {
            let threshold = chance_threshold(&sizes, wanted);
            let chances: f64 = sizes.iter().map(|size| (size / threshold).min(1.0)).sum();
            assert!((chances - wanted).abs() < 1e-6, "{wanted}: {chances}");
        }
        assert_eq!(chance_threshold(&[0.0; 5], 2.0), 0.0);
    }

    #[test]
    fn a_share_is_kept_to_the_row_and_an_empty_bag_becomes_all() {
        let rows: Vec<u32> = (5..105).collect();
        let bag = Sampling::Bernoulli {
            share: 0.25,
            every: 1,
        }
        .draw(&rows, sizes, (Seed::new(2), 105));
        assert_eq!(bag.rows.len(), 25);
        assert!(bag.rows.is_sorted() && bag.rows.iter().all(|row| (5..105).contains(row)));
        let none = Sampling::MinimalVariance { share: 0.5 }.draw(&[3], |_| 0.0, (Seed::new(9), 4));
        assert_eq!(none.rows, [3]);
    }
}
