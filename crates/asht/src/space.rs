//! The space: parameters with ranges and conditions, and the code in which the algorithms see a point.
//!
//! A point is coded as one number a parameter: a float or an integer as its place in `[0, 1]` (on the log scale where
//! declared; an integer at the centre of its cell), a category as its index, a parameter that does not exist at this
//! point as [`ABSENT`]. Parents stand before children, so one pass from left to right settles what exists.

use std::collections::BTreeMap;

use kolosal_base::Rng;

use crate::error::AshtError;

/// The code of a parameter that does not exist at a point.
pub(crate) const ABSENT: f64 = -1.0;

/// The most parameters a space may have.
pub const PARAMETERS_MAX: usize = 512;

/// What a parameter may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// A number between two bounds, both included.
    Float {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// Searched on the log scale; needs `low > 0`.
        log: bool,
    },
    /// A whole number between two bounds, both included.
    Int {
        /// Lower bound.
        low: i64,
        /// Upper bound.
        high: i64,
        /// Searched on the log scale; needs `low > 0`.
        log: bool,
    },
    /// One of several names without order.
    Categorical {
        /// The names.
        choices: Vec<String>,
    },
}

/// When a parameter exists: when an earlier categorical has one of these values.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Name of the earlier categorical.
    pub param: String,
    /// Its values for which the parameter exists.
    pub one_of: Vec<String>,
}

/// One parameter of a space.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name, unique in the space.
    pub name: String,
    /// What it may be.
    pub domain: Domain,
    /// When it exists; always, where none is given.
    pub condition: Option<Condition>,
}

impl Param {
    /// A float on the plain scale.
    pub fn float(name: &str, low: f64, high: f64) -> Self {
        let log = false;
        Self::new(name, Domain::Float { low, high, log })
    }

    /// A float on the log scale.
    pub fn log_float(name: &str, low: f64, high: f64) -> Self {
        let log = true;
        Self::new(name, Domain::Float { low, high, log })
    }

    /// An integer on the plain scale.
    pub fn int(name: &str, low: i64, high: i64) -> Self {
        let log = false;
        Self::new(name, Domain::Int { low, high, log })
    }

    /// A categorical.
    pub fn categorical(name: &str, choices: &[&str]) -> Self {
        let choices = choices.iter().map(|&c| c.to_owned()).collect();
        Self::new(name, Domain::Categorical { choices })
    }

    /// The same parameter, existing only where the categorical `param` is one of `one_of`.
    pub fn when(mut self, param: &str, one_of: &[&str]) -> Self {
        self.condition = Some(Condition {
            param: param.to_owned(),
            one_of: one_of.iter().map(|&c| c.to_owned()).collect(),
        });
        self
    }

    fn new(name: &str, domain: Domain) -> Self {
        Self {
            name: name.to_owned(),
            domain,
            condition: None,
        }
    }
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of a float.
    Float(f64),
    /// Of an integer.
    Int(i64),
    /// Of a categorical.
    Choice(String),
}

/// The parameters that exist at a point, by name.
pub type Point = BTreeMap<String, Value>;

/// A checked space.
#[derive(Debug, Clone)]
pub struct Space {
    params: Vec<Param>,
    parents: Vec<Option<(usize, Vec<usize>)>>,
}

impl Space {
    /// Checks the parameters.
    ///
    /// # Errors
    /// Names the first parameter that makes no sense.
    pub fn new(params: Vec<Param>) -> Result<Self, AshtError> {
        if params.is_empty() {
            return Err(AshtError::EmptySpace);
        }
        if params.len() > PARAMETERS_MAX {
            return Err(AshtError::TooManyParameters {
                found: params.len(),
                max: PARAMETERS_MAX,
            });
        }
        let mut known = BTreeMap::new();
        let mut parents = Vec::with_capacity(params.len());
        for (index, param) in params.iter().enumerate() {
            if param.name.is_empty() {
                return Err(AshtError::parameter(
                    "",
                    format!("number {index} has an empty name"),
                ));
            }
            check_domain(param)?;
            parents.push(check_condition(param, &params, &known)?);
            if known.insert(param.name.clone(), index).is_some() {
                return Err(AshtError::parameter(
                    &param.name,
                    "is given twice; rename one of them",
                ));
            }
        }
        Ok(Self { params, parents })
    }

    /// The parameters, parents before children.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    pub(crate) fn len(&self) -> usize {
        self.params.len()
    }

    /// Number of categories; 0 for a number.
    pub(crate) fn categories(&self, j: usize) -> usize {
        match &self.params[j].domain {
            Domain::Categorical { choices } => choices.len(),
            _ => 0,
        }
    }

    /// Number of values of a parameter that has finitely many.
    pub(crate) fn levels(&self, j: usize) -> Option<u64> {
        match &self.params[j].domain {
            Domain::Float { low, high, .. } => (low == high).then_some(1),
            Domain::Int { low, high, .. } => Some(high.abs_diff(*low).saturating_add(1)),
            Domain::Categorical { choices } => Some(choices.len() as u64),
        }
    }

    /// The first categorical without a condition that others depend on: the choice of a model family.
    pub(crate) fn family(&self) -> Option<usize> {
        (0..self.len()).find(|&j| {
            self.parents[j].is_none() && self.parents.iter().flatten().any(|(parent, _)| *parent == j)
        })
    }

    pub(crate) fn exists(&self, x: &[f64], j: usize) -> bool {
        match &self.parents[j] {
            None => true,
            Some((parent, one_of)) => x[*parent] >= 0.0 && one_of.contains(&(x[*parent] as usize)),
        }
    }

    /// Settles what exists and puts every number at the centre of its cell. What newly exists is taken from `fill`.
    pub(crate) fn settle(&self, x: &mut [f64], fill: impl Fn(usize) -> f64) {
        for j in 0..self.len() {
            if !self.exists(x, j) {
                x[j] = ABSENT;
                continue;
            }
            if x[j] < 0.0 && x[j] == ABSENT {
                x[j] = fill(j);
            }
            x[j] = self.snap(j, x[j]);
        }
    }

    /// The nearest code that stands for a value of the parameter.
    pub(crate) fn snap(&self, j: usize, u: f64) -> f64 {
        match &self.params[j].domain {
            Domain::Categorical { choices } => u.round().clamp(0.0, (choices.len() - 1) as f64),
            Domain::Float { low, high, .. } if low == high => 0.5,
            Domain::Float { .. } => u.clamp(0.0, 1.0),
            Domain::Int { low, high, log } => {
                let span = IntSpan::new(*low, *high, *log);
                span.code(span.value(u))
            }
        }
    }

    /// A code from a uniform number.
    pub(crate) fn at_uniform(&self, j: usize, u: f64) -> f64 {
        match self.categories(j) {
            0 => self.snap(j, u),
            k => ((u * k as f64) as usize).min(k - 1) as f64,
        }
    }

    /// A point drawn uniformly over the tree: every choice first, then what exists under it.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Vec<f64> {
        let uniform: Vec<f64> = (0..self.len()).map(|_| rng.uniform()).collect();
        self.at_cube(&uniform)
    }

    /// A point of the unit cube as a point of the space.
    pub(crate) fn at_cube(&self, uniform: &[f64]) -> Vec<f64> {
        let mut x = vec![ABSENT; self.len()];
        for j in 0..self.len() {
            if self.exists(&x, j) {
                x[j] = self.at_uniform(j, uniform[j]);
            }
        }
        x
    }

    /// The code of the `level`-th value of a finite parameter.
    pub(crate) fn level(&self, j: usize, level: u64) -> f64 {
        match &self.params[j].domain {
            Domain::Categorical { .. } => level as f64,
            Domain::Float { .. } => 0.5,
            Domain::Int { low, high, log } => {
                IntSpan::new(*low, *high, *log).code(low.saturating_add_unsigned(level))
            }
        }
    }

    /// The values behind a code.
    pub(crate) fn decode(&self, x: &[f64]) -> Point {
        let exists = (0..self.len()).filter(|&j| x[j] != ABSENT);
        exists
            .map(|j| (self.params[j].name.clone(), self.value(j, x[j])))
            .collect()
    }

    fn value(&self, j: usize, u: f64) -> Value {
        match &self.params[j].domain {
            Domain::Categorical { choices } => Value::Choice(choices[u as usize].clone()),
            Domain::Int { low, high, log } => Value::Int(IntSpan::new(*low, *high, *log).value(u)),
            Domain::Float {
                low,
                high,
                log: false,
            } => Value::Float((low + u * (high - low)).clamp(*low, *high)),
            Domain::Float { low, high, log: true } => {
                let (a, b) = (low.ln(), high.ln());
                Value::Float((a + u * (b - a)).exp().clamp(*low, *high))
            }
        }
    }

    /// The code of a point that somebody else made.
    ///
    /// # Errors
    /// Names a parameter that is missing, out of range, of another type, or not of this space.
    pub(crate) fn encode(&self, point: &Point) -> Result<Vec<f64>, AshtError> {
        let mut x = vec![ABSENT; self.len()];
        for (j, param) in self.params.iter().enumerate() {
            if !self.exists(&x, j) {
                continue;
            }
            let Some(value) = point.get(&param.name) else {
                return Err(AshtError::parameter(&param.name, "is missing from the point"));
            };
            x[j] = code_of(param, value)?;
        }
        let unknown = point
            .keys()
            .find(|name| !self.params.iter().any(|p| p.name == **name));
        match unknown {
            Some(name) => Err(AshtError::parameter(name, "is not in the space")),
            None => Ok(x),
        }
    }
}

fn code_of(param: &Param, value: &Value) -> Result<f64, AshtError> {
    let outside = |low: &dyn std::fmt::Display, high: &dyn std::fmt::Display| {
        AshtError::parameter(&param.name, format!("has a value outside {low} to {high}"))
    };
    match (&param.domain, value) {
        (Domain::Float { low, high, log }, Value::Float(_) | Value::Int(_)) => {
            let v = match value {
                Value::Int(v) => *v as f64,
                Value::Float(v) => *v,
                Value::Choice(_) => unreachable!("matched above"),
            };
            if !(*low..=*high).contains(&v) {
                return Err(outside(low, high));
            }
            let (v, a, b) = if *log {
                (v.ln(), low.ln(), high.ln())
            } else {
                (v, *low, *high)
            };
            Ok(if b > a {
                ((v - a) / (b - a)).clamp(0.0, 1.0)
            } else {
                0.5
            })
        }
        (Domain::Int { low, high, log }, Value::Int(_) | Value::Float(_)) => {
            let v = match value {
                Value::Float(v) if v.fract() == 0.0 && v.abs() < 9e15 => *v as i64,
                Value::Int(v) => *v,
                _ => return Err(AshtError::parameter(&param.name, "needs a whole number")),
            };
            if !(*low..=*high).contains(&v) {
                return Err(outside(low, high));
            }
            Ok(IntSpan::new(*low, *high, *log).code(v))
        }
        (Domain::Categorical { choices }, Value::Choice(name)) => {
            let found = choices.iter().position(|choice| choice == name);
            found
                .map(|at| at as f64)
                .ok_or_else(|| AshtError::parameter(&param.name, format!("has no choice `{name}`")))
        }
        _ => Err(AshtError::parameter(&param.name, "has a value of another type")),
    }
}

/// The cells of an integer on `[0, 1]`.
struct IntSpan {
    low: i64,
    high: i64,
    log: bool,
    start: f64,
    width: f64,
}

impl IntSpan {
    fn new(low: i64, high: i64, log: bool) -> Self {
        let (a, b) = (low as f64 - 0.5, high as f64 + 0.5);
        let (start, end) = if log { (a.ln(), b.ln()) } else { (a, b) };
        Self {
            low,
            high,
            log,
            start,
            width: end - start,
        }
    }

    fn value(&self, u: f64) -> i64 {
        let v = self.start + u * self.width;
        let v = if self.log { v.exp() } else { v };
        ((v + 0.5).floor() as i64).clamp(self.low, self.high)
    }

    fn code(&self, value: i64) -> f64 {
        if self.low == self.high {
            return 0.5;
        }
        let v = if self.log {
            (value as f64).ln()
        } else {
            value as f64
        };
        ((v - self.start) / self.width).clamp(0.0, 1.0)
    }
}

fn check_domain(param: &Param) -> Result<(), AshtError> {
    let bad = |reason: String| Err(AshtError::parameter(&param.name, reason));
    match &param.domain {
        Domain::Float { low, high, .. }
            if !low.is_finite() || !high.is_finite() || !(high - low).is_finite() =>
        {
            bad("needs finite bounds no further apart than the largest number".to_owned())
        }
        Domain::Float { low, high, .. } if low > high => {
            bad(format!("has low {low} above high {high}; swap them"))
        }
        Domain::Int { low, high, .. } if low > high => {
            bad(format!("has low {low} above high {high}; swap them"))
        }
        Domain::Float { low, log: true, .. } if *low <= 0.0 => bad(format!(
            "is on the log scale and has low {low}; low must be above 0"
        )),
        Domain::Int { low, log: true, .. } if *low <= 0 => bad(format!(
            "is on the log scale and has low {low}; low must be above 0"
        )),
        Domain::Int { low, high, .. } if low.unsigned_abs().max(high.unsigned_abs()) > 1 << 53 => {
            bad("has a bound beyond 2^53, where numbers are no longer exact".to_owned())
        }
        Domain::Categorical { choices } if choices.is_empty() => {
            bad("has no choices; give at least one".to_owned())
        }
        Domain::Categorical { choices } => {
            let mut seen = std::collections::BTreeSet::new();
            match choices.iter().find(|choice| !seen.insert(choice.as_str())) {
                Some(twice) => bad(format!("has the choice `{twice}` twice")),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

type Parent = Option<(usize, Vec<usize>)>;

fn check_condition(
    param: &Param,
    all: &[Param],
    known: &BTreeMap<String, usize>,
) -> Result<Parent, AshtError> {
    let Some(condition) = &param.condition else {
        return Ok(None);
    };
    let Some(&parent) = known.get(&condition.param) else {
        let later = all.iter().any(|other| other.name == condition.param);
        let reason = if later {
            format!(
                "depends on `{}`, which stands later; put parents first",
                condition.param
            )
        } else {
            format!("depends on `{}`, which is not in the space", condition.param)
        };
        return Err(AshtError::parameter(&param.name, reason));
    };
    let Domain::Categorical { choices } = &all[parent].domain else {
        let reason = format!("depends on `{}`, which is not categorical", condition.param);
        return Err(AshtError::parameter(&param.name, reason));
    };
    if condition.one_of.is_empty() {
        return Err(AshtError::parameter(
            &param.name,
            "has a condition without values and would never exist",
        ));
    }
    let mut one_of = Vec::with_capacity(condition.one_of.len());
    for name in &condition.one_of {
        match choices.iter().position(|choice| choice == name) {
            Some(at) => one_of.push(at),
            None => {
                let reason = format!("depends on `{name}`, which is no choice of `{}`", condition.param);
                return Err(AshtError::parameter(&param.name, reason));
            }
        }
    }
    Ok(Some((parent, one_of)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::Seed;

    fn tree() -> Space {
        Space::new(vec![
            Param::categorical("model", &["svm", "forest"]),
            Param::log_float("c", 1e-3, 1e3).when("model", &["svm"]),
            Param::categorical("kernel", &["rbf", "poly"]).when("model", &["svm"]),
            Param::int("degree", 2, 5).when("kernel", &["poly"]),
            Param::int("trees", 10, 500).when("model", &["forest"]),
        ])
        .expect("a sound space")
    }

    #[test]
    fn points_survive_the_way_there_and_back() {
        let space = tree();
        let mut rng = Seed::new(1).rng();
        for _ in 0..200 {
            let x = space.draw(&mut rng);
            let again = space.encode(&space.decode(&x)).expect("a point of the space");
            for (a, b) in x.iter().zip(&again) {
                assert!((a - b).abs() < 1e-9, "{x:?} {again:?}");
            }
        }
    }

    #[test]
    fn what_does_not_exist_is_left_out_at_any_depth() {
        let point = tree().decode(&[1.0, ABSENT, ABSENT, ABSENT, 0.5]);
        assert_eq!(point.keys().collect::<Vec<_>>(), ["model", "trees"]);
        let mut x = [0.0, 0.5, 1.0, ABSENT, 0.9];
        tree().settle(&mut x, |_| 0.0);
        assert_eq!(x[4], ABSENT);
        assert_eq!(tree().decode(&x)["degree"], Value::Int(2));
    }

    #[track_caller]
    fn refused(params: Vec<Param>, expected: &str) {
        let error = Space::new(params).expect_err("an unsound space").to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn unsound_spaces_are_refused_by_name() {
        refused(vec![], "no parameter");
        refused(vec![Param::float("x", 1.0, 0.0)], "`x`: has low 1 above high 0");
        refused(vec![Param::log_float("x", 0.0, 1.0)], "`x`: is on the log scale");
        refused(vec![Param::float("x", f64::NAN, 0.0)], "`x`: needs finite");
        refused(vec![Param::float("x", f64::MIN, f64::MAX)], "`x`: needs finite");
        refused(
            vec![Param::int("x", 0, 1), Param::int("x", 0, 1)],
            "`x`: is given twice",
        );
        refused(vec![Param::categorical("x", &[])], "`x`: has no choices");
        refused(vec![Param::categorical("x", &["a", "a"])], "twice");
        let child = Param::int("x", 0, 1).when("m", &["a"]);
        refused(vec![child.clone()], "not in the space");
        refused(
            vec![child.clone(), Param::categorical("m", &["a"])],
            "stands later",
        );
        refused(vec![Param::int("m", 0, 1), child.clone()], "not categorical");
        refused(vec![Param::categorical("m", &["b"]), child], "no choice of `m`");
        let million = (0..1_000_000)
            .map(|j| Param::float(&j.to_string(), 0.0, 1.0))
            .collect();
        refused(million, "1000000 parameters");
    }

    #[test]
    fn integers_fill_their_range_evenly() {
        let space = Space::new(vec![Param::int("n", -2, 2)]).expect("sound");
        let mut counts = [0; 5];
        for i in 0..1000 {
            let x = space.at_cube(&[(f64::from(i) + 0.5) / 1000.0]);
            match space.decode(&x)["n"] {
                Value::Int(v) => counts[(v + 2) as usize] += 1,
                _ => unreachable!("an integer"),
            }
        }
        assert_eq!(counts, [200; 5]);
    }
}
