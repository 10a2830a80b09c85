//! Steps of a check: each runs to its end and prints its seconds; the summary and the exit code come last.

use std::fmt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::Failure;

#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(Failure),
    Skipped(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Passed => f.write_str("passed"),
            Outcome::Failed(why) => write!(f, "FAILED: {why}"),
            Outcome::Skipped(why) => write!(f, "SKIPPED: {why}"),
        }
    }
}

#[derive(Debug)]
struct Step {
    name: String,
    took: Duration,
    outcome: Outcome,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8.1} s  {:<10} {}",
            self.took.as_secs_f64(),
            self.name,
            self.outcome
        )
    }
}

/// The steps done so far. A failed step does not keep the others from running.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
}

impl Steps {
    /// Runs `work` as the step called `name`.
    pub(crate) fn work(&mut self, name: &str, work: impl FnOnce() -> Result<(), Failure>) {
        eprintln!("\n== {name}");
        let start = Instant::now();
        let outcome = match work() {
            Ok(()) => Outcome::Passed,
            Err(failure) => Outcome::Failed(failure),
        };
        self.push(name, start.elapsed(), outcome);
    }

    /// Runs `command`, which prints for itself, as the step called `name`.
    pub(crate) fn command(&mut self, name: &str, command: &mut Command) {
        self.work(name, || run_to_end(command));
    }

    /// Tells, here and in the summary, that the step called `name` did not run, and what is missing.
    pub(crate) fn skip(&mut self, name: &str, why: impl Into<String>) {
        eprintln!("\n== {name}");
        self.push(name, Duration::ZERO, Outcome::Skipped(why.into()));
    }

    fn push(&mut self, name: &str, took: Duration, outcome: Outcome) {
        let step = Step {
            name: name.to_owned(),
            took,
            outcome,
        };
        eprintln!("== {name} {} ({:.1} s)", step.outcome, took.as_secs_f64());
        self.done.push(step);
    }

    /// Prints the summary; the code is a failure when any step failed.
    pub(crate) fn finish(self) -> ExitCode {
        let total: Duration = self.done.iter().map(|step| step.took).sum();
        let failed = self
            .done
            .iter()
            .filter(|step| matches!(step.outcome, Outcome::Failed(_)))
            .count();
        eprintln!("\n== summary");
        for step in &self.done {
            eprintln!("{step}");
        }
        eprintln!(
            "{:>8.1} s  {} steps, {failed} failed",
            total.as_secs_f64(),
            self.done.len()
        );
        if failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// Runs `command` with the terminal of this process; anything but success is a failure.
pub(crate) fn run_to_end(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .map_err(|e| Failure::new(format!("cannot run {program}: {e}")))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::new(format!("exit code {code}"))),
        None => Err(Failure::new("ended by a signal")),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, ExitCode};

    use super::{Outcome, Steps, run_to_end};
    use crate::Failure;

    #[test]
    fn a_failed_step_fails_the_whole_and_a_skipped_one_does_not() {
        let mut steps = Steps::default();
        steps.work("a", || Ok(()));
        steps.skip("b", "no tool");
        assert_eq!(steps.finish(), ExitCode::SUCCESS);

        let mut steps = Steps::default();
        steps.work("a", || Err(Failure::new("broken")));
        steps.work("b", || Ok(()));
        assert!(
            matches!(steps.done[1].outcome, Outcome::Passed),
            "later steps still run"
        );
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }

    #[test]
    fn commands_fail_by_exit_code_and_by_absence() {
        assert!(run_to_end(Command::new("git").arg("--version")).is_ok());
        let failure =
            run_to_end(Command::new("git").args(["no-such-verb"])).expect_err("git knows no such verb");
        assert!(failure.to_string().starts_with("exit code"), "{failure}");
        let failure =
            run_to_end(&mut Command::new("no-such-program-here")).expect_err("there is no such program");
        assert!(
            failure.to_string().starts_with("cannot run no-such-program-here"),
            "{failure}"
        );
    }
}
