//! Boosters from and for other libraries: XGBoost (JSON and UBJ), LightGBM (text) and CatBoost (JSON, read only).
//!
//! An imported model is a [`BoostModel`](super::BoostModel) like one trained here, with what its file says of columns and
//! classes ([`ImportedBooster`]). Scores equal those of the library: to the last bit for CatBoost and almost always for
//! LightGBM, and to single precision for XGBoost, which sums in it. `benches/interop` holds the comparison.
//!
//! Libraries disagree about which side of a limit is closed, in which precision, what is missing, and where unknown
//! categories go. Readers convert limits exactly for every finite number; writers choose the limit in single precision that
//! keeps apart what single precision tells apart.
//!
//! Nothing in a file is believed. Whatever a format says twice is compared: sizes, counts, parents and children, hessians,
//! answers of leaves, hashes of categories. A digit changed inside a threshold, a leaf's answer or a list of categories is
//! said only once in most formats and cannot be noticed in a file that another library wrote. Files written here carry a
//! checksum of what a reader makes of them, where the other library passes over it, so that any such change is refused.
//!
//! ```
//! use kolosal_frame::{Column, Field, Frame, Kind};
//! use kolosal_learn_tree::boost::interop::{read_lightgbm, read_xgboost, write_xgboost_json};
//!
//! let text = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nobjective=binary sigmoid:1\n\
//!     feature_names=age\nfeature_infos=[0:99]\n\nTree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=1\n\
//!     threshold=40.5\ndecision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=-1 2\n\nend of trees\n";
//! let booster = read_lightgbm(text.as_bytes())?;
//! let age = (Field::new("age", Kind::Numeric, "example"), Column::numbers(vec![30.0, 50.0]));
//! let table = booster.schema().align(&Frame::new(vec![age])?)?;
//! let mut scores = [0.0; 2];
//! booster.scores_into(table.view(), &mut scores);
//! assert_eq!(scores, [-1.0, 2.0]);
//!
//! let columns = booster.columns().to_vec();
//! let file = write_xgboost_json(&booster.into_model()?, &columns)?;
//! assert_eq!(read_xgboost(&file)?.objective(), "binary:logistic");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod catboost;
mod checksum;
mod columns;
mod error;
mod export;
mod imported;
mod lightgbm;
mod place;
mod sketch;
#[cfg(test)]
mod tests;
mod threshold;
mod ubj;
mod xgboost;

pub use catboost::read_catboost_json;
pub use columns::{BoosterColumn, ColumnValues, columns_of};
pub use error::{InteropError, Library};
pub use imported::ImportedBooster;
pub use lightgbm::{read_lightgbm, write_lightgbm};
pub use xgboost::{read_xgboost, write_xgboost_json, write_xgboost_ubj};
