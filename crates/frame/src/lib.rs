//! Tables as learners see them: typed columns, a schema whose every type has a reason, and views of rows.
//!
//! Principal types: [`Frame`] (columns of equal length), [`FrameView`] (a frame and the rows that count, so that a fold
//! is a list of row numbers and never a copy), [`Column`] (four storages), [`Schema`] and [`Kind`] (what a column means).
//!
//! A missing value is a state of its own in every storage and is never turned into a number:
//! NaN in numbers, [`MISSING`] in codes, the empty string in text.
//!
//! ```
//! use kolosal_frame::{Column, Field, Frame, Kind};
//! let frame = Frame::new(vec![
//!     (Field::new("height", Kind::Numeric, "two decimal numbers"), Column::numbers(vec![1.5, f64::NAN])),
//!     (Field::new("colour", Kind::Categorical, "two words"), Column::categories(&["red", "blue"])),
//! ])?;
//! let rows = [1_u32];
//! let view = frame.select(&rows);
//! assert_eq!(view.row_count(), 1);
//! assert_eq!(view.codes(1), [0]); // levels are sorted, so "blue" is level 0
//! # Ok::<(), kolosal_frame::FrameError>(())
//! ```

mod align;
mod bins;
mod column;
mod convert;
mod error;
mod frame;
mod infer;
mod parse;
pub mod profile;
pub mod read;
mod row_codes;
mod schema;
pub mod split;
mod strings;
mod view;
pub mod write;

pub use align::FrozenSchema;
pub use bins::{
    BINS_MAX, BinCodes, BinCuts, BinnedColumn, BinnedMatrix, LevelBins, MISSING_BIN, NumberBins, midpoint,
};
pub use column::{Categories, Column, MISSING, SparseNumbers};
pub use error::FrameError;
pub use frame::Frame;
pub use parse::moment::DateOrder;
pub use row_codes::{Bundle, RowCodes, RowMatrix};
pub use schema::{Field, Kind, Schema, closest};
pub use strings::Strings;
pub use view::{FrameView, Rows};
