//! The fitted cores.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use crate::cluster::Ground;
use crate::near::Near;

/// What DBSCAN has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct DbscanModel {
    pub(super) ground: Ground,
    /// The cores in the order of the rows; `None` if there are none.
    pub(super) near: Option<Near>,
    /// The group of each core.
    pub(super) labels: Vec<u32>,
    pub(super) eps: f64,
}

impl DbscanModel {
    /// The group of a point and how firmly it belongs there.
    fn answer(&self, point: &[f64], first: &[u32]) -> Option<(u32, f64)> {
        let near = self.near.as_ref()?;
        let mut found = Vec::new();
        near.within(point, self.eps * self.eps, &mut found);
        let earliest = found
            .iter()
            .map(|core| self.labels[*core as usize])
            .min_by_key(|label| first[*label as usize])?;
        let nearest = near.nearest(point, 1)[0][0].0.sqrt();
        let strength = if self.eps > 0.0 {
            (1.0 - nearest / self.eps).clamp(0.0, 1.0)
        } else {
            1.0
        };
        Some((earliest, strength))
    }

    /// The first core of each group.
    fn first_cores(&self) -> Vec<u32> {
        let count = self.labels.iter().max().map_or(0, |last| *last as usize + 1);
        let mut first = vec![u32::MAX; count];
        for (core, label) in self.labels.iter().enumerate() {
            let place = &mut first[*label as usize];
            *place = (*place).min(core as u32);
        }
        first
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let ground = Ground::load(from)?;
        let (eps, labels) = (from.finite()?, from.u32s()?);
        let near = if from.bool()? {
            Some(Near::load(from)?)
        } else {
            None
        };
        let is_sound = eps >= 0.0
            && near.as_ref().map_or(0, Near::len) == labels.len()
            && near.as_ref().is_none_or(|near| near.width() == ground.width())
            && labels.iter().all(|label| (*label as usize) < labels.len());
        if !is_sound {
            return Err(ArtifactError::damaged("cores and groups do not belong together"));
        }
        Ok(Self {
            ground,
            near,
            labels,
            eps,
        })
    }
}

impl FittedModel for DbscanModel {
    fn shape(&self) -> (Meaning, usize) {
        (Meaning::Group, 2)
    }

    fn feature_count(&self) -> usize {
        self.ground.column_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        assert_eq!(out.len(), x.row_count() * 2, "two numbers a row");
        let (cloud, first) = (self.ground.apply(x), self.first_cores());
        for (row, answer) in out.chunks_exact_mut(2).enumerate() {
            let found = self.answer(cloud.point(row), &first);
            let (group, strength) =
                found.map_or((-1.0, 0.0), |(group, strength)| (f64::from(group), strength));
            answer.copy_from_slice(&[group, strength]);
        }
    }

    fn save(&self, to: &mut Encoder) {
        self.ground.save(to);
        to.f64(self.eps);
        to.u32s(&self.labels);
        to.bool(self.near.is_some());
        if let Some(near) = &self.near {
            near.save(to);
        }
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        vec![("eps", self.eps)]
    }
}
