//! From finished candidates to one pipeline: blend, gather members, calibrate, describe.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kolosal_learner::{METRICS, Metric, Predictions};
use kolosal_pipeline::{
    Blend, Conformal, DataFacts, FeatureEntry, Judge, LeaderboardEntry, Manifest, Member, Pipeline,
    PipelineParts, SharedFeatures, apply_temperature, fit_calling, fit_temperature, greedy_blend,
    point_difference,
};

use crate::gather::{Chosen, Gathering, weight_of};
use crate::guard::Finding;
use crate::journal::Journal;
use crate::prepare::Prepared;
use crate::trial::Finished;
use crate::validation::Validation;
use crate::{Budget, Event, Events, TrainError, TrainRequest, TrialReport};

/// Everything that is known when no further candidate is tried.
pub(crate) struct Ending<'a> {
    pub(crate) request: &'a TrainRequest,
    pub(crate) metric: &'static dyn Metric,
    pub(crate) budget: &'a Budget<'a>,
    pub(crate) journal: &'a dyn Journal,
    pub(crate) events: &'a dyn Events,
    pub(crate) validation: &'a Validation,
    pub(crate) data: DataFacts,
}

/// The pipeline, and its weights by the candidates' places in the list of reports.
pub(crate) struct Assembled {
    pub(crate) pipeline: Pipeline,
    pub(crate) manifest: Manifest,
}

/// Time to blend candidates: each is judged once in each of twenty-five rounds, and a temperature and the final scores
/// cost about as much again as thirty-five more judgements of one.
pub(crate) fn blending(finished: &[Finished]) -> Duration {
    let mut times: Vec<Duration> = finished.iter().map(|done| done.judge_time).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    let judged: Duration = times.iter().take(BLENDED_MAX).sum();
    judged * 25 + times.first().copied().unwrap_or_default() * 35
}

/// Most time that a blend takes of what is left for closing where the walk ended late.
const BLENDING_LATE: Duration = Duration::from_millis(600);

/// Most candidates that a blend is chosen from, the best first: more cost time and are seldom taken.
const BLENDED_MAX: usize = 30;

/// Time kept back for what follows the last refit: calibration, scores, checksum, disk.
pub(crate) const CLOSING: Duration = Duration::from_millis(250);

/// Nanoseconds to read a byte of a member back, pack it twice (to know its size, and to write it), and sum it up.
const BYTE_NS: u64 = 16;

/// Time to bring members from the journal into the artifact, were it made of the largest candidates.
pub(crate) fn writing(finished: &[Finished]) -> Duration {
    let mut bytes: Vec<u64> = finished.iter().map(|done| done.bytes).collect();
    bytes.sort_unstable_by(|a, b| b.cmp(a));
    Duration::from_nanos(bytes.iter().take(5).sum::<u64>() * BYTE_NS)
}

impl Ending<'_> {
    /// Blends, gathers members and describes.
    pub(crate) fn assemble(
        &self,
        prepared: Prepared,
        finished: &[Finished],
        reports: &[TrialReport],
        mut notes: Vec<String>,
    ) -> Result<Assembled, TrainError> {
        let (answers, weights) = prepared.select(&self.validation.rows);
        let judge = Judge {
            target: answers.as_target(),
            weights: weights.as_deref(),
            metric: self.metric,
        };
        let blend = self.choose(judge, &prepared, finished);
        let members = blend.weights.iter().filter(|weight| **weight > 0.0).count();
        self.events.event(&Event::Blended {
            members,
            score: blend.score,
        });
        let gathering = Gathering {
            ending: self,
            prepared: &prepared,
            finished,
        };
        let (chosen, remarks) = gathering.members(&blend.weights)?;
        for remark in remarks {
            self.events.event(&Event::Note(&remark));
            notes.push(remark);
        }
        for proof in self.request.constraints.prove(&chosen, &prepared)? {
            self.events.event(&Event::Note(&proof));
            notes.push(proof);
        }
        // What has no member in the end does not answer, so it does not count in the scores either.
        let weights: Vec<f64> = finished
            .iter()
            .map(|done| weight_of(&chosen, done.index))
            .collect();
        let held_out = mixed(finished, &weights, &prepared);
        let (judged, scores) = decide(judge, held_out, self.budget);
        if let Some(factors) = &judged.factors {
            let remark = called_remark(factors, &prepared, self.metric.name());
            self.events.event(&Event::Note(&remark));
            notes.push(remark);
        }
        let score = scores.get(self.metric.name()).copied().unwrap_or(blend.score);
        let leaderboard = leaderboard(reports, &chosen, (self.metric, score, &self.validation.name));
        let Prepared {
            spec,
            shared,
            findings,
            ..
        } = prepared;
        let pipeline = assemble_pipeline(spec, shared, chosen, judged);
        let mut manifest = self.describe(&pipeline, leaderboard, scores, notes);
        manifest.guards = findings.iter().map(Finding::to_entry).collect();
        Ok(Assembled { pipeline, manifest })
    }

    /// Greedy weights; the best single candidate where the metric cannot judge a mean.
    ///
    /// Candidates no better than the baseline stay out: a constant changes no ranking, so a metric of ranks would let
    /// it water probabilities down at no visible cost.
    fn choose(&self, judge: Judge<'_>, prepared: &Prepared, finished: &[Finished]) -> Blend {
        let loss = |i: usize| self.metric.loss(finished[i].score);
        let bar = finished
            .iter()
            .position(|done| done.candidate.plan.learner.card().name == "baseline")
            .map(loss);
        let mut worth: Vec<usize> = (0..finished.len())
            .filter(|&i| bar.is_none_or(|bar| loss(i) < bar))
            .collect();
        worth.sort_by(|&a, &b| loss(a).total_cmp(&loss(b)).then(a.cmp(&b)));
        worth.truncate(BLENDED_MAX);
        let held_out: Vec<&Predictions> = worth.iter().map(|&i| &finished[i].held_out).collect();
        let mut weights = vec![0.0; finished.len()];
        // What was kept back for it is spent on it, also where the walk ended late: it is worth more than any candidate.
        let clock = self.budget.clock;
        let left = self.budget.time_left();
        let share = left.map(|left| {
            left.saturating_sub(CLOSING + writing(finished))
                .max(blending(finished).min(BLENDING_LATE))
        });
        let ends = share.map(|share| clock.now() + share);
        let takes_long = finished[0].held_out.values().len() >= LONG_TO_JUDGE / 8;
        let is_late = || takes_long && ends.is_some_and(|ends| clock.now() > ends);
        match greedy_blend(judge, &held_out, prepared.task(), (self.budget.workers, &is_late)) {
            Some(greedy) => {
                worth
                    .iter()
                    .zip(greedy.weights)
                    .for_each(|(&i, weight)| weights[i] = weight);
                Blend {
                    weights,
                    score: greedy.score,
                }
            }
            None => {
                let best = best_of(finished, self.metric).expect("a candidate finished");
                weights[best] = 1.0;
                Blend {
                    weights,
                    score: finished[best].score,
                }
            }
        }
    }

    fn describe(
        &self,
        pipeline: &Pipeline,
        leaderboard: Vec<LeaderboardEntry>,
        scores: BTreeMap<String, f64>,
        notes: Vec<String>,
    ) -> Manifest {
        let request = self.request;
        let named = |name: &str, value: &Option<String>| value.clone().map(|value| (name.to_owned(), value));
        let mut options: BTreeMap<String, String> = BTreeMap::from([
            ("preset".to_owned(), request.preset.name().to_owned()),
            ("task".to_owned(), request.task.name().to_owned()),
        ]);
        options.extend(named("group", &request.group));
        options.extend(named("time_column", &request.time_column));
        options.extend(named("weight", &request.weight));
        options.extend(request.constraints.options());
        if !request.ignore.is_empty() {
            options.insert("ignore".to_owned(), request.ignore.join(","));
        }
        if !request.learners.is_empty() {
            options.insert("learners".to_owned(), request.learners.join(","));
        }
        Manifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            task: pipeline.target().task.kind().name().to_owned(),
            target: pipeline.target().name.clone(),
            classes: pipeline.target().classes.iter().map(str::to_owned).collect(),
            features: feature_entries(pipeline),
            data: self.data.clone(),
            seed: request.seed.value(),
            options,
            metric: self.metric.name().to_owned(),
            scores,
            leaderboard,
            members: pipeline.member_entries(),
            importances: pipeline.importances(),
            notes,
            guards: Vec::new(),
            facts: BTreeMap::new(),
            groups: Vec::new(),
        }
    }
}

type Scores = BTreeMap<String, f64>;

/// What the pipeline learns from held-out answers, and all metrics of the task on them.
fn decide(judge: Judge<'_>, mut held_out: Predictions, budget: &Budget<'_>) -> (Judged, Scores) {
    let temperature = fit_temperature(&judge.target, &held_out, judge.weights);
    if let Some(temperature) = temperature {
        apply_temperature(temperature, held_out.width(), held_out.values_mut());
    }
    let conformal = Conformal::fit(&judge.target, &held_out);
    let mut judged = Judged {
        temperature,
        factors: None,
        conformal,
    };
    let Some(calling) = fit_calling(judge, &held_out) else {
        return (judged, all_scores(judge, &held_out, budget));
    };
    let mut scores = all_scores(judge, &held_out.called_by(Arc::clone(&calling.factors)), budget);
    // Factors were chosen by this metric on these rows: its score is that of halves called by one another.
    scores.insert(judge.metric.name().to_owned(), calling.score);
    judged.factors = Some(calling.factors);
    (judged, scores)
}

/// How classes are called, for people.
fn called_remark(factors: &[f64], prepared: &Prepared, metric: &str) -> String {
    let labels: Vec<&str> = prepared.spec.classes.iter().collect();
    if let ([first, second], [_, positive]) = (factors, labels.as_slice()) {
        let threshold = first / (first + second);
        return format!(
            "'{positive}' is called where its probability exceeds {threshold:.3}, which is best for {metric}"
        );
    }
    let pairs = labels
        .iter()
        .zip(factors)
        .map(|(label, factor)| format!("{label} x {factor:.2}"));
    format!(
        "for {metric}, the class is called whose probability times its factor is greatest: {}",
        pairs.collect::<Vec<_>>().join(", ")
    )
}

/// Numbers of held-out answers from which judging them takes a tenth of a second or more.
const LONG_TO_JUDGE: usize = 1 << 18;

/// Every metric that suits the task and is defined for these rows; when time is out, the chosen one alone.
fn all_scores(judge: Judge<'_>, predictions: &Predictions, budget: &Budget<'_>) -> Scores {
    let takes_long = predictions.values().len() >= LONG_TO_JUDGE;
    let is_late = || takes_long && budget.time_left().is_some_and(|left| left < CLOSING);
    let scores = budget.workers.map(METRICS.len(), |at| {
        let metric = METRICS[at];
        if metric.name() != judge.metric.name() && is_late() {
            return None;
        }
        metric.score(&judge.target, predictions, judge.weights).ok()
    });
    let names = METRICS.iter().map(|metric| metric.name().to_owned());
    names
        .zip(scores)
        .filter_map(|(name, score)| Some((name, score?)))
        .collect()
}

pub(crate) fn feature_entries(pipeline: &Pipeline) -> Vec<FeatureEntry> {
    let schema = pipeline.schema();
    let entry = |(at, field): (usize, &kolosal_frame::Field)| FeatureEntry {
        name: field.name.clone(),
        kind: field.kind.name().to_owned(),
        reason: field.reason.clone(),
        levels: schema.levels(at).map(|levels| levels.len()),
    };
    schema.schema().fields().iter().enumerate().map(entry).collect()
}

/// The position of the candidate with the lowest loss, the first of equal ones.
pub(crate) fn best_of(finished: &[Finished], metric: &dyn Metric) -> Option<usize> {
    let losses = finished.iter().map(|done| metric.loss(done.score)).enumerate();
    losses.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
}

fn mixed(finished: &[Finished], weights: &[f64], prepared: &Prepared) -> Predictions {
    let mut values = vec![0.0; finished[0].held_out.values().len()];
    for (done, weight) in finished.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
        values
            .iter_mut()
            .zip(done.held_out.values())
            .for_each(|(sum, value)| *sum += weight * value);
    }
    Predictions::from_values(prepared.task(), values)
}

/// What a pipeline takes from held-out rows.
#[derive(Default)]
pub(crate) struct Judged {
    pub(crate) temperature: Option<f64>,
    pub(crate) factors: Option<Arc<[f64]>>,
    pub(crate) conformal: Option<Conformal>,
}

pub(crate) fn assemble_pipeline(
    target: kolosal_pipeline::TargetSpec,
    shared: SharedFeatures,
    members: Vec<Chosen>,
    judged: Judged,
) -> Pipeline {
    let (schema, transforms) = shared.into_parts();
    let members: Vec<(f64, Member)> = members
        .into_iter()
        .map(|chosen| (chosen.weight, chosen.member))
        .collect();
    Pipeline::new(PipelineParts {
        schema,
        target,
        shared: transforms,
        members,
        temperature: judged.temperature,
        factors: judged.factors,
        conformal: judged.conformal,
    })
}

/// Finished candidates best first, then those that did not finish; the ensemble on top if it has several members.
fn leaderboard(
    reports: &[TrialReport],
    chosen: &[Chosen],
    (metric, score, validation): (&dyn Metric, f64, &str),
) -> Vec<LeaderboardEntry> {
    let mut entries: Vec<LeaderboardEntry> = reports
        .iter()
        .map(|report| entry(report, weight_of(chosen, report.index)))
        .collect();
    let count = entries.iter().filter(|entry| entry.weight > 0.0).count();
    if count > 1 {
        entries.push(LeaderboardEntry {
            name: format!("ensemble of {count}"),
            learner: "ensemble".to_owned(),
            params: BTreeMap::new(),
            score: Some(score),
            validation: validation.to_owned(),
            weight: 1.0,
            problem: None,
        });
    }
    let loss = |entry: &LeaderboardEntry| entry.score.map_or(f64::INFINITY, |score| metric.loss(score));
    entries.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    entries
}

fn entry(report: &TrialReport, weight: f64) -> LeaderboardEntry {
    let learner = kolosal_learners::find(report.learner).expect("reports name learners of the list");
    LeaderboardEntry {
        name: report.name.clone(),
        learner: report.learner.to_owned(),
        params: point_difference(&report.point, learner.params()),
        score: report.score,
        validation: report.validation.clone(),
        weight,
        problem: report.problem.clone(),
    }
}
