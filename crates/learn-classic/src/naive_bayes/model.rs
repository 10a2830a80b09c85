//! The fitted naive Bayes: a term a column, added up.

use kolosal_frame::{Column, FrameView, Rows};
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use super::spread::level_of;
use super::term::Term;
use crate::scores::{load_importances, probabilities};

/// Rows answered together; the scores of a few classes stay in the first-level cache.
const ROWS: usize = 256;

/// Distances beyond it, in standard deviations, count as this far, so that squares stay numbers.
const DISTANCE_MAX: f64 = 1e150;

/// Counts beyond it count as this many.
const COUNT_MAX: f64 = 1e280;

/// Shares of the classes and the terms of the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct NaiveBayesModel {
    /// Logarithms of the classes' shares.
    pub(super) priors: Vec<f64>,
    pub(super) terms: Vec<Term>,
    pub(super) importances: Vec<f64>,
}

impl NaiveBayesModel {
    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let priors = from.f64s()?;
        let is_sound = |prior: &f64| *prior <= 0.0 && (*prior > -1e6 || *prior == f64::NEG_INFINITY);
        if priors.len() < 2 || !priors.iter().all(is_sound) || priors.iter().all(|prior| prior.is_infinite())
        {
            return Err(ArtifactError::damaged("the shares of the classes are no shares"));
        }
        let importances = load_importances(from)?;
        let terms = (0..importances.len())
            .map(|_| Term::load(from, priors.len()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            priors,
            terms,
            importances,
        })
    }

    /// Adds a column's terms to `scores`, class after class of [`ROWS`] places.
    fn add(&self, position: usize, view: FrameView<'_>, scores: &mut [f64], buffer: &mut Buffer) {
        let rows = view.row_count();
        match (&self.terms[position], view.column(position)) {
            (Term::Normal { .. }, Column::Numbers(_) | Column::Sparse(_)) => {
                view.numbers_into(position, &mut buffer.numbers[..rows]);
                add_normal(&self.terms[position], &buffer.numbers[..rows], scores);
            }
            (Term::Levels { cuts: None, terms }, Column::Categories(_)) => {
                view.codes_into(position, &mut buffer.codes[..rows]);
                self.add_levels(terms, &buffer.codes[..rows], scores);
            }
            (
                Term::Levels {
                    cuts: Some(cuts),
                    terms,
                },
                Column::Numbers(_) | Column::Sparse(_),
            ) => {
                view.numbers_into(position, &mut buffer.numbers[..rows]);
                for (code, value) in buffer.codes.iter_mut().zip(&buffer.numbers[..rows]) {
                    *code = if value.is_nan() {
                        u32::MAX
                    } else {
                        level_of(cuts, *value) as u32
                    };
                }
                self.add_levels(terms, &buffer.codes[..rows], scores);
            }
            (Term::Factor(weights), Column::Numbers(_) | Column::Sparse(_)) => {
                add_factor(weights, view, position, scores, buffer);
            }
            // A damaged file can put a term to a column of another kind; it then says nothing.
            _ => {}
        }
    }

    fn add_levels(&self, terms: &[f64], codes: &[u32], scores: &mut [f64]) {
        let classes = self.priors.len();
        let last = terms.len() / classes - 1;
        for (row, &code) in codes.iter().enumerate() {
            let line = &terms[(code as usize).min(last) * classes..][..classes];
            for (class, term) in line.iter().enumerate() {
                scores[class * ROWS + row] += term;
            }
        }
    }
}

/// Values of one column in the rows answered together.
struct Buffer {
    numbers: Vec<f64>,
    codes: Vec<u32>,
}

fn add_normal(term: &Term, numbers: &[f64], scores: &mut [f64]) {
    let Term::Normal {
        mean,
        inverse,
        offset,
        missing,
    } = term
    else {
        return;
    };
    for (class, line) in scores.chunks_exact_mut(ROWS).enumerate() {
        let (mean, inverse) = (mean[class], inverse[class]);
        let (offset, missing) = (offset[class], missing[class]);
        for (score, x) in line.iter_mut().zip(numbers) {
            let distance = ((x - mean) * inverse).abs().min(DISTANCE_MAX);
            let present = offset - 0.5 * distance * distance;
            *score += if x.is_nan() { missing } else { present };
        }
    }
}

/// Zeros are passed over, stored or not, so that every way to walk the rows adds the same numbers.
fn add_factor(
    weights: &[f64],
    view: FrameView<'_>,
    position: usize,
    scores: &mut [f64],
    buffer: &mut Buffer,
) {
    let mut add = |row: usize, value: f64| {
        if value != 0.0 && !value.is_nan() {
            let value = value.clamp(-COUNT_MAX, COUNT_MAX);
            for (class, weight) in weights.iter().enumerate() {
                scores[class * ROWS + row] += value * weight;
            }
        }
    };
    if let (Column::Sparse(sparse), Rows::Range { start, len }) = (view.column(position), view.rows()) {
        let first = sparse.rows().partition_point(|&row| (row as usize) < start);
        let stored = sparse.rows()[first..].iter().zip(&sparse.values()[first..]);
        for (&row, &value) in stored.take_while(|(row, _)| (**row as usize) < start + len) {
            add(row as usize - start, value);
        }
        return;
    }
    let numbers = &mut buffer.numbers[..view.row_count()];
    view.numbers_into(position, numbers);
    numbers
        .iter()
        .enumerate()
        .for_each(|(row, &value)| add(row, value));
}

impl FittedModel for NaiveBayesModel {
    fn shape(&self) -> (Meaning, usize) {
        (Meaning::ClassProbability, self.priors.len())
    }

    fn feature_count(&self) -> usize {
        self.terms.len()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let classes = self.priors.len();
        assert_eq!(
            out.len(),
            x.row_count() * classes,
            "one probability a row and class"
        );
        assert_eq!(x.column_count(), self.terms.len(), "the columns of training");
        let mut scores = vec![0.0; ROWS * classes];
        let mut buffer = Buffer {
            numbers: vec![0.0; ROWS],
            codes: vec![0; ROWS],
        };
        for (block, answers) in out.chunks_mut(ROWS * classes).enumerate() {
            let rows = answers.len() / classes;
            for (line, prior) in scores.chunks_exact_mut(ROWS).zip(&self.priors) {
                line.fill(*prior);
            }
            let view = x.slice(block * ROWS, rows);
            for position in 0..self.terms.len() {
                self.add(position, view, &mut scores, &mut buffer);
            }
            for (row, answer) in answers.chunks_exact_mut(classes).enumerate() {
                let of_class = |(class, place): (usize, &mut f64)| *place = scores[class * ROWS + row];
                answer.iter_mut().enumerate().for_each(of_class);
            }
            probabilities(answers, classes);
        }
    }

    fn save(&self, to: &mut Encoder) {
        to.f64s(&self.priors);
        to.f64s(&self.importances);
        self.terms.iter().for_each(|term| term.save(to));
    }

    /// How much each column tells of the class by itself, as a share.
    fn importances(&self) -> Option<Vec<f64>> {
        Some(self.importances.clone())
    }
}
