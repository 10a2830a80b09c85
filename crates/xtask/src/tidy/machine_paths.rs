//! Rule: nothing names a path of the machine on which it was written.

use super::Report;
use crate::tree::Tree;

/// Split so that this file does not name them itself.
const PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/bash", "_jobs"),
];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for file in &tree.files {
        let Some(text) = file.text() else { continue };
        for (index, line) in text.lines().enumerate() {
            if let Some(path) = PATHS.iter().find(|path| has_path(line, path)) {
                let message = format!(
                    "names the machine path {path}; take the place as an argument, or make it relative"
                );
                report.find(&file.path, index + 1, message);
            }
        }
    }
}

/// True when `path` starts a path in `line`: `a/work/` inside a longer path or URL does not count.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.~}*/".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::{PATHS, check};
    use crate::tidy::expect_findings;

    #[test]
    fn machine_paths_are_found_in_any_text() {
        for path in PATHS {
            let text = format!("fine\nsee {path}x\n");
            expect_findings(check, &[("a.md", &text)], &["a.md:2: names the machine path"]);
            expect_findings(check, &[("a.rs", &format!("let a = \"{path}x\";"))], &["a.rs:1:"]);
        }
    }

    #[test]
    fn parts_of_longer_paths_pass() {
        let inside = format!("src{0} https://example.org{0} ${{HOME}}{0} ~{0}", PATHS[0]);
        expect_findings(check, &[("a.md", &inside)], &[]);
    }
}
