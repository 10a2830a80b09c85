//! The ground every crate stands on: error kinds, seeds and random numbers, the clock, limits.
//!
//! Nothing here knows of tables, models or files. Principal types: [`ErrorKind`] (what a caller may do about a
//! failure), [`Seed`] (named, order-independent randomness), [`Clock`] (time as an argument instead of an ambient).
//!
//! ```
//! use kolosal_base::Seed;
//! let seed = Seed::new(7);
//! // A stream depends only on its name, so a new consumer never shifts another's draws.
//! assert_eq!(seed.fork("folds"), Seed::new(7).fork("folds"));
//! assert_ne!(seed.fork("folds"), seed.fork("forest"));
//! let draw = seed.fork("folds").rng().below(10);
//! assert!(draw < 10);
//! ```

mod calendar;
mod cancel;
mod clock;
mod error;
pub mod limits;
mod seed;

pub use calendar::civil_date;
pub use cancel::Cancel;
pub use clock::{Clock, ManualClock, SystemClock, unix_ms};
pub use error::ErrorKind;
pub use seed::{Rng, Seed};
