//! Which class is called: the one whose probability times its factor is greatest.
//!
//! Metrics of the called class (F1, balanced accuracy, Matthews' coefficient ..) are seldom best where the most probable class
//! is called. For two classes one factor is a threshold, and the best one is found by a sweep over the held-out rows; for more
//! classes factors are raised and lowered one at a time, on a grid. What was found on half of the rows must call the other
//! half better than plain probabilities do, or all factors stay one.

use std::sync::Arc;

use kolosal_learner::{Confusion, LabelMetric, Predictions, Target, called};

use crate::Judge;

/// How classes are called, and how well that works on rows it was not chosen on.
#[derive(Debug, Clone, PartialEq)]
pub struct Calling {
    /// One factor a class.
    pub factors: Arc<[f64]>,
    /// The metric's value, each half of the rows being called by what was found on the other.
    pub score: f64,
}

/// Fewest rows that factors are learned from.
const ROWS_MIN: usize = 100;

/// Smallest gain that is worth factors, times the root of the number of rows: a tenth of the noise of a share.
const GAIN_MIN: f64 = 0.1;

/// Most rows that factors are learned from where there are more than two classes; more add time and no digit.
const ROWS_MAX: usize = 20_000;

/// Most classes with factors of their own.
const CLASSES_MAX: usize = 30;

/// Factors that a class tries, times its factor so far.
const STEPS: [f64; 6] = [0.5, 0.7, 0.85, 1.2, 1.4, 2.0];

/// Thresholds of a sweep; between neighbours lies the same number of rows.
const CUTS: usize = 400;

/// Neighbours on each side that a threshold is judged together with, so that a peak of chance does not win.
const NEIGHBOURS: usize = 4;

/// Factors with which a metric of the called class is better on held-out predictions; `None` if the metric is of another kind
/// or plain probabilities call as well.
pub fn fit_calling(judge: Judge<'_>, held_out: &Predictions) -> Option<Calling> {
    let metric = judge.metric.as_label_metric()?;
    let Target::Classes { codes, count } = judge.target else {
        return None;
    };
    let classes = count as usize;
    if held_out.row_count() < ROWS_MIN || classes > CLASSES_MAX {
        return None;
    }
    let rows = Rows {
        metric,
        codes,
        weights: judge.weights,
        held_out,
        classes,
    };
    let all: Vec<usize> = (0..codes.len()).collect();
    let halves = [0, 1].map(|half| {
        all.iter()
            .copied()
            .filter(|&row| half_of(row) == half)
            .collect::<Vec<_>>()
    });
    let plain = rows.loss(&rows.confusion(&all, None))?;
    let mut crossed = Confusion::from_cells(classes, vec![0.0; classes * classes]);
    for half in 0..2 {
        let factors = rows.best(&halves[1 - half])?;
        crossed = sum(&crossed, &rows.confusion(&halves[half], Some(&factors)));
    }
    let loss = rows.loss(&crossed)?;
    let gain_min = GAIN_MIN / (codes.len() as f64).sqrt();
    (loss < plain - gain_min).then_some(())?;
    Some(Calling {
        factors: rows.best(&all)?.into(),
        score: judge.metric.loss(loss),
    })
}

/// Zero or one, in no rhythm that rows of a table could follow (Fibonacci hashing).
fn half_of(row: usize) -> u64 {
    (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63
}

fn sum(a: &Confusion, b: &Confusion) -> Confusion {
    let classes = a.class_count();
    let pairs = (0..classes).flat_map(|known| (0..classes).map(move |predicted| (known, predicted)));
    let cells = pairs.map(|(known, predicted)| a.at(known, predicted) + b.at(known, predicted));
    Confusion::from_cells(classes, cells.collect())
}

struct Rows<'a> {
    metric: &'a dyn LabelMetric,
    codes: &'a [u32],
    weights: Option<&'a [f64]>,
    held_out: &'a Predictions,
    classes: usize,
}

impl Rows<'_> {
    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    fn confusion(&self, rows: &[usize], factors: Option<&[f64]>) -> Confusion {
        let mut cells = vec![0.0; self.classes * self.classes];
        for &row in rows {
            let predicted = called(self.held_out.row(row), factors) as usize;
            cells[self.codes[row] as usize * self.classes + predicted] += self.weight(row);
        }
        Confusion::from_cells(self.classes, cells)
    }

    fn loss(&self, counts: &Confusion) -> Option<f64> {
        Some(self.metric.loss(self.metric.of_confusion(counts).ok()?))
    }

    /// The best factors on some rows.
    fn best(&self, rows: &[usize]) -> Option<Vec<f64>> {
        if self.classes == 2 {
            return self.best_threshold(rows).map(|t| vec![1.0, (1.0 - t) / t]);
        }
        let step = rows.len().div_ceil(ROWS_MAX);
        let rows: Vec<usize> = rows.iter().copied().step_by(step).collect();
        let mut factors = vec![1.0; self.classes];
        let mut best = self.loss(&self.confusion(&rows, Some(&factors)))?;
        for _pass in 0..3 {
            let before = best;
            for class in 0..self.classes {
                let held = factors[class];
                let mut kept = held;
                for step in STEPS {
                    factors[class] = held * step;
                    let loss = self.loss(&self.confusion(&rows, Some(&factors)));
                    if let Some(loss) = loss.filter(|loss| *loss < best) {
                        (best, kept) = (loss, factors[class]);
                    }
                }
                factors[class] = kept;
            }
            if best >= before {
                break;
            }
        }
        Some(factors)
    }

    /// The threshold of the probability of class 1 with the lowest loss together with its neighbours.
    fn best_threshold(&self, rows: &[usize]) -> Option<f64> {
        let share = |row: usize| self.held_out.row(row)[1];
        let mut order = rows.to_vec();
        order.sort_unstable_by(|&a, &b| share(a).total_cmp(&share(b)).then(a.cmp(&b)));
        // All rows are called class 1 at first; each cut calls those below it class 0.
        let mut cells = [0.0; 4];
        order
            .iter()
            .for_each(|&row| cells[self.codes[row] as usize * 2 + 1] += self.weight(row));
        let step = order.len().div_ceil(CUTS);
        let mut cuts: Vec<(f64, f64)> = Vec::with_capacity(CUTS + 1);
        for (at, pair) in order.windows(2).enumerate() {
            let known = self.codes[pair[0]] as usize * 2;
            cells[known] += self.weight(pair[0]);
            cells[known + 1] -= self.weight(pair[0]);
            let (low, high) = (share(pair[0]), share(pair[1]));
            if (at + 1) % step == 0 && low < high {
                let counts = Confusion::from_cells(2, cells.map(|cell| cell.max(0.0)).to_vec());
                let loss = self.loss(&counts).unwrap_or(f64::INFINITY);
                cuts.push(((low + high) / 2.0, loss));
            }
        }
        let smooth = |at: usize| {
            let near = &cuts[at.saturating_sub(NEIGHBOURS)..(at + NEIGHBOURS + 1).min(cuts.len())];
            near.iter().map(|(_, loss)| loss).sum::<f64>() / near.len() as f64
        };
        let best = (0..cuts.len()).min_by(|&a, &b| smooth(a).total_cmp(&smooth(b)).then(a.cmp(&b)))?;
        Some(cuts[best].0.clamp(1e-9, 1.0 - 1e-9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_learner::{Task, find_metric};

    /// One row in ten is of class 1; its probability is right but never above one half.
    fn rare(rows: usize) -> (Vec<u32>, Vec<f64>) {
        let codes: Vec<u32> = (0..rows).map(|i| u32::from(i % 10 == 0)).collect();
        let share = |i: usize| {
            let wave = (i as f64 * 0.37).sin().abs();
            if i.is_multiple_of(10) {
                0.2 + 0.25 * wave
            } else {
                0.24 * wave
            }
        };
        (
            codes,
            (0..rows).flat_map(|i| [1.0 - share(i), share(i)]).collect(),
        )
    }

    #[test]
    fn a_rare_class_is_called_below_one_half_where_f1_asks_for_it() {
        let (codes, values) = rare(2000);
        let held_out = Predictions::from_values(Task::Binary, values);
        let target = Target::Classes {
            codes: &codes,
            count: 2,
        };
        let judge = |name: &str| Judge {
            target,
            weights: None,
            metric: find_metric(name).expect("on the list"),
        };
        let calling = fit_calling(judge("f1"), &held_out).expect("plain probabilities never call class 1");
        let called = held_out.clone().called_by(Arc::clone(&calling.factors));
        let score = judge("f1").metric.score(&target, &called, None).expect("defined");
        assert!(score > 0.9, "{score}");
        assert!((calling.score - score).abs() < 0.03, "{} {score}", calling.score);
        assert_eq!(
            fit_calling(judge("roc_auc"), &held_out),
            None,
            "a threshold changes no ranking"
        );
    }

    #[test]
    fn factors_that_only_fit_noise_are_dropped() {
        // Calibrated and sure: calling the most probable class is best.
        let codes: Vec<u32> = (0..1000).map(|i| i % 3).collect();
        let sure = |code: u32| (0..3).map(move |class| if class == code { 0.8 } else { 0.1 });
        let values = codes.iter().flat_map(|&code| sure(code)).collect();
        let held_out = Predictions::from_values(Task::Multiclass { classes: 3 }, values);
        let judge = Judge {
            target: Target::Classes {
                codes: &codes,
                count: 3,
            },
            weights: None,
            metric: find_metric("f1_macro").expect("on the list"),
        };
        assert_eq!(fit_calling(judge, &held_out), None);
    }

    #[test]
    fn several_classes_find_factors_where_one_is_never_called() {
        // Class 2 has one row in ten and at most 0.4 of the probability, behind 0.45 of class 0.
        let codes: Vec<u32> = (0..1500).map(|i| if i % 10 == 0 { 2 } else { i % 2 }).collect();
        let row = |code: u32| match code {
            0 => [0.7, 0.2, 0.1],
            1 => [0.2, 0.7, 0.1],
            _ => [0.45, 0.15, 0.4],
        };
        let values = codes.iter().flat_map(|&code| row(code)).collect();
        let held_out = Predictions::from_values(Task::Multiclass { classes: 3 }, values);
        let judge = Judge {
            target: Target::Classes {
                codes: &codes,
                count: 3,
            },
            weights: None,
            metric: find_metric("balanced_accuracy").expect("on the list"),
        };
        let calling = fit_calling(judge, &held_out).expect("class 2 is never called by probability");
        assert_eq!(calling.score, 1.0);
    }
}
