//! The learning rate that follows from rows, rounds and objective.
//!
//! `min(0.5, exp(a ln rows + b) (rounds / 1000)^c)`, with `a`, `b`, `c` by objective and by whether rounds are chosen on held-out
//! rows. The constants are those that CatBoost 1.2.10 shows in `get_all_params()` for 200 to 200,000 rows and 100 to 4,000
//! rounds, which the law meets to 1e-4. Other objectives take 0.03.

use super::params::{CatBoostObjective, CatBoostParams};

/// Constants of the law.
struct Law {
    rows: f64,
    scale: f64,
    rounds: f64,
}

/// The rate asked for, or that of the law.
pub(super) fn choose(params: &CatBoostParams, loss: CatBoostObjective, (rows, stops): (usize, bool)) -> f64 {
    if params.learning_rate > 0.0 {
        return params.learning_rate;
    }
    let Some(law) = law(loss, stops) else {
        return 0.03;
    };
    let rounds = (params.iterations.max(1) as f64 / 1000.0).powf(law.rounds);
    let rate = (law.rows * (rows.max(1) as f64).ln() + law.scale).exp() * rounds;
    rate.min(0.5)
}

fn law(loss: CatBoostObjective, stops: bool) -> Option<Law> {
    let law = |rows, scale, rounds| Some(Law { rows, scale, rounds });
    match (loss, stops) {
        (CatBoostObjective::Logloss, false) => law(0.427, -7.525, -0.917),
        (CatBoostObjective::Logloss, true) => law(0.247, -5.158, -0.435),
        (CatBoostObjective::MultiClass, false) => law(0.051, -2.889, -0.845),
        (CatBoostObjective::MultiClass, true) => law(0.02, -2.364, -0.382),
        (CatBoostObjective::Rmse, false) => law(0.158, -4.287, -0.813),
        (CatBoostObjective::Rmse, true) => law(0.157, -4.062, -0.61),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(loss: CatBoostObjective, rows: usize, stops: bool) -> f64 {
        choose(&CatBoostParams::default(), loss, (rows, stops))
    }

    #[test]
    fn rates_are_those_of_catboost() {
        // Printed by catboost 1.2.10, get_all_params(), 2,000 rows and 1,000 iterations without held-out rows.
        assert!((rate(CatBoostObjective::Logloss, 2000, false) - 0.013_851).abs() < 2e-5);
        assert!((rate(CatBoostObjective::MultiClass, 2000, false) - 0.081_974).abs() < 2e-5);
        assert!((rate(CatBoostObjective::Rmse, 2000, false) - 0.045_682).abs() < 2e-5);
        assert_eq!(rate(CatBoostObjective::Mae, 2000, true), 0.03);
    }

    #[test]
    fn few_rounds_are_capped_and_a_rate_that_is_given_holds() {
        let params = CatBoostParams {
            iterations: 1,
            ..CatBoostParams::default()
        };
        assert_eq!(choose(&params, CatBoostObjective::Rmse, (100_000, false)), 0.5);
        let params = CatBoostParams {
            learning_rate: 0.2,
            ..params
        };
        assert_eq!(choose(&params, CatBoostObjective::Rmse, (100, true)), 0.2);
    }
}
