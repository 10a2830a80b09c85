//! From finished candidates to one pipeline: blend, fit again on all rows, calibrate, describe.

use std::collections::BTreeMap;
use std::time::Duration;

use kolosal_compute::Reservation;
use kolosal_learner::{METRICS, Metric, Predictions};
use kolosal_pipeline::{
    Blend, DataFacts, FeatureEntry, Judge, LeaderboardEntry, Manifest, Member, Pipeline, PipelineParts,
    SharedFeatures, apply_temperature, fit_member, fit_temperature, greedy_blend, point_difference,
};

use crate::prepare::Prepared;
use crate::trial::{Finished, Warnings, member_bytes};
use crate::validation::Validation;
use crate::{Budget, Event, Events, TrainRequest, TrialReport};

/// Everything that is known when no further candidate is tried.
pub(crate) struct Ending<'a> {
    pub(crate) request: &'a TrainRequest,
    pub(crate) metric: &'static dyn Metric,
    pub(crate) budget: &'a Budget<'a>,
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
    let judged: Duration = finished.iter().map(|done| done.judge_time).sum();
    let longest = finished
        .iter()
        .map(|done| done.judge_time)
        .max()
        .unwrap_or_default();
    judged * 25 + longest * 35
}

/// Time kept back for what follows the last refit: calibration, scores, bytes, disk.
pub(crate) const CLOSING: Duration = Duration::from_millis(250);

impl Ending<'_> {
    /// Blends, refits and describes.
    pub(crate) fn assemble(
        &self,
        prepared: Prepared,
        mut finished: Vec<Finished>,
        reports: &[TrialReport],
        mut notes: Vec<String>,
    ) -> Assembled {
        let (answers, weights) = prepared.select(&self.validation.rows);
        let judge = Judge {
            target: answers.as_target(),
            weights: weights.as_deref(),
            metric: self.metric,
        };
        let blend = self.choose(judge, &prepared, &finished);
        let members = blend.weights.iter().filter(|weight| **weight > 0.0).count();
        self.events.event(&Event::Blended {
            members,
            score: blend.score,
        });
        let (chosen, missed) = self.refit(&prepared, &mut finished, &blend.weights);
        if let Some(missed) = missed {
            self.events.event(&Event::Note(&missed));
            notes.push(missed);
        }
        // What could not be fitted again does not answer, so it does not count in the scores either.
        let weight_of = |done: &Finished| {
            chosen
                .iter()
                .find(|(_, at, _)| *at == done.index)
                .map_or(0.0, |c| c.0)
        };
        let weights: Vec<f64> = finished.iter().map(weight_of).collect();
        let held_out = mixed(&finished, &weights, &prepared);
        let temperature = fit_temperature(&judge.target, &held_out, judge.weights);
        let scores = self.scores(judge, held_out, temperature);
        let score = scores.get(self.metric.name()).copied().unwrap_or(blend.score);
        let leaderboard = leaderboard(reports, &chosen, (self.metric, score, &self.validation.name));
        let Prepared { spec, shared, .. } = prepared;
        let pipeline = assemble_pipeline(spec, shared, chosen, temperature);
        let manifest = self.describe(&pipeline, leaderboard, scores, notes);
        Assembled { pipeline, manifest }
    }

    /// Greedy weights; the best single candidate where the metric cannot judge a mean.
    ///
    /// Candidates no better than the baseline stay out: a constant changes no ranking, so a metric of ranks would let
    /// it water probabilities down at no visible cost.
    fn choose(&self, judge: Judge<'_>, prepared: &Prepared, finished: &[Finished]) -> Blend {
        let loss = |done: &Finished| self.metric.loss(done.score);
        let bar = finished
            .iter()
            .find(|done| done.candidate.plan.learner.card().name == "baseline")
            .map(loss);
        let worth: Vec<usize> = (0..finished.len())
            .filter(|&i| bar.is_none_or(|bar| loss(&finished[i]) < bar))
            .collect();
        let held_out: Vec<&Predictions> = worth.iter().map(|&i| &finished[i].held_out).collect();
        let mut weights = vec![0.0; finished.len()];
        match greedy_blend(judge, &held_out, prepared.task(), self.budget.workers) {
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

    /// Fits the chosen again on all rows, heaviest first. What cannot be fitted in time is left out; if that is all,
    /// the member that is ready since its trial stands in.
    fn refit(
        &self,
        prepared: &Prepared,
        finished: &mut [Finished],
        weights: &[f64],
    ) -> (Vec<(f64, usize, Member)>, Option<String>) {
        let best = best_of(finished, self.metric).expect("a candidate finished");
        let train = prepared.train_view().expect("prepared rows were checked");
        let is_chosen_and_full = finished[best].is_full && weights[best] > 0.0;
        let stand_in = if is_chosen_and_full {
            None
        } else {
            finished[best].ready.take()
        };
        let mut stand_in = stand_in.map(|ready| (1.0, finished[best].index, ready));
        let mut chosen: Vec<(f64, &mut Finished)> = weights
            .iter()
            .copied()
            .zip(finished.iter_mut())
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        chosen.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.index.cmp(&b.1.index)));
        let total = chosen.len();
        let (mut members, mut held) = (Vec::with_capacity(total), Vec::with_capacity(total));
        for (weight, done) in chosen {
            let member = if done.is_full {
                done.ready.take()
            } else {
                self.refit_one(&train, done).map(|(member, reserved)| {
                    held.push(reserved);
                    member
                })
            };
            members.extend(member.map(|member| (weight, done.index, member)));
            stand_in = stand_in.filter(|_| members.is_empty());
            self.events.event(&Event::Refitted {
                done: members.len(),
                total,
            });
        }
        let missed = total - members.len();
        let note = (missed > 0).then(|| {
            format!("{missed} of {total} members could not be fitted on all rows within the limits; the others answer")
        });
        if members.is_empty() {
            members.push(stand_in.expect("a member of all rows was chosen, or that of a fold is ready"));
        }
        (normalised(members), note)
    }

    fn refit_one(
        &self,
        train: &kolosal_learner::TrainView<'_>,
        done: &Finished,
    ) -> Option<(Member, Reservation)> {
        let is_late = self
            .budget
            .time_left()
            .is_some_and(|left| left < done.fit_time + CLOSING);
        if done.is_full || is_late {
            return None;
        }
        let warnings = Warnings::default();
        let seed = self
            .request
            .seed
            .fork("trial")
            .fork(&done.candidate.name)
            .fork("all rows");
        let cx = self.budget.context(seed, CLOSING, &warnings);
        let member = fit_member(&done.plan, train, &cx).ok()?;
        let reserved = self.budget.memory.reserve(member_bytes(&member)).ok()?;
        Some((member, reserved))
    }

    /// All metrics of the task on held-out rows.
    fn scores(
        &self,
        judge: Judge<'_>,
        mut held_out: Predictions,
        temperature: Option<f64>,
    ) -> BTreeMap<String, f64> {
        if let Some(temperature) = temperature {
            apply_temperature(temperature, held_out.width(), held_out.values_mut());
        }
        all_scores(judge, &held_out)
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
            facts: BTreeMap::new(),
            groups: Vec::new(),
        }
    }
}

/// Every metric that suits the task and is defined for these rows.
pub(crate) fn all_scores(judge: Judge<'_>, predictions: &Predictions) -> BTreeMap<String, f64> {
    let score = |metric: &&dyn Metric| {
        let value = metric.score(&judge.target, predictions, judge.weights).ok()?;
        Some((metric.name().to_owned(), value))
    };
    METRICS.iter().filter_map(score).collect()
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

/// Weights that sum to one.
fn normalised(members: Vec<(f64, usize, Member)>) -> Vec<(f64, usize, Member)> {
    let total: f64 = members.iter().map(|(weight, ..)| weight).sum();
    members
        .into_iter()
        .map(|(weight, index, member)| (weight / total, index, member))
        .collect()
}

pub(crate) fn assemble_pipeline(
    target: kolosal_pipeline::TargetSpec,
    shared: SharedFeatures,
    members: Vec<(f64, usize, Member)>,
    temperature: Option<f64>,
) -> Pipeline {
    let (schema, transforms) = shared.into_parts();
    let members = members
        .into_iter()
        .map(|(weight, _, member)| (weight, member))
        .collect();
    Pipeline::new(PipelineParts {
        schema,
        target,
        shared: transforms,
        members,
        temperature,
    })
}

/// Finished candidates best first, then those that did not finish; the ensemble on top if it has several members.
fn leaderboard(
    reports: &[TrialReport],
    chosen: &[(f64, usize, Member)],
    (metric, score, validation): (&dyn Metric, f64, &str),
) -> Vec<LeaderboardEntry> {
    let weight_of = |index| {
        chosen
            .iter()
            .find(|(_, at, _)| *at == index)
            .map_or(0.0, |(weight, ..)| *weight)
    };
    let mut entries: Vec<LeaderboardEntry> = reports
        .iter()
        .map(|report| entry(report, weight_of(report.index)))
        .collect();
    if chosen.len() > 1 {
        entries.push(LeaderboardEntry {
            name: format!("ensemble of {}", chosen.len()),
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
