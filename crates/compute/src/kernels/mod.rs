//! Numeric kernels over slices: a vectorised form chosen at run time and a scalar twin each.
//!
//! The vectorised form and its twin add in the same order, so results are bit-equal on every processor.

mod dense;
pub mod scan;

pub use dense::{add_scaled, dot};
