//! Every training is a run: begun before the first fit, a nested run for each trial as it ends, scores and the model at the end.
//!
//! Tracking never stands in the way: what the store refuses becomes a note, and the training goes on.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use kolosal_base::ErrorKind;
use kolosal_store::{
    Batch, Input, Metric, NewRun, Owner, Query, RunChange, RunStatus, Store, StoreError, Words,
};
use kolosal_training::{Event, Events, Stop, TrialReport};

use crate::history::{experiences, traits_of};
use crate::{Platform, PlatformError, TrainJob, TrainSummary};

/// Where a training is noted, and for whom.
pub struct Tracking<'a> {
    /// The store.
    pub store: &'a Store,
    /// The experiment; made if it is not there.
    pub experiment: String,
    /// Who trains.
    pub person: String,
    /// The machine's name.
    pub host: String,
}

/// What a run is, by this tag: `train` or `trial`.
pub(crate) const KIND: &str = "kolosal.kind";
pub(crate) const LEARNER: &str = "kolosal.learner";
pub(crate) const VALIDATION: &str = "kolosal.validation";
pub(crate) const METRIC: &str = "kolosal.metric";
pub(crate) const TASK: &str = "kolosal.task";
const PARENT: &str = "mlflow.parentRunId";
const PROCESS: &str = "kolosal.process";
/// The artifact that is the model.
pub(crate) const MODEL_FILE: &str = "model.kolosal";

/// Trials that may wait to be noted; a training that is faster than its store waits for it.
const WAITING_MAX: usize = 256;

/// Most bytes of a note or reason in a tag.
const WORDS_MAX: usize = 4_000;

impl Platform {
    /// Trains as [`Platform::train`] does, and notes it in a store. Gives the run beside the summary, if it could be noted.
    ///
    /// # Errors
    /// Those of [`Platform::train`] alone.
    pub fn train_tracked(
        &self,
        job: &TrainJob,
        events: &dyn Events,
        tracking: &Tracking<'_>,
    ) -> Result<(TrainSummary, Option<String>), PlatformError> {
        let note = |error: &PlatformError| {
            let text = format!("this training is not tracked: {error}");
            events.event(&Event::Note(&text));
        };
        let run = match tracking.begin(job) {
            Ok(run) => run,
            Err(error) => {
                note(&error);
                return Ok((self.train(job, events)?, None));
            }
        };
        // What a limit of work asks for depends on nothing but the job.
        let past = match (job.time_limit, job.work_limit) {
            (Some(_), None) => experiences(tracking.store).unwrap_or_else(|error| {
                note(&error);
                Vec::new()
            }),
            _ => Vec::new(),
        };
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let heard = Heard {
            events,
            trials: Mutex::new(Some(sender)),
            metric: Mutex::new(""),
        };
        let (trained, noted) = std::thread::scope(|scope| {
            let parent = run.as_str();
            let noting = scope.spawn(move || tracking.note_trials(parent, receiver));
            let trained = self.train_knowing(&past, job, &heard);
            heard.end();
            (trained, noting.join().unwrap_or(Ok(())))
        });
        let ended = match &trained {
            Ok(summary) => tracking.end(&run, job, summary),
            Err(error) => tracking.fail(&run, error),
        };
        if let Err(error) = noted.map_err(PlatformError::from).and(ended) {
            note(&error);
        }
        trained.map(|summary| (summary, Some(run)))
    }
}

/// Hands events on, and trials to whom notes them.
struct Heard<'a> {
    events: &'a dyn Events,
    trials: Mutex<Option<SyncSender<(TrialReport, &'static str)>>>,
    metric: Mutex<&'static str>,
}

impl Heard<'_> {
    fn end(&self) {
        *self.trials.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Events for Heard<'_> {
    fn event(&self, event: &Event<'_>) {
        self.events.event(event);
        match event {
            Event::Planned { metric, .. } => {
                *self.metric.lock().unwrap_or_else(PoisonError::into_inner) = metric;
            }
            Event::Finished(report) => {
                let metric = *self.metric.lock().unwrap_or_else(PoisonError::into_inner);
                let trials = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(trials) = trials.as_ref() {
                    let _ = trials.send(((*report).clone(), metric));
                }
            }
            _ => {}
        }
    }
}

impl Tracking<'_> {
    /// Begins the run of a training.
    fn begin(&self, job: &TrainJob) -> Result<String, PlatformError> {
        self.end_what_died()?;
        let experiment = self.experiment()?;
        let mut tags = Words::new();
        let mut tag = |key: &str, value: String| tags.insert(key.to_owned(), cut(&value));
        tag(KIND, "train".to_owned());
        tag(PROCESS, format!("{} {}", self.host, std::process::id()));
        tag("mlflow.source.name", job.data.display().to_string());
        tag("mlflow.source.type", "LOCAL".to_owned());
        tag("mlflow.user", self.person.clone());
        tag("kolosal.version", env!("CARGO_PKG_VERSION").to_owned());
        let run = self.store.create_run(NewRun {
            experiment,
            name: printable(&format!("{} of {}", job.target, stem(&job.data))),
            person: self.person.clone(),
            started: None,
            tags,
        })?;
        let params = job.options();
        self.store.log_batch(
            &run,
            Batch {
                params,
                ..Batch::default()
            },
        )?;
        Ok(run)
    }

    fn experiment(&self) -> Result<i64, PlatformError> {
        match self.store.experiment_by_name(&self.experiment) {
            Ok(found) => Ok(found.id),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let made = self
                    .store
                    .create_experiment(&self.experiment, Words::new(), &self.person);
                match made {
                    // Another process was faster.
                    Err(StoreError::Exists { .. }) => Ok(self.store.experiment_by_name(&self.experiment)?.id),
                    made => Ok(made?),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Trainings of this machine whose process is gone did not end by themselves: they failed.
    fn end_what_died(&self) -> Result<(), PlatformError> {
        let query = Query {
            filter: format!("status = 'RUNNING' AND tags.`{KIND}` = 'train'"),
            count_max: 1000,
            ..Query::default()
        };
        for run in self.store.search_runs(&[], &query)?.items {
            let process = run.tags.get(PROCESS).and_then(|tag| tag.rsplit_once(' '));
            let is_dead = process.is_some_and(|(host, number)| host == self.host && is_gone(number));
            if is_dead {
                let change = RunChange {
                    status: Some(RunStatus::Failed),
                    ..RunChange::default()
                };
                self.store.update_run(&run.id, change, &self.person)?;
                let tags = vec![(
                    "mlflow.note.content".to_owned(),
                    "its process was killed".to_owned(),
                )];
                self.store.log_batch(
                    &run.id,
                    Batch {
                        tags,
                        ..Batch::default()
                    },
                )?;
            }
        }
        Ok(())
    }

    /// Notes trials until the training ends. After the first refusal nothing more is tried.
    fn note_trials(
        &self,
        parent: &str,
        trials: Receiver<(TrialReport, &'static str)>,
    ) -> Result<(), StoreError> {
        let experiment = self.store.run(parent).map(|run| run.experiment);
        let mut noted = experiment.as_ref().map(drop).map_err(|_| StoreError::NotFound {
            what: "run",
            name: parent.to_owned(),
        });
        for (report, metric) in trials {
            if let (Ok(experiment), Ok(())) = (&experiment, &noted) {
                noted = self.note_trial((*experiment, parent), &report, metric);
            }
        }
        noted
    }

    fn note_trial(
        &self,
        (experiment, parent): (i64, &str),
        report: &TrialReport,
        metric: &str,
    ) -> Result<(), StoreError> {
        let mut tags = Words::new();
        let mut tag = |key: &str, value: &str| tags.insert(key.to_owned(), cut(value));
        tag(PARENT, parent);
        tag(KIND, "trial");
        tag(LEARNER, report.learner);
        tag(VALIDATION, &report.validation);
        tag(METRIC, metric);
        if let Some(problem) = &report.problem {
            tag("mlflow.note.content", problem);
        }
        let run = self.store.create_run(NewRun {
            experiment,
            name: printable(&report.name),
            person: self.person.clone(),
            started: None,
            tags,
        })?;
        let mut metrics = vec![value("fit_s", report.elapsed.as_secs_f64())];
        metrics.extend(report.score.map(|score| value(metric, score)));
        metrics.retain(|metric| !metric.key.is_empty());
        let params = report
            .point
            .iter()
            .map(|(name, value)| (name.clone(), cut(&value.to_string())));
        let batch = Batch {
            metrics,
            params: params.collect(),
            tags: Vec::new(),
        };
        self.store.log_batch(&run, batch)?;
        let status = if report.problem.is_some() {
            RunStatus::Failed
        } else {
            RunStatus::Finished
        };
        let change = RunChange {
            status: Some(status),
            ..RunChange::default()
        };
        self.store.update_run(&run, change, &self.person)
    }

    fn end(&self, run: &str, job: &TrainJob, summary: &TrainSummary) -> Result<(), PlatformError> {
        let manifest = &summary.manifest;
        let mut metrics: Vec<Metric> = manifest
            .scores
            .iter()
            .map(|(name, score)| value(name, *score))
            .collect();
        if let Some(test) = &summary.test {
            metrics.extend(
                test.scores
                    .iter()
                    .map(|(name, score)| value(&format!("test_{name}"), *score)),
            );
        }
        metrics.push(value("elapsed_s", summary.elapsed.as_secs_f64()));
        metrics.push(value("load_s", summary.load_time.as_secs_f64()));
        metrics.push(value("row_s", summary.row_time.as_secs_f64()));
        metrics.push(value("model_bytes", summary.model_bytes as f64));
        let params = traits_of(manifest);
        let mut tags = vec![
            (TASK.to_owned(), manifest.task.clone()),
            (METRIC.to_owned(), manifest.metric.clone()),
            ("kolosal.stop".to_owned(), summary.stop.name().to_owned()),
        ];
        if !manifest.notes.is_empty() {
            tags.push(("mlflow.note.content".to_owned(), cut(&manifest.notes.join("\n"))));
        }
        for guard in &manifest.guards {
            let text = format!("{}: {} {}", guard.columns.join(", "), guard.reason, guard.remedy);
            tags.push((format!("kolosal.guard.{}", guard.guard), cut(&text)));
        }
        self.store.log_batch(
            run,
            Batch {
                metrics,
                params,
                tags,
            },
        )?;
        self.store
            .log_inputs(run, vec![self.input(job, summary)], Vec::new())?;
        let board = serde_json::to_vec_pretty(&manifest.leaderboard).unwrap_or_default();
        let owner = Owner::Run(run.to_owned());
        self.store
            .put_artifact_bytes(&owner, "leaderboard.json", &board)?;
        put_file(self.store, &owner, &summary.output)?;
        let status = if summary.stop == Stop::Cancelled {
            RunStatus::Killed
        } else {
            RunStatus::Finished
        };
        let change = RunChange {
            status: Some(status),
            ..RunChange::default()
        };
        Ok(self.store.update_run(run, change, &self.person)?)
    }

    /// The training table, as far as it is lineage.
    fn input(&self, job: &TrainJob, summary: &TrainSummary) -> Input {
        let facts = &summary.manifest.data;
        let file = job.data.canonicalize().unwrap_or_else(|_| job.data.clone());
        let source = serde_json::json!({ "uri": file.display().to_string() });
        let profile = serde_json::json!({ "num_rows": facts.rows, "num_columns": facts.columns });
        Input {
            name: printable(&stem(&job.data)),
            digest: facts.sha256.clone(),
            source_type: "local".to_owned(),
            source: source.to_string(),
            columns: None,
            profile: Some(profile.to_string()),
            tags: Words::from([("mlflow.data.context".to_owned(), "training".to_owned())]),
        }
    }

    fn fail(&self, run: &str, error: &PlatformError) -> Result<(), PlatformError> {
        let tags = vec![("mlflow.note.content".to_owned(), cut(&error.to_string()))];
        self.store.log_batch(
            run,
            Batch {
                tags,
                ..Batch::default()
            },
        )?;
        let is_stopped = error.kind() == ErrorKind::Cancelled;
        let status = if is_stopped {
            RunStatus::Killed
        } else {
            RunStatus::Failed
        };
        let change = RunChange {
            status: Some(status),
            ..RunChange::default()
        };
        Ok(self.store.update_run(run, change, &self.person)?)
    }
}

/// Stores a model file as an artifact.
fn put_file(store: &Store, owner: &Owner, file: &Path) -> Result<(), PlatformError> {
    let opened = std::fs::File::open(file).map_err(|source| PlatformError::Open {
        file: file.to_owned(),
        source,
    })?;
    let mut blob = store.begin_blob(u64::MAX)?;
    blob.add_all(opened)?;
    Ok(store.put_artifact(owner, MODEL_FILE, blob.finish()?)?)
}

fn value(key: &str, value: f64) -> Metric {
    Metric {
        key: key.to_owned(),
        value,
        at: kolosal_base::unix_ms(),
        step: 0,
    }
}

fn stem(file: &Path) -> String {
    let name = file.file_stem().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "table".to_owned())
}

/// A name for people made of a user's words: short, and of characters that print.
fn printable(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect();
    if name.trim().is_empty() {
        "unnamed".to_owned()
    } else {
        name
    }
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(WORDS_MAX).collect()
}

/// Whether a process of this machine has ended. Where that cannot be seen, it counts as running.
fn is_gone(process: &str) -> bool {
    let processes = Path::new("/proc");
    let is_number = !process.is_empty() && process.bytes().all(|b| b.is_ascii_digit());
    is_number && processes.join("self").exists() && !processes.join(process).exists()
}
