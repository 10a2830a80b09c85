//! `kolosal fit`

use kolosal_platform::{FitJob, FitSummary, Platform, peak_rss_bytes};

use crate::args::FitArgs;
use crate::command::evaluate;
use crate::output::{Output, size};
use crate::wire;

pub(crate) fn run(platform: &Platform, args: FitArgs, output: &Output) -> anyhow::Result<u8> {
    let job = FitJob {
        learner: args.learner,
        settings: args.set,
        data: args.data,
        valid: args.valid,
        holdout: args.holdout,
        target: args.target,
        ignore: args.ignore,
        task: args.task.into(),
        seed: args.seed,
        weight: args.weight,
        column_types: args.column_type,
        output: args.output,
    };
    let summary = platform.fit(&job)?;
    let notes = summary.manifest.notes.iter().chain(&summary.warnings);
    notes.for_each(|note| output.remark(&format!("note: {note}")));
    output.result(&wire_form(&job, &summary), || text(&job, &summary))?;
    Ok(0)
}

fn wire_form(job: &FitJob, summary: &FitSummary) -> wire::Fitted {
    let member = &summary.manifest.members[0];
    wire::Fitted {
        learner: member.learner.clone(),
        params: member.params.clone(),
        task: summary.manifest.task.clone(),
        rows: summary.manifest.data.rows,
        load_s: summary.load_time.as_secs_f64(),
        bin_s: summary.bin_time.as_secs_f64(),
        fit_s: summary.fit_time.as_secs_f64(),
        peak_rss_bytes: peak_rss_bytes(),
        predict_s: summary
            .valid
            .as_ref()
            .map(|valid| valid.predict_time.as_secs_f64()),
        metrics: summary
            .valid
            .as_ref()
            .map(|valid| valid.scores.clone())
            .unwrap_or_default(),
        model: job.output.as_ref().map(|output| output.display().to_string()),
        model_bytes: summary.model_bytes,
        facts: summary.manifest.facts.clone(),
        groups: summary.manifest.groups.iter().map(wire::Group::from).collect(),
        notes: summary
            .manifest
            .notes
            .iter()
            .chain(&summary.warnings)
            .cloned()
            .collect(),
    }
}

fn text(job: &FitJob, summary: &FitSummary) -> String {
    let task = match &job.target {
        Some(_) => format!("a {} target", summary.manifest.task),
        None => summary.manifest.task.clone(),
    };
    let mut text = format!(
        "{} for {task}: {} rows, fitted in {:.3} s\n",
        summary.manifest.members[0].learner,
        summary.manifest.data.rows,
        (summary.fit_time + summary.bin_time).as_secs_f64()
    );
    for (name, value) in &summary.manifest.facts {
        text.push_str(&format!("{name}: {value}\n"));
    }
    for (number, group) in summary.manifest.groups.iter().enumerate() {
        text.push_str(&format!("group {number}: {} rows\n", group.rows));
    }
    if let Some(valid) = &summary.valid {
        text.push_str(&format!("validation rows: {}\n", evaluate::summary(valid)));
    }
    if let (Some(output), Some(bytes)) = (&job.output, summary.model_bytes) {
        text.push_str(&format!("model: {} ({})\n", output.display(), size(bytes)));
    }
    text
}
