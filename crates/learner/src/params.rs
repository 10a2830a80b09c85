//! Parameter tables: one list per algorithm from which validation, search, documents and forms are derived.

use std::collections::BTreeMap;
use std::fmt;

use kolosal_base::ErrorKind;
use kolosal_frame::closest;

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Float(f64),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// One of a list of words, or a text.
    Choice(String),
}

/// Parameters by name; those absent take their default.
pub type Point = BTreeMap<String, Value>;

/// How a range is walked by a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// In equal steps.
    Linear,
    /// In equal factors.
    Log,
}

/// The values a parameter may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Domain {
    /// Numbers between two bounds, both included.
    Float {
        /// Lowest value.
        min: f64,
        /// Highest value.
        max: f64,
        /// How a search walks it.
        scale: Scale,
    },
    /// Whole numbers between two bounds, both included.
    Int {
        /// Lowest value.
        min: i64,
        /// Highest value.
        max: i64,
        /// How a search walks it.
        scale: Scale,
    },
    /// Yes or no.
    Bool,
    /// Words.
    Choice(&'static [&'static str]),
    /// Any text of the described form; the learner reads it.
    Text(&'static str),
}

impl Domain {
    /// Numbers in equal steps.
    pub const fn float(min: f64, max: f64) -> Self {
        Self::Float {
            min,
            max,
            scale: Scale::Linear,
        }
    }

    /// Numbers in equal factors.
    pub const fn log_float(min: f64, max: f64) -> Self {
        Self::Float {
            min,
            max,
            scale: Scale::Log,
        }
    }

    /// Whole numbers in equal steps.
    pub const fn int(min: i64, max: i64) -> Self {
        Self::Int {
            min,
            max,
            scale: Scale::Linear,
        }
    }

    /// Whole numbers in equal factors.
    pub const fn log_int(min: i64, max: i64) -> Self {
        Self::Int {
            min,
            max,
            scale: Scale::Log,
        }
    }

    /// Whether the value has the right type and lies inside.
    pub fn contains(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Float { min, max, .. }, Value::Float(v)) => min <= v && v <= max,
            (Self::Int { min, max, .. }, Value::Int(v)) => min <= v && v <= max,
            (Self::Bool, Value::Bool(_)) => true,
            (Self::Choice(words), Value::Choice(word)) => words.contains(&word.as_str()),
            (Self::Text(_), Value::Choice(_)) => true,
            _ => false,
        }
    }

    /// Reads a value as a user writes it; its range is not checked.
    pub fn parse(&self, text: &str) -> Option<Value> {
        match self {
            Self::Float { .. } => text.parse().ok().map(Value::Float),
            Self::Int { .. } => text.parse().ok().map(Value::Int),
            Self::Bool => match text {
                "true" | "yes" | "1" => Some(Value::Bool(true)),
                "false" | "no" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            Self::Choice(_) | Self::Text(_) => Some(Value::Choice(text.to_owned())),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(v) => write!(f, "{v:?}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Bool(v) => write!(f, "{v}"),
            Self::Choice(v) => f.write_str(v),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float { min, max, .. } => write!(f, "a number from {min:?} to {max:?}"),
            Self::Int { min, max, .. } => write!(f, "a whole number from {min} to {max}"),
            Self::Bool => f.write_str("true or false"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Text(form) => f.write_str(form),
        }
    }
}

/// One row of a parameter table.
#[derive(Debug, Clone)]
pub struct ParamDef {
    /// The name, as in the field's leading libraries.
    pub name: &'static str,
    /// Other names people know it by.
    pub aliases: &'static [&'static str],
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// The default.
    pub default: fn() -> Value,
    /// What is permitted.
    pub legal: Domain,
    /// What is worth trying; `None` keeps it out of searches.
    pub search: Option<Domain>,
    /// The parameter matters only if the named one has one of these values.
    pub only_if: Option<(&'static str, &'static [&'static str])>,
}

/// A parameter that is unknown, of the wrong type, or out of range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamError {
    /// No parameter has this name.
    #[error("there is no parameter '{name}': {}", known(.closest, .names))]
    Unknown {
        /// The name given.
        name: String,
        /// Names that look alike.
        closest: Vec<String>,
        /// All names.
        names: Vec<&'static str>,
    },
    /// A value outside the legal range.
    #[error("parameter {name} is {value}: it must be {legal}")]
    Range {
        /// The parameter.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is permitted.
        legal: String,
    },
    /// Two parameters that exclude each other.
    #[error("parameters {first} and {second} conflict: {rule}")]
    Conflict {
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// The rule they break.
        rule: &'static str,
    },
    /// A text that cannot be read.
    #[error("parameter {name} is '{value}': {problem}")]
    Unreadable {
        /// The parameter.
        name: &'static str,
        /// The text given.
        value: String,
        /// What is wrong with it, and what is expected.
        problem: String,
    },
    /// One parameter given under two names.
    #[error("parameter {name} is given twice, once as '{alias}': give it once")]
    Twice {
        /// The parameter.
        name: &'static str,
        /// The other name used.
        alias: String,
    },
}

impl ParamError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

fn known(closest: &[String], names: &[&'static str]) -> String {
    match closest {
        [] => format!("the parameters are {}", names.join(", ")),
        names => format!("did you mean {}?", names.join(" or ")),
    }
}

/// A Rust type that a parameter can have.
pub trait ParamValue: Sized + Clone {
    /// As a table value.
    fn to_value(&self) -> Value;

    /// From a table value of the right type.
    fn from_value(value: &Value) -> Option<Self>;
}

impl ParamValue for f64 {
    fn to_value(&self) -> Value {
        Value::Float(*self)
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Float(v) => Some(*v),
            Value::Int(v) => Some(*v as Self),
            _ => None,
        }
    }
}

impl ParamValue for i64 {
    fn to_value(&self) -> Value {
        Value::Int(*self)
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(v) => Some(*v),
            Value::Float(v) if v.fract() == 0.0 && v.abs() < 9e15 => Some(*v as Self),
            _ => None,
        }
    }
}

impl ParamValue for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(v) => Some(*v),
            _ => None,
        }
    }
}

impl ParamValue for String {
    fn to_value(&self) -> Value {
        Value::Choice(self.clone())
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Choice(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// A parameter struct with its table; made by [`crate::params!`].
pub trait ParamSet: Sized + Default + Clone + Send + Sync {
    /// The table, in the order of the documentation.
    const DEFS: &'static [ParamDef];

    /// Fills the struct from a complete point whose values lie in their legal ranges.
    ///
    /// # Errors
    /// A value of the wrong type.
    fn from_point(point: &Point) -> Result<Self, ParamError>;

    /// Every parameter by name.
    fn to_point(&self) -> Point;

    /// Rules that join two parameters.
    ///
    /// # Errors
    /// [`ParamError::Conflict`].
    fn cross_check(&self) -> Result<(), ParamError> {
        Ok(())
    }

    /// Checks every range and rule.
    ///
    /// # Errors
    /// The first parameter that breaks one.
    fn check(self) -> Result<Checked<Self>, ParamError> {
        let point = self.to_point();
        for def in Self::DEFS {
            check_range(def, &point[def.name])?;
        }
        self.cross_check()?;
        Ok(Checked(self))
    }
}

/// Parameters that were checked; only [`ParamSet::check`] makes one.
#[derive(Debug, Clone)]
pub struct Checked<P>(P);

impl<P> std::ops::Deref for Checked<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.0
    }
}

/// Checks a point: names (aliases included), types, ranges and rules; absent parameters take their default.
///
/// # Errors
/// The first parameter that is unknown, given twice, of the wrong type or out of range.
pub fn check_point<P: ParamSet>(point: &Point) -> Result<Checked<P>, ParamError> {
    let mut complete: Point = P::DEFS
        .iter()
        .map(|def| (def.name.to_owned(), (def.default)()))
        .collect();
    let mut given: Vec<&'static str> = Vec::with_capacity(point.len());
    for (name, value) in point {
        let def = find_def(P::DEFS, name)?;
        if given.contains(&def.name) {
            return Err(ParamError::Twice {
                name: def.name,
                alias: name.clone(),
            });
        }
        given.push(def.name);
        let value = widen(value, &def.legal);
        check_range(def, &value)?;
        complete.insert(def.name.to_owned(), value);
    }
    P::from_point(&complete)?.check()
}

fn find_def(defs: &'static [ParamDef], name: &str) -> Result<&'static ParamDef, ParamError> {
    let found = defs
        .iter()
        .find(|def| def.name == name || def.aliases.contains(&name));
    found.ok_or_else(|| ParamError::Unknown {
        name: name.to_owned(),
        closest: closest(name, defs.iter().map(|def| def.name)),
        names: defs.iter().map(|def| def.name).collect(),
    })
}

/// A whole number where a number is asked for, and the reverse where nothing is lost.
fn widen(value: &Value, domain: &Domain) -> Value {
    match (value, domain) {
        (Value::Int(v), Domain::Float { .. }) => Value::Float(*v as f64),
        (Value::Float(v), Domain::Int { .. }) if v.fract() == 0.0 && v.abs() < 9e15 => Value::Int(*v as i64),
        (value, _) => value.clone(),
    }
}

fn check_range(def: &ParamDef, value: &Value) -> Result<(), ParamError> {
    if def.legal.contains(value) {
        return Ok(());
    }
    Err(ParamError::Range {
        name: def.name,
        value: value.to_string(),
        legal: def.legal.to_string(),
    })
}

/// Declares a parameter struct and its table in one place.
///
/// Each field has a doc comment, a type that is [`ParamValue`], a default, its legal range, and where wanted a search
/// range, aliases and a condition.
///
/// ```
/// use kolosal_learner::{Domain, ParamSet, params};
///
/// params! {
///     /// Parameters of a penalised fit.
///     pub struct PenaltyParams {
///         /// Strength of the penalty.
///         alpha: f64 = 1.0, legal: Domain::float(0.0, 1e12), search: Domain::log_float(1e-4, 1e4), aliases: ["lambda"];
///         /// Most sweeps over the features.
///         max_iter: i64 = 1000, legal: Domain::int(1, 1_000_000);
///     }
/// }
///
/// assert_eq!(PenaltyParams::DEFS.len(), 2);
/// assert_eq!(PenaltyParams::DEFS[0].doc, "Strength of the penalty.");
/// let wrong = PenaltyParams { alpha: -1.0, ..PenaltyParams::default() };
/// assert_eq!(
///     wrong.check().unwrap_err().to_string(),
///     "parameter alpha is -1.0: it must be a number from 0.0 to 1000000000000.0",
/// );
/// ```
#[macro_export]
macro_rules! params {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $kind:ty = $default:expr, legal: $legal:expr
                $(, search: $search:expr)?
                $(, aliases: [$($alias:literal),* $(,)?])?
                $(, only_if: ($other:literal, [$($word:literal),* $(,)?]))?
                ;
            )*
        }
        $(check: $check:expr;)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name {
            $( $(#[doc = $doc])+ pub $field: $kind, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::ParamSet for $name {
            const DEFS: &'static [$crate::ParamDef] = &[
                $( $crate::ParamDef {
                    name: stringify!($field),
                    aliases: &[$($($alias),*)?],
                    doc: $crate::trim_doc(concat!($($doc),+)),
                    default: || $crate::ParamValue::to_value(&{ let value: $kind = $default; value }),
                    legal: $legal,
                    search: $crate::params!(@option $($search)?),
                    only_if: $crate::params!(@condition $(($other, [$($word),*]))?),
                }, )*
            ];

            fn from_point(point: &$crate::Point) -> Result<Self, $crate::ParamError> {
                Ok(Self {
                    $( $field: {
                        let name = stringify!($field);
                        let value = point.get(name).cloned().unwrap_or_else(|| {
                            $crate::ParamValue::to_value(&{ let value: $kind = $default; value })
                        });
                        $crate::ParamValue::from_value(&value).ok_or_else(|| $crate::ParamError::Range {
                            name,
                            value: value.to_string(),
                            legal: { let legal: $crate::Domain = $legal; legal.to_string() },
                        })?
                    }, )*
                })
            }

            fn to_point(&self) -> $crate::Point {
                let mut point = $crate::Point::new();
                $( point.insert(stringify!($field).to_owned(), $crate::ParamValue::to_value(&self.$field)); )*
                point
            }

            $(
                fn cross_check(&self) -> Result<(), $crate::ParamError> {
                    let check: fn(&Self) -> Result<(), $crate::ParamError> = $check;
                    check(self)
                }
            )?
        }
    };
    (@option) => { None };
    (@option $value:expr) => { Some($value) };
    (@condition) => { None };
    (@condition ($other:literal, [$($word:literal),*])) => { Some(($other, &[$($word),*])) };
}

/// Declares an enum whose variants are the words of a [`Domain::Choice`].
///
/// ```
/// use kolosal_learner::{ParamValue, Value, choices};
///
/// choices! {
///     /// Which penalty is added.
///     pub enum Penalty {
///         /// Sum of squares.
///         L2 = "l2",
///         /// Sum of absolute values.
///         L1 = "l1",
///     }
/// }
///
/// assert_eq!(Penalty::WORDS, ["l2", "l1"]);
/// assert_eq!(Penalty::from_value(&Value::Choice("l1".to_owned())), Some(Penalty::L1));
/// ```
#[macro_export]
macro_rules! choices {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $word:literal, )+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name { $( $(#[$variant_meta])* $variant, )+ }

        impl $name {
            /// The words, in order.
            $vis const WORDS: &'static [&'static str] = &[$($word),+];
        }

        impl $crate::ParamValue for $name {
            fn to_value(&self) -> $crate::Value {
                $crate::Value::Choice(match self { $( Self::$variant => $word, )+ }.to_owned())
            }

            fn from_value(value: &$crate::Value) -> Option<Self> {
                let $crate::Value::Choice(word) = value else { return None };
                match word.as_str() { $( $word => Some(Self::$variant), )+ _ => None }
            }
        }
    };
}

/// Drops the blank that `///` leaves in front of a text; used by [`params!`].
#[doc(hidden)]
pub const fn trim_doc(doc: &'static str) -> &'static str {
    match doc.as_bytes() {
        [b' ', ..] => doc.split_at(1).1,
        _ => doc,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    params! {
        /// Parameters for tests.
        struct TestParams {
            /// A number
            /// on two lines.
            rate: f64 = 0.1, legal: Domain::float(0.0, 1.0), search: Domain::log_float(0.001, 1.0), aliases: ["eta"];
            /// A count.
            rounds: i64 = 10, legal: Domain::int(1, 100), only_if: ("on", ["true"]);
            /// A switch.
            on: bool = true, legal: Domain::Bool;
        }
        check: |p| match (p.on, p.rounds) {
            (false, 2..) => Err(ParamError::Conflict { first: "on", second: "rounds", rule: "off means one round" }),
            _ => Ok(()),
        };
    }

    fn point(pairs: &[(&str, Value)]) -> Point {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    fn check(pairs: &[(&str, Value)], expected: Result<TestParams, &str>) {
        let found = check_point::<TestParams>(&point(pairs)).map(|checked| (*checked).clone());
        assert_eq!(found.map_err(|e| e.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn points_are_completed_and_checked() {
        check(&[], Ok(TestParams::default()));
        check(
            &[("eta", Value::Int(1))],
            Ok(TestParams {
                rate: 1.0,
                ..TestParams::default()
            }),
        );
        check(
            &[("rounds", Value::Float(7.0))],
            Ok(TestParams {
                rounds: 7,
                ..TestParams::default()
            }),
        );
        check(
            &[("rate", Value::Float(1.5))],
            Err("parameter rate is 1.5: it must be a number from 0.0 to 1.0"),
        );
        check(
            &[("rounds", Value::Bool(true))],
            Err("parameter rounds is true: it must be a whole number from 1 to 100"),
        );
        check(
            &[("rat", Value::Int(1))],
            Err("there is no parameter 'rat': did you mean rate?"),
        );
        check(
            &[("on", Value::Bool(false))],
            Err("parameters on and rounds conflict: off means one round"),
        );
        check(
            &[("eta", Value::Int(1)), ("rate", Value::Int(1))],
            Err("parameter rate is given twice, once as 'rate': give it once"),
        );
    }

    #[test]
    fn not_a_number_is_never_legal() {
        check(
            &[("rate", Value::Float(f64::NAN))],
            Err("parameter rate is NaN: it must be a number from 0.0 to 1.0"),
        );
    }

    #[test]
    fn the_table_carries_docs_and_conditions() {
        assert_eq!(TestParams::DEFS[0].doc, "A number on two lines.");
        assert_eq!(TestParams::DEFS[1].only_if, Some(("on", &["true"][..])));
        assert_eq!(TestParams::DEFS[2].search, None);
    }
}
