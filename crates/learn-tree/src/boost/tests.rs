//! What the engine promises, on small tables.

use kolosal_base::{Cancel, ManualClock, Seed};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learner::{
    FitContext, FitError, FittedModel, Learner, Point, Silent, Target, Task, TrainView, Value,
};

use super::config::{EncodeRule, Growth, Precision};
use super::fit::{BoostInput, train};
use super::objective::{Labels, LambdaRank, Quantile, Squared};
use super::refit::{RefitRule, refit};
use super::{BoostConfig, BoostModel, CatBoost, LightGbm, XgBoost, lightgbm};

/// A context of `threads` threads, with everything it borrows.
struct Room {
    workers: Workers,
    memory: Ledger,
    clock: ManualClock,
    cancel: Cancel,
}

impl Room {
    fn new(threads: usize) -> Self {
        Self {
            workers: Workers::new(threads),
            memory: Ledger::unlimited(),
            clock: ManualClock::default(),
            cancel: Cancel::new(),
        }
    }

    fn cx(&self) -> FitContext<'_> {
        FitContext {
            seed: Seed::new(7),
            workers: &self.workers,
            memory: &self.memory,
            clock: &self.clock,
            deadline: None,
            cancel: &self.cancel,
            progress: &Silent,
            valid: None,
        }
    }
}

fn noise(i: u32) -> f64 {
    Seed::new(u64::from(i)).rng().uniform() - 0.5
}

/// Three numbers, one with missing values, and a category of 12 levels; the answer depends on all of them.
fn table(rows: u32) -> (Frame, Vec<f64>) {
    let a: Vec<f64> = (0..rows).map(|i| noise(i) * 4.0).collect();
    let b: Vec<f64> = (0..rows)
        .map(|i| if i % 7 == 0 { f64::NAN } else { noise(i + 77_777) })
        .collect();
    let c: Vec<f64> = (0..rows).map(|i| f64::from(i % 5)).collect();
    let level = |i: u32| (i * 31 + i / 9) % 12;
    let words: Vec<String> = (0..rows).map(|i| format!("w{:02}", level(i))).collect();
    let y = (0..rows)
        .map(|i| {
            let at = i as usize;
            let gap = if b[at].is_nan() { 1.5 } else { 2.0 * b[at] };
            a[at] + gap + c[at] * a[at].signum() + f64::from(level(i) * 7 % 12) / 4.0 + 0.3 * noise(i + 999)
        })
        .collect();
    let field = |name, kind| Field::new(name, kind, "test");
    let frame = Frame::new(vec![
        (field("a", Kind::Numeric), Column::numbers(a)),
        (field("b", Kind::Numeric), Column::numbers(b)),
        (field("c", Kind::Numeric), Column::numbers(c)),
        (field("w", Kind::Categorical), Column::categories(&words)),
    ]);
    (frame.expect("distinct names, equal lengths"), y)
}

fn point(settings: &[(&str, Value)]) -> Point {
    settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn word(text: &str) -> Value {
    Value::Choice(text.to_owned())
}

fn regression<'a>(frame: &'a Frame, y: &'a [f64]) -> TrainView<'a> {
    TrainView::new(frame.view(), Target::Numbers(y), None, Task::Regression).expect("fit rows")
}

fn fit(learner: &dyn Learner, settings: &[(&str, Value)], frame: &Frame, y: &[f64]) -> Vec<f64> {
    let room = Room::new(2);
    let model = learner
        .fit(&point(settings), &regression(frame, y), &room.cx())
        .expect("a fit");
    let mut answers = vec![0.0; y.len()];
    model.predict_into(frame.view(), &mut answers);
    answers
}

fn rmse(answers: &[f64], y: &[f64]) -> f64 {
    let squares: f64 = answers.iter().zip(y).map(|(a, y)| (a - y) * (a - y)).sum();
    (squares / y.len() as f64).sqrt()
}

/// A configuration of the engine: LightGBM's defaults with changes.
pub(super) fn config(change: impl Fn(&mut BoostConfig)) -> BoostConfig {
    let mut config = lightgbm::defaults();
    config.rounds = 40;
    change(&mut config);
    config
}

/// Settings as `name=value` pairs.
fn settings_of(learner: &dyn Learner, text: &str) -> Vec<(&'static str, Value)> {
    let read = |pair: &str| {
        let (name, value) = pair.split_once('=').expect("name=value");
        let def = learner
            .params()
            .iter()
            .find(|def| def.name == name)
            .expect("a parameter");
        (def.name, def.legal.parse(value).expect("a value"))
    };
    text.split_whitespace().map(read).collect()
}

const VARIANTS: &[(&dyn Learner, &str)] = &[
    (&LightGbm, ""),
    (&LightGbm, "use_quantized_grad=false"),
    (&LightGbm, "boosting=dart"),
    (&LightGbm, "linear_tree=true linear_lambda=0.1"),
    (&LightGbm, "extra_trees=true"),
    (&LightGbm, "data_sample_strategy=goss"),
    (&LightGbm, "bagging_fraction=0.6 bagging_freq=1"),
    (&LightGbm, "feature_fraction=0.5 path_smooth=1.0"),
    (&LightGbm, "max_bin=1000 lambda_l1=0.5"),
    (&LightGbm, "objective=huber alpha=2.0"),
    (&LightGbm, "objective=regression_l1"),
    (&XgBoost, ""),
    (&XgBoost, "grow_policy=lossguide max_leaves=16"),
    (&XgBoost, "subsample=0.5 sampling_method=gradient_based"),
    (&XgBoost, "booster=dart rate_drop=0.1"),
    (&CatBoost, "learning_rate=0.1"),
    (&CatBoost, "bootstrap_type=Bayesian learning_rate=0.1"),
    (&CatBoost, "loss_function=MAE learning_rate=0.1"),
    (&CatBoost, "grow_policy=Lossguide learning_rate=0.1"),
];

#[test]
fn every_variant_learns_and_its_bytes_do_not_depend_on_threads() {
    let (frame, y) = table(3000);
    let spread = rmse(&vec![y.iter().sum::<f64>() / y.len() as f64; y.len()], &y);
    for (learner, text) in VARIANTS {
        let mut settings = settings_of(*learner, text);
        let rounds = if learner.card().name == "catboost" {
            "iterations"
        } else {
            "n_estimators"
        };
        settings.push((rounds, Value::Int(60)));
        let bytes = [1, 2, 8].map(|threads| {
            let room = Room::new(threads);
            let model = learner
                .fit(&point(&settings), &regression(&frame, &y), &room.cx())
                .expect("a fit");
            assert_eq!(room.memory.used(), 0);
            let mut to = kolosal_learner::Encoder::new();
            model.save(&mut to);
            to.into_bytes()
        });
        assert!(bytes[0] == bytes[1] && bytes[0] == bytes[2], "{settings:?}");
        let answers = fit(*learner, &settings, &frame, &y);
        let share = rmse(&answers, &y) / spread;
        assert!(share < 0.45, "{} {settings:?}: {share}", learner.card().name);
    }
}

#[test]
fn quantised_gradients_fit_as_well_as_exact_ones() {
    let (frame, y) = table(4000);
    let (other, truth) = table(8000);
    let held_out: Vec<u32> = (4000..8000).collect();
    let losses = [true, false].map(|quantised| {
        let room = Room::new(2);
        let settings = point(&[("use_quantized_grad", Value::Bool(quantised))]);
        let model = LightGbm
            .fit(&settings, &regression(&frame, &y), &room.cx())
            .expect("a fit");
        let mut answers = vec![0.0; held_out.len()];
        model.predict_into(other.select(&held_out), &mut answers);
        rmse(&answers, &truth[4000..])
    });
    assert!((losses[0] / losses[1] - 1.0).abs() < 0.03, "{losses:?}");
}

#[test]
fn monotone_answers_follow_their_direction() {
    let (frame, y) = table(2000);
    let grid: Vec<f64> = (0..200).map(|i| f64::from(i) / 50.0 - 2.0).collect();
    for method in ["basic", "intermediate"] {
        for direction in ["1", "-1"] {
            let settings = [
                ("monotone_constraints", word(&format!("a:{direction}"))),
                ("monotone_constraints_method", word(method)),
                ("num_leaves", Value::Int(63)),
                ("min_data_in_leaf", Value::Int(3)),
            ];
            let room = Room::new(1);
            let model = LightGbm
                .fit(&point(&settings), &regression(&frame, &y), &room.cx())
                .expect("a fit");
            for row in [3_u32, 14, 500, 1234] {
                let rows = vec![row; grid.len()];
                let moved = frame.select(&rows).to_frame();
                let mut columns = moved.columns().to_vec();
                columns[0] = Column::numbers(grid.clone());
                let moved = Frame::with_schema(frame.schema(), columns);
                let mut answers = vec![0.0; grid.len()];
                model.predict_into(moved.view(), &mut answers);
                let sign: f64 = direction.parse().expect("a number");
                assert!(
                    answers.windows(2).all(|pair| (pair[1] - pair[0]) * sign >= 0.0),
                    "{method} {direction}"
                );
            }
        }
    }
}

#[test]
fn columns_that_may_not_meet_never_share_a_path() {
    let (frame, y) = table(2000);
    let room = Room::new(1);
    let config = config(|config| config.interactions = vec![vec![0, 3], vec![1, 2]]);
    let train_rows = regression(&frame, &y);
    let input = BoostInput {
        features: frame.view(),
        labels: Labels::of(&train_rows),
        held_out: None,
        init: None,
    };
    let model = train(&config, &Squared, &input, &room.cx()).expect("a fit");
    for tree in &model.trees {
        let mut stack = vec![(0_u32, Vec::new())];
        while let Some((node, path)) = stack.pop() {
            if let Some((column, left)) = tree.tree.split_of(node) {
                let mut path: Vec<usize> = path;
                path.push(column);
                let in_first = path.iter().all(|column| [0, 3].contains(column));
                let in_second = path.iter().all(|column| [1, 2].contains(column));
                assert!(in_first || in_second, "{path:?}");
                stack.extend([(left, path.clone()), (left + 1, path)]);
            }
        }
    }
}

fn input<'a>(frame: &'a Frame, labels: Labels<'a>, init: Option<&'a BoostModel>) -> BoostInput<'a> {
    BoostInput {
        features: frame.view(),
        labels,
        held_out: None,
        init,
    }
}

#[test]
fn boosting_goes_on_from_a_model() {
    let (frame, y) = table(1500);
    let rows = regression(&frame, &y);
    let room = Room::new(1);
    let half = config(|config| config.rounds = 20);
    let first = train(
        &half,
        &Squared,
        &input(&frame, Labels::of(&rows), None),
        &room.cx(),
    )
    .expect("a fit");
    let second = train(
        &half,
        &Squared,
        &input(&frame, Labels::of(&rows), Some(&first)),
        &room.cx(),
    )
    .expect("a fit");
    assert_eq!((first.tree_count(), second.tree_count()), (20, 40));
    let score = |model: &BoostModel| {
        let mut answers = vec![0.0; y.len()];
        model.predict_into(frame.view(), &mut answers);
        rmse(&answers, &y)
    };
    assert!(
        score(&second) < 0.8 * score(&first),
        "{} {}",
        score(&first),
        score(&second)
    );
}

#[test]
fn categories_of_many_levels_are_encoded_whatever_the_growth() {
    let level = |i: u32| (noise(i + 5) * 300.0) as i32;
    let words: Vec<String> = (0..3000).map(|i| level(i).to_string()).collect();
    let y: Vec<f64> = (0..3000_u32)
        .map(|i| 4.0 * noise(1000 + level(i).unsigned_abs()) + 0.2 * noise(i))
        .collect();
    let x: Vec<f64> = (0..3000).map(noise).collect();
    let field = |name, kind| Field::new(name, kind, "test");
    let frame = Frame::new(vec![
        (field("w", Kind::Categorical), Column::categories(&words)),
        (field("x", Kind::Numeric), Column::numbers(x)),
    ])
    .expect("distinct names, equal lengths");
    let labels = Labels::of(&regression(&frame, &y));
    for growth in [Growth::Oblivious, Growth::DepthWise, Growth::LeafWise] {
        let config = config(|config| {
            config.growth = growth;
            config.depth_max = 5;
            config.encode = Some(EncodeRule {
                one_hot_max: 2,
                complexity_max: 4,
                permutations: 4,
            });
        });
        let fit = |threads| {
            train(
                &config,
                &Squared,
                &input(&frame, labels, None),
                &Room::new(threads).cx(),
            )
        };
        let model = fit(1).expect("a fit");
        assert_eq!(model, fit(3).expect("a fit"));
        let tests = |tree: &super::model::BoostTree| {
            let nodes = 0..tree.tree.node_count() as u32;
            nodes
                .filter_map(|node| tree.tree.split_of(node))
                .any(|(column, _)| column == 0)
        };
        assert!(model.encodings.count() > 0 && !model.trees.iter().any(tests));
        let mut answers = vec![0.0; y.len()];
        model.predict_into(frame.view(), &mut answers);
        assert!(rmse(&answers, &y) < 0.5, "{growth:?}: {}", rmse(&answers, &y));
        let again = train(
            &config,
            &Squared,
            &input(&frame, labels, Some(&model)),
            &Room::new(1).cx(),
        );
        assert!(matches!(again, Err(FitError::Unsupported { .. })));
    }
}

#[test]
fn several_quantiles_are_learned_at_once_and_cover_their_share() {
    let (frame, y) = table(3000);
    let rows = regression(&frame, &y);
    let room = Room::new(2);
    let config = config(|config| config.rounds = 100);
    let objective = Quantile::new(&[0.1, 0.5, 0.9]);
    let model = train(
        &config,
        &objective,
        &input(&frame, Labels::of(&rows), None),
        &room.cx(),
    )
    .expect("a fit");
    let mut answers = vec![0.0; 3 * y.len()];
    model.predict_into(frame.view(), &mut answers);
    for (at, level) in [0.1, 0.5, 0.9].into_iter().enumerate() {
        let below = y
            .iter()
            .enumerate()
            .filter(|(row, y)| **y <= answers[row * 3 + at])
            .count();
        let share = below as f64 / y.len() as f64;
        assert!((share - level).abs() < 0.06, "{level}: {share}");
    }
}

#[test]
fn ranking_puts_relevant_rows_first() {
    let (frame, y) = table(1200);
    let relevance: Vec<f64> = y
        .iter()
        .map(|y| (y / 2.0 + 2.0).clamp(0.0, 4.0).floor())
        .collect();
    let starts: Vec<u32> = (0..1200).step_by(20).collect();
    let labels = Labels::new(Target::Numbers(&relevance), None).expect("numbers");
    let labels = labels.with_groups(&starts).expect("groups in order");
    let room = Room::new(2);
    let model = train(
        &config(|_| ()),
        &LambdaRank::default(),
        &input(&frame, labels, None),
        &room.cx(),
    )
    .expect("a fit");
    let mut scores = vec![0.0; 1200];
    model.predict_into(frame.view(), &mut scores);
    let mut right = [0, 0];
    for start in (0..1200).step_by(20) {
        for i in start..start + 20 {
            for j in start..start + 20 {
                if relevance[i] > relevance[j] {
                    right[0] += usize::from(scores[i] > scores[j]);
                    right[1] += 1;
                }
            }
        }
    }
    assert!(right[0] as f64 > 0.9 * right[1] as f64, "{right:?}");
}

#[test]
fn a_refit_on_the_same_rows_changes_little_and_on_other_rows_follows_them() {
    let (frame, y) = table(2000);
    let rows = regression(&frame, &y);
    let room = Room::new(1);
    let config = config(|config| config.precision = Precision::Exact);
    let model = train(
        &config,
        &Squared,
        &input(&frame, Labels::of(&rows), None),
        &room.cx(),
    )
    .expect("a fit");
    let rule = RefitRule {
        learning_rate: config.learning_rate,
        limits: config.limits,
        decay: 0.0,
    };
    let predict = |model: &BoostModel| {
        let mut answers = vec![0.0; y.len()];
        model.predict_into(frame.view(), &mut answers);
        answers
    };
    let again = refit(
        &model,
        (&rule, &Squared),
        &input(&frame, Labels::of(&rows), None),
        &room.cx(),
    )
    .expect("a refit");
    let off = rmse(&predict(&again), &predict(&model));
    assert!(off < 0.02, "{off}");
    let shifted: Vec<f64> = y.iter().map(|y| y + 0.5).collect();
    let rows = regression(&frame, &shifted);
    let moved = refit(
        &model,
        (&rule, &Squared),
        &input(&frame, Labels::of(&rows), None),
        &room.cx(),
    )
    .expect("a refit");
    assert!(rmse(&predict(&moved), &shifted) < 1.2 * rmse(&predict(&model), &y));
}

#[test]
fn held_out_rows_stop_the_rounds_where_their_loss_is_lowest() {
    let (frame, y) = table(1500);
    let noisy: Vec<f64> = y.iter().zip(0..).map(|(y, i)| y + 6.0 * noise(i + 5)).collect();
    let (train_rows, valid_rows): (Vec<u32>, Vec<u32>) = (0..1500).partition(|row| row % 3 != 0);
    let pick = |rows: &[u32]| rows.iter().map(|&row| noisy[row as usize]).collect::<Vec<_>>();
    let (train_y, valid_y) = (pick(&train_rows), pick(&valid_rows));
    let view = |rows, y| {
        TrainView::new(frame.select(rows), Target::Numbers(y), None, Task::Regression).expect("rows")
    };
    let (train_view, valid_view) = (view(&train_rows, &train_y), view(&valid_rows, &valid_y));
    let loss = |rounds: i64, stop: i64| {
        let room = Room::new(1);
        let settings = [
            ("n_estimators", Value::Int(rounds)),
            ("early_stopping_round", Value::Int(stop)),
        ];
        let cx = FitContext {
            valid: Some(&valid_view),
            ..room.cx()
        };
        let model = LightGbm.fit(&point(&settings), &train_view, &cx).expect("a fit");
        let mut answers = vec![0.0; valid_y.len()];
        model.predict_into(valid_view.features(), &mut answers);
        rmse(&answers, &valid_y)
    };
    let stopped = loss(1000, 30);
    assert!(stopped < loss(1000, 0) && stopped <= loss(3, 0));
}

#[test]
fn a_request_to_stop_ends_a_fit_within_a_round_and_no_rounds_answer_with_the_mean() {
    let (frame, y) = table(200);
    let room = Room::new(1);
    room.cancel.request();
    let result = LightGbm.fit(&Point::new(), &regression(&frame, &y), &room.cx());
    assert_eq!(result.err(), Some(FitError::Cancelled));
    let answers = fit(&LightGbm, &[("n_estimators", Value::Int(0))], &frame, &y);
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    assert!(answers.iter().all(|answer| (answer - mean).abs() < 1e-9));
}

#[test]
fn unfit_targets_and_conflicting_parameters_are_named() {
    let (frame, y) = table(60);
    let room = Room::new(1);
    let error = |settings: &[(&str, Value)]| {
        let result = LightGbm.fit(&point(settings), &regression(&frame, &y), &room.cx());
        result.err().expect("refused").to_string()
    };
    assert!(error(&[("objective", word("poisson"))]).contains("row"));
    assert!(error(&[("objective", word("binary"))]).contains("objective"));
    assert!(error(&[("learning_rate", Value::Float(-1.0))]).contains("from"));
    assert!(error(&[("monotone_constraints", word("z:1"))]).contains("no column 'z'"));
    assert!(error(&[("metric", word("rmsee"))]).contains("rmse"));
    let conflict = [
        ("data_sample_strategy", word("goss")),
        ("top_rate", Value::Float(0.95)),
    ];
    assert!(error(&conflict).contains("at most 1"));
}
