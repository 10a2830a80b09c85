//! Which columns a node may be split by: shares by tree, level and node, and sets of columns that may meet on a path.

use kolosal_base::Seed;

use super::config::{BoostConfig, ColumnShares};

/// The columns of one tree.
pub(crate) struct ColumnChoice<'a> {
    shares: &'a ColumnShares,
    interactions: &'a [Vec<u32>],
    /// The columns of the tree; `None` for all.
    tree: Option<Vec<bool>>,
    columns: usize,
    seed: Seed,
}

impl<'a> ColumnChoice<'a> {
    /// Draws the tree's columns.
    pub(crate) fn draw(config: &'a BoostConfig, columns: usize, seed: Seed) -> Self {
        let mut choice = Self {
            shares: &config.columns,
            interactions: &config.interactions,
            tree: None,
            columns,
            seed,
        };
        if config.columns.tree < 1.0 {
            choice.tree = Some(choice.thin(None, config.columns.tree, seed.fork("tree")));
        }
        choice
    }

    /// Whether every node may use every column.
    pub(crate) fn is_free(&self) -> bool {
        self.tree.is_none()
            && self.shares.level >= 1.0
            && self.shares.node >= 1.0
            && self.interactions.is_empty()
    }

    /// The columns of a node, given its depth and the columns tested above it; `None` for all.
    pub(crate) fn of_node(&self, node: u32, depth: u32, path: &[u32]) -> Option<Vec<bool>> {
        if self.is_free() {
            return None;
        }
        let mut open = self.tree.clone().unwrap_or_else(|| vec![true; self.columns]);
        if self.shares.level < 1.0 {
            let seed = self.seed.fork("level").fork_index(u64::from(depth));
            open = self.thin(Some(&open), self.shares.level, seed);
        }
        if !self.interactions.is_empty() {
            let meets = self.meeting(path);
            open.iter_mut()
                .zip(meets)
                .for_each(|(open, meets)| *open &= meets);
        }
        if self.shares.node < 1.0 {
            let seed = self.seed.fork("node").fork_index(u64::from(node));
            open = self.thin(Some(&open), self.shares.node, seed);
        }
        Some(open)
    }

    /// A random share of the open columns, at least one of them.
    fn thin(&self, open: Option<&[bool]>, share: f64, seed: Seed) -> Vec<bool> {
        let is_open = |&at: &usize| open.is_none_or(|open| open[at]);
        let mut left: Vec<usize> = (0..self.columns).filter(is_open).collect();
        let wanted = ((left.len() as f64 * share).round() as usize)
            .max(1)
            .min(left.len());
        let mut rng = seed.rng();
        let mut thinned = vec![false; self.columns];
        for at in 0..wanted {
            let drawn = at + rng.below(left.len() - at);
            left.swap(at, drawn);
            thinned[left[at]] = true;
        }
        thinned
    }

    /// Columns that share a set with all columns of the path; a column in no set is a set of its own.
    fn meeting(&self, path: &[u32]) -> Vec<bool> {
        let mut meets = vec![false; self.columns];
        let lonely = |column: u32| !self.interactions.iter().any(|set| set.contains(&column));
        for set in self.interactions {
            if path.iter().all(|column| set.contains(column)) {
                set.iter().for_each(|&column| meets[column as usize] = true);
            }
        }
        for column in 0..self.columns as u32 {
            if lonely(column) && path.iter().all(|&other| other == column) {
                meets[column as usize] = true;
            }
        }
        meets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice<'a>(shares: &'a ColumnShares, interactions: &'a [Vec<u32>]) -> ColumnChoice<'a> {
        ColumnChoice {
            shares,
            interactions,
            tree: None,
            columns: 6,
            seed: Seed::new(1),
        }
    }

    const ALL: ColumnShares = ColumnShares {
        tree: 1.0,
        level: 1.0,
        node: 1.0,
    };

    #[test]
    fn columns_of_a_path_share_a_set() {
        let sets = [vec![0, 1], vec![1, 2, 3]];
        let choice = choice(&ALL, &sets);
        let open = |path: &[u32]| {
            let open = choice.of_node(0, 0, path).expect("sets limit the columns");
            (0..6).filter(|&at| open[at]).collect::<Vec<_>>()
        };
        assert_eq!(open(&[]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(open(&[0]), [0, 1]);
        assert_eq!(open(&[1]), [0, 1, 2, 3]);
        assert_eq!(open(&[1, 3]), [1, 2, 3]);
        assert_eq!(open(&[5, 5]), [5]);
    }

    #[test]
    fn shares_multiply_and_leave_a_column() {
        let shares = ColumnShares {
            level: 0.5,
            node: 0.34,
            ..ALL
        };
        let choice = choice(&shares, &[]);
        for node in 0..20 {
            let open = choice.of_node(node, 3, &[]).expect("shares limit the columns");
            assert_eq!(open.iter().filter(|open| **open).count(), 1);
        }
        let level: Vec<usize> = (0..20)
            .filter_map(|node| choice.of_node(node, 3, &[])?.iter().position(|open| *open))
            .collect();
        let mut distinct = level.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 3, "the nodes of a level draw from its columns");
    }
}
