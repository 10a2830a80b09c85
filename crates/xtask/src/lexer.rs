//! A light lexer for Rust source: enough to tell code from comments, strings, characters and lifetimes.
//!
//! It accepts every program that the compiler accepts and never fails: an unterminated literal or comment reaches to
//! the end of the text. Operators come out one character at a time, which is all that the rules need.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, keyword or raw identifier.
    Word,
    /// A lifetime or loop label, with its quote.
    Lifetime,
    /// A string, byte string, C string or character literal, raw or not, with its prefix and quotes.
    Text,
    /// A number; the sign of an exponent ends it, which no rule minds.
    Number,
    /// One character of punctuation.
    Mark,
    /// A line or block comment, doc comments included.
    Comment,
}

/// A piece of source with the line (from 1) on which it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

impl Token<'_> {
    /// True for the punctuation character `mark`.
    pub(crate) fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark && self.text.starts_with(mark)
    }

    /// True for the identifier or keyword `word`.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

/// Splits `source` into tokens; white space is dropped.
pub(crate) fn lex(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut line = 1;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let taken = if first.is_whitespace() {
            first.len_utf8()
        } else {
            let (kind, length) = measure(rest, first);
            tokens.push(Token {
                kind,
                text: &rest[..length],
                line,
            });
            length
        };
        line += rest[..taken].matches('\n').count();
        at += taken;
    }
    tokens
}

/// Kind and byte length of the token at the start of `rest`.
fn measure(rest: &str, first: char) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    match first {
        '"' => (Kind::Text, quoted(rest, '"')),
        '\'' => character_or_lifetime(rest),
        _ if is_word_start(first) => match prefixed_literal(rest) {
            Some(length) => (Kind::Text, length),
            None => (Kind::Word, word(rest)),
        },
        _ if first.is_ascii_digit() => (Kind::Number, number(rest)),
        _ => (Kind::Mark, first.len_utf8()),
    }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut depth = 0;
    let mut at = 0;
    while at + 1 < bytes.len() {
        match (bytes[at], bytes[at + 1]) {
            (b'/', b'*') => (depth, at) = (depth + 1, at + 2),
            (b'*', b'/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Length of a literal that opens and closes with `quote`; a backslash hides the character after it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, c) in rest.char_indices().skip(1) {
        if hidden {
            hidden = false;
        } else if c == '\\' {
            hidden = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    rest.len()
}

/// `'x'` and `'\n'` are characters; `'x` without a closing quote right after one character is a lifetime.
fn character_or_lifetime(rest: &str) -> (Kind, usize) {
    let mut inside = rest[1..].chars();
    let (Some(first), second) = (inside.next(), inside.next()) else {
        return (Kind::Mark, 1);
    };
    if first == '\\' || second == Some('\'') {
        return (Kind::Text, quoted(rest, '\''));
    }
    if is_word_start(first) {
        return (Kind::Lifetime, 1 + word(&rest[1..]));
    }
    (Kind::Mark, 1)
}

/// Length of a literal such as `r#".."#`, `b".."`, `br".."`, `c".."` or `b'x'`, if `rest` starts with one.
fn prefixed_literal(rest: &str) -> Option<usize> {
    for prefix in ["br", "cr", "r"] {
        if let Some(length) = rest.strip_prefix(prefix).and_then(raw_string) {
            return Some(prefix.len() + length);
        }
    }
    for (prefix, quote) in [("b", '"'), ("c", '"'), ("b", '\'')] {
        if let Some(literal) = rest.strip_prefix(prefix).filter(|tail| tail.starts_with(quote)) {
            return Some(prefix.len() + quoted(literal, quote));
        }
    }
    None
}

/// Length of `"..."` between equal runs of `#`, if `tail` starts with one. No escapes in there.
fn raw_string(tail: &str) -> Option<usize> {
    let hashes = tail.bytes().take_while(|&byte| byte == b'#').count();
    let body = tail[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&close).map_or(body.len(), |at| at + close.len());
    Some(hashes + 1 + length)
}

/// Length of an identifier; `r#type` is one.
fn word(rest: &str) -> usize {
    let raw = rest
        .strip_prefix("r#")
        .is_some_and(|tail| tail.starts_with(is_word_start));
    let prefix = if raw { 2 } else { 0 };
    let tail = &rest[prefix..];
    prefix + tail.find(|c: char| !is_word_part(c)).unwrap_or(tail.len())
}

/// Length of a number: `1_000u64`, `0xff`, `1.5`, but not the dots of `0..n` nor the call of `1.max(2)`.
fn number(rest: &str) -> usize {
    let whole = rest.find(|c: char| !is_word_part(c)).unwrap_or(rest.len());
    let fraction = rest[whole..]
        .strip_prefix('.')
        .filter(|tail| tail.starts_with(|c: char| c.is_ascii_digit()));
    match fraction {
        Some(tail) => whole + 1 + tail.find(|c: char| !is_word_part(c)).unwrap_or(tail.len()),
        None => whole,
    }
}

fn is_word_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn is_word_part(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::{Kind, lex};

    /// Lexes `source` and compares `kind text` pairs.
    #[track_caller]
    fn check(source: &str, expected: &[(Kind, &str)]) {
        let found: Vec<_> = lex(source).iter().map(|token| (token.kind, token.text)).collect();
        assert_eq!(found, expected, "source: {source}");
    }

    use Kind::{Comment, Lifetime, Mark, Number, Text, Word};

    #[test]
    fn strings_hide_what_looks_like_code() {
        check(
            r#"a "fn x() { // no" b"#,
            &[(Word, "a"), (Text, r#""fn x() { // no""#), (Word, "b")],
        );
        check(r#""\\" x"#, &[(Text, r#""\\""#), (Word, "x")]);
        check(r#""\"" x"#, &[(Text, r#""\"""#), (Word, "x")]);
        check("\"two\nlines\" x", &[(Text, "\"two\nlines\""), (Word, "x")]);
    }

    #[test]
    fn raw_strings_end_at_their_own_number_of_hashes() {
        check("r\"\\\" x", &[(Text, "r\"\\\""), (Word, "x")]);
        check("r#\"a \" b\"# x", &[(Text, "r#\"a \" b\"#"), (Word, "x")]);
        check("br##\"a \"# b\"## x", &[(Text, "br##\"a \"# b\"##"), (Word, "x")]);
        check(
            "cr#\"a\"# c\"b\" b\"\\\"\"",
            &[(Text, "cr#\"a\"#"), (Text, "c\"b\""), (Text, "b\"\\\"\"")],
        );
    }

    #[test]
    fn words_that_begin_like_a_literal_stay_words() {
        check("r#type", &[(Word, "r#type")]);
        check(
            "br b rb c0 r",
            &[(Word, "br"), (Word, "b"), (Word, "rb"), (Word, "c0"), (Word, "r")],
        );
        check("größe", &[(Word, "größe")]);
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        check("'a'", &[(Text, "'a'")]);
        check("'a", &[(Lifetime, "'a")]);
        check(
            "&'static str",
            &[(Mark, "&"), (Lifetime, "'static"), (Word, "str")],
        );
        check(
            "<'a, 'b>",
            &[
                (Mark, "<"),
                (Lifetime, "'a"),
                (Mark, ","),
                (Lifetime, "'b"),
                (Mark, ">"),
            ],
        );
        check("'_'", &[(Text, "'_'")]);
        check("'_", &[(Lifetime, "'_")]);
        check(r"'\'' x", &[(Text, r"'\''"), (Word, "x")]);
        check(r"'\\' x", &[(Text, r"'\\'"), (Word, "x")]);
        check(r"'\u{1F600}' x", &[(Text, r"'\u{1F600}'"), (Word, "x")]);
        check("'{' '\"' 'é'", &[(Text, "'{'"), (Text, "'\"'"), (Text, "'é'")]);
        check(r"b'\'' b'x'", &[(Text, r"b'\''"), (Text, "b'x'")]);
        check(
            "'outer: loop",
            &[(Lifetime, "'outer"), (Mark, ":"), (Word, "loop")],
        );
    }

    #[test]
    fn block_comments_nest() {
        check(
            "/* a /* b */ \" c */ x",
            &[(Comment, "/* a /* b */ \" c */"), (Word, "x")],
        );
        check("/**/x", &[(Comment, "/**/"), (Word, "x")]);
        check("/*/ */x", &[(Comment, "/*/ */"), (Word, "x")]);
    }

    #[test]
    fn line_comments_end_with_their_line() {
        check("// it's \"odd\nx", &[(Comment, "// it's \"odd"), (Word, "x")]);
        check("a / b", &[(Word, "a"), (Mark, "/"), (Word, "b")]);
    }

    #[test]
    fn numbers_leave_ranges_and_calls_alone() {
        check(
            "0..10",
            &[(Number, "0"), (Mark, "."), (Mark, "."), (Number, "10")],
        );
        check("1.5f32", &[(Number, "1.5f32")]);
        check("1.max", &[(Number, "1"), (Mark, "."), (Word, "max")]);
        check("0xff_u8 1_000", &[(Number, "0xff_u8"), (Number, "1_000")]);
    }

    #[test]
    fn unterminated_text_reaches_the_end() {
        check("\"abc", &[(Text, "\"abc")]);
        check("r#\"abc\"", &[(Text, "r#\"abc\"")]);
        check("/* abc", &[(Comment, "/* abc")]);
        check("'", &[(Mark, "'")]);
    }

    #[test]
    fn lines_count_through_every_kind_of_token() {
        let source = "a\n\"x\ny\"\n/* p\nq */\nr\"1\n2\" b";
        let lines: Vec<_> = lex(source).iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 2, 4, 6, 7]);
    }
}
