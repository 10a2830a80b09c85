//! Calls of cargo: commands, installed subcommands, and the path of the binary it built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;

/// How the binary is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As the tests build it, so that nothing is built twice.
    Dev,
    /// As benchmarks need it.
    Release,
}

/// The cargo that runs this program, started in `root`.
pub(crate) fn command(root: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root);
    command
}

/// True when `cargo <name> --version` works.
pub(crate) fn has_subcommand(root: &Path, name: &str) -> bool {
    let probe = command(root)
        .args([name, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    probe.is_ok_and(|status| status.success())
}

/// Builds the binary `kolosal` and gives its path.
pub(crate) fn build_kolosal(root: &Path, profile: Profile) -> Result<PathBuf, Failure> {
    let mut build = command(root);
    // The whole workspace decides the features of shared dependencies, as it does for the tests.
    build.args([
        "build",
        "--workspace",
        "--bin",
        "kolosal",
        "--message-format=json-render-diagnostics",
    ]);
    match profile {
        Profile::Dev => build.arg("--quiet"),
        Profile::Release => build.arg("--release"),
    };
    let output = build
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| Failure::new(format!("cannot run cargo to build kolosal: {e}")))?;
    if !output.status.success() {
        return Err(Failure::new("kolosal does not build; see cargo's message above"));
    }
    executable(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Failure::new("cargo built kolosal but named no executable"))
}

/// The last executable in cargo's JSON messages.
fn executable(messages: &str) -> Option<PathBuf> {
    let mut found = messages.lines().filter_map(|line| {
        let (_, tail) = line.split_once("\"executable\":\"")?;
        Some(PathBuf::from(unescaped(tail)))
    });
    found.next_back()
}

/// A JSON string up to its closing quote. Paths escape nothing but quotes and backslashes.
fn unescaped(tail: &str) -> String {
    let mut out = String::new();
    let mut chars = tail.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::executable;

    #[test]
    fn the_executable_is_read_from_the_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"executable\":\"C:\\\\t\\\\kolosal.exe\",\"fresh\":true}\n{\"reason\":\"build-finished\"}";
        assert_eq!(executable(messages), Some(PathBuf::from("C:\\t\\kolosal.exe")));
        assert_eq!(executable("{\"executable\":null}"), None);
    }
}
