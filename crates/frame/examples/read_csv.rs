//! Reads a file as a table and prints what it found, the seconds it took and the peak memory of the process.
//!
//! `cargo run --release -p kolosal-frame --example read_csv -- FILE [THREADS] [REPEATS]`

use std::error::Error;
use std::path::PathBuf;

use kolosal_base::{Cancel, Clock, SystemClock};
use kolosal_compute::{Ledger, Workers, peak_rss_bytes};
use kolosal_frame::read::{ReadOptions, read};

#[expect(clippy::print_stdout, reason = "an example prints its answer")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("name a file")?);
    let threads = arguments.next().map_or(Ok(2), |text| text.parse())?;
    let repeats = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let clock = SystemClock::start();
    let workers = Workers::new(threads);
    for repeat in 0..repeats {
        let start = clock.now();
        let reading = read(
            &path,
            &ReadOptions::default(),
            &workers,
            &Ledger::unlimited(),
            &Cancel::new(),
        )?;
        let seconds = (clock.now() - start).as_secs_f64();
        if repeat == 0 {
            for field in reading.frame.schema().fields() {
                println!("{:20} {:12} {}", field.name, field.kind, field.reason);
            }
            reading.notes.iter().for_each(|note| println!("note: {note}"));
        }
        let (rows, columns) = (reading.frame.row_count(), reading.frame.column_count());
        let megabytes = peak_rss_bytes().unwrap_or(0) as f64 / 1e6;
        println!("{rows} rows x {columns} columns in {seconds:.3} s, peak memory {megabytes:.0} MB");
    }
    Ok(())
}
