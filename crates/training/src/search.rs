//! The search after the portfolio: ASHT over the parameters of the learners that pay.
//!
//! One study over a tree of parameters: which learner, and under it that learner's own. The space comes from the learners'
//! parameter tables alone; what the portfolio has found is told first, so that the search starts where it ended.

use std::collections::BTreeMap;

use kolosal_asht::{
    Asked, Domain as AshtDomain, Param, Point as AshtPoint, Settings, Space, Study, Told, Value as AshtValue,
};
use kolosal_learner::{Domain, Learner, Metric, ParamDef, Point, Scale, Value};
use kolosal_pipeline::{Features, MemberPlan};

use crate::experience::Memory;
use crate::trial::Finished;
use crate::{Candidate, Constraints, TrainRequest};

/// The parameter that says which learner a point is for.
const LEARNER: &str = "learner";

/// Most learners that are searched.
const LEARNERS_MAX: usize = 4;

/// A learner whose best candidate closes less than this share of the gap between the baseline and the best is not searched.
const SHARE_MIN: f64 = 0.9;

/// Parameters that are set for every point of a learner: how long it may go on, and when it stops.
const FIXED: &[(&str, Value)] = &[
    ("n_estimators", Value::Int(3000)),
    ("iterations", Value::Int(2000)),
    ("early_stopping_round", Value::Int(100)),
    ("early_stopping_rounds", Value::Int(100)),
    ("early_stopping_adaptive", Value::Bool(true)),
    ("row_passes", Value::Int(500_000)),
    ("early_stopping", Value::Bool(true)),
];

/// A running search.
pub(crate) struct Search {
    /// `None` where no learner has anything to search.
    study: Option<Study>,
    families: Vec<Family>,
    metric: &'static dyn Metric,
    constraints: Constraints,
    asked: Option<Asked>,
    count: usize,
}

/// A learner that is searched.
struct Family {
    learner: &'static dyn Learner,
    work_per_kilocell: f64,
    work_per_row: f64,
}

impl Search {
    /// A search over the learners that have done best so far.
    pub(crate) fn new(
        request: &TrainRequest,
        metric: &'static dyn Metric,
        (finished, memory): (&[Finished], &Memory<'_>),
    ) -> Self {
        let families = families(metric, finished);
        let space = space_of(&families);
        let settings = Settings {
            seed: request.seed.fork("search").value(),
            history: memory.studies(write_point),
            ..Settings::default()
        };
        let mut study = space.and_then(|space| Study::new(space, settings).ok());
        if let Some(study) = &mut study {
            tell_portfolio(study, &families, metric, finished);
        }
        Self {
            study,
            families,
            metric,
            constraints: request.constraints.clone(),
            asked: None,
            count: 0,
        }
    }

    /// The next candidate; `None` if there is nothing to search.
    pub(crate) fn next(&mut self, finished: &[Finished]) -> Option<Candidate> {
        let study = self.study.as_mut()?;
        // A point that was tried before under another number would be fitted again for nothing.
        for _ in 0..REPEATS_MAX {
            let asked = study.ask();
            let (learner, point) = read_point(&asked.point, &self.families)?;
            let family = self
                .families
                .iter()
                .find(|family| family.learner.card().name == learner)?;
            let is_legal = family.learner.check(&point).is_ok();
            let bound = self.constraints.bind(Candidate {
                name: format!("{learner}, search {}", self.count + 1),
                plan: MemberPlan {
                    learner: family.learner,
                    point,
                    features: Features::Plain,
                },
                work_per_kilocell: family.work_per_kilocell,
                work_per_row: family.work_per_row,
            });
            let is_new = |new: &Candidate| {
                finished.iter().all(|done| {
                    let (old, new) = (&done.candidate.plan, &new.plan);
                    old.learner.card().name != learner || old.point != new.point
                })
            };
            let Some(candidate) = bound.filter(|new| is_legal && is_new(new)) else {
                study.tell(asked.id, Told::failed()).ok()?;
                continue;
            };
            self.count += 1;
            self.asked = Some(asked);
            return Some(candidate);
        }
        None
    }

    /// Tells what the last candidate was worth.
    pub(crate) fn tell(&mut self, done: Option<&Finished>) {
        let (Some(study), Some(asked)) = (self.study.as_mut(), self.asked.take()) else {
            return;
        };
        let told = match done {
            Some(done) => Told::value(self.metric.loss(done.score)),
            None => Told::failed(),
        };
        // A loss that is no number is told as a failure.
        if study.tell(asked.id, told).is_err() {
            let _ = study.tell(asked.id, Told::failed());
        }
    }
}

/// Points in a row that may be refused before the search gives up.
const REPEATS_MAX: usize = 20;

/// The learners worth searching, best first.
fn families(metric: &dyn Metric, finished: &[Finished]) -> Vec<Family> {
    let mut best: BTreeMap<&'static str, (f64, &Finished)> = BTreeMap::new();
    for done in finished {
        let loss = metric.loss(done.score);
        let name = done.candidate.plan.learner.card().name;
        let entry = best.entry(name).or_insert((loss, done));
        if loss < entry.0 {
            *entry = (loss, done);
        }
    }
    let Some(worst) = best.get("baseline").map(|(loss, _)| *loss) else {
        return ranked(best, f64::INFINITY);
    };
    let lowest = best.values().map(|(loss, _)| *loss).fold(f64::INFINITY, f64::min);
    ranked(best, worst - SHARE_MIN * (worst - lowest))
}

fn ranked(best: BTreeMap<&'static str, (f64, &Finished)>, bar: f64) -> Vec<Family> {
    let mut order: Vec<(f64, &Finished)> = best
        .into_values()
        .filter(|(loss, done)| *loss <= bar && !searched(done.candidate.plan.learner).is_empty())
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.index.cmp(&b.1.index)));
    order.truncate(LEARNERS_MAX);
    let family = |(_, done): (f64, &Finished)| Family {
        learner: done.candidate.plan.learner,
        work_per_kilocell: done.candidate.work_per_kilocell,
        work_per_row: done.candidate.work_per_row,
    };
    order.into_iter().map(family).collect()
}

/// A parameter that a search walks.
struct Searched {
    def: &'static ParamDef,
    domain: Domain,
    /// Another that is searched, and the values of it for which this one matters.
    only_if: Option<(&'static str, Vec<&'static str>)>,
}

/// The parameters of a learner that a search walks: those with a range that are not fixed, each behind the one it depends
/// on. One that only matters for values that are not searched is left out.
fn searched(learner: &dyn Learner) -> Vec<Searched> {
    let is_fixed = |name: &str| FIXED.iter().any(|(fixed, _)| *fixed == name);
    let ranges: Vec<(&'static ParamDef, Domain)> = learner
        .params()
        .iter()
        .filter(|def| !is_fixed(def.name))
        .filter_map(|def| Some((def, def.search?)))
        .collect();
    let (mut free, mut bound) = (Vec::new(), Vec::new());
    for &(def, domain) in &ranges {
        let other = def
            .only_if
            .and_then(|(other, values)| Some((ranges.iter().find(|(d, _)| d.name == other)?, values)));
        let Some((&(parent, of_parent), values)) = other else {
            free.push(Searched {
                def,
                domain,
                only_if: None,
            });
            continue;
        };
        let words: Vec<&'static str> = match of_parent {
            Domain::Choice(words) => words.to_vec(),
            Domain::Bool => vec!["false", "true"],
            _ => Vec::new(),
        };
        let on: Vec<&'static str> = words
            .iter()
            .copied()
            .filter(|word| values.contains(word))
            .collect();
        if on.len() == words.len() {
            free.push(Searched {
                def,
                domain,
                only_if: None,
            });
        } else if !on.is_empty() {
            let only_if = Some((parent.name, on));
            bound.push(Searched { def, domain, only_if });
        }
    }
    free.extend(bound);
    free
}

/// The tree: the learner, and under each its own parameters. `None` if there is nothing to search.
fn space_of(families: &[Family]) -> Option<Space> {
    if families.is_empty() {
        return None;
    }
    let names: Vec<&str> = families.iter().map(|family| family.learner.card().name).collect();
    let mut params = vec![Param::categorical(LEARNER, &names)];
    for family in families {
        let name = family.learner.card().name;
        for part in searched(family.learner) {
            let param = param_of(&full_name(name, part.def.name), &part.domain)?;
            params.push(match part.only_if {
                Some((other, values)) => param.when(&full_name(name, other), &values),
                None => param.when(LEARNER, &[name]),
            });
        }
    }
    Space::new(params).ok()
}

fn full_name(learner: &str, param: &str) -> String {
    format!("{learner}.{param}")
}

fn param_of(name: &str, domain: &Domain) -> Option<Param> {
    let domain = match *domain {
        Domain::Float { min, max, scale } => AshtDomain::Float {
            low: min,
            high: max,
            log: scale == Scale::Log,
        },
        Domain::Int { min, max, scale } => AshtDomain::Int {
            low: min,
            high: max,
            log: scale == Scale::Log,
        },
        Domain::Bool => return Some(Param::categorical(name, &["false", "true"])),
        Domain::Choice(words) => return Some(Param::categorical(name, words)),
        Domain::Text(_) => return None,
    };
    Some(Param {
        name: name.to_owned(),
        domain,
        condition: None,
    })
}

/// A learner and its parameters from a point of the study.
fn read_point(point: &AshtPoint, families: &[Family]) -> Option<(&'static str, Point)> {
    let AshtValue::Choice(chosen) = point.get(LEARNER)? else {
        return None;
    };
    let family = families
        .iter()
        .find(|family| family.learner.card().name == *chosen)?;
    let name = family.learner.card().name;
    let mut read = Point::new();
    for def in family.learner.params() {
        if let Some((fixed, value)) = FIXED.iter().find(|(fixed, _)| *fixed == def.name) {
            read.insert((*fixed).to_owned(), value.clone());
        } else if let Some(value) = point.get(&full_name(name, def.name)) {
            read.insert(def.name.to_owned(), value_of(value, def)?);
        }
    }
    Some((name, read))
}

fn value_of(value: &AshtValue, def: &ParamDef) -> Option<Value> {
    Some(match (value, def.search?) {
        (AshtValue::Float(v), _) => Value::Float(*v),
        (AshtValue::Int(v), _) => Value::Int(*v),
        (AshtValue::Choice(word), Domain::Bool) => Value::Bool(word == "true"),
        (AshtValue::Choice(word), _) => Value::Choice(word.clone()),
    })
}

/// Tells the study what the portfolio found, where it lies in the space.
fn tell_portfolio(study: &mut Study, families: &[Family], metric: &dyn Metric, finished: &[Finished]) {
    for done in finished {
        let plan = &done.candidate.plan;
        let is_plain = plan.features == Features::Plain;
        let name = plan.learner.card().name;
        let family = families.iter().find(|family| family.learner.card().name == name);
        let (Some(family), true) = (family, is_plain) else {
            continue;
        };
        let complete = family.learner.check(&plan.point).ok();
        let point = complete.and_then(|complete| write_point(&complete, family.learner));
        if let Some(point) = point {
            // A point that the space refuses is not worth an error: the search does without it.
            let _ = study.tell_point(&point, Told::value(metric.loss(done.score)));
        }
    }
}

/// The point of the study for parameters of a learner; `None` if they lie outside the space.
fn write_point(complete: &Point, learner: &dyn Learner) -> Option<AshtPoint> {
    let name = learner.card().name;
    let mut point = AshtPoint::new();
    point.insert(LEARNER.to_owned(), AshtValue::Choice(name.to_owned()));
    for part in searched(learner) {
        let is_on = part.only_if.is_none_or(|(other, values)| {
            let chosen = complete.get(other).map(ToString::to_string);
            chosen.is_some_and(|chosen| values.contains(&chosen.as_str()))
        });
        if is_on {
            let value = complete
                .get(part.def.name)
                .filter(|value| part.domain.contains(value))?;
            let value = match value {
                Value::Float(v) => AshtValue::Float(*v),
                Value::Int(v) => AshtValue::Int(*v),
                Value::Bool(v) => AshtValue::Choice(v.to_string()),
                Value::Choice(word) => AshtValue::Choice(word.clone()),
            };
            point.insert(full_name(name, part.def.name), value);
        }
    }
    Some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_learner_with_ranges_makes_a_space_whose_points_are_legal() {
        let mut seen = 0;
        for learner in kolosal_learners::LEARNERS {
            let families = [Family {
                learner: *learner,
                work_per_kilocell: 1.0,
                work_per_row: 0.0,
            }];
            if searched(*learner).is_empty() {
                continue;
            }
            seen += 1;
            let name = learner.card().name;
            let space = space_of(&families).unwrap_or_else(|| panic!("{name} has a space"));
            let mut study = Study::new(space, Settings::default()).expect("a study");
            for _ in 0..20 {
                let asked = study.ask();
                let (found, point) = read_point(&asked.point, &families).expect("a point of the space");
                assert_eq!(found, name);
                let complete = learner.check(&point);
                let complete = complete.unwrap_or_else(|error| panic!("{name}: {error}"));
                let written = write_point(&complete, *learner).expect("it came from the space");
                assert_eq!(written, asked.point, "{name}");
                study.tell(asked.id, Told::failed()).expect("an open trial");
            }
        }
        assert!(seen >= 5, "boosters and more are searched: {seen}");
    }
}
