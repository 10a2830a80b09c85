//! Logistic regression by hand, its optimality conditions, and its solvers against each other.

use kolosal_frame::Column;
use kolosal_learner::Task;

use super::{LogisticModel, LogisticParams, LogisticRegression, Penalty};
use crate::testing::{Table, distance, fit, mixed, noise};

fn tight(c: f64, penalty: Penalty) -> LogisticParams {
    LogisticParams {
        c,
        penalty,
        tol: 1e-10,
        max_iter: 100_000,
        ..LogisticParams::default()
    }
}

#[test]
fn log_odds_of_levels_by_hand() {
    // Without a penalty each level's probability is its share: 1 of 4 and 3 of 4.
    let levels = ["a", "a", "a", "a", "b", "b", "b", "b"];
    let table = Table::classes(vec![Column::categories(&levels)], &[1, 0, 0, 0, 1, 1, 1, 0], 2);
    let model = fit::<LogisticRegression>(tight(1.0, Penalty::None), &table);
    let answers = table.answers(&model);
    assert!(
        (answers[1] - 0.25).abs() < 1e-9 && (answers[9] - 0.75).abs() < 1e-9,
        "{answers:?}"
    );
    let w = model.coefficients(0);
    assert!((w[1] - w[0] - 2.0 * 3.0_f64.ln()).abs() < 1e-8, "{w:?}");
}

#[test]
fn without_columns_that_tell_the_answer_is_the_share() {
    let classes = [0, 0, 1, 2, 2, 2, 2, 2, 1, 0];
    let table = Table::classes(vec![Column::numbers(vec![7.0; 10])], &classes, 3);
    let answers = table.answers(&fit::<LogisticRegression>(tight(1.0, Penalty::L2), &table));
    assert!(
        distance(&answers[..3], &[0.3, 0.2, 0.5]) < 1e-9,
        "{:?}",
        &answers[..3]
    );
}

/// Columns as numbers, one a coefficient.
fn columns_of(table: &Table) -> Vec<Vec<f64>> {
    let view = table.frame.view();
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for at in 0..view.column_count() {
        if let Column::Categories(categories) = view.column(at) {
            let codes = view.codes(at);
            for level in 0..categories.levels().len() as u32 {
                columns.push(codes.iter().map(|code| f64::from(*code == level)).collect());
            }
        } else {
            columns.push(view.numbers(at));
        }
    }
    columns
}

/// The largest entry of the smallest subgradient of the mean loss plus penalty, columns at unit deviation.
fn violation(table: &Table, model: &LogisticModel, params: &LogisticParams) -> f64 {
    let (rows, width) = (table.classes.len(), table.task.width());
    let answers = table.answers(model);
    let (absolute, squared) = params.shares();
    let strength = 1.0 / (params.c * rows as f64);
    let mut worst = 0.0_f64;
    for output in 0..model.output_count() {
        let class = if model.output_count() == 1 { 1 } else { output };
        let residual: Vec<f64> = (0..rows)
            .map(|i| {
                (answers[i * width + class] - f64::from(table.classes[i] as usize == class)) / rows as f64
            })
            .collect();
        worst = worst.max(residual.iter().sum::<f64>().abs());
        for (column, w) in columns_of(table).iter().zip(model.coefficients(output)) {
            let mean = column.iter().sum::<f64>() / rows as f64;
            let spread = (column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / rows as f64).sqrt();
            let pull: f64 =
                column.iter().zip(&residual).map(|(x, r)| x * r).sum::<f64>() + squared * strength * w;
            let limit = absolute * strength;
            let off = if w == 0.0 {
                (pull.abs() - limit).max(0.0)
            } else {
                (pull + limit * w.signum()).abs()
            };
            worst = worst.max(off / spread.max(1e-9));
        }
    }
    worst
}

#[test]
fn fits_meet_the_optimality_conditions() {
    for task in [Task::Binary, Task::Multiclass { classes: 3 }] {
        for (penalty, c) in [
            (Penalty::L2, 0.01),
            (Penalty::L2, 10.0),
            (Penalty::L1, 0.05),
            (Penalty::L1, 1.0),
            (Penalty::ElasticNet, 0.3),
        ] {
            let table = mixed(task, 300, 3);
            let params = tight(c, penalty);
            let model = fit::<LogisticRegression>(params.clone(), &table);
            let off = violation(&table, &model, &params);
            assert!(off < 1e-8, "{task:?} {penalty:?} {c}: {off}");
        }
    }
}

#[test]
fn wide_tables_go_through_the_other_solvers() {
    // More columns than a matrix is kept for: L-BFGS on the diagonal, and proximal gradients.
    let (rows, width) = (60, 1_600);
    let columns: Vec<Vec<f64>> = (0..width).map(|j| noise(rows, j as u64)).collect();
    let classes: Vec<u32> = (0..rows)
        .map(|i| u32::from(columns[0][i] + 0.3 * columns[1][i] > 0.0))
        .collect();
    let table = Table::classes(
        columns.iter().map(|c| Column::numbers(c.clone())).collect(),
        &classes,
        2,
    );
    for penalty in [Penalty::L2, Penalty::L1] {
        let params = LogisticParams {
            tol: 1e-7,
            ..tight(0.5, penalty)
        };
        let model = fit::<LogisticRegression>(params.clone(), &table);
        assert!(violation(&table, &model, &params) < 2e-7);
    }
}

#[test]
fn two_classes_as_many_are_the_same_model() {
    // A third class without rows: its probability vanishes and the others behave as two with half the penalty.
    let table = mixed(Task::Binary, 200, 8);
    let binary = fit::<LogisticRegression>(tight(1.0, Penalty::None), &table);
    let three = Table::classes(table.frame.columns().to_vec(), &table.classes, 3);
    let model = fit::<LogisticRegression>(
        LogisticParams {
            tol: 1e-7,
            ..tight(1.0, Penalty::None)
        },
        &three,
    );
    let pairs = three
        .answers(&model)
        .chunks(3)
        .flat_map(|line| [line[0], line[1]])
        .collect::<Vec<f64>>();
    assert!(distance(&pairs, &table.answers(&binary)) < 1e-3);
}

#[test]
fn separated_classes_without_a_penalty_are_called_right() {
    let x: Vec<f64> = (0..30).map(f64::from).collect();
    let classes: Vec<u32> = (0..30).map(|i| u32::from(i >= 15)).collect();
    let table = Table::classes(vec![Column::numbers(x)], &classes, 2);
    let model = fit::<LogisticRegression>(
        LogisticParams {
            penalty: Penalty::None,
            ..LogisticParams::default()
        },
        &table,
    );
    let answers = table.answers(&model);
    assert!((0..30).all(|i| (answers[2 * i + 1] > 0.5) == (classes[i] == 1)));
}

#[test]
fn newton_takes_a_handful_of_steps() {
    let model = fit::<LogisticRegression>(LogisticParams::default(), &mixed(Task::Binary, 2_000, 4));
    assert!(model.iterations() <= 8, "{}", model.iterations());
}
