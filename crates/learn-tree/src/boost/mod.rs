//! Gradient boosting: one engine that grows trees leaf by leaf, level by level or obliviously.

mod encoding;
pub mod interop;
mod link;
mod model;

pub use model::BoostModel;
