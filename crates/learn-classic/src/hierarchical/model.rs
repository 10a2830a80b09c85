//! The fitted groups: the rows, or the clumps that stand for them, and the group of each.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use crate::cluster::{Cloud, Clustering, Ground};
use crate::kmeans::firmness;
use crate::near::Near;

/// What hierarchical clustering has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct HierarchicalModel {
    pub(super) ground: Ground,
    /// Rows or clumps.
    pub(super) near: Near,
    /// The group of each.
    pub(super) labels: Vec<u32>,
    /// The centre of each group, one after the other.
    pub(super) centres: Vec<f64>,
}

/// The centre of each group.
pub(super) fn centres_of(places: &Cloud, sizes: &[f64], found: &Clustering) -> Vec<f64> {
    let width = places.width;
    let (mut centres, mut totals) = (vec![0.0; found.count * width], vec![0.0; found.count]);
    for (at, &label) in found.labels.iter().enumerate() {
        let label = label as usize;
        totals[label] += sizes[at];
        let centre = &mut centres[label * width..(label + 1) * width];
        centre
            .iter_mut()
            .zip(places.point(at))
            .for_each(|(sum, x)| *sum += sizes[at] * x);
    }
    for (centre, total) in centres.chunks_exact_mut(width).zip(totals) {
        centre.iter_mut().for_each(|x| *x /= total);
    }
    centres
}

impl HierarchicalModel {
    fn strength(&self, point: &[f64], group: usize) -> f64 {
        let squared =
            |centre: &[f64]| -> f64 { point.iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum() };
        let far: Vec<f64> = self.centres.chunks_exact(point.len()).map(squared).collect();
        let others = far
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != group)
            .map(|(_, far)| *far);
        firmness(far[group], others.fold(f64::INFINITY, f64::min))
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let ground = Ground::load(from)?;
        let near = Near::load(from)?;
        let (labels, centres) = (from.u32s()?, from.f64s()?);
        let width = ground.width();
        let is_sound = near.width() == width
            && labels.len() == near.len()
            && centres.len().is_multiple_of(width)
            && centres.iter().all(|x| x.is_finite())
            && labels
                .iter()
                .all(|label| (*label as usize) < centres.len() / width);
        if !is_sound {
            return Err(ArtifactError::damaged("rows and groups do not belong together"));
        }
        Ok(Self {
            ground,
            near,
            labels,
            centres,
        })
    }
}

impl FittedModel for HierarchicalModel {
    fn shape(&self) -> (Meaning, usize) {
        (Meaning::Group, 2)
    }

    fn feature_count(&self) -> usize {
        self.ground.column_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        assert_eq!(out.len(), x.row_count() * 2, "two numbers a row");
        let cloud = self.ground.apply(x);
        let nearest = self.near.nearest(&cloud.numbers, 1);
        for (row, (answer, nearest)) in out.chunks_exact_mut(2).zip(nearest).enumerate() {
            let group = self.labels[nearest[0].1 as usize];
            answer.copy_from_slice(&[f64::from(group), self.strength(cloud.point(row), group as usize)]);
        }
    }

    fn save(&self, to: &mut Encoder) {
        self.ground.save(to);
        self.near.save(to);
        to.u32s(&self.labels);
        to.f64s(&self.centres);
    }
}
