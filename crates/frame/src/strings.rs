//! Many strings in one allocation.

/// An immutable list of strings stored back to back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strings {
    /// `ends[i]` is where string `i` ends; string `i` starts where `i - 1` ends.
    ends: Vec<u64>,
    text: String,
}

impl Strings {
    /// An empty list with room for `count` strings of `bytes` bytes in all.
    pub fn with_capacity(count: usize, bytes: usize) -> Self {
        Self {
            ends: Vec::with_capacity(count),
            text: String::with_capacity(bytes),
        }
    }

    /// Appends one string.
    pub fn push(&mut self, value: &str) {
        self.text.push_str(value);
        self.ends.push(self.text.len() as u64);
    }

    /// Appends all strings of another list.
    pub fn append(&mut self, other: &Self) {
        let shift = self.text.len() as u64;
        self.text.push_str(&other.text);
        self.ends.extend(other.ends.iter().map(|end| end + shift));
    }

    /// Bytes of all strings together.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The string at `index`.
    ///
    /// # Panics
    /// If `index` is out of bounds.
    pub fn get(&self, index: usize) -> &str {
        let start = if index == 0 {
            0
        } else {
            self.ends[index - 1] as usize
        };
        &self.text[start..self.ends[index] as usize]
    }

    /// All strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.ends.capacity() * size_of::<u64>() + self.text.capacity()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Strings {
    fn from_iter<I: IntoIterator<Item = S>>(values: I) -> Self {
        let mut strings = Self::default();
        values.into_iter().for_each(|value| strings.push(value.as_ref()));
        strings
    }
}
