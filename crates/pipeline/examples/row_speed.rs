//! Times one row through a model and through each of its members: `row_speed MODEL TABLE`.
//!
//! Medians over the first rows of the table, each row answered alone, on one thread.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use kolosal_base::{Cancel, Clock, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::read::{ReadOptions, read};
use kolosal_pipeline::read_artifact;

/// Rows that are answered one by one.
const ROWS: usize = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(data)) = (arguments.next(), arguments.next()) else {
        return Err("give a model and a table".into());
    };
    let pipeline = read_artifact(&std::fs::read(model)?)?.pipeline;
    let options = ReadOptions {
        schema: Some(pipeline.schema()),
        ..ReadOptions::default()
    };
    let ledger = Ledger::new(1 << 33);
    let table = read(data.as_ref(), &options, &Workers::new(1), &ledger, &Cancel::new())?;
    let aligned = pipeline.schema().align(&table.frame)?;
    let rows = aligned.view();
    let count = ROWS.min(rows.row_count());
    let mut out = vec![0.0; pipeline.target().task.width()];
    let mut to = std::io::stdout().lock();
    let whole = median(count, |row| pipeline.predict_into(rows.slice(row, 1), &mut out));
    writeln!(to, "{whole:>10.1?} the whole pipeline")?;
    for (weight, member) in pipeline.members() {
        let time = median(count, |row| member.predict_into(rows.slice(row, 1), &mut out));
        writeln!(to, "{time:>10.1?} {} of weight {weight:.3}", member.learner())?;
    }
    Ok(())
}

fn median(count: usize, mut answer: impl FnMut(usize)) -> Duration {
    let clock = SystemClock::start();
    let mut times: Vec<Duration> = (0..count)
        .map(|row| {
            let started = clock.now();
            answer(row);
            clock.now() - started
        })
        .collect();
    times.sort_unstable();
    times.get(count / 2).copied().unwrap_or_default()
}
