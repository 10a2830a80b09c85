//! Explanations of fitted pipelines: how much each column of a table moves each answer.
//!
//! [`explain`] gives each explained row a base and one value a column, which add up to what is explained. A column that is
//! absent takes the values it has in the rows of a background, all counting alike (Štrumbelj, Kononenko 2014; Janzing, Minorics,
//! Blöbaum 2020). What is explained, and how, is said in the result:
//!
//! - **Scores, exactly**, where the one model of the pipeline knows its terms ([`kolosal_learner::FittedModel::contributions`]):
//!   linear models, and boosters by their trees. Logarithms of odds or of means, where the link is one. What a transform made of
//!   a column counts for that column.
//! - **Answers, exactly**, by all subsets of up to [`SUBSET_COLUMNS_MAX`] columns, whatever the pipeline.
//! - **Answers, by walks** with more columns: each background row is turned into the explained one column by column, in a random
//!   order and its reverse (Castro, Gómez, Tejada 2009; antithetic pairs: Mitchell et al. 2022). The values are estimates, their
//!   sum is exact.
//!
//! Of a clustering, what is explained is how firmly the row stays in its own group.
//!
//! **Cost** of a row: a few products of exact scores; else `2^d` or `2 (d + 1)` answers for each background row.

mod game;
#[cfg(test)]
mod tests;

use kolosal_base::{Cancel, ErrorKind, Seed};
use kolosal_compute::Workers;
use kolosal_frame::Frame;
use kolosal_learner::{Meaning, Predictions, ScoreLink};
use kolosal_pipeline::{Pipeline, PipelineError};

pub use game::SUBSET_COLUMNS_MAX;

/// How values were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// From the terms of the model's scores.
    Scores,
    /// By all subsets of the columns.
    Subsets,
    /// By walks from background rows.
    Walks,
}

impl Method {
    /// In words.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Scores => "exact, of the model's scores",
            Self::Subsets => "exact, of the answers, by all subsets of columns",
            Self::Walks => {
                "estimated, of the answers, by random walks from background rows; their sums are exact"
            }
        }
    }
}

/// What explaining may use.
#[derive(Clone, Copy)]
pub struct Effort<'a> {
    /// Threads; their number changes no value.
    pub workers: &'a Workers,
    /// Looked at before each row.
    pub cancel: &'a Cancel,
    /// Where the orders of columns come from.
    pub seed: Seed,
}

/// Values of columns for some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// How they were found.
    pub method: Method,
    /// What is explained, one name an output.
    pub outputs: Vec<String>,
    /// The columns.
    pub columns: Vec<String>,
    /// `bases[row * outputs + output]`: what is expected where no column is known.
    pub bases: Vec<f64>,
    /// `values[(row * outputs + output) * columns + column]`.
    pub values: Vec<f64>,
}

/// An explanation that cannot be given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The table does not fit the pipeline.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// No row to explain, or none to compare with.
    #[error("there is no {what}: the table needs at least one row")]
    NoRows {
        /// Which rows are missing.
        what: &'static str,
    },
    /// The caller asked to stop.
    #[error("the explanation was cancelled")]
    Cancelled,
}

impl ExplainError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Pipeline(error) => error.kind(),
            Self::NoRows { .. } => ErrorKind::Data,
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }
}

impl Explanation {
    /// What base and values of a row add up to, for each output.
    pub fn totals(&self) -> Vec<f64> {
        let lines = self.values.chunks_exact(self.columns.len()).zip(&self.bases);
        lines
            .map(|(line, base)| base + line.iter().sum::<f64>())
            .collect()
    }

    /// The mean size of each column's values over all rows and outputs.
    pub fn importances(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.columns.len()];
        for line in self.values.chunks_exact(self.columns.len()) {
            sums.iter_mut()
                .zip(line)
                .for_each(|(sum, value)| *sum += value.abs());
        }
        let lines = self.bases.len().max(1) as f64;
        sums.into_iter().map(|sum| sum / lines).collect()
    }
}

/// Explains some rows of a table against others of it.
///
/// # Errors
/// [`ExplainError`] if the table does not fit, there is no row, or the caller asked to stop.
///
/// # Panics
/// If a row is out of bounds.
pub fn explain(
    pipeline: &Pipeline,
    table: &Frame,
    (rows, background): (&[u32], &[u32]),
    effort: Effort<'_>,
) -> Result<Explanation, ExplainError> {
    let aligned = pipeline.schema().align(table).map_err(PipelineError::from)?;
    for (list, what) in [(rows, "row to explain"), (background, "row to compare with")] {
        if list.is_empty() {
            return Err(ExplainError::NoRows { what });
        }
    }
    let fields = pipeline.schema().schema().fields();
    let columns: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let (x, others) = (aligned.select(rows), aligned.select(background));
    if let Some(found) = pipeline.contributions(x, others, effort.workers) {
        return Ok(Explanation {
            method: Method::Scores,
            outputs: score_names(pipeline, found.link, found.outputs()),
            columns,
            bases: found.base.repeat(rows.len()),
            values: found.values,
        });
    }
    let outputs = answer_names(pipeline);
    let game = game::Game {
        pipeline,
        frame: &aligned,
        background,
        outputs: outputs.len(),
    };
    let (mut bases, mut values) = (Vec::new(), Vec::new());
    for (at, &row) in rows.iter().enumerate() {
        if effort.cancel.is_requested() {
            return Err(ExplainError::Cancelled);
        }
        let (base, of_row) = game.values(row, effort.seed.fork_index(at as u64), effort.workers);
        bases.extend(base);
        values.extend(of_row);
    }
    Ok(Explanation {
        method: game.method(),
        outputs,
        columns,
        bases,
        values,
    })
}

fn answer_names(pipeline: &Pipeline) -> Vec<String> {
    let target = pipeline.target();
    match Predictions::shape_of(target.task).0 {
        Meaning::Number => vec![target.name.clone()],
        Meaning::ClassProbability => target
            .classes
            .iter()
            .map(|class| format!("probability of {class}"))
            .collect(),
        Meaning::Anomaly => vec!["score".to_owned()],
        Meaning::Group => vec!["strength in its group".to_owned()],
    }
}

fn score_names(pipeline: &Pipeline, link: ScoreLink, outputs: usize) -> Vec<String> {
    let target = pipeline.target();
    let class = |at: usize| {
        if target.classes.is_empty() {
            &target.name
        } else {
            target.classes.get(at)
        }
    };
    match link {
        ScoreLink::Identity => vec![target.name.clone(); outputs],
        ScoreLink::Exponential => vec![format!("logarithm of {}", target.name)],
        ScoreLink::Logistic => vec![format!("log-odds of {}", class(1))],
        ScoreLink::Softmax => (0..outputs).map(|at| format!("score of {}", class(at))).collect(),
        ScoreLink::OneVersusRest => (0..outputs)
            .map(|at| format!("log-odds of {}", class(at)))
            .collect(),
    }
}
