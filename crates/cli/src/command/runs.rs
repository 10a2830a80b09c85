//! `kolosal runs`

use std::collections::BTreeMap;

use kolosal_platform::store::{Owner, Query, Run, Store, StoreError};
use kolosal_platform::{PlatformError, civil_date};

use crate::args::{FindArgs, RunsArgs, RunsWhat};
use crate::output::{Align, Output, number, size, table};
use crate::store::required;
use crate::wire_store::{ArtifactLine, Comparison, RunLine, RunList, RunPage};

pub(crate) fn run(args: RunsArgs, output: &Output) -> anyhow::Result<u8> {
    match args.what {
        RunsWhat::List { find } => list(&find, "", output)?,
        RunsWhat::Search { filter, find } => list(&find, &filter, output)?,
        RunsWhat::Show { run, store } => show(&required(&store, output)?, &run, output)?,
        RunsWhat::Compare { runs, store } => compare(&required(&store, output)?, &runs, output)?,
    }
    Ok(0)
}

fn list(find: &FindArgs, filter: &str, output: &Output) -> anyhow::Result<()> {
    let store = required(&find.store, output)?;
    let experiments = match &find.experiment {
        Some(name) => vec![store.experiment_by_name(name).map_err(PlatformError::from)?.id],
        None => Vec::new(),
    };
    let mut filter = filter.trim().to_owned();
    if !find.trials {
        let and = if filter.is_empty() { "" } else { " AND " };
        filter.push_str(and);
        filter.push_str("tags.`mlflow.parentRunId` IS NULL");
    }
    let query = Query {
        filter,
        order_by: find.order_by.clone(),
        count_max: usize::from(find.count),
        page: find.page.clone(),
        ..Query::default()
    };
    let found = store
        .search_runs(&experiments, &query)
        .map_err(PlatformError::from)?;
    let listed = RunList {
        runs: found.items.iter().map(RunLine::from).collect(),
        next_page: found.next,
    };
    output.result(&listed, || list_text(&listed))
}

fn list_text(listed: &RunList) -> String {
    if listed.runs.is_empty() {
        return "no runs\n".to_owned();
    }
    let row = |run: &RunLine| {
        let metric = run.tags.get("kolosal.metric").map(String::as_str);
        let score = metric.and_then(|metric| Some(format!("{metric} {}", number(*run.metrics.get(metric)?))));
        vec![
            run.run[..8].to_owned(),
            run.name.clone(),
            run.status.to_ascii_lowercase(),
            score.unwrap_or_default(),
            time(run.started_ms),
        ]
    };
    let headings = [
        ("run", Align::Left),
        ("name", Align::Left),
        ("status", Align::Left),
        ("score", Align::Left),
        ("started (UTC)", Align::Left),
    ];
    let mut text = table(&headings, &listed.runs.iter().map(row).collect::<Vec<_>>());
    if let Some(next) = &listed.next_page {
        text.push_str(&format!("more: --page {next}\n"));
    }
    text
}

fn show(store: &Store, run: &str, output: &Output) -> anyhow::Result<()> {
    let run = find_run(store, run)?;
    let owner = Owner::Run(run.id.clone());
    let artifacts = store.all_artifacts(&owner).map_err(PlatformError::from)?;
    let trials = store.child_runs(&run.id).map_err(PlatformError::from)?;
    let page = RunPage {
        run: RunLine::from(&run),
        artifacts: artifacts.iter().map(ArtifactLine::from).collect(),
        trials: trials.iter().map(RunLine::from).collect(),
    };
    output.result(&page, || show_text(&page))
}

fn show_text(page: &RunPage) -> String {
    let run = &page.run;
    let mut text = format!(
        "{}  {}\n{}, begun {} by {}",
        run.run,
        run.name,
        run.status,
        time(run.started_ms),
        run.user
    );
    if let Some(ended) = run.ended_ms {
        text.push_str(&format!(", ended {}", time(ended)));
    }
    text.push('\n');
    let mut part = |name: &str, rows: Vec<[String; 2]>| {
        if rows.is_empty() {
            return;
        }
        let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
        text.push('\n');
        text.push_str(&table(&[(name, Align::Left), ("", Align::Left)], &rows));
    };
    let words = |(key, value): (&String, &String)| [key.clone(), value.replace('\n', " ")];
    part(
        "metrics",
        run.metrics
            .iter()
            .map(|(key, value)| [key.clone(), number(*value)])
            .collect(),
    );
    part("parameters", run.params.iter().map(words).collect());
    part("tags", run.tags.iter().map(words).collect());
    part(
        "artifacts",
        page.artifacts
            .iter()
            .map(|file| [file.path.clone(), size(file.bytes)])
            .collect(),
    );
    let trial = |trial: &RunLine| {
        let metric = trial
            .tags
            .get("kolosal.metric")
            .and_then(|metric| trial.metrics.get(metric));
        [
            trial.name.clone(),
            metric.map_or_else(|| trial.status.to_ascii_lowercase(), |score| number(*score)),
        ]
    };
    part("trials", page.trials.iter().map(trial).collect());
    text
}

fn compare(store: &Store, names: &[String], output: &Output) -> anyhow::Result<()> {
    let runs = names
        .iter()
        .map(|name| find_run(store, name))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut params: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    let mut metrics: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        for (key, value) in &run.params {
            params
                .entry(key.clone())
                .or_insert_with(|| vec![None; runs.len()])[at] = Some(value.clone());
        }
        for metric in &run.metrics {
            metrics
                .entry(metric.key.clone())
                .or_insert_with(|| vec![None; runs.len()])[at] = Some(metric.value);
        }
    }
    params.retain(|_, values| values.windows(2).any(|pair| pair[0] != pair[1]));
    let comparison = Comparison {
        runs: runs.iter().map(|run| run.id.clone()).collect(),
        params,
        metrics,
    };
    output.result(&comparison, || compare_text(&comparison))
}

fn compare_text(comparison: &Comparison) -> String {
    let mut headings = vec![("", Align::Left)];
    headings.extend(comparison.runs.iter().map(|run| (&run[..8], Align::Right)));
    let mut rows = Vec::new();
    for (key, values) in &comparison.metrics {
        let cells = values.iter().map(|value| value.map_or_else(String::new, number));
        rows.push([key.clone()].into_iter().chain(cells).collect());
    }
    for (key, values) in &comparison.params {
        let cells = values.iter().map(|value| value.clone().unwrap_or_default());
        rows.push([key.clone()].into_iter().chain(cells).collect());
    }
    table(&headings, &rows)
}

/// The run that an identifier, or the beginning of one, names.
fn find_run(store: &Store, name: &str) -> anyhow::Result<Run> {
    let is_hex = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if name.len() == 32 || !is_hex {
        return Ok(store.run(name).map_err(PlatformError::from)?);
    }
    let query = Query {
        filter: format!("run_id LIKE '{name}%'"),
        count_max: 2,
        ..Query::default()
    };
    let mut found = store.search_runs(&[], &query).map_err(PlatformError::from)?.items;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(PlatformError::from(StoreError::NotFound {
            what: "run",
            name: format!("{name}…"),
        })
        .into()),
        _ => Err(PlatformError::from(StoreError::Invalid {
            what: format!("the beginning {name}"),
            problem: "is that of several runs; write more of it".to_owned(),
        })
        .into()),
    }
}

/// A time in UTC, to the minute.
pub(crate) fn time(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil_date(days);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}",
        rest / 3_600_000,
        rest / 60_000 % 60
    )
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (ms, expected) in [
            (0, "1970-01-01 00:00"),
            (951_782_400_000, "2000-02-29 00:00"),
            (1_709_251_199_000, "2024-02-29 23:59"),
            (1_735_689_600_000, "2025-01-01 00:00"),
            (-60_000, "1969-12-31 23:59"),
        ] {
            assert_eq!(time(ms), expected);
        }
    }
}
