//! Coefficients on the columns as they came: prediction, saving and importances of every linear model.

use kolosal_compute::kernels::exp;
use kolosal_frame::{Column, FrameView};
use kolosal_learner::{ArtifactError, Decoder, Encoder, Meaning};

use crate::slots::Slots;

/// Rows answered together; their scores stay in the first-level cache.
const ROWS: usize = 512;

/// What the scores of a row become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// The score is the answer.
    Identity,
    /// e to the power of the score is the answer.
    Exponential,
    /// One score; the probability of class 1 by the logistic function.
    Logistic,
    /// One score a class; probabilities by the softmax function.
    Softmax,
    /// One score a class; the logistic function of each, divided by their sum.
    OneVsRest,
}

/// A fitted linear function of the columns, one for each output.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Linear {
    pub(crate) slots: Slots,
    pub(crate) link: Link,
    /// One an output.
    pub(crate) intercepts: Vec<f64>,
    /// `coefficients[slot * outputs + output]`.
    pub(crate) coefficients: Vec<f64>,
    /// Share of each column in the decisions.
    pub(crate) importances: Vec<f64>,
}

impl Linear {
    /// Joins the outputs' coefficients; `spreads` is the standard deviation of each slot's column.
    ///
    /// # Panics
    /// If a coefficient is not finite: solvers give finite answers.
    pub(crate) fn new(slots: Slots, link: Link, outputs: &[(Vec<f64>, f64)], spreads: &[f64]) -> Self {
        let width = slots.width();
        let intercepts: Vec<f64> = outputs.iter().map(|(_, intercept)| *intercept).collect();
        let coefficients: Vec<f64> = (0..width)
            .flat_map(|slot| outputs.iter().map(move |(w, _)| w[slot]))
            .collect();
        assert!(
            intercepts
                .iter()
                .chain(&coefficients)
                .all(|value| value.is_finite()),
            "solvers give finite coefficients"
        );
        let importances = importances(&slots, &coefficients, outputs.len(), spreads);
        Self {
            slots,
            link,
            intercepts,
            coefficients,
            importances,
        }
    }

    /// Meaning and width of an answer.
    pub(crate) fn shape(&self) -> (Meaning, usize) {
        match self.link {
            Link::Identity | Link::Exponential => (Meaning::Number, 1),
            Link::Logistic => (Meaning::ClassProbability, 2),
            Link::Softmax | Link::OneVsRest => (Meaning::ClassProbability, self.intercepts.len()),
        }
    }

    /// Answers every row.
    ///
    /// # Panics
    /// If `out` has another length than rows times width, or `x` another number of columns.
    pub(crate) fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let width = self.shape().1;
        assert_eq!(out.len(), x.row_count() * width, "one answer a row");
        assert_eq!(
            x.column_count(),
            self.slots.column_count(),
            "the columns of training"
        );
        let outputs = self.intercepts.len();
        let (mut numbers, mut codes) = (vec![0.0; ROWS], vec![0; ROWS]);
        let mut scores = vec![0.0; ROWS * outputs];
        for (block, answers) in out.chunks_mut(ROWS * width).enumerate() {
            let rows = answers.len() / width;
            let view = x.slice(block * ROWS, rows);
            let scores = &mut scores[..rows * outputs];
            scores
                .chunks_mut(outputs)
                .for_each(|line| line.copy_from_slice(&self.intercepts));
            for column in 0..self.slots.column_count() {
                match view.column(column) {
                    Column::Categories(_) => {
                        view.codes_into(column, &mut codes[..rows]);
                        self.add_levels(column, &codes[..rows], scores);
                    }
                    _ => {
                        view.numbers_into(column, &mut numbers[..rows]);
                        self.add_numbers(column, &numbers[..rows], scores);
                    }
                }
            }
            answer(self.link, outputs, scores, answers);
        }
    }

    pub(crate) fn add_numbers(&self, column: usize, numbers: &[f64], scores: &mut [f64]) {
        let outputs = self.intercepts.len();
        let w = &self.coefficients[self.slots.start(column) * outputs..][..outputs];
        if w.iter().all(|w| *w == 0.0) {
            return;
        }
        for (line, x) in scores.chunks_mut(outputs).zip(numbers) {
            line.iter_mut().zip(w).for_each(|(score, w)| *score += w * x);
        }
    }

    /// A missing level adds nothing.
    pub(crate) fn add_levels(&self, column: usize, codes: &[u32], scores: &mut [f64]) {
        let outputs = self.intercepts.len();
        let range = self.slots.range(column);
        let w = &self.coefficients[range.start * outputs..range.end * outputs];
        for (line, &code) in scores.chunks_mut(outputs).zip(codes) {
            if let Some(of_level) = w.get(code as usize * outputs..(code as usize + 1) * outputs) {
                line.iter_mut().zip(of_level).for_each(|(score, w)| *score += w);
            }
        }
    }

    /// Writes everything that predicting needs.
    pub(crate) fn save(&self, to: &mut Encoder) {
        self.slots.save(to);
        to.f64s(&self.intercepts);
        to.f64s(&self.coefficients);
        to.f64s(&self.importances);
    }

    /// Reads what [`Linear::save`] wrote, for a model with this link.
    ///
    /// # Errors
    /// If counts do not fit together or a number is not finite.
    pub(crate) fn load(from: &mut Decoder<'_>, link: Link) -> Result<Self, ArtifactError> {
        let slots = Slots::load(from)?;
        let (intercepts, coefficients, importances) = (from.f64s()?, from.f64s()?, from.f64s()?);
        let outputs_fit = match link {
            Link::Identity | Link::Exponential | Link::Logistic => intercepts.len() == 1,
            Link::Softmax | Link::OneVsRest => intercepts.len() >= 3,
        };
        if !outputs_fit
            || slots.width().checked_mul(intercepts.len()) != Some(coefficients.len())
            || importances.len() != slots.column_count()
        {
            return Err(ArtifactError::damaged(format!(
                "{} intercepts, {} coefficients and {} importances do not belong to {} columns",
                intercepts.len(),
                coefficients.len(),
                importances.len(),
                slots.column_count()
            )));
        }
        if let Some(odd) = [&intercepts, &coefficients, &importances]
            .into_iter()
            .flatten()
            .find(|v| !v.is_finite())
        {
            return Err(ArtifactError::damaged(format!("a coefficient is {odd}")));
        }
        if let Some(odd) = importances
            .iter()
            .find(|share| !(0.0..=1.0 + 1e-9).contains(*share))
        {
            return Err(ArtifactError::damaged(format!("an importance is {odd}")));
        }
        Ok(Self {
            slots,
            link,
            intercepts,
            coefficients,
            importances,
        })
    }
}

/// Turns the scores of some rows into answers.
fn answer(link: Link, outputs: usize, scores: &mut [f64], answers: &mut [f64]) {
    match link {
        Link::Identity => answers.copy_from_slice(scores),
        Link::Exponential => {
            answers.copy_from_slice(scores);
            exp(answers);
        }
        Link::Logistic => {
            // e^-|s| is at most one, so neither class's share overflows.
            let signs: Vec<bool> = scores.iter().map(|score| *score >= 0.0).collect();
            scores.iter_mut().for_each(|score| *score = -score.abs());
            exp(scores);
            for ((pair, e), positive) in answers.chunks_mut(2).zip(scores.iter()).zip(signs) {
                let (large, small) = (1.0 / (1.0 + e), e / (1.0 + e));
                pair.copy_from_slice(&if positive { [small, large] } else { [large, small] });
            }
        }
        Link::OneVsRest => {
            let signs: Vec<bool> = scores.iter().map(|score| *score >= 0.0).collect();
            scores.iter_mut().for_each(|score| *score = -score.abs());
            exp(scores);
            for ((share, e), positive) in answers.iter_mut().zip(scores.iter()).zip(signs) {
                *share = if positive { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
            }
            for line in answers.chunks_mut(outputs) {
                let total: f64 = line.iter().sum();
                line.iter_mut().for_each(|share| *share /= total);
            }
        }
        Link::Softmax => {
            answers.copy_from_slice(scores);
            softmax(answers, outputs);
        }
    }
}

/// Replaces each line of `outputs` scores by their softmax.
pub(crate) fn softmax(scores: &mut [f64], outputs: usize) {
    for line in scores.chunks_mut(outputs) {
        let highest = line.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        line.iter_mut().for_each(|score| *score -= highest);
    }
    exp(scores);
    for line in scores.chunks_mut(outputs) {
        let total: f64 = line.iter().sum();
        line.iter_mut().for_each(|share| *share /= total);
    }
}

/// Sum over a column's coefficients of `|w| * sd`, brought to a total of one.
fn importances(slots: &Slots, coefficients: &[f64], outputs: usize, spreads: &[f64]) -> Vec<f64> {
    let of_slot = |slot: usize| -> f64 {
        let line = &coefficients[slot * outputs..(slot + 1) * outputs];
        spreads[slot] * line.iter().map(|w| w.abs()).sum::<f64>()
    };
    let mut shares: Vec<f64> = (0..slots.column_count())
        .map(|column| slots.range(column).map(of_slot).sum())
        .collect();
    let total: f64 = shares.iter().sum();
    if total > 0.0 && total.is_finite() {
        shares.iter_mut().for_each(|share| *share /= total);
    } else {
        shares.fill(0.0);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slots::SlotKind;

    #[test]
    fn kinds_of_slots_are_counted() {
        let slots = Slots::load(&mut Decoder::new(&{
            let mut to = Encoder::new();
            to.u32s(&[u32::MAX, 3]);
            to.into_bytes()
        }))
        .expect("well formed");
        assert_eq!((slots.width(), slots.kind(1)), (4, SlotKind::Levels(3)));
    }
}
