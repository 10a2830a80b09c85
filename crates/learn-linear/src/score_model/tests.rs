//! Huber's, quantile and generalised linear regression beside scikit-learn.

use kolosal_frame::Column;
use kolosal_learner::{Point, Value, check_point};

use super::ScoreModel;
use crate::testing::{Setting, Table, distance};
use crate::{Glm, Huber, Quantile};
use kolosal_learner::{Learn, ParamSet};

fn numbers(line: &str) -> Vec<f64> {
    line.split(' ')
        .skip(1)
        .map(|word| word.parse().unwrap())
        .collect()
}

/// Fits with the settings of a reference and a tolerance next to rounding.
fn fitted<L: Learn<Model = ScoreModel>>(settings: &[(&str, &str)], table: &Table, tol: f64) -> ScoreModel {
    let value = |(name, text): &(&str, &str)| {
        let def = L::Params::DEFS.iter().find(|def| def.name == *name).unwrap();
        ((*name).to_owned(), def.legal.parse(text).unwrap())
    };
    let mut point: Point = settings.iter().map(value).collect();
    point.insert("tol".to_owned(), Value::Float(tol));
    point.insert("max_iter".to_owned(), Value::Int(10_000));
    let params = check_point::<L::Params>(&point).unwrap();
    Setting::threads(1).fit::<L>((*params).clone(), table).unwrap()
}

#[test]
fn coefficients_equal_scikit_learns() {
    let (mut rows, mut fits) = (Vec::<Vec<f64>>::new(), 0);
    let mut lines = include_str!("../golden/scores.txt").lines();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "table" => rows.clear(),
            "row" => rows.push(numbers(line)),
            "fit" => {
                let mut expected = numbers(lines.next().unwrap());
                expected.extend(numbers(lines.next().unwrap()));
                check_reference(&words, &rows, &expected);
                fits += 1;
            }
            _ => assert_eq!(words[0], "#"),
        }
    }
    assert_eq!(fits, 16);
}

fn check_reference(words: &[&str], rows: &[Vec<f64>], expected: &[f64]) {
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
    let columns = (2..rows[0].len()).map(|at| Column::numbers(column(at))).collect();
    let mut table = Table::regression(columns, &column(0));
    if words[2] == "weighted" {
        table = table.weighted(&column(1));
    }
    let settings: Vec<(&str, &str)> = words[3..]
        .iter()
        .filter_map(|word| word.split_once('='))
        .collect();
    let (model, tolerance) = match words[1] {
        "huber" => (fitted::<Huber>(&settings, &table, 1e-10), 1e-4),
        "quantile" => (fitted::<Quantile>(&settings, &table, 1e-6), 1e-4),
        _ => (fitted::<Glm>(&settings, &table, 1e-10), 1e-7),
    };
    let mut found = model.coefficients().to_vec();
    found.push(model.intercept());
    let off = distance(&found, expected);
    assert!(
        off < tolerance,
        "{words:?} is off by {off}: {found:?} and not {expected:?}"
    );
}
