//! Centre and scale of a column.

/// No value leaves this distance from zero.
const CLIP: f64 = 3.0;

/// What is taken from a number, and what the rest is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) centre: f64,
    /// Zero if the column is constant.
    pub(crate) factor: f64,
}

impl Spread {
    /// Of the known values, ascending.
    pub(crate) fn of_sorted(values: &[f64]) -> Self {
        let (Some(first), Some(last)) = (values.first(), values.last()) else {
            return Self {
                centre: 0.0,
                factor: 0.0,
            };
        };
        // Halves, since the distance of two numbers can be too large for one.
        let quartiles = quantile(values, 0.75) / 2.0 - quantile(values, 0.25) / 2.0;
        let half = if quartiles > 0.0 {
            quartiles
        } else {
            (last / 2.0 - first / 2.0) / 2.0
        };
        let factor = if half > 0.0 { (0.5 / half).min(1e300) } else { 0.0 };
        Self {
            centre: quantile(values, 0.5),
            factor,
        }
    }

    /// Of a column of zeros and ones.
    pub(crate) fn of_ones(ones: usize, rows: usize) -> Self {
        let mut values = vec![0.0; rows - ones];
        values.resize(rows, 1.0);
        Self::of_sorted(&values)
    }

    /// The number on the common scale.
    pub(crate) fn apply(self, x: f64) -> f32 {
        let scaled = (x - self.centre) * self.factor;
        if scaled.is_nan() {
            return 0.0;
        }
        let bounded = scaled.clamp(-1e9, 1e9);
        (bounded / (1.0 + (bounded / CLIP).powi(2)).sqrt()) as f32
    }
}

/// Between the two nearest values, in proportion.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    let part = at.fract();
    low * (1.0 - part) + high * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_centred_scaled_and_clipped() {
        for (values, centre, factor) in [
            (&[0.0, 1.0, 2.0, 3.0, 4.0][..], 2.0, 0.5),
            (&[5.0, 5.0, 5.0, 5.0, 9.0], 5.0, 0.5),
            (&[7.0, 7.0], 7.0, 0.0),
            (&[], 0.0, 0.0),
            (&[-1.7e308, 1.7e308], 0.0, 0.5 / 0.85e308),
        ] {
            let spread = Spread::of_sorted(values);
            assert!(
                (spread.factor / factor - 1.0).abs() < 1e-9 || spread.factor == factor,
                "{values:?}"
            );
            assert!((spread.centre - centre).abs() < 1e-9, "{values:?}");
        }
        let spread = Spread::of_sorted(&[0.0, 1.0, 2.0]);
        assert_eq!(spread.apply(1.0), 0.0);
        assert!((spread.apply(4.0) - 3.0 / 2.0_f32.sqrt()).abs() < 1e-6);
        assert!(spread.apply(1e300) == 3.0 && spread.apply(f64::MAX) == 3.0 && spread.apply(f64::NAN) == 0.0);
        let tiny = Spread::of_sorted(&[0.0, 1e-320]);
        assert!(tiny.apply(1e-320).is_finite());
    }

    #[test]
    fn zeros_and_ones_are_a_column_like_others() {
        for (ones, rows) in [(0, 4), (1, 4), (2, 4), (4, 4), (30, 100), (80, 100)] {
            let spread = Spread::of_ones(ones, rows);
            assert_eq!(
                spread.factor == 0.0,
                ones == 0 || ones == rows,
                "{ones} of {rows}"
            );
        }
        assert_eq!(
            Spread::of_ones(1, 10),
            Spread {
                centre: 0.0,
                factor: 2.0
            }
        );
    }
}
