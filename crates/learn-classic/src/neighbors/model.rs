//! The fitted neighbours: points, answers, and how they are joined.

use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use super::nearest::Nearest;
use super::params::{Metric, Weights};
use super::search::Search;
use super::space::Space;

/// Rows answered together.
const ROWS: usize = 64;

/// Most classes; bounds what a damaged file can ask for.
const CLASSES_MAX: usize = 1 << 24;

/// The known answers, one a training row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answers {
    Numbers(Vec<f64>),
    Classes { codes: Vec<u32>, count: usize },
}

/// The training rows, ready to be searched.
#[derive(Debug, Clone, PartialEq)]
pub struct NeighborsModel {
    pub(super) space: Space,
    pub(super) search: Search,
    pub(super) answers: Answers,
    /// One a training row; empty if all are the same.
    pub(super) row_weights: Vec<f64>,
    pub(super) k: usize,
    pub(super) weights: Weights,
}

impl NeighborsModel {
    /// How many neighbours answer.
    pub fn neighbor_count(&self) -> usize {
        self.k
    }

    /// The share of true neighbours that the search found for a sample of the training rows; `None` where it is exact.
    pub fn recall(&self) -> Option<f64> {
        match &self.search {
            Search::Exact(_) => None,
            Search::Graph { recall, .. } => Some(*recall),
        }
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let space = Space::load(from)?;
        let search = Search::load(from, &space)?;
        let rows = search.len();
        let answers = if from.bool()? {
            let values = from.f64s()?;
            if values.len() != rows || values.iter().any(|value| !value.is_finite()) {
                return Err(ArtifactError::damaged("the rows have no finite answers"));
            }
            Answers::Numbers(values)
        } else {
            let count = from.count("classes", CLASSES_MAX)?;
            let codes = from.u32s()?;
            if count < 2 || codes.len() != rows || codes.iter().any(|&code| code as usize >= count) {
                return Err(ArtifactError::damaged("the rows have no classes"));
            }
            Answers::Classes { codes, count }
        };
        let row_weights = from.f64s()?;
        let is_sound = row_weights.is_empty() || row_weights.len() == rows;
        if !is_sound
            || row_weights
                .iter()
                .any(|weight| !weight.is_finite() || *weight <= 0.0)
        {
            return Err(ArtifactError::damaged("the weights of the rows are no weights"));
        }
        let k = from.count("neighbours", rows)?;
        if k == 0 {
            return Err(ArtifactError::damaged("no neighbour answers"));
        }
        let weights = if from.bool()? {
            Weights::Distance
        } else {
            Weights::Uniform
        };
        Ok(Self {
            space,
            search,
            answers,
            row_weights,
            k,
            weights,
        })
    }

    /// How much each neighbour counts, as shares of one.
    fn shares(&self, found: &[(f64, u32)], shares: &mut Vec<f64>) {
        shares.clear();
        let of_row = |row: u32| self.row_weights.get(row as usize).copied().unwrap_or(1.0);
        if self.weights == Weights::Uniform {
            shares.extend(found.iter().map(|(_, row)| of_row(*row)));
        } else if found[0].0 == 0.0 {
            shares.extend(
                found
                    .iter()
                    .map(|(far, row)| if *far == 0.0 { of_row(*row) } else { 0.0 }),
            );
        } else {
            let root = |far: f64| {
                if self.space.metric == Metric::Euclidean {
                    far.sqrt()
                } else {
                    far
                }
            };
            let nearest = root(found[0].0);
            // Shares of the nearest distance: one over a tiny distance could leave the range of numbers.
            shares.extend(
                found
                    .iter()
                    .map(|(far, row)| of_row(*row) * (nearest / root(*far))),
            );
        }
        let total: f64 = shares.iter().sum();
        if total > 0.0 && total.is_finite() {
            shares.iter_mut().for_each(|share| *share /= total);
        } else {
            // No distance is a number: all are equally far.
            shares.fill(1.0 / found.len() as f64);
        }
    }

    fn answer(&self, found: &[(f64, u32)], shares: &[f64], answer: &mut [f64]) {
        answer.fill(0.0);
        for ((_, row), share) in found.iter().zip(shares) {
            match &self.answers {
                Answers::Numbers(values) => answer[0] += share * values[*row as usize],
                Answers::Classes { codes, .. } => answer[codes[*row as usize] as usize] += share,
            }
        }
        if matches!(self.answers, Answers::Classes { .. }) {
            answer.iter_mut().for_each(|share| *share = share.min(1.0));
        }
    }
}

impl FittedModel for NeighborsModel {
    fn shape(&self) -> (Meaning, usize) {
        match &self.answers {
            Answers::Numbers(_) => (Meaning::Number, 1),
            Answers::Classes { count, .. } => (Meaning::ClassProbability, *count),
        }
    }

    fn feature_count(&self) -> usize {
        self.space.column_count()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let width = self.shape().1;
        assert_eq!(out.len(), x.row_count() * width, "one answer a row");
        assert_eq!(
            x.column_count(),
            self.space.column_count(),
            "the columns of training"
        );
        let mut lists = vec![Nearest::new(self.k); ROWS.min(x.row_count())];
        let mut shares = Vec::with_capacity(self.k);
        for (block, answers) in out.chunks_mut(ROWS * width).enumerate() {
            let rows = answers.len() / width;
            let points = self.space.embed(x.slice(block * ROWS, rows));
            let lists = &mut lists[..rows];
            self.search.search(&self.space, &points, lists);
            for (list, answer) in lists.iter().zip(answers.chunks_exact_mut(width)) {
                self.shares(list.found(), &mut shares);
                self.answer(list.found(), &shares, answer);
            }
        }
    }

    fn save(&self, to: &mut Encoder) {
        self.space.save(to);
        self.search.save(to);
        match &self.answers {
            Answers::Numbers(values) => {
                to.bool(true);
                to.f64s(values);
            }
            Answers::Classes { codes, count } => {
                to.bool(false);
                to.u64(*count as u64);
                to.u32s(codes);
            }
        }
        to.f64s(&self.row_weights);
        to.u64(self.k as u64);
        to.bool(self.weights == Weights::Distance);
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        self.recall()
            .map(|recall| ("recall", recall))
            .into_iter()
            .collect()
    }
}
