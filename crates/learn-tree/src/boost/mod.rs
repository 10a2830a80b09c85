//! Gradient boosting: one engine that grows trees leaf by leaf, level by level or obliviously.

mod answer;
mod columns;
mod config;
mod encoding;
mod fit;
mod grow;
mod held_out;
mod leaf;
pub mod lightgbm;
mod link;
mod model;
mod monotone;
pub mod objective;
mod pool;
mod quantise;
mod reading;
mod sampling;
mod search;
mod table;

pub use config::{
    BoostConfig, CategoryRule, ColumnShares, Dart, EncodeRule, Growth, MonotoneMethod, Precision, Sampling, Score,
    SplitLimits, Stopping,
};
pub use fit::{BoostInput, train};
pub use link::Link;
pub use lightgbm::{LightGbm, LightGbmParams};
pub use model::BoostModel;
