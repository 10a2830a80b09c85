//! Boosters from and for XGBoost, LightGBM and CatBoost.

mod catboost;
mod checksum;
mod columns;
mod error;
mod export;
mod imported;
mod lightgbm;
mod place;
mod sketch;
mod threshold;
mod ubj;
mod xgboost;

pub use catboost::read_catboost_json;
pub use columns::{BoosterColumn, ColumnValues, columns_of};
pub use error::{InteropError, Library};
pub use imported::ImportedBooster;
pub use lightgbm::{read_lightgbm, write_lightgbm};
pub use xgboost::{read_xgboost, write_xgboost_json, write_xgboost_ubj};
