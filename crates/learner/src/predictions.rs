//! The one shape of a model's answers.

use std::sync::Arc;

use crate::Task;

/// What the numbers of a prediction mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A number per row: the predicted value.
    Number,
    /// One probability per class and row; each row sums to one.
    ClassProbability,
    /// Two numbers per row: how strange it is, higher being stranger, and one if that is beyond the model's border, else zero.
    Anomaly,
    /// Two numbers per row: its group, or -1 for none, and how firmly it belongs there, in zero to one.
    Group,
}

/// Answers for a number of rows, `width` numbers each, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    meaning: Meaning,
    width: usize,
    values: Vec<f64>,
    /// What each probability is multiplied with before the greatest one is called.
    factors: Option<Arc<[f64]>>,
}

impl Predictions {
    /// Room for `rows` answers to `task`, all zero.
    pub fn zeros(task: Task, rows: usize) -> Self {
        let (meaning, width) = Self::shape_of(task);
        Self {
            meaning,
            width,
            values: vec![0.0; rows * width],
            factors: None,
        }
    }

    /// Wraps finished answers.
    ///
    /// # Panics
    /// If the number of values is no multiple of the task's width.
    pub fn from_values(task: Task, values: Vec<f64>) -> Self {
        let (meaning, width) = Self::shape_of(task);
        assert!(values.len().is_multiple_of(width), "whole rows of answers");
        Self {
            meaning,
            width,
            values,
            factors: None,
        }
    }

    /// The same answers with another way to call a class: the one whose probability times its factor is greatest.
    ///
    /// # Panics
    /// If the answers are no probabilities, or there is not one positive factor a class.
    pub fn called_by(mut self, factors: Arc<[f64]>) -> Self {
        assert_eq!(self.meaning, Meaning::ClassProbability, "classes are called");
        assert_eq!(factors.len(), self.width, "one factor a class");
        assert!(
            factors.iter().all(|f| *f > 0.0 && f.is_finite()),
            "factors are positive"
        );
        self.factors = Some(factors);
        self
    }

    /// Meaning and width of the answers to `task`.
    pub fn shape_of(task: Task) -> (Meaning, usize) {
        match task {
            Task::Regression => (Meaning::Number, 1),
            Task::Anomaly => (Meaning::Anomaly, 2),
            Task::Clustering => (Meaning::Group, 2),
            Task::Binary | Task::Multiclass { .. } => (Meaning::ClassProbability, task.width()),
        }
    }

    /// What the numbers mean.
    pub fn meaning(&self) -> Meaning {
        self.meaning
    }

    /// Numbers per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many rows are answered.
    pub fn row_count(&self) -> usize {
        self.values.len() / self.width
    }

    /// All numbers, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All numbers, row after row, for writing.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// The numbers of one row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// The class a row is called: the most probable one, or what [`Predictions::called_by`] makes of the probabilities; the
    /// lowest code wins a tie.
    pub fn class(&self, row: usize) -> u32 {
        called(self.row(row), self.factors.as_deref())
    }

    /// The group of each row of a clustering, `None` where it belongs to none.
    ///
    /// # Panics
    /// If the answers are no groups.
    pub fn groups(&self) -> Vec<Option<u32>> {
        assert_eq!(
            self.meaning,
            Meaning::Group,
            "only a clustering answers with groups"
        );
        let group = |row: &[f64]| (row[0] >= 0.0).then_some(row[0] as u32);
        self.values.chunks_exact(self.width).map(group).collect()
    }

    /// The rows at the given positions, in that order.
    pub fn select(&self, rows: &[u32]) -> Self {
        let values = rows
            .iter()
            .flat_map(|&row| self.row(row as usize))
            .copied()
            .collect();
        Self {
            values,
            meaning: self.meaning,
            width: self.width,
            factors: self.factors.clone(),
        }
    }
}

/// The class whose probability, times its factor where there are factors, is greatest; the lowest code wins a tie.
pub fn called(probabilities: &[f64], factors: Option<&[f64]>) -> u32 {
    let share = |class: usize| probabilities[class] * factors.map_or(1.0, |factors| factors[class]);
    let mut best = (0, share(0));
    for class in 1..probabilities.len() {
        let found = share(class);
        if found > best.1 {
            best = (class, found);
        }
    }
    best.0 as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_class_wins_a_tie() {
        let task = Task::Multiclass { classes: 3 };
        let answers = Predictions::from_values(task, vec![0.4, 0.4, 0.2, 0.1, 0.2, 0.7]);
        assert_eq!([answers.class(0), answers.class(1)], [0, 2]);
        assert_eq!(answers.select(&[1]).values(), [0.1, 0.2, 0.7]);
        let answers = answers.called_by([1.0, 1.0, 3.0].into());
        assert_eq!([answers.class(0), answers.select(&[1]).class(0)], [2, 2]);
    }
}
