//! `kolosal cluster`

use std::fmt::Write;

use kolosal_platform::{ClusterAlgorithm, ClusterJob, ClusterSummary, Linkage, Platform};

use crate::args::{AlgorithmArg, ClusterArgs, LinkageArg};
use crate::output::Output;
use crate::wire;

pub(crate) fn run(platform: &Platform, args: ClusterArgs, output: &Output) -> anyhow::Result<u8> {
    let algorithm = match args.algorithm {
        AlgorithmArg::Kmeans => ClusterAlgorithm::KMeans { k: args.k },
        AlgorithmArg::Dbscan => ClusterAlgorithm::Dbscan {
            eps: args.eps,
            min_samples: args.min_samples,
        },
        AlgorithmArg::Hierarchical => ClusterAlgorithm::Hierarchical {
            k: args.k,
            linkage: args.linkage.into(),
        },
    };
    let job = ClusterJob {
        data: args.data,
        algorithm,
        ignore: args.ignore,
        compare: args.compare,
        seed: args.seed,
        column_types: args.column_type,
        output: args.output,
    };
    let summary = platform.cluster(&job)?;
    summary
        .notes
        .iter()
        .for_each(|note| output.remark(&format!("note: {note}")));
    output.result(&wire::Clustered::new(args.algorithm, &job, &summary), || {
        text(&job, &summary)
    })?;
    Ok(0)
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
    if let Some(output) = &job.output {
        line(format!("\nthe group of each row is in {}", output.display()));
    }
    text
}

impl From<LinkageArg> for Linkage {
    fn from(linkage: LinkageArg) -> Self {
        match linkage {
            LinkageArg::Ward => Self::Ward,
            LinkageArg::Complete => Self::Complete,
            LinkageArg::Average => Self::Average,
            LinkageArg::Single => Self::Single,
        }
    }
}
