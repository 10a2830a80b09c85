//! How scores become answers.

use kolosal_learner::{ArtifactError, Decoder, Encoder, Meaning};

/// The inverse link of an objective: how the scores of a row become its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The score is the answer.
    Identity,
    /// `1 / (1 + exp(-score))`: the probability of the second of two classes, or a number between 0 and 1.
    Logistic,
    /// `exp(score_c) / sum(exp(score))` over the classes.
    Softmax,
    /// `exp(score)`.
    Exponential,
    /// A logistic probability a class on its own, divided by their sum.
    OneVersusAll,
}

const LINKS: [Link; 5] = [
    Link::Identity,
    Link::Logistic,
    Link::Softmax,
    Link::Exponential,
    Link::OneVersusAll,
];

/// Scores beyond this answer like this: `exp` stays finite.
const SCORE_MAX: f64 = 700.0;

impl Link {
    /// Numbers in an answer made from so many scores: one logistic score stands for the probabilities of two classes.
    pub(crate) fn width(self, meaning: Meaning, outputs: usize) -> usize {
        match (self, meaning) {
            (Self::Logistic, Meaning::ClassProbability) => 2,
            _ => outputs,
        }
    }

    /// Turns one row's scores into its answer.
    #[inline]
    pub(crate) fn answer(self, scores: &[f64], out: &mut [f64]) {
        match self {
            Self::Identity => out.copy_from_slice(scores),
            Self::Exponential => {
                out.iter_mut()
                    .zip(scores)
                    .for_each(|(answer, score)| *answer = score.clamp(-SCORE_MAX, SCORE_MAX).exp());
            }
            Self::Logistic => match out {
                [answer] => *answer = sigmoid(scores[0]),
                [first, second] => {
                    *second = sigmoid(scores[0]);
                    *first = 1.0 - *second;
                }
                _ => panic!("a logistic score answers with one or two numbers"),
            },
            Self::Softmax => softmax(scores, out),
            Self::OneVersusAll => {
                out.iter_mut()
                    .zip(scores)
                    .for_each(|(answer, score)| *answer = sigmoid(*score));
                share_out(out);
            }
        }
    }

    /// Whether so many scores can be answered with this meaning.
    pub(crate) fn suits(self, meaning: Meaning, outputs: usize) -> bool {
        match (self, meaning) {
            (Self::Identity | Self::Exponential, Meaning::Number) => outputs >= 1,
            (Self::Logistic, _) => outputs == 1,
            (Self::Softmax | Self::OneVersusAll, Meaning::ClassProbability) => outputs >= 2,
            _ => false,
        }
    }

    pub(crate) fn save(self, to: &mut Encoder) {
        let at = LINKS.iter().position(|link| *link == self);
        to.u8(at.expect("every link is listed") as u8);
    }

    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let at = from.u8()?;
        let link = LINKS.get(usize::from(at)).copied();
        link.ok_or_else(|| ArtifactError::damaged(format!("{at} is no link")))
    }
}

/// `1 / (1 + exp(-score))`.
#[inline]
pub(crate) fn sigmoid(score: f64) -> f64 {
    1.0 / (1.0 + (-score).clamp(-SCORE_MAX, SCORE_MAX).exp())
}

/// `exp(score_c) / sum(exp(score))`.
#[inline]
pub(crate) fn softmax(scores: &[f64], out: &mut [f64]) {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    out.iter_mut()
        .zip(scores)
        .for_each(|(answer, score)| *answer = (score - highest).exp());
    share_out(out);
}

fn share_out(out: &mut [f64]) {
    let total: f64 = out.iter().sum();
    if total > 0.0 {
        out.iter_mut().for_each(|share| *share /= total);
    } else {
        out.fill(1.0 / out.len() as f64);
    }
}
