//! Rule: what is committed is finished: no placeholder macros, no markers of work left undone.

use super::Report;
use crate::outline::Outline;
use crate::tree::Tree;

/// Macros that stand in for code.
const MACROS: &[&str] = &["todo", "unimplemented"];
/// Words that mark a debt; split so that this file does not carry them itself.
const MARKERS: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X")];
/// Where markers are looked for besides Rust comments. Data files may hold any word.
const PROSE: &[&str] = &[
    "css", "html", "js", "md", "mjs", "proto", "py", "pyi", "sh", "sql", "toml", "ts", "tsx", "yaml", "yml",
];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for (file, text) in tree.texts("rs") {
        let outline = Outline::of(text);
        for pair in outline.code.windows(2) {
            if pair[1].is_mark('!') && MACROS.iter().any(|name| pair[0].is_word(name)) {
                let message = format!(
                    "{}! is a placeholder; write the code, or return an error",
                    pair[0].text
                );
                report.find(&file.path, pair[0].line, message);
            }
        }
        for comment in &outline.comments {
            check_lines(comment.text, comment.line, &file.path, report);
        }
    }
    for file in tree
        .files
        .iter()
        .filter(|file| PROSE.contains(&file.extension()) || file.path == ".ci/run")
    {
        check_lines(file.text().unwrap_or_default(), 1, &file.path, report);
    }
}

fn check_lines(text: &str, first: usize, path: &str, report: &mut Report) {
    for (index, line) in text.lines().enumerate() {
        if let Some(marker) = MARKERS.iter().find(|marker| has_word(line, marker)) {
            report.find(
                path,
                first + index,
                format!("{marker} marks unfinished work; finish it, or open an issue and drop the mark"),
            );
        }
    }
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part))
}

#[cfg(test)]
mod tests {
    use super::{MARKERS, check};
    use crate::tidy::expect_findings;

    #[test]
    fn placeholder_macros_are_found_in_code_only() {
        expect_findings(
            check,
            &[("a.rs", "fn a() {\n    todo!()\n}")],
            &["a.rs:2: todo! is a placeholder"],
        );
        expect_findings(
            check,
            &[("a.rs", "fn a() { unimplemented!(\"x\") }")],
            &["unimplemented! is a placeholder"],
        );
        expect_findings(
            check,
            &[("a.rs", "// todo!()\nlet todo = \"todo!()\"; if !todo {}")],
            &[],
        );
    }

    #[test]
    fn markers_are_found_in_comments_and_prose() {
        for marker in MARKERS {
            expect_findings(
                check,
                &[("a.rs", &format!("/* a\n {marker}: b */"))],
                &["a.rs:2: "],
            );
            expect_findings(check, &[("a.py", &format!("x\n# {marker}\n"))], &["a.py:2: "]);
            expect_findings(
                check,
                &[("a.rs", &format!("let a = \"{marker}\"; // {marker}L"))],
                &[],
            );
            expect_findings(check, &[("a.csv", marker)], &[]);
        }
    }
}
