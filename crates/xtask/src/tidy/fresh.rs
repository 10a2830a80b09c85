//! Rule: generated files are what their generators make today.

use super::Report;
use crate::generated::{GENERATED, Generated};
use crate::tree::Tree;

pub(super) fn check(tree: &Tree, report: &mut Report) {
    check_list(GENERATED, tree, report);
}

fn check_list(list: &[Generated], tree: &Tree, report: &mut Report) {
    for generated in list {
        match generated.make(&tree.root) {
            Err(failure) => report.find(generated.path, 1, format!("cannot be generated: {failure}")),
            Ok(made) => {
                let kept = tree
                    .file(generated.path)
                    .and_then(|file| file.text())
                    .unwrap_or_default();
                if let Some(line) = first_difference(kept, &made) {
                    report.find(generated.path, line, "is stale; run `cargo xtask generate`");
                }
            }
        }
    }
}

/// The first line, from 1, in which the texts differ.
fn first_difference(kept: &str, made: &str) -> Option<usize> {
    if kept == made {
        return None;
    }
    let same = kept.lines().zip(made.lines()).take_while(|(a, b)| a == b).count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::check_list;
    use crate::Failure;
    use crate::generated::{Generated, Source};
    use crate::tidy::Report;
    use crate::tree::Tree;

    #[track_caller]
    fn check_kept(source: Source, files: &[(&str, &str)], expected: Option<&str>) {
        let mut report = Report::default();
        check_list(
            &[Generated {
                path: "docs/list.md",
                source,
            }],
            &Tree::of(files),
            &mut report,
        );
        let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        match expected {
            Some(part) => assert!(found.len() == 1 && found[0].contains(part), "{found:?}"),
            None => assert!(found.is_empty(), "{found:?}"),
        }
    }

    #[test]
    fn stale_missing_and_failing_files_are_found() {
        let two = Source::Function(|_| Ok("one\ntwo\n".to_owned()));
        check_kept(two, &[("docs/list.md", "one\ntwo\n")], None);
        check_kept(
            two,
            &[("docs/list.md", "one\n2\n")],
            Some("docs/list.md:2: is stale"),
        );
        check_kept(
            two,
            &[("docs/list.md", "one\ntwo")],
            Some("docs/list.md:3: is stale"),
        );
        check_kept(two, &[], Some("docs/list.md:1: is stale"));
        check_kept(
            Source::Function(|_| Err(Failure::new("no"))),
            &[],
            Some("cannot be generated: no"),
        );
    }
}
