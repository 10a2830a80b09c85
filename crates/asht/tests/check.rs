//! `check_optimizer`: what every optimizer must keep to, over every arm alone and all together, in every kind of space.

use kolosal_asht::{Arm, Asked, Event, Param, Point, Settings, Space, Study, StudyLog, Told, Value};

/// A space with every kind of parameter: conditions two deep, integers, logarithms, constants, a category of one.
fn everything() -> Vec<Param> {
    vec![
        Param::categorical("model", &["svm", "forest"]),
        Param::log_float("c", 1e-3, 1e3).when("model", &["svm"]),
        Param::categorical("kernel", &["rbf", "poly"]).when("model", &["svm"]),
        Param::int("degree", 2, 5).when("kernel", &["poly"]),
        Param::int("trees", 10, 500).when("model", &["forest"]),
        Param::float("share", 0.1, 1.0),
        Param::float("fixed", 2.5, 2.5),
        Param::int("one", 7, 7),
        Param::categorical("only", &["this"]),
    ]
}

fn spaces() -> Vec<(&'static str, Vec<Param>)> {
    vec![
        ("everything", everything()),
        (
            "numbers",
            vec![
                Param::float("share", -1.0, 1.0),
                Param::log_float("c", 1e-6, 1e6),
                Param::int("n", -3, 3),
            ],
        ),
        (
            "categories",
            vec![
                Param::categorical("a", &["x", "y", "z"]),
                Param::categorical("b", &["u", "v"]),
            ],
        ),
        ("one number", vec![Param::float("share", 0.0, 1.0)]),
        (
            "constants",
            vec![Param::float("fixed", 1.0, 1.0), Param::int("one", 4, 4)],
        ),
        (
            "few points",
            vec![Param::int("n", 0, 2), Param::categorical("b", &["u", "v"])],
        ),
    ]
}

fn number(point: &Point, name: &str) -> f64 {
    match point.get(name) {
        Some(Value::Float(v)) => *v,
        Some(Value::Int(v)) => *v as f64,
        Some(Value::Choice(v)) => v.len() as f64,
        None => 0.5,
    }
}

/// A loss of every parameter that exists.
fn loss(point: &Point) -> f64 {
    let size = |v: f64| (1.0 + v.abs()).ln();
    point
        .keys()
        .map(|name| (size(number(point, name)) - 0.3).powi(2))
        .sum()
}

fn told_of(asked: &Asked, settings: &Settings) -> Told {
    if asked.id % 7 == 5 {
        return Told::failed().in_seconds(0.5);
    }
    let first = loss(&asked.point);
    let value = |k: usize| {
        if k == 0 {
            first
        } else {
            1.0 / (0.1 + first) + k as f64
        }
    };
    let mut told = Told::values((0..settings.objectives).map(value).collect());
    told.constraints = vec![number(&asked.point, "share") - 0.8; settings.constraints];
    told.in_seconds(1.0 + number(&asked.point, "share").abs())
}

/// Runs a trial to its end or to where the study stops it.
fn run(study: &mut Study, asked: &Asked, settings: &Settings) {
    let mut told = told_of(asked, settings);
    for (k, rung) in settings.rungs.iter().enumerate() {
        if told.failed {
            break;
        }
        let value = told.values[0] + 1.0 / (1.0 + k as f64) - 1.0 / settings.rungs.len() as f64;
        if study.report(asked.id, *rung, value).expect("open and rising") {
            told.pruned = true;
            told.values = vec![value];
            break;
        }
    }
    study.tell(asked.id, told).expect("open");
}

/// Asks one by one, or `batch` at once and tells them from the last to the first; gives the study and all points.
fn drive(params: &[Param], settings: &Settings, trials: usize, batch: usize) -> (Study, Vec<Point>) {
    let space = Space::new(params.to_vec()).expect("sound");
    let mut study = Study::new(space, settings.clone()).expect("sound");
    let mut points = Vec::new();
    while points.len() < trials {
        let mut open: Vec<Asked> = (0..batch).map(|_| study.ask()).collect();
        points.extend(open.iter().map(|asked| asked.point.clone()));
        open.reverse();
        for asked in &open {
            run(&mut study, asked, settings);
        }
    }
    (study, points)
}

fn check_valid(params: &[Param], settings: &Settings, points: &[Point]) {
    let free = Settings {
        arms: Vec::new(),
        rungs: Vec::new(),
        ..settings.clone()
    };
    let mut other = Study::new(Space::new(params.to_vec()).expect("sound"), free).expect("sound");
    for point in points {
        let mut told = Told::values(vec![0.0; settings.objectives]);
        told.constraints = vec![0.0; settings.constraints];
        other.tell_point(point, told).expect("a point of the space");
    }
}

/// The study made again from half of its log, through text, goes on as the whole one did.
fn check_resume(study: &Study, settings: &Settings, points: &[Point]) {
    let log = study.log();
    let asks: Vec<usize> = (0..log.events.len())
        .filter(|&i| log.events[i] == Event::Ask)
        .collect();
    let half = asks.len() / 2;
    let cut = StudyLog {
        events: log.events[..asks[half]].to_vec(),
        asked: log.asked[..half].to_vec(),
        ..log
    };
    let read = StudyLog::from_lines(&cut.to_lines()).expect("its own lines");
    assert_eq!(read.events, cut.events);
    let mut resumed = read.resume().expect("its own events");
    for (k, point) in points.iter().enumerate().skip(half) {
        let asked = resumed.ask();
        assert_eq!(asked.point, *point, "trial {k} after resuming");
        run(&mut resumed, &asked, settings);
    }
    assert_eq!(resumed.status(), study.status());
}

fn check_bad_tells_change_nothing(study: &mut Study, settings: &Settings) {
    let before = study.status();
    let asked = study.clone().ask();
    let nan = Told::values(vec![f64::NAN; settings.objectives]);
    assert!(study.tell(0, nan.clone()).is_err(), "told before");
    assert!(study.tell(1 << 40, nan.clone()).is_err(), "never asked");
    assert!(study.tell_point(&Point::new(), nan).is_err());
    assert_eq!(study.status(), before);
    assert_eq!(study.ask(), asked, "refusals leave no trace");
}

/// The contract, for one study: valid points, the same again, any order, resumed bit for bit, refusals without a trace.
fn check_optimizer(params: &[Param], settings: &Settings, trials: usize) {
    let (mut study, points) = drive(params, settings, trials, 1);
    check_valid(params, settings, &points);
    assert_eq!(
        points,
        drive(params, settings, trials, 1).1,
        "the same seed and tells"
    );
    check_resume(&study, settings, &points);
    check_bad_tells_change_nothing(&mut study, settings);
    let (_, batched) = drive(params, settings, trials, 4);
    check_valid(params, settings, &batched);
}

fn settings(arms: &[Arm]) -> Settings {
    Settings {
        seed: 5,
        budget: Some(40),
        arms: arms.to_vec(),
        ..Settings::default()
    }
}

#[test]
fn every_arm_alone_and_all_together_keep_the_contract_in_every_space() {
    for (name, params) in spaces() {
        for arms in Arm::ALL.iter().map(std::slice::from_ref).chain([[].as_slice()]) {
            println!("{name} {arms:?}");
            check_optimizer(&params, &settings(arms), 32);
        }
    }
}

#[test]
fn every_arm_of_several_objectives_keeps_the_contract() {
    for objectives in [2, 3] {
        for arms in Arm::SEVERAL
            .iter()
            .map(std::slice::from_ref)
            .chain([[].as_slice()])
        {
            println!("{objectives} {arms:?}");
            let settings = Settings {
                objectives,
                ..settings(arms)
            };
            check_optimizer(&everything(), &settings, 24);
        }
    }
}

#[test]
fn constraints_limits_and_rungs_keep_the_contract() {
    check_optimizer(
        &everything(),
        &Settings {
            constraints: 2,
            ..settings(&[])
        },
        32,
    );
    let limited = Settings {
        seconds_max: Some(40.0),
        bytes_max: Some(1e9),
        ..settings(&[])
    };
    check_optimizer(&everything(), &limited, 32);
    let rungs = vec![1.0, 2.0, 4.0, 8.0];
    for arms in Arm::ALL.iter().map(std::slice::from_ref).chain([[].as_slice()]) {
        println!("rungs {arms:?}");
        check_optimizer(
            &everything(),
            &Settings {
                rungs: rungs.clone(),
                constraints: 1,
                ..settings(arms)
            },
            40,
        );
    }
}

#[test]
fn history_keeps_the_contract_and_a_log_is_history() {
    let (study, points) = drive(&everything(), &settings(&[]), 24, 1);
    let past = StudyLog::from_lines(&study.log().to_lines())
        .expect("its own lines")
        .past();
    assert_eq!(
        past.trials.len(),
        points.iter().enumerate().filter(|(k, _)| k % 7 != 5).count()
    );
    let asked_first = past.trials[0].0.clone();
    assert_eq!(asked_first, points[0]);
    let warm = Settings {
        history: vec![past],
        ..settings(&[])
    };
    check_optimizer(&everything(), &warm, 24);
}

#[test]
fn logs_that_are_cut_off_are_read_to_the_last_whole_line_and_others_are_refused_by_line() {
    let (study, _) = drive(&everything(), &settings(&[Arm::Random]), 8, 1);
    let text = study.log().to_lines();
    let cut = StudyLog::from_lines(&text[..text.len() - 5]).expect("whole lines");
    assert_eq!(cut.events.len(), study.events().len() - 1);
    let refused = |text: &str| StudyLog::from_lines(text).expect_err("no log").to_string();
    assert!(refused("").contains("first line"));
    assert!(refused("{\"op\":\"ask\"}\n").contains("line 1"));
    assert!(refused(&text.replace("\"ask\"", "\"sing\"")).contains("line 2"));
}

#[test]
fn arms_that_a_study_does_not_have_are_refused() {
    let space = || Space::new(everything()).expect("sound");
    let refused = |settings| {
        Study::new(space(), settings)
            .expect_err("no such arm")
            .to_string()
    };
    assert!(refused(settings(&[Arm::Thaw])).contains("thaw"));
    assert!(
        refused(Settings {
            objectives: 2,
            ..settings(&[Arm::Cma])
        })
        .contains("global, random, evolve")
    );
}
