//! The table of parameters is a promise too.

use kolosal_learner::{Domain, ParamDef, ParamError, Point, Value};

use super::card::is_name;
use super::{LearnerCase, accepted, answers_soundly};
use crate::clause::{Verdict, at, demand};
use crate::room::Room;
use crate::tables::{Table, mixed};

/// Rows on which the ends of searches are tried: the largest models must stay cheap.
const ROWS_OF_ENDS: usize = 24;

pub(super) fn are_documented(case: &LearnerCase) -> Verdict {
    case.learner.params().iter().try_for_each(|def| {
        let is_sentence = def.doc.ends_with('.') && def.doc.len() > 5;
        demand(is_sentence, || {
            format!("the doc of {} is no sentence: {:?}", def.name, def.doc)
        })
    })
}

pub(super) fn lie_in_their_ranges(case: &LearnerCase) -> Verdict {
    for def in case.learner.params() {
        let default = (def.default)();
        demand(def.legal.contains(&default), || {
            format!("the default of {} is {default}, legal is {}", def.name, def.legal)
        })?;
        let Some(search) = def.search else { continue };
        let ends = ends_of(&search);
        let is_range = !ends.is_empty() && ends.iter().all(|end| search.contains(end));
        demand(is_range, || {
            format!("the search of {} is empty: {search}", def.name)
        })?;
        let outside = ends.iter().find(|end| !def.legal.contains(end));
        demand(outside.is_none(), || {
            format!("the search of {} is {search}, legal is {}", def.name, def.legal)
        })?;
    }
    Ok(())
}

/// The lowest and highest value, or every word.
fn ends_of(domain: &Domain) -> Vec<Value> {
    match domain {
        Domain::Float { min, max, .. } => vec![Value::Float(*min), Value::Float(*max)],
        Domain::Int { min, max, .. } => vec![Value::Int(*min), Value::Int(*max)],
        Domain::Bool => vec![Value::Bool(false), Value::Bool(true)],
        Domain::Choice(words) => words
            .iter()
            .map(|word| Value::Choice((*word).to_owned()))
            .collect(),
        // What a text may say is the learner's own affair.
        Domain::Text(_) => Vec::new(),
    }
}

fn single(name: &str, value: Value) -> Point {
    Point::from([(name.to_owned(), value)])
}

pub(super) fn names_reach(case: &LearnerCase) -> Verdict {
    let named = |def: &ParamDef| {
        demand(is_name(def.name), || {
            format!("'{}' is not lower case joined by _", def.name)
        })
    };
    case.learner.params().iter().try_for_each(named)?;
    let mut taken: Vec<&str> = Vec::new();
    for name in case.learner.params().iter().flat_map(names_of) {
        demand(is_word(name), || {
            format!("'{name}' has signs that options do not take")
        })?;
        demand(!taken.contains(&name), || format!("'{name}' is taken twice"))?;
        taken.push(name);
    }
    let defaults = case
        .learner
        .check(&Point::new())
        .map_err(|e| format!("the defaults are refused: {e}"))?;
    for def in case.learner.params() {
        for name in names_of(def) {
            let found = case.learner.check(&single(name, (def.default)()));
            let is_reached = found.as_ref().is_ok_and(|point| *point == defaults);
            demand(is_reached, || {
                format!("'{name}' with the default gives {found:?}")
            })?;
        }
    }
    let again = case.learner.check(&defaults);
    demand(again.as_ref() == Ok(&defaults), || {
        format!("a checked point checks to {again:?}")
    })
}

/// Letters, digits and `_`: aliases are spelled as elsewhere, `C` included.
fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn names_of(def: &'static ParamDef) -> impl Iterator<Item = &'static str> {
    def.aliases.iter().copied().chain([def.name])
}

pub(super) fn conditions_hold(case: &LearnerCase) -> Verdict {
    let defs = case.learner.params();
    for def in defs {
        let Some((other, words)) = def.only_if else {
            continue;
        };
        let legal = defs
            .iter()
            .find(|d| d.name == other && d.name != def.name)
            .map(|d| d.legal);
        let is_word = |word: &&str| match legal {
            Some(Domain::Choice(legal)) => legal.contains(word),
            Some(Domain::Bool) => ["true", "false"].contains(word),
            _ => false,
        };
        let holds = !words.is_empty() && words.iter().all(is_word);
        demand(holds, || {
            format!("{} depends on {other} being one of {words:?}", def.name)
        })?;
    }
    Ok(())
}

pub(super) fn unknown_is_answered(case: &LearnerCase) -> Verdict {
    for def in case.learner.params() {
        let slip = format!("{}q", def.name);
        let answer = case.learner.check(&single(&slip, (def.default)()));
        let is_helpful =
            matches!(&answer, Err(e @ ParamError::Unknown { .. }) if e.to_string().contains(def.name));
        demand(is_helpful, || format!("'{slip}' is answered {answer:?}"))?;
    }
    let far = case.learner.check(&single("nothing_like_it", Value::Int(1)));
    demand(far.is_err(), || "an unknown parameter is accepted".to_owned())
}

pub(super) fn bounds_are_accepted(case: &LearnerCase) -> Verdict {
    for def in case.learner.params() {
        for end in ends_of(&def.legal) {
            let answer = case.learner.check(&single(def.name, end.clone()));
            // Another parameter's default may exclude a bound; the range itself may not.
            let is_legal = matches!(answer, Ok(_) | Err(ParamError::Conflict { .. }));
            demand(is_legal, || {
                format!("{} = {end} is answered {answer:?}", def.name)
            })?;
        }
        for value in outside(def) {
            let answer = case.learner.check(&single(def.name, value.clone()));
            let is_refused = matches!(answer, Err(ParamError::Range { .. }));
            demand(is_refused, || {
                format!("{} = {value} is answered {answer:?}", def.name)
            })?;
        }
    }
    Ok(())
}

/// Values that are just not legal.
fn outside(def: &ParamDef) -> Vec<Value> {
    match def.legal {
        Domain::Float { max, .. } => vec![Value::Float(f64::NAN), Value::Float(max.next_up())],
        Domain::Int { min, max, .. } => {
            let beyond = [min.checked_sub(1), max.checked_add(1)];
            beyond.into_iter().flatten().map(Value::Int).collect()
        }
        Domain::Bool => vec![Value::Int(2)],
        Domain::Choice(_) => vec![Value::Choice("no such word".to_owned())],
        Domain::Text(_) => vec![Value::Bool(true)],
    }
}

pub(super) fn search_ends_fit(case: &LearnerCase) -> Verdict {
    let table = mixed(case.task(), case.learner.card(), ROWS_OF_ENDS, 2);
    for def in case.learner.params() {
        for end in def.search.iter().flat_map(ends_of) {
            let mut point = case.point();
            point.insert(def.name.to_owned(), end.clone());
            enable(case, def, &mut point);
            at(&format!("{} = {end}", def.name), fits(case, &point, &table))?;
        }
    }
    Ok(())
}

/// Sets the parameter that this one depends on to a word that makes it count.
fn enable(case: &LearnerCase, def: &ParamDef, point: &mut Point) {
    let Some((other, words)) = def.only_if else { return };
    let legal = case
        .learner
        .params()
        .iter()
        .find(|d| d.name == other)
        .map(|d| d.legal);
    if let Some(value) = legal.and_then(|legal| legal.parse(words.first()?)) {
        point.insert(other.to_owned(), value);
    }
}

fn fits(case: &LearnerCase, point: &Point, table: &Table) -> Verdict {
    if matches!(case.learner.check(point), Err(ParamError::Conflict { .. })) {
        return Ok(());
    }
    let model = accepted(case.fit_point(point, &table.train(), &Room::new(1).cx())?)?;
    answers_soundly(case.task(), model.as_ref(), table.view())
}
