//! Gradient boosting: one engine that grows trees leaf by leaf, level by level or obliviously.

mod compiled;
mod encoding;
mod link;
mod model;
mod sample;
pub mod shap;

pub use compiled::Scorer;
pub use model::BoostModel;
pub use sample::{SampleGrowth, SampleShape, sample_model};
