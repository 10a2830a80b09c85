//! Which rows a tree sees: all that count, or a bootstrap sample.

use kolosal_base::Rng;

/// How rows are chosen for a tree.
#[derive(Debug)]
pub(crate) enum Bag {
    /// Every row with a weight above zero, once.
    All(Vec<u32>),
    /// So many draws with replacement, each row as likely as any other.
    Draws { rows: usize, draws: usize },
    /// So many draws with replacement, each row as likely as its weight says: running sums of the weights.
    Weighted { sums: Vec<f64>, draws: usize },
}

impl Bag {
    /// Every row that counts.
    pub(crate) fn all(rows: usize, weights: Option<&[f64]>) -> Self {
        let counts = |row: &u32| weights.is_none_or(|weights| weights[*row as usize] > 0.0);
        Self::All((0..rows as u32).filter(counts).collect())
    }

    /// A bootstrap sample; with weights, rows are drawn by weight.
    pub(crate) fn bootstrap(rows: usize, draws: usize, weights: Option<&[f64]>) -> Self {
        let Some(weights) = weights else {
            return Self::Draws { rows, draws };
        };
        let mut sum = 0.0;
        let sums = weights.iter().map(|weight| {
            sum += weight;
            sum
        });
        Self::Weighted {
            sums: sums.collect(),
            draws,
        }
    }

    /// Rows with the number of times they were drawn, in ascending order.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Vec<(u32, u32)> {
        match self {
            Self::All(rows) => rows.iter().map(|&row| (row, 1)).collect(),
            Self::Draws { rows, draws } => count(*rows, *draws, || rng.below(*rows)),
            Self::Weighted { sums, draws } => {
                let total = sums[sums.len() - 1];
                let last = sums.partition_point(|&sum| sum < total);
                count(sums.len(), *draws, || {
                    let mark = rng.uniform() * total;
                    // The first row whose running sum is above the mark has a weight above zero.
                    sums.partition_point(|&sum| sum <= mark).min(last)
                })
            }
        }
    }
}

fn count(rows: usize, draws: usize, mut next: impl FnMut() -> usize) -> Vec<(u32, u32)> {
    let mut counts = vec![0_u32; rows];
    (0..draws).for_each(|_| counts[next()] += 1);
    (0..).zip(counts).filter(|(_, count)| *count > 0).collect()
}

/// A bitmap of the rows a tree has seen.
pub(crate) fn bitmap(rows: usize, drawn: &[(u32, u32)]) -> Vec<u64> {
    let mut words = vec![0; rows.div_ceil(64)];
    drawn
        .iter()
        .for_each(|(row, _)| words[*row as usize / 64] |= 1 << (row % 64));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::Seed;

    #[test]
    fn a_bootstrap_draws_as_often_as_asked_and_leaves_about_a_third_out() {
        let drawn = Bag::bootstrap(10_000, 10_000, None).draw(&mut Seed::new(1).rng());
        assert_eq!(drawn.iter().map(|(_, count)| count).sum::<u32>(), 10_000);
        // A share of 1 - 1/e is seen; its standard deviation is 31 rows.
        assert!((6166..=6476).contains(&drawn.len()), "{}", drawn.len());
    }

    #[test]
    fn rows_of_weight_zero_are_never_drawn_and_heavy_rows_often() {
        let weights = [0.0, 1.0, 0.0, 3.0, 0.0];
        let drawn = Bag::bootstrap(5, 4000, Some(&weights)).draw(&mut Seed::new(2).rng());
        assert_eq!(drawn.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [1, 3]);
        // Standard deviation 27.4.
        assert!((2863..=3137).contains(&drawn[1].1), "{drawn:?}");
        assert!(matches!(Bag::all(5, Some(&weights)), Bag::All(rows) if rows == [1, 3]));
    }

    #[test]
    fn the_bitmap_holds_the_drawn_rows() {
        assert_eq!(bitmap(70, &[(0, 1), (69, 2)]), [1, 1 << 5]);
    }
}
