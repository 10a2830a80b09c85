//! What every optimizer here must keep to, checked for each kind of study.

use kolosal_asht::protocol::{Reply, Session};
use kolosal_asht::{Arm, Event, Param, PastStudy, Point, Settings, Space, Study, Told, Value};

fn tree() -> Space {
    Space::new(vec![
        Param::categorical("model", &["svm", "forest"]),
        Param::log_float("c", 1e-3, 1e3).when("model", &["svm"]),
        Param::categorical("kernel", &["rbf", "poly"]).when("model", &["svm"]),
        Param::int("degree", 2, 5).when("kernel", &["poly"]),
        Param::int("trees", 10, 500).when("model", &["forest"]),
        Param::float("share", 0.1, 1.0),
    ])
    .expect("sound")
}

fn number(point: &Point, name: &str) -> Option<f64> {
    match point.get(name)? {
        Value::Float(v) => Some(*v),
        Value::Int(v) => Some(*v as f64),
        Value::Choice(_) => None,
    }
}

fn loss(point: &Point) -> f64 {
    let c = number(point, "c").map(|c| 0.3 * (c.log10() - 1.0).powi(2));
    let trees = number(point, "trees").map(|t| 0.4 + 0.2 / t);
    let degree = number(point, "degree").map_or(0.0, |d| 0.1 * (d - 3.0).abs());
    let share = number(point, "share").expect("always there");
    c.or(trees).expect("one of them") + degree + (share - 0.6).powi(2)
}

fn settings(seed: u64, budget: usize) -> Settings {
    Settings {
        seed,
        budget: Some(budget),
        ..Settings::default()
    }
}

fn tell_of(id: u64, point: &Point, settings: &Settings) -> Told {
    if id % 11 == 5 {
        return Told::failed().in_seconds(0.5);
    }
    let first = loss(point);
    let share = number(point, "share").expect("always there");
    let values = (0..settings.objectives).map(|k| if k == 0 { first } else { 1.0 - share / k as f64 });
    let mut told = Told::values(values.collect()).in_seconds(1.0 + share);
    told.constraints = vec![share - 0.8; settings.constraints];
    told
}

/// Same seed and tells give the same asks; a study made again from half its events goes on as the whole one did; every
/// point is of the space; asks do not depend on how many are open when those told are the same.
fn check_optimizer(settings: &Settings, trials: usize) -> Study {
    let run = || {
        let mut study = Study::new(tree(), settings.clone()).expect("sound");
        let mut points = Vec::new();
        for _ in 0..trials {
            let asked = study.ask();
            let again = Space::new(study.space().params().to_vec()).expect("sound");
            let mut other = Study::new(again, settings.clone()).expect("sound");
            let told = tell_of(asked.id, &asked.point, settings);
            other
                .tell_point(&asked.point, told.clone())
                .expect("a point of the space");
            study.tell(asked.id, told).expect("open");
            points.push(asked.point);
        }
        (study, points)
    };
    let (study, points) = run();
    assert_eq!(points, run().1, "the same seed and tells");
    let half = &study.events()[..trials];
    let mut resumed = Study::replay(tree(), settings.clone(), half).expect("its own events");
    for k in trials / 2..trials {
        let asked = resumed.ask();
        assert_eq!(asked.point, points[k], "trial {k} after resuming");
        let told = tell_of(asked.id, &asked.point, settings);
        resumed.tell(asked.id, told).expect("open");
    }
    study
}

#[test]
fn one_objective_uses_every_arm_and_keeps_to_the_contract() {
    let study = check_optimizer(&settings(3, 80), 80);
    let status = study.status();
    let names: Vec<&str> = status.arms.iter().map(|a| a.arm.name()).collect();
    assert_eq!(names, Arm::ALL.map(Arm::name));
    assert!(status.arms.iter().all(|a| a.pulls > 0.5), "{:?}", status.arms);
    assert!(study.best().expect("some ended well").values[0] < 0.05);
    assert_eq!(status.trials, 80);
    assert_eq!(status.families.len(), 2);
}

#[test]
fn constraints_are_kept_by_the_best() {
    let mut settings = settings(4, 40);
    settings.constraints = 1;
    let study = check_optimizer(&settings, 40);
    let best = study.best().expect("a feasible one");
    assert!(number(&best.point, "share").expect("always there") <= 0.8);
    // The limit is learned: later points keep it more often than chance would, which keeps it in seven cases of nine.
    let keeps = |event: &Event| matches!(event, Event::Tell(_, told) if told.constraints.first().is_some_and(|c| *c <= 0.0));
    let late = study
        .events()
        .iter()
        .filter(|event| matches!(event, Event::Tell(..)))
        .skip(20);
    let kept = late.filter(|event| keeps(event)).count();
    assert!(kept >= 15, "{kept} of 20, two of them crashed");
}

#[test]
fn two_and_three_objectives_give_fronts() {
    for objectives in [2, 3] {
        let mut settings = settings(5, 30);
        settings.objectives = objectives;
        let front = check_optimizer(&settings, 30).front();
        assert!(front.len() > 1);
        for a in &front {
            for b in &front {
                let beats = a.values.iter().zip(&b.values).all(|(x, y)| x <= y) && a.values != b.values;
                assert!(!beats, "{a:?} beats {b:?}");
            }
        }
    }
}

#[test]
fn open_trials_are_told_in_any_order_and_no_two_are_alike() {
    let mut study = Study::new(tree(), settings(6, 60)).expect("sound");
    for round in 0..6 {
        let mut open: Vec<_> = (0..8).map(|_| study.ask()).collect();
        for i in 0..open.len() {
            assert!(open[..i].iter().all(|other| other.point != open[i].point));
        }
        if round % 2 == 0 {
            open.reverse();
        }
        for asked in open {
            study
                .tell(asked.id, Told::value(loss(&asked.point)))
                .expect("open");
        }
    }
    assert!(study.best().expect("told").values[0] < 0.3);
}

#[test]
fn nothing_is_proposed_that_is_expected_to_take_longer_than_is_left() {
    let mut settings = settings(7, 60);
    settings.seconds_max = Some(100.0);
    let space = Space::new(vec![Param::float("x", 0.0, 1.0)]).expect("sound");
    let mut study = Study::new(space, settings).expect("sound");
    let mut spent = 0.0;
    for k in 0..12 {
        let asked = study.ask();
        let x = number(&asked.point, "x").expect("there");
        let seconds = (3.0 * x).exp();
        spent += seconds;
        let told = Told::value((x - 0.9).powi(2)).in_seconds(seconds);
        study.tell(asked.id, told).expect("open");
        assert!(k < 8 || spent < 130.0, "{spent} s after {k}");
    }
    assert!(study.status().cost_cooling < 1.0);
}

#[test]
fn limits_hold_for_every_arm_and_a_study_says_when_nothing_fits() {
    let limits = [(Some(60.0), None), (None, Some(10.0))];
    for (arm, (seconds_max, bytes_max)) in Arm::ALL
        .into_iter()
        .flat_map(|arm| limits.map(|limit| (arm, limit)))
    {
        let settings = Settings {
            arms: vec![arm],
            seconds_max,
            bytes_max,
            ..settings(12, 60)
        };
        let space =
            Space::new(vec![Param::float("x", 0.0, 1.0), Param::float("y", 0.0, 1.0)]).expect("sound");
        let mut study = Study::new(space, settings).expect("sound");
        let (mut left, mut over) = (60.0, 0);
        for k in 0..40 {
            let asked = study.ask();
            if study.status().exhausted {
                break;
            }
            let x = number(&asked.point, "x").expect("there");
            let cost = (3.0 * x).exp();
            let is_over = match bytes_max {
                Some(max) => cost > max,
                None => cost > left,
            };
            over += usize::from(k >= 10 && is_over);
            left -= cost;
            let mut told = Told::value((x - 0.95).powi(2)).in_seconds(cost);
            told.bytes = Some(cost);
            study.tell(asked.id, told).expect("open");
        }
        assert!(over <= 1, "{arm:?}: {over} trials over the limit");
        assert!(
            bytes_max.is_some() || study.status().exhausted,
            "{arm:?}: {left} s left"
        );
    }
}

#[test]
fn good_history_gives_the_first_points_and_misleading_history_is_dropped() {
    let space = || Space::new(vec![Param::float("x", 0.0, 1.0), Param::float("y", 0.0, 1.0)]).expect("sound");
    let truth = |p: &Point| (number(p, "x").unwrap() - 0.3).powi(2) + (number(p, "y").unwrap() - 0.7).powi(2);
    let past = |sign: f64| {
        let mut maker = Study::new(space(), settings(1, 40)).expect("sound");
        let trials = (0..40).map(|_| {
            let asked = maker.ask();
            let value = sign * truth(&asked.point);
            (asked.point, value)
        });
        vec![PastStudy {
            trials: trials.collect(),
        }]
    };
    let after = |history, trials| {
        let mut study = Study::new(
            space(),
            Settings {
                history,
                ..settings(2, 40)
            },
        )
        .expect("sound");
        for _ in 0..trials {
            let asked = study.ask();
            study
                .tell(asked.id, Told::value(truth(&asked.point)))
                .expect("open");
        }
        study
    };
    assert!(after(past(1.0), 1).best().expect("told").values[0] < 0.05);
    let misled = after(past(-1.0), 25);
    assert!(misled.status().history_weights[0] < 0.05, "{:?}", misled.status());
    assert!(misled.best().expect("told").values[0] < 0.01);
}

#[test]
fn stopped_trials_are_never_the_best_and_their_values_are_not_compared() {
    let mut settings = settings(8, 40);
    settings.rungs = vec![1.0, 2.0, 4.0];
    let mut study = Study::new(tree(), settings).expect("sound");
    let mut stopped = 0;
    for _ in 0..40 {
        let asked = study.ask();
        let end = loss(&asked.point);
        let mut told = Told::value(end);
        for step in [1.0, 2.0, 4.0] {
            // Early values are better than late ones here: a trap for whoever compares them.
            let value = end - 5.0 / step;
            told.values[0] = value;
            if study.report(asked.id, step, value).expect("open") {
                told.pruned = true;
                stopped += 1;
                break;
            }
        }
        study.tell(asked.id, told).expect("open");
    }
    assert!(stopped > 3, "{stopped}");
    assert!(study.best().expect("some ran to the end").values[0] > -1.3);
}

#[test]
fn a_space_that_is_used_up_still_answers() {
    let space = Space::new(vec![Param::int("n", 0, 1), Param::float("fixed", 2.0, 2.0)]).expect("sound");
    let mut study = Study::new(space, settings(9, 20)).expect("sound");
    for _ in 0..20 {
        let asked = study.ask();
        study.tell(asked.id, Told::value(1.0)).expect("open");
    }
    assert_eq!(study.best().expect("told").id, 0);
}

#[test]
fn huge_constant_and_failing_values_do_no_harm() {
    for value in [1e300, -1e300, 0.0] {
        let mut study = Study::new(tree(), settings(10, 30)).expect("sound");
        for k in 0..30 {
            let asked = study.ask();
            let told = if k % 3 == 0 {
                Told::failed()
            } else {
                Told::value(value)
            };
            study.tell(asked.id, told).expect("open");
        }
    }
    let mut study = Study::new(tree(), settings(10, 30)).expect("sound");
    for _ in 0..30 {
        let asked = study.ask();
        study.tell(asked.id, Told::failed()).expect("open");
    }
    assert!(study.best().is_none());
}

#[test]
fn a_flat_end_is_recognised() {
    let space = Space::new(vec![Param::int("a", 0, 5), Param::int("b", 0, 5)]).expect("sound");
    let mut study = Study::new(space, settings(11, 100)).expect("sound");
    let mut converged = None;
    for k in 0..60 {
        let asked = study.ask();
        let value = number(&asked.point, "a").unwrap() + number(&asked.point, "b").unwrap();
        study.tell(asked.id, Told::value(value)).expect("open");
        if study.status().converged {
            converged = converged.or(Some(k));
        }
    }
    assert!(converged.is_some_and(|k| k < 60), "{:?}", study.status());
    assert_eq!(study.best().expect("told").values[0], 0.0);
}

#[track_caller]
fn refused(session: &mut Session, line: &str, expected: &str) {
    let Reply::Line(answer) = session.answer(line) else {
        panic!("{line} closed the session");
    };
    assert!(
        answer.contains("\"error\"") && answer.contains(expected),
        "{line} -> {answer}"
    );
}

#[test]
fn bad_requests_are_refused_with_the_reason_and_change_nothing() {
    let mut session = Session::new();
    refused(&mut session, "garbage", "not JSON");
    refused(&mut session, "[1]", "not a JSON object");
    refused(&mut session, r#"{"op":"ask"}"#, "no study yet");
    let init = |space: &str| format!(r#"{{"op":"init","space":{space}}}"#);
    refused(&mut session, &init("[]"), "no parameter");
    refused(&mut session, r#"{"op":"init"}"#, "`space` is missing");
    refused(
        &mut session,
        &init(r#"[{"name":"x","type":"float","low":2,"high":1}]"#),
        "above high",
    );
    refused(
        &mut session,
        &init(r#"[{"name":"x","type":"float","low":0,"high":1,"log":true}]"#),
        "log scale",
    );
    refused(
        &mut session,
        &init(r#"[{"name":"x","type":"int","low":0.5,"high":1}]"#),
        "whole numbers",
    );
    let million: Vec<String> = (0..1_000_000)
        .map(|j| format!(r#"{{"name":"x{j}","type":"int","low":0,"high":1}}"#))
        .collect();
    refused(
        &mut session,
        &init(&format!("[{}]", million.join(","))),
        "1000000 parameters",
    );
}

#[test]
fn bad_tells_are_refused_with_the_reason_and_change_nothing() {
    let mut session = Session::new();
    let init = |space: &str| format!(r#"{{"op":"init","space":{space}}}"#);
    let sound = init(r#"[{"name":"x","type":"float","low":0,"high":1}]"#);
    assert_eq!(session.answer(&sound), Reply::Line(r#"{"ok":true}"#.to_owned()));
    session.answer(r#"{"op":"ask"}"#);
    let before = session.answer(r#"{"op":"status"}"#);
    refused(
        &mut session,
        r#"{"op":"tell","id":7,"values":[1]}"#,
        "never asked",
    );
    refused(&mut session, r#"{"op":"tell","id":0,"values":[1,2]}"#, "needs 1");
    refused(&mut session, r#"{"op":"tell","id":0,"values":[NaN]}"#, "not JSON");
    refused(&mut session, r#"{"op":"tell","id":0,"values":[1e999]}"#, "");
    refused(
        &mut session,
        r#"{"op":"tell","params":{"x":3},"values":[1]}"#,
        "outside",
    );
    refused(
        &mut session,
        r#"{"op":"tell","params":{"y":0.5},"values":[1]}"#,
        "missing",
    );
    refused(
        &mut session,
        r#"{"op":"report","id":0,"step":1,"value":1}"#,
        "fidelity",
    );
    refused(&mut session, r#"{"op":"ask","n":0}"#, "`n` must be");
    refused(&mut session, r#"{"op":"sing"}"#, "must be init");
    refused(&mut session, &init("[]"), "no parameter");
    assert_eq!(session.answer(r#"{"op":"status"}"#), before);
    assert_eq!(
        session.answer(r#"{"op":"tell","id":0,"values":[0.5]}"#),
        Reply::Line(r#"{"ok":true}"#.to_owned())
    );
    refused(
        &mut session,
        r#"{"op":"tell","id":0,"values":[0.5]}"#,
        "told already",
    );
    assert_eq!(session.answer(r#"{"op":"close"}"#), Reply::Close);
}

#[test]
fn events_that_do_not_fit_are_refused_on_replay() {
    let events = [Event::Tell(0, Told::value(1.0))];
    assert!(Study::replay(tree(), Settings::default(), &events).is_err());
    let mut study = Study::new(tree(), Settings::default()).expect("sound");
    let asked = study.ask();
    assert!(study.tell(asked.id, Told::value(f64::NAN)).is_err());
    assert_eq!(study.events().len(), 1);
}

#[test]
fn values_of_any_size_are_taken_and_the_best_is_as_it_was_told() {
    let sizes = [5.0, 1e308, -1e308, 1e-320, 0.0, 5.0];
    for (objectives, constraints) in [(1, 0), (1, 1), (2, 0), (3, 1)] {
        let mut settings = settings(8, 60);
        (settings.objectives, settings.constraints) = (objectives, constraints);
        let mut study = Study::new(tree(), settings).expect("sound");
        for k in 0..60 {
            let asked = study.ask();
            let mut told = Told::values((0..objectives).map(|m| sizes[(k + m) % 6]).collect());
            told.constraints = (0..constraints).map(|m| -sizes[(k + m) % 5].abs()).collect();
            if k % 9 == 8 {
                told = Told::failed();
            }
            study
                .tell(asked.id, told.in_seconds(sizes[k % 6].abs()))
                .expect("finite");
            study.status();
        }
        if objectives == 1 {
            assert_eq!(study.best().expect("told").values, [-1e308]);
        }
    }
}
