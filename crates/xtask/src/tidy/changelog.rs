//! Rule: the changelog is ready to take the next entry.

use super::Report;
use crate::tree::Tree;

const PATH: &str = "CHANGELOG.md";
const HEADING: &str = "## [Unreleased]";

pub(super) fn check(tree: &Tree, report: &mut Report) {
    let text = tree.file(PATH).and_then(|file| file.text()).unwrap_or_default();
    let first = text.lines().enumerate().find(|(_, line)| line.starts_with("## "));
    match first {
        Some((_, line)) if line.trim_end() == HEADING => {}
        Some((index, _)) => report.find(
            PATH,
            index + 1,
            format!("the first section is not `{HEADING}`; add it above"),
        ),
        None => report.find(PATH, 1, format!("has no `{HEADING}` section; add it")),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::expect_findings;

    #[test]
    fn unreleased_comes_first() {
        expect_findings(
            check,
            &[("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## [0.1.0]\n")],
            &[],
        );
        let released = "# Changelog\n## [0.1.0]\n## [Unreleased]\n";
        expect_findings(
            check,
            &[("CHANGELOG.md", released)],
            &["CHANGELOG.md:2: the first section is not"],
        );
        expect_findings(
            check,
            &[("CHANGELOG.md", "# Changelog\n")],
            &["CHANGELOG.md:1: has no"],
        );
        expect_findings(check, &[], &["CHANGELOG.md:1: has no"]);
    }
}
