//! The training engine: a table and a target in, the best pipeline for it out, within the limits given.
//!
//! [`train`] detects the task, asks the table what would make scores lie, plans how rows are held out, walks a portfolio of
//! learners and then searches, blends what helps on held-out rows, gathers its members and describes it all in a manifest.
//! [`fit`] does the same for exactly one learner, without a search.
//!
//! Time, memory, threads and work are contracts: [`Budget`] carries them, every learner looks at them at least once a
//! tree or sweep, and from the first finished candidate on there is always a pipeline to hand out. With the same seed
//! and work, the pipeline's bytes are the same at any number of threads.

mod budget;
mod candidate;
mod climb;
mod constraints;
mod engine;
mod error;
mod events;
mod experience;
mod facts;
mod finish;
mod gather;
mod guard;
mod journal;
mod pace;
mod portfolio;
mod prepare;
mod request;
mod search;
mod single;
mod task;
mod trial;
mod unlabelled;
mod validation;

pub use budget::{Budget, Stop};
pub use candidate::Candidate;
pub use constraints::Constraints;
pub use engine::{Surroundings, Trained, train};
pub use error::TrainError;
pub use events::{Event, Events, Unheard};
pub use experience::{Experience, PastTrial, Traits};
pub use facts::{digest, table_hash};
pub use gather::row_time;
pub use guard::{Finding, drift};
pub use journal::{InMemory, Journal};
pub use portfolio::{Size, portfolio};
pub use request::{Preset, TaskChoice, TrainRequest};
pub use single::{FitTables, Fitted, fit};
pub use trial::TrialReport;
pub use unlabelled::{UnlabelledFit, UnlabelledRequest, fit_unlabelled};
