//! The list of learners, as plain text for lists and pages.

use kolosal_learner::{Learner, ParamDef};
use kolosal_learners::LEARNERS;

use crate::{Platform, PlatformError};

/// A learner and its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnerInfo {
    /// The name in options.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// One line.
    pub title: &'static str,
    /// A few sentences.
    pub doc: &'static str,
    /// The group it belongs to.
    pub family: &'static str,
    /// What it can learn.
    pub tasks: Vec<&'static str>,
    /// Whether it takes missing values as they are.
    pub takes_missing: bool,
    /// Whether it takes categories as they are.
    pub takes_categories: bool,
    /// Its parameters.
    pub params: Vec<ParamInfo>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamInfo {
    /// The name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What it does.
    pub doc: &'static str,
    /// The default.
    pub default: String,
    /// What is permitted.
    pub legal: String,
    /// What a search tries.
    pub search: Option<String>,
    /// When it matters.
    pub only_if: Option<String>,
}

impl Platform {
    /// Every learner.
    pub fn learners(&self) -> Vec<LearnerInfo> {
        LEARNERS.iter().map(|learner| info(*learner)).collect()
    }

    /// One learner by name or alias.
    ///
    /// # Errors
    /// [`PlatformError::Learner`] with the closest names.
    pub fn learner(&self, name: &str) -> Result<LearnerInfo, PlatformError> {
        Ok(info(kolosal_learners::find(name)?))
    }
}

fn info(learner: &dyn Learner) -> LearnerInfo {
    let card = learner.card();
    LearnerInfo {
        name: card.name,
        aliases: card.aliases,
        title: card.title,
        doc: card.doc,
        family: card.family.name(),
        tasks: card.tasks.iter().map(|task| task.name()).collect(),
        takes_missing: card.takes_missing,
        takes_categories: card.takes_categories,
        params: learner.params().iter().map(param).collect(),
    }
}

fn param(def: &ParamDef) -> ParamInfo {
    ParamInfo {
        name: def.name,
        aliases: def.aliases,
        doc: def.doc,
        default: (def.default)().to_string(),
        legal: def.legal.to_string(),
        search: def.search.map(|domain| domain.to_string()),
        only_if: def
            .only_if
            .map(|(other, words)| format!("{other} is {}", words.join(" or "))),
    }
}
