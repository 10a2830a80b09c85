//! The compute layer: worker threads, the memory ledger, machine facts, mapped files and SIMD kernels.
//!
//! Everything above receives its threads ([`Workers`]) and its memory budget ([`Ledger`]) as arguments; nothing above
//! starts a thread of its own. This is the only crate with `unsafe` code: each block states why it is sound, and each
//! kernel has a scalar twin that a test holds it against.
//!
//! ```
//! use kolosal_compute::Workers;
//! let workers = Workers::new(2);
//! // Results arrive in index order, whatever thread made them.
//! assert_eq!(workers.map(4, |i| i * i), [0, 1, 4, 9]);
//! ```

mod crew;
mod machine;
mod mapped;
mod memory;
mod workers;

pub mod kernels;
pub mod linalg;

pub use crew::Crew;
pub use machine::{Machine, peak_rss_bytes};
pub use mapped::MappedFile;
pub use memory::{Ledger, OverLimit, Reservation};
pub use workers::Workers;
