//! Rates by hand, and targets that a family does not take.

use kolosal_frame::Column;

use super::{Glm, GlmParams, Spread};
use crate::testing::{Setting, Table, distance, fit};

#[test]
fn rates_of_levels_by_hand() {
    // Without a penalty each level's mean is that of its rows.
    let table = Table::regression(
        vec![Column::categories(&["a", "a", "b", "b"])],
        &[1.0, 3.0, 5.0, 15.0],
    );
    for family in [Spread::Poisson, Spread::Gamma, Spread::Tweedie] {
        let params = GlmParams {
            family,
            alpha: 0.0,
            ..GlmParams::default()
        };
        let answers = table.answers(&fit::<Glm>(params, &table));
        assert!(distance(&answers, &[2.0, 2.0, 10.0, 10.0]) < 1e-6, "{answers:?}");
    }
}

#[test]
fn a_target_that_the_family_does_not_take_is_refused_by_row() {
    let refused = |family, targets: &[f64]| {
        let table = Table::regression(vec![Column::numbers(vec![0.0, 1.0])], targets);
        let params = GlmParams {
            family,
            ..GlmParams::default()
        };
        Setting::threads(1)
            .fit::<Glm>(params, &table)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(
        refused(Spread::Poisson, &[1.0, -2.0]).as_deref(),
        Some("the target of row 2 is -2: objective 'poisson' needs targets of zero or more")
    );
    assert_eq!(
        refused(Spread::Gamma, &[0.0, 2.0]).as_deref(),
        Some("the target of row 1 is 0: objective 'gamma' needs targets above zero")
    );
    assert_eq!(refused(Spread::Auto, &[1.0, -2.0]), None);
}

#[test]
fn targets_that_are_all_zero_are_answered_with_next_to_nothing() {
    let table = Table::regression(vec![Column::numbers(vec![0.0, 1.0, 2.0])], &[0.0; 3]);
    let answers = table.answers(&fit::<Glm>(GlmParams::default(), &table));
    assert!(answers.iter().all(|answer| (0.0..1e-300).contains(answer)));
}
