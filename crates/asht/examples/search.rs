//! A search from Rust: two model families, costs and crashes told, a stop when nothing more is to come, the log kept, and a
//! second study of a like task that starts from it. `cargo run --release -p kolosal-asht --example search`

#![allow(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use kolosal_asht::{AshtError, Param, Point, Settings, Space, Study, StudyLog, Told, Value};

fn space() -> Result<Space, AshtError> {
    Space::new(vec![
        Param::categorical("model", &["ridge", "boost"]),
        Param::log_float("alpha", 1e-4, 1e4).when("model", &["ridge"]),
        Param::log_float("rate", 1e-3, 1.0).when("model", &["boost"]),
        Param::int("leaves", 2, 256).when("model", &["boost"]),
    ])
}

/// What training would give: a loss and the seconds it took. `shift` makes another task of it.
fn train(point: &Point, shift: f64) -> Told {
    let number = |name: &str| match point.get(name) {
        Some(Value::Float(v)) => Some(*v),
        Some(Value::Int(v)) => Some(*v as f64),
        _ => None,
    };
    if let Some(alpha) = number("alpha") {
        return Told::value(0.4 + 0.02 * (alpha.log10() - shift).powi(2)).in_seconds(0.1);
    }
    let rate = number("rate").expect("boost has a rate");
    let leaves = number("leaves").expect("boost has leaves");
    if rate > 0.9 {
        return Told::failed();
    }
    let loss = 0.2 + 0.1 * (rate.log10() + 1.2 - shift).powi(2) + 0.05 * (leaves.log2() - 5.0).powi(2);
    Told::value(loss).in_seconds(0.01 * leaves)
}

fn search(settings: Settings, shift: f64) -> Result<Study, AshtError> {
    let mut study = Study::new(space()?, settings)?;
    for _ in 0..60 {
        let asked = study.ask();
        let told = train(&asked.point, shift);
        study.tell(asked.id, told)?;
        if study.status().converged {
            break;
        }
    }
    Ok(study)
}

fn report(name: &str, study: &Study) {
    let status = study.status();
    let best = study.best().expect("some trial ended");
    println!(
        "{name}: {} trials, best {:.4} at {:?}",
        status.trials, best.values[0], best.point
    );
    if let Some(outlook) = status.outlook {
        println!(
            "  chance of a new best in the next 20: {:.2}, gain {:.5}",
            outlook.chance, outlook.gain
        );
    }
}

fn main() -> Result<(), AshtError> {
    let settings = Settings {
        seed: 1,
        budget: Some(60),
        ..Settings::default()
    };
    let mut first = search(settings.clone(), 0.0)?;
    report("cold", &first);

    // The log is text; a study goes on from it, and others learn from it.
    let text = first.log().to_lines();
    let log = StudyLog::from_lines(&text)?;
    assert_eq!(log.resume()?.ask(), first.ask());
    let warm = Settings {
        seed: 2,
        history: vec![log.past()],
        ..settings
    };
    report("warm", &search(warm, 0.1)?);
    Ok(())
}
