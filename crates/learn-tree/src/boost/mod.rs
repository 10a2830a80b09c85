//! Gradient boosting: one engine that grows trees leaf by leaf, level by level or obliviously.

mod encoding;
mod link;
mod model;

pub mod objective;

pub use link::Link;
pub use model::BoostModel;
