//! Rule: dependencies are named once for the workspace, inherited, sorted, and bring no default features along.

use super::Report;
use crate::manifest::{self, Entry, Section};
use crate::tree::Tree;

/// The crate with its own lint table: the one that may hold unsafe code.
const OWN_LINTS: &str = "compute";

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for file in tree.files.iter().filter(|file| file.name() == "Cargo.toml") {
        let Some(text) = file.text() else { continue };
        let sections = manifest::read(text);
        for section in &sections {
            check_section(section, &file.path, report);
        }
    }
    for (folder, file) in tree.crates() {
        let sections = manifest::read(file.text().unwrap_or_default());
        let lints = sections
            .iter()
            .find(|section| section.name == "lints")
            .and_then(|s| s.entry("workspace"));
        if folder != OWN_LINTS && lints.is_none_or(|entry| entry.value != "true") {
            report.find(
                &file.path,
                1,
                "does not inherit the lints; add `[lints]` with `workspace = true`",
            );
        }
    }
}

fn check_section(section: &Section, path: &str, report: &mut Report) {
    let parent = section.name.rsplit_once('.').map_or("", |(parent, _)| parent);
    if parent.ends_with("dependencies") {
        let message = format!(
            "[{}] is a section of its own; write the dependency on one line, in the list",
            section.name
        );
        report.find(path, section.line, message);
    }
    if section.dependency_kind().is_none() {
        return;
    }
    for pair in section.entries.windows(2) {
        if pair[0].block == pair[1].block && pair[0].name() > pair[1].name() {
            let message = format!(
                "`{}` stands after `{}`; sort the list",
                pair[1].name(),
                pair[0].name()
            );
            report.find(path, pair[1].line, message);
        }
    }
    for entry in &section.entries {
        if section.name == "workspace.dependencies" {
            check_shared(entry, path, report);
        } else if !entry.is_inherited() {
            let name = entry.name();
            let message = format!(
                "`{name}` is not inherited; name it in [workspace.dependencies] and write `{name}.workspace = true`"
            );
            report.find(path, entry.line, message);
        }
    }
}

/// An entry of `[workspace.dependencies]`: one of ours by its folder, or one from outside without default features.
fn check_shared(entry: &Entry, path: &str, report: &mut Report) {
    let name = entry.name();
    match (entry.field("path"), name.strip_prefix("kolosal-")) {
        (Some(folder), Some(ours)) if folder == format!("crates/{ours}") => {}
        (Some(_), _) | (None, Some(_)) => {
            let message =
                format!("`{name}` is not where its name says; write `kolosal-x = {{ path = \"crates/x\" }}`");
            report.find(path, entry.line, message);
        }
        (None, None) if entry.holds("default-features=false") => {}
        (None, None) => {
            let message = format!(
                "`{name}` brings its default features; add `default-features = false` and name those needed"
            );
            report.find(path, entry.line, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::expect_findings;

    #[track_caller]
    fn check_root(list: &str, expected: &[&str]) {
        expect_findings(
            check,
            &[("Cargo.toml", &format!("[workspace.dependencies]\n{list}"))],
            expected,
        );
    }

    #[track_caller]
    fn check_crate(list: &str, expected: &[&str]) {
        let text = format!("{list}\n[lints]\nworkspace = true\n");
        expect_findings(check, &[("crates/frame/Cargo.toml", &text)], expected);
    }

    #[test]
    fn shared_lists_are_sorted_by_block_and_without_defaults() {
        check_root(
            "kolosal-base = { path = \"crates/base\" }\n\na = { version = \"1\", default-features = false }\n\
             b = { version = \"1\", default-features = false, features = [\n \"x\",\n] }\n",
            &[],
        );
        check_root("a = \"1\"\n", &["Cargo.toml:2: `a` brings its default features"]);
        check_root(
            "a = { version = \"1\", default-features = true }\n",
            &["`a` brings its default features"],
        );
        let unsorted = "b = { default-features = false }\na = { default-features = false }\n";
        check_root(unsorted, &["Cargo.toml:3: `a` stands after `b`"]);
        check_root(
            "kolosal-base = { path = \"base\" }\n",
            &["`kolosal-base` is not where its name says"],
        );
    }

    #[test]
    fn crate_lists_are_inherited_and_sorted() {
        check_crate(
            "[dependencies]\na.workspace = true\nb = { workspace = true, features = [\"x\"] }\n",
            &[],
        );
        check_crate(
            "[dependencies]\na = \"1\"\n",
            &["crates/frame/Cargo.toml:2: `a` is not inherited"],
        );
        check_crate(
            "[dev-dependencies]\na = { path = \"../a\" }\n",
            &["`a` is not inherited"],
        );
        check_crate(
            "[dependencies]\nb.workspace = true\na.workspace = true\n",
            &["`a` stands after `b`"],
        );
        check_crate(
            "[dependencies.a]\nworkspace = true\n",
            &["[dependencies.a] is a section of its own"],
        );
    }

    #[test]
    fn lints_are_inherited_by_all_but_the_unsafe_crate() {
        let finding = "crates/frame/Cargo.toml:1: does not inherit the lints";
        expect_findings(
            check,
            &[("crates/frame/Cargo.toml", "[lints.rust]\na = \"warn\"\n")],
            &[finding],
        );
        expect_findings(
            check,
            &[("crates/compute/Cargo.toml", "[lints.rust]\na = \"warn\"\n")],
            &[],
        );
    }
}
