//! Grouping the rows of a table that has no target.

use std::path::PathBuf;
use std::time::Duration;

use kolosal_base::{Clock, Seed};
use kolosal_frame::write::{Format, write};
use kolosal_frame::{Column, Field, Frame, Kind, MISSING};
use kolosal_learn_classic::cluster::{Agreement, Cloud, NOISE, Quality};
use kolosal_learner::{FitContext, Silent};
use kolosal_pipeline::{GroupEntry, Pipeline, TraitEntry};
use kolosal_training::{UnlabelledRequest, fit_unlabelled};

use crate::fit::point_of;
use crate::model::save;
use crate::predict::group_words;
use crate::train::require_writable;
use crate::{ColumnTypes, Platform, PlatformError, Table};

/// Columns that describe a group, at most.
const TRAITS_MAX: usize = 6;

/// What to group.
#[derive(Debug, Clone)]
pub struct ClusterJob {
    /// The table.
    pub data: PathBuf,
    /// The learner of groups, by name or alias.
    pub learner: String,
    /// Its parameters as the user wrote them.
    pub settings: Vec<(String, String)>,
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
    /// Where the model goes that finds the group of further rows, if anywhere.
    pub model: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct ClusterSummary {
    /// The learner's name.
    pub learner: String,
    /// Rows of the table.
    pub rows: usize,
    /// Groups, in the order in which they first occur.
    pub groups: Vec<GroupEntry>,
    /// Rows that belong to none.
    pub noise: usize,
    /// Why there are so many groups, where their borders lie, and what else the learner says of them.
    pub reason: Option<String>,
    /// Judged by the rows alone; `None` unless there are two groups at least.
    pub quality: Option<Quality>,
    /// Judged by the known groups.
    pub agreement: Option<Agreement>,
    /// Columns that did not count, and why.
    pub left_out: Vec<(String, String)>,
    /// Numbers that describe the fit, by name.
    pub facts: std::collections::BTreeMap<String, f64>,
    /// Time to read the table.
    pub load_time: Duration,
    /// Time to group.
    pub cluster_time: Duration,
    /// What the reader said.
    pub notes: Vec<String>,
    /// Size of the model, if it was written.
    pub model_bytes: Option<u64>,
}

impl Platform {
    /// Groups the rows of a table; writes the column `cluster` (the group's number, or `noise`) and the model if files are
    /// asked for.
    ///
    /// # Errors
    /// [`PlatformError`] if the table cannot be read, has no column that tells rows apart or lacks a named one, or the
    /// settings do not fit it; the files are then as they were.
    pub fn cluster(&self, job: &ClusterJob) -> Result<ClusterSummary, PlatformError> {
        let learner = kolosal_learners::find(&job.learner)?;
        if !learner
            .card()
            .tasks
            .contains(&kolosal_learner::TaskKind::Clustering)
        {
            return Err(PlatformError::Setting {
                what: "the algorithm",
                value: format!("'{}'", learner.card().name),
                allowed: "a learner of groups, as `kolosal learners` lists them".to_owned(),
            });
        }
        let point = point_of(&job.settings, learner.params())?;
        if let Some(output) = &job.output {
            require_writable(output)?;
            Format::of(output)?;
        }
        if let Some(model) = &job.model {
            require_writable(model)?;
        }
        let table = self.read(&job.data, &job.column_types)?;
        let request = UnlabelledRequest {
            ignore: job.ignore.iter().chain(&job.compare).cloned().collect(),
            weight: None,
            seed: Seed::new(job.seed),
        };
        let plan = (learner.card().name, &point);
        let done = fit_unlabelled(&table.frame, plan, &request, &self.free_budget())?;
        let (mut fitted, left_out) = (done.fitted, done.left_out);
        let (features, groups) = self.groups_of(&fitted.pipeline, &table)?;
        fitted.manifest.groups = profiles(&features, &groups);
        let (quality, agreement) = self.judged(job, &table, &features, &groups)?;
        if let Some(output) = &job.output {
            write(&labels_frame(&groups)?, output, &self.workers, &self.cancel)?;
        }
        let written = job
            .model
            .as_ref()
            .map(|file| save(file, &fitted.manifest, &fitted.pipeline));
        let reason = (!fitted.warnings.is_empty()).then(|| fitted.warnings.join("\n"));
        Ok(ClusterSummary {
            learner: learner.card().name.to_owned(),
            rows: table.rows,
            noise: groups.iter().filter(|group| group.is_none()).count(),
            groups: fitted.manifest.groups,
            reason,
            quality,
            agreement,
            left_out,
            facts: fitted.manifest.facts,
            load_time: table.load_time,
            cluster_time: fitted.fit_time,
            notes: table.notes,
            model_bytes: written.transpose()?,
        })
    }

    /// The columns that count, and the group of each row.
    pub(crate) fn groups_of(
        &self,
        pipeline: &Pipeline,
        table: &Table,
    ) -> Result<(Frame, Vec<Option<u32>>), PlatformError> {
        let unfit = |source| PlatformError::Unfit {
            file: table.file.clone(),
            source,
        };
        let answers = pipeline.predict(&table.frame, &self.workers).map_err(unfit)?;
        let features = pipeline
            .schema()
            .align(&table.frame)
            .map_err(|error| unfit(error.into()))?;
        Ok((features, answers.groups()))
    }

    fn judged(
        &self,
        job: &ClusterJob,
        table: &Table,
        features: &Frame,
        groups: &[Option<u32>],
    ) -> Result<(Option<Quality>, Option<Agreement>), PlatformError> {
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
        let labels: Vec<u32> = groups.iter().map(|group| group.unwrap_or(NOISE)).collect();
        let quality = Quality::of(&Cloud::of(features.view()), &labels, &cx)?;
        let Some(name) = &job.compare else {
            return Ok((quality, None));
        };
        let at = table.frame.schema().require(name)?;
        let known = known_groups(&table.frame.columns()[at]);
        Ok((quality, Some(Agreement::of(&known, &labels))))
    }
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

fn labels_frame(groups: &[Option<u32>]) -> Result<Frame, PlatformError> {
    let field = Field::new("cluster", Kind::Categorical, "made by clustering");
    Ok(Frame::new(vec![(
        field,
        Column::categories(&group_words(groups)),
    )])?)
}

/// What sets each group apart from all rows.
pub(crate) fn profiles(frame: &Frame, groups: &[Option<u32>]) -> Vec<GroupEntry> {
    let count = groups.iter().flatten().max().map_or(0, |last| *last as usize + 1);
    let mut sizes = vec![0; count];
    groups
        .iter()
        .flatten()
        .for_each(|&group| sizes[group as usize] += 1);
    let mut traits: Vec<Vec<TraitEntry>> = vec![Vec::new(); count];
    for (field, column) in frame.schema().fields().iter().zip(frame.columns()) {
        let of_groups = match column {
            Column::Categories(categories) => {
                let levels: Vec<&str> = categories.levels().iter().collect();
                level_traits(&field.name, (categories.codes(), &levels), (groups, count))
            }
            // Moments would be shown as numbers that nobody reads.
            Column::Numbers(values) if field.kind != Kind::Datetime => {
                number_traits(&field.name, values, (groups, count))
            }
            _ => continue,
        };
        for (list, of_group) in traits.iter_mut().zip(of_groups) {
            list.extend(of_group);
        }
    }
    let profile = |(rows, mut traits): (usize, Vec<TraitEntry>)| {
        traits.sort_by(|a, b| b.difference.abs().total_cmp(&a.difference.abs()));
        traits.truncate(TRAITS_MAX);
        GroupEntry { rows, traits }
    };
    sizes.into_iter().zip(traits).map(profile).collect()
}

fn number_traits(
    name: &str,
    values: &[f64],
    (groups, count): (&[Option<u32>], usize),
) -> Vec<Option<TraitEntry>> {
    let mean = |of: &dyn Fn(Option<u32>) -> bool| {
        let rows = values.iter().zip(groups);
        let picked: Vec<f64> = rows
            .filter(|(x, l)| of(**l) && !x.is_nan())
            .map(|(x, _)| *x)
            .collect();
        let present = picked.len() as f64;
        let mean = picked.iter().map(|x| x / present).sum::<f64>();
        let squares = picked
            .iter()
            .map(|x| (x - mean) * (x - mean) / present)
            .sum::<f64>();
        (present > 0.0).then(|| (mean, squares.sqrt()))
    };
    let Some((all, deviation)) = mean(&|_| true) else {
        return vec![None; count];
    };
    (0..count as u32)
        .map(|group| {
            let (own, _) = mean(&|label| label == Some(group))?;
            (deviation > 0.0).then(|| TraitEntry {
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
    (groups, count): (&[Option<u32>], usize),
) -> Vec<Option<TraitEntry>> {
    let counts = |of: &dyn Fn(Option<u32>) -> bool| {
        let mut counts = vec![0.0; levels.len()];
        let rows = codes.iter().zip(groups);
        for (code, _) in rows.filter(|(code, label)| of(**label) && **code != MISSING) {
            counts[*code as usize] += 1.0;
        }
        let total: f64 = counts.iter().sum();
        counts.iter_mut().for_each(|count| *count /= total.max(1.0));
        counts
    };
    let all = counts(&|_| true);
    (0..count as u32)
        .map(|group| {
            let own = counts(&|label| label == Some(group));
            let mut top = 0;
            for level in 0..own.len() {
                if own[level] > own[top] {
                    top = level;
                }
            }
            let level = levels.get(top).filter(|_| own[top] > 0.0)?;
            Some(TraitEntry {
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
