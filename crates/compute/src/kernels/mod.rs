//! Numeric kernels over slices: a vectorised form chosen at run time and a scalar twin each.
//!
//! The vectorised form and its twin add in the same order, so results are bit-equal on every processor.

mod combine;
mod cross;
pub mod decimal;
mod dense;
mod distance;
pub mod gain;
pub mod histogram;
pub mod level;
pub mod scan;
pub mod tiles;
mod transcendental;
pub mod trees;
mod widest;

pub use combine::add_combinations;
pub use cross::add_cross_products;
pub use dense::{add_scaled, centred_squares, dot};
pub use distance::{absolute_distances, squared_distances};
pub use transcendental::{exp, ln_1p_unit};
pub use widest::{Loop, widest, widest_fused};
