//! Columns that a booster derives from categories: statistics of the target by level or combination of levels.

use kolosal_learner::{ArtifactError, Decoder, Encoder};

/// Derived columns, numbered behind the raw ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Encodings {}

impl Encodings {
    /// How many derived columns there are.
    pub(crate) fn count(&self) -> usize {
        0
    }

    /// The raw columns that a derived one is made of.
    pub(crate) fn sources(&self, _derived: usize) -> &[u32] {
        &[]
    }

    /// Computes the derived values of a row from its raw ones.
    pub(crate) fn fill(&self, _raw: &[f64], _derived: &mut [f64]) {}

    pub(crate) fn save(&self, to: &mut Encoder) {
        to.u64(0);
    }

    pub(crate) fn load(from: &mut Decoder<'_>, _features: usize) -> Result<Self, ArtifactError> {
        match from.u64()? {
            0 => Ok(Self {}),
            _ => Err(ArtifactError::damaged("derived columns are unknown")),
        }
    }
}
