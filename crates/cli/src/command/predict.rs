//! `kolosal predict`

use kolosal_platform::Platform;

use crate::args::PredictArgs;
use crate::output::Output;
use crate::wire;

pub(crate) fn run(platform: &Platform, args: &PredictArgs, output: &Output) -> anyhow::Result<u8> {
    let model = platform.load(&args.model)?;
    let summary = platform.predict(&model, (&args.data, &args.output), args.coverage)?;
    summary
        .notes
        .iter()
        .for_each(|note| output.remark(&format!("note: {note}")));
    let wire = wire::Predicted {
        output: summary.output.display().to_string(),
        rows: summary.rows,
        columns: summary.columns.clone(),
        predict_s: summary.predict_time.as_secs_f64(),
        notes: summary.notes.clone(),
    };
    output.result(&wire, || {
        format!("{} answers in {}\n", summary.rows, summary.output.display())
    })?;
    Ok(0)
}
