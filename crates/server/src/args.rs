//! What a request says: places in the address, what is behind the question mark, and a JSON body, read in one way.
//!
//! Numbers may come as texts, as clients of protocol buffers send them; `NaN` and `Infinity` come as texts always.

use kolosal_platform::store::Words;
use serde_json::{Map, Value};

use crate::answer::Failure;

#[derive(Debug, Default)]
pub(crate) struct Args(pub(crate) Map<String, Value>);

impl Args {
    /// Joins a query and a body; the body must be a JSON object, or nothing.
    pub(crate) fn read(query: &str, body: &[u8]) -> Result<Self, Failure> {
        let mut args = Map::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name, true)?, Value::String(decode(value, true)?));
            match args.get_mut(&name) {
                None => {
                    args.insert(name, value);
                }
                Some(Value::Array(values)) => values.push(value),
                Some(held) => *held = Value::Array(vec![held.take(), value]),
            }
        }
        if body.iter().any(|byte| !byte.is_ascii_whitespace()) {
            match serde_json::from_slice(body) {
                Ok(Value::Object(body)) => args.extend(body),
                Ok(_) => return Err(Failure::invalid("the body must be a JSON object")),
                Err(error) => return Err(Failure::invalid(format!("the body is no JSON: {error}"))),
            }
        }
        Ok(Self(args))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text; empty if it is absent.
    pub(crate) fn text(&self, name: &str) -> Result<String, Failure> {
        text_in(&self.0, name)
    }

    /// A text that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<String, Failure> {
        let text = self.text(name)?;
        if text.is_empty() {
            Err(missing(name))
        } else {
            Ok(text)
        }
    }

    pub(crate) fn int(&self, name: &str) -> Result<Option<i64>, Failure> {
        int_in(&self.0, name)
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// Texts; one that stands alone is a list of one.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(wrong(name, "a list of texts")),
        };
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(text).collect(),
            Some(value) => Ok(vec![text(value)?]),
        }
    }

    /// Objects of a list.
    pub(crate) fn objects(&self, name: &str) -> Result<Vec<&Map<String, Value>>, Failure> {
        objects_in(&self.0, name)
    }

    /// Names and values: a list of `{key, value}`.
    pub(crate) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, Failure> {
        pairs_in(&self.0, name)
    }

    pub(crate) fn words(&self, name: &str) -> Result<Words, Failure> {
        Ok(self.pairs(name)?.into_iter().collect())
    }

    /// How many things are wanted, between one and `most`.
    pub(crate) fn count(&self, name: &str, otherwise: usize, most: usize) -> Result<usize, Failure> {
        match self.int(name)? {
            None => Ok(otherwise),
            Some(count) => match usize::try_from(count) {
                Ok(count) if (1..=most).contains(&count) => Ok(count),
                _ => Err(wrong(name, &format!("a whole number from 1 to {most}"))),
            },
        }
    }
}

pub(crate) fn text_in(map: &Map<String, Value>, name: &str) -> Result<String, Failure> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(_) => Err(wrong(name, "a text")),
    }
}

pub(crate) fn int_in(map: &Map<String, Value>, name: &str) -> Result<Option<i64>, Failure> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = match value {
                Value::Number(number) => number.as_i64().or_else(|| {
                    // A whole number that was written as 3.0.
                    number
                        .as_f64()
                        .filter(|n| n.fract() == 0.0 && n.abs() < 9e15)
                        .map(|n| n as i64)
                }),
                Value::String(text) if !text.is_empty() => text.parse().ok(),
                Value::String(_) => return Ok(None),
                _ => None,
            };
            number
                .map(Some)
                .ok_or_else(|| wrong(name, "a whole number of 64 bits"))
        }
    }
}

/// A number; may be NaN or infinite, as a text.
pub(crate) fn number_in(map: &Map<String, Value>, name: &str) -> Result<f64, Failure> {
    let refuse = || wrong(name, "a number, or one of \"NaN\", \"Infinity\", \"-Infinity\"");
    match map.get(name) {
        Some(Value::Number(number)) => number.as_f64().ok_or_else(refuse),
        Some(Value::String(text)) => match text.as_str() {
            "NaN" | "nan" => Ok(f64::NAN),
            "Infinity" | "inf" => Ok(f64::INFINITY),
            "-Infinity" | "-inf" => Ok(f64::NEG_INFINITY),
            text => text
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(refuse),
        },
        None | Some(Value::Null) => Err(missing(name)),
        Some(_) => Err(refuse()),
    }
}

pub(crate) fn objects_in<'a>(
    map: &'a Map<String, Value>,
    name: &str,
) -> Result<Vec<&'a Map<String, Value>>, Failure> {
    let refuse = || wrong(name, "a list of objects");
    match map.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| value.as_object().ok_or_else(refuse))
            .collect(),
        Some(_) => Err(refuse()),
    }
}

pub(crate) fn pairs_in(map: &Map<String, Value>, name: &str) -> Result<Vec<(String, String)>, Failure> {
    let pair = |map: &Map<String, Value>| Ok((text_in(map, "key")?, text_in(map, "value")?));
    objects_in(map, name)?.into_iter().map(pair).collect()
}

pub(crate) fn missing(name: &str) -> Failure {
    Failure::invalid(format!("Missing value for required parameter '{name}'"))
}

fn wrong(name: &str, wanted: &str) -> Failure {
    Failure::invalid(format!(
        "Invalid value for parameter '{name}': it must be {wanted}"
    ))
}

/// Undoes percent signs, once; in queries `+` is a blank.
pub(crate) fn decode(text: &str, is_query: bool) -> Result<String, Failure> {
    let refuse =
        || Failure::invalid("the address holds a percent sign without two hexadecimal digits, or no UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let code = high
                    .zip(low)
                    .map(|(high, low)| high * 16 + low)
                    .ok_or_else(refuse)?;
                bytes.push(code as u8);
            }
            b'+' if is_query => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| refuse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_bodies_are_read_in_one_way() {
        let args =
            Args::read("a=1&b=x%20y+z&c=1&c=2", br#"{"n": "7", "m": 3.0, "flag": true}"#).expect("good");
        assert_eq!(args.text("b").expect("a text"), "x y z");
        assert_eq!(
            (args.int("a").expect("one"), args.int("n").expect("one")),
            (Some(1), Some(7))
        );
        assert_eq!(args.int("m").expect("one"), Some(3));
        assert_eq!(args.texts("c").expect("two"), ["1", "2"]);
        assert!(args.flag("flag").expect("a flag") && args.need("absent").is_err());
        for body in ["[1]", "{\"a\": NaN}", "{", "\u{1}", "{\"a\": 1e999}"] {
            assert_eq!(Args::read("", body.as_bytes()).expect_err(body).status, 400);
        }
        assert!(Args::read("a=%zz", b"").is_err() && Args::read("a=%ff", b"").is_err());
        let deep = "[".repeat(100_000);
        assert!(Args::read("", deep.as_bytes()).is_err());
        assert!(
            Args::read("", br#"{"i": 1180591620717411303424}"#)
                .expect("JSON")
                .int("i")
                .is_err()
        );
    }
}
