//! The text of a LightGBM model in parts: a header, blocks of trees, and what follows.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::super::place::check_size;
use super::super::{InteropError, Library};

const LIBRARY: Library = Library::Lightgbm;
const END_OF_TREES: &str = "end of trees";

/// A model in parts.
pub(super) struct Parts<'a> {
    pub(super) header: Block<'a>,
    pub(super) trees: Vec<Block<'a>>,
    /// What follows the trees.
    pub(super) rest: &'a str,
}

/// Lines of keys and values, with the number of the first line.
#[derive(Debug, Clone)]
pub(super) struct Block<'a> {
    line: usize,
    entries: BTreeMap<&'a str, &'a str>,
}

/// Cuts a file into its parts and compares the sizes that it states.
pub(super) fn cut(bytes: &[u8]) -> Result<Parts<'_>, InteropError> {
    check_size(LIBRARY, bytes.len())?;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        InteropError::damaged(
            LIBRARY,
            format!("byte {}", error.valid_up_to()),
            "this is not UTF-8 text",
        )
    })?;
    if !text.starts_with("tree\n") {
        return Err(InteropError::damaged(
            LIBRARY,
            "line 1",
            "the word 'tree' and a line feed belong here",
        ));
    }
    let end = find_line(text, END_OF_TREES, 0).ok_or_else(|| {
        InteropError::damaged(LIBRARY, "the end", format!("there is no line '{END_OF_TREES}'"))
    })?;
    let first = find_line(text, "Tree=", 0)
        .filter(|first| *first < end)
        .unwrap_or(end);
    let header = Block::read(&text[..first], 1)?;
    let mut trees = Vec::new();
    let mut line = 1 + count_lines(&text[..first]);
    for block in blocks(text, first, end, &header)? {
        trees.push(Block::read(block, line)?);
        line += count_lines(block);
    }
    Ok(Parts {
        header,
        trees,
        rest: &text[end + END_OF_TREES.len()..],
    })
}

/// The texts of trees: by the sizes that the header states, which must lead from one to the next.
fn blocks<'a>(
    text: &'a str,
    first: usize,
    end: usize,
    header: &Block<'_>,
) -> Result<Vec<&'a str>, InteropError> {
    let mut blocks = Vec::new();
    let mut at = first;
    let Some(sizes) = header.find_numbers::<usize>("tree_sizes", None)? else {
        while at < end {
            let next = find_line(text, "Tree=", at + 1)
                .filter(|next| *next < end)
                .unwrap_or(end);
            blocks.push(&text[at..next]);
            at = next;
        }
        return Ok(blocks);
    };
    for (number, size) in sizes.iter().enumerate() {
        let stop = at.checked_add(*size).filter(|stop| *stop <= end);
        let block = stop.and_then(|stop| text.get(at..stop));
        let whole =
            block.filter(|block| block.starts_with(&format!("Tree={number}\n")) && block.ends_with('\n'));
        blocks.push(
            whole.ok_or_else(|| header.damaged("tree_sizes", format!("tree {number} has another size")))?,
        );
        at += size;
    }
    if at == end {
        Ok(blocks)
    } else {
        Err(header.damaged(
            "tree_sizes",
            format!("{} bytes lie behind the last tree", end - at),
        ))
    }
}

/// Where a line that starts with these words begins, from `from` on.
fn find_line(text: &str, start: &str, from: usize) -> Option<usize> {
    let found = text.get(from..)?.match_indices(start).map(|(at, _)| at + from);
    found
        .into_iter()
        .find(|&at| at == 0 || text.as_bytes()[at - 1] == b'\n')
}

fn count_lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

impl<'a> Block<'a> {
    fn read(text: &'a str, line: usize) -> Result<Self, InteropError> {
        let mut entries = BTreeMap::new();
        for (at, row) in text.lines().enumerate().filter(|(_, row)| !row.is_empty()) {
            let (key, value) = row.split_once('=').unwrap_or((row, ""));
            if entries.insert(key, value).is_some() {
                let place = format!("line {}", line + at);
                return Err(InteropError::damaged(
                    LIBRARY,
                    place,
                    format!("'{key}' stands there twice"),
                ));
            }
        }
        Ok(Self { line, entries })
    }

    /// Damage in the value of a key.
    pub(super) fn damaged(&self, key: &str, what: impl Into<String>) -> InteropError {
        InteropError::damaged(
            LIBRARY,
            format!("'{key}' in the block at line {}", self.line),
            what,
        )
    }

    pub(super) fn find(&self, key: &str) -> Option<&'a str> {
        self.entries.get(key).copied()
    }

    pub(super) fn get(&self, key: &str) -> Result<&'a str, InteropError> {
        self.find(key).ok_or_else(|| self.damaged(key, "it is missing"))
    }

    /// One number.
    pub(super) fn number<T: FromStr>(&self, key: &str) -> Result<T, InteropError> {
        let text = self.get(key)?;
        text.parse()
            .map_err(|_| self.damaged(key, format!("'{text:.40}' is no number that belongs here")))
    }

    /// Numbers between blanks, if the key is there; as many as `len` says where it says so.
    pub(super) fn find_numbers<T: FromStr>(
        &self,
        key: &str,
        len: Option<usize>,
    ) -> Result<Option<Vec<T>>, InteropError> {
        let Some(text) = self.find(key) else {
            return Ok(None);
        };
        let words = text.split(' ').filter(|word| !word.is_empty());
        let numbers: Option<Vec<T>> = words.map(|word| word.parse().ok()).collect();
        let numbers = numbers.ok_or_else(|| self.damaged(key, "a list of numbers belongs here"))?;
        match len {
            Some(len) if len != numbers.len() => {
                Err(self.damaged(key, format!("{} entries where {len} belong", numbers.len())))
            }
            _ => Ok(Some(numbers)),
        }
    }

    /// As many numbers between blanks as `len` says.
    pub(super) fn numbers<T: FromStr>(&self, key: &str, len: usize) -> Result<Vec<T>, InteropError> {
        let numbers = self.find_numbers(key, Some(len))?;
        numbers.ok_or_else(|| self.damaged(key, "it is missing"))
    }
}
