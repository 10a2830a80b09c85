//! Metrics of the order of the rows alone: area under the ROC curve, average precision.
//!
//! With several classes both are the plain mean over classes of the class against the rest.

use super::{Direction, Metric, MetricCard, MetricError, Scored};
use crate::TaskKind;

const CLASSIFICATION: &[TaskKind] = &[TaskKind::Binary, TaskKind::Multiclass];

/// Area under the receiver operating characteristic.
#[derive(Debug, Clone, Copy)]
pub struct RocAuc;

/// Area under the precision-recall step function.
#[derive(Debug, Clone, Copy)]
pub struct AveragePrecision;

impl Metric for RocAuc {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "auc",
            aliases: &["roc_auc", "auroc", "roc_auc_ovr"],
            doc: "Chance that a row of the class scores above a row of the rest, ties half (area under the ROC \
                  curve); with several classes the mean over classes. Not defined where a class is absent.",
            tasks: CLASSIFICATION,
            direction: Direction::HigherIsBetter,
            best: 1.0,
            worst: 0.0,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        mean_over_classes(rows, |steps, class| {
            let totals = steps.last().copied().unwrap_or_default();
            if totals.inside == 0.0 || totals.outside == 0.0 {
                let missing = if totals.inside == 0.0 {
                    "no row"
                } else {
                    "every row"
                };
                let reason =
                    format!("{missing} belongs to class {class}; use log_loss, or rows of every class");
                return Err(MetricError::undefined("auc", reason));
            }
            let area = |from: &Step, to: &Step| {
                (to.outside - from.outside) * (from.inside + (to.inside - from.inside) / 2.0)
            };
            Ok(sum_of_steps(steps, area) / (totals.inside * totals.outside))
        })
    }
}

impl Metric for AveragePrecision {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "average_precision",
            aliases: &["ap", "pr_auc", "auprc"],
            doc: "Precision averaged over recall, as a step function; with several classes the mean over classes. \
                  Not defined where a class is absent.",
            tasks: CLASSIFICATION,
            direction: Direction::HigherIsBetter,
            best: 1.0,
            worst: 0.0,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        mean_over_classes(rows, |steps, class| {
            let positives = steps.last().map_or(0.0, |step| step.inside);
            if positives == 0.0 {
                let reason = format!("no row belongs to class {class}; use log_loss, or rows of every class");
                return Err(MetricError::undefined("average_precision", reason));
            }
            let area = |from: &Step, to: &Step| match to.inside - from.inside {
                0.0 => 0.0,
                gained => gained * to.inside / (to.inside + to.outside),
            };
            Ok(sum_of_steps(steps, area) / positives)
        })
    }
}

/// Weights of the rows at or above a score, inside and outside of the class.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    inside: f64,
    outside: f64,
}

/// Class 1 of a binary task, or the mean over all classes.
fn mean_over_classes(
    rows: &Scored<'_>,
    value: impl Fn(&[Step], usize) -> Result<f64, MetricError>,
) -> Result<f64, MetricError> {
    if rows.class_count() == 2 {
        return value(&steps_of(rows, 1), 1);
    }
    let mut total = 0.0;
    for class in 0..rows.class_count() {
        total += value(&steps_of(rows, class), class)?;
    }
    Ok(total / rows.class_count() as f64)
}

/// One step for each distinct score, from the highest down; rows of weight zero make none.
fn steps_of(rows: &Scored<'_>, class: usize) -> Vec<Step> {
    let answers = rows.predictions();
    let mut order: Vec<(f64, u32)> = (0..rows.len())
        .filter(|&row| rows.weight(row) > 0.0)
        .map(|row| (answers.row(row)[class], row as u32))
        .collect();
    order.sort_unstable_by(|a, b| {
        b.0.partial_cmp(&a.0)
            .expect("scores were checked to be finite")
            .then(a.1.cmp(&b.1))
    });
    let mut steps: Vec<Step> = Vec::new();
    let mut sum = Step::default();
    for (at, &(score, row)) in order.iter().enumerate() {
        let row = row as usize;
        if rows.class(row) == class {
            sum.inside += rows.weight(row);
        } else {
            sum.outside += rows.weight(row);
        }
        if order.get(at + 1).is_none_or(|next| next.0 != score) {
            steps.push(sum);
        }
    }
    steps
}

fn sum_of_steps(steps: &[Step], area: impl Fn(&Step, &Step) -> f64) -> f64 {
    let mut from = Step::default();
    super::scored::sum(steps.iter().map(|to| {
        let value = area(&from, to);
        from = *to;
        value
    }))
}
