//! Values of a statistic cut into a few bins, the same for all orders and for prediction.

use kolosal_frame::{MISSING_BIN, midpoint};

/// Values that borders are chosen from: more tell nothing more.
const SAMPLE: usize = 1 << 14;

/// At most `bins - 1` ascending borders that cut values into bins of about equal counts; none if all values are equal.
pub(super) fn borders(values: &[f32], bins: usize) -> Vec<f64> {
    assert!(
        (2..=254).contains(&bins),
        "bins fit a byte beside the one for missing values"
    );
    let step = values.len().div_ceil(SAMPLE).max(1);
    let mut sample: Vec<f32> = values.iter().copied().step_by(step).collect();
    sample.sort_unstable_by(f32::total_cmp);
    let mut borders: Vec<f64> = Vec::with_capacity(bins - 1);
    for bin in 1..bins {
        let at = bin * sample.len() / bins;
        // The next border lies between two different values; a value of many rows takes one bin.
        let Some(&high) = sample.get(at) else { continue };
        let below = sample.partition_point(|&value| value < high);
        if below > 0 {
            let border = midpoint(f64::from(sample[below - 1]), f64::from(high));
            if borders.last().is_none_or(|&last| last < border) {
                borders.push(border);
            }
        }
    }
    borders
}

/// The bin of a value: one more than the number of borders below it, so that the bin of missing values stays free.
#[inline]
pub(super) fn bin(borders: &[f64], value: f32) -> u8 {
    let value = f64::from(value);
    borders.partition_point(|&border| border < value) as u8 + MISSING_BIN as u8 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::Seed;

    #[test]
    fn borders_share_out_the_rows() {
        let mut rng = Seed::new(1).rng();
        let values: Vec<f32> = (0..40_000).map(|_| (rng.normal() as f32).exp()).collect();
        let cuts = borders(&values, 16);
        assert_eq!(cuts.len(), 15);
        let mut counts = [0; 16];
        values
            .iter()
            .for_each(|&value| counts[usize::from(bin(&cuts, value)) - 1] += 1);
        assert!(
            counts.iter().all(|&count| (2_000..3_000).contains(&count)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_value_of_many_rows_takes_one_bin() {
        let mut values = vec![0.5; 1000];
        values.extend([0.1, 0.2, 0.9]);
        let cuts = borders(&values, 32);
        assert!(cuts.len() <= 2 && bin(&cuts, 0.5) > bin(&cuts, 0.2));
        assert!(borders(&[0.3; 9], 8).is_empty());
        assert!(borders(&[], 8).is_empty());
    }
}
