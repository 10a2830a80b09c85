//! `kolosal audit`

use kolosal_platform::{ErrorKind, PlatformError};

use crate::args::{AuditArgs, AuditWhat};
use crate::command::runs::time;
use crate::output::{Align, Output, table};
use crate::store::required;
use crate::wire_store::{AuditLine, AuditList, AuditVerdict};

pub(crate) fn run(args: &AuditArgs, output: &Output) -> anyhow::Result<u8> {
    match &args.what {
        AuditWhat::List { count, store } => {
            let found = required(store, output)?
                .audit(usize::from(*count), None)
                .map_err(PlatformError::from)?;
            let list = AuditList {
                entries: found.items.iter().map(AuditLine::from).collect(),
            };
            output.result(&list, || text(&list))?;
            Ok(0)
        }
        AuditWhat::Verify { store } => {
            let check = required(store, output)?
                .audit_verify()
                .map_err(PlatformError::from)?;
            let verdict = AuditVerdict {
                entries: check.entries,
                whole: check.problem.is_none(),
                first_bad: check.problem.as_ref().map(|(seq, _)| *seq),
                problem: check.problem.map(|(_, problem)| problem),
                head: check.head,
            };
            output.result(&verdict, || match (&verdict.first_bad, &verdict.problem) {
                (Some(seq), Some(problem)) => format!("the log is broken at entry {seq}: {problem}\n"),
                _ => format!(
                    "{} entries, all whole; the last one is {}\n",
                    verdict.entries, verdict.head
                ),
            })?;
            Ok(if verdict.whole {
                0
            } else {
                ErrorKind::Data.exit_code()
            })
        }
    }
}

fn text(list: &AuditList) -> String {
    let row = |entry: &AuditLine| {
        vec![
            entry.seq.to_string(),
            time(entry.at_ms),
            entry.user.clone(),
            entry.action.clone(),
            entry.subject.clone(),
            entry.detail.clone(),
        ]
    };
    let headings = [
        ("#", Align::Right),
        ("when (UTC)", Align::Left),
        ("who", Align::Left),
        ("did", Align::Left),
        ("to", Align::Left),
        ("", Align::Left),
    ];
    table(&headings, &list.entries.iter().map(row).collect::<Vec<_>>())
}
