//! `cargo xtask`: checks, tests and benchmarks of the workspace, without any tool but cargo, git and, for some, Python.
//!
//! | command | what it does |
//! |---|---|
//! | `tidy` | checks the rules of the house that no compiler checks (`tidy --bless` tightens the ratchet) |
//! | `generate` | rewrites the checked-in files that a program makes |
//! | `test` | runs every test of the workspace, or of the crates named after it |
//! | `ci` | formatting, lints, tidy, docs, licences, then `test` (`--no-test` leaves that out) |
//! | `bench` | lists the comparisons with peers, or runs the one named after it |
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a door for developers: it talks to a terminal, reads the environment and times its steps"
)]

mod bench;
mod cargo;
mod ci;
mod generated;
mod lexer;
mod manifest;
mod outline;
mod outside;
mod steps;
mod testing;
mod tidy;
mod tree;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use steps::Steps;
use tree::Tree;

const USAGE: &str = "\
usage: cargo xtask <command>

  tidy [--bless]        check the rules of the house; --bless tightens the ratchet of known exceptions
  generate              rewrite the generated files
  test [CRATE..]        run every test, or those of the named crates
  ci [--no-test]        formatting, lints, tidy, docs, licences, then every test
  bench [NAME [ARG..]]  list the comparisons with peers, or run one
";

/// Why a command did not do what it should; a sentence without full stop.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("this crate lies two folders below the root")
        .to_owned()
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<ExitCode, Failure> {
    let root = root();
    let mut steps = Steps::default();
    match words {
        ["tidy"] => tidy::run(&Tree::load(&root)?)?,
        ["tidy", "--bless"] => tidy::bless(&Tree::load(&root)?)?,
        ["generate"] => generated::write_all(generated::GENERATED, &root)?,
        ["test", crates @ ..] => {
            testing::run(&root, crates, &mut steps)?;
            return Ok(steps.finish());
        }
        ["ci"] => {
            ci::run(&root, &mut steps);
            testing::run(&root, &[], &mut steps)?;
            return Ok(steps.finish());
        }
        ["ci", "--no-test"] => {
            ci::run(&root, &mut steps);
            return Ok(steps.finish());
        }
        ["bench"] => bench::list(&root)?,
        ["bench", name, arguments @ ..] => bench::run(&root, name, arguments)?,
        ["help" | "--help" | "-h"] => print!("{USAGE}"),
        _ => {
            eprint!("{USAGE}");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
