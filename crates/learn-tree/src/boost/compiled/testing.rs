//! Rows for the tests of boosters.

use kolosal_base::{Rng, Seed};
use kolosal_frame::{Column, Frame};

use crate::boost::compiled::random_model::SampleShape;
use crate::testing::frame;

/// Rows around and on the cuts, with missing values, levels beyond all sets and both zeros.
pub(crate) fn sample_rows(shape: &SampleShape, count: usize) -> Vec<Vec<f64>> {
    let mut rng = Seed::new(shape.seed).fork("rows").rng();
    let numeric = shape.columns - shape.category_columns;
    let value = |column: usize, rng: &mut Rng| match (rng.below(12), column < numeric) {
        (0, _) => f64::NAN,
        (1, true) => [1e300, -1e300, 0.0, -0.0][rng.below(4)],
        (2..6, true) => (rng.below(254) + 1) as f64 / 255.0,
        (_, true) => rng.uniform(),
        (_, false) => rng.below(200) as f64,
    };
    (0..count)
        .map(|_| (0..shape.columns).map(|column| value(column, &mut rng)).collect())
        .collect()
}

pub(crate) fn frame_of(shape: &SampleShape, rows: &[Vec<f64>]) -> Frame {
    let names: Vec<String> = (0..200).map(|level| format!("{level:03}")).collect();
    let Column::Categories(all) = Column::categories(&names) else {
        panic!("names are categories")
    };
    let column = |at: usize| {
        let values = rows.iter().map(|row| row[at]);
        if at + shape.category_columns < shape.columns {
            return Column::numbers(values.collect());
        }
        let text = |value: f64| {
            if value.is_nan() {
                ""
            } else {
                &names[value as usize]
            }
        };
        match Column::categories(&values.map(text).collect::<Vec<_>>()) {
            Column::Categories(column) => Column::Categories(column.recode(all.levels())),
            other => other,
        }
    };
    frame((0..shape.columns).map(column).collect())
}
