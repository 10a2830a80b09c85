//! Rule: every module says in its first line what it is, and its name says something.

use super::Report;
use crate::outline::Outline;
use crate::tree::Tree;

/// Names under which anything can hide.
const BANNED: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc"];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for (file, text) in tree.texts("rs") {
        let first = text.lines().next().unwrap_or_default();
        if first.strip_prefix("//!").is_none_or(|doc| doc.trim().is_empty()) {
            report.find(
                &file.path,
                1,
                "does not open with `//!`; say in its first line what the module is",
            );
        }
        for part in file.path.trim_end_matches(".rs").split('/') {
            if BANNED.contains(&part) {
                report.find(
                    &file.path,
                    1,
                    format!("`{part}` names nothing; name the idea that the module holds"),
                );
            }
        }
        for (name, line) in Outline::of(text).modules() {
            if BANNED.contains(&name) {
                report.find(
                    &file.path,
                    line,
                    format!("`mod {name}` names nothing; name the idea that it holds"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::expect_findings;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: &[&str]) {
        expect_findings(check, &[(path, text)], expected);
    }

    #[test]
    fn modules_open_with_their_purpose() {
        check_file("crates/base/src/seed.rs", "//! Seeds.\n", &[]);
        for text in [
            "",
            "use x;\n//! Late.\n",
            "//!\n//! Below.\n",
            "// Plain.\n",
            "\n//! Late.\n",
        ] {
            check_file(
                "crates/base/src/seed.rs",
                text,
                &["crates/base/src/seed.rs:1: does not open with `//!`"],
            );
        }
    }

    #[test]
    fn names_without_meaning_are_found() {
        check_file("crates/base/src/utils.rs", "//! x\n", &["`utils` names nothing"]);
        check_file(
            "crates/base/tests/common/mod.rs",
            "//! x\n",
            &["`common` names nothing"],
        );
        check_file(
            "crates/base/src/a.rs",
            "//! x\npub mod helpers {}\n",
            &["a.rs:2: `mod helpers` names nothing"],
        );
        check_file(
            "crates/base/src/a.rs",
            "//! x\n// mod utils;\nlet manager = \"mod misc;\";\n",
            &[],
        );
    }
}
