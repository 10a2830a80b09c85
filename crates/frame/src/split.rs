//! Interim.

use kolosal_base::Seed;

/// Rows to learn from and rows to judge by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Rows to learn from, ascending.
    pub train: Vec<u32>,
    /// Rows held out, ascending.
    pub valid: Vec<u32>,
}

fn from_assignment(assigned: &[usize], count: usize) -> Vec<Fold> {
    (0..count)
        .map(|fold| {
            let rows = |wanted: bool| {
                (0..assigned.len())
                    .filter(|&row| (assigned[row] == fold) == wanted)
                    .map(|row| row as u32)
                    .collect()
            };
            Fold {
                train: rows(false),
                valid: rows(true),
            }
        })
        .collect()
}

/// Random.
pub fn random_folds(rows: usize, count: usize, seed: Seed) -> Vec<Fold> {
    stratified_folds(&vec![0; rows], count, seed)
}

/// Stratified.
pub fn stratified_folds(codes: &[u32], count: usize, seed: Seed) -> Vec<Fold> {
    let mut order: Vec<usize> = (0..codes.len()).collect();
    seed.rng().shuffle(&mut order);
    order.sort_by_key(|&row| codes[row]);
    let mut assigned = vec![0; codes.len()];
    order
        .iter()
        .enumerate()
        .for_each(|(i, &row)| assigned[row] = i % count);
    from_assignment(&assigned, count)
}

/// Grouped.
pub fn grouped_folds(groups: &[u32], count: usize, _: Seed) -> Vec<Fold> {
    let assigned: Vec<usize> = groups.iter().map(|&g| g as usize % count).collect();
    from_assignment(&assigned, count)
}

/// Temporal.
pub fn temporal_folds(times: &[f64], count: usize) -> Vec<Fold> {
    let mut order: Vec<u32> = (0..times.len() as u32).collect();
    order.sort_by(|&a, &b| times[a as usize].total_cmp(&times[b as usize]));
    let step = times.len() / (count + 1);
    (1..=count)
        .map(|i| {
            let mut train = order[..i * step].to_vec();
            let mut valid = order[i * step..((i + 1) * step)].to_vec();
            train.sort_unstable();
            valid.sort_unstable();
            Fold { train, valid }
        })
        .collect()
}
