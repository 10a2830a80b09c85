//! Universal Binary JSON, as far as XGBoost writes it: <https://ubjson.org>, draft 12, numbers most significant byte first.

use serde_json::{Map, Number, Value};

const DEPTH_MAX: usize = 64;

/// Where reading stopped, and why.
pub(super) type Failure = (usize, String);

/// Whether the bytes can only be UBJ: a JSON object goes on with a quotation mark, a blank or its end.
pub(super) fn is_ubj(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'L' | b'l' | b'I' | b'i' | b'U' | b'#' | b'$', ..])
}

/// Reads a document.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Failure> {
    let mut reader = Reader { bytes, at: 0 };
    let marker = reader.byte()?;
    let value = reader.value(marker, 0)?;
    match bytes.len() - reader.at {
        0 => Ok(value),
        left => Err((reader.at, format!("{left} bytes are left over"))),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn fail<T>(&self, what: impl Into<String>) -> Result<T, Failure> {
        Err((self.at, what.into()))
    }

    fn take(&mut self, count: usize) -> Result<&[u8], Failure> {
        if count > self.bytes.len() - self.at {
            return self.fail("the file ends too early");
        }
        self.at += count;
        Ok(&self.bytes[self.at - count..self.at])
    }

    fn byte(&mut self) -> Result<u8, Failure> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        Ok(self.take(N)?.try_into().expect("take gives the length asked for"))
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Value, Failure> {
        if depth > DEPTH_MAX {
            return self.fail(format!("values lie more than {DEPTH_MAX} deep in each other"));
        }
        match marker {
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b'S' => Ok(Value::String(self.text()?)),
            b'T' => Ok(Value::Bool(true)),
            b'F' => Ok(Value::Bool(false)),
            b'Z' => Ok(Value::Null),
            other => self.number(other),
        }
    }

    fn number(&mut self, marker: u8) -> Result<Value, Failure> {
        let real = match marker {
            b'd' => f64::from(f32::from_be_bytes(self.array()?)),
            b'D' => f64::from_be_bytes(self.array()?),
            _ => return Ok(self.integer(marker)?.into()),
        };
        match Number::from_f64(real) {
            Some(number) => Ok(Value::Number(number)),
            None => self.fail(format!("{real} stands where a finite number belongs")),
        }
    }

    fn integer(&mut self, marker: u8) -> Result<i64, Failure> {
        Ok(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.array()?)),
            b'U' => i64::from(self.byte()?),
            b'I' => i64::from(i16::from_be_bytes(self.array()?)),
            b'l' => i64::from(i32::from_be_bytes(self.array()?)),
            b'L' => i64::from_be_bytes(self.array()?),
            other => return self.fail(format!("byte {other} marks no value")),
        })
    }

    /// A length that the bytes left can hold, at `size` bytes an entry.
    fn length(&mut self, size: usize) -> Result<usize, Failure> {
        let marker = self.byte()?;
        let length = self.integer(marker)?;
        let room = (self.bytes.len() - self.at) / size;
        match usize::try_from(length) {
            Ok(length) if length <= room => Ok(length),
            _ => self.fail(format!("a length of {length} where at most {room} fit")),
        }
    }

    fn text(&mut self) -> Result<String, Failure> {
        let length = self.length(1)?;
        let bytes = self.take(length)?.to_vec();
        String::from_utf8(bytes).map_err(|_| (self.at, "a text is not UTF-8".to_owned()))
    }

    fn object(&mut self, depth: usize) -> Result<Value, Failure> {
        let mut object = Map::new();
        while self.bytes.get(self.at) != Some(&b'}') {
            let key = self.text()?;
            let marker = self.byte()?;
            let value = self.value(marker, depth + 1)?;
            if object.insert(key, value).is_some() {
                return self.fail("an object has a key twice");
            }
        }
        self.at += 1;
        Ok(Value::Object(object))
    }

    fn list(&mut self, depth: usize) -> Result<Value, Failure> {
        match self.bytes.get(self.at) {
            Some(b'$') => {
                self.at += 1;
                self.typed_list()
            }
            Some(b'#') => {
                self.at += 1;
                let length = self.length(1)?;
                let item = |_| {
                    let marker = self.byte()?;
                    self.value(marker, depth + 1)
                };
                Ok(Value::Array((0..length).map(item).collect::<Result<_, _>>()?))
            }
            _ => self.open_list(depth),
        }
    }

    fn typed_list(&mut self) -> Result<Value, Failure> {
        let marker = self.byte()?;
        let size = match marker {
            b'i' | b'U' => 1,
            b'I' => 2,
            b'l' | b'd' => 4,
            b'L' | b'D' => 8,
            other => return self.fail(format!("byte {other} is no type of a list")),
        };
        if self.byte()? != b'#' {
            return self.fail("a typed list has no length");
        }
        let length = self.length(size)?;
        let items = (0..length).map(|_| self.number(marker));
        Ok(Value::Array(items.collect::<Result<_, _>>()?))
    }

    fn open_list(&mut self, depth: usize) -> Result<Value, Failure> {
        let mut items = Vec::new();
        loop {
            match self.byte()? {
                b']' => return Ok(Value::Array(items)),
                marker => items.push(self.value(marker, depth + 1)?),
            }
        }
    }
}

/// Writes a document with the types that XGBoost expects under its keys; whole numbers elsewhere are long ones.
pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut to = Vec::new();
    put("", value, &mut to);
    to
}

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Byte,
    UnsignedByte,
    Int,
    Long,
    Single,
}

/// The lists that XGBoost reads only with one type, by key.
const TYPED: [(Stored, &[&str]); 5] = [
    (Stored::Byte, &["values"]),
    (Stored::UnsignedByte, &["default_left", "split_type"]),
    (
        Stored::Int,
        &[
            "categories",
            "categories_nodes",
            "feature_segments",
            "left_children",
            "offsets",
            "parents",
            "right_children",
            "sorted_idx",
            "split_indices",
        ],
    ),
    (Stored::Long, &["categories_segments", "categories_sizes"]),
    (
        Stored::Single,
        &["base_weights", "loss_changes", "split_conditions", "sum_hessian"],
    ),
];

fn put(key: &str, value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Null => to.push(b'Z'),
        Value::Bool(flag) => to.push(if *flag { b'T' } else { b'F' }),
        Value::Number(number) => {
            let stored = if number.is_f64() {
                Stored::Single
            } else {
                Stored::Long
            };
            to.push(stored.marker());
            stored.put(number, to);
        }
        Value::String(text) => {
            to.push(b'S');
            put_text(text, to);
        }
        Value::Array(items) => put_list(key, items, to),
        Value::Object(object) => {
            to.push(b'{');
            for (key, value) in object {
                put_text(key, to);
                put(key, value, to);
            }
            to.push(b'}');
        }
    }
}

fn put_length(length: usize, to: &mut Vec<u8>) {
    to.push(b'L');
    to.extend((length as i64).to_be_bytes());
}

fn put_text(text: &str, to: &mut Vec<u8>) {
    put_length(text.len(), to);
    to.extend(text.as_bytes());
}

fn put_list(key: &str, items: &[Value], to: &mut Vec<u8>) {
    to.push(b'[');
    let Some((stored, _)) = TYPED.iter().find(|(_, keys)| keys.contains(&key)) else {
        to.push(b'#');
        put_length(items.len(), to);
        items.iter().for_each(|item| put("", item, to));
        return;
    };
    to.extend([b'$', stored.marker(), b'#']);
    put_length(items.len(), to);
    for item in items {
        stored.put(item.as_number().expect("typed lists hold numbers"), to);
    }
}

impl Stored {
    fn marker(self) -> u8 {
        match self {
            Self::Byte => b'i',
            Self::UnsignedByte => b'U',
            Self::Int => b'l',
            Self::Long => b'L',
            Self::Single => b'd',
        }
    }

    fn put(self, number: &Number, to: &mut Vec<u8>) {
        let whole = || number.as_i64().expect("whole numbers of a model fit 64 bits");
        match self {
            Self::Byte => to.extend((whole() as i8).to_be_bytes()),
            Self::UnsignedByte => to.push(whole() as u8),
            Self::Int => to.extend((whole() as i32).to_be_bytes()),
            Self::Long => to.extend(whole().to_be_bytes()),
            Self::Single => {
                let value = number.as_f64().expect("a number has a value") as f32;
                to.extend(value.to_be_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let document = json!({"a": [1, -2], "b": [0.5, 1.25], "c": {"d": "grün", "e": [true, null]}, "f": [1, 0.5],
            "base_weights": [0.5, 0.25], "parents": [-1, 7], "values": [-3], "split_type": []});
        let bytes = write(&document);
        assert!(is_ubj(&bytes));
        assert_eq!(read(&bytes), Ok(document));
    }

    #[test]
    fn lying_lengths_and_depths_are_refused() {
        assert!(read(b"[$U#L\x7f\xff\xff\xff\xff\xff\xff\xff").is_err());
        assert!(read(b"[#l\x7f\xff\xff\xff").is_err());
        assert!(read(&[b'['; 1000]).is_err_and(|(_, what)| what.contains("deep")));
        assert!(read(b"{U\x01aT").is_err());
        assert!(read(b"d\x7f\xc0\x00\x00").is_err_and(|(_, what)| what.contains("finite")));
    }
}
