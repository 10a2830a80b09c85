//! Metrics of the called class alone: functions of the confusion matrix.
//!
//! A class that has no weight among the rows and is never called does not count in an average over classes.

use super::{Confusion, Direction, Metric, MetricCard, MetricError, Scored};
use crate::TaskKind;

/// A metric that is a function of the confusion matrix.
pub trait LabelMetric: Metric {
    /// The value for these counts.
    ///
    /// # Errors
    /// [`MetricError::Undefined`] where the definition has no value for them.
    fn of_confusion(&self, counts: &Confusion) -> Result<f64, MetricError>;

    /// The value with class 1 of a binary task called where its probability exceeds `threshold`.
    ///
    /// # Errors
    /// As [`LabelMetric::of_confusion`].
    ///
    /// # Panics
    /// If the task is not binary.
    fn measure_at(&self, rows: &Scored<'_>, threshold: f64) -> Result<f64, MetricError> {
        self.of_confusion(&Confusion::at_threshold(rows, threshold))
    }
}

const CLASSIFICATION: &[TaskKind] = &[TaskKind::Binary, TaskKind::Multiclass];

/// Declares label metrics: a unit struct, its card, and the function of the confusion matrix.
macro_rules! label_metrics {
    ($(
        $(#[$meta:meta])*
        $metric:ident: $name:literal, $aliases:expr, $tasks:expr, worst $worst:expr, $doc:literal, $of:expr;
    )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        pub struct $metric;

        impl Metric for $metric {
            fn card(&self) -> &'static MetricCard {
                &MetricCard {
                    name: $name,
                    aliases: $aliases,
                    doc: $doc,
                    tasks: $tasks,
                    direction: Direction::HigherIsBetter,
                    best: 1.0,
                    worst: $worst,
                }
            }

            fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
                self.of_confusion(&Confusion::of_most_probable(rows))
            }

            fn as_label_metric(&self) -> Option<&dyn LabelMetric> {
                Some(self)
            }
        }

        impl LabelMetric for $metric {
            fn of_confusion(&self, counts: &Confusion) -> Result<f64, MetricError> {
                let of: fn(&Confusion) -> Result<f64, MetricError> = $of;
                of(counts)
            }
        }
    )+ };
}

label_metrics! {
    /// Share of rows called what they are.
    Accuracy: "accuracy", &["acc"], CLASSIFICATION, worst 0.0,
        "Share of rows whose most probable class is the right one.",
        |counts| Ok(counts.correct() / counts.total());

    /// Mean over classes of the share called right.
    BalancedAccuracy: "balanced_accuracy", &["bal_acc", "macro_recall"], CLASSIFICATION, worst 0.0,
        "Mean over the classes that occur of the share of their rows that is called right.",
        |counts| Ok(mean_over(counts, |class| counts.known(class) > 0.0, |class| {
            counts.at(class, class) / counts.known(class)
        }));

    /// Harmonic mean of precision and recall of class 1.
    F1: "f1", &["f1_binary", "f1_score"], &[TaskKind::Binary], worst 0.0,
        "Harmonic mean of precision and recall of the positive class; zero where it neither occurs nor is called.",
        |counts| Ok(f1_of(counts, 1));

    /// Plain mean of the F1 of each class.
    F1Macro: "f1_macro", &["macro_f1"], CLASSIFICATION, worst 0.0,
        "Plain mean of the F1 of every class that occurs or is called.",
        |counts| Ok(mean_over(counts, |class| counts.known(class) + counts.predicted(class) > 0.0, |class| {
            f1_of(counts, class)
        }));

    /// Mean of the F1 of each class, weighted by how often it occurs.
    F1Weighted: "f1_weighted", &["weighted_f1"], CLASSIFICATION, worst 0.0,
        "Mean of the F1 of every class, weighted by how often the class occurs.",
        |counts| Ok((0..counts.class_count()).map(|class| counts.known(class) * f1_of(counts, class)).sum::<f64>()
            / counts.total());

    /// Matthews correlation.
    Matthews: "mcc", &["matthews", "matthews_corrcoef"], CLASSIFICATION, worst -1.0,
        "Matthews correlation of known and called classes; zero where either side holds a single class.",
        |counts| Ok(matthews(counts));

    /// Cohen's kappa.
    Kappa: "kappa", &["cohen_kappa", "cohens_kappa"], CLASSIFICATION, worst -1.0,
        "Agreement beyond chance (Cohen's kappa); not defined where both sides hold one and the same class.",
        kappa;
}

/// Two true positives over known plus called; zero where that is nothing.
fn f1_of(counts: &Confusion, class: usize) -> f64 {
    match counts.known(class) + counts.predicted(class) {
        0.0 => 0.0,
        both => 2.0 * counts.at(class, class) / both,
    }
}

/// The mean of `value` over the classes that `counted` keeps; at least one class has weight.
fn mean_over(counts: &Confusion, counted: impl Fn(usize) -> bool, value: impl Fn(usize) -> f64) -> f64 {
    let (mut total, mut kept) = (0.0, 0.0);
    for class in (0..counts.class_count()).filter(|&class| counted(class)) {
        total += value(class);
        kept += 1.0;
    }
    total / kept
}

/// Gorodkin's generalisation to several classes (2004).
fn matthews(counts: &Confusion) -> f64 {
    let total = counts.total();
    let (mut crossed, mut known, mut predicted) = (0.0, 0.0, 0.0);
    for class in 0..counts.class_count() {
        crossed += counts.known(class) * counts.predicted(class);
        known += counts.known(class).powi(2);
        predicted += counts.predicted(class).powi(2);
    }
    // One class only on a side leaves rounding error instead of zero when weights are fractions.
    let (known_spread, predicted_spread) = (total * total - known, total * total - predicted);
    let nothing = f64::EPSILON * total * total * 4.0;
    if known_spread <= nothing || predicted_spread <= nothing {
        return 0.0;
    }
    (counts.correct() * total - crossed) / (known_spread * predicted_spread).sqrt()
}

fn kappa(counts: &Confusion) -> Result<f64, MetricError> {
    let total = counts.total();
    let by_chance: f64 = (0..counts.class_count())
        .map(|class| counts.known(class) * counts.predicted(class))
        .sum();
    let disagreement_by_chance = total - by_chance / total;
    if disagreement_by_chance <= 4.0 * f64::EPSILON * total {
        return Err(MetricError::undefined(
            "kappa",
            "known and predicted rows hold one and the same class; use accuracy",
        ));
    }
    Ok(1.0 - (total - counts.correct()) / disagreement_by_chance)
}
