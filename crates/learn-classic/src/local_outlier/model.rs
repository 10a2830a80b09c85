//! The fitted densities.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use super::fit::without_itself;
use crate::cluster::Ground;
use crate::near::Near;

/// Added to a mean reach, so that rows in one place have a density too.
const LEAST: f64 = 1e-10;

/// What local outlier factors are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalOutlierModel {
    pub(super) ground: Ground,
    pub(super) near: Near,
    pub(super) k: usize,
    /// Distance of each row's `k`th neighbour.
    pub(super) reaches: Vec<f64>,
    pub(super) densities: Vec<f64>,
    /// Scores above it are strange.
    pub(super) border: f64,
}

impl LocalOutlierModel {
    /// The density of a row with these neighbours.
    pub(super) fn density(&self, list: &[(f64, u32)]) -> f64 {
        if list.is_empty() {
            return 1.0;
        }
        let reach = |(far, row): &(f64, u32)| far.sqrt().max(self.reaches[*row as usize]);
        1.0 / (list.iter().map(reach).sum::<f64>() / list.len() as f64 + LEAST)
    }

    /// How much denser the neighbours lie than the row.
    pub(super) fn score(&self, list: &[(f64, u32)]) -> f64 {
        if list.is_empty() {
            return 1.0;
        }
        let around: f64 = list.iter().map(|(_, row)| self.densities[*row as usize]).sum();
        around / list.len() as f64 / self.density(list)
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let ground = Ground::load(from)?;
        let near = Near::load(from)?;
        let (k, border) = (from.u32()? as usize, from.finite()?);
        let (reaches, densities) = (from.f64s()?, from.f64s()?);
        let is_sound = near.width() == ground.width()
            && reaches.len() == near.len()
            && densities.len() == near.len()
            && k < near.len()
            && reaches.iter().all(|reach| reach.is_finite() && *reach >= 0.0)
            && densities
                .iter()
                .all(|density| density.is_finite() && *density > 0.0);
        if !is_sound {
            return Err(ArtifactError::damaged(
                "rows, reaches and densities do not belong together",
            ));
        }
        Ok(Self {
            ground,
            near,
            k,
            reaches,
            densities,
            border,
        })
    }
}

impl FittedModel for LocalOutlierModel {
    fn shape(&self) -> (Meaning, usize) {
        (Meaning::Anomaly, 2)
    }

    fn feature_count(&self) -> usize {
        self.ground.column_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        assert_eq!(out.len(), x.row_count() * 2, "two numbers a row");
        let cloud = self.ground.apply(x);
        let lists = self.near.nearest(&cloud.numbers, self.k + 1);
        for (answer, mut list) in out.chunks_exact_mut(2).zip(lists) {
            without_itself(&mut list, self.k);
            let score = self.score(&list);
            answer.copy_from_slice(&[score, f64::from(u8::from(score > self.border))]);
        }
    }

    fn save(&self, to: &mut Encoder) {
        self.ground.save(to);
        self.near.save(to);
        to.u32(self.k as u32);
        to.f64(self.border);
        to.f64s(&self.reaches);
        to.f64s(&self.densities);
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        vec![("border", self.border)]
    }
}
