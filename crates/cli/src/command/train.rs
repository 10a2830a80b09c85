//! `kolosal train`

use kolosal_platform::store::Store;
use kolosal_platform::{
    Constraints, ErrorKind, Platform, Stop, Tracking, TrainJob, TrainSummary, peak_rss_bytes,
};

use crate::args::TrainArgs;
use crate::command::{evaluate, leaderboard};
use crate::output::{Output, number, size};
use crate::progress::Live;
use crate::{store, wire};

pub(crate) fn run(platform: &Platform, args: TrainArgs, output: &Output) -> anyhow::Result<u8> {
    let live = Live::new(output);
    let store = open_for_training(&args, output);
    let experiment = args.experiment.clone();
    let job = job(args);
    let trained = match &store {
        None => platform.train(&job, &live).map(|summary| (summary, None)),
        Some(store) => {
            let (person, host) = (store::person(), store::host());
            let tracking = Tracking {
                store,
                experiment,
                person,
                host,
            };
            platform.train_tracked(&job, &live, &tracking)
        }
    };
    live.clear();
    let (summary, run) = trained?;
    let shown = || text(&summary, run.as_deref());
    output.result(&wire_form(&summary, run.clone()), shown)?;
    Ok(if summary.stop == Stop::Cancelled {
        ErrorKind::Cancelled.exit_code()
    } else {
        0
    })
}

/// The store in which to note a training; what is wrong with it stops no training.
fn open_for_training(args: &TrainArgs, output: &Output) -> Option<Store> {
    if args.no_tracking {
        return None;
    }
    let opened = store::place(&args.store)
        .and_then(|place| place.map(|place| store::open(&place, output)).transpose());
    opened.unwrap_or_else(|error| {
        output.remark(&format!("note: this training is not tracked: {error}"));
        None
    })
}

fn job(args: TrainArgs) -> TrainJob {
    TrainJob {
        data: args.data,
        test: args.test,
        target: args.target,
        task: args.task.into(),
        metric: args.metric,
        preset: args.preset.into(),
        learners: args.learners,
        seed: args.seed,
        group: args.group,
        time_column: args.time_column,
        weight: args.weight,
        ignore: args.ignore,
        constraints: Constraints {
            monotone: args.monotone,
            interactions: args.interactions.iter().map(|set| columns_of(set)).collect(),
        },
        is_strict: args.strict,
        column_types: args.column_type,
        time_limit: args.time_limit,
        work_limit: args.work_limit,
        size_max: args.size_limit,
        latency_max: args.latency_limit,
        must_resume: args.resume,
        output: args.output,
    }
}

/// The columns of a list with commas.
fn columns_of(text: &str) -> Vec<String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

fn wire_form(summary: &TrainSummary, run: Option<String>) -> wire::Trained {
    let manifest = &summary.manifest;
    wire::Trained {
        model: summary.output.display().to_string(),
        run,
        model_bytes: summary.model_bytes,
        row_s: summary.row_time.as_secs_f64(),
        task: manifest.task.clone(),
        target: manifest.target.clone(),
        metric: manifest.metric.clone(),
        score: manifest.scores.get(&manifest.metric).copied(),
        scores: manifest.scores.clone(),
        test: summary.test.as_ref().map(wire::Judged::from),
        leaderboard: wire::lines(&manifest.leaderboard, &summary.trials),
        importances: manifest.importances.clone(),
        notes: manifest.notes.clone(),
        guards: manifest.guards.iter().map(wire::Guard::from).collect(),
        stop: summary.stop.name(),
        load_s: summary.load_time.as_secs_f64(),
        elapsed_s: summary.elapsed.as_secs_f64(),
        peak_rss_bytes: peak_rss_bytes(),
    }
}

fn text(summary: &TrainSummary, run: Option<&str>) -> String {
    let manifest = &summary.manifest;
    let mut text = leaderboard::text(manifest, &summary.trials);
    text.push('\n');
    if let Some(score) = manifest.scores.get(&manifest.metric) {
        text.push_str(&format!(
            "held-out rows: {} {}\n",
            manifest.metric,
            number(*score)
        ));
    }
    if let Some(test) = &summary.test {
        text.push_str(&format!("test rows:     {}\n", evaluate::summary(test)));
    }
    let stop = match summary.stop {
        Stop::Finished => "",
        Stop::Time => " (stopped by the time limit)",
        Stop::Work => " (stopped by the work limit)",
        Stop::Cancelled => " (interrupted; this is the best model so far)",
    };
    text.push_str(&format!(
        "model:         {} ({}, {:.0} us a row), {:.1} s in all{stop}\n",
        summary.output.display(),
        size(summary.model_bytes),
        summary.row_time.as_secs_f64() * 1e6,
        summary.elapsed.as_secs_f64()
    ));
    if let Some(run) = run {
        text.push_str(&format!("run:           {run}\n"));
    }
    text
}
