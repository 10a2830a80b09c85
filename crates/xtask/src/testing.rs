//! `cargo xtask test`: unit, integration and contract tests, doctests, and the checks against peers that can run here.

use std::path::Path;

use crate::steps::Steps;
use crate::{Failure, cargo, outside};

/// Runs the tests of `crates`, or of the whole workspace when none is named.
pub(crate) fn run(root: &Path, crates: &[&str], steps: &mut Steps) -> Result<(), Failure> {
    let folders: Vec<&str> = crates
        .iter()
        .map(|name| name.strip_prefix("kolosal-").unwrap_or(name))
        .collect();
    if let Some(unknown) = folders
        .iter()
        .find(|name| !root.join("crates").join(name).is_dir())
    {
        return Err(Failure::new(format!(
            "there is no crate `{unknown}`; name a folder of crates/"
        )));
    }
    if cargo::has_subcommand(root, "nextest") {
        let libraries: Vec<&str> = folders
            .iter()
            .copied()
            .filter(|name| has_library(root, name))
            .collect();
        if folders.is_empty() || !libraries.is_empty() {
            let mut doctests = cargo::command(root);
            doctests
                .args(["test", "--doc", "--no-fail-fast"])
                .args(selection(&libraries));
            steps.command("doctests", &mut doctests);
        }
        let mut tests = cargo::command(root);
        tests
            .args(["nextest", "run", "--no-fail-fast"])
            .args(selection(&folders));
        steps.command("tests", &mut tests);
    } else {
        eprintln!(
            "cargo-nextest is not installed: `cargo test` runs the same tests, one crate after the other"
        );
        let mut tests = cargo::command(root);
        tests.args(["test", "--no-fail-fast"]).args(selection(&folders));
        steps.command("tests", &mut tests);
    }
    if folders.is_empty() {
        outside::run(root, steps);
    }
    Ok(())
}

/// Cargo's arguments for these crates, or for all when there is none.
fn selection(folders: &[&str]) -> Vec<String> {
    if folders.is_empty() {
        return vec!["--workspace".to_owned()];
    }
    folders
        .iter()
        .map(|name| format!("--package=kolosal-{name}"))
        .collect()
}

fn has_library(root: &Path, folder: &str) -> bool {
    root.join("crates").join(folder).join("src/lib.rs").is_file()
}

#[cfg(test)]
mod tests {
    use super::{run, selection};
    use crate::steps::Steps;

    #[test]
    fn crates_are_named_by_folder_or_package() {
        assert_eq!(selection(&[]), ["--workspace"]);
        assert_eq!(
            selection(&["base", "frame"]),
            ["--package=kolosal-base", "--package=kolosal-frame"]
        );
    }

    #[test]
    fn an_unknown_crate_is_named() {
        let failure =
            run(&crate::root(), &["kolosal-nowhere"], &mut Steps::default()).expect_err("no such crate");
        assert_eq!(
            failure.to_string(),
            "there is no crate `nowhere`; name a folder of crates/"
        );
    }
}
