//! The JSON of the command line. Field names are a promise: they may be added to, never changed.

use std::collections::BTreeMap;

use kolosal_platform::{
    Bin, Check, ClassReport, ClusterJob, ClusterSummary, ColumnProfile, Evaluation, ExplainJob,
    ExplainSummary, GroupEntry, GuardEntry, LeaderboardEntry, LearnerInfo, NumberProfile, ParamInfo,
    QUANTILES, TableInspection, TopValue, TraitEntry, TrialReport, peak_rss_bytes,
};
use serde::Serialize;

/// A command that failed, on standard error.
#[derive(Serialize)]
pub(crate) struct Failure {
    error: FailureBody,
}

#[derive(Serialize)]
struct FailureBody {
    kind: &'static str,
    message: String,
}

impl Failure {
    pub(crate) fn new(kind: &'static str, message: String) -> Self {
        Self {
            error: FailureBody { kind, message },
        }
    }
}

/// A line of a leaderboard.
#[derive(Serialize)]
pub(crate) struct Line {
    rank: usize,
    name: String,
    learner: String,
    params: BTreeMap<String, String>,
    score: Option<f64>,
    validation: String,
    weight: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fit_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Lines with their ranks; with times where trials of this run are known.
pub(crate) fn lines(entries: &[LeaderboardEntry], trials: &[TrialReport]) -> Vec<Line> {
    let time_of = |name: &str| {
        trials
            .iter()
            .find(|t| t.name == name)
            .map(|t| t.elapsed.as_secs_f64())
    };
    let line = |(at, entry): (usize, &LeaderboardEntry)| Line {
        rank: at + 1,
        name: entry.name.clone(),
        learner: entry.learner.clone(),
        params: entry.params.clone(),
        score: entry.score,
        validation: entry.validation.clone(),
        weight: entry.weight,
        fit_s: time_of(&entry.name),
        problem: entry.problem.clone(),
    };
    entries.iter().enumerate().map(line).collect()
}

/// How good a model is on a table.
#[derive(Serialize)]
pub(crate) struct Judged {
    rows: usize,
    rows_left_out: usize,
    metric: String,
    scores: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    undefined: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<ClassLine>,
    /// How intervals, or sets of classes, hold the known answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<CoverageLine>,
    predict_s: f64,
}

#[derive(Serialize)]
struct CoverageLine {
    asked: f64,
    inside: f64,
    /// Mean width of an interval, or mean number of classes in a set.
    width: f64,
}

#[derive(Serialize)]
struct ClassLine {
    label: String,
    rows: usize,
    predicted: usize,
    right: usize,
}

impl From<&Evaluation> for Judged {
    fn from(e: &Evaluation) -> Self {
        let class = |c: &ClassReport| ClassLine {
            label: c.label.clone(),
            rows: c.rows,
            predicted: c.predicted,
            right: c.right,
        };
        Self {
            rows: e.rows,
            rows_left_out: e.rows_left_out,
            metric: e.metric.clone(),
            scores: e.scores.clone(),
            undefined: e.undefined.clone(),
            classes: e.classes.iter().map(class).collect(),
            coverage: e.coverage.map(|c| CoverageLine {
                asked: c.asked,
                inside: c.inside,
                width: c.width,
            }),
            predict_s: e.predict_time.as_secs_f64(),
        }
    }
}

/// The result of `train`.
#[derive(Serialize)]
pub(crate) struct Trained {
    pub(crate) model: String,
    /// The run in the store, where it was noted.
    pub(crate) run: Option<String>,
    pub(crate) model_bytes: u64,
    /// Median time of one row through it, in process, on one thread.
    pub(crate) row_s: f64,
    pub(crate) task: String,
    pub(crate) target: String,
    pub(crate) metric: String,
    pub(crate) score: Option<f64>,
    pub(crate) scores: BTreeMap<String, f64>,
    pub(crate) test: Option<Judged>,
    pub(crate) leaderboard: Vec<Line>,
    pub(crate) importances: BTreeMap<String, f64>,
    pub(crate) notes: Vec<String>,
    pub(crate) guards: Vec<Guard>,
    pub(crate) stop: &'static str,
    pub(crate) load_s: f64,
    pub(crate) elapsed_s: f64,
    pub(crate) peak_rss_bytes: Option<u64>,
}

/// Something that a guard has found in a training table.
#[derive(Serialize)]
pub(crate) struct Guard {
    pub(crate) guard: String,
    pub(crate) columns: Vec<String>,
    pub(crate) reason: String,
    pub(crate) remedy: String,
}

impl From<&GuardEntry> for Guard {
    fn from(entry: &GuardEntry) -> Self {
        Self {
            guard: entry.guard.clone(),
            columns: entry.columns.clone(),
            reason: entry.reason.clone(),
            remedy: entry.remedy.clone(),
        }
    }
}

/// The result of `fit`.
#[derive(Serialize)]
pub(crate) struct Fitted {
    pub(crate) learner: String,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) task: String,
    pub(crate) rows: usize,
    pub(crate) load_s: f64,
    pub(crate) bin_s: f64,
    pub(crate) fit_s: f64,
    pub(crate) peak_rss_bytes: Option<u64>,
    /// Time to answer the validation table; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) predict_s: Option<f64>,
    /// On the validation table; empty without one.
    pub(crate) metrics: BTreeMap<String, f64>,
    pub(crate) model: Option<String>,
    pub(crate) model_bytes: Option<u64>,
    /// Numbers that describe the fit; absent where the learner gives none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) facts: BTreeMap<String, f64>,
    /// Groups of a clustering; absent for other tasks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<Group>,
    pub(crate) notes: Vec<String>,
}

/// The result of `predict`.
#[derive(Serialize)]
pub(crate) struct Predicted {
    pub(crate) output: String,
    pub(crate) rows: usize,
    pub(crate) columns: Vec<String>,
    pub(crate) predict_s: f64,
    pub(crate) notes: Vec<String>,
}

/// The result of `cluster`.
#[derive(Serialize)]
pub(crate) struct Clustered {
    pub(crate) algorithm: String,
    pub(crate) rows: usize,
    pub(crate) clusters: usize,
    pub(crate) noise: usize,
    pub(crate) reason: Option<String>,
    pub(crate) inertia: Option<f64>,
    pub(crate) silhouette: Option<f64>,
    pub(crate) calinski_harabasz: Option<f64>,
    pub(crate) davies_bouldin: Option<f64>,
    pub(crate) adjusted_rand: Option<f64>,
    pub(crate) adjusted_mutual_information: Option<f64>,
    pub(crate) v_measure: Option<f64>,
    pub(crate) profiles: Vec<Group>,
    pub(crate) left_out: BTreeMap<String, String>,
    pub(crate) load_s: f64,
    pub(crate) cluster_s: f64,
    pub(crate) peak_rss_bytes: Option<u64>,
    pub(crate) output: Option<String>,
    pub(crate) facts: BTreeMap<String, f64>,
    pub(crate) model: Option<String>,
    pub(crate) model_bytes: Option<u64>,
    pub(crate) notes: Vec<String>,
}

/// One group of a clustering.
#[derive(Serialize)]
pub(crate) struct Group {
    pub(crate) rows: usize,
    pub(crate) traits: Vec<Trait>,
}

/// What a column is like in a group.
#[derive(Serialize)]
pub(crate) struct Trait {
    pub(crate) column: String,
    pub(crate) value: String,
    pub(crate) difference: f64,
}

impl From<&GroupEntry> for Group {
    fn from(group: &GroupEntry) -> Self {
        let of_group = |of_group: &TraitEntry| Trait {
            column: of_group.column.clone(),
            value: of_group.value.clone(),
            difference: of_group.difference,
        };
        Self {
            rows: group.rows,
            traits: group.traits.iter().map(of_group).collect(),
        }
    }
}

impl Clustered {
    pub(crate) fn new(job: &ClusterJob, summary: &ClusterSummary) -> Self {
        let (quality, agreement) = (summary.quality, summary.agreement);
        let left_out = summary.left_out.iter();
        Self {
            algorithm: summary.learner.clone(),
            rows: summary.rows,
            clusters: summary.groups.len(),
            noise: summary.noise,
            reason: summary.reason.clone(),
            inertia: summary.facts.get("inertia").copied(),
            silhouette: quality.map(|quality| quality.silhouette),
            calinski_harabasz: quality.map(|quality| quality.calinski_harabasz),
            davies_bouldin: quality.map(|quality| quality.davies_bouldin),
            adjusted_rand: agreement.map(|agreement| agreement.adjusted_rand),
            adjusted_mutual_information: agreement.map(|agreement| agreement.adjusted_mutual_information),
            v_measure: agreement.map(|agreement| agreement.v_measure),
            profiles: summary.groups.iter().map(Group::from).collect(),
            left_out: left_out.map(|(name, why)| (name.clone(), why.clone())).collect(),
            load_s: summary.load_time.as_secs_f64(),
            cluster_s: summary.cluster_time.as_secs_f64(),
            peak_rss_bytes: peak_rss_bytes(),
            output: job.output.as_ref().map(|output| output.display().to_string()),
            facts: summary.facts.clone(),
            model: job.model.as_ref().map(|model| model.display().to_string()),
            model_bytes: summary.model_bytes,
            notes: summary.notes.clone(),
        }
    }
}

/// The result of `explain`.
#[derive(Serialize)]
pub(crate) struct Explained {
    method: &'static str,
    outputs: Vec<String>,
    rows: usize,
    background: usize,
    /// The mean size of each column's values, most telling first.
    importances: Vec<ColumnImportance>,
    values: Vec<ExplainedRow>,
    explain_s: f64,
    output: Option<String>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct ColumnImportance {
    column: String,
    mean_size: f64,
}

/// One output of one row.
#[derive(Serialize)]
struct ExplainedRow {
    row: usize,
    explained: String,
    base: f64,
    total: f64,
    columns: BTreeMap<String, f64>,
}

impl Explained {
    pub(crate) fn new(job: &ExplainJob, summary: &ExplainSummary) -> Self {
        let found = &summary.explanation;
        let (outputs, width) = (found.outputs.len(), found.columns.len());
        let importance = |(column, mean_size): (&String, f64)| ColumnImportance {
            column: column.clone(),
            mean_size,
        };
        let mut importances: Vec<ColumnImportance> = found
            .columns
            .iter()
            .zip(found.importances())
            .map(importance)
            .collect();
        importances.sort_by(|a, b| b.mean_size.total_cmp(&a.mean_size));
        let totals = found.totals();
        let line = |(at, values): (usize, &[f64])| ExplainedRow {
            row: at / outputs + 1,
            explained: found.outputs[at % outputs].clone(),
            base: found.bases[at],
            total: totals[at],
            columns: found
                .columns
                .iter()
                .cloned()
                .zip(values.iter().copied())
                .collect(),
        };
        Self {
            method: found.method.describe(),
            outputs: found.outputs.clone(),
            rows: summary.rows,
            background: summary.background,
            importances,
            values: found.values.chunks_exact(width).enumerate().map(line).collect(),
            explain_s: summary.explain_time.as_secs_f64(),
            output: job.output.as_ref().map(|output| output.display().to_string()),
            notes: summary.notes.clone(),
        }
    }
}

/// The result of `export`.
#[derive(Serialize)]
pub(crate) struct Exported {
    pub(crate) output: String,
    pub(crate) bytes: u64,
    pub(crate) columns: Vec<String>,
    pub(crate) classes: Vec<String>,
}

/// The result of `leaderboard`.
#[derive(Serialize)]
pub(crate) struct Board {
    pub(crate) metric: String,
    pub(crate) leaderboard: Vec<Line>,
}

/// The result of `bench read`.
#[derive(Serialize)]
pub(crate) struct ReadBench {
    pub(crate) load_s: f64,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) peak_rss_bytes: Option<u64>,
}

/// The result of `doctor`.
#[derive(Serialize)]
pub(crate) struct Health {
    ok: bool,
    checks: Vec<HealthLine>,
}

#[derive(Serialize)]
struct HealthLine {
    name: &'static str,
    found: String,
    remedy: Option<String>,
}

impl Health {
    pub(crate) fn new(ok: bool, checks: &[Check]) -> Self {
        let line = |c: &Check| HealthLine {
            name: c.name,
            found: c.found.clone(),
            remedy: c.remedy.clone(),
        };
        Self {
            ok,
            checks: checks.iter().map(line).collect(),
        }
    }
}

/// A learner.
#[derive(Serialize)]
pub(crate) struct LearnerJson {
    name: &'static str,
    aliases: &'static [&'static str],
    title: &'static str,
    doc: &'static str,
    family: &'static str,
    tasks: Vec<&'static str>,
    takes_missing: bool,
    takes_categories: bool,
    params: Vec<ParamJson>,
}

#[derive(Serialize)]
struct ParamJson {
    name: &'static str,
    aliases: &'static [&'static str],
    doc: &'static str,
    default: String,
    legal: String,
    search: Option<String>,
    only_if: Option<String>,
}

impl From<&LearnerInfo> for LearnerJson {
    fn from(info: &LearnerInfo) -> Self {
        let param = |p: &ParamInfo| ParamJson {
            name: p.name,
            aliases: p.aliases,
            doc: p.doc,
            default: p.default.clone(),
            legal: p.legal.clone(),
            search: p.search.clone(),
            only_if: p.only_if.clone(),
        };
        Self {
            name: info.name,
            aliases: info.aliases,
            title: info.title,
            doc: info.doc,
            family: info.family,
            tasks: info.tasks.clone(),
            takes_missing: info.takes_missing,
            takes_categories: info.takes_categories,
            params: info.params.iter().map(param).collect(),
        }
    }
}

/// A table, column by column.
#[derive(Serialize)]
pub(crate) struct TableJson {
    rows: usize,
    columns: Vec<ColumnJson>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct ColumnJson {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    reason: String,
    rows: usize,
    missing: usize,
    distinct: usize,
    is_distinct_estimated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<NumbersJson>,
    top: Vec<TopJson>,
}

#[derive(Serialize)]
struct NumbersJson {
    min: f64,
    max: f64,
    mean: f64,
    std: f64,
    quantiles: BTreeMap<String, f64>,
    histogram: Vec<BinJson>,
}

#[derive(Serialize)]
struct BinJson {
    from: f64,
    to: f64,
    count: usize,
}

#[derive(Serialize)]
struct TopJson {
    value: String,
    count: usize,
}

impl From<&TableInspection> for TableJson {
    fn from(table: &TableInspection) -> Self {
        Self {
            rows: table.rows,
            columns: table.columns.iter().map(ColumnJson::from).collect(),
            notes: table.notes.clone(),
        }
    }
}

impl From<&ColumnProfile> for ColumnJson {
    fn from(column: &ColumnProfile) -> Self {
        let top = |top: &TopValue| TopJson {
            value: top.value.clone(),
            count: top.count,
        };
        Self {
            name: column.name.clone(),
            kind: column.kind.name(),
            reason: column.reason.clone(),
            rows: column.rows,
            missing: column.missing,
            distinct: column.distinct,
            is_distinct_estimated: column.is_distinct_estimated,
            numbers: column.numbers.as_ref().map(NumbersJson::from),
            top: column.top.iter().map(top).collect(),
        }
    }
}

impl From<&NumberProfile> for NumbersJson {
    fn from(numbers: &NumberProfile) -> Self {
        let bin = |bin: &Bin| BinJson {
            from: bin.from,
            to: bin.to,
            count: bin.count,
        };
        let named = QUANTILES
            .iter()
            .zip(numbers.quantiles)
            .map(|(share, value)| (share.to_string(), value));
        Self {
            min: numbers.min,
            max: numbers.max,
            mean: numbers.mean,
            std: numbers.std,
            quantiles: named.collect(),
            histogram: numbers.histogram.iter().map(bin).collect(),
        }
    }
}

/// A model, as it describes itself.
#[derive(Serialize)]
pub(crate) struct ModelJson {
    pub(crate) version: String,
    pub(crate) format: u32,
    pub(crate) bytes: u64,
    pub(crate) task: String,
    pub(crate) target: String,
    pub(crate) classes: Vec<String>,
    pub(crate) metric: String,
    pub(crate) scores: BTreeMap<String, f64>,
    pub(crate) seed: u64,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) data: DataJson,
    pub(crate) features: Vec<FeatureJson>,
    pub(crate) members: Vec<MemberJson>,
    pub(crate) importances: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) facts: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<Group>,
    pub(crate) notes: Vec<String>,
}

/// The training table.
#[derive(Serialize)]
pub(crate) struct DataJson {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) sha256: String,
}

/// A feature.
#[derive(Serialize)]
pub(crate) struct FeatureJson {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) reason: String,
    pub(crate) levels: Option<usize>,
}

/// A part of the answer.
#[derive(Serialize)]
pub(crate) struct MemberJson {
    pub(crate) learner: String,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) weight: f64,
}
