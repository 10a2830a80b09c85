//! A table as points.

use kolosal_frame::{Column, FrameView, MISSING};
use kolosal_learner::{ArtifactError, Decoder, Encoder};

use crate::standard::Standard;

/// A category with more levels is left out: its rows would all be far from each other.
const LEVELS_MAX: usize = 50;

/// How the columns of a table become numbers of a point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ground {
    axes: Vec<Axis>,
}

#[derive(Debug, Clone, PartialEq)]
enum Axis {
    /// A number, brought to mean zero and deviation one.
    Number { centre: f64, scale: f64 },
    /// A number for each of these levels.
    Levels(Vec<u32>),
    /// It says nothing of distances.
    Out,
}

impl Ground {
    /// That of the rows of a view, and the columns that say nothing of distances, with the reason.
    pub(crate) fn of(view: FrameView<'_>) -> (Self, Vec<(String, &'static str)>) {
        let (mut axes, mut left_out) = (Vec::new(), Vec::new());
        for (at, field) in view.frame().schema().fields().iter().enumerate() {
            let found = match view.column(at) {
                Column::Numbers(_) | Column::Sparse(_) => number_axis(&view.numbers(at)),
                Column::Categories(categories) if categories.levels().len() > LEVELS_MAX => {
                    Err("it has more than 50 levels")
                }
                Column::Categories(categories) => {
                    let codes = view.codes(at);
                    let levels = (0..categories.levels().len() as u32).chain([MISSING]);
                    Ok(Axis::Levels(
                        levels.filter(|level| codes.contains(level)).collect(),
                    ))
                }
                Column::Text(_) => Err("it is text"),
            };
            axes.push(found.unwrap_or_else(|why| {
                left_out.push((field.name.clone(), why));
                Axis::Out
            }));
        }
        (Self { axes }, left_out)
    }

    /// How many columns the table has.
    pub(crate) fn column_count(&self) -> usize {
        self.axes.len()
    }

    /// Numbers of a point: one where no column tells rows apart, which is the same for all.
    pub(crate) fn width(&self) -> usize {
        self.axes.iter().map(Axis::width).sum::<usize>().max(1)
    }

    /// The rows of a view as points.
    pub(crate) fn apply(&self, view: FrameView<'_>) -> Cloud {
        let (width, rows) = (self.width(), view.row_count());
        let mut numbers = vec![0.0; rows * width];
        let (mut first, mut values, mut codes) = (0, vec![0.0; rows], vec![0; rows]);
        for (at, axis) in self.axes.iter().enumerate() {
            match (axis, view.column(at)) {
                (Axis::Number { centre, scale }, Column::Numbers(_) | Column::Sparse(_)) => {
                    view.numbers_into(at, &mut values);
                    for (row, x) in values.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
                        numbers[row * width + first] = Standard::place(*x, *centre, *scale);
                    }
                }
                (Axis::Levels(levels), Column::Categories(_)) => {
                    view.codes_into(at, &mut codes);
                    for (row, code) in codes.iter().enumerate() {
                        // Two levels differ in two columns, and then by one in all.
                        if let Some(level) = levels.iter().position(|level| level == code) {
                            numbers[row * width + first + level] = std::f64::consts::FRAC_1_SQRT_2;
                        }
                    }
                }
                _ => {}
            }
            first += axis.width();
        }
        Cloud {
            width,
            numbers,
            left_out: Vec::new(),
        }
    }

    pub(crate) fn save(&self, to: &mut Encoder) {
        to.u32(self.axes.len() as u32);
        for axis in &self.axes {
            match axis {
                Axis::Number { centre, scale } => {
                    to.u8(0);
                    to.f64(*centre);
                    to.f64(*scale);
                }
                Axis::Levels(levels) => {
                    to.u8(1);
                    to.u32s(levels);
                }
                Axis::Out => to.u8(2),
            }
        }
    }

    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let count = from.u32()? as usize;
        let mut axes = Vec::new();
        for _ in 0..count {
            axes.push(match from.u8()? {
                0 => {
                    let (centre, scale) = (from.finite()?, from.finite()?);
                    if scale <= 0.0 {
                        return Err(ArtifactError::damaged(format!(
                            "the scale of a column is {scale}"
                        )));
                    }
                    Axis::Number { centre, scale }
                }
                1 => Axis::Levels(from.u32s()?),
                2 => Axis::Out,
                other => {
                    return Err(ArtifactError::damaged(format!(
                        "{other} is no way to place a column"
                    )));
                }
            });
        }
        Ok(Self { axes })
    }
}

impl Axis {
    fn width(&self) -> usize {
        match self {
            Self::Number { .. } => 1,
            Self::Levels(levels) => levels.len(),
            Self::Out => 0,
        }
    }
}

fn number_axis(values: &[f64]) -> Result<Axis, &'static str> {
    let present: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
    let (centre, scale) = Standard::of_numbers(&present, &vec![1.0; present.len()]);
    if scale == 0.0 || !scale.is_finite() || !centre.is_finite() {
        return Err("it has one value at most");
    }
    Ok(Axis::Number { centre, scale })
}

/// Points whose distances mean something: one after the other, each with `width` numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Cloud {
    pub(crate) width: usize,
    pub(crate) numbers: Vec<f64>,
    /// Names of columns that say nothing of distances, and why.
    pub left_out: Vec<(String, &'static str)>,
}

impl Cloud {
    /// The rows of a table.
    pub fn of(view: FrameView<'_>) -> Self {
        let (ground, left_out) = Ground::of(view);
        Self {
            left_out,
            ..ground.apply(view)
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

    pub(crate) fn point(&self, row: usize) -> &[f64] {
        &self.numbers[row * self.width..(row + 1) * self.width]
    }

    /// Some points, column after column.
    pub(crate) fn columns(&self, rows: &(impl Iterator<Item = usize> + Clone)) -> Vec<f64> {
        (0..self.width)
            .flat_map(|j| rows.clone().map(move |row| self.numbers[row * self.width + j]))
            .collect()
    }
}
