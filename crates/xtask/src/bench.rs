//! `cargo xtask bench`: comparisons with peers, each a script `benches/<name>/run.py` with pinned requirements beside it.
//!
//! The script runs in a virtual environment below the target folder and gets the path of a release binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::{self, Profile};
use crate::steps::run_to_end;
use crate::{Failure, outside};

/// Prints the name of every bench and the first line of its script's description.
pub(crate) fn list(root: &Path) -> Result<(), Failure> {
    for name in names(root)? {
        let script = fs::read_to_string(script(root, &name)).unwrap_or_default();
        println!("{name:<12} {}", first_doc_line(&script));
    }
    Ok(())
}

/// Runs the bench called `name` with these further arguments.
pub(crate) fn run(root: &Path, name: &str, arguments: &[&str]) -> Result<(), Failure> {
    let known = names(root)?;
    if !known.iter().any(|found| found == name) {
        return Err(Failure::new(format!(
            "there is no bench `{name}`; there are: {}",
            known.join(", ")
        )));
    }
    let kolosal = cargo::build_kolosal(root, Profile::Release)?;
    let target = kolosal
        .ancestors()
        .nth(2)
        .ok_or_else(|| Failure::new("cargo named an executable outside a target folder"))?;
    let python = environment(root, name, target)?;
    let mut bench = Command::new(python);
    bench
        .arg(script(root, name))
        .arg("--kolosal")
        .arg(&kolosal)
        .arg("--scratch")
        .arg(target.join("bench-data"));
    run_to_end(bench.args(arguments).current_dir(root))
}

fn script(root: &Path, name: &str) -> PathBuf {
    root.join("benches").join(name).join("run.py")
}

/// Folders of `benches/` that hold a script, in order.
fn names(root: &Path) -> Result<Vec<String>, Failure> {
    let folder = root.join("benches");
    let entries =
        fs::read_dir(&folder).map_err(|e| Failure::new(format!("cannot list {}: {e}", folder.display())))?;
    let mut names: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().join("run.py").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

fn first_doc_line(script: &str) -> &str {
    let line = script
        .lines()
        .find_map(|line| line.strip_prefix("\"\"\""))
        .unwrap_or_default();
    line.trim_end_matches("\"\"\"")
}

/// Makes `bench-venv/<name>` below `target` hold exactly the pinned requirements and gives its Python.
///
/// The requirements last installed are kept beside it; as long as they are the same, nothing is done.
fn environment(root: &Path, name: &str, target: &Path) -> Result<PathBuf, Failure> {
    let requirements = root.join("benches").join(name).join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .map_err(|e| Failure::new(format!("cannot read {}: {e}", requirements.display())))?;
    let folder = target.join("bench-venv").join(name);
    let python = if cfg!(windows) {
        folder.join("Scripts/python.exe")
    } else {
        folder.join("bin/python")
    };
    let installed = folder.join("installed.txt");
    if python.exists() && fs::read_to_string(&installed).is_ok_and(|kept| kept == wanted) {
        return Ok(python);
    }
    println!("making {} from {}", folder.display(), requirements.display());
    run_to_end(
        Command::new(outside::interpreter())
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )
    .map_err(|e| {
        Failure::new(format!(
            "cannot make a virtual environment (is python3 with venv installed?): {e}"
        ))
    })?;
    let mut install = Command::new(&python);
    install
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(&requirements);
    run_to_end(&mut install)
        .map_err(|e| Failure::new(format!("cannot install the peers of `{name}`: {e}")))?;
    fs::write(&installed, wanted)
        .map_err(|e| Failure::new(format!("cannot write {}: {e}", installed.display())))?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::{first_doc_line, names};

    #[test]
    fn the_description_is_the_first_line_of_the_doc_string() {
        assert_eq!(
            first_doc_line("#!/usr/bin/env python3\n\"\"\"Reads a file.\n\nMore.\"\"\"\n"),
            "Reads a file."
        );
        assert_eq!(first_doc_line("\"\"\"Reads a file.\"\"\"\n"), "Reads a file.");
        assert_eq!(first_doc_line("import os\n"), "");
    }

    #[test]
    fn every_bench_pins_its_peers() {
        let root = crate::root();
        for name in names(&root).expect("benches/ is there") {
            let path = root.join("benches").join(&name).join("requirements.txt");
            let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let loose: Vec<_> = text
                .lines()
                .filter(|l| !l.is_empty() && !l.starts_with('#') && !l.contains("=="))
                .collect();
            assert!(loose.is_empty(), "{name}: pin with == {loose:?}");
        }
    }
}
