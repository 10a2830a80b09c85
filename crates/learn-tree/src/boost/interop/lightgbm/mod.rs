//! LightGBM's models: a text of key=value lines.
//!
//! Facts of the format that matter here: a number goes left up to the threshold, in double precision; which values count as
//! missing is said split by split (none, zero, NaN); a category of a node's list goes left, any other and NaN right; the
//! base is part of the first tree's leaves; `sigmoid` multiplies scores, and `average_output` divides them by the number
//! of rounds.

mod levels;
mod objective;
mod read;
mod text;
mod tree;
mod write;

pub use read::read_lightgbm;
pub use write::write_lightgbm;

/// The header line that holds our checksum; LightGBM passes over keys that it does not know.
const CHECKSUM: &str = "kolosal_checksum";
