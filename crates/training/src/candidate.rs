//! One thing to try, and what it costs.

use kolosal_learner::{Family, Learner, Value};
use kolosal_pipeline::{Features, MemberPlan};

/// One thing to try.
#[derive(Clone)]
pub struct Candidate {
    /// A name for people: the learner, and what sets it apart.
    pub name: String,
    /// Learner, parameters and features.
    pub plan: MemberPlan,
    /// Work of one fit per thousand cells (rows times columns), in work units.
    pub(crate) work_per_kilocell: f64,
    /// The same, once more for each row: of learners that compare rows with each other.
    pub(crate) work_per_row: f64,
}

/// Passes over the rows that a network's work is stated for.
const PASSES: f64 = 256.0;

/// Columns that a network's inner layers cost as much as.
const INNER_COLUMNS: f64 = 128.0;

impl Candidate {
    /// Work units of one fit on this many rows and columns, at least one; the same on every machine.
    pub fn work(&self, rows: usize, columns: usize) -> u64 {
        let cells = match self.row_passes() {
            // Tables with more rows are passed over less often.
            Some(passes) => (rows as f64).min(passes as f64 / PASSES) * (columns as f64 + INNER_COLUMNS),
            None => rows as f64 * columns.max(1) as f64,
        };
        let more = if self.plan.features == Features::Combined {
            COMBINED_WORK
        } else {
            1.0
        };
        let per_kilocell = self.work_per_kilocell + self.work_per_row * rows as f64;
        (cells / 1e3 * per_kilocell * more).ceil().max(1.0) as u64
    }

    /// Whether its learner learns each class of several for itself, so that its work grows with them.
    pub(crate) fn learns_each_class(&self) -> bool {
        let learner = self.plan.learner;
        match learner.card().family {
            Family::Linear => true,
            Family::Tree => learner.params().iter().any(|def| def.name == "learning_rate"),
            Family::Neural | Family::Classic => false,
        }
    }

    /// Whether it is a network, whose schedule should come to its end.
    pub(crate) fn is_network(&self) -> bool {
        self.row_passes().is_some()
    }

    /// Rows that its learner passes over in all, where it bounds them.
    fn row_passes(&self) -> Option<i64> {
        match self.plan.point.get(ROW_PASSES) {
            Some(Value::Int(passes)) if *passes > 0 => Some(*passes),
            _ => None,
        }
    }

    /// Whether its learner can end with what it has: boosters that judge themselves by held-out rows, and forests.
    pub fn ends_early(&self) -> bool {
        let asks = |name: &String| name.starts_with("early_stopping");
        is_forest(self.plan.learner) || self.plan.point.keys().any(asks)
    }
}

/// Whether a learner is an average of trees, any number of which will do.
fn is_forest(learner: &dyn Learner) -> bool {
    learner.params().iter().any(|def| def.name == "oob_score")
}

/// The parameter that bounds the rows a network passes over.
const ROW_PASSES: &str = "row_passes";

/// Most factor on the learning rate of a candidate that has to hurry.
const HASTE_MAX: f64 = 4.0;

/// Most factor that a network's schedule is shortened by: one that was shortened further was worse than every tree on
/// house prices.
pub(crate) const SHORTENED_MAX: f64 = 3.0;

impl Candidate {
    /// The same with a shorter schedule, or with a learning rate larger by this factor, up to a limit; as it is where there is
    /// neither.
    #[must_use]
    pub(crate) fn hastened(mut self, factor: f64) -> Self {
        if let Some(passes) = self.row_passes() {
            let shorter = passes as f64 / factor.clamp(1.0, SHORTENED_MAX);
            let shorter = Value::Int((shorter as i64).max(1));
            self.plan.point.insert(ROW_PASSES.to_owned(), shorter);
            self.name.push_str(", hastened");
            return self;
        }
        let factor = factor.clamp(1.0, HASTE_MAX);
        if let Some(Value::Float(rate)) = self.plan.point.get_mut("learning_rate") {
            *rate = (*rate * factor).min(RATE_MAX.max(*rate));
            self.name.push_str(", hastened");
        }
        self
    }
}

/// Largest learning rate that haste leads to.
const RATE_MAX: f64 = 0.2;

/// How much longer a fit takes on combined features.
const COMBINED_WORK: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_learner::Point;

    fn candidate(learner: &str, rate: Option<f64>) -> Candidate {
        let learner = kolosal_learners::find(learner).expect("on the list");
        let point: Point = rate
            .map(|rate| ("learning_rate".to_owned(), Value::Float(rate)))
            .into_iter()
            .collect();
        Candidate {
            name: "it".to_owned(),
            plan: MemberPlan::plain(learner, point),
            work_per_kilocell: 1.0,
            work_per_row: 0.0,
        }
    }

    #[test]
    fn haste_raises_the_learning_rate_up_to_a_limit() {
        for (factor, expected) in [(0.5, 0.03), (2.0, 0.06), (100.0, 0.12)] {
            let hastened = candidate("lightgbm", Some(0.03)).hastened(factor);
            let Some(Value::Float(rate)) = hastened.plan.point.get("learning_rate") else {
                panic!("it has a rate");
            };
            assert!((rate - expected).abs() < 1e-12, "{factor}: {rate}");
        }
        let fast = candidate("lightgbm", Some(0.5)).hastened(3.0);
        assert_eq!(
            fast.plan.point["learning_rate"],
            Value::Float(0.5),
            "never slower than asked for"
        );
        assert_eq!(candidate("ridge", None).hastened(3.0).name, "it");
    }

    #[test]
    fn a_network_in_haste_passes_over_fewer_rows_and_its_work_is_bounded() {
        let mut network = candidate("mlp", None);
        network
            .plan
            .point
            .insert(ROW_PASSES.to_owned(), Value::Int(256_000));
        assert_eq!(network.work(1_000, 10), network.work(100_000, 10));
        assert_eq!(network.work(1_000, 10), 2 * network.work(500, 10));
        let work = network.work(100_000, 10);
        let hastened = network.hastened(2.0);
        assert_eq!(hastened.plan.point[ROW_PASSES], Value::Int(128_000));
        assert_eq!(hastened.work(100_000, 10), work / 2);
    }

    #[test]
    fn work_of_comparing_rows_grows_with_their_square() {
        let mut comparing = candidate("neighbors", None);
        assert_eq!(comparing.work(2_000, 10), 2 * comparing.work(1_000, 10));
        (comparing.work_per_kilocell, comparing.work_per_row) = (0.0, 1.0);
        assert_eq!(comparing.work(2_000, 10), 4 * comparing.work(1_000, 10));
    }
}
