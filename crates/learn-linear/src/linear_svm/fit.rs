//! One machine a class, or one; then the curves of the scores.

use kolosal_learner::{Checked, FitContext, FitError, PlattCurve, Task, TrainView};

use super::dual::{Asked, descend};
use super::losses::{SquaredHinge, SquaredTube};
use super::model::LinearSvmModel;
use super::params::{Calibration, LinearSvmParams, Loss};
use crate::convex::{Ended, Limits, Objective, RowLoss, minimise, scores};
use crate::design::{Counted, Design, Response};
use crate::folds::folds_by_content;
use crate::logistic::class_weights;
use crate::model::{Linear, Link};

pub(super) fn fit(
    params: &Checked<LinearSvmParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<LinearSvmModel, FitError> {
    let counted = Counted::of(train);
    if train.task() == Task::Regression {
        return fit_number(params, train, &counted, cx);
    }
    let by_class = class_weights(params.class_weight, train);
    let design = Design::new(train, &counted, |at| by_class[train.classes()[at] as usize], cx)?;
    let classes: Vec<u32> = counted.positions.iter().map(|&at| train.classes()[at]).collect();
    let machines = Machines::new(params, &design);
    let folds = (params.calibration == Calibration::Platt).then(|| {
        let answers: Vec<f64> = classes.iter().map(|&class| f64::from(class)).collect();
        folds_by_content(
            counted.view(),
            &answers,
            params.folds as usize,
            cx.seed.fork("platt"),
        )
    });
    let asked: Vec<u32> = if train.task() == Task::Binary {
        vec![1]
    } else {
        (0..train.task().width() as u32).collect()
    };
    let (mut outputs, mut curves, mut is_done) = (Vec::new(), Vec::new(), true);
    for class in asked {
        let loss = SquaredHinge {
            classes: &classes,
            class,
        };
        let ended = machines.class(&loss, &machines.shares, vec![0.0; design.width() + 1], cx)?;
        is_done &= ended.converged;
        let curve = match &folds {
            None => PlattCurve::PLAIN,
            Some(folds) => machines.curve(&loss, folds, &ended, cx)?,
        };
        let width = design.width();
        outputs.push(design.unscale(&ended.point[..width], ended.point[width]));
        curves.push(curve);
    }
    warn_unless(is_done, params, cx);
    let link = if outputs.len() == 1 {
        Link::Logistic
    } else {
        Link::OneVsRest
    };
    Ok(LinearSvmModel::classifier(&design, link, outputs, curves, cx))
}

fn fit_number(
    params: &Checked<LinearSvmParams>,
    train: &TrainView<'_>,
    counted: &Counted<'_>,
    cx: &FitContext<'_>,
) -> Result<LinearSvmModel, FitError> {
    let design = Design::new(train, counted, |_| 1.0, cx)?;
    let response = Response::of(train, counted, &design);
    let width = design.width();
    let mut point = vec![0.0; width + 1];
    if response.scale > 0.0 {
        let machines = Machines::new(params, &design);
        let loss = SquaredTube {
            targets: &response.values,
            epsilon: params.epsilon / response.scale,
        };
        let ended = match params.loss {
            Loss::Squared => machines.fit(&loss, &machines.shares, point, cx)?,
            Loss::Plain => {
                let row = |(target, share): (&f64, &f64)| Asked {
                    target: *target,
                    epsilon: loss.epsilon,
                    low: -share,
                    high: *share,
                };
                let asked: Vec<Asked> = loss.targets.iter().zip(&machines.shares).map(row).collect();
                machines.descend(&asked, cx)?
            }
        };
        warn_unless(ended.converged, params, cx);
        point = ended.point;
    }
    let scaled: Vec<f64> = point[..width].iter().map(|u| u * response.scale).collect();
    let output = design.unscale(&scaled, response.centre + point[width] * response.scale);
    let spreads = design.spreads(cx.workers);
    let linear = Linear::new(design.slots, Link::Identity, &[output], &spreads);
    Ok(LinearSvmModel::regression(linear))
}

fn warn_unless(is_done: bool, params: &LinearSvmParams, cx: &FitContext<'_>) {
    if !is_done {
        cx.progress.warn(&format!(
            "linear svm stopped after {} steps before its tolerance was reached: raise max_iter or tol, lower C, or scale the columns",
            params.max_iter
        ));
    }
}

/// What all machines of a fit share.
struct Machines<'a> {
    design: &'a Design,
    limits: Limits,
    /// Share of each row in the total weight.
    shares: Vec<f64>,
    /// Strength of the penalty on each coefficient per unit of total weight.
    unit: Vec<f64>,
    /// The same for a column of deviation one.
    strength: f64,
    loss: Loss,
}

impl<'a> Machines<'a> {
    fn new(params: &LinearSvmParams, design: &'a Design) -> Self {
        let total = design.weight_total;
        Self {
            design,
            limits: Limits {
                tol: params.tol,
                iterations_max: params.max_iter as usize,
            },
            shares: design.weights.iter().map(|weight| weight / total).collect(),
            // The mean loss is minimised instead of C times the sum, so the penalty is divided by both.
            unit: design.penalty(1.0 / (params.c * total), 2),
            strength: 1.0 / (params.c * total),
            loss: params.loss,
        }
    }

    /// The machine of the rows with a share; shares that sum to less mean fewer rows, against the same penalty.
    fn fit<L: RowLoss>(
        &self,
        loss: &L,
        shares: &[f64],
        start: Vec<f64>,
        cx: &FitContext<'_>,
    ) -> Result<Ended, FitError> {
        let objective = Objective {
            design: self.design,
            loss,
            shares,
            l2: &self.unit,
        };
        minimise(&objective, start, self.limits, cx)
    }

    /// The machine of one class against all others.
    fn class(
        &self,
        loss: &SquaredHinge<'_>,
        shares: &[f64],
        start: Vec<f64>,
        cx: &FitContext<'_>,
    ) -> Result<Ended, FitError> {
        if self.loss == Loss::Squared {
            return self.fit(loss, shares, start, cx);
        }
        let row = |(class, share): (&u32, &f64)| {
            let is_in = *class == loss.class;
            Asked {
                target: if is_in { 1.0 } else { -1.0 },
                epsilon: 0.0,
                low: if is_in { 0.0 } else { -share },
                high: if is_in { *share } else { 0.0 },
            }
        };
        let asked: Vec<Asked> = loss.classes.iter().zip(shares).map(row).collect();
        self.descend(&asked, cx)
    }

    fn descend(&self, asked: &[Asked], cx: &FitContext<'_>) -> Result<Ended, FitError> {
        descend(self.design, asked, (&self.unit, self.strength), self.limits, cx)
    }

    /// The curve over the scores that rows get from machines which did not see them.
    fn curve(
        &self,
        loss: &SquaredHinge<'_>,
        folds: &[u32],
        whole: &Ended,
        cx: &FitContext<'_>,
    ) -> Result<PlattCurve, FitError> {
        let count = folds.iter().max().map_or(0, |last| last + 1);
        let mut unseen = vec![0.0; folds.len()];
        for fold in 0..count {
            let shares: Vec<f64> = self
                .shares
                .iter()
                .zip(folds)
                .map(|(share, of_row)| if *of_row == fold { 0.0 } else { *share })
                .collect();
            // Rows that are all in one fold teach nothing to the others.
            let point = if shares.iter().any(|share| *share > 0.0) {
                self.class(loss, &shares, whole.point.clone(), cx)?.point
            } else {
                vec![0.0; whole.point.len()]
            };
            let scores = scores(self.design, &point, cx.workers);
            let left_out = unseen.iter_mut().zip(scores).zip(folds);
            left_out
                .filter(|(_, of_row)| **of_row == fold)
                .for_each(|((place, score), _)| *place = score);
        }
        let is_in = |row: usize| loss.classes[row] == loss.class;
        Ok(PlattCurve::of(&unseen, is_in, &self.design.weights))
    }
}
