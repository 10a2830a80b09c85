//! Parts of dates: what a calendar shows, as numbers.
//!
//! A moment becomes its day count since 1970-01-01 (with the time of day as the fraction), its year, month, day of the
//! month, weekday (Monday is 1) and hour. Nothing is learned, so folds may share the result.

use kolosal_base::civil_date;
use kolosal_frame::{Column, Field, Frame, FrameView, Kind};
use kolosal_learner::{
    ArtifactError, Decoder, Encoder, FitContext, FitError, Fitted, FittedTransform, TrainView, Transform,
};

use crate::output::{Output, OutputBuilder};

const MICROS_PER_HOUR: f64 = 3_600e6;
const MICROS_PER_DAY: f64 = 24.0 * MICROS_PER_HOUR;
const PARTS: [&str; 6] = ["days", "year", "month", "day", "weekday", "hour"];

/// Replaces each moment by its calendar parts.
#[derive(Debug, Clone, Copy)]
pub struct DateParts;

/// [`DateParts`] for a known schema.
#[derive(Debug)]
struct FittedDateParts {
    is_date: Vec<bool>,
    output: Output,
}

impl DateParts {
    /// The transform for columns of this view; needs no rows, since nothing is learned.
    pub fn for_schema(x: FrameView<'_>) -> Box<dyn FittedTransform> {
        let fields = x.frame().schema().fields();
        let mut output = OutputBuilder::default();
        for (position, field) in fields.iter().enumerate() {
            match field.kind {
                Kind::Datetime => push_parts(&mut output, position, &field.name),
                _ => output.push(position, field.clone()),
            }
        }
        let is_date = fields.iter().map(|field| field.kind == Kind::Datetime).collect();
        Box::new(FittedDateParts {
            is_date,
            output: output.finish(),
        })
    }
}

fn push_parts(output: &mut OutputBuilder, position: usize, name: &str) {
    for part in PARTS {
        output.push(
            position,
            Field::new(format!("{name} {part}"), Kind::Numeric, "part of a date"),
        );
    }
}

impl Transform for DateParts {
    fn name(&self) -> &'static str {
        "date_parts"
    }

    fn fit(&self, train: &TrainView<'_>, _: &FitContext<'_>) -> Result<Fitted, FitError> {
        let transform = Self::for_schema(train.features());
        let train = transform.apply(train.features());
        Ok(Fitted { transform, train })
    }

    fn load(&self, from: &mut Decoder<'_>) -> Result<Box<dyn FittedTransform>, ArtifactError> {
        let is_date: Vec<bool> = from.u8s()?.iter().map(|&byte| byte == 1).collect();
        let output = Output::load(from, is_date.len())?;
        let expected: usize = is_date
            .iter()
            .map(|&date| if date { PARTS.len() } else { 1 })
            .sum();
        if expected != output.origins().len() {
            return Err(ArtifactError::damaged("dates and their parts differ in number"));
        }
        Ok(Box::new(FittedDateParts { is_date, output }))
    }
}

impl FittedTransform for FittedDateParts {
    fn name(&self) -> &'static str {
        DateParts.name()
    }

    fn apply(&self, x: FrameView<'_>) -> Frame {
        let mut columns = Vec::with_capacity(self.output.origins().len());
        for (position, &is_date) in self.is_date.iter().enumerate() {
            if is_date {
                columns.extend(parts_of(&x.numbers(position)));
            } else {
                columns.push(x.gather(position));
            }
        }
        self.output.frame(columns)
    }

    fn save(&self, to: &mut Encoder) {
        to.u8s(
            &self
                .is_date
                .iter()
                .map(|&date| u8::from(date))
                .collect::<Vec<_>>(),
        );
        self.output.save(to);
    }

    fn origins(&self) -> Vec<usize> {
        self.output.origins().to_vec()
    }
}

fn parts_of(micros: &[f64]) -> [Column; 6] {
    let rows: Vec<[f64; 6]> = micros.iter().map(|&moment| calendar(moment)).collect();
    std::array::from_fn(|part| Column::numbers(rows.iter().map(|row| row[part]).collect()))
}

/// Furthest moment from 1970 that has a calendar: what a 64-bit count of microseconds reaches, 292,000 years.
const MICROS_MAX: f64 = 9.2e18;

/// Days, year, month, day, weekday, hour of a moment in microseconds since 1970-01-01; all missing if it is, and beyond
/// [`MICROS_MAX`].
fn calendar(micros: f64) -> [f64; 6] {
    if micros.is_nan() || micros.abs() > MICROS_MAX {
        return [f64::NAN; 6];
    }
    let days = (micros / MICROS_PER_DAY).floor();
    let hour = ((micros - days * MICROS_PER_DAY) / MICROS_PER_HOUR).floor();
    let (year, month, day) = civil_date(days as i64);
    // 1970-01-01 was a Thursday, weekday 4.
    let weekday = (days as i64 + 3).rem_euclid(7) + 1;
    [
        micros / MICROS_PER_DAY,
        year as f64,
        month as f64,
        day as f64,
        weekday as f64,
        hour,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days_have_their_calendar_parts() {
        assert_eq!(civil_date(0), (1970, 1, 1));
        assert_eq!(civil_date(11_016), (2000, 2, 29));
        assert_eq!(civil_date(-1), (1969, 12, 31));
        assert_eq!(civil_date(20_000), (2024, 10, 4));
        // 2024-10-04 was a Friday; 13:30 is in hour 13.
        let parts = calendar(20_000.0 * MICROS_PER_DAY + 13.5 * MICROS_PER_HOUR);
        assert_eq!(parts[1..], [2024.0, 10.0, 4.0, 5.0, 13.0]);
    }

    #[test]
    fn a_missing_moment_has_missing_parts() {
        assert!(calendar(f64::NAN).iter().all(|part| part.is_nan()));
    }

    #[test]
    fn a_moment_beyond_the_calendar_has_missing_parts() {
        for micros in [1e300, -1e300, 9.3e18] {
            assert!(calendar(micros).iter().all(|part| part.is_nan()), "{micros}");
        }
        assert!(calendar(9.1e18).iter().all(|part| part.is_finite()));
    }

    #[test]
    fn dates_are_replaced_and_others_kept() {
        crate::testing::check_transform(
            &DateParts,
            &[
                "n",
                "d days",
                "d year",
                "d month",
                "d day",
                "d weekday",
                "d hour",
                "c",
                "t",
            ],
        );
    }
}
