//! How rates change over a training, of which a share `t` in 0 to 1 is done.

/// Four waves, each twice as long as the one before: it begins and ends at zero, so the network settles four times.
pub(crate) fn coslog4(t: f64) -> f64 {
    0.5 * (1.0 - (std::f64::consts::TAU * (1.0 + 15.0 * t).log2()).cos())
}

/// One for the first half, then down to zero along a cosine.
pub(crate) fn flat_cos(t: f64) -> f64 {
    if t < 0.5 {
        1.0
    } else {
        0.5 * (1.0 + (std::f64::consts::TAU * (t - 0.5)).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_end_where_they_double() {
        for end in [0.0, 1.0 / 15.0, 3.0 / 15.0, 7.0 / 15.0, 1.0] {
            assert!(coslog4(end) < 1e-12, "{end}");
        }
        assert!((coslog4((2.0_f64.sqrt() - 1.0) / 15.0) - 1.0).abs() < 1e-12);
        assert_eq!((flat_cos(0.0), flat_cos(0.49)), (1.0, 1.0));
        assert!((flat_cos(0.75) - 0.5).abs() < 1e-12 && flat_cos(1.0) < 1e-12);
    }
}
