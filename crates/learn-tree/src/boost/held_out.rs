//! Rows held out for early stopping: their scores tree by tree, and when to stop.

use kolosal_learner::{Metric, Predictions, Target, Task};

use super::config::Stopping;
use super::model::{BoostModel, BoostTree};
use super::objective::{Labels, Objective};

/// Scores of rows that are not learned from.
pub(crate) struct HeldOut<'a> {
    labels: Labels<'a>,
    /// Raw and derived values, row after row.
    values: Vec<f64>,
    width: usize,
    /// One list an output.
    scores: Vec<Vec<f64>>,
}

impl<'a> HeldOut<'a> {
    /// Rows whose scores start from those of a model without trees.
    pub(crate) fn new(labels: Labels<'a>, values: Vec<f64>, width: usize, base: &[f64]) -> Self {
        let rows = labels.len();
        assert_eq!(values.len(), rows * width, "one value a row and column");
        Self {
            labels,
            values,
            width,
            scores: base.iter().map(|&start| vec![start; rows]).collect(),
        }
    }

    /// Adds a tree's answers.
    pub(crate) fn add(&mut self, tree: &BoostTree) {
        let mut answer = vec![0.0; self.scores.len()];
        if tree.lines.is_none() && tree.tree.width() == 1 && self.width > 0 {
            let scores = &mut self.scores[tree.output as usize];
            tree.tree.for_each_leaf(&self.values, self.width, |row, leaf| {
                scores[row] += tree.tree.answer(leaf)[0];
            });
            return;
        }
        for (row, values) in self.values.chunks_exact(self.width.max(1)).enumerate() {
            answer.fill(0.0);
            tree.add_to(values, &mut answer);
            self.scores
                .iter_mut()
                .zip(&answer)
                .for_each(|(scores, value)| scores[row] += value);
        }
    }

    /// How bad the answers are: less is better.
    pub(crate) fn loss(&self, objective: &dyn Objective, metric: Option<&'static dyn Metric>) -> f64 {
        let scores: Vec<&[f64]> = self.scores.iter().map(Vec::as_slice).collect();
        let Some(metric) = metric else {
            return objective.loss(&self.labels, &scores).mean();
        };
        let task = match self.labels.target() {
            Target::Numbers(_) => Task::Regression,
            Target::Classes { count, .. } => Task::classification(count),
            Target::Unknown { .. } => {
                unreachable!("learners of answers are not on the card of tasks without any")
            }
        };
        let mut predictions = Predictions::zeros(task, self.labels.len());
        let width = predictions.width();
        let mut row_scores = vec![0.0; scores.len()];
        for (row, answer) in predictions.values_mut().chunks_exact_mut(width).enumerate() {
            row_scores
                .iter_mut()
                .zip(&scores)
                .for_each(|(place, scores)| *place = scores[row]);
            objective.link().answer(&row_scores, answer);
        }
        let value = metric.score(&self.labels.target(), &predictions, self.labels.weights());
        // A metric without a value for these rows (one class, say) cannot judge: the loss can.
        value.map_or_else(
            |_| objective.loss(&self.labels, &scores).mean(),
            |value| metric.loss(value),
        )
    }
}

/// Decides when further rounds are not worth it.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    patience: usize,
    adaptive: bool,
    best: f64,
    /// Rounds that gave the best loss.
    best_rounds: usize,
}

impl Watch {
    /// Watches a fit on so many rows.
    pub(crate) fn new(stopping: &Stopping, rows: usize) -> Self {
        // Few rows make noisy scores, many rows make slow rounds: patience shrinks in proportion, down to 20 rounds.
        let shrunk = (stopping.patience as f64 * 10_000.0 / rows.max(1) as f64) as usize;
        Self {
            patience: if stopping.adaptive {
                shrunk.clamp(20.min(stopping.patience), stopping.patience)
            } else {
                stopping.patience
            },
            adaptive: stopping.adaptive,
            best: f64::INFINITY,
            best_rounds: 0,
        }
    }

    /// Takes the loss after so many rounds; true if it is time to stop.
    pub(crate) fn stops(&mut self, rounds: usize, loss: f64) -> bool {
        if loss < self.best {
            self.best = loss;
            self.best_rounds = rounds;
        }
        let grown = if self.adaptive {
            20 + self.best_rounds * 3 / 10
        } else {
            0
        };
        rounds - self.best_rounds >= self.patience.max(grown).max(1)
    }

    /// Rounds that gave the best loss.
    pub(crate) fn best_rounds(&self) -> usize {
        self.best_rounds
    }
}

/// Judges a fit by held-out rows, round by round.
pub(crate) struct Judge<'a> {
    held: HeldOut<'a>,
    watch: Watch,
    objective: &'a dyn Objective,
    metric: Option<&'static dyn Metric>,
}

impl<'a> Judge<'a> {
    /// A judge of a fit on so many rows; the model before the first round is judged at once.
    pub(crate) fn new(
        stopping: &Stopping,
        (held, objective): (HeldOut<'a>, &'a dyn Objective),
        rows: usize,
    ) -> Self {
        let mut judge = Self {
            held,
            watch: Watch::new(stopping, rows),
            objective,
            metric: stopping.metric,
        };
        judge.stops(0, &[]);
        judge
    }

    /// Takes the trees of the latest round; true if it is time to stop.
    pub(crate) fn stops(&mut self, rounds: usize, fresh: &[BoostTree]) -> bool {
        fresh.iter().for_each(|tree| self.held.add(tree));
        let loss = self.held.loss(self.objective, self.metric);
        self.watch.stops(rounds, loss)
    }

    /// Rounds that gave the best loss.
    pub(crate) fn best_rounds(&self) -> usize {
        self.watch.best_rounds()
    }
}

/// Values of all rows of a view as the model's trees test them.
pub(crate) fn tested_values(model: &BoostModel, x: kolosal_frame::FrameView<'_>) -> Vec<f64> {
    let mut values = Vec::with_capacity(x.row_count() * model.tested_columns());
    model.for_each_row(x, |_, row| values.extend_from_slice(row));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(patience: usize, adaptive: bool, rows: usize) -> Watch {
        let stopping = Stopping {
            patience,
            adaptive,
            metric: None,
        };
        Watch::new(&stopping, rows)
    }

    #[test]
    fn fixed_patience_counts_rounds_since_the_best() {
        let mut watch = watch(3, false, 1_000_000);
        let losses = [5.0, 4.0, 4.0, 4.5, 3.9, 4.0, 4.0, 4.0];
        let stops: Vec<bool> = (1..)
            .zip(losses)
            .map(|(round, loss)| watch.stops(round, loss))
            .collect();
        assert_eq!(stops, [false, false, false, false, false, false, false, true]);
        assert_eq!(watch.best_rounds(), 5);
    }

    #[test]
    fn adaptive_patience_shrinks_with_rows_and_grows_with_the_best_round() {
        let mut many = watch(300, true, 1_000_000);
        assert!((1..=20).all(|round| !many.stops(round, 1.0)));
        assert!(many.stops(21, 1.0));
        let mut late = watch(300, true, 100_000);
        (1..=1000).for_each(|round| assert!(!late.stops(round, -(round as f64))));
        assert!((1001..1320).all(|round| !late.stops(round, 0.0)));
        assert!(late.stops(1320, 0.0));
        let mut few = watch(300, true, 100);
        assert!(!few.stops(1, 0.0));
        assert!((2..301).all(|round| !few.stops(round, 1.0)));
        assert!(few.stops(301, 1.0));
    }
}
