//! Parts of networks: weights in tiles, functions of units, the optimiser, schedules.

pub(crate) mod activation;
pub(crate) mod adam;
pub(crate) mod math;
pub(crate) mod periodic;
pub(crate) mod schedule;
pub(crate) mod tiled;
