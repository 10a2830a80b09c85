//! Weighted counts of known against predicted classes.

use super::Scored;

/// `at(known, predicted)` is the total weight of the rows of class `known` that were called `predicted`.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    classes: usize,
    cells: Vec<f64>,
}

impl Confusion {
    /// Wraps counts, known class after known class.
    ///
    /// # Panics
    /// If there are not `classes * classes` counts.
    pub fn from_cells(classes: usize, cells: Vec<f64>) -> Self {
        assert_eq!(cells.len(), classes * classes, "one count a pair of classes");
        Self { classes, cells }
    }

    /// Counts with every row called its most probable class; the lowest code wins a tie.
    pub fn of_most_probable(rows: &Scored<'_>) -> Self {
        Self::count(rows, |row| rows.predictions().class(row) as usize)
    }

    /// Counts of a binary task with class 1 called where its probability exceeds `threshold`.
    ///
    /// A threshold of one half gives [`Confusion::of_most_probable`].
    ///
    /// # Panics
    /// If the task is not binary.
    pub fn at_threshold(rows: &Scored<'_>, threshold: f64) -> Self {
        assert_eq!(rows.class_count(), 2, "a threshold divides two classes");
        Self::count(rows, |row| {
            usize::from(rows.predictions().row(row)[1] > threshold)
        })
    }

    fn count(rows: &Scored<'_>, predicted: impl Fn(usize) -> usize) -> Self {
        let classes = rows.class_count();
        let mut cells = vec![0.0; classes * classes];
        for row in 0..rows.len() {
            cells[rows.class(row) * classes + predicted(row)] += rows.weight(row);
        }
        Self { classes, cells }
    }

    /// How many classes there are.
    pub fn class_count(&self) -> usize {
        self.classes
    }

    /// Total weight of rows of class `known` called `predicted`.
    pub fn at(&self, known: usize, predicted: usize) -> f64 {
        self.cells[known * self.classes + predicted]
    }

    /// Total weight of the rows of a class.
    pub fn known(&self, class: usize) -> f64 {
        self.cells[class * self.classes..(class + 1) * self.classes]
            .iter()
            .sum()
    }

    /// Total weight of the rows called a class.
    pub fn predicted(&self, class: usize) -> f64 {
        (0..self.classes).map(|known| self.at(known, class)).sum()
    }

    /// Total weight of the rows called what they are.
    pub fn correct(&self) -> f64 {
        (0..self.classes).map(|class| self.at(class, class)).sum()
    }

    /// Total weight.
    pub fn total(&self) -> f64 {
        self.cells.iter().sum()
    }
}
