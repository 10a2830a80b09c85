//! The fitted groups, and the rows that further ones are reached from.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use super::condensed::{Chosen, strength};
use crate::cluster::{Ground, NOISE};
use crate::near::Near;

/// What HDBSCAN has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct HdbscanModel {
    pub(super) ground: Ground,
    pub(super) near: Near,
    /// Rows, itself included, whose reach makes a row's density.
    pub(super) samples: usize,
    /// Core distances.
    pub(super) cores: Vec<f64>,
    pub(super) chosen: Chosen,
}

impl HdbscanModel {
    /// The group of a row with these nearest training rows, and how firmly it belongs there.
    fn answer(&self, list: &[(f64, u32)]) -> (f64, f64) {
        let chosen = &self.chosen;
        let in_none = (-1.0, 0.0);
        let of_row = |row: usize, strength: f64| match chosen.labels[row] {
            NOISE => in_none,
            label => (f64::from(label), strength),
        };
        let (far, first) = list[0];
        if far == 0.0 {
            return of_row(first as usize, chosen.strengths[first as usize]);
        }
        // The row itself is the first of those that make its density.
        let core = self.samples.saturating_sub(2).min(list.len() - 1);
        let core = if self.samples < 2 {
            0.0
        } else {
            list[core].0.sqrt()
        };
        let mut best: Option<(f64, usize)> = None;
        for (far, row) in list {
            let reach = far.sqrt().max(core).max(self.cores[*row as usize]);
            if best.is_none_or(|best| reach < best.0) {
                best = Some((reach, *row as usize));
            }
        }
        let (reach, row) = best.expect("there is a training row");
        let density = 1.0 / reach;
        match chosen.labels[row] {
            NOISE => in_none,
            label if density < chosen.births[label as usize] => in_none,
            label => of_row(row, strength(density, chosen.densest[label as usize])),
        }
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let ground = Ground::load(from)?;
        let near = Near::load(from)?;
        let (samples, cores) = (from.u32()? as usize, from.f64s()?);
        let chosen = Chosen {
            labels: from.u32s()?,
            strengths: from.f64s()?,
            births: from.f64s()?,
            densest: from.f64s()?,
        };
        let rows = near.len();
        let is_sound = near.width() == ground.width()
            && (1..=rows).contains(&samples)
            && cores.len() == rows
            && cores.iter().all(|core| core.is_finite() && *core >= 0.0)
            && chosen.labels.len() == rows
            && chosen.strengths.len() == rows
            && chosen.births.len() == chosen.densest.len()
            && chosen.strengths.iter().all(|share| (0.0..=1.0).contains(share))
            && chosen
                .births
                .iter()
                .chain(&chosen.densest)
                .all(|density| *density >= 0.0)
            && chosen
                .labels
                .iter()
                .all(|&label| label == NOISE || (label as usize) < chosen.births.len());
        if !is_sound {
            return Err(ArtifactError::damaged("rows and groups do not belong together"));
        }
        Ok(Self {
            ground,
            near,
            samples,
            cores,
            chosen,
        })
    }
}

impl FittedModel for HdbscanModel {
    fn shape(&self) -> (Meaning, usize) {
        (Meaning::Group, 2)
    }

    fn feature_count(&self) -> usize {
        self.ground.column_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        assert_eq!(out.len(), x.row_count() * 2, "two numbers a row");
        let cloud = self.ground.apply(x);
        let lists = self
            .near
            .nearest(&cloud.numbers, (2 * self.samples).min(self.near.len()));
        for (answer, list) in out.chunks_exact_mut(2).zip(lists) {
            let (group, strength) = self.answer(&list);
            answer.copy_from_slice(&[group, strength]);
        }
    }

    fn save(&self, to: &mut Encoder) {
        self.ground.save(to);
        self.near.save(to);
        to.u32(self.samples as u32);
        to.f64s(&self.cores);
        to.u32s(&self.chosen.labels);
        to.f64s(&self.chosen.strengths);
        to.f64s(&self.chosen.births);
        to.f64s(&self.chosen.densest);
    }
}
