//! What is shown while a training runs: a live line on a terminal, plain lines elsewhere.

use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};
use kolosal_platform::{Event, Events, TrialReport};

use crate::output::{Output, has_live_terminal, number, to_stderr};

/// Draws events on standard error.
pub(crate) struct Live {
    quiet: bool,
    bar: Option<ProgressBar>,
    metric: Mutex<&'static str>,
}

impl Live {
    pub(crate) fn new(output: &Output) -> Self {
        let quiet = output.is_quiet();
        let bar = (!quiet && has_live_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {elapsed}  {msg}")
                .expect("the template is valid")
                .progress_chars("━╸─");
            ProgressBar::new(0).with_style(style)
        });
        Self {
            quiet,
            bar,
            metric: Mutex::new("score"),
        }
    }

    /// Takes the live line off the screen.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.suspend(|| to_stderr(text)),
            None => to_stderr(text),
        }
    }

    fn metric(&self) -> &'static str {
        *self
            .metric
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn finished(&self, report: &TrialReport) {
        let seconds = report.elapsed.as_secs_f64();
        match (&report.score, &report.problem) {
            (Some(score), _) => {
                self.line(&format!(
                    "  {:<28} {} {}  ({seconds:.2} s)",
                    report.name,
                    self.metric(),
                    number(*score)
                ));
            }
            (None, Some(problem)) => self.line(&format!("  {:<28} left out: {problem}", report.name)),
            (None, None) => {}
        }
        report
            .warnings
            .iter()
            .for_each(|warning| self.line(&format!("  {:<28} note: {warning}", report.name)));
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }
}

impl Events for Live {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Note(note) => self.line(&format!("note: {note}")),
            Event::Planned {
                candidates,
                validation,
                metric,
                task,
            } => {
                *self
                    .metric
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner) = metric;
                self.line(&format!(
                    "{task}, judged by {metric} on {validation}; {candidates} candidates"
                ));
                if let Some(bar) = &self.bar {
                    bar.set_length(*candidates as u64);
                }
            }
            Event::Started { name, .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_message((*name).to_owned());
                    bar.tick();
                }
            }
            Event::Finished(report) => self.finished(report),
            Event::Blended { members, score } => {
                self.line(&format!(
                    "  {:<28} {} {}",
                    format!("blend of {members}"),
                    self.metric(),
                    number(*score)
                ));
            }
            Event::Gathered { done, total } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("gathering members {done}/{total}"));
                }
            }
            _ => {}
        }
    }
}
