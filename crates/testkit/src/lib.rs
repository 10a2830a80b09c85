//! Contract suites that run over whole lists, so that a new learner or transform needs no test plumbing of its own.
//!
//! [`LearnerCase`] and [`TransformCase`] name who is held against the clauses of [`learner`] and [`transform`]; each
//! clause is a function with a verdict, run on a thread of its own so that panics and hangs are breaches like any
//! other. [`check_learner`] and [`check_transform`] run everything; [`expect_none`] fails with the whole list.
//! [`tables`] makes the small tables they run on.
//!
//! Development only: the lists' own crates run these suites in their tests.

pub mod clause;
#[cfg(test)]
mod flawed;
pub mod learner;
mod room;
pub mod tables;
pub mod transform;

pub use clause::{Breach, Clause, Subject, Verdict, breaches, expect_none};
pub use learner::{LearnerCase, check_learner};
pub use room::Room;
pub use transform::{TransformCase, check_transform};
