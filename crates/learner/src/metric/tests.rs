//! Every metric against scikit-learn's values, against its definition by brute force, and in its undefined cases.

use kolosal_base::Seed;

use super::*;
use crate::Task;

/// One case of `golden/cases.txt`, which `benches/parity/metrics/make_cases.py` wrote.
struct Case {
    name: String,
    task: Task,
    truth: Vec<f64>,
    weights: Vec<f64>,
    answers: Vec<f64>,
    /// Metric, whether weighted, value.
    expected: Vec<(String, bool, f64)>,
}

fn golden_cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in include_str!("golden/cases.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<f64>().expect("the script writes numbers");
        match words[0] {
            "case" => cases.push(Case {
                name: words[1].to_owned(),
                task: match number(2) as u32 {
                    1 => Task::Regression,
                    classes => Task::classification(classes),
                },
                truth: Vec::new(),
                weights: Vec::new(),
                answers: Vec::new(),
                expected: Vec::new(),
            }),
            "row" => {
                let case = cases.last_mut().expect("a case comes first");
                case.truth.push(number(1));
                case.weights.push(number(2));
                if case.task == Task::Binary {
                    case.answers.push(1.0 - number(3));
                }
                case.answers.extend((3..words.len()).map(number));
            }
            "expect" => {
                let case = cases.last_mut().expect("a case comes first");
                case.expected
                    .push((words[1].to_owned(), words[2] == "weighted", number(3)));
            }
            _ => assert_eq!(words[0], "#"),
        }
    }
    cases
}

/// Scores by a name that may carry a parameter: `pinball@0.9`, `f1@0.2`.
fn score(
    name: &str,
    target: &Target<'_>,
    answers: &Predictions,
    weights: Option<&[f64]>,
) -> Result<f64, MetricError> {
    let (name, parameter) = name.split_once('@').unwrap_or((name, ""));
    let metric = find_metric(name)?;
    match (parameter.parse::<f64>(), metric.as_label_metric()) {
        (Err(_), _) => metric.score(target, answers, weights),
        (Ok(threshold), Some(label)) => label.measure_at(&Scored::new(target, answers, weights)?, threshold),
        (Ok(alpha), None) => Pinball::new(alpha)
            .expect("a share")
            .score(target, answers, weights),
    }
}

#[test]
fn every_metric_equals_scikit_learn() {
    let mut judged = std::collections::BTreeSet::new();
    for case in golden_cases() {
        let answers = Predictions::from_values(case.task, case.answers);
        let codes: Vec<u32> = case.truth.iter().map(|&y| y as u32).collect();
        let target = match case.task {
            Task::Regression => Target::Numbers(&case.truth),
            task => Target::Classes {
                codes: &codes,
                count: task.width() as u32,
            },
        };
        for (name, weighted, expected) in &case.expected {
            let weights = weighted.then_some(&case.weights[..]);
            let found = score(name, &target, &answers, weights).expect("the case is defined");
            let near = (found - expected).abs() <= 1e-12 * expected.abs().max(1e-3);
            assert!(
                near,
                "{} {name} weighted {weighted}: {found} and not {expected}",
                case.name
            );
            judged.insert(name.clone());
        }
    }
    for metric in METRICS {
        assert!(
            judged.contains(metric.name()),
            "{} has a reference value",
            metric.name()
        );
    }
}

/// Random answers to a task, rounded so that ties occur.
fn random_rows(task: Task, count: usize, seed: u64) -> (Vec<f64>, Predictions) {
    let mut rng = Seed::new(seed).rng();
    let width = task.width();
    let truth = (0..count).map(|i| match task {
        Task::Regression => (rng.uniform() * 5.0).round(),
        _ => ((i + rng.below(2)) % width) as f64,
    });
    let truth = truth.collect();
    let mut values = Vec::new();
    for _ in 0..count {
        let raw: Vec<f64> = (0..width).map(|_| (rng.uniform() * 8.0).round() + 0.5).collect();
        let total: f64 = raw.iter().sum();
        values.extend(raw.iter().map(|v| if width == 1 { *v } else { v / total }));
    }
    (truth, Predictions::from_values(task, values))
}

const TASKS: [Task; 3] = [Task::Binary, Task::Multiclass { classes: 4 }, Task::Regression];

fn measure(metric: &dyn Metric, truth: &[f64], answers: &Predictions, weights: Option<&[f64]>) -> f64 {
    let codes: Vec<u32> = truth.iter().map(|&y| y as u32).collect();
    let target = match answers.width() {
        1 => Target::Numbers(truth),
        width => Target::Classes {
            codes: &codes,
            count: width as u32,
        },
    };
    metric
        .score(&target, answers, weights)
        .expect("the rows are fit for every metric")
}

#[test]
fn a_weight_of_two_is_a_row_twice_and_a_weight_of_zero_no_row() {
    for (task, seed) in TASKS
        .iter()
        .flat_map(|task| (0..5).map(move |seed| (*task, seed)))
    {
        let (truth, answers) = random_rows(task, 40, seed);
        let weights: Vec<f64> = (0..40).map(|i| f64::from((i * 7 + seed as u32) % 3)).collect();
        let repeated: Vec<u32> = (0..40_u32)
            .flat_map(|i| (0..weights[i as usize] as u32).map(move |_| i))
            .collect();
        let truth_repeated: Vec<f64> = repeated.iter().map(|&i| truth[i as usize]).collect();
        for metric in METRICS.iter().filter(|metric| metric.suits(task.kind())) {
            let weighted = measure(*metric, &truth, &answers, Some(&weights));
            let plain = measure(*metric, &truth_repeated, &answers.select(&repeated), None);
            assert!(
                (weighted - plain).abs() < 1e-12,
                "{}: {weighted} and {plain}",
                metric.name()
            );
        }
    }
}

#[test]
fn every_value_lies_between_worst_and_best() {
    for (task, seed) in TASKS
        .iter()
        .flat_map(|task| (0..20).map(move |seed| (*task, seed)))
    {
        let (truth, answers) = random_rows(task, 30, seed);
        for metric in METRICS.iter().filter(|metric| metric.suits(task.kind())) {
            let value = measure(*metric, &truth, &answers, None);
            let card = metric.card();
            assert!(
                metric.loss(value) >= metric.loss(card.best),
                "{} {value}",
                card.name
            );
            assert!(
                metric.loss(value) <= metric.loss(card.worst),
                "{} {value}",
                card.name
            );
        }
    }
}

#[test]
fn perfect_answers_score_best() {
    for task in TASKS {
        let (truth, _) = random_rows(task, 30, 1);
        // Counts above zero, so that every metric of a regression is defined.
        let truth: Vec<f64> = truth
            .iter()
            .map(|y| if task == Task::Regression { y + 1.0 } else { *y })
            .collect();
        let certain = truth.iter().flat_map(|&y| match task {
            Task::Regression => vec![y],
            _ => (0..task.width())
                .map(|class| f64::from(class == y as usize))
                .collect(),
        });
        let answers = Predictions::from_values(task, certain.collect());
        for metric in METRICS.iter().filter(|metric| metric.suits(task.kind())) {
            let value = measure(*metric, &truth, &answers, None);
            assert!(
                (value - metric.card().best).abs() < 1e-12,
                "{} is {value}",
                metric.name()
            );
        }
    }
}

#[test]
fn the_area_is_the_share_of_ordered_pairs() {
    for seed in 0..10 {
        let (truth, answers) = random_rows(Task::Binary, 50, seed);
        let score = |row: usize| answers.row(row)[1];
        let (mut won, mut pairs) = (0.0, 0.0);
        for (i, j) in (0..50).flat_map(|i| (0..50).map(move |j| (i, j))) {
            if truth[i] == 1.0 && truth[j] == 0.0 {
                pairs += 1.0;
                won += if score(i) > score(j) {
                    1.0
                } else {
                    f64::from(score(i) == score(j)) / 2.0
                };
            }
        }
        assert!((measure(&RocAuc, &truth, &answers, None) - won / pairs).abs() < 1e-12);
    }
}

fn undefined(metric: &str, target: &Target<'_>, task: Task, answers: Vec<f64>, expected: &str) {
    let found = score(metric, target, &Predictions::from_values(task, answers), None).expect_err("undefined");
    assert_eq!(found.to_string(), expected);
}

#[test]
fn undefined_cases_are_errors_that_say_why() {
    let one_class = Target::Classes {
        codes: &[1, 1],
        count: 2,
    };
    let (binary, sure) = (Task::Binary, vec![0.1, 0.9, 0.2, 0.8]);
    undefined(
        "auc",
        &one_class,
        binary,
        sure.clone(),
        "auc is not defined here: every row belongs to class 1; use log_loss, or rows of every class",
    );
    undefined(
        "kappa",
        &one_class,
        binary,
        sure.clone(),
        "kappa is not defined here: known and predicted rows hold one and the same class; use accuracy",
    );
    undefined(
        "ap",
        &Target::Classes {
            codes: &[0, 0],
            count: 2,
        },
        binary,
        sure,
        "average_precision is not defined here: no row belongs to class 1; use log_loss, or rows of every class",
    );
    let numbers = Target::Numbers(&[1.0, -1.0]);
    undefined(
        "rmsle",
        &numbers,
        Task::Regression,
        vec![1.0, 2.0],
        "rmsle is not defined here: the target of row 2 is -1, it must be above -1; use rmse",
    );
    undefined(
        "poisson",
        &Target::Numbers(&[0.0]),
        Task::Regression,
        vec![0.0],
        "poisson_deviance is not defined here: the prediction of row 1 must be above zero; use rmse",
    );
    undefined(
        "r2",
        &Target::Numbers(&[0.0]),
        Task::Regression,
        vec![0.0],
        "r2 is not defined here: one row has no variance; use rmse, or more rows",
    );
    undefined(
        "mae",
        &numbers,
        Task::Regression,
        vec![0.0, f64::NAN],
        "the prediction of row 2 is NaN: a metric needs finite predictions",
    );
}

#[test]
fn a_metric_of_another_task_is_refused_with_those_that_suit() {
    let answers = Predictions::from_values(Task::Regression, vec![1.0]);
    let error = RocAuc
        .score(&Target::Numbers(&[1.0]), &answers, None)
        .expect_err("a regression has no curve");
    assert_eq!(
        error.to_string(),
        "metric auc cannot judge regression answers: choose one of rmse, mae, medae, r2, mape, rmsle, pinball, \
         poisson_deviance"
    );
}

#[test]
fn names_and_aliases_are_distinct_and_found() {
    let mut names: Vec<&str> = Vec::new();
    for metric in METRICS {
        for name in [metric.name()].iter().chain(metric.card().aliases) {
            assert!(!names.contains(name), "{name} is taken");
            names.push(name);
            assert_eq!(
                find_metric(&name.to_uppercase()).map(Metric::name),
                Ok(metric.name())
            );
        }
    }
    assert_eq!(
        find_metric("rmes").expect_err("no such metric").to_string(),
        "there is no metric 'rmes': did you mean rmse?"
    );
    for kind in [TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression] {
        assert!(default_metric(kind).suits(kind));
    }
}
