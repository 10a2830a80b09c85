//! `kolosal evaluate`

use kolosal_platform::{Evaluation, Platform};

use crate::args::EvaluateArgs;
use crate::output::{Align, Output, number, table};
use crate::wire;

pub(crate) fn run(platform: &Platform, args: &EvaluateArgs, output: &Output) -> anyhow::Result<u8> {
    let model = platform.load(&args.model)?;
    let evaluation = platform.evaluate(&model, &args.data)?;
    output.result(&wire::Judged::from(&evaluation), || text(&evaluation))?;
    Ok(0)
}

/// The chosen metric, and one more that everyone understands.
pub(crate) fn summary(evaluation: &Evaluation) -> String {
    let mut parts = Vec::new();
    for name in [evaluation.metric.as_str(), "accuracy", "r2"] {
        if let Some(score) = evaluation
            .scores
            .get(name)
            .filter(|_| !parts.iter().any(|p: &String| p.starts_with(name)))
        {
            parts.push(format!("{name} {}", number(*score)));
        }
    }
    format!("{} on {} rows", parts.join(", "), evaluation.rows)
}

fn text(evaluation: &Evaluation) -> String {
    let rows: Vec<Vec<String>> = evaluation
        .scores
        .iter()
        .map(|(name, score)| vec![name.clone(), number(*score)])
        .collect();
    let mut text = table(&[("metric", Align::Left), ("value", Align::Right)], &rows);
    for (name, reason) in &evaluation.undefined {
        text.push_str(&format!("{name}: {reason}\n"));
    }
    if (1..=40).contains(&evaluation.classes.len()) {
        let row = |class: &kolosal_platform::ClassReport| {
            vec![
                class.label.clone(),
                class.rows.to_string(),
                class.predicted.to_string(),
                class.right.to_string(),
            ]
        };
        let headings = [
            ("class", Align::Left),
            ("rows", Align::Right),
            ("predicted", Align::Right),
            ("right", Align::Right),
        ];
        text.push('\n');
        text.push_str(&table(
            &headings,
            &evaluation.classes.iter().map(row).collect::<Vec<_>>(),
        ));
    }
    if let Some(coverage) = evaluation.coverage {
        let width = if evaluation.classes.is_empty() {
            format!("intervals of mean width {}", number(coverage.width))
        } else {
            format!("sets of {:.2} classes in the mean", coverage.width)
        };
        text.push_str(&format!(
            "\n{:.1} % of the answers lie in {width}, which were made for {:.0} %\n",
            100.0 * coverage.inside,
            100.0 * coverage.asked
        ));
    }
    text.push_str(&format!("\n{} rows", evaluation.rows));
    if evaluation.rows_left_out > 0 {
        text.push_str(&format!(
            "; {} without a known answer are left out",
            evaluation.rows_left_out
        ));
    }
    text.push('\n');
    text
}
