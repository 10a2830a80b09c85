//! From columns to answers: transforms, learners, blend and calibration as one fitted thing with one artifact.
//!
//! A [`Member`] is a chain of transforms and a model, fitted together by [`fit_member`] on the rows of one fold and no
//! others. A [`Pipeline`] is the schema of a table, what is predicted, and the members whose weighted mean is the
//! answer. [`Pipeline::predict`] is the one scoring path of the product: evaluation, batch scoring and serving use it.
//! [`write_artifact`] and [`read_artifact`] turn a pipeline into bytes and back; see [`artifact`] for the format.

pub mod artifact;
mod blend;
mod calibrate;
mod conformal;
mod decide;
mod error;
mod fit;
mod manifest;
mod member;
mod packed;
mod pipeline;
mod target;

pub use artifact::{Artifact, FORMAT_VERSION, read_artifact, read_manifest, write_artifact};
pub use blend::{Blend, Judge, greedy_blend};
pub use calibrate::{apply_temperature, fit_temperature};
pub use conformal::{Conformal, Errors, NumberErrors};
pub use decide::{Calling, fit_calling};
pub use error::{CoverageError, PipelineError};
pub use fit::{Features, MemberPlan, SharedFeatures, can_combine, fit_member};
pub use manifest::{
    DataFacts, FeatureEntry, GroupEntry, GuardEntry, LeaderboardEntry, Manifest, MemberEntry, TraitEntry,
    point_difference,
};
pub use member::Member;
pub use packed::packed_len;
pub use pipeline::{Pipeline, PipelineParts};
pub use target::{CodedTarget, TargetError, TargetSpec};
