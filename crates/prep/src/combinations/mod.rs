//! Combinations of columns: what two columns say together that neither says alone.
//!
//! Three kinds, after the generators that won most for boosters in published comparisons (TabPrep, arXiv 2606.02384):
//! sums, differences, products and quotients of two numbers; smoothed target means of a category and of pairs of categories,
//! out of fold for the training rows; and a number's distance from its mean within a category. A pair is kept only if its
//! ranks follow the target more closely than those of either column do on a sample of the training rows.
//!
//! Cost: a sort of the sample for each pair that is looked at, at most a few thousand; then one pass over the rows for each
//! that is kept. It wins where the target depends on ratios or on groups; it loses time where it does not, and columns made
//! from the target overfit small tables.

mod choose;
mod part;

use kolosal_frame::{Column, Field, Frame, FrameView, Kind};
use kolosal_learner::{
    ArtifactError, Decoder, Encoder, FitContext, FitError, Fitted, FittedTransform, TrainView, Transform,
};

use crate::output::{Output, OutputBuilder};
use choose::Chooser;
use part::Part;

/// Adds combinations behind the columns there are.
#[derive(Debug, Clone, Copy)]
pub struct Combinations {
    /// Most sums, differences, products and quotients.
    pub arithmetic_max: usize,
    /// Most encoded categories and pairs of categories.
    pub encoded_max: usize,
    /// Most distances from means of groups.
    pub groups_max: usize,
    /// How many rows the prior counts for in a target mean.
    pub strength: f64,
}

impl Combinations {
    /// As many of each kind as pays for itself on tables of some ten to thirty columns.
    pub const DEFAULT: Self = Self {
        arithmetic_max: 30,
        encoded_max: 20,
        groups_max: 10,
        strength: 10.0,
    };

    /// Whether a table has two columns that could be combined.
    pub fn applies_to(&self, frame: &Frame) -> bool {
        let numbers = frame
            .columns()
            .iter()
            .filter(|c| matches!(c, Column::Numbers(_)))
            .count();
        let categories = frame.columns().iter().any(|c| matches!(c, Column::Categories(_)));
        numbers >= 2 || categories
    }
}

#[derive(Debug)]
struct FittedCombinations {
    inputs: usize,
    parts: Vec<Part>,
    output: Output,
}

impl Transform for Combinations {
    fn name(&self) -> &'static str {
        "combinations"
    }

    fn fit(&self, train: &TrainView<'_>, cx: &FitContext<'_>) -> Result<Fitted, FitError> {
        let x = train.features();
        let chooser = Chooser::new(self, train, cx);
        let chosen = chooser.choose(cx)?;
        let mut output = OutputBuilder::default();
        let mut columns = Vec::new();
        for (position, field) in x.frame().schema().fields().iter().enumerate() {
            output.push(position, field.clone());
            columns.push(x.gather(position));
        }
        let mut parts = Vec::with_capacity(chosen.len());
        for (part, values) in chosen {
            for (name, values) in part.names(x).into_iter().zip(values) {
                output.push(
                    part.origin(),
                    Field::new(name, Kind::Numeric, "made from two columns"),
                );
                columns.push(Column::numbers(values));
            }
            parts.push(part);
        }
        let output = output.finish();
        let train = output.frame(columns);
        let inputs = x.column_count();
        Ok(Fitted {
            transform: Box::new(FittedCombinations {
                inputs,
                parts,
                output,
            }),
            train,
        })
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError> {
        let inputs = from.u32()? as usize;
        let count = from.count("combinations", from.remaining())?;
        let parts = (0..count)
            .map(|_| Part::load(from, inputs))
            .collect::<Result<Vec<_>, _>>()?;
        let output = Output::load(from, inputs)?;
        let made: usize = parts.iter().map(Part::width).sum();
        if output.origins().len() != inputs + made {
            return Err(ArtifactError::damaged(
                "combinations and features differ in number",
            ));
        }
        let kinds: Vec<Kind> = output.kinds().take(inputs).collect();
        let is_number =
            |&at: &usize| !kinds[at].is_coded() && kinds[at] != Kind::Text && kinds[at] != Kind::Identifier;
        let fits = |part: &Part| {
            let (numbers, categories) = part.reads();
            numbers.iter().all(is_number) && categories.iter().all(|&at| kinds[at].is_coded())
        };
        if !parts.iter().all(fits) {
            return Err(ArtifactError::damaged(
                "a combination of columns of the wrong kind",
            ));
        }
        Ok(Box::new(FittedCombinations {
            inputs,
            parts,
            output,
        }))
    }
}

impl FittedTransform for FittedCombinations {
    fn name(&self) -> &'static str {
        Combinations::DEFAULT.name()
    }

    fn apply(&self, x: FrameView<'_>) -> Frame {
        assert_eq!(x.column_count(), self.inputs, "the columns of training");
        let mut columns: Vec<Column> = (0..self.inputs).map(|position| x.gather(position)).collect();
        for part in &self.parts {
            columns.extend(part.apply(x).into_iter().map(Column::numbers));
        }
        self.output.frame(columns)
    }

    fn save(&self, to: &mut Encoder) {
        to.u32(self.inputs as u32);
        to.u64(self.parts.len() as u64);
        self.parts.iter().for_each(|part| part.save(to));
        self.output.save(to);
    }

    fn origins(&self) -> Vec<usize> {
        self.output.origins().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{fit_rows, table};

    #[test]
    fn a_target_that_is_a_ratio_is_found() {
        let rows = 200_u32;
        let wave = |i: u32, step: f64| 2.0 + (f64::from(i) * step).sin();
        let (a, b): (Vec<f64>, Vec<f64>) = (0..rows).map(|i| (wave(i, 0.7), wave(i, 1.9))).unzip();
        let target: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a / b).collect();
        let field = |name: &str| Field::new(name, Kind::Numeric, "test");
        let frame = Frame::new(vec![
            (field("a"), Column::numbers(a)),
            (field("b"), Column::numbers(b)),
        ])
        .expect("distinct names");
        let all: Vec<u32> = (0..rows).collect();
        let fitted = fit_rows(&Combinations::DEFAULT, &frame, &target, &all);
        let out = fitted.transform.apply(frame.view());
        let at = out.schema().require("a / b").expect("the ratio is kept");
        assert_eq!(out.view().numbers(at), target);
    }

    #[test]
    fn a_training_row_never_sees_its_own_target() {
        let (frame, target) = table();
        let rows: Vec<u32> = (0..12).collect();
        let encoded = |target: &[f64]| {
            let fitted = fit_rows(&Combinations::DEFAULT, &frame, target, &rows);
            let at = fitted.train.schema().require("c target mean");
            at.ok().map(|at| fitted.train.view().numbers(at))
        };
        let Some(before) = encoded(&target) else {
            panic!("the category is encoded");
        };
        for row in 0..12 {
            // Moving one target and, to keep the prior, another of a different level the other way.
            let codes = frame.view().codes(2);
            let other = (0..12).find(|&o| codes[o] != codes[row]).expect("levels differ");
            let mut moved = target.clone();
            moved[row] += 0.25;
            moved[other] -= 0.25;
            let after = encoded(&moved).expect("the category is encoded");
            assert!(
                (before[row] - after[row]).abs() < 1e-12,
                "row {row} saw its own target"
            );
        }
    }
}
