//! Rule: the repository holds text of a known kind and reasonable size.

use super::Report;
use crate::tree::{SourceFile, Tree};

const TEXT_BYTES_MAX: usize = 256 * 1024;
const BINARY_BYTES_MAX: usize = 64 * 1024;

/// Extensions of text files.
const TEXT: &[&str] = &[
    "css", "csv", "html", "js", "json", "jsonl", "lock", "md", "mjs", "proto", "py", "pyi", "rs", "sh",
    "sql", "svg", "toml", "ts", "tsv", "tsx", "txt", "yaml", "yml",
];

/// Names of text files without an extension.
const NAMES: &[&str] = &[
    ".ci/run",
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    "Dockerfile",
    "LICENSE-APACHE",
    "LICENSE-MIT",
];

/// Extensions of binary files, allowed in the folders below: what readers and artifact formats are tested on.
const BINARY: &[&str] = &["arrow", "gz", "kolosal", "parquet", "zst"];
const BINARY_FOLDERS: &[&str] = &["fixtures", "golden"];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for file in &tree.files {
        if let Some(message) = complaint(file) {
            report.find(&file.path, 1, message);
        }
    }
}

fn complaint(file: &SourceFile) -> Option<String> {
    let extension = file.extension();
    let bytes = file.bytes.len();
    if BINARY.contains(&extension) {
        if !BINARY_FOLDERS.iter().any(|folder| file.is_under(folder)) {
            return Some(format!(
                "is binary; .{extension} files live in a folder called {}",
                BINARY_FOLDERS.join(" or ")
            ));
        }
        let limit = BINARY_BYTES_MAX;
        return (bytes > limit).then(|| format!("has {bytes} bytes; a binary test file has {limit} at most"));
    }
    if !TEXT.contains(&extension) && !NAMES.contains(&file.path.as_str()) && !NAMES.contains(&file.name()) {
        return Some(format!(
            "is of a kind not on the list; remove it, or add its extension or name in {}",
            file!()
        ));
    }
    if bytes > TEXT_BYTES_MAX {
        return Some(format!(
            "has {bytes} bytes; a file has {TEXT_BYTES_MAX} at most: generate it, or fetch it when needed"
        ));
    }
    file.text()
        .is_none()
        .then(|| "is not UTF-8 text; convert it, or build it inside the test that needs it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::{Report, expect_findings};
    use crate::tree::{SourceFile, Tree};

    #[track_caller]
    fn check_file(path: &str, bytes: &[u8], expected: Option<&str>) {
        let file = SourceFile {
            path: path.to_owned(),
            bytes: bytes.to_vec(),
        };
        let mut report = Report::default();
        check(
            &Tree {
                root: ".".into(),
                files: vec![file],
            },
            &mut report,
        );
        let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        match expected {
            Some(part) => assert!(found.len() == 1 && found[0].contains(part), "{found:?}"),
            None => assert!(found.is_empty(), "{found:?}"),
        }
    }

    #[test]
    fn listed_text_passes_and_the_rest_is_found() {
        let clean = [
            ("src/a.rs", ""),
            (".ci/run", ""),
            ("crates/a/.gitignore", ""),
            ("LICENSE-MIT", ""),
        ];
        expect_findings(check, &clean, &[]);
        expect_findings(
            check,
            &[("a.exe", "")],
            &["a.exe:1: is of a kind not on the list"],
        );
        expect_findings(check, &[("bin/run", "")], &["is of a kind not on the list"]);
    }

    #[test]
    fn text_is_small_and_utf8() {
        check_file("a.csv", &vec![b'x'; 256 * 1024], None);
        check_file("a.csv", &vec![b'x'; 256 * 1024 + 1], Some("has 262145 bytes"));
        check_file("a.csv", b"caf\xe9\n", Some("is not UTF-8 text"));
    }

    #[test]
    fn binary_files_are_small_and_kept_with_the_tests() {
        check_file("crates/a/golden/v1.kolosal", &[0xff; 64 * 1024], None);
        check_file("crates/a/tests/fixtures/a.csv.gz", &[0xff], None);
        check_file(
            "crates/a/golden/v1.kolosal",
            &[0xff; 64 * 1024 + 1],
            Some("has 65537 bytes"),
        );
        check_file("crates/a/model.kolosal", &[0xff], Some("is binary"));
    }
}
