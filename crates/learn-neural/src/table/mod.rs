//! A table as a network takes it: numbers on a common scale, places of levels, codes of embedded categories.
//!
//! A number column is centred at its median, divided by the distance of its quartiles (half its range where they are equal)
//! and clipped smoothly: `x / sqrt(1 + (x / 3)^2)` never leaves -3 to 3. Missing numbers stand at the median and have a column
//! of their own that says so. A category of two levels is one number, one of up to nine is a place a level, a larger one is
//! a code into a table of learnt vectors, whose first is for levels that training rows do not have.

mod encoded;
mod plan;
mod spread;

pub(crate) use encoded::Encoded;
pub(crate) use plan::{Columns, Settings, Widths};
pub(crate) use spread::Spread;
