//! `kolosal`: from a table to a trained, judged and used model, from a shell.
//!
//! Results go to standard output, everything else to standard error; `--json` gives results in a fixed form. Exit codes
//! are those of [`kolosal_platform::ErrorKind::exit_code`].

mod args;
mod command;
mod output;
mod progress;
mod store;
mod wire;
mod wire_store;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::Parser;
use kolosal_platform::{Cancel, Platform, Settings, SystemClock};

use crate::args::{Cli, Command};
use crate::output::Output;

fn main() -> ExitCode {
    let clock = SystemClock::start();
    let cli = Cli::parse();
    let output = Output::new(cli.global.json, cli.global.quiet);
    hold_panics();
    match std::panic::catch_unwind(AssertUnwindSafe(|| run(cli, clock, &output))) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => ExitCode::from(output.fail(&error)),
        Err(_) => ExitCode::from(output.fail(&defect())),
    }
}

/// Where and why the last panic was raised.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Keeps panics off the screen: a reader of damaged files turns those of the library below it into errors, and one that
/// comes through is shown as a defect, once.
fn hold_panics() {
    std::panic::set_hook(Box::new(|info| {
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
    }));
}

fn defect() -> anyhow::Error {
    let held = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
    anyhow::anyhow!(
        "this is a defect of kolosal {}, please report it: {held}",
        env!("CARGO_PKG_VERSION")
    )
}

/// Does what was asked for; gives the exit code of a job that ended well.
fn run(cli: Cli, clock: SystemClock, output: &Output) -> anyhow::Result<u8> {
    let Cli { global, command } = cli;
    if let Command::Completions(args) = command {
        return command::completions::run(&args);
    }
    if let Command::Asht(args) = command {
        return command::asht::run(&args);
    }
    let cancel = Cancel::new();
    if matches!(command, Command::Train(_) | Command::Serve(_)) {
        stop_on_signals(&cancel)?;
    }
    let settings = Settings {
        threads: global.threads,
        memory_bytes: global.memory_limit,
    };
    let platform = Platform::new(&settings, clock.clone(), cancel.clone())?;
    match command {
        Command::Train(args) => command::train::run(&platform, *args, output),
        Command::Fit(args) => command::fit::run(&platform, *args, output),
        Command::Predict(args) => command::predict::run(&platform, &args, output),
        Command::Cluster(args) => command::cluster::run(&platform, *args, output),
        Command::Explain(args) => command::explain::run(&platform, args, output),
        Command::Export(args) => command::export::run(&platform, &args, output),
        Command::Evaluate(args) => command::evaluate::run(&platform, &args, output),
        Command::Leaderboard(args) => command::leaderboard::run(&platform, &args, output),
        Command::Inspect(args) => command::inspect::run(&platform, &args, output),
        Command::Serve(args) => command::serve::run(platform, &args, (clock, &cancel), output),
        Command::Runs(args) => command::runs::run(args, output),
        Command::Models(args) => command::models::run(&platform, args, output),
        Command::Tokens(args) => command::tokens::run(args, output),
        Command::Audit(args) => command::audit::run(&args, output),
        Command::Learners(args) => command::learners::run(&platform, &args, output),
        Command::Doctor => command::doctor::run(&platform, output),
        Command::Bench(args) => command::bench::run(&platform, &args, output),
        Command::Asht(_) | Command::Completions(_) => unreachable!("handled above"),
    }
}

/// The first Ctrl-C (or a request to end) stops the job and keeps the best model so far; the second ends the process.
fn stop_on_signals(cancel: &Cancel) -> anyhow::Result<()> {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, cancel.flag())?;
        signal_hook::flag::register(signal, cancel.flag())?;
    }
    Ok(())
}
