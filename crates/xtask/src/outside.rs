//! Checks that need Python: each names its script and the modules it imports, and runs only where they are there.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::steps::Steps;

/// A script that compares what is checked in with what a peer makes today; its exit code is the answer.
#[derive(Debug)]
struct Check {
    name: &'static str,
    script: &'static str,
    arguments: &'static [&'static str],
    /// Module as imported, and the package that brings it.
    modules: &'static [(&'static str, &'static str)],
}

/// Every such check.
const CHECKS: &[Check] = &[Check {
    name: "data",
    script: "examples/data/make.py",
    arguments: &["--check"],
    modules: &[("sklearn", "scikit-learn"), ("palmerpenguins", "palmerpenguins")],
}];

/// Runs every check that can run, and says of each other what is missing.
pub(crate) fn run(root: &Path, steps: &mut Steps) {
    let python = interpreter();
    for check in CHECKS {
        match missing(&python, check.modules) {
            Some(what) => steps.skip(check.name, format!("{} needs {what}", check.script)),
            None => {
                let mut command = Command::new(&python);
                command.arg(check.script).args(check.arguments).current_dir(root);
                steps.command(check.name, &mut command);
            }
        }
    }
}

/// The Python of `KOLOSAL_PYTHON`, or the one that the shell finds.
pub(crate) fn interpreter() -> String {
    std::env::var("KOLOSAL_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// What `python` lacks, with the command that brings it; nothing when all is there.
fn missing(python: &str, modules: &[(&str, &str)]) -> Option<String> {
    let answers = |code: &str| {
        let probe = Command::new(python)
            .args(["-c", code])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        probe.is_ok_and(|status| status.success())
    };
    if !answers("") {
        return Some(format!(
            "Python 3 (`{python}` does not run; set KOLOSAL_PYTHON to one that does)"
        ));
    }
    let find =
        |module: &str| format!("import sys, importlib.util as u; sys.exit(u.find_spec('{module}') is None)");
    let packages: Vec<_> = modules
        .iter()
        .filter(|(module, _)| !answers(&find(module)))
        .map(|(_, package)| *package)
        .collect();
    (!packages.is_empty()).then(|| {
        format!(
            "Python packages: `{python} -m pip install {}`",
            packages.join(" ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{CHECKS, missing};

    #[test]
    fn an_absent_interpreter_is_named() {
        let what = missing("no-such-python", &[]).expect("there is no such program");
        assert!(what.contains("`no-such-python` does not run"), "{what}");
    }

    #[test]
    fn scripts_of_the_list_exist() {
        for check in CHECKS {
            assert!(
                crate::root().join(check.script).is_file(),
                "{} is not there",
                check.script
            );
        }
    }
}
