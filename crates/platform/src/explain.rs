//! Explaining a model's answers to the rows of a table.

use std::path::PathBuf;
use std::time::Duration;

use kolosal_base::{Clock, Seed};
use kolosal_explain::{Effort, Explanation, explain};
use kolosal_frame::write::{Format, write};
use kolosal_frame::{Column, Field, Frame, Kind};

use crate::train::require_writable;
use crate::{Model, Platform, PlatformError};

/// What to explain.
#[derive(Debug, Clone)]
pub struct ExplainJob {
    /// The table.
    pub data: PathBuf,
    /// Rows that are explained, at most: the first ones.
    pub rows_max: usize,
    /// Rows that they are compared with, at most, drawn at random.
    pub background_max: usize,
    /// The seed.
    pub seed: u64,
    /// Where the values of each row go, if anywhere.
    pub output: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct ExplainSummary {
    /// The values.
    pub explanation: Explanation,
    /// Rows that were explained.
    pub rows: usize,
    /// Rows that they were compared with.
    pub background: usize,
    /// Time to explain.
    pub explain_time: Duration,
    /// What the reader said.
    pub notes: Vec<String>,
}

impl Platform {
    /// Explains a model's answers to the first rows of a table against others of it.
    ///
    /// # Errors
    /// [`PlatformError`] if the table cannot be read or does not fit the model; the file at the output is then as it was.
    pub fn explain(&self, model: &Model, job: &ExplainJob) -> Result<ExplainSummary, PlatformError> {
        if let Some(output) = &job.output {
            require_writable(output)?;
            Format::of(output)?;
        }
        let table = self.read_frozen(&job.data, model.pipeline.schema())?;
        let rows: Vec<u32> = (0..table.rows.min(job.rows_max) as u32).collect();
        let mut background: Vec<u32> = (0..table.rows as u32).collect();
        let seed = Seed::new(job.seed).fork("explain");
        if background.len() > job.background_max {
            seed.fork("background").rng().shuffle(&mut background);
            background.truncate(job.background_max);
            background.sort_unstable();
        }
        let effort = Effort {
            workers: &self.workers,
            cancel: &self.cancel,
            seed,
        };
        let started = self.clock.now();
        let explanation = explain(&model.pipeline, &table.frame, (&rows, &background), effort)?;
        let explain_time = self.clock.now().saturating_sub(started);
        if let Some(output) = &job.output {
            write(&values_frame(&explanation)?, output, &self.workers, &self.cancel)?;
        }
        Ok(ExplainSummary {
            explanation,
            rows: rows.len(),
            background: background.len(),
            explain_time,
            notes: table.notes,
        })
    }
}

/// A line for each row and output: what is explained, the base, the value of each column, and their sum.
fn values_frame(found: &Explanation) -> Result<Frame, PlatformError> {
    let field = |name: String, kind| Field::new(name, kind, "made by explaining");
    let (outputs, columns) = (found.outputs.len(), found.columns.len());
    let lines = found.bases.len();
    let row = (0..lines).map(|line| (line / outputs + 1) as f64).collect();
    let names: Vec<&str> = (0..lines)
        .map(|line| found.outputs[line % outputs].as_str())
        .collect();
    let mut made = vec![
        (field("row".to_owned(), Kind::Integer), Column::numbers(row)),
        (
            field("explained".to_owned(), Kind::Categorical),
            Column::categories(&names),
        ),
        (
            field("base".to_owned(), Kind::Numeric),
            Column::numbers(found.bases.clone()),
        ),
        (
            field("total".to_owned(), Kind::Numeric),
            Column::numbers(found.totals()),
        ),
    ];
    for (at, name) in found.columns.iter().enumerate() {
        let values = found.values.iter().skip(at).step_by(columns).copied().collect();
        made.push((
            field(format!("value_{name}"), Kind::Numeric),
            Column::numbers(values),
        ));
    }
    Ok(Frame::new(made)?)
}
