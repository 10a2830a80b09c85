//! A trial and what was told of it.

use crate::bandit::Arm;
use crate::error::AshtError;

/// Models take larger numbers as this large: squares of differences, and sums of them, then stay numbers.
const MODELLED_MAX: f64 = 1e100;

/// A number as models see it. What was told stays as it was.
pub(crate) fn modelled(number: f64) -> f64 {
    number.clamp(-MODELLED_MAX, MODELLED_MAX)
}

/// What is told of a trial that ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// One value an objective, smaller is better; empty for a trial that failed.
    pub values: Vec<f64>,
    /// One number a constraint, feasible when at most zero.
    pub constraints: Vec<f64>,
    /// It crashed, ran out of time or gave no number.
    pub failed: bool,
    /// It was stopped early: `values` is the last one reported.
    pub pruned: bool,
    /// What it cost, if known.
    pub seconds: Option<f64>,
    /// Memory at its peak, if known.
    pub bytes: Option<f64>,
}

impl Told {
    /// A trial that ended well with one value.
    pub fn value(value: f64) -> Self {
        Self::values(vec![value])
    }

    /// A trial that ended well.
    pub fn values(values: Vec<f64>) -> Self {
        Self {
            values,
            ..Self::default()
        }
    }

    /// A trial without a result.
    pub fn failed() -> Self {
        Self {
            failed: true,
            ..Self::default()
        }
    }

    /// The same, with what it cost.
    pub fn in_seconds(mut self, seconds: f64) -> Self {
        self.seconds = Some(seconds);
        self
    }

    pub(crate) fn check(&self, objectives: usize, constraints: usize) -> Result<(), AshtError> {
        let count = |field, found: usize, wanted: usize| match found == wanted {
            true => Ok(()),
            false => Err(AshtError::values(
                field,
                format!("has {found} numbers; the study needs {wanted}"),
            )),
        };
        let finite = |field, numbers: &[f64]| match numbers.iter().find(|v| !v.is_finite()) {
            None => Ok(()),
            Some(v) => {
                let reason = format!("holds {v}; tell such a trial as failed");
                Err(AshtError::values(field, reason))
            }
        };
        if !self.failed {
            count("values", self.values.len(), objectives)?;
            count("constraints", self.constraints.len(), constraints)?;
        }
        finite("values", &self.values)?;
        finite("constraints", &self.constraints)?;
        for (field, number) in [("seconds", self.seconds), ("bytes", self.bytes)] {
            if number.is_some_and(|v| !v.is_finite() || v < 0.0) {
                return Err(AshtError::values(field, "must be a finite number, not below 0"));
            }
        }
        Ok(())
    }
}

/// A point that was asked for or told.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) x: Vec<f64>,
    pub(crate) arm: Arm,
    pub(crate) told: Option<Told>,
    /// Steps and values reported on the way.
    pub(crate) curve: Vec<(f64, f64)>,
    /// The stopped trial that it goes on with.
    pub(crate) thaws: Option<usize>,
    /// Whether it was asked for, not told out of the blue.
    pub(crate) asked: bool,
}

impl Trial {
    pub(crate) fn is_feasible(&self) -> bool {
        self.told
            .as_ref()
            .is_some_and(|told| !told.failed && told.constraints.iter().all(|c| *c <= 0.0))
    }

    /// Its values at full fidelity.
    pub(crate) fn full_values(&self) -> Option<&[f64]> {
        let told = self.told.as_ref()?;
        (!told.failed && !told.pruned).then_some(told.values.as_slice())
    }

    /// The value that models learn from: that of a trial that ran to its end.
    pub(crate) fn model_value(&self, objective: usize) -> Option<f64> {
        self.full_values()?.get(objective).copied().map(modelled)
    }
}
