//! The fitted centres.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use crate::cluster::{Ground, nearest_centres};

/// What k-means has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct KmeansModel {
    pub(super) ground: Ground,
    /// The centre of each group, one after the other.
    pub(super) centres: Vec<f64>,
    pub(super) inertia: f64,
}

/// How firmly a point belongs to the nearer of two places, by squared distances: one at the place, zero half-way.
pub(crate) fn firmness(near: f64, other: f64) -> f64 {
    match (near, other) {
        (_, other) if other.is_infinite() => 1.0,
        (near, other) if other > 0.0 => (1.0 - (near / other).sqrt()).clamp(0.0, 1.0),
        _ => 0.0,
    }
}

impl KmeansModel {
    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let ground = Ground::load(from)?;
        let (centres, inertia) = (from.f64s()?, from.finite()?);
        let is_whole = !centres.is_empty() && centres.len().is_multiple_of(ground.width());
        if !is_whole || centres.iter().any(|x| !x.is_finite()) {
            return Err(ArtifactError::damaged("the centres are no points"));
        }
        Ok(Self {
            ground,
            centres,
            inertia,
        })
    }
}

impl FittedModel for KmeansModel {
    fn shape(&self) -> (Meaning, usize) {
        (Meaning::Group, 2)
    }

    fn feature_count(&self) -> usize {
        self.ground.column_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        assert_eq!(out.len(), x.row_count() * 2, "two numbers a row");
        let nearest = nearest_centres(&self.ground.apply(x), &self.centres);
        for (answer, (label, near, other)) in out.chunks_exact_mut(2).zip(nearest) {
            answer.copy_from_slice(&[f64::from(label), firmness(near, other)]);
        }
    }

    fn save(&self, to: &mut Encoder) {
        self.ground.save(to);
        to.f64s(&self.centres);
        to.f64(self.inertia);
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        vec![("inertia", self.inertia)]
    }
}
