//! `kolosal doctor`

use kolosal_platform::{ErrorKind, Platform};

use crate::output::{Align, Output, table};
use crate::wire::Health;

pub(crate) fn run(platform: &Platform, output: &Output) -> anyhow::Result<u8> {
    let diagnosis = platform.doctor()?;
    output.result(&Health::new(diagnosis.is_well(), &diagnosis.checks), || {
        let row = |check: &kolosal_platform::Check| {
            vec![
                check.name.to_owned(),
                check.found.clone(),
                check.remedy.clone().unwrap_or_else(|| "ok".to_owned()),
            ]
        };
        let headings = [
            ("checked", Align::Left),
            ("found", Align::Left),
            ("", Align::Left),
        ];
        table(&headings, &diagnosis.checks.iter().map(row).collect::<Vec<_>>())
    })?;
    Ok(if diagnosis.is_well() {
        0
    } else {
        ErrorKind::Internal.exit_code()
    })
}
