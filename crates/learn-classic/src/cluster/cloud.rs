//! A table as points.

use kolosal_frame::{Column, FrameView, MISSING};

use crate::standard::Standard;

/// A category with more levels is left out: its rows would all be far from each other.
const LEVELS_MAX: usize = 50;

/// Points whose distances mean something: one after the other, each with `width` numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Cloud {
    pub(super) width: usize,
    pub(super) numbers: Vec<f64>,
    /// Names of columns that say nothing of distances, and why.
    pub left_out: Vec<(String, &'static str)>,
}

impl Cloud {
    /// The rows of a table.
    pub fn of(view: FrameView<'_>) -> Self {
        let mut columns: Vec<Vec<f64>> = Vec::new();
        let mut left_out = Vec::new();
        for (at, field) in view.frame().schema().fields().iter().enumerate() {
            let why = match view.column(at) {
                Column::Numbers(_) | Column::Sparse(_) => match standardised(view.numbers(at)) {
                    Some(column) => {
                        columns.push(column);
                        continue;
                    }
                    None => "it has one value at most",
                },
                Column::Categories(categories) if categories.levels().len() > LEVELS_MAX => {
                    "it has more than 50 levels"
                }
                Column::Categories(categories) => {
                    let codes = view.codes(at);
                    let levels = (0..categories.levels().len() as u32).chain([MISSING]);
                    // Two levels differ in two columns, and then by one in all.
                    let indicator = |level: u32| {
                        let place = |code: &u32| {
                            if *code == level {
                                std::f64::consts::FRAC_1_SQRT_2
                            } else {
                                0.0
                            }
                        };
                        codes.iter().map(place).collect::<Vec<f64>>()
                    };
                    columns.extend(levels.filter(|level| codes.contains(level)).map(indicator));
                    continue;
                }
                Column::Text(_) => "it is text",
            };
            left_out.push((field.name.clone(), why));
        }
        let width = columns.len();
        let numbers = (0..view.row_count())
            .flat_map(|row| columns.iter().map(move |column| column[row]))
            .collect();
        Self {
            width,
            numbers,
            left_out,
        }
    }

    /// Points as they are, one after the other.
    ///
    /// # Panics
    /// If a number is not finite, or they are no whole points.
    pub fn from_points(numbers: Vec<f64>, width: usize) -> Self {
        assert!(width > 0 && numbers.len().is_multiple_of(width), "whole points");
        assert!(numbers.iter().all(|x| x.is_finite()), "points are finite");
        Self {
            width,
            numbers,
            left_out: Vec::new(),
        }
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.numbers.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    pub(super) fn point(&self, row: usize) -> &[f64] {
        &self.numbers[row * self.width..(row + 1) * self.width]
    }

    /// Some points, column after column.
    pub(super) fn columns(&self, rows: &(impl Iterator<Item = usize> + Clone)) -> Vec<f64> {
        (0..self.width)
            .flat_map(|j| rows.clone().map(move |row| self.numbers[row * self.width + j]))
            .collect()
    }
}

/// A column with mean zero and deviation one, its gaps at the mean; `None` if it is constant.
fn standardised(mut values: Vec<f64>) -> Option<Vec<f64>> {
    let present: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
    let (centre, scale) = Standard::of_numbers(&present, &vec![1.0; present.len()]);
    if scale == 0.0 || !scale.is_finite() {
        return None;
    }
    for x in &mut values {
        *x = if x.is_nan() {
            0.0
        } else {
            Standard::place(*x, centre, scale)
        };
    }
    Some(values)
}
