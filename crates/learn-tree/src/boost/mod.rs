//! Gradient boosting: one engine that grows trees leaf by leaf, level by level or obliviously.

mod encoding;
mod link;
pub mod interop;
mod model;

pub use model::BoostModel;
