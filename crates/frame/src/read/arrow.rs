//! From Arrow arrays, whatever file they came from, to columns.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DecimalType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_schema::{DataType, SchemaRef, TimeUnit};
use kolosal_base::limits::ROWS_MAX;

use super::dictionary::{Dictionary, merge};
use super::finish::{Finished, Raw, Unfinished};
use super::plan::{Plan, Sample, Wish};
use super::{Job, Place, ReadError, Reading, shorten};
use crate::infer::NumberFacts;
use crate::parse::is_missing;
use crate::parse::moment::DateOrder;
use crate::parse::number::{EXACT_INTEGER_MAX, Number, general};
use crate::{Categories, Column, Field, Frame, FrameError, MISSING, Strings};

/// Values looked at to decide between categories and text.
const SAMPLE: usize = 600;

const MICROS_PER_DAY: f64 = 86_400e6;

/// Columns of arrays under their schema.
pub(super) struct Arrays {
    pub(super) schema: SchemaRef,
    /// Positions in the schema of the columns that were read, ascending.
    pub(super) positions: Vec<usize>,
    /// The arrays of each of these columns, in row order.
    pub(super) columns: Vec<Vec<ArrayRef>>,
}

/// Which columns to read: their positions, and what is asked for every column.
pub(super) fn wanted(
    job: &Job<'_>,
    schema: &SchemaRef,
) -> Result<(Vec<usize>, Vec<Option<Wish>>), ReadError> {
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let wishes = job.wishes(&names)?;
    let positions = (0..names.len()).filter(|&at| wishes[at].is_some()).collect();
    Ok((positions, wishes))
}

/// A column on its way from arrays to its final form.
struct Work {
    chunks: Vec<ArrayRef>,
    done: Option<Result<Finished, ReadError>>,
}

/// Types the columns and delivers the table.
pub(super) fn deliver(job: &Job<'_>, arrays: Arrays, wishes: &[Option<Wish>]) -> Result<Reading, ReadError> {
    let rows = arrays
        .columns
        .first()
        .map_or(0, |chunks| chunks.iter().map(|chunk| chunk.len()).sum());
    let rows: usize = job.options.rows.map_or(rows, |limit| limit.min(rows));
    let columns = arrays.columns.len();
    if rows == 0 {
        return Err(ReadError::HeaderOnly {
            file: job.file(),
            columns,
        });
    }
    if rows > ROWS_MAX {
        let (what, found, limit) = ("rows", rows, ROWS_MAX);
        return Err(job.table_error(FrameError::TooLarge { what, found, limit }));
    }
    let memory = job.reserve((rows * columns * size_of::<f64>()) as u64)?;
    let Arrays {
        schema,
        positions,
        columns,
    } = arrays;
    let mut work: Vec<Work> = columns
        .into_iter()
        .map(|chunks| Work {
            chunks: limited(chunks, rows),
            done: None,
        })
        .collect();
    job.workers.for_each_mut(&mut work, |at, work| {
        let field = schema.field(positions[at]);
        let wish = wishes[positions[at]]
            .as_ref()
            .expect("only wanted columns are read");
        let chunks = std::mem::take(&mut work.chunks);
        let source = Source {
            job,
            name: field.name(),
            wish,
            kind: field.data_type(),
        };
        work.done = Some(source.finish(&chunks));
    });
    let mut fields: Vec<(Field, Column)> = Vec::with_capacity(work.len());
    let mut notes = Vec::new();
    for Work { done, .. } in work {
        match done.expect("every column was finished")? {
            Finished::Done(field, column) => fields.push((field, column)),
            Finished::Noted(field, column, note) => {
                fields.push((field, column));
                notes.push(note);
            }
            Finished::AsWords(_) | Finished::Refused { .. } => {
                unreachable!("turned into words or errors before")
            }
        }
    }
    drop(memory);
    let frame = Frame::new(fields).map_err(|source| job.table_error(source))?;
    job.deliver(frame, notes)
}

/// The first `rows` rows of the chunks.
fn limited(chunks: Vec<ArrayRef>, mut rows: usize) -> Vec<ArrayRef> {
    let mut kept = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let taken = chunk.len().min(rows);
        kept.push(if taken < chunk.len() {
            chunk.slice(0, taken)
        } else {
            chunk
        });
        rows -= taken;
    }
    kept
}

/// One column of a file.
struct Source<'a> {
    job: &'a Job<'a>,
    name: &'a str,
    wish: &'a Wish,
    kind: &'a DataType,
}

impl Source<'_> {
    fn finish(&self, chunks: &[ArrayRef]) -> Result<Finished, ReadError> {
        let raw = self.raw(chunks)?;
        let unfinished = Unfinished {
            name: self.name,
            wish: self.wish,
            hint: None,
        };
        match unfinished.finish(raw) {
            Finished::Refused { row, value, wanted } => Err(ReadError::Value {
                place: self.place(row),
                column: self.name.to_owned(),
                value: shorten(value.as_bytes()),
                wanted,
            }),
            finished => Ok(finished),
        }
    }

    fn raw(&self, chunks: &[ArrayRef]) -> Result<Raw, ReadError> {
        match self.kind {
            DataType::Null => Ok(numbers(vec![
                f64::NAN;
                chunks.iter().map(|chunk| chunk.len()).sum()
            ])),
            DataType::Boolean => Ok(Raw::Words(booleans(chunks))),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(strings(chunks)),
            DataType::Dictionary(_, values) if is_text(values) => Ok(Raw::Words(dictionaries(chunks))),
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
                Ok(Raw::Moments(self.floats(chunks)?, DateOrder::YearFirst))
            }
            DataType::Int64 | DataType::UInt64
                if has_wide(chunks) && self.wish.kind().is_none_or(|k| !k.is_number()) =>
            {
                Ok(Raw::Words(wide_integers(chunks)))
            }
            _ => {
                let values = self.floats(chunks)?;
                if let Some(row) = values.iter().position(|value| value.is_infinite()) {
                    return Err(ReadError::Infinite {
                        place: self.place(row),
                        column: self.name.to_owned(),
                        value: values[row].to_string(),
                    });
                }
                Ok(numbers(values))
            }
        }
    }

    /// Numbers, or microseconds, of any numeric array; NaN where null.
    fn floats(&self, chunks: &[ArrayRef]) -> Result<Vec<f64>, ReadError> {
        let mut out = Vec::with_capacity(chunks.iter().map(|chunk| chunk.len()).sum());
        for chunk in chunks {
            self.push_floats(chunk, &mut out)?;
        }
        Ok(out)
    }

    fn push_floats(&self, chunk: &ArrayRef, out: &mut Vec<f64>) -> Result<(), ReadError> {
        match chunk.data_type() {
            DataType::Int8 => push::<Int8Type>(chunk, out, f64::from),
            DataType::Int16 => push::<Int16Type>(chunk, out, f64::from),
            DataType::Int32 => push::<Int32Type>(chunk, out, f64::from),
            DataType::Int64 => push::<Int64Type>(chunk, out, |value| value as f64),
            DataType::UInt8 => push::<UInt8Type>(chunk, out, f64::from),
            DataType::UInt16 => push::<UInt16Type>(chunk, out, f64::from),
            DataType::UInt32 => push::<UInt32Type>(chunk, out, f64::from),
            DataType::UInt64 => push::<UInt64Type>(chunk, out, |value| value as f64),
            DataType::Float32 => push::<Float32Type>(chunk, out, f64::from),
            DataType::Float64 => push::<Float64Type>(chunk, out, |value| value),
            DataType::Date32 => push::<Date32Type>(chunk, out, |days| f64::from(days) * MICROS_PER_DAY),
            DataType::Date64 => push::<Date64Type>(chunk, out, |millis| millis as f64 * 1e3),
            DataType::Timestamp(TimeUnit::Second, _) => {
                push::<TimestampSecondType>(chunk, out, |s| s as f64 * 1e6);
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                push::<TimestampMillisecondType>(chunk, out, |millis| millis as f64 * 1e3);
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                push::<TimestampMicrosecondType>(chunk, out, |micros| micros as f64);
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                push::<TimestampNanosecondType>(chunk, out, |nanos| nanos.div_euclid(1000) as f64);
            }
            DataType::Decimal32(..) => push_decimals::<Decimal32Type>(chunk, out),
            DataType::Decimal64(..) => push_decimals::<Decimal64Type>(chunk, out),
            DataType::Decimal128(..) => push_decimals::<Decimal128Type>(chunk, out),
            DataType::Decimal256(..) => push_decimals::<Decimal256Type>(chunk, out),
            DataType::Dictionary(..) => {
                let dictionary = chunk.as_any_dictionary();
                let mut values = Vec::with_capacity(dictionary.values().len());
                self.push_floats(dictionary.values(), &mut values)?;
                out.extend(keys(chunk).map(|key| key.map_or(f64::NAN, |key| values[key])));
            }
            _ => {
                return Err(ReadError::ColumnType {
                    file: self.job.file(),
                    column: self.name.to_owned(),
                    found: self.kind.to_string(),
                });
            }
        }
        Ok(())
    }

    fn place(&self, row: usize) -> Place {
        Place {
            file: self.job.file(),
            row: row + 1,
            line: None,
        }
    }
}

fn numbers(values: Vec<f64>) -> Raw {
    let facts = NumberFacts::of(&values);
    Raw::Numbers(values, facts)
}

fn push<T: ArrowPrimitiveType>(chunk: &ArrayRef, out: &mut Vec<f64>, convert: impl Fn(T::Native) -> f64) {
    let array: &PrimitiveArray<T> = chunk.as_primitive();
    if array.null_count() == 0 {
        out.extend(array.values().iter().map(|&value| convert(value)));
    } else {
        out.extend(array.iter().map(|value| value.map_or(f64::NAN, &convert)));
    }
}

fn push_decimals<T: DecimalType>(chunk: &ArrayRef, out: &mut Vec<f64>) {
    let array: &PrimitiveArray<T> = chunk.as_primitive();
    out.extend((0..array.len()).map(|row| {
        if array.is_null(row) {
            return f64::NAN;
        }
        match general(array.value_as_string(row).as_bytes()) {
            Number::Value(value) | Number::Wide(value) => value,
            other => unreachable!("a decimal is a finite number, not {other:?}"),
        }
    }));
}

fn has_wide(chunks: &[ArrayRef]) -> bool {
    chunks.iter().any(|chunk| match chunk.data_type() {
        DataType::Int64 => chunk
            .as_primitive::<Int64Type>()
            .iter()
            .flatten()
            .any(|value| value.unsigned_abs() > EXACT_INTEGER_MAX),
        _ => chunk
            .as_primitive::<UInt64Type>()
            .iter()
            .flatten()
            .any(|value| value > EXACT_INTEGER_MAX),
    })
}

fn wide_integers(chunks: &[ArrayRef]) -> Categories {
    let spelled = chunks.iter().flat_map(|chunk| -> Vec<String> {
        match chunk.data_type() {
            DataType::Int64 => spelled_integers::<Int64Type>(chunk),
            _ => spelled_integers::<UInt64Type>(chunk),
        }
    });
    crate::convert::categorise(spelled)
}

fn spelled_integers<T: ArrowPrimitiveType<Native: ToString>>(chunk: &ArrayRef) -> Vec<String> {
    let values = chunk.as_primitive::<T>().iter();
    values
        .map(|value| value.map_or_else(String::new, |value| value.to_string()))
        .collect()
}

fn booleans(chunks: &[ArrayRef]) -> Categories {
    let values = chunks.iter().flat_map(|chunk| chunk.as_boolean().iter());
    crate::convert::categorise(values.map(|value| match value {
        None => "",
        Some(false) => "false",
        Some(true) => "true",
    }))
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The strings of a text array; null is empty.
fn texts(chunk: &ArrayRef) -> Box<dyn Iterator<Item = &str> + '_> {
    match chunk.data_type() {
        DataType::Utf8 => Box::new(chunk.as_string::<i32>().iter().map(Option::unwrap_or_default)),
        DataType::LargeUtf8 => Box::new(chunk.as_string::<i64>().iter().map(Option::unwrap_or_default)),
        _ => Box::new(chunk.as_string_view().iter().map(Option::unwrap_or_default)),
    }
}

/// Strings as categories or text, by how varied the first of them are; spellings of "missing" are missing.
fn strings(chunks: &[ArrayRef]) -> Raw {
    let mut sample = Sample::default();
    let all = || chunks.iter().flat_map(texts);
    all()
        .take(SAMPLE)
        .for_each(|text| sample.add_word(text.as_bytes()));
    let present = |text| if is_missing(str::as_bytes(text)) { "" } else { text };
    match sample.as_words() {
        Plan::Text => Raw::Text(all().map(present).collect::<Strings>()),
        _ => Raw::Words(crate::convert::categorise(all())),
    }
}

fn dictionaries(chunks: &[ArrayRef]) -> Categories {
    let mut dictionary = Dictionary::default();
    let mut codes = Vec::with_capacity(chunks.iter().map(|chunk| chunk.len()).sum());
    for chunk in chunks {
        let values = chunk.as_any_dictionary().values();
        let own: Vec<u32> = texts(values)
            .map(|text| dictionary.intern(text.as_bytes()).expect("a string is UTF-8"))
            .collect();
        codes.extend(keys(chunk).map(|key| key.map_or(MISSING, |key| own[key])));
    }
    // Only levels that occur: a file may list others, of which training should know nothing.
    let merged = merge(&[&dictionary]);
    let code = |&entry: &u32| {
        if entry == MISSING {
            MISSING
        } else {
            merged.maps[0][entry as usize]
        }
    };
    let codes: Vec<u32> = codes.iter().map(code).collect();
    used_only(&Categories::new(codes, merged.levels))
}

fn used_only(categories: &Categories) -> Categories {
    let mut is_used = vec![false; categories.levels().len()];
    for &code in categories.codes().iter().filter(|&&code| code != MISSING) {
        is_used[code as usize] = true;
    }
    let levels = categories.levels().iter().zip(&is_used);
    let used: Strings = levels
        .filter(|(_, used)| **used)
        .map(|(level, _)| level)
        .collect();
    categories.recode(&Arc::new(used))
}

/// The positions into a dictionary's values, `None` where the value is null.
fn keys(chunk: &ArrayRef) -> impl Iterator<Item = Option<usize>> + '_ {
    let dictionary = chunk.as_any_dictionary();
    let values = dictionary.values();
    let keys = if values.is_empty() {
        vec![0; chunk.len()]
    } else {
        dictionary.normalized_keys()
    };
    keys.into_iter()
        .enumerate()
        .map(move |(row, key)| (!chunk.is_null(row) && !values.is_null(key)).then_some(key))
}
