//! Grouping the rows of a table that has no target.

use std::path::PathBuf;
use std::time::Duration;

use kolosal_base::{Clock, Seed};
use kolosal_frame::write::{Format, write};
use kolosal_frame::{Column, Field, Frame, Kind, MISSING};
use kolosal_learn_classic::cluster::{
    Agreement, Cloud, Clustering, Dbscan, Hierarchical, KMeans, Linkage, NOISE, Quality, dbscan,
    hierarchical, kmeans,
};
use kolosal_learner::{FitContext, Silent};

use crate::train::require_writable;
use crate::{ColumnTypes, Platform, PlatformError};

/// Columns that describe a group, at most.
const TRAITS_MAX: usize = 6;

/// How rows are grouped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClusterAlgorithm {
    /// Around centres; the number of groups is given or chosen.
    KMeans {
        /// How many groups.
        k: Option<usize>,
    },
    /// In dense places.
    Dbscan {
        /// How near points are near, given or chosen.
        eps: Option<f64>,
        /// Rows within `eps` that make a place dense.
        min_samples: usize,
    },
    /// By a tree of mergers.
    Hierarchical {
        /// How many groups, given or chosen.
        k: Option<usize>,
        /// How far groups are from each other.
        linkage: Linkage,
    },
}

/// What to group.
#[derive(Debug, Clone)]
pub struct ClusterJob {
    /// The table.
    pub data: PathBuf,
    /// How.
    pub algorithm: ClusterAlgorithm,
    /// Columns that must not count, such as names and numbers of customers.
    pub ignore: Vec<String>,
    /// A column of known groups to compare with; it does not count either.
    pub compare: Option<String>,
    /// The seed.
    pub seed: u64,
    /// Types of columns.
    pub column_types: ColumnTypes,
    /// Where the group of each row goes, if anywhere.
    pub output: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct ClusterSummary {
    /// Rows of the table.
    pub rows: usize,
    /// Groups, in the order in which they first occur.
    pub groups: Vec<ClusterProfile>,
    /// Rows that belong to none.
    pub noise: usize,
    /// Why there are so many groups, if that was not given.
    pub reason: Option<String>,
    /// Judged by the rows alone; `None` unless there are two groups at least.
    pub quality: Option<Quality>,
    /// Judged by the known groups.
    pub agreement: Option<Agreement>,
    /// Columns that did not count, and why.
    pub left_out: Vec<(String, &'static str)>,
    /// Sum of squared distances to the centres, of k-means.
    pub inertia: Option<f64>,
    /// Time to read the table.
    pub load_time: Duration,
    /// Time to group.
    pub cluster_time: Duration,
    /// What the reader said.
    pub notes: Vec<String>,
}

/// One group.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterProfile {
    /// Rows in it.
    pub rows: usize,
    /// What sets it apart, most telling first.
    pub traits: Vec<ClusterTrait>,
}

/// What a column is like in a group.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterTrait {
    /// The column.
    pub column: String,
    /// In words: its mean beside that of all rows, or its most frequent level beside that level's share in all rows.
    pub value: String,
    /// How far that is from all rows: standard deviations, or a difference of shares.
    pub difference: f64,
}

impl Platform {
    /// Groups the rows of a table, and writes the column `cluster` if a file is asked for: the group's number, or `noise`.
    ///
    /// # Errors
    /// [`PlatformError`] if the table cannot be read, has no column that tells rows apart or lacks a named one, or the
    /// settings do not fit it; the file at the output is then as it was.
    pub fn cluster(&self, job: &ClusterJob) -> Result<ClusterSummary, PlatformError> {
        if let Some(output) = &job.output {
            require_writable(output)?;
            Format::of(output)?;
        }
        let table = self.read(&job.data, &job.column_types)?;
        let frame = features(&table.frame, job)?;
        let started = self.clock.now();
        let cloud = Cloud::of(frame.view());
        if cloud.is_empty() {
            return Err(PlatformError::Setting {
                what: "the table",
                value: format!("one of {} rows whose columns do not tell them apart", table.rows),
                allowed: "one with a number that varies or a category".to_owned(),
            });
        }
        let cx = FitContext {
            seed: Seed::new(job.seed),
            workers: &self.workers,
            memory: &self.memory,
            clock: &self.clock as &dyn Clock,
            deadline: None,
            cancel: &self.cancel,
            progress: &Silent,
            valid: None,
        };
        let (clustering, inertia) = run(&cloud, job.algorithm, &cx)?;
        let cluster_time = self.clock.now().saturating_sub(started);
        let quality = Quality::of(&cloud, &clustering.labels, &cx)?;
        let agreement = match &job.compare {
            None => None,
            Some(name) => {
                let at = table.frame.schema().require(name)?;
                Some(Agreement::of(
                    &known_groups(&table.frame.columns()[at]),
                    &clustering.labels,
                ))
            }
        };
        if let Some(output) = &job.output {
            write(&labels_frame(&clustering)?, output, &self.workers, &self.cancel)?;
        }
        Ok(ClusterSummary {
            rows: table.rows,
            groups: profiles(&frame, &clustering),
            noise: clustering.labels.iter().filter(|label| **label == NOISE).count(),
            reason: clustering.reason,
            quality,
            agreement,
            left_out: cloud.left_out,
            inertia,
            load_time: table.load_time,
            cluster_time,
            notes: table.notes,
        })
    }
}

fn run(
    cloud: &Cloud,
    algorithm: ClusterAlgorithm,
    cx: &FitContext<'_>,
) -> Result<(Clustering, Option<f64>), PlatformError> {
    Ok(match algorithm {
        ClusterAlgorithm::KMeans { k } => {
            let settings = KMeans {
                k,
                ..KMeans::default()
            };
            let (clustering, inertia) = kmeans(cloud, &settings, cx)?;
            (clustering, Some(inertia))
        }
        ClusterAlgorithm::Dbscan { eps, min_samples } => {
            (dbscan(cloud, &Dbscan { eps, min_samples }, cx)?, None)
        }
        ClusterAlgorithm::Hierarchical { k, linkage } => {
            (hierarchical(cloud, &Hierarchical { k, linkage }, cx)?, None)
        }
    })
}

/// The columns that count.
fn features(frame: &Frame, job: &ClusterJob) -> Result<Frame, PlatformError> {
    let mut without = Vec::new();
    for name in job.ignore.iter().chain(&job.compare) {
        without.push(frame.schema().require(name)?);
    }
    let fields = frame.schema().fields().iter().cloned();
    let columns = fields.zip(frame.columns().iter().cloned()).enumerate();
    let kept: Vec<(Field, Column)> = columns
        .filter(|(at, _)| !without.contains(at))
        .map(|(_, column)| column)
        .collect();
    Ok(Frame::new(kept)?)
}

/// The groups that a column of known ones makes; rows without a value are a group too.
fn known_groups(column: &Column) -> Vec<u32> {
    let keys: Vec<u64> = match column {
        Column::Categories(categories) => categories.codes().iter().map(|&code| u64::from(code)).collect(),
        Column::Numbers(values) => values.iter().map(|value| value.to_bits()).collect(),
        Column::Sparse(sparse) => (0..column.len()).map(|row| sparse.get(row).to_bits()).collect(),
        Column::Text(texts) => {
            let mut distinct: Vec<&str> = texts.iter().collect();
            distinct.sort_unstable();
            distinct.dedup();
            texts
                .iter()
                .map(|text| distinct.partition_point(|other| *other < text) as u64)
                .collect()
        }
    };
    let mut distinct = keys.clone();
    distinct.sort_unstable();
    distinct.dedup();
    keys.iter()
        .map(|key| distinct.partition_point(|other| other < key) as u32)
        .collect()
}

fn labels_frame(clustering: &Clustering) -> Result<Frame, PlatformError> {
    let word = |label: &u32| {
        if *label == NOISE {
            "noise".to_owned()
        } else {
            label.to_string()
        }
    };
    let words: Vec<String> = clustering.labels.iter().map(word).collect();
    let field = Field::new("cluster", Kind::Categorical, "made by clustering");
    Ok(Frame::new(vec![(field, Column::categories(&words))])?)
}

/// What sets each group apart from all rows.
fn profiles(frame: &Frame, clustering: &Clustering) -> Vec<ClusterProfile> {
    let sizes = clustering.sizes();
    let mut traits: Vec<Vec<ClusterTrait>> = vec![Vec::new(); clustering.count];
    for (field, column) in frame.schema().fields().iter().zip(frame.columns()) {
        let of_groups = match column {
            Column::Categories(categories) => {
                let levels: Vec<&str> = categories.levels().iter().collect();
                level_traits(&field.name, (categories.codes(), &levels), clustering)
            }
            // Moments would be shown as numbers that nobody reads.
            Column::Numbers(values) if field.kind != Kind::Datetime => {
                number_traits(&field.name, values, clustering)
            }
            _ => continue,
        };
        for (list, of_group) in traits.iter_mut().zip(of_groups) {
            list.extend(of_group);
        }
    }
    let profile = |(rows, mut traits): (usize, Vec<ClusterTrait>)| {
        traits.sort_by(|a, b| b.difference.abs().total_cmp(&a.difference.abs()));
        traits.truncate(TRAITS_MAX);
        ClusterProfile { rows, traits }
    };
    sizes.into_iter().zip(traits).map(profile).collect()
}

fn number_traits(name: &str, values: &[f64], clustering: &Clustering) -> Vec<Option<ClusterTrait>> {
    let mean = |of: &dyn Fn(u32) -> bool| {
        let rows = values.iter().zip(&clustering.labels);
        let picked: Vec<f64> = rows
            .filter(|(x, l)| of(**l) && !x.is_nan())
            .map(|(x, _)| *x)
            .collect();
        let count = picked.len() as f64;
        let mean = picked.iter().map(|x| x / count).sum::<f64>();
        let squares = picked
            .iter()
            .map(|x| (x - mean) * (x - mean) / count)
            .sum::<f64>();
        (count > 0.0).then(|| (mean, squares.sqrt()))
    };
    let Some((all, deviation)) = mean(&|_| true) else {
        return vec![None; clustering.count];
    };
    (0..clustering.count as u32)
        .map(|group| {
            let (own, _) = mean(&|label| label == group)?;
            (deviation > 0.0).then(|| ClusterTrait {
                column: name.to_owned(),
                value: format!("mean {own:.4}, of all rows {all:.4}"),
                difference: (own - all) / deviation,
            })
        })
        .collect()
}

fn level_traits(
    name: &str,
    (codes, levels): (&[u32], &[&str]),
    clustering: &Clustering,
) -> Vec<Option<ClusterTrait>> {
    let counts = |of: &dyn Fn(u32) -> bool| {
        let mut counts = vec![0.0; levels.len()];
        let rows = codes.iter().zip(&clustering.labels);
        for (code, _) in rows.filter(|(code, label)| of(**label) && **code != MISSING) {
            counts[*code as usize] += 1.0;
        }
        let total: f64 = counts.iter().sum();
        counts.iter_mut().for_each(|count| *count /= total.max(1.0));
        counts
    };
    let all = counts(&|_| true);
    (0..clustering.count as u32)
        .map(|group| {
            let own = counts(&|label| label == group);
            let mut top = 0;
            for level in 0..own.len() {
                if own[level] > own[top] {
                    top = level;
                }
            }
            let level = levels.get(top).filter(|_| own[top] > 0.0)?;
            Some(ClusterTrait {
                column: name.to_owned(),
                value: format!(
                    "'{level}' in {:.1} %, of all rows {:.1} %",
                    100.0 * own[top],
                    100.0 * all[top]
                ),
                difference: own[top] - all[top],
            })
        })
        .collect()
}
