//! Scores of one row at a time, without allocating.

use std::ops::Deref;

use kolosal_learner::FittedModel;

use super::{Compiled, Form, Run};
use crate::boost::model::BoostModel;

/// A model ready to score rows one by one; keep one for each thread.
///
/// The model is borrowed or shared: `M` is a reference, a `Box` or an `Arc`. Rows hold the raw columns in the order of
/// training: numbers as they are, categories as the codes of their levels, missing values as NaN.
#[derive(Debug)]
pub struct Scorer<M> {
    model: M,
    /// Raw values, then derived ones; empty if there are none of those.
    tested: Vec<f64>,
    codes: Vec<u8>,
    scores: Vec<f64>,
}

impl<M: Deref<Target = BoostModel>> Scorer<M> {
    /// Compiles the model if that has not happened yet, and sets memory aside.
    pub fn new(model: M) -> Self {
        let compiled = model.compiled();
        let codes = compiled.codes_min();
        let derived = model.tested_columns() > model.features;
        let tested = if derived { model.tested_columns() } else { 0 };
        let outputs = model.output_count();
        Self {
            model,
            tested: vec![0.0; tested],
            codes: vec![0; codes],
            scores: vec![0.0; outputs],
        }
    }

    /// The model behind the scorer.
    pub fn model(&self) -> &BoostModel {
        &self.model
    }

    /// The raw scores of a row by the first `trees` trees, one an output; `usize::MAX` stands for all trees.
    ///
    /// # Panics
    /// If the row has another number of values than the model has columns.
    pub fn scores(&mut self, row: &[f64], trees: usize) -> &[f64] {
        let model = &*self.model;
        assert_eq!(row.len(), model.features, "the columns of training");
        let row = if self.tested.is_empty() {
            row
        } else {
            self.tested[..row.len()].copy_from_slice(row);
            let (raw, derived) = self.tested.split_at_mut(row.len());
            model.encodings.fill(raw, derived);
            &self.tested
        };
        let compiled = model.compiled();
        compiled.codebook.code_row(row, &mut self.codes);
        self.scores.copy_from_slice(&model.base);
        compiled.add_row(model, row, (&self.codes, trees), &mut self.scores);
        &self.scores
    }

    /// Writes the answer to a row: what [`FittedModel::predict_into`] writes for it, bit for bit.
    ///
    /// # Panics
    /// If the row has another number of values than the model has columns or `out` is not as wide as an answer.
    pub fn answer_into(&mut self, row: &[f64], out: &mut [f64]) {
        assert_eq!(out.len(), self.model.shape().1, "one place a number");
        self.scores(row, usize::MAX);
        self.model.link.answer(&self.scores, out);
    }
}

impl Compiled {
    /// Codes that the buffer of one row must hold.
    fn codes_min(&self) -> usize {
        let forms = self.grove.codes_min().max(self.tables.codes_min());
        forms.max(self.codebook.len())
    }

    fn add_row(&self, model: &BoostModel, row: &[f64], (codes, trees): (&[u8], usize), scores: &mut [f64]) {
        for run in self.runs(trees) {
            match (run.form, &mut *scores) {
                (Form::Plain, scores) => run.trees.for_each(|tree| model.trees[tree].add_to(row, scores)),
                // The sum of the commonest models stays in a register.
                (_, [score]) if run.is_plain_sum => {
                    let places = &self.places[run.trees.clone()];
                    let mut sum = *score;
                    self.walk(&run, codes, |at, leaf| {
                        sum += self.values[places[at].values as usize + usize::from(leaf)];
                    });
                    *score = sum;
                }
                (_, scores) => self.walk(&run, codes, |at, leaf| {
                    self.add_leaf(model, (run.trees.start + at, leaf), row, scores);
                }),
            }
        }
    }

    /// Visits the trees of a run by their position in it, with the leaf that the row falls into.
    #[inline]
    fn walk(&self, run: &Run, codes: &[u8], mut visit: impl FnMut(usize, u16)) {
        let first = run.first;
        let range = first..first + run.trees.len();
        match run.form {
            Form::Packed => self.grove.walk(range, codes, |at, leaf| visit(at - first, leaf)),
            Form::Oblivious => self.tables.walk(range, codes, |at, leaf| visit(at - first, leaf)),
            Form::Plain => unreachable!("plain trees have no codes"),
        }
    }
}
