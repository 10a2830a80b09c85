//! What a Rust file contains: its functions with their length, its module declarations, its lines of test code.

use std::ops::RangeInclusive;

use crate::lexer::{Kind, Token, lex};

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line of `fn`, from 1.
    pub(crate) line: usize,
    /// Lines from `fn` to the closing brace, both included.
    pub(crate) lines: usize,
}

/// The parts of a Rust file that rules look at.
#[derive(Debug)]
pub(crate) struct Outline<'a> {
    /// Every token but comments.
    pub(crate) code: Vec<Token<'a>>,
    /// Comments, doc comments included.
    pub(crate) comments: Vec<Token<'a>>,
    pub(crate) functions: Vec<Function>,
    /// Lines of items that exist only in test builds, in order; may overlap.
    test_lines: Vec<RangeInclusive<usize>>,
    lines: usize,
}

impl<'a> Outline<'a> {
    /// Reads `source`.
    pub(crate) fn of(source: &'a str) -> Outline<'a> {
        let (comments, code): (Vec<_>, Vec<_>) =
            lex(source).into_iter().partition(|t| t.kind == Kind::Comment);
        let functions = functions(&code);
        let test_lines = test_lines(&code, source.lines().count());
        Outline {
            code,
            comments,
            functions,
            test_lines,
            lines: source.lines().count(),
        }
    }

    /// Names and lines of `mod name;` and `mod name { .. }`.
    pub(crate) fn modules(&self) -> impl Iterator<Item = (&'a str, usize)> {
        self.code.windows(3).filter_map(|next| {
            let declares = next[0].is_word("mod") && next[1].kind == Kind::Word;
            (declares && (next[2].is_mark(';') || next[2].is_mark('{'))).then(|| (next[1].text, next[1].line))
        })
    }

    /// Lines of the file that are not part of a test-only item.
    pub(crate) fn production_lines(&self) -> usize {
        (1..=self.lines)
            .filter(|line| !self.test_lines.iter().any(|range| range.contains(line)))
            .count()
    }
}

fn functions(code: &[Token<'_>]) -> Vec<Function> {
    let mut found = Vec::new();
    for at in 0..code.len().saturating_sub(1) {
        // `fn` before anything but a name is a function pointer type or a macro fragment.
        if !code[at].is_word("fn") || code[at + 1].kind != Kind::Word {
            continue;
        }
        let end = item_end(code, at);
        if code[end].is_mark('}') {
            let lines = code[end].line - code[at].line + 1;
            found.push(Function {
                name: code[at + 1].text.to_owned(),
                line: code[at].line,
                lines,
            });
        }
    }
    found
}

/// Index of the last token of the item that starts at `start`: its closing brace or its semicolon.
///
/// Braces inside parentheses, brackets or angle brackets belong to constant expressions such as `Tile<{ N + 1 }>`.
fn item_end(code: &[Token<'_>], start: usize) -> usize {
    let mut nested = 0_usize;
    let mut angles = 0_usize;
    let mut at = start;
    while at < code.len() {
        let token = &code[at];
        if token.kind == Kind::Mark {
            match token.text {
                "(" | "[" => nested += 1,
                ")" | "]" => nested = nested.saturating_sub(1),
                "<" if nested == 0 => angles += 1,
                ">" if nested == 0 && !is_arrow(code, at) => angles = angles.saturating_sub(1),
                "{" => {
                    let close = closing_brace(code, at);
                    if nested == 0 && angles == 0 {
                        return close;
                    }
                    at = close;
                }
                ";" if nested == 0 => return at,
                // The end of what surrounds a field, an arm or a last expression.
                "}" => return at.saturating_sub(1).max(start),
                _ => {}
            }
        }
        at += 1;
    }
    code.len() - 1
}

/// True for the second character of `->` and `=>`.
fn is_arrow(code: &[Token<'_>], at: usize) -> bool {
    at > 0 && (code[at - 1].is_mark('-') || code[at - 1].is_mark('='))
}

fn closing_brace(code: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in code.iter().enumerate().skip(open) {
        if token.is_mark('{') {
            depth += 1;
        } else if token.is_mark('}') {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    code.len() - 1
}

/// Ranges of lines that only a test build compiles; `lines` is the length of the file.
fn test_lines(code: &[Token<'_>], lines: usize) -> Vec<RangeInclusive<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + 1 < code.len() {
        let inner = code[at + 1].is_mark('!');
        let open = if inner { at + 2 } else { at + 1 };
        if !code[at].is_mark('#') || !code.get(open).is_some_and(|token| token.is_mark('[')) {
            at += 1;
            continue;
        }
        let close = closing_bracket(code, open);
        if is_test_attribute(&code[open + 1..close]) {
            if inner {
                return vec![1..=lines];
            }
            let end = item_end(code, (close + 1).min(code.len() - 1));
            found.push(code[at].line..=code[end].line);
        }
        at = close + 1;
    }
    found
}

fn closing_bracket(code: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in code.iter().enumerate().skip(open) {
        if token.is_mark('[') {
            depth += 1;
        } else if token.is_mark(']') {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    code.len() - 1
}

/// `test`, `tokio::test`, `cfg(test)`, `cfg(all(test, unix))`, but not `cfg(not(test))`.
fn is_test_attribute(inside: &[Token<'_>]) -> bool {
    let has = |word: &str| inside.iter().any(|token| token.is_word(word));
    match inside.first() {
        Some(first) if first.is_word("cfg") => has("test") && !has("not"),
        Some(_) => inside.last().is_some_and(|token| token.is_word("test")),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Outline;

    /// Lists the functions of `source` as `name:line+lines`.
    #[track_caller]
    fn check_functions(source: &str, expected: &[&str]) {
        let outline = Outline::of(source);
        let found: Vec<_> = outline
            .functions
            .iter()
            .map(|f| format!("{}:{}+{}", f.name, f.line, f.lines))
            .collect();
        assert_eq!(found, expected, "source: {source}");
    }

    #[track_caller]
    fn check_production(source: &str, expected: usize) {
        assert_eq!(
            Outline::of(source).production_lines(),
            expected,
            "source: {source}"
        );
    }

    #[test]
    fn functions_reach_from_fn_to_the_closing_brace() {
        check_functions(
            "\npub fn a(x: u8) -> u8 {\n  x\n}\nfn b() {}",
            &["a:2+3", "b:5+1"],
        );
        check_functions("fn outer() {\n fn inner() {\n }\n}", &["outer:1+4", "inner:2+2"]);
        check_functions(
            "fn a() {\n  if x { y } else { z }\n  \"}\";\n  '}';\n}",
            &["a:1+5"],
        );
    }

    #[test]
    fn declarations_and_pointer_types_are_no_functions() {
        check_functions(
            "trait T { fn a(&self);\n fn b(&self) {}\n}\ntype F = fn(u8) -> u8;",
            &["b:2+1"],
        );
        check_functions("macro_rules! m { ($n:ident) => { fn $n() {} } }", &[]);
    }

    #[test]
    fn constant_expressions_in_a_signature_are_not_the_body() {
        check_functions("fn a<const N: usize>() -> Tile<{ N + 1 }>\n{\n}", &["a:1+3"]);
        check_functions(
            "fn a(x: [u8; { 1 << 4 }]) where F: Fn(u8) -> Vec<u8>, {\n}",
            &["a:1+2"],
        );
        check_functions("fn a(x: [u8; 1 << 4]) {\n}\nfn b() {\n}", &["a:1+2", "b:3+2"]);
        check_functions(
            "fn a<T: Into<Vec<u8>>>() -> impl Fn() -> T {\n}\nfn b() {}",
            &["a:1+2", "b:3+1"],
        );
    }

    #[test]
    fn production_lines_leave_test_items_out() {
        check_production("fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\n", 1);
        check_production(
            "fn a() {}\n#[cfg(test)]\n#[allow(dead_code)]\npub(crate) mod tests;\nfn c() {}",
            2,
        );
        check_production("#[cfg(not(test))]\nmod real {\n}\n", 3);
        check_production(
            "#[cfg(all(test, unix))]\nfn a<'x>(b: &'x str) -> &'x str {\n b }\nfn c() {}",
            1,
        );
        check_production("#[test]\nfn a() {\n}\nfn c() {}", 1);
        check_production("//! x\n#![cfg(test)]\nfn a() {}", 0);
        check_production("let a = x[#[cfg(test)] 0];\nfn b() {}", 1);
        check_production(
            "// #[cfg(test)]\nmod real {}\nconst S: &str = \"#[cfg(test)]\";",
            3,
        );
    }

    #[test]
    fn modules_are_declarations_only() {
        let outline = Outline::of("mod a;\npub mod b { }\nlet s = \"mod c;\"; // mod d;\nself.mod_e");
        assert_eq!(outline.modules().collect::<Vec<_>>(), [("a", 1), ("b", 2)]);
    }
}
