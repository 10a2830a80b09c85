//! The processes of a study: one an objective and constraint, one for crashes, one for costs.

use crate::gp::Form;
use crate::study::Settings;
use crate::surrogate::{Scales, Surrogate};
use crate::trial::{Trial, modelled};

#[derive(Debug, Clone)]
pub(crate) struct Models {
    pub(crate) objectives: Vec<Surrogate>,
    pub(crate) constraints: Vec<Surrogate>,
    pub(crate) failure: Surrogate,
    pub(crate) seconds: Surrogate,
    pub(crate) bytes: Surrogate,
    /// Told trials that have a value, in order: the rows that the objectives' processes choose from.
    pub(crate) rows: Vec<usize>,
    pub(crate) zeros: Vec<f64>,
    pub(crate) failures: usize,
    pub(crate) has_seconds: bool,
    pub(crate) has_bytes: bool,
    upto: usize,
}

impl Models {
    pub(crate) fn new(form: &Form, settings: &Settings) -> Self {
        let scales = if settings.objectives == 1 {
            Scales::Free
        } else {
            Scales::Plain
        };
        let several =
            |count: usize, scales: Scales| (0..count).map(|_| Surrogate::new(form, scales)).collect();
        Self {
            objectives: several(settings.objectives, scales),
            constraints: several(settings.constraints, Scales::Plain),
            failure: Surrogate::new(form, Scales::Plain),
            seconds: Surrogate::new(form, Scales::Plain),
            bytes: Surrogate::new(form, Scales::Plain),
            rows: Vec::new(),
            zeros: Vec::new(),
            failures: 0,
            has_seconds: false,
            has_bytes: false,
            upto: 0,
        }
    }

    /// Takes what was told since the last time.
    pub(crate) fn update(&mut self, form: &Form, trials: &[Trial], order: &[usize]) {
        if self.upto == order.len() {
            return;
        }
        self.upto = order.len();
        let reduce = |rows: &[usize]| {
            rows.iter()
                .map(|&i| form.reduce(&trials[i].x))
                .collect::<Vec<_>>()
        };
        self.rows = order
            .iter()
            .copied()
            .filter(|&i| trials[i].model_value(0).is_some())
            .collect();
        if self.rows.is_empty() {
            return;
        }
        let x = reduce(&self.rows);
        for (k, surrogate) in self.objectives.iter_mut().enumerate() {
            let y: Vec<f64> = self
                .rows
                .iter()
                .filter_map(|&i| trials[i].model_value(k))
                .collect();
            surrogate.update(form, &x, &y);
        }
        self.zeros.clear();
        for (k, surrogate) in self.constraints.iter_mut().enumerate() {
            let told = |i: usize| trials[i].told.as_ref().map(|told| modelled(told.constraints[k]));
            let y: Vec<f64> = self.rows.iter().filter_map(|&i| told(i)).collect();
            surrogate.update(form, &x, &y);
            self.zeros.push(-surrogate.affine.0 / surrogate.affine.1);
        }
        let failed = |i: usize| trials[i].told.as_ref().is_some_and(|told| told.failed);
        self.failures = order.iter().filter(|&&i| failed(i)).count();
        if self.failures > 0 {
            let y: Vec<f64> = order
                .iter()
                .map(|&i| if failed(i) { 1.0 } else { -1.0 })
                .collect();
            self.failure.update(form, &reduce(order), &y);
            self.zeros.push(-self.failure.affine.0 / self.failure.affine.1);
        }
        let told = |i: usize| trials[i].told.as_ref();
        self.has_seconds = cost(&mut self.seconds, form, trials, order, &|i| told(i)?.seconds);
        self.has_bytes = cost(&mut self.bytes, form, trials, order, &|i| told(i)?.bytes);
    }
}

/// Updates the process of a cost on the log scale; false while too little is known.
fn cost(
    model: &mut Surrogate,
    form: &Form,
    trials: &[Trial],
    order: &[usize],
    read: &dyn Fn(usize) -> Option<f64>,
) -> bool {
    let rows: Vec<usize> = order.iter().copied().filter(|&i| read(i).is_some()).collect();
    if rows.len() < 3 {
        return false;
    }
    let x: Vec<Vec<f64>> = rows.iter().map(|&i| form.reduce(&trials[i].x)).collect();
    let y: Vec<f64> = rows.iter().filter_map(|&i| read(i)).map(ln_cost).collect();
    model.update(form, &x, &y);
    true
}

/// Costs are modelled on the log scale.
pub(crate) fn ln_cost(cost: f64) -> f64 {
    cost.max(1e-6).ln()
}
