//! Losses of one score and one answer: a row's formulas, and the loops over rows that every such loss shares.
//!
//! Rows are taken in short chunks, so that the exponentials of a chunk are one call of the vectorised kernel.

use std::ops::Range;

use kolosal_compute::kernels;
use kolosal_learner::{DataError, Target};

use super::Objective;
use super::labels::{Labels, LeafRows, LossSum};
use crate::boost::link::Link;

/// Rows of a chunk; its buffers stay in the first-level cache.
const CHUNK: usize = 256;
/// Gradients beyond this are cut: sums of a billion of them still fit a single-precision number.
const DERIVATIVE_MAX: f64 = 1e29;
/// Hessians are at least this share of the weight, as in XGBoost: a leaf of saturated rows keeps a finite step.
pub(super) const HESSIAN_MIN: f64 = 1e-16;
/// Residuals beyond this are cut: their squares are finite.
const RESIDUAL_MAX: f64 = 1e150;

/// Losses are reported for scores of at most this size: products with answers are finite.
const SCORE_MAX: f64 = 1e300;

/// The formulas of a loss for one row. Exponentials are asked for first and handed in, so that they are made by chunks.
pub(super) trait Pointwise: Send + Sync {
    /// How many exponentials a row needs, at most two.
    const EXPONENTIALS: usize = 0;
    /// Whether the hessian is one, whatever the row.
    const HESSIAN_IS_WEIGHT: bool = false;

    /// The name in messages and reports.
    fn name(&self) -> &'static str;

    /// How the score becomes an answer.
    fn link(&self) -> Link {
        Link::Identity
    }

    /// The exponents, of which the first [`Pointwise::EXPONENTIALS`] count.
    fn exponents(&self, _answer: f64, _score: f64) -> [f64; 2] {
        [0.0; 2]
    }

    /// First and second derivative of the loss by the score.
    fn derive(&self, answer: f64, score: f64, exponentials: [f64; 2]) -> [f64; 2];

    /// The loss.
    fn loss(&self, answer: f64, score: f64, exponentials: [f64; 2]) -> f64;

    /// The constant score of the lowest loss.
    fn base(&self, rows: &Labels<'_>) -> f64;

    /// Refuses targets that the loss is not defined for.
    fn check(&self, rows: &Labels<'_>) -> Result<(), DataError> {
        let _ = rows;
        Ok(())
    }

    /// Whether leaves are answered by [`Pointwise::renew`].
    fn renews(&self) -> bool {
        false
    }

    /// What a leaf adds instead of a Newton step.
    fn renew(&self, leaf: &LeafRows<'_>) -> Option<f64> {
        let _ = leaf;
        None
    }
}

impl<L: Pointwise> Objective for L {
    fn name(&self) -> &'static str {
        Pointwise::name(self)
    }

    fn outputs(&self) -> usize {
        1
    }

    fn link(&self) -> Link {
        Pointwise::link(self)
    }

    fn hessian_is_weight(&self) -> bool {
        L::HESSIAN_IS_WEIGHT
    }

    fn check(&self, rows: &Labels<'_>) -> Result<(), DataError> {
        Pointwise::check(self, rows)
    }

    fn base(&self, rows: &Labels<'_>) -> Vec<f64> {
        vec![Pointwise::base(self, rows)]
    }

    fn derive(&self, rows: &Labels<'_>, scores: &[&[f64]], grad: &mut [&mut [f32]], hess: &mut [&mut [f32]]) {
        let out = Derivatives::of(grad, hess, 0);
        derive(self, Answers::of(rows), rows.weights(), scores[0], out);
    }

    fn loss(&self, rows: &Labels<'_>, scores: &[&[f64]]) -> LossSum {
        loss(self, Answers::of(rows), rows.weights(), scores[0])
    }

    fn renews(&self) -> bool {
        Pointwise::renews(self)
    }

    fn renew(&self, _output: usize, leaf: &LeafRows<'_>) -> Option<f64> {
        Pointwise::renew(self, leaf)
    }
}

/// The answers of rows, read as numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answers<'a> {
    Numbers(&'a [f64]),
    /// The class code itself.
    Codes(&'a [u32]),
    /// One for the class, zero for all others.
    IsClass(&'a [u32], u32),
}

impl<'a> Answers<'a> {
    pub(super) fn of(rows: &Labels<'a>) -> Self {
        match rows.target() {
            Target::Numbers(values) => Self::Numbers(values),
            Target::Classes { codes, .. } => Self::Codes(codes),
            Target::Unknown { .. } => {
                unreachable!("learners of answers are not on the card of tasks without any")
            }
        }
    }

    fn read(self, rows: Range<usize>, into: &mut [f64]) {
        match self {
            Self::Numbers(values) => into.copy_from_slice(&values[rows]),
            Self::Codes(codes) => {
                let codes = &codes[rows];
                into.iter_mut()
                    .zip(codes)
                    .for_each(|(place, &code)| *place = f64::from(code));
            }
            Self::IsClass(codes, class) => {
                let codes = &codes[rows];
                into.iter_mut()
                    .zip(codes)
                    .for_each(|(place, &code)| *place = f64::from(u8::from(code == class)));
            }
        }
    }
}

/// Where the derivatives of one output go.
pub(super) struct Derivatives<'a> {
    pub(super) grad: &'a mut [f32],
    pub(super) hess: &'a mut [f32],
}

impl<'a> Derivatives<'a> {
    /// The places of one output among those of all.
    pub(super) fn of(grad: &'a mut [&mut [f32]], hess: &'a mut [&mut [f32]], output: usize) -> Self {
        Self {
            grad: grad[output],
            hess: hess[output],
        }
    }

    /// The places of a chunk.
    fn chunk(&mut self, rows: Range<usize>) -> Derivatives<'_> {
        Derivatives {
            grad: &mut self.grad[rows.clone()],
            hess: &mut self.hess[rows],
        }
    }
}

/// Derivatives of every row, times its weight.
pub(super) fn derive<L: Pointwise>(
    loss: &L,
    answers: Answers<'_>,
    weights: Option<&[f64]>,
    scores: &[f64],
    mut out: Derivatives<'_>,
) {
    assert!(
        out.grad.len() == scores.len() && out.hess.len() == scores.len(),
        "one derivative a score"
    );
    let mut chunk = Chunk::default();
    for rows in chunks(scores.len()) {
        let scores = &scores[rows.clone()];
        chunk.fill(loss, answers, rows.clone(), scores);
        let out = out.chunk(rows.clone());
        derive_chunk(loss, &chunk, scores, weights.map(|weights| &weights[rows]), out);
    }
}

fn derive_chunk<L: Pointwise>(
    loss: &L,
    chunk: &Chunk,
    scores: &[f64],
    weights: Option<&[f64]>,
    out: Derivatives<'_>,
) {
    match weights {
        None => kernels::widest(DeriveLoop {
            loss,
            chunk,
            scores,
            weight: |_| 1.0,
            out,
        }),
        Some(weights) => kernels::widest(DeriveLoop {
            loss,
            chunk,
            scores,
            weight: |at: usize| weights[at],
            out,
        }),
    }
}

/// The formulas of a chunk of rows.
struct DeriveLoop<'a, L, W> {
    loss: &'a L,
    chunk: &'a Chunk,
    scores: &'a [f64],
    weight: W,
    out: Derivatives<'a>,
}

impl<L: Pointwise, W: Fn(usize) -> f64> kernels::Loop for DeriveLoop<'_, L, W> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            loss, chunk, scores, ..
        } = self;
        let len = scores.len();
        let (answers, exponentials) = (&chunk.answers[..len], [&chunk.first[..len], &chunk.second[..len]]);
        let (grad, hess) = (&mut self.out.grad[..len], &mut self.out.hess[..len]);
        for at in 0..len {
            let exponentials = [exponentials[0][at], exponentials[1][at]];
            let [first, second] = loss.derive(answers[at], scores[at], exponentials);
            let weight = (self.weight)(at);
            grad[at] = narrow(first * weight);
            hess[at] = narrow(second.max(HESSIAN_MIN) * weight);
        }
    }
}

/// Weighted losses of all rows.
pub(super) fn loss<L: Pointwise>(
    loss: &L,
    answers: Answers<'_>,
    weights: Option<&[f64]>,
    scores: &[f64],
) -> LossSum {
    let mut chunk = Chunk::default();
    let mut total = LossSum::default();
    for rows in chunks(scores.len()) {
        let scores = &scores[rows.clone()];
        chunk.fill(loss, answers, rows.clone(), scores);
        for (at, &score) in scores.iter().enumerate() {
            let weight = weights.map_or(1.0, |weights| weights[rows.start + at]);
            // A row without weight adds nothing, even where its loss is infinite.
            if weight > 0.0 {
                let exponentials = [chunk.first[at], chunk.second[at]];
                let score = score.clamp(-SCORE_MAX, SCORE_MAX);
                total.sum += weight * loss.loss(chunk.answers[at], score, exponentials);
                total.weight += weight;
            }
        }
    }
    total
}

/// Answers and exponentials of a chunk of rows.
struct Chunk {
    answers: [f64; CHUNK],
    first: [f64; CHUNK],
    second: [f64; CHUNK],
}

impl Default for Chunk {
    fn default() -> Self {
        Self {
            answers: [0.0; CHUNK],
            first: [0.0; CHUNK],
            second: [0.0; CHUNK],
        }
    }
}

impl Chunk {
    fn fill<L: Pointwise>(&mut self, loss: &L, answers: Answers<'_>, rows: Range<usize>, scores: &[f64]) {
        let len = scores.len();
        let own = &mut self.answers[..len];
        answers.read(rows, own);
        if L::EXPONENTIALS == 0 {
            return;
        }
        let (first, second) = (&mut self.first[..len], &mut self.second[..len]);
        kernels::widest(ExponentLoop {
            loss,
            answers: own,
            scores,
            first: &mut *first,
            second: &mut *second,
        });
        kernels::exp(first);
        if L::EXPONENTIALS == 2 {
            kernels::exp(second);
        }
    }
}

/// The exponents of a chunk of rows.
struct ExponentLoop<'a, L> {
    loss: &'a L,
    answers: &'a [f64],
    scores: &'a [f64],
    first: &'a mut [f64],
    second: &'a mut [f64],
}

impl<L: Pointwise> kernels::Loop for ExponentLoop<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for at in 0..self.scores.len() {
            [self.first[at], self.second[at]] = self.loss.exponents(self.answers[at], self.scores[at]);
        }
    }
}

fn chunks(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows)
        .step_by(CHUNK)
        .map(move |start| start..(start + CHUNK).min(rows))
}

/// A derivative in single precision, cut to a range in which sums stay finite.
#[inline(always)]
#[expect(
    clippy::manual_clamp,
    reason = "max and min compile to two instructions, clamp keeps NaN apart"
)]
pub(super) fn narrow(derivative: f64) -> f32 {
    derivative.max(-DERIVATIVE_MAX).min(DERIVATIVE_MAX) as f32
}

/// `score - answer`, cut to a range in which squares stay finite.
#[inline(always)]
#[expect(
    clippy::manual_clamp,
    reason = "max and min compile to two instructions, clamp keeps NaN apart"
)]
pub(super) fn residual(score: f64, answer: f64) -> f64 {
    (score - answer).max(-RESIDUAL_MAX).min(RESIDUAL_MAX)
}
