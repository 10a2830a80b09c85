//! Splitting rows into training and validation: folds and holdouts, plain, stratified, grouped and by time.
//!
//! Every function is deterministic in its seed and returns row numbers in ascending order. Which folds are possible is
//! checked here; whether a class is too small to be stratified is for the caller to decide (see [`class_counts`]).
//!
//! ```
//! use kolosal_base::Seed;
//! use kolosal_frame::split::stratified_k_fold;
//! let folds = stratified_k_fold(&[0, 0, 1, 1], 2, Seed::new(7))?;
//! assert_eq!(folds.len(), 2);
//! assert_eq!(folds[0].valid.len(), 2); // one row of each class
//! # Ok::<(), kolosal_frame::split::SplitError>(())
//! ```

use kolosal_base::{ErrorKind, Seed};

use crate::MISSING;

/// Rows to learn from and rows to be judged by; disjoint, each ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Rows to learn from.
    pub train: Vec<u32>,
    /// Rows held out.
    pub valid: Vec<u32>,
}

/// A split that is not possible.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// Fewer than two folds.
    #[error("{folds} folds cannot validate anything: ask for at least 2")]
    Folds {
        /// Folds asked for.
        folds: usize,
    },
    /// A share that leaves one side empty whatever the table.
    #[error("a holdout share of {share} is not possible: choose one above 0 and below 1")]
    Share {
        /// Share asked for.
        share: f64,
    },
    /// Not enough to deal out.
    #[error("{needed} parts need at least as many {what}, there are {found}: use fewer folds or more data")]
    TooFew {
        /// Rows, groups or different times.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A row without a time.
    #[error("row {row} has no time: fill it in or leave the row out")]
    MissingTime {
        /// The row, from one.
        row: usize,
    },
}

impl SplitError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Folds { .. } | Self::Share { .. } => ErrorKind::Invalid,
            Self::TooFew { .. } | Self::MissingTime { .. } => ErrorKind::Data,
        }
    }
}

/// How many rows each class has, by code; rows without a class are not counted.
pub fn class_counts(classes: &[u32]) -> Vec<usize> {
    let mut counts = Vec::new();
    for &class in classes.iter().filter(|&&class| class != MISSING) {
        if class as usize >= counts.len() {
            counts.resize(class as usize + 1, 0);
        }
        counts[class as usize] += 1;
    }
    counts
}

/// Folds of random rows; their sizes differ by one row at most.
///
/// # Errors
/// If there are fewer than two folds or fewer rows than folds.
pub fn k_fold(rows: usize, folds: usize, seed: Seed) -> Result<Vec<Fold>, SplitError> {
    check("rows", rows, folds)?;
    let mut fold_of = vec![0; rows];
    for (at, row) in shuffled(rows, seed).into_iter().enumerate() {
        fold_of[row as usize] = at % folds;
    }
    Ok(folds_of(&fold_of, folds))
}

/// Folds in which the rows of each class, and the rows as a whole, differ by one at most.
///
/// # Errors
/// If there are fewer than two folds or fewer rows than folds.
pub fn stratified_k_fold(classes: &[u32], folds: usize, seed: Seed) -> Result<Vec<Fold>, SplitError> {
    check("rows", classes.len(), folds)?;
    let mut order = shuffled(classes.len(), seed);
    order.sort_by_key(|&row| classes[row as usize]);
    let mut fold_of = vec![0; classes.len()];
    // Dealing goes on from class to class where it stopped, which balances the folds as a whole.
    for (at, &row) in order.iter().enumerate() {
        fold_of[row as usize] = at % folds;
    }
    Ok(folds_of(&fold_of, folds))
}

/// Folds that never divide a group, balanced by rows.
///
/// # Errors
/// If there are fewer than two folds or fewer groups than folds.
pub fn grouped_k_fold(groups: &[u32], folds: usize, seed: Seed) -> Result<Vec<Fold>, SplitError> {
    let everyone = vec![0; groups.len()];
    stratified_grouped_k_fold(&everyone, groups, folds, seed)
}

/// Folds that never divide a group and spread each class as evenly as the groups allow.
///
/// Groups are dealt from large to small, each to the fold where it adds least to the sum of squared class shares.
///
/// # Errors
/// If there are fewer than two folds or fewer groups than folds.
///
/// # Panics
/// If the two lists differ in length.
pub fn stratified_grouped_k_fold(
    classes: &[u32],
    groups: &[u32],
    folds: usize,
    seed: Seed,
) -> Result<Vec<Fold>, SplitError> {
    assert_eq!(classes.len(), groups.len(), "one class and one group a row");
    let clusters = clusters(groups, seed);
    check("groups", clusters.len(), folds)?;
    let classes = dense(classes);
    let totals = class_counts(&classes);
    let mut dealt = vec![vec![0_usize; totals.len()]; folds];
    let mut sizes = vec![0_usize; folds];
    let mut fold_of = vec![0; groups.len()];
    for (at, rows) in clusters.iter().enumerate() {
        let own = counts_in(rows, &classes);
        let empty = sizes.iter().filter(|&&size| size == 0).count();
        let must_fill = clusters.len() - at == empty;
        let cost = |fold: usize| -> f64 {
            let added = own.iter().map(|&(class, count)| {
                let (before, total) = (dealt[fold][class] as f64, totals[class] as f64);
                let count = count as f64;
                count * (2.0 * before + count) / (total * total)
            });
            added.sum()
        };
        let candidates = (0..folds).filter(|&fold| !must_fill || sizes[fold] == 0);
        let fold = candidates
            .min_by(|&a, &b| cost(a).total_cmp(&cost(b)).then(sizes[a].cmp(&sizes[b])))
            .expect("a fold is empty where one must be filled");
        own.iter().for_each(|&(class, count)| dealt[fold][class] += count);
        sizes[fold] += rows.len();
        rows.iter().for_each(|&row| fold_of[row as usize] = fold);
    }
    Ok(folds_of(&fold_of, folds))
}

/// Expanding windows: each fold is validated on the block of time that follows everything it learns from.
///
/// Rows of one time are never divided. `times` may be any numbers that grow with time.
///
/// # Errors
/// If there are fewer than two folds, a time is NaN, or there are not more different times than folds.
pub fn temporal_folds(times: &[f64], folds: usize) -> Result<Vec<Fold>, SplitError> {
    if folds < 2 {
        return Err(SplitError::Folds { folds });
    }
    let (order, changes) = by_time(times)?;
    if changes.len() < folds {
        return Err(SplitError::TooFew {
            what: "different times",
            found: changes.len() + 1,
            needed: folds + 1,
        });
    }
    let mut borders = Vec::with_capacity(folds + 1);
    let mut first = 0;
    for block in 1..=folds {
        let wanted = order.len() * block / (folds + 1);
        let nearest = nearest(&changes, wanted);
        let at = nearest.clamp(first, changes.len() - (folds + 1 - block));
        borders.push(changes[at]);
        first = at + 1;
    }
    borders.push(order.len());
    let fold = |pair: &[usize]| Fold {
        train: ascending(&order[..pair[0]]),
        valid: ascending(&order[pair[0]..pair[1]]),
    };
    Ok(borders.windows(2).map(fold).collect())
}

/// One random holdout.
///
/// # Errors
/// If the share is not between 0 and 1 or there is only one row.
pub fn holdout(rows: usize, share: f64, seed: Seed) -> Result<Fold, SplitError> {
    stratified_holdout(&vec![0; rows], share, seed)
}

/// One random holdout with the given share of each class, to one row; a class of one row stays in training.
///
/// # Errors
/// If the share is not between 0 and 1 or there is only one row.
pub fn stratified_holdout(classes: &[u32], share: f64, seed: Seed) -> Result<Fold, SplitError> {
    let wanted = held_out("rows", classes.len(), share)?;
    let mut order = shuffled(classes.len(), seed);
    order.sort_by_key(|&row| classes[row as usize]);
    let strata: Vec<&[u32]> = order
        .chunk_by(|&a, &b| classes[a as usize] == classes[b as usize])
        .collect();
    let mut quotas: Vec<usize> = strata
        .iter()
        .map(|rows| (rows.len() as f64 * share).floor() as usize)
        .collect();
    // What rounding down left over goes to the classes with the largest remainders.
    let mut by_remainder: Vec<usize> = (0..strata.len()).filter(|&at| strata[at].len() > 1).collect();
    let remainder = |at: usize| (strata[at].len() as f64 * share).fract();
    by_remainder.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
    let lacking = wanted.saturating_sub(quotas.iter().sum());
    by_remainder.iter().take(lacking).for_each(|&at| quotas[at] += 1);
    let mut is_valid = vec![0; classes.len()];
    for (rows, &quota) in strata.iter().zip(&quotas) {
        rows[..quota].iter().for_each(|&row| is_valid[row as usize] = 1);
    }
    if quotas.iter().all(|&quota| quota == 0) {
        is_valid[order[0] as usize] = 1; // Every class has one row: one of them has to be held out.
    }
    Ok(holdout_of(&is_valid))
}

/// One random holdout that never divides a group; its share is as near as the groups allow.
///
/// # Errors
/// If the share is not between 0 and 1 or there is only one group.
pub fn grouped_holdout(groups: &[u32], share: f64, seed: Seed) -> Result<Fold, SplitError> {
    let mut clusters = clusters(groups, seed);
    held_out("groups", clusters.len(), share)?;
    let wanted = held_out("rows", groups.len(), share)?;
    seed.fork("holdout").rng().shuffle(&mut clusters);
    let mut is_valid = vec![0; groups.len()];
    let mut taken = 0;
    let last = clusters.len() - 1;
    for (at, rows) in clusters.iter().enumerate() {
        // A group is taken if that brings the number of rows nearer; one group stays on each side.
        let is_nearer = (taken + rows.len()).abs_diff(wanted) < wanted.abs_diff(taken);
        let is_last_chance = at == last && taken == 0;
        let is_all = taken + rows.len() == groups.len();
        if (is_nearer || is_last_chance) && !is_all {
            rows.iter().for_each(|&row| is_valid[row as usize] = 1);
            taken += rows.len();
        }
    }
    Ok(holdout_of(&is_valid))
}

/// The last share of the rows by time; rows of one time are never divided.
///
/// # Errors
/// If the share is not between 0 and 1, a time is NaN, or all times are equal.
pub fn temporal_holdout(times: &[f64], share: f64) -> Result<Fold, SplitError> {
    let (order, changes) = by_time(times)?;
    let wanted = held_out("different times", changes.len() + 1, share)
        .and_then(|_| held_out("rows", times.len(), share))?;
    let border = changes[nearest(&changes, times.len() - wanted)];
    Ok(Fold {
        train: ascending(&order[..border]),
        valid: ascending(&order[border..]),
    })
}

fn check(what: &'static str, found: usize, folds: usize) -> Result<(), SplitError> {
    if folds < 2 {
        return Err(SplitError::Folds { folds });
    }
    if found < folds {
        let needed = folds;
        return Err(SplitError::TooFew { what, found, needed });
    }
    Ok(())
}

/// How many of `found` things to hold out: at least one, and not all.
fn held_out(what: &'static str, found: usize, share: f64) -> Result<usize, SplitError> {
    if !(share > 0.0 && share < 1.0) {
        return Err(SplitError::Share { share });
    }
    if found < 2 {
        return Err(SplitError::TooFew {
            what,
            found,
            needed: 2,
        });
    }
    Ok(((found as f64 * share).round() as usize).clamp(1, found - 1))
}

fn shuffled(rows: usize, seed: Seed) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    seed.fork("rows").rng().shuffle(&mut order);
    order
}

/// The rows of each group, from the largest group to the smallest, equally large ones in random order.
fn clusters(groups: &[u32], seed: Seed) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = (0..groups.len() as u32).collect();
    order.sort_by_key(|&row| groups[row as usize]);
    let mut clusters: Vec<Vec<u32>> = order
        .chunk_by(|&a, &b| groups[a as usize] == groups[b as usize])
        .map(<[u32]>::to_vec)
        .collect();
    seed.fork("groups").rng().shuffle(&mut clusters);
    clusters.sort_by_key(|rows| std::cmp::Reverse(rows.len()));
    clusters
}

/// The classes numbered without gaps, "no class" included.
fn dense(classes: &[u32]) -> Vec<u32> {
    let mut met = classes.to_vec();
    met.sort_unstable();
    met.dedup();
    let number = |class: &u32| met.partition_point(|other| other < class) as u32;
    classes.iter().map(number).collect()
}

fn counts_in(rows: &[u32], classes: &[u32]) -> Vec<(usize, usize)> {
    let mut own: Vec<u32> = rows.iter().map(|&row| classes[row as usize]).collect();
    own.sort_unstable();
    own.chunk_by(|a, b| a == b)
        .map(|same| (same[0] as usize, same.len()))
        .collect()
}

/// Rows in order of time, and the places in that order where the time changes.
fn by_time(times: &[f64]) -> Result<(Vec<u32>, Vec<usize>), SplitError> {
    if let Some(row) = times.iter().position(|time| time.is_nan()) {
        return Err(SplitError::MissingTime { row: row + 1 });
    }
    let mut order: Vec<u32> = (0..times.len() as u32).collect();
    order.sort_by(|&a, &b| times[a as usize].total_cmp(&times[b as usize]));
    let time = |at: usize| times[order[at] as usize];
    let changes = (1..order.len()).filter(|&at| time(at - 1) < time(at)).collect();
    Ok((order, changes))
}

/// The position of the change that is nearest to `wanted`, the later one of two.
fn nearest(changes: &[usize], wanted: usize) -> usize {
    let after = changes.partition_point(|&change| change < wanted);
    if after == changes.len() {
        return after.saturating_sub(1);
    }
    if after > 0 && wanted - changes[after - 1] < changes[after] - wanted {
        return after - 1;
    }
    after
}

fn ascending(rows: &[u32]) -> Vec<u32> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows
}

fn folds_of(fold_of: &[usize], folds: usize) -> Vec<Fold> {
    let rows = 0..fold_of.len() as u32;
    (0..folds)
        .map(|fold| {
            let (valid, train) = rows.clone().partition(|&row| fold_of[row as usize] == fold);
            Fold { train, valid }
        })
        .collect()
}

fn holdout_of(is_valid: &[usize]) -> Fold {
    folds_of(is_valid, 2).pop().expect("two folds were asked for")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Each row is validated exactly once, and a fold's two sides make the whole.
    fn assert_cover(folds: &[Fold], rows: usize) {
        let mut validated = vec![0; rows];
        for fold in folds {
            assert!(!fold.valid.is_empty() && !fold.train.is_empty());
            fold.valid.iter().for_each(|&row| validated[row as usize] += 1);
            assert_sides(fold, rows);
        }
        assert!(validated.iter().all(|&times| times == 1));
    }

    fn assert_sides(fold: &Fold, rows: usize) {
        let mut all: Vec<u32> = fold.train.iter().chain(&fold.valid).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..rows as u32).collect::<Vec<_>>());
        assert!(fold.train.is_sorted() && fold.valid.is_sorted());
    }

    fn spread(counts: impl Iterator<Item = usize> + Clone) -> usize {
        counts.clone().max().unwrap_or(0) - counts.min().unwrap_or(0)
    }

    #[test]
    fn impossible_splits_say_why() {
        let check = |error: SplitError, expected: &str| assert_eq!(error.to_string(), expected);
        check(
            k_fold(3, 5, Seed::new(0)).expect_err("too few"),
            "5 parts need at least as many rows, there are 3: use fewer folds or more data",
        );
        check(
            k_fold(3, 1, Seed::new(0)).expect_err("one fold"),
            "1 folds cannot validate anything: ask for at least 2",
        );
        check(
            grouped_k_fold(&[7, 7, 7], 2, Seed::new(0)).expect_err("one group"),
            "2 parts need at least as many groups, there are 1: use fewer folds or more data",
        );
        assert_eq!(
            temporal_folds(&[1.0, f64::NAN], 2),
            Err(SplitError::MissingTime { row: 2 })
        );
        assert_eq!(
            holdout(10, 1.0, Seed::new(0)),
            Err(SplitError::Share { share: 1.0 })
        );
        assert!(temporal_holdout(&[1.0, 1.0], 0.5).is_err());
    }

    #[test]
    fn classes_are_counted_by_code() {
        assert_eq!(class_counts(&[2, 0, 2, MISSING]), [1, 0, 2]);
    }

    #[test]
    fn later_folds_learn_from_more() {
        let times = [5.0, 1.0, 2.0, 2.0, 3.0, 4.0];
        let folds = temporal_folds(&times, 2).expect("enough times");
        let sides = |fold: &Fold| (fold.train.clone(), fold.valid.clone());
        assert_eq!(sides(&folds[0]), (vec![1, 2, 3], vec![4]));
        assert_eq!(sides(&folds[1]), (vec![1, 2, 3, 4], vec![0, 5]));
    }

    proptest! {
        #[test]
        fn folds_cover_all_rows_once_and_are_equal_in_size(rows in 2_usize..200, folds in 2_usize..6, seed: u64) {
            prop_assume!(rows >= folds);
            let split = k_fold(rows, folds, Seed::new(seed)).expect("possible");
            assert_cover(&split, rows);
            prop_assert!(spread(split.iter().map(|fold| fold.valid.len())) <= 1);
            prop_assert_eq!(split, k_fold(rows, folds, Seed::new(seed)).expect("possible"));
        }

        #[test]
        fn classes_are_shared_out_to_one_row(classes in vec(0_u32..4, 5..200), folds in 2_usize..6, seed: u64) {
            let split = stratified_k_fold(&classes, folds, Seed::new(seed)).expect("possible");
            assert_cover(&split, classes.len());
            prop_assert!(spread(split.iter().map(|fold| fold.valid.len())) <= 1);
            for class in 0..4 {
                let counts = split.iter().map(|fold| fold.valid.iter().filter(|&&row| classes[row as usize] == class).count());
                prop_assert!(spread(counts) <= 1);
            }
        }

        #[test]
        fn groups_are_never_divided(rows in vec((0_u32..3, 0_u32..12), 12..200), folds in 2_usize..5, share in 0.05_f64..0.95, seed: u64) {
            let (classes, groups): (Vec<u32>, Vec<u32>) = rows.into_iter().unzip();
            let count = dense(&groups).into_iter().max().map_or(0, |most| most as usize + 1);
            prop_assume!(count >= folds);
            let seed = Seed::new(seed);
            let divided = |fold: &Fold| fold.valid.iter().any(|&row| fold.train.iter().any(|&other| groups[row as usize] == groups[other as usize]));
            for split in [grouped_k_fold(&groups, folds, seed), stratified_grouped_k_fold(&classes, &groups, folds, seed)] {
                let split = split.expect("possible");
                assert_cover(&split, groups.len());
                prop_assert!(!split.iter().any(divided));
            }
            let fold = grouped_holdout(&groups, share, seed).expect("possible");
            assert_sides(&fold, groups.len());
            prop_assert!(!divided(&fold) && !fold.valid.is_empty() && !fold.train.is_empty());
        }

        #[test]
        fn nothing_is_learned_from_the_future(times in vec(0_u32..30, 30..200), folds in 2_usize..6, share in 0.05_f64..0.95) {
            let times: Vec<f64> = times.into_iter().map(f64::from).collect();
            let different = { let mut t = times.clone(); t.sort_by(f64::total_cmp); t.dedup(); t.len() };
            prop_assume!(different > folds);
            let mut split = temporal_folds(&times, folds).expect("possible");
            prop_assert!(split.windows(2).all(|pair| pair[0].train.len() + pair[0].valid.len() == pair[1].train.len()));
            let holdout = temporal_holdout(&times, share).expect("possible");
            assert_sides(&holdout, times.len());
            split.push(holdout);
            for fold in &split {
                let last = fold.train.iter().map(|&row| times[row as usize]).fold(f64::MIN, f64::max);
                prop_assert!(fold.valid.iter().all(|&row| times[row as usize] > last));
                prop_assert!(!fold.valid.is_empty() && !fold.train.is_empty());
            }
        }

        #[test]
        fn holdouts_have_their_share_of_every_class(classes in vec(0_u32..4, 2..200), share in 0.05_f64..0.95, seed: u64) {
            let fold = stratified_holdout(&classes, share, Seed::new(seed)).expect("possible");
            assert_sides(&fold, classes.len());
            prop_assert!(!fold.valid.is_empty());
            let held = class_counts(&fold.valid.iter().map(|&row| classes[row as usize]).collect::<Vec<_>>());
            for (class, &count) in class_counts(&classes).iter().enumerate() {
                let found = held.get(class).copied().unwrap_or(0) as f64;
                prop_assert!((found - count as f64 * share).abs() <= 1.0);
            }
        }
    }

    #[test]
    fn grouped_folds_are_balanced_by_rows() {
        let groups: Vec<u32> = (0..1000).map(|row| row % 97).collect();
        let split = grouped_k_fold(&groups, 5, Seed::new(1)).expect("possible");
        assert!(
            spread(split.iter().map(|fold| fold.valid.len())) <= 11,
            "one group at most"
        );
    }
}
