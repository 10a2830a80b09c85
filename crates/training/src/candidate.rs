//! One thing to try, and what it costs.

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
}

impl Candidate {
    /// Work units of one fit on this many rows and columns, at least one; the same on every machine.
    pub fn work(&self, rows: usize, columns: usize) -> u64 {
        let cells = rows as f64 * columns.max(1) as f64;
        let more = if self.plan.features == Features::Combined {
            COMBINED_WORK
        } else {
            1.0
        };
        (cells / 1e3 * self.work_per_kilocell * more).ceil().max(1.0) as u64
    }

    /// Whether its learner judges itself by held-out rows as it learns, so that it can end with what it has.
    pub fn ends_early(&self) -> bool {
        let asks = |name: &String| name.starts_with("early_stopping");
        self.plan.point.keys().any(asks)
    }
}

/// How much longer a fit takes on combined features.
const COMBINED_WORK: f64 = 3.0;
