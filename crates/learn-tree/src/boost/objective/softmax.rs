//! Log-loss of several classes.
//!
//! With `p = softmax(s)`: `loss = -ln p_y`, `g_c = p_c - [y = c]`, `h_c = f p_c (1 - p_c)`. Where the diagonal alone is used of a
//! hessian whose rows sum to zero, it is raised by a factor `f`: `k / (k - 1)` for `k` classes in LightGBM's `multiclass`
//! (Friedman, Hastie and Tibshirani, "Additive logistic regression", Annals of Statistics 28, 2000), 2 in XGBoost's
//! `multi:softprob`. Off the diagonal stands `-p_a p_b`. The start is the logarithm of each class's share.

use kolosal_compute::kernels;

use super::Objective;
use super::average::log_shares;
use super::labels::{Labels, LossSum};
use super::pointwise::{HESSIAN_MIN, narrow};
use crate::boost::link::Link;

/// Numbers of a chunk, so that the exponentials of all classes stay in the first-level cache.
const CHUNK_NUMBERS: usize = 2048;

/// Most classes whose whole hessian is used.
const WHOLE_MAX: usize = 64;

/// Log-loss of several classes; one output each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Softmax {
    /// How many classes there are, at least two.
    pub classes: usize,
    /// What the diagonal of the hessian is multiplied by.
    pub hessian_factor: f64,
    /// Whether the rest of the hessian is given too, `-p_a p_b`; the diagonal is then as it is.
    pub is_whole: bool,
}

impl Softmax {
    /// LightGBM's factor, `k / (k - 1)` for `k` classes.
    ///
    /// # Panics
    /// If there are fewer than two classes.
    pub fn new(classes: usize) -> Self {
        assert!(classes >= 2, "there are two classes or more");
        Self {
            classes,
            hessian_factor: classes as f64 / (classes - 1) as f64,
            is_whole: false,
        }
    }

    /// The whole hessian, as CatBoost inverts it; its diagonal with LightGBM's factor above 64 classes, whose squares
    /// are too many to add up for each row.
    ///
    /// # Panics
    /// If there are fewer than two classes.
    pub fn whole(classes: usize) -> Self {
        if classes > WHOLE_MAX {
            return Self::new(classes);
        }
        Self {
            hessian_factor: 1.0,
            is_whole: true,
            ..Self::new(classes)
        }
    }

    /// XGBoost's factor, 2 for any number of classes.
    ///
    /// # Panics
    /// If there are fewer than two classes.
    pub fn doubled(classes: usize) -> Self {
        Self {
            hessian_factor: 2.0,
            ..Self::new(classes)
        }
    }
}

impl Objective for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn outputs(&self) -> usize {
        self.classes
    }

    fn link(&self) -> Link {
        Link::Softmax
    }

    fn base(&self, rows: &Labels<'_>) -> Vec<f64> {
        log_shares(rows, self.classes)
    }

    fn derive(&self, rows: &Labels<'_>, scores: &[&[f64]], grad: &mut [&mut [f32]], hess: &mut [&mut [f32]]) {
        let classes = rows.classes();
        let mut chunk = Chunk::new(self.classes);
        for start in (0..classes.len()).step_by(chunk.rows) {
            let len = chunk.rows.min(classes.len() - start);
            chunk.fill(scores, start, len);
            let inner = start..start + len;
            for class in 0..self.classes {
                let (grad, hess) = (&mut grad[class][inner.clone()], &mut hess[class][inner.clone()]);
                let weight = |at: usize| rows.weight(start + at);
                let truth = |at: usize| f64::from(u8::from(classes[start + at] as usize == class));
                for (at, p) in chunk.shares(class, len).enumerate() {
                    let weight = weight(at);
                    grad[at] = narrow((p - truth(at)) * weight);
                    hess[at] = narrow((self.hessian_factor * p * (1.0 - p)).max(HESSIAN_MIN) * weight);
                }
            }
        }
    }

    fn has_cross(&self) -> bool {
        self.is_whole
    }

    fn add_cross(&self, rows: &Labels<'_>, scores: &[&[f64]], leaf_of: &[u16], sums: &mut [f64]) {
        let pairs = self.classes * (self.classes - 1) / 2;
        let mut chunk = Chunk::new(self.classes);
        let mut shares = vec![0.0; self.classes];
        for start in (0..leaf_of.len()).step_by(chunk.rows) {
            let len = chunk.rows.min(leaf_of.len() - start);
            chunk.fill(scores, start, len);
            for at in 0..len {
                chunk.shares_of(at, &mut shares);
                let weight = rows.weight(start + at);
                let mut own = &mut sums[usize::from(leaf_of[start + at]) * pairs..][..pairs];
                for b in 1..self.classes {
                    let (line, rest) = own.split_at_mut(b);
                    let factor = -weight * shares[b];
                    line.iter_mut()
                        .zip(&shares)
                        .for_each(|(sum, share)| *sum += factor * share);
                    own = rest;
                }
            }
        }
    }

    fn loss(&self, rows: &Labels<'_>, scores: &[&[f64]]) -> LossSum {
        let classes = rows.classes();
        let mut chunk = Chunk::new(self.classes);
        let mut total = LossSum::default();
        for start in (0..classes.len()).step_by(chunk.rows) {
            let len = chunk.rows.min(classes.len() - start);
            chunk.fill(scores, start, len);
            for at in 0..len {
                let row = start + at;
                let own = scores[classes[row] as usize][row];
                let weight = rows.weight(row);
                total.sum += weight * (chunk.highest[at] - own + chunk.sums[at].ln());
                total.weight += weight;
            }
        }
        total
    }
}

/// Exponentials of the scores of some rows, class after class.
struct Chunk {
    rows: usize,
    exponentials: Vec<f64>,
    highest: Vec<f64>,
    sums: Vec<f64>,
}

impl Chunk {
    fn new(classes: usize) -> Self {
        let rows = (CHUNK_NUMBERS / classes).max(16);
        Self {
            rows,
            exponentials: vec![0.0; rows * classes],
            highest: vec![0.0; rows],
            sums: vec![0.0; rows],
        }
    }

    /// Subtracts the highest score of each row before `exp`, so that the largest exponential is one.
    fn fill(&mut self, scores: &[&[f64]], start: usize, len: usize) {
        let highest = &mut self.highest[..len];
        highest.fill(f64::NEG_INFINITY);
        for scores in scores {
            let scores = &scores[start..start + len];
            highest
                .iter_mut()
                .zip(scores)
                .for_each(|(highest, &score)| *highest = highest.max(score));
        }
        for (class, scores) in scores.iter().enumerate() {
            let own = &mut self.exponentials[class * self.rows..][..len];
            let scores = &scores[start..start + len];
            for at in 0..len {
                own[at] = scores[at] - highest[at];
            }
            kernels::exp(own);
        }
        let sums = &mut self.sums[..len];
        sums.fill(0.0);
        for class in 0..scores.len() {
            let own = &self.exponentials[class * self.rows..][..len];
            sums.iter_mut().zip(own).for_each(|(sum, &own)| *sum += own);
        }
    }

    /// The probabilities of a row.
    fn shares_of(&self, at: usize, shares: &mut [f64]) {
        for (class, share) in shares.iter_mut().enumerate() {
            *share = self.exponentials[class * self.rows + at] / self.sums[at];
        }
    }

    /// The probability of a class for each row.
    fn shares(&self, class: usize, len: usize) -> impl Iterator<Item = f64> + '_ {
        let own = &self.exponentials[class * self.rows..][..len];
        own.iter().zip(&self.sums[..len]).map(|(own, sum)| own / sum)
    }
}
