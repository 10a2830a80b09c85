//! Gradient boosting: one engine that grows trees leaf by leaf, level by level or obliviously.

mod answer;
pub mod catboost;
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
mod oblivious;
mod pool;
mod quantise;
mod reading;
mod sampling;
mod search;
mod symmetric;
mod table;
pub mod xgboost;

pub use catboost::{CatBoost, CatBoostParams};
pub use config::{
    BoostConfig, CategoryRule, ColumnShares, Dart, EncodeRule, Growth, MonotoneMethod, Precision, Sampling, Score,
    SplitLimits, Stopping,
};
pub use fit::{BoostInput, train};
pub use link::Link;
pub use lightgbm::{LightGbm, LightGbmParams};
pub use model::BoostModel;
pub use xgboost::{XgBoost, XgBoostParams};
