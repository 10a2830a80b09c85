//! `kolosal cluster`

use std::fmt::Write;

use kolosal_platform::{ClusterJob, ClusterSummary, Platform};

use crate::args::{AlgorithmArg, ClusterArgs, LinkageArg};
use crate::output::{Output, size};
use crate::wire;

pub(crate) fn run(platform: &Platform, args: ClusterArgs, output: &Output) -> anyhow::Result<u8> {
    let job = ClusterJob {
        learner: learner_of(args.algorithm).to_owned(),
        settings: settings(&args),
        data: args.data,
        ignore: args.ignore,
        compare: args.compare,
        seed: args.seed,
        column_types: args.column_type,
        output: args.output,
        model: args.model,
    };
    let summary = platform.cluster(&job)?;
    summary
        .notes
        .iter()
        .for_each(|note| output.remark(&format!("note: {note}")));
    output.result(&wire::Clustered::new(&job, &summary), || text(&job, &summary))?;
    Ok(0)
}

fn learner_of(algorithm: AlgorithmArg) -> &'static str {
    match algorithm {
        AlgorithmArg::Kmeans => "kmeans",
        AlgorithmArg::Dbscan => "dbscan",
        AlgorithmArg::Hdbscan => "hdbscan",
        AlgorithmArg::Hierarchical => "hierarchical",
        AlgorithmArg::GaussianMixture => "gaussian_mixture",
    }
}

/// Options that are parameters, and those given by name.
fn settings(args: &ClusterArgs) -> Vec<(String, String)> {
    let named = |name: &str, value: Option<String>| value.map(|value| (name.to_owned(), value));
    let linkage = args.linkage.map(|linkage| match linkage {
        LinkageArg::Ward => "ward",
        LinkageArg::Complete => "complete",
        LinkageArg::Average => "average",
        LinkageArg::Single => "single",
    });
    let options = [
        named("k", args.k.map(|k| k.to_string())),
        named("eps", args.eps.map(|eps| eps.to_string())),
        named("min_samples", args.min_samples.map(|rows| rows.to_string())),
        named("linkage", linkage.map(str::to_owned)),
    ];
    options
        .into_iter()
        .flatten()
        .chain(args.set.iter().cloned())
        .collect()
}

fn text(job: &ClusterJob, summary: &ClusterSummary) -> String {
    let mut text = format!("{} groups of {} rows", summary.groups.len(), summary.rows);
    if summary.noise > 0 {
        text.push_str(&format!(", {} rows in none", summary.noise));
    }
    text.push('\n');
    let mut line = |line: String| writeln!(text, "{line}").expect("a text takes more text");
    if let Some(reason) = &summary.reason {
        line(reason.clone());
    }
    if let Some(quality) = summary.quality {
        line(format!(
            "silhouette {:.4}, Calinski-Harabasz {:.2}, Davies-Bouldin {:.4}",
            quality.silhouette, quality.calinski_harabasz, quality.davies_bouldin
        ));
    }
    if let (Some(agreement), Some(column)) = (summary.agreement, &job.compare) {
        line(format!(
            "against '{column}': adjusted Rand {:.4}, adjusted mutual information {:.4}, V-measure {:.4}",
            agreement.adjusted_rand, agreement.adjusted_mutual_information, agreement.v_measure
        ));
    }
    for (column, why) in &summary.left_out {
        line(format!("'{column}' does not count: {why}"));
    }
    for (number, group) in summary.groups.iter().enumerate() {
        line(format!("\ngroup {number}: {} rows", group.rows));
        for of_group in &group.traits {
            line(format!("  {}: {}", of_group.column, of_group.value));
        }
    }
    if let (Some(model), Some(bytes)) = (&job.model, summary.model_bytes) {
        line(format!("\nmodel: {} ({})", model.display(), size(bytes)));
    }
    if let Some(output) = &job.output {
        line(format!("\nthe group of each row is in {}", output.display()));
    }
    text
}
