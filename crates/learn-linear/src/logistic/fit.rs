//! The choice of a solver, and the way back to the columns as they came.

use kolosal_learner::{Checked, FitContext, FitError, Task, TrainView};

use super::model::LogisticModel;
use super::newton::{Ended, Limits};
use super::params::{ClassWeight, LogisticParams};
use super::problem::Problem;
use super::{gradients, newton, quasi};
use crate::descent::Penalties;
use crate::design::{Counted, Design};
use crate::model::{Linear, Link};

/// Newton's method keeps a matrix of this side at most.
const NEWTON_WIDTH_MAX: usize = 1500;

pub(super) fn fit(
    params: &Checked<LogisticParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<LogisticModel, FitError> {
    let counted = Counted::of(train);
    let by_class = class_weights(params.class_weight, train);
    let design = Design::new(train, &counted, |at| by_class[train.classes()[at] as usize], cx)?;
    let (absolute, squared) = params.shares();
    // The mean loss is minimised instead of C times the sum, so penalties are divided by both.
    let strength = 1.0 / (params.c * design.weight_total);
    let penalties = Penalties {
        l1: design.penalty(absolute * strength, 1),
        l2: design.penalty(squared * strength, 2),
    };
    let outputs = if train.task() == Task::Binary {
        1
    } else {
        train.task().width()
    };
    let classes = counted.positions.iter().map(|&at| train.classes()[at]).collect();
    let problem = Problem {
        design: &design,
        classes,
        outputs,
        penalties,
    };
    let limits = Limits {
        tol: params.tol,
        iterations_max: params.max_iter as usize,
    };
    let mut ended = solve(&problem, limits, cx)?;
    if !ended.converged {
        cx.progress.warn(&format!(
            "logistic regression stopped after {} iterations before its tolerance was reached: raise max_iter or tol, lower C, or scale the columns",
            limits.iterations_max
        ));
    }
    if outputs > 1 {
        centre(&mut ended.point, outputs, absolute);
    }
    Ok(model(&design, &ended, outputs, cx))
}

/// The solver that suits the shape of the problem.
fn solve(problem: &Problem<'_>, limits: Limits, cx: &FitContext<'_>) -> Result<Ended, FitError> {
    let (width, absolute) = (
        problem.design.width(),
        problem.penalties.l1.iter().any(|l1| *l1 > 0.0),
    );
    if problem.outputs == 1 && prefers_newton(problem) {
        let _memory = cx.reserve((3 * width * width * 8) as u64)?;
        return newton::minimise(problem, limits, cx);
    }
    if absolute {
        gradients::minimise(problem, limits, cx)
    } else {
        quasi::minimise(problem, limits, cx)
    }
}

/// Whether a handful of passes over pairs of columns beat some dozens over the columns.
fn prefers_newton(problem: &Problem<'_>) -> bool {
    let (design, width) = (problem.design, problem.design.width());
    let (rows, entries) = (design.row_count() as f64, design.entries_per_row() as f64);
    // Dense pairs run in registers, eight at a time; a category's additions do not.
    let dense = design.dense.len() as f64;
    let pairs = entries * entries / 2.0 - dense * dense / 2.0 * (7.0 / 8.0);
    let newton = 8.0 * (rows * pairs + (width as f64).powi(3) / 12.0);
    let quasi = 60.0 * rows * (2.0 * entries + 10.0);
    width <= NEWTON_WIDTH_MAX && (newton <= quasi || width <= 50)
}

/// What the weight of a row is multiplied by, for each class.
pub(crate) fn class_weights(class_weight: ClassWeight, train: &TrainView<'_>) -> Vec<f64> {
    let mut totals = vec![0.0; train.task().width()];
    for (row, class) in train.classes().iter().enumerate() {
        totals[*class as usize] += train.weight(row);
    }
    match class_weight {
        ClassWeight::None => vec![1.0; totals.len()],
        ClassWeight::Balanced => {
            let present = totals.iter().filter(|total| **total > 0.0).count() as f64;
            let all: f64 = totals.iter().sum();
            totals
                .iter()
                .map(|total| {
                    if *total > 0.0 {
                        all / (present * total)
                    } else {
                        1.0
                    }
                })
                .collect()
        }
    }
}

/// Makes scores sum to zero over the classes. Probabilities stay the same; squared penalties can only fall, but
/// absolute ones could rise, so with those only the intercepts move.
fn centre(point: &mut [f64], outputs: usize, absolute: f64) {
    let stride = point.len() / outputs;
    let first = if absolute > 0.0 { stride - 1 } else { 0 };
    for at in first..stride {
        let mean = (0..outputs)
            .map(|output| point[output * stride + at])
            .sum::<f64>()
            / outputs as f64;
        (0..outputs).for_each(|output| point[output * stride + at] -= mean);
    }
}

fn model(design: &Design, ended: &Ended, outputs: usize, cx: &FitContext<'_>) -> LogisticModel {
    let stride = design.width() + 1;
    let unscaled: Vec<(Vec<f64>, f64)> = ended
        .point
        .chunks(stride)
        .map(|part| design.unscale(&part[..stride - 1], part[stride - 1]))
        .collect();
    let link = if outputs == 1 {
        Link::Logistic
    } else {
        Link::Softmax
    };
    let linear = Linear::new(design.slots.clone(), link, &unscaled, &design.spreads(cx.workers));
    LogisticModel {
        linear,
        iterations: ended.iterations,
    }
}
