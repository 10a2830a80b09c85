//! Factors of symmetric positive matrices: [`Factor`] of matrices that must be positive, quick enough for thousands of rows,
//! and [`Cholesky`] of matrices of columns that may repeat each other, which leaves out those that add nothing.

mod cholesky;
mod factor;

pub use cholesky::Cholesky;
pub use factor::Factor;
