//! XGBoost's models: JSON, and the same document as UBJ.
//!
//! Facts of the format that matter here: a number goes left if it is below the limit in single precision; a category of a
//! node's list goes right and any other left; leaves and their sum are single precision; `base_score` is an answer, not a
//! score, and since 3.1 one number an output; DART stores a factor for each tree beside the trees.

mod categories;
mod objective;
mod read;
mod tree;
mod write;

pub use read::read_xgboost;
pub use write::{write_xgboost_json, write_xgboost_ubj};

/// The attribute that holds our checksum; XGBoost keeps attributes and does not read them.
const CHECKSUM: &str = "kolosal_checksum";
