//! Folds by content: rows that are equal always fall into the same fold.
//!
//! A fold depends on the values of a row and the seed, not on its position, so neither the order of rows nor writing a
//! row of weight two twice changes a cross-validated choice.

use kolosal_base::Seed;
use kolosal_frame::{Column, FrameView};

/// The fold of each row, below `count`; equal rows share a fold, distinct rows are dealt out evenly.
pub(crate) fn folds_by_content(view: FrameView<'_>, target: &[f64], count: usize, seed: Seed) -> Vec<u32> {
    let mut hashes: Vec<u64> = target.iter().map(|y| mix(seed.value(), y.to_bits())).collect();
    let (mut numbers, mut codes) = (vec![0.0; view.row_count()], vec![0; view.row_count()]);
    for position in 0..view.column_count() {
        if matches!(view.column(position), Column::Categories(_)) {
            view.codes_into(position, &mut codes);
            hashes
                .iter_mut()
                .zip(&codes)
                .for_each(|(hash, code)| *hash = mix(*hash, u64::from(*code)));
        } else {
            view.numbers_into(position, &mut numbers);
            hashes
                .iter_mut()
                .zip(&numbers)
                .for_each(|(hash, x)| *hash = mix(*hash, x.to_bits()));
        }
    }
    // Ranking the distinct hashes deals them out evenly, where taking a remainder would leave small folds to chance.
    let mut distinct = hashes.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let rank = |hash: &u64| {
        distinct
            .binary_search(hash)
            .expect("every hash is among the distinct ones")
    };
    hashes.iter().map(|hash| (rank(hash) % count) as u32).collect()
}

fn mix(state: u64, value: u64) -> u64 {
    Seed::new(state).fork_index(value).value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_frame::{Field, Frame, Kind};

    #[test]
    fn equal_rows_share_a_fold_and_folds_are_even() {
        let x: Vec<f64> = (0..100).map(|i| f64::from(i % 50)).collect();
        let frame =
            Frame::new(vec![(Field::new("x", Kind::Numeric, "test"), Column::numbers(x))]).expect("one");
        let folds = folds_by_content(frame.view(), &[1.0; 100], 5, Seed::new(0));
        assert_eq!(folds[..50], folds[50..]);
        for fold in 0..5 {
            assert_eq!(folds.iter().filter(|f| **f == fold).count(), 20);
        }
    }
}
