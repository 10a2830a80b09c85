//! `cargo xtask ci`: what every change must pass before its tests.

use std::path::Path;

use crate::steps::Steps;
use crate::tree::Tree;
use crate::{cargo, tidy};

/// Formatting, lints, tidy, docs, and licences where cargo-deny is installed.
pub(crate) fn run(root: &Path, steps: &mut Steps) {
    steps.command("fmt", cargo::command(root).args(["fmt", "--all", "--check"]));
    steps.command(
        "clippy",
        cargo::command(root).args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    );
    steps.work("tidy", || tidy::run(&Tree::load(root)?));
    steps.command(
        "docs",
        cargo::command(root)
            .args(["doc", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    );
    if cargo::has_subcommand(root, "deny") {
        // Advisories need a database from outside the package registry: see CONTRIBUTING.md.
        steps.command(
            "deny",
            cargo::command(root).args(["deny", "check", "bans", "licenses", "sources"]),
        );
    } else {
        steps.skip(
            "deny",
            "cargo-deny is not installed (`cargo install --locked cargo-deny`); licences are unchecked",
        );
    }
}
