//! Rule: crates depend on each other only in the directions that the design allows.

use super::Report;
use crate::manifest::{self, Section};
use crate::tree::Tree;

const PREFIX: &str = "kolosal-";

/// Crate, then what it may depend on. `learn-*` stands for every crate of that family, `*` for all.
/// A crate that matches no row may not exist.
const ALLOWED: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("compute", &["base"]),
    ("frame", &["base", "compute"]),
    ("learner", &["frame", "compute", "base"]),
    ("learn-*", &["learner", "frame", "compute", "base"]),
    ("prep", &["learner", "frame", "compute", "base"]),
    ("learners", &["prep", "learn-*", "learner", "frame", "base"]),
    (
        "pipeline",
        &["learners", "prep", "learner", "frame", "compute", "base"],
    ),
    (
        "explain",
        &["pipeline", "learners", "learner", "frame", "compute", "base"],
    ),
    ("asht", &["base"]),
    (
        "training",
        &[
            "pipeline", "learners", "learner", "asht", "frame", "compute", "base", "explain",
        ],
    ),
    ("inference", &["pipeline", "frame", "compute", "base"]),
    ("store", &["base"]),
    (
        "platform",
        &[
            "training",
            "inference",
            "pipeline",
            "explain",
            "asht",
            "store",
            "learners",
            "learn-*", // files of other libraries, which only the engine that grew a model can write
            "learner",
            "frame",
            "compute",
            "base",
        ],
    ),
    ("server", &["platform", "base"]),
    ("cli", &["platform", "server", "base"]),
    ("python", &["platform", "base"]),
    (
        "testkit",
        &[
            "learners", "learn-*", "prep", "learner", "frame", "compute", "base",
        ],
    ),
    ("xtask", &["*"]),
];

/// Development dependencies may name this crate besides.
const DEV_ONLY: &str = "testkit";

/// Checks names, the table above, and that ARCHITECTURE.md names every crate.
pub(super) fn check(tree: &Tree, report: &mut Report) {
    let map = tree.file("ARCHITECTURE.md").and_then(|file| file.text());
    if map.is_none() && tree.crates().next().is_some() {
        report.find("ARCHITECTURE.md", 1, "is missing; write the map of the crates");
    }
    for (folder, file) in tree.crates() {
        let Some(text) = file.text() else { continue };
        let sections = manifest::read(text);
        check_name(folder, &file.path, &sections, report);
        if map.is_some_and(|map| !names(map, folder)) {
            let message = format!(
                "crate `{folder}` is not in ARCHITECTURE.md; name it there as `{folder}`, in backquotes"
            );
            report.find(&file.path, 1, message);
        }
        match ALLOWED.iter().find(|(pattern, _)| matches(pattern, folder)) {
            Some((_, targets)) => check_edges(folder, targets, &sections, &file.path, report),
            None => report.find(
                &file.path,
                1,
                format!(
                    "crate `{folder}` is not in the design; add it to the table in {}",
                    file!()
                ),
            ),
        }
    }
}

fn check_name(folder: &str, path: &str, sections: &[Section], report: &mut Report) {
    let name = sections
        .iter()
        .find(|s| s.name == "package")
        .and_then(|s| s.entry("name"));
    let expected = format!("\"{PREFIX}{folder}\"");
    if name.is_none_or(|entry| entry.value != expected) {
        let line = name.map_or(1, |entry| entry.line);
        report.find(
            path,
            line,
            format!("the package in crates/{folder} is called {PREFIX}{folder}; rename one of them"),
        );
    }
}

fn check_edges(from: &str, targets: &[&str], sections: &[Section], path: &str, report: &mut Report) {
    for section in sections {
        let Some(kind) = section.dependency_kind() else {
            continue;
        };
        for entry in &section.entries {
            let Some(to) = entry.name().strip_prefix(PREFIX) else {
                continue;
            };
            let dev = kind == "dev-dependencies" && to == DEV_ONLY;
            if !dev && !targets.iter().any(|pattern| matches(pattern, to)) {
                let may = if targets.is_empty() {
                    "nothing".to_owned()
                } else {
                    targets.join(", ")
                };
                let message = format!(
                    "{from} may not depend on {to}; it may on: {may}. Move the code to where it belongs, or change the \
                     design together with the table in {}",
                    file!()
                );
                report.find(path, entry.line, message);
            }
        }
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

/// True when `map` has the crate as `name`, `kolosal-name` or `crates/name`, ended by a backquote, a blank or a slash.
fn names(map: &str, name: &str) -> bool {
    ["`", PREFIX, "crates/"].iter().any(|start| {
        let wanted = format!("{start}{name}");
        map.match_indices(&wanted).any(|(at, found)| {
            !map[at + found.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED, check};
    use crate::tidy::expect_findings;

    const MAP: (&str, &str) = ("ARCHITECTURE.md", "`frame` `learn-tree` `learners` `prep` `asht`");

    #[track_caller]
    fn check_manifest(folder: &str, dependencies: &str, expected: &[&str]) {
        let text = format!("[package]\nname = \"kolosal-{folder}\"\n{dependencies}");
        expect_findings(
            check,
            &[MAP, (&format!("crates/{folder}/Cargo.toml"), &text)],
            expected,
        );
    }

    #[test]
    fn edges_of_the_table_pass() {
        check_manifest(
            "frame",
            "[dependencies]\nkolosal-base.workspace = true\nserde.workspace = true",
            &[],
        );
        check_manifest(
            "learners",
            "[dependencies]\nkolosal-learn-tree.workspace = true",
            &[],
        );
        check_manifest(
            "frame",
            "[dev-dependencies]\nkolosal-testkit.workspace = true",
            &[],
        );
    }

    #[test]
    fn edges_outside_the_table_are_found() {
        let edge = "crates/frame/Cargo.toml:4: frame may not depend on learner";
        check_manifest(
            "frame",
            "[dependencies]\nkolosal-learner.workspace = true",
            &[edge],
        );
        check_manifest(
            "frame",
            "[build-dependencies]\nkolosal-learner.workspace = true",
            &[edge],
        );
        check_manifest(
            "frame",
            "[dev-dependencies]\nkolosal-learner.workspace = true",
            &[edge],
        );
        check_manifest(
            "frame",
            "[target.'cfg(unix)'.dependencies]\nkolosal-learner.workspace = true",
            &[edge],
        );
        let testkit = "frame may not depend on testkit";
        check_manifest(
            "frame",
            "[dependencies]\nkolosal-testkit.workspace = true",
            &[testkit],
        );
        let family = "learn-tree may not depend on learn-linear";
        check_manifest(
            "learn-tree",
            "[dependencies]\nkolosal-learn-linear.workspace = true",
            &[family],
        );
        let optimizer = "asht may not depend on frame";
        check_manifest(
            "asht",
            "[dependencies]\nkolosal-frame.workspace = true",
            &[optimizer],
        );
    }

    #[test]
    fn unknown_and_misnamed_crates_are_found() {
        check_manifest(
            "extras",
            "",
            &[
                "crate `extras` is not in ARCHITECTURE.md",
                "`extras` is not in the design",
            ],
        );
        let other = ("crates/prep/Cargo.toml", "[package]\nname = \"prep\"\n");
        expect_findings(
            check,
            &[MAP, other],
            &["crates/prep/Cargo.toml:2: the package in crates/prep is called"],
        );
    }

    #[test]
    fn the_map_must_name_each_crate_in_full() {
        let learners = (
            "crates/learners/Cargo.toml",
            "[package]\nname = \"kolosal-learners\"\n",
        );
        for map in ["`learners`", "see crates/learners/src", "kolosal-learners"] {
            expect_findings(check, &[("ARCHITECTURE.md", map), learners], &[]);
        }
        for map in ["`learner`", "learners", "`learners-x`"] {
            expect_findings(
                check,
                &[("ARCHITECTURE.md", map), learners],
                &["is not in ARCHITECTURE.md"],
            );
        }
        expect_findings(check, &[learners], &["ARCHITECTURE.md:1: is missing"]);
    }

    #[test]
    fn the_table_has_no_cycle() {
        // Rows may only point at rows that are already known; what remains unplaced is a cycle.
        let mut placed: Vec<&str> = Vec::new();
        loop {
            let ready = |targets: &[&str]| targets.iter().all(|to| *to == "*" || placed.contains(to));
            let next = ALLOWED
                .iter()
                .find(|(name, targets)| !placed.contains(name) && ready(targets));
            match next {
                Some((name, _)) => placed.push(name),
                None => break,
            }
        }
        assert_eq!(placed.len(), ALLOWED.len(), "placed: {placed:?}");
    }
}
