//! Gradient boosting: one engine that grows trees leaf by leaf, level by level or obliviously.
//!
//! Each round fits a tree to gradients and hessians of an [`objective`] at the current scores and adds its answers, times the
//! learning rate, to the scores. Three presets offer the engine under the names, parameters and defaults that people know:
//! [`lightgbm`] (leaf-wise), [`xgboost`] (level-wise) and [`catboost`] (oblivious trees, ordered target statistics).
//!
//! A fit reads top-down: [`train`] sets the table, `Fit::run` holds the rounds, `Grower` and `SymmetricGrower` grow trees,
//! `SearchRule` finds the split of a node by a column, and the kernels of `kolosal_compute` add rows up and scan cuts. Gradients are
//! summed as whole numbers, so that neither threads nor the order of rows within a sum change a model.

mod answer;
mod by_leaf;
pub mod catboost;
mod columns;
mod compiled;
mod config;
mod dart;
mod derive;
mod derived;
mod encoding;
mod fit;
mod grow;
mod held_out;
pub mod interop;
mod leaf;
mod level;
pub mod lightgbm;
mod linear;
mod link;
mod model;
mod monotone;
mod newton;
pub mod objective;
mod oblivious;
mod part;
mod pool;
mod quantise;
mod reading;
mod refit;
mod sampling;
mod search;
pub mod shap;
mod sweep;
mod symmetric;
mod table;
#[cfg(test)]
mod tests;
pub mod xgboost;

pub use catboost::{CatBoost, CatBoostParams};
pub use compiled::Scorer;
pub use config::{
    BoostConfig, CategoryRule, ColumnShares, Dart, DartScale, EncodeRule, Growth, MonotoneMethod, Precision,
    Sampling, Score, SplitLimits, Stopping,
};
pub use fit::{BoostInput, train};
pub use lightgbm::{LightGbm, LightGbmParams};
pub use link::Link;
pub use model::BoostModel;
pub use refit::{RefitRule, refit};
pub use xgboost::{XgBoost, XgBoostParams};
