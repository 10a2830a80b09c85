//! Extremely randomised trees: like a random forest, but each column is cut at a random place, and every tree sees all
//! rows.
//!
//! **Objective.** As a random forest's. A node draws one threshold for each column it looks at, uniformly between the
//! lowest and the highest value it has there, and keeps the cut that gains most. Random cuts make trees that differ more,
//! so their mean varies less, at the price of some bias. A category's levels are sent to random sides.
//!
//! **Cost.** `O(trees * columns looked at * rows * depth)`, with deeper trees than a forest's but cheaper nodes.
//!
//! **Wins** over a random forest where the target is smooth in the features, and as a member of ensembles, since its
//! errors differ. **Loses** where few features matter among many, which random cuts find less well.
//!
//! Thresholds are drawn among values, not among bins; a draw that falls into a bin is moved to the nearer edge.
//!
//! Paper: P. Geurts, D. Ernst, L. Wehenkel, *Extremely randomized trees*, Machine Learning 63, 2006.

mod fit;
mod params;
#[cfg(test)]
mod tests;

pub use params::ExtraTreesParams;

/// The extra trees learner.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExtraTrees;
