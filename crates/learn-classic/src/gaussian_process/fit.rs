//! Standardised rows, parameters by the likelihood, and the answer's multipliers.

use kolosal_frame::FrameView;
use kolosal_learner::{Checked, FitContext, FitError, Task, TrainView};

use super::ascent::{Limits, climb};
use super::expression::Expression;
use super::kernel::{Kernel, Points};
use super::laplace;
use super::model::{Answer, GaussianProcessModel, Machine};
use super::params::GaussianProcessParams;
use super::regression::{Rows, inducing_multipliers, likelihood, multipliers};
use crate::rows::counted;
use crate::standard::Standard;

/// Bounds of all parameters, as in scikit-learn.
const PARAMETER_RANGE: (f64, f64) = (1e-5, 1e5);
/// Most rows that the parameters of a classification are searched on: each likelihood needs a mode of its own.
const CLASSES_SEARCHED_MAX: usize = 300;
/// How far drawn guesses lie from the first, in logarithms.
const GUESS_SPREAD: f64 = 1.0;
/// The first guess of the noise's share in the target's variance.
const NOISE_FIRST: f64 = 0.1;

pub(super) fn fit(
    params: &Checked<GaussianProcessParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<GaussianProcessModel, FitError> {
    cx.checkpoint()?;
    let expression = Expression::parse(&params.kernel)?;
    let mut positions = counted(train).positions;
    let most = params.max_rows_classification as usize;
    if train.task() != Task::Regression && positions.len() > most {
        cx.progress.warn(&format!(
            "gaussian_process classifies by {most} of {} rows, drawn at random: raise max_rows_classification to use more",
            positions.len()
        ));
        positions = drawn(&positions, most, cx, "rows");
    }
    let all = train.features().rows();
    let rows: Vec<u32> = positions.iter().map(|&at| all.get(at) as u32).collect();
    let view = train.features().frame().select(&rows);
    let _memory = cx.reserve(bytes_needed(params, train.task(), view))?;
    let weights: Vec<f64> = positions.iter().map(|&at| train.weight(at)).collect();
    let columns = Standard::of_columns(view, &weights);
    let room = Room {
        params,
        expression,
        points: Points {
            width: view.column_count(),
            numbers: columns.apply(view),
        },
        weights: normalised(&weights),
    };
    let (answer, points, machines) = match train.task() {
        Task::Regression => {
            let targets: Vec<f64> = positions.iter().map(|&at| train.numbers()[at]).collect();
            room.number(&targets, cx)?
        }
        task => {
            let classes: Vec<u32> = positions.iter().map(|&at| train.classes()[at]).collect();
            room.classes(&classes, task, cx)?
        }
    };
    Ok(GaussianProcessModel::new(
        room.expression,
        params.ard,
        columns,
        answer,
        (points, machines),
    ))
}

/// Matrices that stand beside each other, and the rows.
fn bytes_needed(params: &GaussianProcessParams, task: Task, view: FrameView<'_>) -> u64 {
    let rows = view.row_count();
    let searched = rows.min(params.optimize_rows as usize);
    let side = if task != Task::Regression {
        rows
    } else if rows > params.max_rows as usize {
        searched.max(params.n_inducing as usize * 2)
    } else {
        rows
    };
    let matrices = (searched * searched * 5).max(side * side * 3);
    (matrices * 8 + rows * (view.column_count() * 32 + 64)) as u64
}

/// Weights of mean one: the noise is that of a row of mean weight.
fn normalised(weights: &[f64]) -> Vec<f64> {
    let mean: f64 = weights.iter().map(|weight| weight / weights.len() as f64).sum();
    weights
        .iter()
        .map(|weight| (weight / mean).clamp(1e-12, 1e12))
        .collect()
}

/// So many of the rows, in their order.
fn drawn(rows: &[usize], most: usize, cx: &FitContext<'_>, label: &str) -> Vec<usize> {
    if rows.len() <= most {
        return rows.to_vec();
    }
    let mut order = rows.to_vec();
    cx.seed.fork(label).rng().shuffle(&mut order);
    order.truncate(most);
    order.sort_unstable();
    order
}

/// What a fit works on.
struct Room<'a> {
    params: &'a GaussianProcessParams,
    expression: Expression,
    points: Points,
    weights: Vec<f64>,
}

impl Room<'_> {
    fn kernel<'b>(&'b self, parameters: &'b [f64]) -> Kernel<'b> {
        Kernel {
            expression: &self.expression,
            parameters,
            is_ard: self.params.ard,
        }
    }

    fn lengths(&self) -> usize {
        if self.params.ard { self.points.width } else { 1 }
    }

    fn limits(&self) -> Limits {
        Limits {
            low: PARAMETER_RANGE.0.ln(),
            high: PARAMETER_RANGE.1.ln(),
            tol: self.params.tol,
            steps_max: self.params.max_iter as usize,
        }
    }

    /// Variances that sum to one, lengths at which typical rows are some way apart, exponents of one.
    fn first_guess(&self) -> Vec<f64> {
        let (width, terms) = (self.points.width as f64, self.expression.terms.len() as f64);
        let mut guess = Vec::with_capacity(self.expression.parameter_count(self.lengths()));
        for kinds in &self.expression.terms {
            guess.push((1.0 / terms).ln());
            for kind in kinds {
                guess.extend(vec![0.5 * width.ln(); self.lengths()]);
                if *kind == super::expression::Kind::RationalQuadratic {
                    guess.push(0.0);
                }
            }
        }
        guess
    }

    /// Rows that the parameters are searched on.
    fn searched(&self, most: usize, cx: &FitContext<'_>) -> Vec<usize> {
        let all: Vec<usize> = (0..self.weights.len()).collect();
        drawn(&all, most.min(self.params.optimize_rows as usize), cx, "search")
    }

    /// The parameters of greatest likelihood, and the likelihood, from the first guess and those drawn around it.
    fn search(
        &self,
        guess: &[f64],
        cx: &FitContext<'_>,
        evaluate: impl Fn(&[f64]) -> Result<Option<(f64, Vec<f64>)>, FitError>,
    ) -> Result<(Vec<f64>, f64), FitError> {
        let mut best = (guess.to_vec(), f64::NEG_INFINITY);
        for restart in 0..=self.params.n_restarts as u64 {
            let mut start = guess.to_vec();
            if restart > 0 {
                let mut rng = cx.seed.fork("guess").fork_index(restart).rng();
                start
                    .iter_mut()
                    .for_each(|log| *log += GUESS_SPREAD * rng.normal());
            }
            if let Some(found) = climb(start, self.limits(), &evaluate)?
                && found.value > best.1
            {
                best = (found.point, found.value);
            }
        }
        Ok(best)
    }

    fn number(
        &self,
        targets: &[f64],
        cx: &FitContext<'_>,
    ) -> Result<(Answer, Points, Vec<Machine>), FitError> {
        let (centre, scale) = Standard::of_numbers(targets, &self.weights);
        if scale == 0.0 {
            let none = Points {
                width: self.points.width,
                numbers: Vec::new(),
            };
            let mut parameters = self.first_guess();
            parameters.push(0.0);
            let machine = Machine {
                parameters,
                ..Machine::default()
            };
            return Ok((Answer::Number { centre, scale }, none, vec![machine]));
        }
        let targets: Vec<f64> = targets
            .iter()
            .map(|y| Standard::place(*y, centre, scale))
            .collect();
        let (parameters, likelihood) = self.search_number(&targets, cx)?;
        let (of_kernel, noise) = parameters.split_at(parameters.len() - 1);
        let (kernel, noise) = (self.kernel(of_kernel), noise[0].exp());
        let rows = Rows {
            points: &self.points,
            targets: &targets,
            weights: &self.weights,
        };
        let (count, most) = (targets.len(), self.params.max_rows as usize);
        let (points, alpha, spread) = if count <= most {
            let spread = self.weights.iter().map(|weight| noise / weight).collect();
            (
                self.points.clone(),
                multipliers(&rows, &kernel, noise, cx)?,
                spread,
            )
        } else {
            let wanted = self.params.n_inducing as usize;
            cx.progress.warn(&format!(
                "gaussian_process answers for {count} rows by {wanted} inducing points: raise max_rows for the exact solution"
            ));
            let all: Vec<usize> = (0..count).collect();
            let inducing = self.points.select(&drawn(&all, wanted, cx, "inducing"));
            let (alpha, matrix) = inducing_multipliers(&rows, &inducing, &kernel, (noise, cx))?;
            (inducing, alpha, lower_triangle(&matrix, wanted))
        };
        let machine = Machine {
            parameters: parameters.clone(),
            alpha,
            spread,
            likelihood,
        };
        Ok((Answer::Number { centre, scale }, points, vec![machine]))
    }

    /// The parameters of greatest likelihood, the noise's last, and the likelihood.
    fn search_number(&self, targets: &[f64], cx: &FitContext<'_>) -> Result<(Vec<f64>, f64), FitError> {
        let searched = self.searched(usize::MAX, cx);
        let (points, weights) = (self.points.select(&searched), pick(&self.weights, &searched));
        let targets = pick(targets, &searched);
        let rows = Rows {
            points: &points,
            targets: &targets,
            weights: &weights,
        };
        let mut guess = self.first_guess();
        guess.push(NOISE_FIRST.ln());
        self.search(&guess, cx, |parameters| {
            let (of_kernel, noise) = parameters.split_at(parameters.len() - 1);
            likelihood(&rows, &self.kernel(of_kernel), noise[0].exp(), cx)
        })
    }

    fn classes(
        &self,
        classes: &[u32],
        task: Task,
        cx: &FitContext<'_>,
    ) -> Result<(Answer, Points, Vec<Machine>), FitError> {
        let asked: Vec<u32> = if task == Task::Binary {
            vec![1]
        } else {
            (0..task.width() as u32).collect()
        };
        let searched = self.searched(CLASSES_SEARCHED_MAX, cx);
        let (some, some_weights) = (self.points.select(&searched), pick(&self.weights, &searched));
        let mut machines = Vec::with_capacity(asked.len());
        for class in asked {
            let sign = |of_row: &u32| if *of_row == class { 1.0 } else { -1.0 };
            let signs: Vec<f64> = classes.iter().map(sign).collect();
            let some_signs = pick(&signs, &searched);
            let rows = laplace::Rows {
                points: &some,
                signs: &some_signs,
                weights: &some_weights,
            };
            let (parameters, likelihood) = self.search(&self.first_guess(), cx, |parameters| {
                laplace::likelihood(&rows, &self.kernel(parameters), cx)
            })?;
            let rows = laplace::Rows {
                points: &self.points,
                signs: &signs,
                weights: &self.weights,
            };
            let matrix = laplace::kernel_matrix(&rows, &self.kernel(&parameters), cx);
            let Some(mode) = laplace::mode(&rows, &matrix, cx)? else {
                return Err(FitError::Unsupported {
                    learner: "gaussian_process",
                    what: "factor its kernel matrix, which is not positive to rounding".to_owned(),
                    remedy: "use a kernel without linear parts, or scale the columns",
                });
            };
            machines.push(Machine {
                parameters,
                alpha: mode.alpha,
                spread: mode.roots,
                likelihood,
            });
        }
        Ok((Answer::Classes(task.width()), self.points.clone(), machines))
    }
}

fn lower_triangle(matrix: &[f64], side: usize) -> Vec<f64> {
    (0..side)
        .flat_map(|i| &matrix[i * side..=i * side + i])
        .copied()
        .collect()
}

fn pick(values: &[f64], rows: &[usize]) -> Vec<f64> {
    rows.iter().map(|&row| values[row]).collect()
}
