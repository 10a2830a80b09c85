//! The rows of each class side by side, and the values of a column in that order.

use std::borrow::Cow;
use std::ops::Range;

use kolosal_frame::{Column, Frame, SparseNumbers};
use kolosal_learner::TrainView;

/// The rows that count, class after class, in their old order within a class.
pub(super) struct ByClass<'a> {
    frame: &'a Frame,
    /// Rows of the frame.
    rows: Vec<u32>,
    weights: Vec<f64>,
    /// Class `c` has the rows `starts[c] .. starts[c + 1]`.
    starts: Vec<usize>,
    /// Weight of each class.
    pub(super) totals: Vec<f64>,
    /// Places in `rows` by row of the frame: those of row `r` are `places[place_starts[r] .. place_starts[r + 1]]`. Empty
    /// unless a column is sparse.
    places: Vec<u32>,
    place_starts: Vec<u32>,
}

/// The values of a number column that are not missing.
pub(super) struct Values<'a> {
    values: Vec<f64>,
    weights: Cow<'a, [f64]>,
    starts: Cow<'a, [usize]>,
    /// Weight of the zeros of each class that are not listed.
    pub(super) zeros: Vec<f64>,
    /// Weight of the missing values of each class.
    pub(super) missing: Vec<f64>,
}

impl<'a> ByClass<'a> {
    pub(super) fn of(train: &TrainView<'a>) -> Self {
        let (classes, width) = (train.classes(), train.task().width());
        let mut starts = vec![0; width + 1];
        let counts = |row: &usize| train.weight(*row) > 0.0;
        for row in (0..classes.len()).filter(counts) {
            starts[classes[row] as usize + 1] += 1;
        }
        (0..width).for_each(|class| starts[class + 1] += starts[class]);
        let mut next = starts.clone();
        let mut rows = vec![0; starts[width]];
        let mut weights = vec![0.0; starts[width]];
        for row in (0..classes.len()).filter(counts) {
            let at = &mut next[classes[row] as usize];
            rows[*at] = train.features().rows().get(row) as u32;
            weights[*at] = train.weight(row);
            *at += 1;
        }
        let totals = (0..width)
            .map(|class| weights[starts[class]..starts[class + 1]].iter().sum())
            .collect();
        let frame = train.features().frame();
        let mut by_class = Self {
            frame,
            rows,
            weights,
            starts,
            totals,
            places: Vec::new(),
            place_starts: Vec::new(),
        };
        if frame
            .columns()
            .iter()
            .any(|column| matches!(column, Column::Sparse(_)))
        {
            by_class.index();
        }
        by_class
    }

    /// Sorts the places by row of the frame.
    fn index(&mut self) {
        let mut starts = vec![0_u32; self.frame.row_count() + 1];
        self.rows.iter().for_each(|&row| starts[row as usize + 1] += 1);
        (0..self.frame.row_count()).for_each(|row| starts[row + 1] += starts[row]);
        let mut next = starts.clone();
        self.places = vec![0; self.rows.len()];
        for (place, &row) in self.rows.iter().enumerate() {
            self.places[next[row as usize] as usize] = place as u32;
            next[row as usize] += 1;
        }
        self.place_starts = starts;
    }

    /// How many classes there are, absent ones included.
    pub(super) fn class_count(&self) -> usize {
        self.totals.len()
    }

    /// Weight of each level and class, `counts[level * classes + class]`, and of the missing values of each class.
    pub(super) fn count_levels(&self, codes: &[u32], levels: usize) -> (Vec<f64>, Vec<f64>) {
        let classes = self.class_count();
        // The last line counts the missing.
        let mut counts = vec![0.0; (levels + 1) * classes];
        for class in 0..classes {
            for place in self.starts[class]..self.starts[class + 1] {
                let level = (codes[self.rows[place] as usize] as usize).min(levels);
                counts[level * classes + class] += self.weights[place];
            }
        }
        let missing = counts.split_off(levels * classes);
        (counts, missing)
    }

    /// The numbers of a column.
    ///
    /// # Panics
    /// If the column holds no numbers.
    pub(super) fn numbers(&self, position: usize) -> Values<'_> {
        match &self.frame.columns()[position] {
            Column::Numbers(column) => {
                let values: Vec<f64> = self.rows.iter().map(|&row| column[row as usize]).collect();
                let listed = Values {
                    values,
                    weights: Cow::Borrowed(&self.weights),
                    starts: Cow::Borrowed(&self.starts),
                    zeros: vec![0.0; self.class_count()],
                    missing: vec![0.0; self.class_count()],
                };
                listed.without_missing()
            }
            Column::Sparse(column) => self.stored(column).without_missing(),
            _ => panic!("column {position} does not hold numbers"),
        }
    }

    /// The stored entries of a sparse column.
    fn stored(&self, column: &SparseNumbers) -> Values<'_> {
        let mut entries: Vec<(u32, f64)> = Vec::with_capacity(column.rows().len());
        for (&row, &value) in column.rows().iter().zip(column.values()) {
            let places = self.place_starts[row as usize]..self.place_starts[row as usize + 1];
            let places = &self.places[places.start as usize..places.end as usize];
            entries.extend(places.iter().map(|&place| (place, value)));
        }
        entries.sort_unstable_by_key(|(place, _)| *place);
        let starts: Vec<usize> = self
            .starts
            .iter()
            .map(|&start| entries.partition_point(|(place, _)| (*place as usize) < start))
            .collect();
        let weights: Vec<f64> = entries
            .iter()
            .map(|(place, _)| self.weights[*place as usize])
            .collect();
        let zeros = (0..self.class_count())
            .map(|class| {
                let listed = starts[class]..starts[class + 1];
                if listed.len() == self.starts[class + 1] - self.starts[class] {
                    return 0.0;
                }
                (self.totals[class] - weights[listed].iter().sum::<f64>()).max(0.0)
            })
            .collect();
        Values {
            values: entries.into_iter().map(|(_, value)| value).collect(),
            weights: Cow::Owned(weights),
            starts: Cow::Owned(starts),
            zeros,
            missing: vec![0.0; self.class_count()],
        }
    }
}

impl Values<'_> {
    fn without_missing(mut self) -> Self {
        if !self.values.iter().any(|value| value.is_nan()) {
            return self;
        }
        let (mut weights, mut starts) = (Vec::new(), vec![0]);
        let mut kept = Vec::with_capacity(self.values.len());
        for class in 0..self.zeros.len() {
            for at in self.range(class) {
                if self.values[at].is_nan() {
                    self.missing[class] += self.weights[at];
                } else {
                    kept.push(self.values[at]);
                    weights.push(self.weights[at]);
                }
            }
            starts.push(kept.len());
        }
        self.values = kept;
        self.weights = Cow::Owned(weights);
        self.starts = Cow::Owned(starts);
        self
    }

    fn range(&self, class: usize) -> Range<usize> {
        self.starts[class]..self.starts[class + 1]
    }

    /// How many classes there are.
    pub(super) fn class_count(&self) -> usize {
        self.zeros.len()
    }

    /// Listed values and weights of a class.
    pub(super) fn of(&self, class: usize) -> (&[f64], &[f64]) {
        let range = self.range(class);
        (&self.values[range.clone()], &self.weights[range])
    }

    /// All listed values.
    pub(super) fn listed(&self) -> &[f64] {
        &self.values
    }

    /// The weight of each listed value.
    pub(super) fn listed_weights(&self) -> &[f64] {
        &self.weights
    }
}
