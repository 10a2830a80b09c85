//! Gradients against differences, answers by hand and beside scikit-learn.

use kolosal_base::{Cancel, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::Column;
use kolosal_learner::{Decoder, Encoder, FitContext, FittedModel, Learn, ParamSet, Silent};

use super::expression::Expression;
use super::kernel::{Kernel, Points};
use super::{GaussianProcess, GaussianProcessModel, GaussianProcessParams, laplace, regression};
use crate::testing::{Table, distance, references};

fn with_context<T>(run: impl FnOnce(&FitContext<'_>) -> T) -> T {
    let (workers, memory, clock, cancel) = (
        Workers::new(1),
        Ledger::unlimited(),
        SystemClock::start(),
        Cancel::new(),
    );
    run(&FitContext {
        seed: Seed::new(1),
        workers: &workers,
        memory: &memory,
        clock: &clock,
        deadline: None,
        cancel: &cancel,
        progress: &Silent,
        valid: None,
    })
}

fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut rng = Seed::new(seed).rng();
    (0..count).map(|_| rng.normal()).collect()
}

const KERNELS: [&str; 8] = [
    "rbf",
    "matern12",
    "matern32",
    "matern52",
    "rational_quadratic",
    "linear",
    "rbf*linear",
    "matern52*rational_quadratic+linear+rbf",
];

/// The likelihood's gradient at a point, and that from differences of its values.
fn check(kernel: &str, is_ard: bool, is_number: bool) {
    let expression = Expression::parse(kernel).unwrap();
    let points = Points {
        width: 3,
        numbers: noise(40 * 3, 1),
    };
    let (targets, weights) = (
        noise(40, 2),
        noise(40, 3).iter().map(|w| 0.5 + w.abs()).collect::<Vec<_>>(),
    );
    let signs: Vec<f64> = targets.iter().map(|y| y.signum()).collect();
    let value = |parameters: &[f64]| {
        with_context(|cx| {
            let count = expression.parameter_count(if is_ard { 3 } else { 1 });
            let kernel = Kernel {
                expression: &expression,
                parameters: &parameters[..count],
                is_ard,
            };
            if is_number {
                let rows = regression::Rows {
                    points: &points,
                    targets: &targets,
                    weights: &weights,
                };
                regression::likelihood(&rows, &kernel, parameters[count].exp(), cx)
                    .unwrap()
                    .unwrap()
            } else {
                let rows = laplace::Rows {
                    points: &points,
                    signs: &signs,
                    weights: &weights,
                };
                laplace::likelihood(&rows, &kernel, cx).unwrap().unwrap()
            }
        })
    };
    let count = expression.parameter_count(if is_ard { 3 } else { 1 }) + usize::from(is_number);
    let at: Vec<f64> = (0..count).map(|i| 0.3 * (i as f64).sin() - 0.2).collect();
    let (_, gradient) = value(&at);
    let step = 1e-4;
    let differences: Vec<f64> = (0..count)
        .map(|i| {
            let moved = |by: f64| {
                let mut to = at.clone();
                to[i] += by;
                value(&to).0
            };
            (moved(step) - moved(-step)) / (2.0 * step)
        })
        .collect();
    let off = distance(&gradient, &differences);
    assert!(off < 1e-4, "{kernel}: {gradient:?} and not {differences:?}");
}

#[test]
fn gradients_of_the_likelihood_are_its_differences() {
    for kernel in KERNELS {
        for is_ard in [false, true] {
            check(kernel, is_ard, true);
            check(kernel, is_ard, false);
        }
    }
}

fn fit(params: GaussianProcessParams, table: &Table) -> GaussianProcessModel {
    with_context(|cx| GaussianProcess::fit(&params.check().unwrap(), &table.train(), cx).unwrap())
}

#[test]
fn likelihoods_and_answers_are_scikit_learns() {
    let references = references(include_str!("../golden/gaussian_process.txt"));
    assert_eq!(references.len(), 5);
    for mut reference in references {
        // The likelihood is written among the settings.
        let (_, likelihood) = reference.settings.pop().unwrap();
        let likelihood: f64 = likelihood.parse().unwrap();
        let kernel = reference.settings[0].1.to_owned();
        let params = GaussianProcessParams {
            kernel: kernel.clone(),
            tol: 1e-7,
            max_iter: 1000,
            n_restarts: 5,
            ..GaussianProcessParams::default()
        };
        let model = fit(params, &reference.table);
        let found = model.log_marginal_likelihoods()[0];
        assert!(
            found > likelihood - 1e-3,
            "{kernel}: {found} is below {likelihood}"
        );
        let off = distance(&reference.table.answers(&model), &reference.answers);
        // Means over the latent normal are approximated in another way there.
        let most = if model.deviations(reference.table.frame.view()).is_some() {
            1e-3
        } else {
            3e-2
        };
        assert!(off < most, "{kernel} is off by {off}");
    }
}

#[test]
fn uncertainty_is_small_at_the_rows_and_that_of_the_prior_far_away() {
    let x: Vec<f64> = (0..30).map(|i| f64::from(i) / 5.0).collect();
    let y: Vec<f64> = x.iter().map(|x| (2.0 * x).sin()).collect();
    let table = Table::regression(vec![Column::numbers(x)], &y);
    let model = fit(GaussianProcessParams::default(), &table);
    assert!(distance(&table.answers(&model), &y) < 0.02);
    let near = model.deviations(table.frame.view()).unwrap();
    let far = Table::regression(vec![Column::numbers(vec![1e4])], &[0.0]);
    let far = model.deviations(far.frame.view()).unwrap()[0];
    let prior = model.parameters()[0][0].exp().sqrt();
    let spread =
        (y.iter().map(|y| y * y).sum::<f64>() / 30.0 - (y.iter().sum::<f64>() / 30.0).powi(2)).sqrt();
    assert!((far / (prior * spread) - 1.0).abs() < 1e-6, "{far}");
    assert!(near.iter().all(|deviation| *deviation < 0.1 * far), "{near:?}");
}

#[test]
fn inducing_points_answer_about_as_all_rows_do() {
    let rows = 400;
    let columns: Vec<Vec<f64>> = (0..2).map(|j| noise(rows, j)).collect();
    let y: Vec<f64> = (0..rows)
        .map(|i| columns[0][i].sin() + 0.5 * columns[1][i])
        .collect();
    let table = Table::regression(columns.into_iter().map(Column::numbers).collect(), &y);
    let exact = table.answers(&fit(GaussianProcessParams::default(), &table));
    let params = GaussianProcessParams {
        max_rows: 100,
        n_inducing: 60,
        optimize_rows: 150,
        ..GaussianProcessParams::default()
    };
    let model = fit(params, &table);
    assert_eq!(model.point_count(), 60);
    let answers = table.answers(&model);
    let squares: f64 = answers.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum();
    let off = (squares / exact.iter().map(|b| b * b).sum::<f64>()).sqrt();
    assert!(off < 0.05, "{off}");
}

/// With as many inducing points as make the approximation close, the posterior is nearly that of the exact process with the
/// same parameters: little is unknown among the rows, and far away all of the prior's spread.
#[test]
fn inducing_points_know_how_sure_they_are() {
    let rows = 400;
    let (columns, off): (Vec<Vec<f64>>, Vec<f64>) =
        ((0..2).map(|j| noise(rows, j)).collect(), noise(rows, 9));
    let y: Vec<f64> = (0..rows)
        .map(|i| columns[0][i].sin() + 0.5 * columns[1][i] + 0.3 * off[i])
        .collect();
    let table = Table::regression(columns.into_iter().map(Column::numbers).collect(), &y);
    let params = |max_rows| GaussianProcessParams {
        max_rows,
        n_inducing: 80,
        optimize_rows: 150,
        ..GaussianProcessParams::default()
    };
    let (model, exact) = (fit(params(100), &table), fit(params(5000), &table));
    assert_eq!((model.point_count(), exact.point_count()), (80, 400));
    assert_eq!(
        exact.parameters(),
        model.parameters(),
        "searched on the same rows"
    );
    let of = |model: &GaussianProcessModel| model.deviations(table.frame.view()).unwrap();
    for (found, expected) in of(&model).iter().zip(of(&exact)) {
        assert!(
            *found > 0.9 * expected && *found < 1.3 * expected,
            "{found} and not about {expected}"
        );
    }
    let far = Table::regression(
        vec![Column::numbers(vec![1e4]), Column::numbers(vec![1e4])],
        &[0.0],
    );
    let (found, expected) = (
        model.deviations(far.frame.view()).unwrap()[0],
        exact.deviations(far.frame.view()).unwrap()[0],
    );
    assert!(
        (found / expected - 1.0).abs() < 1e-6,
        "{found} and not {expected}"
    );
    let mut to = Encoder::new();
    model.save(&mut to);
    let bytes = to.into_bytes();
    let again = GaussianProcess::load(&mut Decoder::new(&bytes)).unwrap();
    assert_eq!(of(&again), of(&model));
}
