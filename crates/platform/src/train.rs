//! Training jobs.

use std::path::PathBuf;
use std::time::Duration;

use kolosal_base::{Clock, ErrorKind, Seed};
use kolosal_frame::Frame;
use kolosal_learner::find_metric;
use kolosal_pipeline::{Manifest, Pipeline};
use kolosal_training::{
    Budget, Constraints, Events, Experience, Preset, Stop, Surroundings, TaskChoice, TrainRequest, Trained,
    TrialReport, drift, row_time, table_hash, train,
};

use crate::model::save;
use crate::work_folder::{Found, WorkFolder};
use crate::{ColumnTypes, Evaluation, Model, Platform, PlatformError};

/// What to train.
#[derive(Debug, Clone)]
pub struct TrainJob {
    /// The training table.
    pub data: PathBuf,
    /// Rows to judge the finished model by; never looked at before.
    pub test: Option<PathBuf>,
    /// The column to predict.
    pub target: String,
    /// The question.
    pub task: TaskChoice,
    /// The metric's name; `None` for the task's default.
    pub metric: Option<String>,
    /// How much is tried.
    pub preset: Preset,
    /// Learners to choose from; empty for all.
    pub learners: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// Column of groups.
    pub group: Option<String>,
    /// Column of times.
    pub time_column: Option<String>,
    /// Column of weights.
    pub weight: Option<String>,
    /// Columns that are not learned from.
    pub ignore: Vec<String>,
    /// What the model must keep to.
    pub constraints: Constraints,
    /// Whether warnings are errors.
    pub is_strict: bool,
    /// Types of columns.
    pub column_types: ColumnTypes,
    /// Time for all of it, from the start of the platform's clock.
    pub time_limit: Option<Duration>,
    /// Work for all of it.
    pub work_limit: Option<u64>,
    /// Most bytes of the model.
    pub size_max: Option<u64>,
    /// Most time for one row.
    pub latency_max: Option<Duration>,
    /// Whether it is an error if there is no unfinished training of the same kind to take up; one that is there is always
    /// taken up.
    pub must_resume: bool,
    /// Where the model goes.
    pub output: PathBuf,
}

/// What came of it.
pub struct TrainSummary {
    /// What the model says of itself.
    pub manifest: Manifest,
    /// Every candidate, with the time it took.
    pub trials: Vec<TrialReport>,
    /// Why no further candidate was tried.
    pub stop: Stop,
    /// Where the model is.
    pub output: PathBuf,
    /// Its size.
    pub model_bytes: u64,
    /// Median time of one row through it, in process, on one thread.
    pub row_time: Duration,
    /// The model on the rows of the test table.
    pub test: Option<Evaluation>,
    /// Time to read the table.
    pub load_time: Duration,
    /// Time for everything.
    pub elapsed: Duration,
}

impl TrainJob {
    /// A training with all defaults.
    pub fn new(data: impl Into<PathBuf>, target: impl Into<String>, output: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            test: None,
            target: target.into(),
            task: TaskChoice::Auto,
            metric: None,
            preset: Preset::Balanced,
            learners: Vec::new(),
            seed: 0,
            group: None,
            time_column: None,
            weight: None,
            ignore: Vec::new(),
            constraints: Constraints::default(),
            is_strict: false,
            column_types: ColumnTypes::new(),
            time_limit: None,
            work_limit: None,
            size_max: None,
            latency_max: None,
            must_resume: false,
            output: output.into(),
        }
    }

    /// The options by name, as a run keeps them; those that were not given are left out.
    pub(crate) fn options(&self) -> Vec<(String, String)> {
        let seconds = |time: Duration| time.as_secs_f64().to_string();
        let options = [
            ("target", Some(self.target.clone())),
            ("task", Some(self.task.name().to_owned())),
            ("metric", self.metric.clone()),
            ("preset", Some(self.preset.name().to_owned())),
            (
                "learners",
                (!self.learners.is_empty()).then(|| self.learners.join(",")),
            ),
            ("seed", Some(self.seed.to_string())),
            ("group", self.group.clone()),
            ("time_column", self.time_column.clone()),
            ("weight", self.weight.clone()),
            ("ignore", (!self.ignore.is_empty()).then(|| self.ignore.join(","))),
            ("time_limit_s", self.time_limit.map(seconds)),
            ("work_limit", self.work_limit.map(|units| units.to_string())),
            ("size_limit", self.size_max.map(|bytes| bytes.to_string())),
            ("latency_limit_s", self.latency_max.map(seconds)),
        ];
        let bound = self.constraints.options();
        let given = |(name, value): (&str, Option<String>)| Some((name.to_owned(), value?));
        options.into_iter().filter_map(given).chain(bound).collect()
    }

    /// What the results of a training depend on, one `name: value` a line; limits are not among it.
    fn facts(&self, table_hash: &str) -> String {
        let named = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let facts = [
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("data", table_hash.to_owned()),
            ("target", self.target.clone()),
            ("task", self.task.name().to_owned()),
            ("metric", named(&self.metric)),
            ("preset", self.preset.name().to_owned()),
            ("learners", self.learners.join(",")),
            ("seed", self.seed.to_string()),
            ("group", named(&self.group)),
            ("time column", named(&self.time_column)),
            ("weight", named(&self.weight)),
            ("ignored", self.ignore.join(",")),
            ("constraints", format!("{:?}", self.constraints)),
        ];
        facts
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect()
    }

    fn request(&self) -> Result<TrainRequest, PlatformError> {
        Ok(TrainRequest {
            target: self.target.clone(),
            task: self.task,
            metric: self.metric.as_deref().map(find_metric).transpose()?,
            preset: self.preset,
            learners: self.learners.clone(),
            seed: Seed::new(self.seed),
            group: self.group.clone(),
            time_column: self.time_column.clone(),
            weight: self.weight.clone(),
            ignore: self.ignore.clone(),
            constraints: self.constraints.clone(),
            is_strict: self.is_strict,
            size_max: self.size_max,
            latency_max: self.latency_max,
        })
    }
}

impl Platform {
    /// Trains a model and writes it; with a test table, judges it.
    ///
    /// # Errors
    /// [`PlatformError`]; the file at the output is then as it was.
    pub fn train(&self, job: &TrainJob, events: &dyn Events) -> Result<TrainSummary, PlatformError> {
        self.train_knowing(&[], job, events)
    }

    /// Trains with what earlier trainings have shown.
    pub(crate) fn train_knowing(
        &self,
        past: &[Experience],
        job: &TrainJob,
        events: &dyn Events,
    ) -> Result<TrainSummary, PlatformError> {
        let request = job.request()?;
        require_writable(&job.output)?;
        let table = self.read(&job.data, &job.column_types)?;
        let budget = Budget {
            workers: &self.workers,
            memory: &self.memory,
            clock: &self.clock,
            deadline: job.time_limit,
            work_max: job.work_limit,
            cancel: &self.cancel,
        };
        table
            .notes
            .iter()
            .for_each(|note| events.event(&kolosal_training::Event::Note(note)));
        let load_time = table.load_time;
        let (trained, folder, row_time) =
            self.search((job, past), &request, (table.frame, &budget), events)?;
        let model_bytes = save(&job.output, &trained.manifest, &trained.pipeline)?;
        // An interrupted training may be taken up again; the folder of one that ended is of no use.
        if trained.stop != Stop::Cancelled {
            let _ = folder.remove();
        }
        let model = Model {
            file: job.output.clone(),
            manifest: trained.manifest,
            pipeline: trained.pipeline,
        };
        let test = job
            .test
            .as_ref()
            .map(|file| self.evaluate(&model, file))
            .transpose()?;
        Ok(TrainSummary {
            manifest: model.manifest,
            trials: trained.trials,
            stop: trained.stop,
            output: job.output.clone(),
            model_bytes,
            row_time,
            test,
            load_time,
            elapsed: self.clock.now(),
        })
    }
}

impl Platform {
    /// The training itself, the folder that holds what it has finished, and the time of one row.
    fn search(
        &self,
        (job, past): (&TrainJob, &[Experience]),
        request: &TrainRequest,
        (frame, budget): (Frame, &Budget<'_>),
        events: &dyn Events,
    ) -> Result<(Trained, WorkFolder, Duration), PlatformError> {
        let drifted = match &job.test {
            Some(test) => drift(
                &frame,
                &self.read(test, &job.column_types)?.frame,
                request,
                budget,
            ),
            None => None,
        };
        let hash = table_hash(&frame);
        let (folder, found) = WorkFolder::open(&job.output, &job.facts(&hash), job.must_resume)?;
        if let Some(note) = remark(&found) {
            events.event(&kolosal_training::Event::Note(&note));
        }
        let surroundings = Surroundings {
            events,
            journal: &folder,
            findings: drifted.as_slice(),
            table_hash: Some(&hash),
            past,
        };
        match train(&frame, request, budget, surroundings) {
            Ok(trained) => {
                let row_time = self.row_time(&trained.pipeline, &frame);
                Ok((trained, folder, row_time))
            }
            Err(error) => {
                // A training that ended by itself would end the same way again.
                if error.kind() != ErrorKind::Cancelled && error.kind() != ErrorKind::Busy {
                    let _ = folder.remove();
                }
                Err(error.into())
            }
        }
    }
}

impl Platform {
    /// Median time of one row of a table through a pipeline.
    fn row_time(&self, pipeline: &Pipeline, table: &Frame) -> Duration {
        // A copy of some hundred rows: aligning all of a table that is about to go would cost its size again.
        let rows: Vec<u32> = (0..table.row_count().min(ROWS_ALIGNED) as u32).collect();
        let Ok(aligned) = pipeline.schema().align(&table.select(&rows).to_frame()) else {
            return Duration::ZERO;
        };
        let mut out = vec![0.0; pipeline.target().task.width()];
        row_time(&self.clock, aligned.view(), |row| {
            pipeline.predict_into(row, &mut out);
        })
    }
}

/// Rows that the time of one is found on are among so many.
const ROWS_ALIGNED: usize = 100;

/// What the user should know of an unfinished training that was found.
fn remark(found: &Found) -> Option<String> {
    match found {
        Found::New | Found::Same(0) => None,
        Found::Same(count) => Some(format!(
            "an unfinished training of the same kind is taken up: {count} finished fits are not done again"
        )),
        Found::Other(difference) => Some(format!("starting anew: {difference}")),
    }
}

/// Finds out before the work, not after it, that the result has nowhere to go.
pub(crate) fn require_writable(output: &std::path::Path) -> Result<(), PlatformError> {
    let folder = match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => std::path::Path::new("."),
    };
    let problem = if output.is_dir() {
        "it is a folder"
    } else if !folder.is_dir() {
        "its folder does not exist"
    } else {
        return Ok(());
    };
    let value = format!("{} ({problem})", output.display());
    Err(PlatformError::Setting {
        what: "the output",
        value,
        allowed: "a file in a folder that exists".to_owned(),
    })
}
