//! The card says what must be said.

use kolosal_learner::{FitError, Task};

use super::LearnerCase;
use crate::clause::{Verdict, demand};
use crate::room::Room;
use crate::tables::mixed;

/// Lower case words joined by `_`, as names are looked up.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain) && !name.ends_with('_')
}

pub(super) fn is_complete(case: &LearnerCase) -> Verdict {
    let card = case.learner.card();
    for name in card.aliases.iter().chain([&card.name]) {
        demand(is_name(name), || {
            format!("'{name}' is not lower case joined by _")
        })?;
    }
    demand(!card.title.trim().is_empty(), || "there is no title".to_owned())?;
    demand(card.doc.ends_with('.'), || {
        format!("the doc does not end in a full stop: {:?}", card.doc)
    })?;
    demand(!card.tasks.is_empty(), || "there is no task".to_owned())?;
    let repeated = card
        .tasks
        .iter()
        .enumerate()
        .find(|(i, task)| card.tasks[..*i].contains(task));
    demand(repeated.is_none(), || "a task is listed twice".to_owned())
}

pub(super) fn refuses_other_tasks(case: &LearnerCase) -> Verdict {
    let card = case.learner.card();
    let tasks = [
        Task::Binary,
        Task::Multiclass { classes: 3 },
        Task::Regression,
        Task::Anomaly,
        Task::Clustering,
    ];
    for task in tasks {
        if card.can_learn(task.kind()) {
            continue;
        }
        let result = case.fit(&mixed(task, card, 20, 1).train(), &Room::new(1).cx())?;
        let is_refused = matches!(result, Err(FitError::Unsupported { .. }));
        demand(is_refused, || {
            format!("the task {} is not refused as unsupported", task.kind().name())
        })?;
    }
    Ok(())
}
