//! The fitted curves.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FitError, FittedModel, Meaning};

use super::curves::Curves;
use crate::cluster::{Cloud, Ground};

/// What a Gaussian mixture has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianMixtureModel {
    ground: Ground,
    curves: Curves,
    /// The group that each curve's rows make.
    names: Vec<u32>,
    likelihood: f64,
    criterion: f64,
}

impl GaussianMixtureModel {
    /// Names curves in the order in which rows of theirs first occur; those without come last.
    pub(super) fn new(
        ground: Ground,
        curves: Curves,
        cloud: &Cloud,
        (likelihood, criterion): (f64, f64),
    ) -> Result<Self, FitError> {
        let count = curves.weights.len();
        let mut names = vec![u32::MAX; count];
        let mut next = 0;
        let (mut shares, mut room) = (vec![0.0; count], vec![0.0; cloud.width]);
        for row in 0..cloud.len() {
            curves.shares(cloud.point(row), &mut shares, &mut room);
            let name = &mut names[likeliest(&shares)];
            if *name == u32::MAX {
                *name = next;
                next += 1;
            }
        }
        for name in names.iter_mut().filter(|name| **name == u32::MAX) {
            *name = next;
            next += 1;
        }
        Ok(Self {
            ground,
            curves,
            names,
            likelihood,
            criterion,
        })
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let ground = Ground::load(from)?;
        let curves = Curves::load(from)?;
        let (names, likelihood, criterion) = (from.u32s()?, from.finite()?, from.finite()?);
        let mut sorted = names.clone();
        sorted.sort_unstable();
        let is_sound = curves.width == ground.width()
            && sorted.len() == curves.weights.len()
            && sorted.iter().enumerate().all(|(at, name)| at == *name as usize);
        if !is_sound {
            return Err(ArtifactError::damaged("curves and groups do not belong together"));
        }
        Ok(Self {
            ground,
            curves,
            names,
            likelihood,
            criterion,
        })
    }
}

/// The curve with the largest share; the first of equals.
fn likeliest(shares: &[f64]) -> usize {
    let mut best = 0;
    for (k, share) in shares.iter().enumerate() {
        if *share > shares[best] {
            best = k;
        }
    }
    best
}

impl FittedModel for GaussianMixtureModel {
    fn shape(&self) -> (Meaning, usize) {
        (Meaning::Group, 2)
    }

    fn feature_count(&self) -> usize {
        self.ground.column_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        assert_eq!(out.len(), x.row_count() * 2, "two numbers a row");
        let cloud = self.ground.apply(x);
        let (mut shares, mut room) = (vec![0.0; self.names.len()], vec![0.0; cloud.width]);
        for (row, answer) in out.chunks_exact_mut(2).enumerate() {
            self.curves.shares(cloud.point(row), &mut shares, &mut room);
            let best = likeliest(&shares);
            answer.copy_from_slice(&[f64::from(self.names[best]), shares[best].clamp(0.0, 1.0)]);
        }
    }

    fn save(&self, to: &mut Encoder) {
        self.ground.save(to);
        self.curves.save(to);
        to.u32s(&self.names);
        to.f64(self.likelihood);
        to.f64(self.criterion);
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        vec![("mean_log_likelihood", self.likelihood), ("bic", self.criterion)]
    }
}
