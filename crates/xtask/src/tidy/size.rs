//! Rule: a function fits on a screen, a file holds one idea; known exceptions may only shrink.

use std::collections::BTreeMap;

use super::Report;
use super::ratchet::{self, Item};
use crate::outline::Outline;
use crate::tree::Tree;

/// Lines of a function, signature and braces included.
pub(super) const FUNCTION_LINES_MAX: usize = 70;
/// Lines of a file, tests included.
pub(super) const FILE_LINES_MAX: usize = 800;
/// Lines of a file outside its tests, above which it should be asked whether it holds one idea.
const PRODUCTION_LINES_QUESTION: usize = 400;

/// What is over its limit: its size and its line.
pub(super) type Oversize = BTreeMap<Item, (usize, usize)>;

/// Everything in `tree` that is over its limit. Of functions with one name in one file, the longest counts.
pub(super) fn oversize(tree: &Tree) -> Oversize {
    let mut found = Oversize::new();
    for (file, text) in tree.texts("rs") {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            found.insert(Item::file(&file.path), (lines, 1));
        }
        for function in Outline::of(text).functions {
            let item = Item::function(&file.path, &function.name);
            let known = found.get(&item).map_or(FUNCTION_LINES_MAX, |&(lines, _)| lines);
            if function.lines > known {
                found.insert(item, (function.lines, function.line));
            }
        }
    }
    found
}

pub(super) fn check(tree: &Tree, report: &mut Report) {
    let oversize = oversize(tree);
    let allowed = ratchet::check(tree, &oversize, report);
    for (item, (lines, line)) in &oversize {
        if allowed.get(item).is_some_and(|allowed| lines <= allowed) {
            continue;
        }
        let remedy = match item.function {
            Some(_) => format!("split it: a function has {FUNCTION_LINES_MAX} lines at most"),
            None => format!("split it by idea: a file has {FILE_LINES_MAX} lines at most"),
        };
        report.find(&item.path, *line, format!("{item} has {lines} lines; {remedy}"));
    }
    for (file, text) in tree.texts("rs").filter(|(file, _)| !is_test_path(&file.path)) {
        let lines = Outline::of(text).production_lines();
        if lines > PRODUCTION_LINES_QUESTION {
            let message = format!("{lines} production lines; does it hold more than one idea?");
            report.note(&file.path, 1, message);
        }
    }
}

/// True for files that no release build compiles.
fn is_test_path(path: &str) -> bool {
    let stem = path.trim_end_matches(".rs");
    stem.split('/')
        .any(|part| matches!(part, "tests" | "benches" | "examples" | "testkit"))
}

#[cfg(test)]
mod tests {
    use super::{check, is_test_path};
    use crate::tidy::{Report, expect_findings, findings};
    use crate::tree::Tree;

    fn function(name: &str, lines: usize) -> String {
        format!("fn {name}() {{\n{}}}\n", "    x();\n".repeat(lines - 2))
    }

    #[test]
    fn functions_up_to_the_limit_pass() {
        expect_findings(check, &[("a.rs", &function("f", 70))], &[]);
        expect_findings(
            check,
            &[("a.rs", &function("f", 71))],
            &["a.rs:1: function f has 71 lines"],
        );
    }

    #[test]
    fn the_longest_of_functions_with_one_name_counts() {
        let text = function("f", 75) + &function("f", 90) + &function("f", 80);
        expect_findings(check, &[("a.rs", &text)], &["a.rs:76: function f has 90 lines"]);
    }

    #[test]
    fn files_up_to_the_limit_pass() {
        expect_findings(check, &[("a.rs", &"// x\n".repeat(800))], &[]);
        expect_findings(
            check,
            &[("a.rs", &"// x\n".repeat(801))],
            &["a.rs:1: the file has 801 lines"],
        );
    }

    #[test]
    fn long_production_code_is_a_note_and_tests_do_not_count() {
        let notes = |path: &str, text: &str| {
            let mut report = Report::default();
            check(&Tree::of(&[(path, text)]), &mut report);
            report.notes.len()
        };
        let production = "// x\n".repeat(401);
        let tested = "// x\n".repeat(300) + "#[cfg(test)]\nmod tests {\n" + &"// x\n".repeat(300) + "}\n";
        assert_eq!(notes("crates/a/src/b.rs", &production), 1);
        assert_eq!(notes("crates/a/src/b.rs", &tested), 0);
        assert_eq!(notes("crates/a/tests/b.rs", &production), 0);
        assert!(is_test_path("crates/a/src/b/tests.rs") && !is_test_path("crates/a/src/latest.rs"));
    }

    #[test]
    fn the_ratchet_lets_known_exceptions_pass_but_not_grow() {
        let text = function("f", 75);
        let with = |ratchet: &str| findings(check, &[("a.rs", &text), ("crates/xtask/ratchet.txt", ratchet)]);
        assert_eq!(with("# why\n75 a.rs f\n"), Vec::<String>::new());
        assert_eq!(with("74 a.rs f\n").len(), 1);
        assert!(with("76 a.rs f\n")[0].contains("ratchet.txt:1: function f has 75 lines, 76 are allowed"));
        assert!(with("75 a.rs f\n80 a.rs g\n")[0].contains("ratchet.txt:2: function g is within its limit"));
        assert!(with("75 a.rs f\n900 a.rs\n")[0].contains("ratchet.txt:2: the file is within its limit"));
        assert!(with("75 a.rs f\nlong a.rs\n")[0].contains("ratchet.txt:2: cannot be read"));
    }
}
