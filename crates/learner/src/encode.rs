//! Model bytes: a writer, and a reader that trusts nothing it reads.

use kolosal_base::ErrorKind;
use kolosal_frame::{DateOrder, Field, Kind, Schema, Strings};

/// Bytes that no save can have written, or a file of another version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The bytes end too early.
    #[error("the model data ends at byte {at}, {needed} more are needed: the file is truncated or damaged")]
    Truncated {
        /// Where reading stopped.
        at: usize,
        /// How many bytes were missing.
        needed: u64,
    },
    /// A value that cannot be.
    #[error("the model data is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// A learner or transform this version does not have.
    #[error(
        "the model needs '{name}', which this version does not have: use the version that wrote it or a newer one"
    )]
    UnknownPart {
        /// The name in the file.
        name: String,
    },
    /// A file written by a newer version.
    #[error(
        "the model file has format version {found}, this version reads up to {supported}: use a newer version"
    )]
    TooNew {
        /// The file's version.
        found: u32,
        /// The newest readable version.
        supported: u32,
    },
}

impl ArtifactError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }

    /// Damage, described.
    pub fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// Writes numbers, strings and lists in little-endian order.
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes a byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Writes yes or no.
    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// Writes a whole number.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes a long whole number.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes a number, every bit of it.
    pub fn f64(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes a string.
    pub fn str(&mut self, value: &str) {
        self.u8s(value.as_bytes());
    }

    /// Writes a list of bytes.
    pub fn u8s(&mut self, values: &[u8]) {
        self.u64(values.len() as u64);
        self.bytes.extend_from_slice(values);
    }

    /// Writes a list of short whole numbers.
    pub fn u16s(&mut self, values: &[u16]) {
        self.u64(values.len() as u64);
        values
            .iter()
            .for_each(|v| self.bytes.extend_from_slice(&v.to_le_bytes()));
    }

    /// Writes a list of whole numbers.
    pub fn u32s(&mut self, values: &[u32]) {
        self.u64(values.len() as u64);
        values
            .iter()
            .for_each(|v| self.bytes.extend_from_slice(&v.to_le_bytes()));
    }

    /// Writes a list of single-precision numbers.
    pub fn f32s(&mut self, values: &[f32]) {
        self.u64(values.len() as u64);
        values
            .iter()
            .for_each(|v| self.bytes.extend_from_slice(&v.to_le_bytes()));
    }

    /// Writes a list of numbers.
    pub fn f64s(&mut self, values: &[f64]) {
        self.u64(values.len() as u64);
        values
            .iter()
            .for_each(|v| self.bytes.extend_from_slice(&v.to_le_bytes()));
    }

    /// Writes a list of strings.
    pub fn strings(&mut self, values: &Strings) {
        self.u64(values.len() as u64);
        values.iter().for_each(|value| self.str(value));
    }

    /// Writes names, kinds and reasons of columns.
    pub fn schema(&mut self, schema: &Schema) {
        self.u64(schema.len() as u64);
        for field in schema.fields() {
            self.str(&field.name);
            self.str(field.kind.name());
            self.str(&field.reason);
            self.str(date_order_name(field.dates));
        }
    }
}

/// Reads what an [`Encoder`] wrote. Every length is checked against the bytes left before anything is allocated.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Ends reading.
    ///
    /// # Errors
    /// If bytes are left over.
    pub fn finish(self) -> Result<(), ArtifactError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(ArtifactError::damaged(format!("{left} bytes are left over"))),
        }
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], ArtifactError> {
        let left = self.remaining() as u64;
        if count > left {
            return Err(ArtifactError::Truncated {
                at: self.bytes.len(),
                needed: count - left,
            });
        }
        let slice = &self.bytes[self.at..self.at + count as usize];
        self.at += count as usize;
        Ok(slice)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ArtifactError> {
        let slice = self.take(N as u64)?;
        Ok(slice.try_into().expect("take gives the length asked for"))
    }

    /// Reads a byte.
    ///
    /// # Errors
    /// At the end of the bytes.
    pub fn u8(&mut self) -> Result<u8, ArtifactError> {
        Ok(self.array::<1>()?[0])
    }

    /// Reads yes or no.
    ///
    /// # Errors
    /// At the end of the bytes, or if the byte is neither 0 nor 1.
    pub fn bool(&mut self) -> Result<bool, ArtifactError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(ArtifactError::damaged(format!("{other} is neither yes nor no"))),
        }
    }

    /// Reads a whole number.
    ///
    /// # Errors
    /// At the end of the bytes.
    pub fn u32(&mut self) -> Result<u32, ArtifactError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Reads a long whole number.
    ///
    /// # Errors
    /// At the end of the bytes.
    pub fn u64(&mut self) -> Result<u64, ArtifactError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Reads a number.
    ///
    /// # Errors
    /// At the end of the bytes.
    pub fn f64(&mut self) -> Result<f64, ArtifactError> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// Reads a number that must be finite.
    ///
    /// # Errors
    /// At the end of the bytes, or if it is not finite.
    pub fn finite(&mut self) -> Result<f64, ArtifactError> {
        let value = self.f64()?;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(ArtifactError::damaged(format!(
                "{value} stands where a finite number belongs"
            )))
        }
    }

    /// Reads a count that must lie in `0 ..= max`.
    ///
    /// # Errors
    /// At the end of the bytes, or if it is larger.
    pub fn count(&mut self, what: &str, max: usize) -> Result<usize, ArtifactError> {
        let value = self.u64()?;
        match usize::try_from(value) {
            Ok(count) if count <= max => Ok(count),
            _ => Err(ArtifactError::damaged(format!(
                "{value} {what} where at most {max} can be"
            ))),
        }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// At the end of the bytes, or if it is not UTF-8.
    pub fn str(&mut self) -> Result<&'a str, ArtifactError> {
        let bytes = self.u8s()?;
        std::str::from_utf8(bytes).map_err(|_| ArtifactError::damaged("a text is not UTF-8"))
    }

    /// Reads a list of bytes.
    ///
    /// # Errors
    /// At the end of the bytes.
    pub fn u8s(&mut self) -> Result<&'a [u8], ArtifactError> {
        let count = self.u64()?;
        self.take(count)
    }

    fn list<T, const N: usize>(&mut self, from: fn([u8; N]) -> T) -> Result<Vec<T>, ArtifactError> {
        let count = self.u64()?;
        let slice = self.take(count.saturating_mul(N as u64))?;
        let (items, rest) = slice.as_chunks::<N>();
        assert!(rest.is_empty(), "take gives whole items");
        Ok(items.iter().map(|bytes| from(*bytes)).collect())
    }

    /// Reads a list of short whole numbers.
    ///
    /// # Errors
    /// At the end of the bytes.
    pub fn u16s(&mut self) -> Result<Vec<u16>, ArtifactError> {
        self.list(u16::from_le_bytes)
    }

    /// Reads a list of whole numbers.
    ///
    /// # Errors
    /// At the end of the bytes.
    pub fn u32s(&mut self) -> Result<Vec<u32>, ArtifactError> {
        self.list(u32::from_le_bytes)
    }

    /// Reads a list of single-precision numbers.
    ///
    /// # Errors
    /// At the end of the bytes.
    pub fn f32s(&mut self) -> Result<Vec<f32>, ArtifactError> {
        self.list(f32::from_le_bytes)
    }

    /// Reads a list of numbers.
    ///
    /// # Errors
    /// At the end of the bytes.
    pub fn f64s(&mut self) -> Result<Vec<f64>, ArtifactError> {
        self.list(f64::from_le_bytes)
    }

    /// Reads a list of strings.
    ///
    /// # Errors
    /// At the end of the bytes, or if one is not UTF-8.
    pub fn strings(&mut self) -> Result<Strings, ArtifactError> {
        // Each string takes at least its eight length bytes, so the count is bounded by what is left.
        let count = self.count("strings", self.remaining() / 8)?;
        let mut strings = Strings::with_capacity(count, 0);
        for _ in 0..count {
            strings.push(self.str()?);
        }
        Ok(strings)
    }

    /// Reads names, kinds and reasons of columns.
    ///
    /// # Errors
    /// At the end of the bytes, or on names that repeat or kinds that do not exist.
    pub fn schema(&mut self) -> Result<Schema, ArtifactError> {
        // Each field takes at least the length bytes of its four strings.
        let count = self.count("columns", self.remaining() / 32)?;
        let fields = (0..count)
            .map(|_| {
                let name = self.str()?;
                let kind: Kind = self.str()?.parse().map_err(ArtifactError::damaged)?;
                let field = Field::new(name, kind, self.str()?);
                Ok(field.with_dates(date_order(self.str()?)?))
            })
            .collect::<Result<Vec<_>, ArtifactError>>()?;
        Schema::new(fields).map_err(|error| ArtifactError::damaged(error.to_string()))
    }
}

fn date_order_name(order: DateOrder) -> &'static str {
    DateOrder::ALL
        .iter()
        .find(|(other, _)| *other == order)
        .expect("every order is in ALL")
        .1
}

fn date_order(name: &str) -> Result<DateOrder, ArtifactError> {
    let found = DateOrder::ALL.iter().find(|(_, other)| *other == name);
    found
        .map(|(order, _)| *order)
        .ok_or_else(|| ArtifactError::damaged(format!("dates written as '{name}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = Encoder::new();
        out.bool(true);
        out.f64(-0.0);
        out.str("grün");
        out.u16s(&[1, 65535]);
        out.u32s(&[7]);
        out.f32s(&[0.5]);
        out.f64s(&[1.5, f64::NAN]);
        out.strings(&["a", "", "c"].iter().collect());
        let bytes = out.into_bytes();
        let mut from = Decoder::new(&bytes);
        assert_eq!(from.bool(), Ok(true));
        assert_eq!(from.f64().map(f64::to_bits), Ok((-0.0_f64).to_bits()));
        assert_eq!(from.str(), Ok("grün"));
        assert_eq!(from.u16s(), Ok(vec![1, 65535]));
        assert_eq!(from.u32s(), Ok(vec![7]));
        assert_eq!(from.f32s(), Ok(vec![0.5]));
        assert!(from.f64s().is_ok_and(|v| v[0] == 1.5 && v[1].is_nan()));
        assert_eq!(from.strings().map(|s| s.len()), Ok(3));
        assert_eq!(from.finish(), Ok(()));
    }

    #[test]
    fn a_lying_length_is_refused_before_anything_is_allocated() {
        let mut out = Encoder::new();
        out.u64(u64::MAX);
        let bytes = out.into_bytes();
        assert!(matches!(
            Decoder::new(&bytes).f64s(),
            Err(ArtifactError::Truncated { .. })
        ));
        assert!(matches!(
            Decoder::new(&bytes).strings(),
            Err(ArtifactError::Damaged { .. })
        ));
        assert!(matches!(
            Decoder::new(&bytes).u8s(),
            Err(ArtifactError::Truncated { .. })
        ));
    }
}
