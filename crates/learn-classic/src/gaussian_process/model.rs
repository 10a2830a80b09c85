//! The fitted process: points, the kernel's parameters and multipliers.

use std::sync::OnceLock;

use kolosal_compute::Workers;
use kolosal_compute::kernels::dot;
use kolosal_compute::linalg::Factor;
use kolosal_frame::FrameView;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FittedModel, Meaning};

use super::expression::Expression;
use super::kernel::{Kernel, Points};
use super::laplace::scaled_up;
use super::regression::factored;
use crate::standard::Standard;

/// Rows answered together.
const ROWS: usize = 64;
/// Most classes; bounds what a damaged file can ask for.
const CLASSES_MAX: usize = 1 << 16;
/// Logarithms of parameters lie well within it.
const PARAMETER_MAX: f64 = 30.0;
/// A little more than is added to the kernel in training, so that rounding cannot undo it.
const JITTER: f64 = 1e-8;

/// One process.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Machine {
    /// Logarithms; of a regression, the noise's comes last.
    pub(super) parameters: Vec<f64>,
    /// One multiplier a point.
    pub(super) alpha: Vec<f64>,
    /// Noise of each point, or roots of curvatures of a classification; of inducing points the lower triangle, line after line, of
    /// the matrix that their multipliers were solved with, or nothing in models of earlier versions.
    pub(super) spread: Vec<f64>,
    /// Logarithm of the marginal likelihood on the rows that the parameters were searched on.
    pub(super) likelihood: f64,
}

/// What the latent values become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Answer {
    /// A number: the value times `scale` plus `centre`.
    Number { centre: f64, scale: f64 },
    /// Probabilities of this many classes.
    Classes(usize),
}

/// A fitted Gaussian process.
#[derive(Debug)]
pub struct GaussianProcessModel {
    expression: Expression,
    is_ard: bool,
    columns: Standard,
    answer: Answer,
    points: Points,
    machines: Vec<Machine>,
    /// Factors that uncertainties are made with, worked out when first asked for.
    factors: OnceLock<Vec<Option<Certainty>>>,
}

/// What the training rows leave of the prior's variance.
#[derive(Debug)]
struct Certainty {
    /// Of the points' kernel, with the noise where the points are the rows.
    known: Factor,
    /// Where inducing points stand for the rows: the noise, and the factor of what their multipliers were solved with.
    kept: Option<(f64, Factor)>,
}

impl GaussianProcessModel {
    pub(super) fn new(
        expression: Expression,
        is_ard: bool,
        columns: Standard,
        answer: Answer,
        (points, machines): (Points, Vec<Machine>),
    ) -> Self {
        Self {
            expression,
            is_ard,
            columns,
            answer,
            points,
            machines,
            factors: OnceLock::new(),
        }
    }

    /// The logarithm of the marginal likelihood, of the standardised target, on the rows that the parameters were searched
    /// on; of several classes one each.
    pub fn log_marginal_likelihoods(&self) -> Vec<f64> {
        self.machines.iter().map(|machine| machine.likelihood).collect()
    }

    /// Logarithms of the kernel's parameters, process after process: of each term its variance and its kernels' lengths, of
    /// a regression the noise at the end. Lengths are in standard deviations of the columns.
    pub fn parameters(&self) -> Vec<Vec<f64>> {
        self.machines
            .iter()
            .map(|machine| machine.parameters.clone())
            .collect()
    }

    /// How many points the answers are made of.
    pub fn point_count(&self) -> usize {
        self.points.count()
    }

    /// The standard deviation of the answer to each row, noise not included; `None` for classifications, and for inducing points of
    /// models of earlier versions.
    ///
    /// # Panics
    /// If `x` has another number of columns.
    pub fn deviations(&self, x: FrameView<'_>) -> Option<Vec<f64>> {
        let Answer::Number { scale, .. } = self.answer else {
            return None;
        };
        assert_eq!(x.column_count(), self.columns.width(), "the columns of training");
        if self.machines[0].spread.is_empty() && scale > 0.0 {
            return None;
        }
        let mut deviations = Vec::with_capacity(x.row_count());
        for start in (0..x.row_count()).step_by(ROWS) {
            let points = self.place(x.slice(start, ROWS.min(x.row_count() - start)));
            let (_, variances) = self.latent(0, &points, true);
            deviations.extend(variances.iter().map(|variance| scale * variance.sqrt()));
        }
        Some(deviations)
    }

    fn kernel<'a>(&'a self, machine: &'a Machine) -> Kernel<'a> {
        let is_number = matches!(self.answer, Answer::Number { .. });
        Kernel {
            expression: &self.expression,
            parameters: &machine.parameters[..machine.parameters.len() - usize::from(is_number)],
            is_ard: self.is_ard,
        }
    }

    fn place(&self, x: FrameView<'_>) -> Points {
        Points {
            width: self.columns.width(),
            numbers: self.columns.apply(x),
        }
    }

    /// Means and, if wanted, variances of the latent values of a process.
    fn latent(&self, at: usize, points: &Points, with_variance: bool) -> (Vec<f64>, Vec<f64>) {
        let (machine, count) = (&self.machines[at], self.points.count());
        let kernel = self.kernel(machine);
        let here = Workers::new(1);
        let cross = kernel.matrix(points, &self.points, &here);
        let lines = || (0..points.count()).map(|row| &cross[row * count..(row + 1) * count]);
        let means = lines().map(|line| dot(line, &machine.alpha)).collect();
        if !with_variance {
            return (means, Vec::new());
        }
        let is_number = matches!(self.answer, Answer::Number { .. });
        let certainty = &self.factors()[at];
        let own = kernel.diagonal(points);
        let variance = |(line, own): (&[f64], f64)| {
            let Some(Certainty { known, kept }) = certainty else {
                return 0.0;
            };
            let mut scaled = line.to_vec();
            if !is_number {
                scaled
                    .iter_mut()
                    .zip(&machine.spread)
                    .for_each(|(k, root)| *k *= root);
            }
            known.forward(&mut scaled);
            let left = own - dot(&scaled, &scaled);
            let of_kept = kept.as_ref().map_or(0.0, |(noise, factor)| {
                let mut scaled = line.to_vec();
                factor.forward(&mut scaled);
                noise * dot(&scaled, &scaled)
            });
            (left.max(0.0) + of_kept).max(0.0)
        };
        (means, lines().zip(own).map(variance).collect())
    }

    /// What variances are made with; `None` where a damaged file holds no kernel.
    fn factors(&self) -> &[Option<Certainty>] {
        let is_number = matches!(self.answer, Answer::Number { .. });
        self.factors.get_or_init(|| {
            let of_machine = |machine: &Machine| self.certainty(machine, is_number);
            self.machines.iter().map(of_machine).collect()
        })
    }

    fn certainty(&self, machine: &Machine, is_number: bool) -> Option<Certainty> {
        let (count, here) = (self.points.count(), Workers::new(1));
        let mut matrix = self.kernel(machine).matrix(&self.points, &self.points, &here);
        if is_number && machine.spread.len() == triangle(count) {
            let known = factored(&matrix, &vec![0.0; count], &here).ok()?;
            let mut solved = vec![0.0; count * count];
            let mut from = machine.spread.iter();
            for i in 0..count {
                for j in 0..=i {
                    let value = *from.next()?;
                    solved[i * count + j] = value;
                    solved[j * count + i] = value;
                }
            }
            let noise = machine.parameters.last()?.exp();
            let kept = Some((noise, factored(&solved, &vec![0.0; count], &here).ok()?));
            return Some(Certainty { known, kept });
        }
        if machine.spread.len() != count {
            return None;
        }
        (0..count).for_each(|i| matrix[i * count + i] += JITTER);
        if is_number {
            (0..count).for_each(|i| matrix[i * count + i] += machine.spread[i]);
        } else {
            matrix = scaled_up(&matrix, &machine.spread);
        }
        let known = Factor::new(matrix, count, &here)?;
        Some(Certainty { known, kept: None })
    }

    /// The probability that the latent normal leaves of each machine's class (MacKay 1992).
    fn probabilities(&self, at: usize, points: &Points) -> Vec<f64> {
        let (means, variances) = self.latent(at, points, true);
        let share = |(mean, variance): (f64, f64)| {
            let z = mean / (1.0 + std::f64::consts::PI / 8.0 * variance).sqrt();
            1.0 / (1.0 + (-z).exp())
        };
        means.into_iter().zip(variances).map(share).collect()
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let expression =
            Expression::parse(from.str()?).map_err(|error| ArtifactError::damaged(error.to_string()))?;
        let is_ard = from.bool()?;
        let columns = Standard::load(from)?;
        let answer = if from.bool()? {
            Answer::Number {
                centre: from.finite()?,
                scale: from.finite()?,
            }
        } else {
            Answer::Classes(from.count("classes", CLASSES_MAX)?)
        };
        let numbers = from.f64s()?;
        let machine_count = match answer {
            Answer::Number { .. } | Answer::Classes(2) => 1,
            Answer::Classes(k) => k,
        };
        let is_sound = numbers.len().is_multiple_of(columns.width()) && machine_count > 0;
        if !is_sound || answer == Answer::Classes(1) || numbers.iter().any(|x| x.is_nan() || x.abs() > 1e9) {
            return Err(ArtifactError::damaged("the points of the process are not whole"));
        }
        let points = Points {
            width: columns.width(),
            numbers,
        };
        let lengths = if is_ard { points.width } else { 1 };
        let is_number = matches!(answer, Answer::Number { .. });
        let wanted = expression.parameter_count(lengths) + usize::from(is_number);
        let machines = (0..machine_count)
            .map(|_| load_machine(from, wanted, points.count(), is_number))
            .collect::<Result<_, _>>()?;
        Ok(Self::new(expression, is_ard, columns, answer, (points, machines)))
    }
}

/// Entries of half a square matrix, its diagonal included.
fn triangle(side: usize) -> usize {
    side * (side + 1) / 2
}

fn load_machine(
    from: &mut Decoder<'_>,
    wanted: usize,
    points: usize,
    is_number: bool,
) -> Result<Machine, ArtifactError> {
    let machine = Machine {
        parameters: from.f64s()?,
        alpha: from.f64s()?,
        spread: from.f64s()?,
        likelihood: from.f64()?,
    };
    let is_sound = machine.parameters.len() == wanted
        && machine
            .parameters
            .iter()
            .all(|value| value.abs() <= PARAMETER_MAX)
        && machine.alpha.len() == points
        && machine.alpha.iter().all(|value| value.is_finite())
        && spread_is_sound(&machine.spread, points, is_number);
    if !is_sound {
        return Err(ArtifactError::damaged("a process does not belong to its points"));
    }
    Ok(machine)
}

fn spread_is_sound(spread: &[f64], points: usize, is_number: bool) -> bool {
    let is_triangle = is_number && spread.len() == triangle(points);
    let is_finite = spread.iter().all(|value| value.is_finite());
    is_finite
        && (is_triangle
            || spread.is_empty()
            || (spread.len() == points && spread.iter().all(|value| *value >= 0.0)))
}

impl FittedModel for GaussianProcessModel {
    fn shape(&self) -> (Meaning, usize) {
        match self.answer {
            Answer::Number { .. } => (Meaning::Number, 1),
            Answer::Classes(classes) => (Meaning::ClassProbability, classes),
        }
    }

    fn feature_count(&self) -> usize {
        self.columns.width()
    }

    fn predict_into(&self, x: FrameView<'_>, out: &mut [f64]) {
        let width = self.shape().1;
        assert_eq!(out.len(), x.row_count() * width, "one answer a row");
        assert_eq!(x.column_count(), self.columns.width(), "the columns of training");
        for (block, answers) in out.chunks_mut(ROWS * width).enumerate() {
            let points = self.place(x.slice(block * ROWS, answers.len() / width));
            match self.answer {
                Answer::Number { centre, scale } => {
                    let (means, _) = self.latent(0, &points, false);
                    answers
                        .iter_mut()
                        .zip(means)
                        .for_each(|(answer, mean)| *answer = centre + scale * mean);
                }
                Answer::Classes(2) => {
                    let shares = self.probabilities(0, &points);
                    for (answer, share) in answers.chunks_exact_mut(2).zip(shares) {
                        answer.copy_from_slice(&[1.0 - share, share]);
                    }
                }
                Answer::Classes(classes) => {
                    for class in 0..classes {
                        let shares = self.probabilities(class, &points);
                        for (answer, share) in answers.chunks_exact_mut(classes).zip(shares) {
                            answer[class] = share.max(1e-300);
                        }
                    }
                    for answer in answers.chunks_exact_mut(classes) {
                        let total: f64 = answer.iter().sum();
                        answer.iter_mut().for_each(|share| *share /= total);
                    }
                }
            }
        }
    }

    /// `log_marginal_likelihood`: of the standardised target, on the rows that the parameters were searched on, summed over
    /// classes.
    fn facts(&self) -> Vec<(&'static str, f64)> {
        let sum: f64 = self.log_marginal_likelihoods().iter().sum();
        // A constant target leaves nothing to be likely.
        if sum.is_finite() {
            vec![("log_marginal_likelihood", sum)]
        } else {
            Vec::new()
        }
    }

    fn save(&self, to: &mut Encoder) {
        to.str(&self.expression.text());
        to.bool(self.is_ard);
        self.columns.save(to);
        match self.answer {
            Answer::Number { centre, scale } => {
                to.bool(true);
                to.f64(centre);
                to.f64(scale);
            }
            Answer::Classes(classes) => {
                to.bool(false);
                to.u64(classes as u64);
            }
        }
        to.f64s(&self.points.numbers);
        for machine in &self.machines {
            to.f64s(&machine.parameters);
            to.f64s(&machine.alpha);
            to.f64s(&machine.spread);
            to.f64(machine.likelihood);
        }
    }
}
