//! `kolosal completions`

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::output::to_stdout;

pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "kolosal", &mut script);
    to_stdout(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
