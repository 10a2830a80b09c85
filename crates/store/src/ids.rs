//! Names that are made here, and what words of clients may be.

use sha2::{Digest, Sha256};

use crate::StoreError;

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a text, in hexadecimal.
pub(crate) fn sha256_hex(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// So many random bytes from the system, in hexadecimal.
pub(crate) fn random_hex(bytes: usize) -> Result<String, StoreError> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::Database(format!("the system gives no random bytes: {error}")))?;
    Ok(hex(&random))
}

/// Longest name of an experiment, a run, a model or an alias, and longest key, in characters.
pub const NAME_MAX: usize = 250;
/// Longest value of a parameter, in characters.
pub const PARAM_MAX: usize = 6_000;
/// Longest value of a tag, in characters.
pub const TAG_MAX: usize = 8_000;
/// Longest description, data set source, schema or signature, in characters.
pub const TEXT_MAX: usize = 1_000_000;
/// Longest path of an artifact, in characters.
pub const PATH_MAX: usize = 1_000;

/// A name or key: some characters, none of them for control.
pub(crate) fn require_name(what: &str, name: &str) -> Result<(), StoreError> {
    if name.is_empty() {
        return Err(StoreError::invalid(
            what,
            "is empty; give it at least one character",
        ));
    }
    require_text(what, name, NAME_MAX)?;
    if let Some(found) = name.chars().find(|c| c.is_control() || is_direction(*c)) {
        let problem = format!("has the character {found:?}; use printable characters");
        return Err(StoreError::invalid(what, problem));
    }
    Ok(())
}

/// A key of a metric, parameter or tag: a name that does not climb, since clients make paths of keys.
pub(crate) fn require_key(what: &str, key: &str) -> Result<(), StoreError> {
    require_name(what, key)?;
    if key.split('/').any(|part| part == "." || part == "..") || key.starts_with('/') {
        return Err(StoreError::invalid(
            what,
            "may not begin with a slash nor have a part `.` or `..`",
        ));
    }
    Ok(())
}

/// Characters that turn the direction of what follows: a name must read as it is.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// A text of at most so many characters, without NUL.
pub(crate) fn require_text(what: &str, text: &str, characters_max: usize) -> Result<(), StoreError> {
    let length = text.chars().count();
    if length > characters_max {
        let problem = format!("has {length} characters; {characters_max} are allowed");
        return Err(StoreError::invalid(what, problem));
    }
    if text.contains('\0') {
        return Err(StoreError::invalid(what, "holds a NUL character; leave it out"));
    }
    Ok(())
}

/// A registered model's name: a name that can stand in an address.
pub(crate) fn require_model_name(name: &str) -> Result<(), StoreError> {
    require_name("the model's name", name)?;
    if name.contains(['/', ':', '\\']) || name == "." || name == ".." {
        return Err(StoreError::invalid(
            "the model's name",
            "may not hold `/`, `:` or `\\`, nor be dots alone",
        ));
    }
    Ok(())
}

/// An alias: letters, digits, `-` and `_`, no number, not `latest`.
pub(crate) fn require_alias(alias: &str) -> Result<(), StoreError> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let bare = alias.strip_prefix('v').unwrap_or(alias);
    let is_number = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit());
    if alias.is_empty()
        || alias.len() > NAME_MAX
        || !alias.chars().all(is_word)
        || is_number
        || alias == "latest"
    {
        return Err(StoreError::invalid(
            format!("the alias {:?}", alias.chars().take(40).collect::<String>()),
            "must be letters, digits, `-` and `_`, such as champion, and neither a version number nor `latest`",
        ));
    }
    Ok(())
}

/// The path of an artifact: names between slashes. It is a key of a row and never a path of a file.
pub(crate) fn require_path(path: &str) -> Result<(), StoreError> {
    let refuse = |problem: &str| Err(StoreError::invalid("the artifact's path", problem));
    if path.is_empty() || path.chars().count() > PATH_MAX {
        return refuse("must have 1 to 1000 characters");
    }
    let is_plain = |c: char| !c.is_control() && !is_direction(c) && !"\\:*?\"<>|#%".contains(c);
    if !path.chars().all(is_plain) {
        return refuse("may not hold control characters nor any of \\ : * ? \" < > | # %");
    }
    if path
        .split('/')
        .any(|name| name.is_empty() || name == "." || name == ".." || name.trim() != name)
    {
        return refuse(
            "must be names between single slashes, none of them `.` or `..` or with blanks at an end",
        );
    }
    Ok(())
}

/// A run's identifier: 32 hexadecimal digits.
pub(crate) fn is_run_id(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
