//! Dropouts: earlier trees are left out while the next one is fitted, and both are then scaled to fit together.
//!
//! With `k` trees dropped, a new tree counts `1 / (k + 1)` and each dropped one `k / (k + 1)` of what it did (Vinayak,
//! Gilad-Bachrach, DART, AISTATS 2015); with [`DartScale::ByRate`] `1 / (k + rate)` and `k / (k + rate)`.

use kolosal_base::Seed;
use kolosal_compute::Crew;

use super::config::{Dart, DartScale};
use super::derive::Output;
use super::grow::BinTree;
use super::model::BoostTree;
use super::table::Table;

/// Rows that one piece of work walks.
const BLOCK: usize = 1 << 12;

/// The trees so far, as they can be taken out of the scores of the training rows.
#[derive(Default)]
pub(crate) struct Dropouts {
    routes: Vec<BinTree>,
    /// Trees that are dropped in the current round, ascending.
    dropped: Vec<usize>,
}

impl Dropouts {
    /// Chooses the trees of a round to drop and takes them out of the scores; returns the factor of the new trees.
    pub(crate) fn drop(
        &mut self,
        (dart, rate, seed): (&Dart, f64, Seed),
        trees: &[BoostTree],
        (outputs, table): (&mut [Output], &Table<'_>),
        crew: &Crew<'_>,
    ) -> f64 {
        self.dropped.clear();
        let mut rng = seed.rng();
        if rng.uniform() >= dart.skip_rate {
            let rounds = trees.len() / outputs.len().max(1);
            let most = if dart.drop_max == 0 {
                usize::MAX
            } else {
                dart.drop_max
            };
            for round in 0..rounds {
                if self.dropped.len() / outputs.len() < most && rng.uniform() < dart.drop_rate {
                    self.dropped
                        .extend(round * outputs.len()..(round + 1) * outputs.len());
                }
            }
        }
        for &at in &self.dropped {
            self.add(at, (trees, -1.0), (outputs, table), crew);
        }
        let dropped = self.dropped.len() as f64 / outputs.len().max(1) as f64;
        match dart.scale {
            _ if dropped == 0.0 => 1.0,
            DartScale::ByCount => 1.0 / (dropped + 1.0),
            DartScale::ByRate => 1.0 / (dropped + rate),
        }
    }

    /// Scales the dropped trees and puts them back; keeps the routes of the new ones.
    pub(crate) fn restore(
        &mut self,
        (factor, routes): (f64, Vec<BinTree>),
        trees: &mut [BoostTree],
        (outputs, table): (&mut [Output], &Table<'_>),
        crew: &Crew<'_>,
    ) {
        let dropped = self.dropped.len() as f64 / outputs.len().max(1) as f64;
        for &at in &self.dropped {
            trees[at].scale(dropped * factor);
        }
        for &at in &self.dropped {
            self.add(at, (trees, 1.0), (outputs, table), crew);
        }
        self.routes.extend(routes);
    }

    fn add(
        &self,
        at: usize,
        (trees, sign): (&[BoostTree], f64),
        (outputs, table): (&mut [Output], &Table<'_>),
        crew: &Crew<'_>,
    ) {
        let (tree, route) = (&trees[at], &self.routes[at]);
        let answers: Vec<f64> = (0..tree.tree.node_count() as u32)
            .map(|node| sign * tree.tree.answer_of(node).map_or(0.0, |answer| answer[0]))
            .collect();
        let scores = &mut outputs[tree.output as usize].scores;
        crew.for_each_chunk_mut(scores, BLOCK, |block, part| {
            for (row, score) in part.iter_mut().enumerate() {
                *score += answers[route.leaf_of(table, (block * BLOCK + row) as u32)];
            }
        });
    }
}

impl BoostTree {
    /// Multiplies every answer.
    pub(crate) fn scale(&mut self, factor: f64) {
        for node in 0..self.tree.node_count() as u32 {
            if self.tree.answer_of(node).is_some() {
                self.tree
                    .answer_mut(node)
                    .iter_mut()
                    .for_each(|answer| *answer *= factor);
            }
        }
    }
}
