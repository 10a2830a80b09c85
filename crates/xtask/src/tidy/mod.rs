//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! A rule is a function from the files of the workspace to findings, named in [`RULES`]. Every finding says where, what
//! and how to mend it. The same rules run as a test of this crate.

mod blobs;
mod changelog;
mod edges;
mod fresh;
mod machine_paths;
mod manifests;
mod modules;
mod ratchet;
mod size;
mod unfinished;
mod unsafety;

use std::fmt;
use std::fs;

use crate::Failure;
use crate::tree::Tree;

/// Something to mend.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// What the rules have to say about a tree.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What fails the check.
    pub(crate) findings: Vec<Finding>,
    /// What is worth a look, and no more.
    pub(crate) notes: Vec<Finding>,
}

impl Report {
    fn find(&mut self, path: &str, line: usize, message: impl Into<String>) {
        self.findings.push(Finding {
            path: path.to_owned(),
            line,
            message: message.into(),
        });
    }

    fn note(&mut self, path: &str, line: usize, message: impl Into<String>) {
        self.notes.push(Finding {
            path: path.to_owned(),
            line,
            message: message.into(),
        });
    }
}

type Rule = fn(&Tree, &mut Report);

/// Every rule.
const RULES: &[Rule] = &[
    edges::check,
    manifests::check,
    modules::check,
    size::check,
    blobs::check,
    fresh::check,
    unsafety::check,
    machine_paths::check,
    unfinished::check,
    changelog::check,
];

/// Runs every rule over `tree`.
pub(crate) fn check(tree: &Tree) -> Report {
    let mut report = Report::default();
    for rule in RULES {
        rule(tree, &mut report);
    }
    report.findings.sort();
    report.notes.sort();
    report
}

/// Checks and prints; fails when there is a finding.
pub(crate) fn run(tree: &Tree) -> Result<(), Failure> {
    let report = check(tree);
    for note in &report.notes {
        println!("note: {note}");
    }
    for finding in &report.findings {
        println!("{finding}");
    }
    println!(
        "tidy: {} files, {} to mend, {} notes",
        tree.files.len(),
        report.findings.len(),
        report.notes.len()
    );
    match report.findings.len() {
        0 => Ok(()),
        n => Err(Failure::new(format!("{n} to mend"))),
    }
}

/// Rewrites the ratchet: entries shrink to what is there now, or go. None grows, none is added.
pub(crate) fn bless(tree: &Tree) -> Result<(), Failure> {
    let text = ratchet::tightened(tree);
    let place = tree.root.join(ratchet::PATH);
    fs::write(&place, text).map_err(|e| Failure::new(format!("cannot write {}: {e}", place.display())))
}

/// Runs one rule over files held in memory and gives its findings as text.
#[cfg(test)]
fn findings(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
    let mut report = Report::default();
    rule(&Tree::of(files), &mut report);
    report.findings.iter().map(ToString::to_string).collect()
}

/// Expects one finding for each of `expected`, in order, each holding that text.
#[cfg(test)]
#[track_caller]
fn expect_findings(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
    let found = findings(rule, files);
    let all = found.len() == expected.len() && found.iter().zip(expected).all(|(f, part)| f.contains(part));
    assert!(all, "expected {expected:#?}\nfound {found:#?}");
}

#[cfg(test)]
mod tests {
    use super::{check, findings, modules};
    use crate::tree::Tree;

    #[test]
    fn the_workspace_is_tidy() {
        let tree = Tree::load(&crate::root()).expect("the tests run in a git checkout");
        let found: Vec<_> = check(&tree).findings.iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "run `cargo xtask tidy`:\n{}", found.join("\n"));
    }

    #[test]
    fn findings_print_place_then_message() {
        let found = findings(
            modules::check,
            &[("crates/base/src/a.rs", "//! A.\nmod utils;\n")],
        );
        assert!(
            found[0].starts_with("crates/base/src/a.rs:2: `mod utils`"),
            "{found:?}"
        );
    }
}
