//! Constraints that hold through the whole model: directions of columns, and which columns may act together.
//!
//! Only learners whose parameters take them can keep them, and only on the table's own columns: a ratio of two columns rises
//! in neither. A mean of members that each keep a direction keeps it, and so does a temperature of two classes; the finished
//! blend is still looked at on real rows, each moved along the column.

use kolosal_frame::{Column, Frame, Kind};
use kolosal_learner::{Learner, TaskKind, Value};
use kolosal_pipeline::Features;

use crate::gather::Chosen;
use crate::prepare::Prepared;
use crate::{Candidate, TrainError};

/// What a model must keep to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    /// Columns along which answers, or the probability of the second class, never fall (+1) or never rise (-1).
    pub monotone: Vec<(String, i8)>,
    /// Sets of columns that may act together; columns of no set act alone. Empty: all may.
    pub interactions: Vec<Vec<String>>,
}

/// The parameter that takes directions.
const MONOTONE: &str = "monotone_constraints";
/// The parameter that takes sets of columns.
const INTERACTIONS: &str = "interaction_constraints";

/// Rows that a finished model is looked at on.
const ROWS_CHECKED: usize = 100;
/// Values that each of them takes in the column.
const STEPS_CHECKED: usize = 24;
/// How far an answer may go the wrong way: sums of many members round.
const ROUNDING: f64 = 1e-12;

impl Constraints {
    /// Whether anything is asked for.
    pub fn are_there(&self) -> bool {
        !self.monotone.is_empty() || !self.interactions.is_empty()
    }

    /// Every constraint in words, by the name of its option.
    pub fn options(&self) -> Vec<(String, String)> {
        let mut options = Vec::new();
        if !self.monotone.is_empty() {
            options.push(("monotone".to_owned(), self.directions()));
        }
        if !self.interactions.is_empty() {
            options.push(("interactions".to_owned(), self.sets()));
        }
        options
    }

    fn directions(&self) -> String {
        let word = |(column, direction): &(String, i8)| format!("{column}:{direction}");
        self.monotone.iter().map(word).collect::<Vec<_>>().join(",")
    }

    fn sets(&self) -> String {
        let set = |columns: &Vec<String>| format!("[{}]", columns.join(","));
        let sets: Vec<String> = self.interactions.iter().map(set).collect();
        format!("[{}]", sets.join(","))
    }

    /// Checks that a table can be learned from under these constraints.
    ///
    /// # Errors
    /// [`TrainError::Frame`] for a column that is not there, [`TrainError::Constraint`] for one that cannot be bound.
    pub(crate) fn check(&self, prepared: &Prepared) -> Result<(), TrainError> {
        let refused = |column: &str, why: &str| {
            Err(TrainError::Constraint {
                column: column.to_owned(),
                why: why.to_owned(),
            })
        };
        if self.interactions.iter().any(Vec::is_empty) {
            return refused(
                "",
                "a set of columns that act together is empty: name its columns",
            );
        }
        let mut named: Vec<&str> = self.monotone.iter().map(|(name, _)| name.as_str()).collect();
        named.sort_unstable();
        if let Some(twice) = named.windows(2).find(|pair| pair[0] == pair[1]) {
            return refused(twice[0], "it is given a direction twice");
        }
        let fields = prepared.shared.fields();
        let named = self.monotone.iter().map(|(name, _)| (name, true));
        let together = self.interactions.iter().flatten().map(|name| (name, false));
        for (name, must_be_number) in named.chain(together) {
            let Some(field) = fields.iter().find(|field| field.name == *name) else {
                let names = fields.iter().map(|field| field.name.as_str());
                let close = kolosal_frame::closest(name, names).join(" or ");
                let hint = if close.is_empty() {
                    String::new()
                } else {
                    format!(", did you mean {close}?")
                };
                return refused(
                    name,
                    &format!("it is not among the columns that are learned from{hint}"),
                );
            };
            if name.contains([',', ':', '[', ']', '(', ')']) {
                return refused(name, "its name has one of , : [ ] ( ) in it: rename the column");
            }
            let is_number = matches!(field.kind, Kind::Numeric | Kind::Integer | Kind::Boolean);
            if must_be_number && !is_number {
                return refused(name, "only numbers have a direction");
            }
            if !is_number && field.kind != Kind::Categorical {
                return refused(
                    name,
                    "dates and texts are taken apart first, so they cannot be bound",
                );
            }
        }
        let is_ordered = matches!(prepared.task().kind(), TaskKind::Binary | TaskKind::Regression);
        match self.monotone.first() {
            Some((name, _)) if !is_ordered => refused(
                name,
                "answers of more than two classes have no direction: a regression or two classes have one",
            ),
            _ => Ok(()),
        }
    }

    /// Whether a learner can keep them.
    pub(crate) fn suit(&self, learner: &dyn Learner) -> bool {
        let takes = |name: &str| learner.params().iter().any(|def| def.name == name);
        learner.card().name == "baseline"
            || (self.monotone.is_empty() || takes(MONOTONE))
                && (self.interactions.is_empty() || takes(INTERACTIONS))
    }

    /// The candidate with the constraints among its parameters; `None` if it cannot keep them.
    pub(crate) fn bind(&self, mut candidate: Candidate) -> Option<Candidate> {
        if !self.are_there() {
            return Some(candidate);
        }
        if !self.suit(candidate.plan.learner) || candidate.plan.features == Features::Combined {
            return None;
        }
        let is_known = |name: &str| candidate.plan.learner.params().iter().any(|def| def.name == name);
        let mut bound = Vec::new();
        if !self.monotone.is_empty() && is_known(MONOTONE) {
            bound.push((MONOTONE, self.directions()));
        }
        if !self.interactions.is_empty() && is_known(INTERACTIONS) {
            bound.push((INTERACTIONS, self.sets()));
        }
        for (name, text) in bound {
            candidate.plan.point.insert(name.to_owned(), Value::Choice(text));
        }
        Some(candidate)
    }

    /// Moves rows along each column that has a direction and looks whether the answers of the members together follow.
    ///
    /// # Errors
    /// [`TrainError::Constraint`] with the column, if they do not.
    pub(crate) fn prove(&self, members: &[Chosen], prepared: &Prepared) -> Result<Vec<String>, TrainError> {
        let frame = &prepared.shared.frame;
        let mut proofs = Vec::new();
        for (name, direction) in &self.monotone {
            let at = frame.schema().require(name)?;
            let (moved, steps) = moved_rows(frame, at);
            let answers = answers_of(members, &moved, prepared.task().width());
            for row in answers.chunks_exact(steps.max(1)) {
                let falls = |pair: &[f64]| {
                    f64::from(*direction) * (pair[1] - pair[0]) < -ROUNDING * pair[0].abs().max(1.0)
                };
                if row.windows(2).any(falls) {
                    return Err(TrainError::Constraint {
                        column: name.clone(),
                        why: "the finished model does not keep its direction, so it was not written; please report this".to_owned(),
                    });
                }
            }
            let word = if *direction > 0 { "fall" } else { "rise" };
            proofs.push(format!(
                "answers never {word} along '{name}': seen on {} rows, each at {steps} values of it",
                moved.row_count() / steps.max(1)
            ));
        }
        Ok(proofs)
    }
}

/// Rows from all over a frame, each as often as there are steps, with rising values in one column.
fn moved_rows(frame: &Frame, at: usize) -> (Frame, usize) {
    let mut values: Vec<f64> = frame
        .view()
        .numbers(at)
        .into_iter()
        .filter(|v| !v.is_nan())
        .collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    let steps = values.len().min(STEPS_CHECKED);
    let step = |i: usize| values[i * (values.len() - 1) / (steps - 1).max(1)];
    let steps: Vec<f64> = (0..steps).map(step).collect();
    let count = frame.row_count();
    let stride = count.div_ceil(ROWS_CHECKED).max(1);
    let rows: Vec<u32> = (0..count)
        .step_by(stride)
        .flat_map(|row| std::iter::repeat_n(row as u32, steps.len()))
        .collect();
    let mut columns: Vec<Column> = frame.select(&rows).to_frame().columns().to_vec();
    columns[at] = Column::numbers(
        rows.iter()
            .enumerate()
            .map(|(i, _)| steps[i % steps.len()])
            .collect(),
    );
    (Frame::with_schema(frame.schema(), columns), steps.len())
}

/// The last number of each row's answer: the value, or the probability of the second class.
fn answers_of(members: &[Chosen], rows: &Frame, width: usize) -> Vec<f64> {
    let mut sum = vec![0.0; rows.row_count() * width];
    let mut answer = sum.clone();
    for chosen in members {
        chosen.member.predict_into(rows.view(), &mut answer);
        sum.iter_mut()
            .zip(&answer)
            .for_each(|(sum, value)| *sum += chosen.weight * value);
    }
    sum.into_iter().skip(width - 1).step_by(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::prepare;
    use crate::{Preset, TrainRequest};
    use kolosal_base::{Cancel, ManualClock, Seed};
    use kolosal_compute::{Ledger, Workers};
    use kolosal_frame::Field;
    use kolosal_learner::{FitContext, Point, Silent};
    use kolosal_pipeline::{MemberPlan, fit_member};

    /// The target rises with `x` and then falls; `c` is a category.
    fn table() -> Frame {
        let x: Vec<f64> = (0..200).map(|i| f64::from(i) / 10.0).collect();
        let y = x.iter().map(|x| (x / 5.0).sin()).collect();
        let c: Vec<&str> = (0..200).map(|i| if i % 3 == 0 { "p" } else { "q" }).collect();
        let field = |name: &str, kind| Field::new(name, kind, "test");
        Frame::new(vec![
            (field("x", Kind::Numeric), Column::numbers(x)),
            (field("c", Kind::Categorical), Column::categories(&c)),
            (field("y", Kind::Numeric), Column::numbers(y)),
        ])
        .expect("distinct names")
    }

    fn rising(name: &str) -> TrainRequest {
        TrainRequest {
            constraints: Constraints {
                monotone: vec![(name.to_owned(), 1)],
                interactions: Vec::new(),
            },
            preset: Preset::Fast,
            ..TrainRequest::new("y")
        }
    }

    fn member(learner: &str, constraints: &Constraints) -> (Prepared, Chosen) {
        let prepared = prepare(&table(), &rising("x")).expect("two columns");
        let candidate = Candidate {
            name: learner.to_owned(),
            plan: MemberPlan::plain(kolosal_learners::find(learner).expect("listed"), Point::new()),
            work_per_kilocell: 1.0,
            work_per_row: 0.0,
        };
        let bound = constraints.bind(candidate).expect("a learner that can");
        let (workers, memory, clock, cancel) = (
            Workers::new(1),
            Ledger::new(1 << 30),
            ManualClock::default(),
            Cancel::new(),
        );
        let cx = FitContext {
            seed: Seed::new(1),
            workers: &workers,
            memory: &memory,
            clock: &clock,
            deadline: None,
            cancel: &cancel,
            progress: &Silent,
            valid: None,
        };
        let member = fit_member(&bound.plan, &prepared.train_view().expect("rows"), &cx).expect("learns");
        (prepared, Chosen::alone(member))
    }

    #[test]
    fn a_model_without_the_constraint_is_found_out_and_one_with_it_is_not() {
        let asked = rising("x").constraints;
        let (prepared, free) = member("decision_tree", &Constraints::default());
        let broken = asked
            .prove(&[free], &prepared)
            .expect_err("sine waves fall")
            .to_string();
        assert!(
            broken.contains("'x'") && broken.contains("does not keep"),
            "{broken}"
        );
        for learner in ["lightgbm", "xgboost"] {
            let (prepared, bound) = member(learner, &asked);
            let proofs = asked.prove(&[bound], &prepared).expect("it keeps its direction");
            assert!(proofs[0].contains("100 rows, each at 24 values"), "{proofs:?}");
        }
    }

    #[test]
    fn columns_that_cannot_be_bound_are_refused_with_the_reason() {
        let refused = |name: &str| {
            prepare(&table(), &rising(name))
                .err()
                .expect("refused")
                .to_string()
        };
        assert!(refused("c").contains("only numbers have a direction"));
        assert!(refused("X").contains("did you mean x"), "{}", refused("X"));
        let with = |constraints| {
            let request = TrainRequest {
                constraints,
                ..TrainRequest::new("y")
            };
            prepare(&table(), &request).err().expect("refused").to_string()
        };
        let twice = with(Constraints {
            monotone: vec![("x".to_owned(), 1), ("x".to_owned(), -1)],
            ..Constraints::default()
        });
        assert!(twice.contains("a direction twice"), "{twice}");
        let empty = with(Constraints {
            interactions: vec![Vec::new()],
            ..Constraints::default()
        });
        assert!(empty.contains("is empty"), "{empty}");
    }

    #[test]
    fn learners_that_cannot_keep_constraints_are_not_tried() {
        let size = crate::portfolio::Size {
            rows: 1000,
            spread: 10,
            can_combine: true,
        };
        let lines =
            crate::portfolio::portfolio(TaskKind::Regression, size, &rising("x")).expect("boosters can");
        let names: std::collections::BTreeSet<&str> =
            lines.iter().map(|c| c.plan.learner.card().name).collect();
        assert_eq!(
            names.into_iter().collect::<Vec<_>>(),
            ["baseline", "lightgbm"],
            "fast tries one booster"
        );
        assert!(lines.iter().all(|c| c.plan.features == Features::Plain));
    }
}
