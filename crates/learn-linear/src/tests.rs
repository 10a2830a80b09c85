//! What every learner of this crate must hold: reference numbers, threads, artifacts, weights, order, odd tables.

use kolosal_compute::Ledger;
use kolosal_frame::Column;
use kolosal_learner::{
    Decoder, FitError, FittedModel, Learn, Learner, Point, Task, TaskKind, Value, check_point,
};

use crate::testing::{Setting, Table, bytes, distance, mixed, noise};
use crate::{ElasticNet, Lasso, LogisticRegression, Ridge};

const LEARNERS: [&dyn Learner; 4] = [&Ridge, &Lasso, &ElasticNet, &LogisticRegression];

/// Every learner with every task on its card, and points that lead through different solvers.
fn cases() -> Vec<(&'static dyn Learner, Task, Point)> {
    let point = |pairs: &[(&str, Value)]| {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.clone()))
            .collect::<Point>()
    };
    let choice = |word: &str| Value::Choice(word.to_owned());
    let mut cases: Vec<(&'static dyn Learner, Task, Point)> = Vec::new();
    for learner in LEARNERS {
        for kind in learner.card().tasks {
            let task = match kind {
                TaskKind::Regression => Task::Regression,
                TaskKind::Binary => Task::Binary,
                TaskKind::Multiclass => Task::Multiclass { classes: 3 },
                kind => panic!("no linear model does {}", kind.name()),
            };
            cases.push((learner, task, Point::new()));
            if *kind == TaskKind::Regression {
                cases.push((
                    learner,
                    task,
                    point(&[("select", choice("fixed")), ("alpha", Value::Float(0.1))]),
                ));
            } else {
                cases.push((learner, task, point(&[("penalty", choice("l1"))])));
                cases.push((learner, task, point(&[("penalty", choice("none"))])));
                cases.push((learner, task, point(&[("class_weight", choice("balanced"))])));
            }
        }
    }
    cases
}

fn fit(
    learner: &dyn Learner,
    point: &Point,
    table: &Table,
    setting: &Setting,
) -> Result<Box<dyn FittedModel>, FitError> {
    /// The erased fit, through the context that a setting makes for a typed one.
    fn typed<L: Learn>(
        point: &Point,
        table: &Table,
        setting: &Setting,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let params = check_point::<L::Params>(point)?;
        Ok(Box::new(setting.fit::<L>((*params).clone(), table)?))
    }
    match learner.card().name {
        "ridge" => typed::<Ridge>(point, table, setting),
        "lasso" => typed::<Lasso>(point, table, setting),
        "elastic_net" => typed::<ElasticNet>(point, table, setting),
        _ => typed::<LogisticRegression>(point, table, setting),
    }
}

fn fitted(learner: &dyn Learner, point: &Point, table: &Table) -> Box<dyn FittedModel> {
    fit(learner, point, table, &Setting::threads(1)).unwrap()
}

#[test]
fn coefficients_equal_scikit_learns() {
    let (mut rows, mut fits) = (Vec::<Vec<f64>>::new(), 0);
    let mut lines = include_str!("golden/reference.txt").lines().peekable();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split(' ').collect();
        let numbers = |line: &str| -> Vec<f64> {
            line.split(' ')
                .skip(1)
                .map(|word| word.parse().unwrap())
                .collect()
        };
        match words[0] {
            "table" => rows.clear(),
            "row" => rows.push(numbers(line)),
            "fit" => {
                let coefficients = numbers(lines.next().unwrap());
                let intercepts = numbers(lines.next().unwrap());
                check_reference(&words, &rows, (&coefficients, &intercepts));
                fits += 1;
            }
            _ => assert_eq!(words[0], "#"),
        }
    }
    assert_eq!(fits, 22);
}

fn check_reference(words: &[&str], rows: &[Vec<f64>], (coefficients, intercepts): (&[f64], &[f64])) {
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
    let columns = (2..rows[0].len()).map(|at| Column::numbers(column(at))).collect();
    let classes: Vec<u32> = column(0).iter().map(|y| *y as u32).collect();
    let learner = LEARNERS
        .iter()
        .find(|learner| learner.card().name == words[1])
        .unwrap();
    let regression = learner.card().tasks == [TaskKind::Regression];
    let mut table = if regression {
        Table::regression(columns, &column(0))
    } else {
        Table::classes(columns, &classes, classes.iter().max().unwrap() + 1)
    };
    if words[2] == "weighted" {
        table = table.weighted(&column(1));
    }
    let mut point = Point::from([("tol".to_owned(), Value::Float(1e-12))]);
    point.insert("max_iter".to_owned(), Value::Int(1_000_000));
    if regression {
        point.insert("select".to_owned(), Value::Choice("fixed".to_owned()));
    }
    for pair in &words[3..] {
        let (name, value) = pair.split_once('=').unwrap();
        let def = learner.params().iter().find(|def| def.name == name).unwrap();
        point.insert(name.to_owned(), def.legal.parse(value).unwrap());
    }
    let model = bytes(&*fitted(*learner, &point, &table));
    let (found, offsets) = parameters(&model, regression, rows[0].len() - 2);
    let mean = |v: &[f64]| {
        if v.len() > 1 {
            v.iter().sum::<f64>() / v.len() as f64
        } else {
            0.0
        }
    };
    let centred = |v: &[f64]| v.iter().map(|b| b - mean(v)).collect::<Vec<f64>>();
    assert!(
        distance(&found, coefficients) < 1e-6,
        "{words:?}: {found:?} and not {coefficients:?}"
    );
    assert!(
        distance(&centred(&offsets), &centred(intercepts)) < 1e-6,
        "{words:?}: {offsets:?} and not {intercepts:?}"
    );
}

/// Coefficients, output after output, and intercepts, as an artifact holds them.
fn parameters(model: &[u8], regression: bool, width: usize) -> (Vec<f64>, Vec<f64>) {
    let mut from = Decoder::new(model);
    if regression {
        from.f64().unwrap();
    } else {
        from.bool().unwrap();
    }
    from.u32s().unwrap();
    let (intercepts, by_slot) = (from.f64s().unwrap(), from.f64s().unwrap());
    let outputs = intercepts.len();
    let by_output = (0..outputs).flat_map(|o| (0..width).map(move |slot| slot * outputs + o));
    (by_output.map(|at| by_slot[at]).collect(), intercepts)
}

#[test]
fn threads_do_not_change_a_bit() {
    for (learner, task, point) in cases() {
        let table = mixed(task, 9_000, 3);
        let one = bytes(&*fit(learner, &point, &table, &Setting::threads(1)).unwrap());
        for threads in [2, 8] {
            let more = bytes(&*fit(learner, &point, &table, &Setting::threads(threads)).unwrap());
            assert!(
                one == more,
                "{} {point:?} at {threads} threads",
                learner.card().name
            );
        }
    }
}

#[test]
fn what_is_saved_is_loaded_and_damage_is_an_error() {
    for (learner, task, point) in cases() {
        let table = mixed(task, 60, 4);
        let model = fitted(learner, &point, &table);
        let saved = bytes(&*model);
        let loaded = learner.load(&mut Decoder::new(&saved)).unwrap();
        assert_eq!(bytes(&*loaded), saved);
        assert_eq!(table.answers(&*loaded), table.answers(&*model));
        assert_eq!(
            (loaded.shape(), loaded.importances()),
            (model.shape(), model.importances())
        );
        for length in 0..saved.len() {
            assert!(
                learner.load(&mut Decoder::new(&saved[..length])).is_err(),
                "cut at {length}"
            );
        }
        for bit in 0..saved.len() * 8 {
            let mut damaged = saved.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Some flips only change a coefficient; whatever loads must answer.
            if let Ok(model) = learner.load(&mut Decoder::new(&damaged))
                && model.feature_count() == table.frame.column_count()
                && model.shape().1 == task.width()
            {
                table.answers(&*model);
            }
        }
    }
}

/// Largest difference of the answers to a table.
fn apart(table: &Table, a: &dyn FittedModel, b: &dyn FittedModel) -> f64 {
    distance(&table.answers(a), &table.answers(b))
}

#[test]
fn a_weight_of_two_is_a_row_twice_and_a_weight_of_zero_no_row() {
    for (learner, task, mut point) in cases() {
        point.insert("tol".to_owned(), Value::Float(1e-12));
        let table = mixed(task, 120, 5);
        let weights: Vec<f64> = (0..120).map(|i| f64::from(i * 7 % 3)).collect();
        let twice: Vec<u32> = (0..120_u32)
            .flat_map(|i| (0..i * 7 % 3).map(move |_| i))
            .collect();
        let repeated = fitted(learner, &point, &table.pick(&twice));
        let table = table.weighted(&weights);
        let weighted = fitted(learner, &point, &table);
        let gap = apart(&table, &*repeated, &*weighted);
        assert!(gap < 1e-5, "{} {point:?}: {gap}", learner.card().name);
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for (learner, task, mut point) in cases() {
        point.insert("tol".to_owned(), Value::Float(1e-12));
        let table = mixed(task, 120, 6);
        let backwards: Vec<u32> = (0..120).rev().collect();
        let reversed = fitted(learner, &point, &table.pick(&backwards));
        let gap = apart(&table, &*reversed, &*fitted(learner, &point, &table));
        assert!(gap < 1e-5, "{} {point:?}: {gap}", learner.card().name);
    }
}

#[test]
fn sparse_columns_are_the_same_numbers() {
    for (learner, task, mut point) in cases() {
        point.insert("tol".to_owned(), Value::Float(1e-12));
        let base = mixed(task, 150, 7);
        let values: Vec<f64> = noise(150, 8)
            .iter()
            .map(|v| if *v > 0.8 { v * 3.0 } else { 0.0 })
            .collect();
        let stored: Vec<u32> = (0..150).filter(|&row| values[row as usize] != 0.0).collect();
        let kept = stored.iter().map(|&row| values[row as usize]).collect();
        let sparse = Column::Sparse(std::sync::Arc::new(kolosal_frame::SparseNumbers::new(
            150, stored, kept,
        )));
        let table = |extra: Column| {
            let columns = [base.frame.columns(), &[extra]].concat();
            match task {
                Task::Regression => Table::regression(columns, &base.numbers),
                task => Table::classes(columns, &base.classes, task.width() as u32),
            }
        };
        let (dense, sparse) = (table(Column::numbers(values)), table(sparse));
        let (from_dense, from_sparse) = (fitted(learner, &point, &dense), fitted(learner, &point, &sparse));
        let gap = distance(&sparse.answers(&*from_sparse), &dense.answers(&*from_dense));
        assert!(gap < 1e-5, "{} {point:?}: {gap}", learner.card().name);
    }
}

/// Tables that break naive solvers.
fn odd_tables(task: Task) -> Vec<(&'static str, Table)> {
    let of = |columns: Vec<Column>, rows: usize| match task {
        Task::Regression => Table::regression(columns, &(0..rows).map(|i| i as f64).collect::<Vec<_>>()),
        task => {
            let classes: Vec<u32> = (0..rows).map(|i| (i * task.width() / rows) as u32).collect();
            Table::classes(columns, &classes, task.width() as u32)
        }
    };
    let ramp = |rows: usize, factor: f64| Column::numbers((0..rows).map(|i| i as f64 * factor).collect());
    let wide = (0..40).map(|j| Column::numbers(noise(8, j))).collect();
    vec![
        ("one row", of(vec![ramp(1, 1.0), Column::categories(&["a"])], 1)),
        (
            "constant columns",
            of(
                vec![Column::numbers(vec![3.7; 9]), Column::categories(&["a"; 9])],
                9,
            ),
        ),
        (
            "constant but for rounding",
            of(
                vec![Column::numbers(
                    (0..9).map(|i| 1e9 + f64::from(i) * 1e-7).collect(),
                )],
                9,
            ),
        ),
        (
            "collinear and separable",
            of(vec![ramp(12, 1.0), ramp(12, 2.0), ramp(12, -0.5)], 12),
        ),
        ("more columns than rows", of(wide, 8)),
        (
            "all categories missing",
            of(vec![Column::categories(&[""; 6]), ramp(6, 1.0)], 6),
        ),
        (
            "no columns that vary in weight",
            of(vec![ramp(4, 1.0)], 4).weighted(&[0.0, 1.0, 0.0, 0.0]),
        ),
        ("huge numbers", of(vec![ramp(10, 1e155), ramp(10, 1e-160)], 10)),
        (
            "tiny weights",
            of(vec![ramp(10, 1.0)], 10).weighted(&[1e-200; 10]),
        ),
    ]
}

#[test]
fn odd_tables_have_finite_answers() {
    for (learner, task, point) in cases() {
        for (name, table) in odd_tables(task) {
            let model = fitted(learner, &point, &table);
            for answer in table.answers(&*model) {
                assert!(
                    answer.is_finite(),
                    "{} {point:?} on {name}: {answer}",
                    learner.card().name
                );
            }
            let shares = model.importances().unwrap();
            let total: f64 = shares.iter().sum();
            assert!(total == 0.0 || (total - 1.0).abs() < 1e-9, "{name}: {shares:?}");
        }
    }
}

#[test]
fn a_constant_target_is_answered() {
    for learner in [&Ridge as &dyn Learner, &Lasso, &ElasticNet] {
        let table = Table::regression(vec![Column::numbers(noise(20, 1))], &[4.5; 20]);
        let model = fitted(learner, &Point::new(), &table);
        assert!(
            table
                .answers(&*model)
                .iter()
                .all(|answer| (answer - 4.5).abs() < 1e-12)
        );
    }
    let table = Table::classes(vec![Column::numbers(noise(20, 1))], &[1; 20], 2);
    let model = fitted(&LogisticRegression, &Point::new(), &table);
    assert!(
        table
            .answers(&*model)
            .chunks(2)
            .all(|pair| pair[1] > 0.99 && (pair[0] + pair[1] - 1.0).abs() < 1e-15)
    );
}

#[test]
fn probabilities_sum_to_one_and_unknown_levels_are_answered() {
    for task in [Task::Binary, Task::Multiclass { classes: 4 }] {
        let table = mixed(task, 700, 9);
        let model = fitted(&LogisticRegression, &Point::new(), &table);
        for line in table.answers(&*model).chunks(task.width()) {
            assert!(
                (line.iter().sum::<f64>() - 1.0).abs() < 1e-12
                    && line.iter().all(|p| (0.0..=1.0).contains(p))
            );
        }
    }
}

#[test]
fn a_fit_stops_when_asked_and_when_memory_is_short() {
    for (learner, task, point) in cases() {
        let table = mixed(task, 50, 10);
        let mut setting = Setting::threads(1);
        setting.memory = Ledger::new(500);
        assert!(matches!(
            fit(learner, &point, &table, &setting),
            Err(FitError::Memory(_))
        ));
        assert_eq!(setting.memory.used(), 0);
        let setting = Setting::threads(1);
        setting.cancel.request();
        assert!(matches!(
            fit(learner, &point, &table, &setting),
            Err(FitError::Cancelled)
        ));
    }
}

#[test]
fn a_fit_that_does_not_converge_says_what_to_do() {
    let point = |solver: &str| {
        Point::from([
            ("max_iter".to_owned(), Value::Int(1)),
            ("tol".to_owned(), Value::Float(1e-13)),
            ("penalty".to_owned(), Value::Choice(solver.to_owned())),
        ])
    };
    for (task, penalty) in [
        (Task::Binary, "l2"),
        (Task::Multiclass { classes: 3 }, "l2"),
        (Task::Multiclass { classes: 3 }, "l1"),
    ] {
        let setting = Setting::threads(1);
        fit(
            &LogisticRegression,
            &point(penalty),
            &mixed(task, 80, 11),
            &setting,
        )
        .unwrap();
        let warnings = setting.warnings.0.lock().unwrap();
        assert!(warnings[0].contains("raise max_iter or tol"), "{warnings:?}");
    }
}
