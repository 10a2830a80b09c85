//! Exact contributions of columns to linear scores: what a column adds, less what it adds in the background on average.

use kolosal_frame::{Column, FrameView};
use kolosal_learner::{Contributions, ScoreLink};

use crate::model::{Linear, Link};

impl Linear {
    /// Shapley values of a sum are its own terms, about their mean in the background.
    pub(crate) fn contributions(&self, x: FrameView<'_>, background: FrameView<'_>) -> Contributions {
        let (outputs, columns) = (self.intercepts.len(), self.slots.column_count());
        let mut values = vec![0.0; x.row_count() * outputs * columns];
        let mut base = self.intercepts.clone();
        for column in 0..columns {
            let of_background = self.terms(column, background);
            let count = background.row_count().max(1) as f64;
            let mut means = vec![0.0; outputs];
            for line in of_background.chunks_exact(outputs) {
                means
                    .iter_mut()
                    .zip(line)
                    .for_each(|(mean, term)| *mean += term / count);
            }
            base.iter_mut().zip(&means).for_each(|(base, mean)| *base += mean);
            for (row, line) in self.terms(column, x).chunks_exact(outputs).enumerate() {
                for (output, (term, mean)) in line.iter().zip(&means).enumerate() {
                    values[(row * outputs + output) * columns + column] = term - mean;
                }
            }
        }
        let link = match self.link {
            Link::Identity => ScoreLink::Identity,
            Link::Exponential => ScoreLink::Exponential,
            Link::Logistic => ScoreLink::Logistic,
            Link::Softmax => ScoreLink::Softmax,
            Link::OneVsRest => ScoreLink::OneVersusRest,
        };
        Contributions { link, base, values }
    }

    /// What a column adds to each score of each row.
    fn terms(&self, column: usize, x: FrameView<'_>) -> Vec<f64> {
        let (rows, outputs) = (x.row_count(), self.intercepts.len());
        let mut terms = vec![0.0; rows * outputs];
        match x.column(column) {
            Column::Categories(_) => self.add_levels(column, &x.codes(column), &mut terms),
            _ => self.add_numbers(column, &x.numbers(column), &mut terms),
        }
        terms
    }
}
