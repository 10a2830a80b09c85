//! Many small decision trees at once, over values that have become codes of one byte.
//!
//! A number matters to a tree only by which of the model's thresholds it exceeds. So each number is ranked once among the
//! sorted thresholds of its column ([`ranks_into`]), the rank becomes a code ([`codes_into`]), and from then on all trees
//! compare bytes, which is exact. A *slot* is one such code of a row: a column has several where it has more thresholds than
//! a byte can tell apart, or where missing values go left in some nodes and right in others.
//!
//! [`Grove`] holds trees of any shape. One row walks eight trees side by side; sixty-four rows go through one tree together:
//! each node keeps the set of rows that reach it as the bits of one word (the idea of QuickScorer, Lucchese et al. 2015, and
//! RapidScorer, Ye et al. 2018, turned by a right angle: words of rows instead of words of leaves). [`Tables`] holds
//! oblivious trees, where a level asks one question of all rows: the answers are the bits of a leaf's number.

mod bits;
mod codes;
mod grove;
mod picks;
mod tables;

pub use bits::{spread, transpose};
pub use codes::{SLOT_CUTS, Slot, codes_into, rank, ranks_abreast, ranks_into};
pub use grove::{Grove, LEAVES_MAX, Step};
pub use picks::add_picked;
pub use tables::{DEPTH_MAX, Question, Tables};

/// Rows that go through a tree together.
pub const LANES: usize = 64;

/// The codes of one slot in [`LANES`] rows.
pub type Codes = [u8; LANES];

/// For each of [`LANES`] rows the number of a leaf.
pub type Picks = [u16; LANES];
