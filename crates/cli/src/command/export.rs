//! `kolosal export`

use kolosal_platform::{ExportFormat, Platform};

use crate::args::{ExportArgs, ExportFormatArg};
use crate::output::Output;
use crate::wire;

pub(crate) fn run(platform: &Platform, args: &ExportArgs, output: &Output) -> anyhow::Result<u8> {
    let format = match args.format {
        ExportFormatArg::Xgboost => ExportFormat::Xgboost,
        ExportFormatArg::XgboostUbj => ExportFormat::XgboostUbj,
        ExportFormatArg::Lightgbm => ExportFormat::Lightgbm,
    };
    let model = platform.load(&args.model)?;
    let summary = platform.export(&model, format, &args.output)?;
    let wire = wire::Exported {
        output: summary.output.display().to_string(),
        bytes: summary.bytes,
        columns: summary.columns,
        classes: summary.classes,
    };
    output.result(&wire, || {
        let codes = wire.classes.iter().enumerate();
        let codes: String = codes
            .map(|(code, label)| format!("class {code}: {label}\n"))
            .collect();
        format!("{} bytes in {}\n{codes}", wire.bytes, wire.output)
    })?;
    Ok(0)
}
