//! `kolosal explain`

use kolosal_platform::{ExplainJob, ExplainSummary, Platform};

use crate::args::ExplainArgs;
use crate::output::{Align, Output, number, table};
use crate::wire;

pub(crate) fn run(platform: &Platform, args: ExplainArgs, output: &Output) -> anyhow::Result<u8> {
    let model = platform.load(&args.model)?;
    let job = ExplainJob {
        data: args.data,
        rows_max: args.rows as usize,
        background_max: args.background as usize,
        seed: args.seed,
        output: args.output,
    };
    let summary = platform.explain(&model, &job)?;
    summary
        .notes
        .iter()
        .for_each(|note| output.remark(&format!("note: {note}")));
    output.result(&wire::Explained::new(&job, &summary), || text(&job, &summary))?;
    Ok(0)
}

fn text(job: &ExplainJob, summary: &ExplainSummary) -> String {
    let found = &summary.explanation;
    let mut text = format!(
        "{} rows against {}: {}\n\n",
        summary.rows,
        summary.background,
        found.method.describe()
    );
    let importances = found.importances();
    let total: f64 = importances.iter().sum();
    let mut order: Vec<usize> = (0..importances.len()).collect();
    order.sort_by(|&a, &b| importances[b].total_cmp(&importances[a]).then(a.cmp(&b)));
    let row = |&at: &usize| {
        let share = if total > 0.0 { importances[at] / total } else { 0.0 };
        vec![
            found.columns[at].clone(),
            number(importances[at]),
            format!("{:.1} %", 100.0 * share),
        ]
    };
    let headings = [
        ("column", Align::Left),
        ("mean size", Align::Right),
        ("share", Align::Right),
    ];
    text.push_str(&table(&headings, &order.iter().map(row).collect::<Vec<_>>()));
    if let Some(output) = &job.output {
        text.push_str(&format!("\nthe values of each row are in {}\n", output.display()));
    }
    text
}
