//! `kolosal leaderboard`

use kolosal_platform::{LeaderboardEntry, Manifest, Platform, TrialReport};

use crate::args::LeaderboardArgs;
use crate::output::{Align, Output, number, table};
use crate::wire;

pub(crate) fn run(platform: &Platform, args: &LeaderboardArgs, output: &Output) -> anyhow::Result<u8> {
    let manifest = platform.manifest(&args.model)?;
    let board = wire::Board {
        metric: manifest.metric.clone(),
        leaderboard: wire::lines(&manifest.leaderboard, &[]),
    };
    output.result(&board, || text(&manifest, &[]))?;
    Ok(0)
}

/// The board, and what its columns say.
pub(crate) fn text(manifest: &Manifest, trials: &[TrialReport]) -> String {
    if manifest.leaderboard.is_empty() {
        return "this model was fitted without a search: it has no leaderboard\n".to_owned();
    }
    let row = |(at, entry): (usize, &LeaderboardEntry)| {
        let time = trials
            .iter()
            .find(|trial| trial.name == entry.name)
            .map(|trial| trial.elapsed.as_secs_f64());
        vec![
            (at + 1).to_string(),
            entry.name.clone(),
            entry.score.map_or_else(|| "-".to_owned(), number),
            entry.problem.clone().unwrap_or_else(|| entry.validation.clone()),
            if entry.weight > 0.0 {
                format!("{:.0} %", entry.weight * 100.0)
            } else {
                String::new()
            },
            time.map_or_else(String::new, |seconds| format!("{seconds:.2}")),
        ]
    };
    let rows: Vec<Vec<String>> = manifest.leaderboard.iter().enumerate().map(row).collect();
    let headings = [
        ("#", Align::Right),
        ("model", Align::Left),
        (manifest.metric.as_str(), Align::Right),
        ("judged on", Align::Left),
        ("weight", Align::Right),
        ("seconds", Align::Right),
    ];
    let shown = if trials.is_empty() { 5 } else { 6 };
    let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row[..shown].to_vec()).collect();
    let mut text = table(&headings[..shown], &rows);
    text.push_str(&format!(
        "{} on rows that the model did not see; weight: its share in the model that was written\n",
        manifest.metric
    ));
    text
}
