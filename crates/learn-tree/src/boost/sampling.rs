//! Which rows a round's trees see, and how much each counts.

use kolosal_base::Seed;
use kolosal_compute::Crew;

use super::config::Sampling;

/// Rows that are drawn in one piece where chances depend on gradients.
const BLOCK: usize = 1 << 12;

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

    /// Draws a bag.
    pub(crate) fn draw(self, from: &DrawRows<'_>, seed: Seed, crew: &Crew<'_>) -> Bag {
        let rows = from.rows;
        let bag = match self {
            Self::All => Bag::all(rows),
            Self::Bernoulli { share, .. } => exact_share(rows, share, seed),
            Self::OneSide { top, other } => one_side(from, (top, other), seed),
            Self::MinimalVariance { share } => minimal_variance(from, share, (seed, crew)),
            Self::Bayesian { temperature } => {
                let mut rng = seed.rng();
                let mut factors = vec![0.0; from.length];
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

/// What a bag is drawn from.
pub(crate) struct DrawRows<'a> {
    /// The rows that count, ascending.
    pub(crate) rows: &'a [u32],
    /// How many positions there are.
    pub(crate) length: usize,
    /// Writes the sizes of the gradients of some rows.
    pub(crate) sizes: &'a (dyn Fn(&[u32], &mut [f32]) + Sync),
}

impl DrawRows<'_> {
    fn sizes_of(&self, rows: &[u32]) -> Vec<f32> {
        let mut sizes = vec![0.0; rows.len()];
        (self.sizes)(rows, &mut sizes);
        sizes
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
fn one_side(from: &DrawRows<'_>, (top, other): (f64, f64), seed: Seed) -> Bag {
    let (rows, length) = (from.rows, from.length);
    let tops = ((rows.len() as f64 * top) as usize).max(1).min(rows.len());
    let others = ((rows.len() as f64 * other) as usize).max(1);
    let mut order: Vec<(f32, u32)> = from
        .sizes_of(rows)
        .into_iter()
        .zip(rows.iter().copied())
        .collect();
    let larger_first = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
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
///
/// Every block of rows keeps the share, so that blocks are drawn side by side.
fn minimal_variance(from: &DrawRows<'_>, share: f64, (seed, crew): (Seed, &Crew<'_>)) -> Bag {
    let blocks = from.rows.len().div_ceil(BLOCK);
    let parts = crew.map(blocks, |block| {
        let rows = &from.rows[block * BLOCK..((block + 1) * BLOCK).min(from.rows.len())];
        draw_block(rows, &from.sizes_of(rows), share, seed.fork_index(block as u64))
    });
    let mut bag = Bag {
        rows: Vec::with_capacity(from.rows.len()),
        factors: vec![0.0; from.length],
    };
    // Rows ascend, so that each block's have a stretch of the factors to themselves.
    let mut rest = &mut bag.factors[..];
    let mut jobs = Vec::with_capacity(blocks);
    let mut start = 0;
    for (block, (rows, factors)) in parts.iter().enumerate() {
        let end = from
            .rows
            .get((block + 1) * BLOCK)
            .map_or(from.length, |&row| row as usize);
        let (mine, others) = rest.split_at_mut(end - start);
        jobs.push((mine, start, rows, factors));
        (rest, start) = (others, end);
        bag.rows.extend(rows);
    }
    crew.for_each_mut(&mut jobs, |_, (mine, start, rows, factors)| {
        for (&row, &factor) in rows.iter().zip(factors.iter()) {
            mine[row as usize - *start] = factor;
        }
    });
    bag
}

/// Rows of a block and their factors. Without branches on what is drawn: every row is written, and the place moves on if it is in.
fn draw_block(rows: &[u32], sizes: &[f32], share: f64, seed: Seed) -> (Vec<u32>, Vec<f32>) {
    let threshold = chance_threshold(sizes, (share * rows.len() as f64) as f32);
    // Without a size to go by, all chances are the same.
    let (slope, start) = if threshold > 0.0 {
        (1.0 / threshold, 0.0)
    } else {
        (0.0, share as f32)
    };
    let mut rng = seed.rng();
    let mut drawn = (vec![0; rows.len()], vec![0.0; rows.len()]);
    let mut len = 0;
    for (&row, &size) in rows.iter().zip(sizes) {
        let chance = (start + size * slope).min(1.0);
        let uniform = (rng.next_u64() >> 40) as f32 * (1.0 / (1_u32 << 24) as f32);
        drawn.0[len] = row;
        drawn.1[len] = 1.0 / chance;
        len += usize::from(uniform < chance);
    }
    drawn.0.truncate(len);
    drawn.1.truncate(len);
    drawn
}

/// The size above which rows are certain, so that the chances `min(1, size / threshold)` sum to `wanted`; zero if the sizes
/// cannot.
///
/// Each pass takes the rows above the last threshold as certain, which lowers it, until no further row is.
fn chance_threshold(sizes: &[f32], wanted: f32) -> f32 {
    let mut threshold = small_and_large(sizes, f32::INFINITY).0 / wanted.max(f32::MIN_POSITIVE);
    let mut certain = 0.0;
    loop {
        let (small, above) = small_and_large(sizes, threshold);
        if above <= certain {
            return threshold;
        }
        let left = wanted - above;
        if left <= 0.0 {
            return 0.0;
        }
        certain = above;
        threshold = small / left;
    }
}

/// Sum of the sizes up to a threshold, and how many are above it.
fn small_and_large(sizes: &[f32], threshold: f32) -> (f32, f32) {
    const LANES: usize = 16;
    let (mut small, mut above) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    let mut add = |chunk: &[f32]| {
        for ((size, small), above) in chunk.iter().zip(&mut small).zip(&mut above) {
            let is_above = *size > threshold;
            *small += if is_above { 0.0 } else { *size };
            *above += if is_above { 1.0 } else { 0.0 };
        }
    };
    let chunks = sizes.chunks_exact(LANES);
    let rest = chunks.remainder();
    chunks.for_each(&mut add);
    add(rest);
    (small.iter().sum(), above.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(row: u32) -> f64 {
        f64::from(row % 10)
    }

    fn draw(sampling: Sampling, rows: &[u32], seed: u64) -> Bag {
        let from = DrawRows {
            rows,
            length: 1 + rows[rows.len() - 1] as usize,
            sizes: &|rows, sizes| {
                sizes
                    .iter_mut()
                    .zip(rows)
                    .for_each(|(place, &row)| *place = size(row) as f32);
            },
        };
        sampling.draw(&from, Seed::new(seed), &Crew::alone())
    }

    #[test]
    fn one_side_keeps_large_gradients_and_the_sum_of_weights() {
        let rows: Vec<u32> = (0..1000).collect();
        let bag = draw(Sampling::OneSide { top: 0.2, other: 0.1 }, &rows, 0);
        assert_eq!(bag.rows.len(), 300);
        let kept = bag.rows.iter().filter(|row| size(**row) >= 8.0).count();
        assert_eq!(kept, 200);
        let total: f64 = bag.factors.iter().map(|f| f64::from(*f)).sum();
        assert!((total - 1000.0).abs() < 1e-3);
    }

    #[test]
    fn minimal_variance_draws_the_share_and_is_right_on_average() {
        let rows: Vec<u32> = (0..20_000).collect();
        let bag = draw(Sampling::MinimalVariance { share: 0.5 }, &rows, 1);
        assert!(
            (bag.rows.len() as f64 - 10_000.0).abs() < 500.0,
            "{}",
            bag.rows.len()
        );
        let weighted: f64 = bag
            .rows
            .iter()
            .map(|&row| size(row) * f64::from(bag.factors[row as usize]))
            .sum();
        let exact: f64 = rows.iter().map(|&row| size(row)).sum();
        assert!((weighted / exact - 1.0).abs() < 0.02, "{weighted} {exact}");
        assert!(
            bag.rows.iter().all(|row| size(*row) > 0.0),
            "a row without gradient is never drawn"
        );
    }

    #[test]
    fn chances_sum_to_what_is_wanted() {
        let sizes: Vec<f32> = (0..1000_u16).map(|i| f32::from(i % 37).powi(3)).collect();
        for wanted in [10.0, 300.0, 800.0, 950.0] {
            let threshold = chance_threshold(&sizes, wanted);
            let chances: f32 = sizes.iter().map(|size| (size / threshold).min(1.0)).sum();
            assert!((chances - wanted).abs() < 1e-2, "{wanted}: {chances}");
        }
        assert_eq!(chance_threshold(&[0.0; 5], 2.0), 0.0);
    }

    #[test]
    fn a_share_is_kept_to_the_row_and_an_empty_bag_becomes_all() {
        let rows: Vec<u32> = (5..105).collect();
        let quarter = Sampling::Bernoulli {
            share: 0.25,
            every: 1,
        };
        let bag = draw(quarter, &rows, 2);
        assert_eq!(bag.rows.len(), 25);
        assert!(bag.rows.is_sorted() && bag.rows.iter().all(|row| (5..105).contains(row)));
        let none = draw(quarter, &[3], 9);
        assert_eq!(none.rows, [3]);
    }
}
