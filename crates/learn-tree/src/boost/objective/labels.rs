//! The answers that objectives read: targets, weights and groups of rows, checked once and cut into blocks.

use std::ops::Range;

use kolosal_learner::{DataError, Target, TrainView};

use super::Objective;

/// Targets, weights and groups of some rows; a block of rows is again such a view.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    target: Target<'a>,
    weights: Option<&'a [f64]>,
    groups: Option<Groups<'a>>,
}

/// Where groups start, in the numbering of all rows, and which row the view starts with.
#[derive(Debug, Clone, Copy)]
struct Groups<'a> {
    starts: &'a [u32],
    first: usize,
}

impl<'a> Labels<'a> {
    /// The answers of rows that were checked already.
    pub fn of(train: &TrainView<'a>) -> Self {
        Self {
            target: train.target(),
            weights: train.weights(),
            groups: None,
        }
    }

    /// Answers that come from labels which were checked already, in another order.
    pub(crate) fn reordered(target: Target<'a>, weights: Option<&'a [f64]>) -> Self {
        Self {
            target,
            weights,
            groups: None,
        }
    }

    /// Joins targets and weights, one a row.
    ///
    /// # Errors
    /// [`DataError`] if there are no rows, lengths differ, a target or weight is not finite, a weight is negative, or
    /// all weights are zero.
    pub fn new(target: Target<'a>, weights: Option<&'a [f64]>) -> Result<Self, DataError> {
        if target.is_empty() {
            return Err(DataError::NoRows);
        }
        if let Target::Numbers(values) = target {
            check_all(values, f64::is_finite, |row, value| DataError::Target {
                row,
                value,
            })?;
        }
        if let Some(weights) = weights {
            check_weights(weights, target.len())?;
        }
        Ok(Self {
            target,
            weights,
            groups: None,
        })
    }

    /// The same rows in groups that start at the rows `starts`: queries, for ranking.
    ///
    /// # Errors
    /// [`DataError::Groups`] unless the first group starts at row 0 and each other one behind the one before it, inside
    /// the rows.
    pub fn with_groups(self, starts: &'a [u32]) -> Result<Self, DataError> {
        let rows = self.len();
        let at = (0..starts.len()).find(|&at| {
            let start = starts[at] as usize;
            let is_behind = if at == 0 {
                start == 0
            } else {
                starts[at - 1] < starts[at]
            };
            !is_behind || start >= rows
        });
        if let Some(at) = at {
            return Err(DataError::Groups {
                group: at + 1,
                start: starts[at] as usize,
                rows,
            });
        }
        if starts.is_empty() {
            return Err(DataError::Groups {
                group: 1,
                start: rows,
                rows,
            });
        }
        Ok(Self {
            groups: Some(Groups { starts, first: 0 }),
            ..self
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.target.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.target.is_empty()
    }

    /// The answers.
    pub fn target(&self) -> Target<'a> {
        self.target
    }

    /// Numbers to predict.
    ///
    /// # Panics
    /// If the answers are classes.
    pub fn numbers(&self) -> &'a [f64] {
        match self.target {
            Target::Numbers(values) => values,
            _ => panic!("the objective learns numbers, these are classes"),
        }
    }

    /// Class codes.
    ///
    /// # Panics
    /// If the answers are numbers.
    pub fn classes(&self) -> &'a [u32] {
        match self.target {
            Target::Classes { codes, .. } => codes,
            _ => panic!("the objective learns classes, these are numbers"),
        }
    }

    /// Row weights; `None` means that every row counts one.
    pub fn weights(&self) -> Option<&'a [f64]> {
        self.weights
    }

    /// The weight of a row.
    ///
    /// # Panics
    /// If `row` is out of bounds.
    #[inline]
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// Sum of the weights.
    pub fn total_weight(&self) -> f64 {
        self.weights
            .map_or(self.len() as f64, |weights| weights.iter().sum())
    }

    /// Whether the rows come in groups.
    pub fn has_groups(&self) -> bool {
        self.groups.is_some()
    }

    /// The rows of each group, counted from the first row of this view; nothing where there are no groups.
    pub fn groups(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let len = self.len();
        let (starts, first) = self
            .groups
            .map_or((&[] as &[u32], 0), |groups| (groups.starts, groups.first));
        (0..starts.len()).map(move |at| {
            let start = starts[at] as usize - first;
            let end = starts.get(at + 1).map_or(len, |&next| next as usize - first);
            start..end
        })
    }

    /// The answers of a block of rows; a block that cuts a group has no groups.
    ///
    /// # Panics
    /// If the rows are out of bounds.
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let target = match self.target {
            Target::Numbers(values) => Target::Numbers(&values[rows.clone()]),
            Target::Classes { codes, count } => Target::Classes {
                codes: &codes[rows.clone()],
                count,
            },
            Target::Unknown { .. } => Target::Unknown { rows: rows.len() },
        };
        Self {
            target,
            weights: self.weights.map(|weights| &weights[rows.clone()]),
            groups: self.groups.and_then(|groups| groups.slice(&rows, self.len())),
        }
    }

    /// Cuts the rows into blocks of about `rows_max` rows that the objective can take one by one; the blocks depend on
    /// nothing else, so that sums over them are the same at any number of threads.
    ///
    /// # Panics
    /// If `rows_max` is zero.
    pub fn blocks(&self, objective: &dyn Objective, rows_max: usize) -> Vec<Range<usize>> {
        assert!(rows_max > 0, "a block has rows");
        if !objective.needs_groups() {
            let starts = (0..self.len()).step_by(rows_max);
            return starts
                .map(|start| start..(start + rows_max).min(self.len()))
                .collect();
        }
        let mut blocks: Vec<Range<usize>> = Vec::new();
        for group in self.groups() {
            match blocks.last_mut() {
                Some(last) if group.end - last.start <= rows_max => last.end = group.end,
                _ => blocks.push(group),
            }
        }
        blocks
    }
}

impl Groups<'_> {
    /// The groups of the rows `rows` of a view of `len` rows, if none is cut.
    fn slice(self, rows: &Range<usize>, len: usize) -> Option<Self> {
        let (start, end) = (rows.start + self.first, rows.end + self.first);
        let from = self.starts.partition_point(|&group| (group as usize) < start);
        let to = self.starts.partition_point(|&group| (group as usize) < end);
        let is_border = |row: usize, at: usize| {
            let group = self.starts.get(at);
            group.is_some_and(|&group| group as usize == row)
        };
        let is_whole = is_border(start, from) && (rows.end == len || is_border(end, to));
        is_whole.then(|| Self {
            starts: &self.starts[from..to],
            first: start,
        })
    }
}

/// The rows that fell into a leaf, and their scores before the leaf's tree.
#[derive(Debug, Clone, Copy)]
pub struct LeafRows<'a> {
    /// Answers of all training rows.
    pub labels: &'a Labels<'a>,
    /// The leaf's rows among them.
    pub rows: &'a [u32],
    /// Scores of all training rows for the output that the leaf adds to.
    pub scores: &'a [f64],
}

/// A sum of losses and the weight behind it; sums of blocks add up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LossSum {
    /// Weighted losses.
    pub sum: f64,
    /// Weights.
    pub weight: f64,
}

impl LossSum {
    /// The mean loss; zero if nothing was summed.
    pub fn mean(self) -> f64 {
        if self.weight > 0.0 {
            self.sum / self.weight
        } else {
            0.0
        }
    }
}

impl std::ops::AddAssign for LossSum {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.weight += other.weight;
    }
}

/// Refuses the first value that is not fit, with its row from one.
pub(super) fn check_all(
    values: &[f64],
    is_fit: impl Fn(f64) -> bool,
    refuse: impl Fn(usize, f64) -> DataError,
) -> Result<(), DataError> {
    match values.iter().position(|&value| !is_fit(value)) {
        Some(at) => Err(refuse(at + 1, values[at])),
        None => Ok(()),
    }
}

fn check_weights(weights: &[f64], rows: usize) -> Result<(), DataError> {
    if weights.len() != rows {
        return Err(DataError::Length {
            rows,
            answers: weights.len(),
            what: "weights",
        });
    }
    let is_fit = |weight: f64| weight.is_finite() && weight >= 0.0;
    check_all(weights, is_fit, |row, value| DataError::Weight { row, value })?;
    if weights.iter().all(|&weight| weight == 0.0) {
        return Err(DataError::NoWeight);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{LambdaRank, Squared};
    use super::*;

    #[test]
    fn unfit_rows_are_refused_by_name() {
        let new =
            |target: &[f64], weights: Option<&[f64]>| Labels::new(Target::Numbers(target), weights).err();
        assert_eq!(new(&[], None), Some(DataError::NoRows));
        assert_eq!(
            new(&[1.0, f64::INFINITY], None),
            Some(DataError::Target {
                row: 2,
                value: f64::INFINITY
            })
        );
        assert_eq!(new(&[1.0], Some(&[0.0])), Some(DataError::NoWeight));
        assert_eq!(
            new(&[1.0], Some(&[-1.0])),
            Some(DataError::Weight { row: 1, value: -1.0 })
        );
        assert!(matches!(new(&[1.0], Some(&[])), Some(DataError::Length { .. })));
    }

    #[test]
    fn groups_must_start_one_behind_the_other() {
        let labels = Labels::new(Target::Numbers(&[0.0; 6]), None).expect("six rows");
        assert!(labels.with_groups(&[0, 2, 5]).is_ok());
        for starts in [&[][..], &[1, 2], &[0, 2, 2], &[0, 6]] {
            assert!(matches!(
                labels.with_groups(starts),
                Err(DataError::Groups { .. })
            ));
        }
    }

    #[test]
    fn blocks_hold_whole_groups_where_the_objective_needs_them() {
        let labels = Labels::new(Target::Numbers(&[0.0; 10]), None).expect("ten rows");
        assert_eq!(labels.blocks(&Squared, 4), [0..4, 4..8, 8..10]);
        let starts = [0, 3, 5, 9];
        let grouped = labels.with_groups(&starts).expect("ascending");
        assert_eq!(grouped.blocks(&LambdaRank::default(), 5), [0..5, 5..10]);
        assert_eq!(
            grouped.blocks(&LambdaRank::default(), 1),
            [0..3, 3..5, 5..9, 9..10]
        );
        let tail = grouped.slice(3..10).slice(2..7);
        assert_eq!(tail.groups().collect::<Vec<_>>(), [0..4, 4..5]);
        assert!(!grouped.slice(1..5).has_groups() && !grouped.slice(0..2).has_groups());
    }
}
