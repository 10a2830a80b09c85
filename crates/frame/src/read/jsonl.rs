//! JSON lines: one object a line.
//!
//! The objects are rewritten in memory as delimited text with one column a key, in the order in which keys first
//! occur, and then typed like any other text; strings are quoted and stay words even where they look like numbers.
//! Missing keys and `null` are missing values; nested values become their JSON text.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kolosal_base::limits::{COLUMNS_MAX, RECORD_BYTES_MAX};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::csv::{self, DelimitedText, Quoted};
use super::{Header, Job, ReadError, ReadOptions, Reading};
use crate::FrameError;

/// Bytes of lines that are rewritten at once.
const CHUNK: usize = 1 << 20;

/// Reads a text of JSON objects.
pub(super) fn read(job: &Job<'_>, text: &[u8]) -> Result<Reading, ReadError> {
    let chunks = chunks(job, text)?;
    let names = names(job, &chunks)?;
    // A rewritten cell is shorter than its key and value, but for the delimiters of keys that lack.
    let memory = job.reserve(text.len() as u64 + 2 * CHUNK as u64)?;
    let positions: BTreeMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .collect();
    let parts = job
        .workers
        .map(chunks.len(), |index| rewrite(&chunks[index], &positions));
    let mut table = Vec::with_capacity(parts.iter().map(Vec::len).sum::<usize>() + 64 * names.len());
    write_row(
        &mut table,
        names.iter().map(|name| Value::Word(name.as_str().into())),
    );
    for part in parts {
        table.extend_from_slice(&part);
    }
    let options = ReadOptions {
        delimiter: Some(b','),
        header: Header::Present,
        ..job.options.clone()
    };
    let job = Job {
        options: &options,
        ..*job
    };
    let input = DelimitedText {
        bytes: &table,
        source: None,
        skipped: 0,
        prefers_tab: false,
        quoted: Quoted::IsWord,
    };
    let reading = csv::read(&job, input);
    drop(memory);
    reading
}

/// Whole lines, and the number of the first.
struct Chunk<'a> {
    text: &'a [u8],
    first_line: usize,
}

impl<'a> Chunk<'a> {
    /// Lines with content, numbered from one.
    fn lines(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        let lines = self.text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let first = self.first_line;
        lines
            .enumerate()
            .map(move |(at, line)| (first + at, line))
            .filter(|(_, line)| !line.is_empty())
    }
}

fn chunks<'a>(job: &Job<'_>, text: &'a [u8]) -> Result<Vec<Chunk<'a>>, ReadError> {
    let mut chunks = Vec::new();
    let (mut rest, mut first_line) = (text, 1);
    while !rest.is_empty() {
        let searched = &rest[CHUNK.min(rest.len())..];
        let ahead = searched
            .iter()
            .take(RECORD_BYTES_MAX)
            .position(|&byte| byte == b'\n');
        let end = match ahead {
            Some(ahead) => CHUNK + ahead + 1,
            None if searched.len() < RECORD_BYTES_MAX => rest.len(),
            None => {
                let lines = rest[..CHUNK].iter().filter(|&&byte| byte == b'\n').count();
                let line = first_line + lines;
                return Err(ReadError::RecordTooLong {
                    file: job.file(),
                    line,
                    limit: RECORD_BYTES_MAX,
                });
            }
        };
        let (text, after) = rest.split_at(end);
        chunks.push(Chunk { text, first_line });
        first_line += text.iter().filter(|&&byte| byte == b'\n').count();
        rest = after;
    }
    Ok(chunks)
}

/// All keys, in the order in which they first occur; every line is checked on the way.
fn names(job: &Job<'_>, chunks: &[Chunk<'_>]) -> Result<Vec<String>, ReadError> {
    let found = job.workers.map(chunks.len(), |index| {
        if job.cancel.is_requested() {
            return Err(ReadError::Cancelled);
        }
        keys_of(&chunks[index]).map_err(|(line, message)| ReadError::Json {
            file: job.file(),
            line,
            message,
        })
    });
    let mut names = Vec::new();
    let mut met = BTreeSet::new();
    for keys in found {
        for key in keys? {
            if met.insert(key.clone()) {
                names.push(key);
            }
        }
        if names.len() > COLUMNS_MAX {
            let (found, limit) = (names.len(), COLUMNS_MAX);
            return Err(job.table_error(FrameError::TooLarge {
                what: "columns",
                found,
                limit,
            }));
        }
    }
    Ok(names)
}

fn keys_of(chunk: &Chunk<'_>) -> Result<Vec<String>, (usize, String)> {
    let mut keys: Vec<String> = Vec::new();
    let mut met: BTreeSet<String> = BTreeSet::new();
    for (number, line) in chunk.lines() {
        let object = parse(line).map_err(|error| (number, error.to_string()))?;
        let mut own: Vec<&str> = object.0.iter().map(|(key, _)| key.as_ref()).collect();
        for key in &own {
            if !met.contains(*key) {
                met.insert((*key).to_owned());
                keys.push((*key).to_owned());
            }
        }
        own.sort_unstable();
        if let Some(pair) = own.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err((number, format!("the key '{}' occurs twice", pair[0])));
        }
    }
    Ok(keys)
}

/// The chunk's objects as delimited rows.
fn rewrite(chunk: &Chunk<'_>, positions: &BTreeMap<&str, usize>) -> Vec<u8> {
    let mut out = Vec::with_capacity(chunk.text.len());
    for (_, line) in chunk.lines() {
        let object = parse(line).expect("the line was parsed when keys were collected");
        let mut cells: Vec<Value<'_>> = vec![Value::Plain(""); positions.len()];
        for (key, value) in &object.0 {
            cells[positions[key.as_ref()]] = Value::of(value);
        }
        write_row(&mut out, cells.into_iter());
    }
    out
}

/// A value as it goes into a cell.
#[derive(Debug, Clone, PartialEq)]
enum Value<'a> {
    /// Without quotes: a number, a truth value, or nothing.
    Plain(&'a str),
    /// With quotes.
    Word(Cow<'a, str>),
}

impl<'a> Value<'a> {
    fn of(raw: &'a RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes() {
            b"null" => Self::Plain(""),
            [b'"', ..] => {
                let string: JsonString<'a> = serde_json::from_str(text).expect("a checked JSON string");
                Self::Word(string.0)
            }
            [b'{' | b'[', ..] => Self::Word(text.into()),
            _ => Self::Plain(text),
        }
    }
}

fn write_row<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = Value<'a>>) {
    let mut is_first = true;
    let start = out.len();
    for cell in cells {
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        match cell {
            Value::Plain(text) => out.extend_from_slice(text.as_bytes()),
            Value::Word(word) => {
                out.push(b'"');
                out.extend_from_slice(word.replace('"', "\"\"").as_bytes());
                out.push(b'"');
            }
        }
    }
    if out.len() == start {
        out.extend_from_slice(b"\"\""); // One column and no value: a blank line would be no row.
    }
    out.push(b'\n');
}

fn parse(line: &[u8]) -> Result<Object<'_>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let object = deserializer.deserialize_map(ObjectVisitor)?;
    deserializer.end()?;
    Ok(object)
}

/// Keys and unparsed values in the order of the line.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut entries = Vec::with_capacity(map.size_hint().unwrap_or(16));
        while let Some((JsonString(key), value)) = map.next_entry()? {
            entries.push((key, value));
        }
        Ok(Object(entries))
    }
}

/// A string borrowed from the line where it holds no escapes.
struct JsonString<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for JsonString<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringVisitor;
        impl<'de> Visitor<'de> for StringVisitor {
            type Value = JsonString<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<JsonString<'de>, E> {
                Ok(JsonString(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<JsonString<'de>, E> {
                Ok(JsonString(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(StringVisitor)
    }
}
