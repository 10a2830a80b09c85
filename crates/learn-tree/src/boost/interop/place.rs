//! A value of a JSON-like document together with where it stands, so that every complaint names its place.

use serde_json::{Map, Value};

use super::{InteropError, Library};

/// Largest model file that is read; its document takes up to 32 times the memory.
pub(super) const MODEL_BYTES_MAX: usize = 128 << 20;

/// A value and its path.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    library: Library,
    path: String,
    value: &'a Value,
}

impl<'a> Place<'a> {
    pub(super) fn root(library: Library, value: &'a Value) -> Self {
        let path = String::new();
        Self { library, path, value }
    }

    pub(super) fn library(&self) -> Library {
        self.library
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// Damage at this place.
    pub(super) fn damaged(&self, what: impl Into<String>) -> InteropError {
        let path = if self.path.is_empty() {
            "the top"
        } else {
            self.path.as_str()
        };
        InteropError::damaged(self.library, path, what)
    }

    fn below(&self, step: &str, value: &'a Value) -> Self {
        let dot = if self.path.is_empty() || step.starts_with('[') {
            ""
        } else {
            "."
        };
        Self {
            library: self.library,
            path: format!("{}{dot}{step}", self.path),
            value,
        }
    }

    pub(super) fn object(&self) -> Result<&'a Map<String, Value>, InteropError> {
        let object = self.value.as_object();
        object.ok_or_else(|| self.damaged("an object belongs here"))
    }

    /// The value under a key, if the object has it.
    pub(super) fn find(&self, key: &str) -> Result<Option<Self>, InteropError> {
        Ok(self.object()?.get(key).map(|value| self.below(key, value)))
    }

    /// The value under a key.
    pub(super) fn get(&self, key: &str) -> Result<Self, InteropError> {
        let found = self.find(key)?;
        found.ok_or_else(|| self.damaged(format!("'{key}' is missing")))
    }

    /// The members of a list.
    pub(super) fn items(&self) -> Result<impl ExactSizeIterator<Item = Self> + use<'_, 'a>, InteropError> {
        let items = self.array()?.iter().enumerate();
        Ok(items.map(|(at, value)| self.below(&format!("[{at}]"), value)))
    }

    pub(super) fn array(&self) -> Result<&'a [Value], InteropError> {
        let items = self.value.as_array().map(Vec::as_slice);
        items.ok_or_else(|| self.damaged("a list belongs here"))
    }

    pub(super) fn str(&self) -> Result<&'a str, InteropError> {
        self.value
            .as_str()
            .ok_or_else(|| self.damaged("a text belongs here"))
    }

    /// A finite number.
    pub(super) fn number(&self) -> Result<f64, InteropError> {
        let number = self.value.as_f64().filter(|number| number.is_finite());
        number.ok_or_else(|| self.damaged("a finite number belongs here"))
    }

    /// A whole number from 0 to `max`.
    pub(super) fn count(&self, max: usize) -> Result<usize, InteropError> {
        let count = self.value.as_u64().and_then(|count| usize::try_from(count).ok());
        count
            .filter(|count| *count <= max)
            .ok_or_else(|| self.damaged(format!("a whole number up to {max} belongs here")))
    }

    /// Finite numbers, as many as `len` says where it says so.
    pub(super) fn numbers(&self, len: Option<usize>) -> Result<Vec<f64>, InteropError> {
        let items = self.array()?;
        self.check_len(items.len(), len)?;
        let number = |value: &Value| value.as_f64().filter(|number| number.is_finite());
        let numbers = items.iter().map(number).collect::<Option<Vec<_>>>();
        numbers.ok_or_else(|| self.damaged("a list of finite numbers belongs here"))
    }

    /// Whole numbers, as many as `len` says where it says so.
    pub(super) fn integers(&self, len: Option<usize>) -> Result<Vec<i64>, InteropError> {
        let items = self.array()?;
        self.check_len(items.len(), len)?;
        let numbers = items.iter().map(Value::as_i64).collect::<Option<Vec<_>>>();
        numbers.ok_or_else(|| self.damaged("a list of whole numbers belongs here"))
    }

    /// Texts, as many as `len` says where it says so.
    pub(super) fn strings(&self, len: Option<usize>) -> Result<Vec<&'a str>, InteropError> {
        let items = self.array()?;
        self.check_len(items.len(), len)?;
        let texts = items.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
        texts.ok_or_else(|| self.damaged("a list of texts belongs here"))
    }

    fn check_len(&self, found: usize, wanted: Option<usize>) -> Result<(), InteropError> {
        match wanted {
            Some(wanted) if wanted != found => {
                Err(self.damaged(format!("{found} entries where {wanted} belong")))
            }
            _ => Ok(()),
        }
    }
}

/// Reads a JSON text of bounded size; serde_json bounds its depth.
pub(super) fn parse_json(library: Library, bytes: &[u8]) -> Result<Value, InteropError> {
    check_size(library, bytes.len())?;
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        InteropError::damaged(library, place, format!("this is not JSON ({error})"))
    })
}

pub(super) fn check_size(library: Library, bytes: usize) -> Result<(), InteropError> {
    if bytes > MODEL_BYTES_MAX {
        let what = format!("it has {bytes} bytes, at most {MODEL_BYTES_MAX} are read: import fewer trees");
        return Err(InteropError::foreign(library, what));
    }
    Ok(())
}
