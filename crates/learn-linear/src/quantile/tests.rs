//! Quantiles of levels by hand.

use kolosal_frame::Column;

use super::{Quantile, QuantileParams};
use crate::testing::{Table, fit};

#[test]
fn quantiles_of_levels_by_hand() {
    let levels: Vec<&str> = (0..22).map(|i| ["a", "b"][i % 2]).collect();
    let y: Vec<f64> = (0..22).map(|i| (i / 2) as f64 + 100.0 * (i % 2) as f64).collect();
    let table = Table::regression(vec![Column::categories(&levels)], &y);
    // Of 0 to 10: the median is 5, and a share of 0.85 lies below 9.
    for (quantile, expected) in [(0.5, 5.0), (0.85, 9.0)] {
        let params = QuantileParams {
            quantile,
            alpha: 0.0,
            ..QuantileParams::default()
        };
        let answers = table.answers(&fit::<Quantile>(params, &table));
        assert!((answers[0] - expected).abs() < 1e-3, "{answers:?}");
        assert!((answers[1] - expected - 100.0).abs() < 1e-3, "{answers:?}");
    }
}
