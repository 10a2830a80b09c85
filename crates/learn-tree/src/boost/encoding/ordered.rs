//! Statistics by group of rows: ordered ones for training, final ones for prediction.
//!
//! A row's own answer must not enter the statistic that is to predict it: a tree would learn to read the answer back (target
//! leakage). So rows are put in a random order, and each sees only the rows before it:
//! `(sum of their w y + a p) / (sum of their w + a)` over earlier rows of its group, with the prior `p` of weight `a`. Early rows
//! see little and get values near the prior; several orders, one at a time, average that noise out over trees. At prediction
//! all training rows are "before". Each pass costs one step a row, whatever the number of groups.
//!
//! Prokhorenkova, Gusev, Vorobev, Dorogush, Gulin, "CatBoost: unbiased boosting with categorical features", NeurIPS 2018, 3.2.

use crate::boost::objective::Labels;

/// What is averaged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Average {
    /// Rows of this class among all.
    Class(u32),
    /// Numbers, brought to mean zero and variance one.
    Number { mean: f64, scale: f64 },
}

/// A weighted mean that is drawn towards a prior.
#[derive(Debug, Clone, Copy)]
pub(super) struct Smoothed {
    pub(super) average: Average,
    /// The mean over all rows.
    pub(super) prior: f64,
    /// What the prior weighs.
    pub(super) weight: f64,
}

/// Sum and weight of a group.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    sum: f64,
    weight: f64,
}

impl Average {
    /// The averages worth having: one class of two, every class of several (the most frequent if there are more than
    /// `count_max`), or the number itself.
    pub(super) fn all(labels: &Labels<'_>, count_max: usize) -> Vec<Self> {
        match labels.target() {
            kolosal_learner::Target::Numbers(_) => vec![Self::standard(labels)],
            kolosal_learner::Target::Classes { count: 2, .. } => vec![Self::Class(1)],
            kolosal_learner::Target::Classes { codes, count } => {
                let mut weights = vec![0.0; count as usize];
                for (row, &class) in codes.iter().enumerate() {
                    weights[class as usize] += labels.weight(row);
                }
                let mut classes: Vec<u32> = (0..count).collect();
                classes.sort_by(|&a, &b| weights[b as usize].total_cmp(&weights[a as usize]));
                classes.truncate(count_max);
                classes.sort_unstable();
                classes.into_iter().map(Self::Class).collect()
            }
            kolosal_learner::Target::Unknown { .. } => {
                unreachable!("learners of answers are not on the card of tasks without any")
            }
        }
    }

    fn standard(labels: &Labels<'_>) -> Self {
        let total = labels.total_weight();
        let moment = |about: f64, power: i32| {
            let rows = labels.numbers().iter().enumerate();
            rows.map(|(row, value)| labels.weight(row) * (value - about).powi(power))
                .sum::<f64>()
                / total
        };
        let mean = moment(0.0, 1);
        let deviation = moment(mean, 2).sqrt();
        let scale = if deviation > 0.0 { 1.0 / deviation } else { 1.0 };
        Self::Number { mean, scale }
    }

    /// What a row adds to the average.
    #[inline]
    pub(super) fn of(self, labels: &Labels<'_>, row: usize) -> f64 {
        match self {
            Self::Class(class) => f64::from(u8::from(labels.classes()[row] == class)),
            Self::Number { mean, scale } => (labels.numbers()[row] - mean) * scale,
        }
    }
}

impl Smoothed {
    /// An average whose prior counts `smoothing` rows of mean weight.
    pub(super) fn new(average: Average, labels: &Labels<'_>, smoothing: f64) -> Self {
        let total = labels.total_weight();
        let sum: f64 = (0..labels.len())
            .map(|row| labels.weight(row) * average.of(labels, row))
            .sum();
        Self {
            average,
            prior: sum / total,
            weight: smoothing * total / labels.len() as f64,
        }
    }

    #[inline]
    fn value(&self, cell: Cell) -> f32 {
        ((cell.sum + self.weight * self.prior) / (cell.weight + self.weight)) as f32
    }

    /// The statistic of each row in `order` from the rows of its group before it; other rows keep what `out` holds.
    pub(super) fn ordered(&self, labels: &Labels<'_>, groups: &[u32], order: &[u32], out: &mut [f32]) {
        assert!(
            groups.len() == labels.len() && out.len() == labels.len(),
            "one group and value a row"
        );
        let mut cells = vec![Cell::default(); count_of(groups)];
        for &row in order {
            let row = row as usize;
            let cell = &mut cells[groups[row] as usize];
            out[row] = self.value(*cell);
            let weight = labels.weight(row);
            cell.sum += weight * self.average.of(labels, row);
            cell.weight += weight;
        }
    }

    /// The statistic of each of `count` groups from all their rows, and behind them that of a group without rows.
    pub(super) fn totals(&self, labels: &Labels<'_>, groups: &[u32], count: usize) -> Vec<f32> {
        let mut cells = vec![Cell::default(); count + 1];
        for (row, &group) in groups.iter().enumerate() {
            let weight = labels.weight(row);
            cells[group as usize].sum += weight * self.average.of(labels, row);
            cells[group as usize].weight += weight;
        }
        cells.into_iter().map(|cell| self.value(cell)).collect()
    }
}

/// The share of all weight in each of `count` groups, and behind them zero.
pub(super) fn shares(labels: &Labels<'_>, groups: &[u32], count: usize) -> Vec<f32> {
    let mut weights = vec![0.0; count + 1];
    for (row, &group) in groups.iter().enumerate() {
        weights[group as usize] += labels.weight(row);
    }
    let total = labels.total_weight();
    weights
        .into_iter()
        .map(|weight| (weight / total) as f32)
        .collect()
}

fn count_of(groups: &[u32]) -> usize {
    groups.iter().max().map_or(0, |&last| last as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::Seed;
    use kolosal_learner::Target;

    #[test]
    fn a_row_sees_the_rows_of_its_group_before_it() {
        let codes = [1, 0, 1, 1];
        let labels = Labels::new(
            Target::Classes {
                codes: &codes,
                count: 2,
            },
            None,
        )
        .expect("four rows");
        let mean = Smoothed::new(Average::Class(1), &labels, 1.0);
        let mut out = [0.0; 4];
        mean.ordered(&labels, &[0, 0, 1, 0], &[3, 2, 1, 0], &mut out);
        assert_eq!(out, [1.75 / 3.0, 1.75 / 2.0, 0.75, 0.75]);
        assert_eq!(
            mean.totals(&labels, &[0, 0, 1, 0], 2),
            [2.75 / 4.0, 1.75 / 2.0, 0.75]
        );
        assert_eq!(shares(&labels, &[0, 0, 1, 0], 2), [0.75, 0.25, 0.0]);
    }

    #[test]
    fn a_value_never_depends_on_its_own_answer() {
        let mut rng = Seed::new(1).rng();
        let mut numbers: Vec<f64> = (0..50).map(|_| rng.normal()).collect();
        let groups: Vec<u32> = (0..50).map(|_| rng.below(6) as u32).collect();
        let mut order: Vec<u32> = (0..50).collect();
        rng.shuffle(&mut order);
        let average = Average::Number {
            mean: 0.0,
            scale: 1.0,
        };
        let mean = Smoothed {
            average,
            prior: 0.0,
            weight: 1.0,
        };
        let ordered = |numbers: &[f64]| {
            let labels = Labels::new(Target::Numbers(numbers), None).expect("finite");
            let mut out = vec![0.0; 50];
            mean.ordered(&labels, &groups, &order, &mut out);
            out
        };
        let before = ordered(&numbers);
        for row in 0..50 {
            let own = std::mem::replace(&mut numbers[row], 1e6);
            assert_eq!(ordered(&numbers)[row], before[row]);
            numbers[row] = own;
        }
    }

    #[test]
    fn a_row_of_weight_two_is_two_rows() {
        let (numbers, weights) = ([1.0, 4.0, 2.0], [2.0, 1.0, 1.0]);
        let weighed = Labels::new(Target::Numbers(&numbers), Some(&weights)).expect("finite");
        let repeated = [1.0, 1.0, 4.0, 2.0];
        let repeated = Labels::new(Target::Numbers(&repeated), None).expect("finite");
        let (weighed_average, average) = (Average::all(&weighed, 1)[0], Average::all(&repeated, 1)[0]);
        assert_eq!(weighed_average, average);
        let smoothed = |labels| Smoothed {
            weight: 1.0,
            ..Smoothed::new(average, labels, 1.0)
        };
        let totals = smoothed(&weighed).totals(&weighed, &[0, 1, 0], 2);
        assert_eq!(totals, smoothed(&repeated).totals(&repeated, &[0, 0, 1, 0], 2));
    }
}
