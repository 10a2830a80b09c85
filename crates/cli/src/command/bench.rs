//! `kolosal bench`

use kolosal_platform::{Platform, peak_rss_bytes};

use crate::args::{BenchArgs, BenchWhat};
use crate::output::{Output, size};
use crate::wire::ReadBench;

pub(crate) fn run(platform: &Platform, args: &BenchArgs, output: &Output) -> anyhow::Result<u8> {
    let BenchWhat::Read { data } = &args.what;
    let table = platform.read(data, &Vec::new())?;
    let bench = ReadBench {
        load_s: table.load_time.as_secs_f64(),
        rows: table.rows,
        columns: table.columns,
        peak_rss_bytes: peak_rss_bytes(),
    };
    output.result(&bench, || {
        let peak = peak_rss_bytes().map_or_else(|| "unknown".to_owned(), size);
        format!(
            "{} rows, {} columns in {:.3} s; peak memory {peak}\n",
            table.rows, table.columns, bench.load_s
        )
    })?;
    Ok(0)
}
