//! `kolosal learners`

use kolosal_platform::{LearnerInfo, ParamInfo, Platform};

use crate::args::LearnersArgs;
use crate::output::{Align, Output, table, to_stdout};
use crate::wire::LearnerJson;

pub(crate) fn run(platform: &Platform, args: &LearnersArgs, output: &Output) -> anyhow::Result<u8> {
    if args.markdown {
        to_stdout(&page(&platform.learners()))?;
        return Ok(0);
    }
    match &args.name {
        Some(name) => {
            let learner = platform.learner(name)?;
            output.result(&LearnerJson::from(&learner), || one(&learner))?;
        }
        None => {
            let learners = platform.learners();
            let json: Vec<LearnerJson> = learners.iter().map(LearnerJson::from).collect();
            output.result(&json, || list(&learners))?;
        }
    }
    Ok(0)
}

fn list(learners: &[LearnerInfo]) -> String {
    let row = |l: &LearnerInfo| vec![l.name.to_owned(), l.tasks.join(", "), l.title.to_owned()];
    let headings = [
        ("learner", Align::Left),
        ("tasks", Align::Left),
        ("what it is", Align::Left),
    ];
    table(&headings, &learners.iter().map(row).collect::<Vec<_>>())
}

fn one(learner: &LearnerInfo) -> String {
    let mut text = format!("{}: {}\n\n{}\n", learner.name, learner.title, learner.doc);
    if !learner.aliases.is_empty() {
        text.push_str(&format!("\nAlso called {}.\n", learner.aliases.join(", ")));
    }
    text.push_str(&format!(
        "Learns {}. Missing values: {}. Categories: {}.\n",
        learner.tasks.join(", "),
        if learner.takes_missing {
            "taken as they are"
        } else {
            "filled before"
        },
        if learner.takes_categories {
            "taken as they are"
        } else {
            "turned into numbers before"
        },
    ));
    for param in &learner.params {
        text.push_str(&format!(
            "\n  {} (default {}; {})\n",
            param.name, param.default, param.legal
        ));
        text.push_str(&format!("      {}\n", param.doc));
        if !param.aliases.is_empty() {
            text.push_str(&format!("      Also: {}\n", param.aliases.join(", ")));
        }
        if let Some(condition) = &param.only_if {
            text.push_str(&format!("      Matters only if {condition}.\n"));
        }
    }
    text
}

/// The page `docs/learners.md`.
fn page(learners: &[LearnerInfo]) -> String {
    let mut text = "# Learners\n\nMade by `kolosal learners --markdown`; do not edit by hand.\n\n\
                    | learner | family | tasks | missing values | categories |\n|---|---|---|---|---|\n"
        .to_owned();
    let yes = |b: bool| if b { "as they are" } else { "prepared before" };
    for l in learners {
        text.push_str(&format!(
            "| [{0}](#{0}) | {1} | {2} | {3} | {4} |\n",
            l.name,
            l.family,
            l.tasks.join(", "),
            yes(l.takes_missing),
            yes(l.takes_categories)
        ));
    }
    learners
        .iter()
        .for_each(|learner| text.push_str(&section(learner)));
    text
}

fn section(learner: &LearnerInfo) -> String {
    let mut text = format!("\n## {}\n\n{}.\n\n{}\n", learner.name, learner.title, learner.doc);
    if !learner.aliases.is_empty() {
        text.push_str(&format!("\nAlso called: {}.\n", learner.aliases.join(", ")));
    }
    if learner.params.is_empty() {
        return text;
    }
    text.push_str("\n| parameter | default | legal | search | what it does |\n|---|---|---|---|---|\n");
    learner.params.iter().for_each(|param| text.push_str(&row(param)));
    text
}

fn row(param: &ParamInfo) -> String {
    let names = std::iter::once(param.name).chain(param.aliases.iter().copied());
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let condition = param
        .only_if
        .as_ref()
        .map(|c| format!(" Only if {c}."))
        .unwrap_or_default();
    format!(
        "| {} | {} | {} | {} | {}{condition} |\n",
        names.join(", "),
        param.default,
        param.legal,
        param.search.as_deref().unwrap_or("-"),
        param.doc
    )
}
