//! Curves with known ends.

use super::*;
use crate::space::{Param, Space};
use crate::study::Settings;
use crate::trial::Told;

const RUNGS: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];

fn form() -> Form {
    Form::new(&Space::new(vec![Param::float("x", 0.0, 1.0)]).expect("sound"))
}

/// Ends at `1 + (x - 0.3)^2`, from above, faster for larger `x`.
fn curve(x: f64) -> Vec<f64> {
    let end = 1.0 + (x - 0.3).powi(2);
    RUNGS.iter().map(|r| end + (2.0 + x) * r.powf(-1.0 - x)).collect()
}

#[test]
fn ends_are_foreseen_from_parts_of_curves_and_from_nothing() {
    let form = form();
    let mut chain = Chain::new(&form, RUNGS.len());
    let curves: Vec<Curve> = (0..16)
        .map(|i| {
            let x = f64::from(i) / 15.0;
            let mut values = curve(x);
            values.truncate(if i % 2 == 0 { 5 } else { 2 });
            Curve { x: vec![x], values }
        })
        .collect();
    chain.update(&form, &curves);
    for x in [0.13, 0.5, 0.77] {
        let truth = chain.scale.of(curve(x)[4]);
        for seen in [0, 1, 3] {
            let end = chain.end(&form, &[x], &curve(x)[..seen]);
            assert!(
                (end.mean - truth).abs() < 0.1 + 3.0 * end.sd,
                "{x} {seen} {end:?} {truth}"
            );
        }
        let far = chain.end(&form, &[x], &[]);
        let near = chain.end(&form, &[x], &curve(x)[..4]);
        assert!(near.sd <= far.sd && far.sd < 0.5, "{near:?} {far:?}");
    }
}

#[test]
fn before_ends_can_be_foreseen_the_better_half_goes_on() {
    let mut curves = Curves::new(&form(), &RUNGS);
    let stops: Vec<bool> = [0.3, 0.4, 0.2, 0.25, 0.1]
        .iter()
        .map(|&value| {
            curves.reached[0].push(value);
            curves.is_in_worse_half(0, value)
        })
        .collect();
    assert_eq!(stops, [false, true, false, false, false]);
}

#[test]
fn twins_go_on_as_the_first_did_and_curves_that_stand_still_are_no_twins() {
    let mut curves = Curves::new(&form(), &RUNGS);
    let known = |values: &[f64]| Curve {
        x: vec![0.5],
        values: values.to_vec(),
    };
    curves.longest = longest(&[
        known(&[5.0, 4.0, 3.0, 2.0]),
        known(&[5.0, 4.0]),
        known(&[9.0, 9.0, 9.0, 1.0]),
    ]);
    assert_eq!(curves.longest.len(), 2);
    assert_eq!(curves.with_twin(vec![5.0, 4.0, 3.0]), [5.0, 4.0, 3.0, 2.0]);
    assert_eq!(curves.with_twin(vec![5.0, 4.0]), [5.0, 4.0]);
    assert_eq!(curves.with_twin(vec![9.0, 9.0, 9.0]), [9.0, 9.0, 9.0]);
}

#[test]
fn a_study_of_curves_finds_the_best_end_for_the_cost_of_a_few_whole_trials() {
    let space = Space::new(vec![Param::float("x", 0.0, 1.0), Param::float("y", 0.0, 1.0)]).expect("sound");
    let settings = Settings {
        rungs: RUNGS.to_vec(),
        seed: 3,
        ..Settings::default()
    };
    let mut study = Study::new(space, settings).expect("sound");
    let (mut cost, mut stopped) = (0.0, 0);
    while cost < 200.0 {
        let asked = study.ask();
        let at = asked.id as usize;
        let x = study.trials[at].x.clone();
        let shift = (x[1] - 0.8).powi(2);
        let mut told = Told::default();
        let mut before = 0.0;
        for (rung, value) in RUNGS.iter().zip(curve(x[0])) {
            cost += rung - before;
            before = *rung;
            told.values = vec![value + shift];
            if study.report(asked.id, *rung, value + shift).expect("open") {
                told.pruned = true;
                stopped += 1;
                break;
            }
        }
        study.tell(asked.id, told).expect("open");
    }
    assert!(stopped > 2, "{stopped}");
    let best = study.best().expect("some ended").values[0];
    assert!(best < 1.2, "{best}");
}
