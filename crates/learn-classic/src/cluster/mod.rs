//! Clustering: rows in groups, without a target.
//!
//! A table becomes a [`Cloud`] of points: numbers standardised (a missing one is the mean), each category a point of its own
//! at distance one from every other. Over it run [`kmeans`] (groups around centres), [`dbscan`] (groups of any shape in
//! dense places, the rest noise) and [`hierarchical`] (a tree of merges, cut). Each gives a [`Clustering`], and says in words
//! why there are so many groups where it chose that itself. [`Quality`] judges a clustering by itself, [`Agreement`] two
//! clusterings by each other.
//!
//! ```
//! use kolosal_learn_classic::cluster::Agreement;
//!
//! let same = Agreement::of(&[0, 0, 1, 1], &[1, 1, 0, 0]);
//! assert_eq!(same.adjusted_rand, 1.0);
//! ```

mod agreement;
mod cloud;
mod clumps;
mod density;
mod kmeans;
mod merges;
mod quality;
#[cfg(test)]
mod tests;

pub use agreement::Agreement;
pub use cloud::Cloud;
pub(crate) use cloud::Ground;
pub(crate) use clumps::clumps;
pub use density::{Dbscan, DbscanFound, dbscan};
pub(crate) use kmeans::nearest_centres;
pub use kmeans::{KMeans, KMeansFound, kmeans};
pub(crate) use merges::hierarchical_of;
pub use merges::{Hierarchical, Linkage, hierarchical};
pub use quality::Quality;

/// The label of a row that belongs to no group.
pub const NOISE: u32 = u32::MAX;

/// Groups of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// The group of each row, from zero in the order in which groups first occur, or [`NOISE`].
    pub labels: Vec<u32>,
    /// How many groups there are.
    pub count: usize,
    /// Why there are so many, or where their border was drawn, if that was not given.
    pub reason: Option<String>,
}

impl Clustering {
    /// Numbers groups in the order in which they first occur.
    pub(crate) fn in_order(labels: &[u32], reason: Option<String>) -> Self {
        let mut names: Vec<u32> = vec![
            NOISE;
            labels
                .iter()
                .filter(|l| **l != NOISE)
                .max()
                .map_or(0, |l| *l as usize + 1)
        ];
        let mut count = 0;
        let mut ordered = Vec::with_capacity(labels.len());
        for &label in labels {
            if label == NOISE {
                ordered.push(NOISE);
                continue;
            }
            let name = &mut names[label as usize];
            if *name == NOISE {
                *name = count;
                count += 1;
            }
            ordered.push(*name);
        }
        Self {
            labels: ordered,
            count: count as usize,
            reason,
        }
    }

    /// How many rows each group has.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.count];
        self.labels
            .iter()
            .filter(|label| **label != NOISE)
            .for_each(|&label| sizes[label as usize] += 1);
        sizes
    }
}
