//! The files of the workspace that a commit would hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// One file: its path from the root, with `/` between folders, and its bytes.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
}

impl SourceFile {
    /// The text, unless the file is binary.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// The part of the file name after its last dot; empty for `LICENSE` and `.gitignore`.
    pub(crate) fn extension(&self) -> &str {
        match self.name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => extension,
            _ => "",
        }
    }

    /// The file name without its folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// True when a folder of the path bears `name`.
    pub(crate) fn is_under(&self, name: &str) -> bool {
        let folders = self.path.rsplit_once('/').map_or("", |(folders, _)| folders);
        folders.split('/').any(|folder| folder == name)
    }
}

/// Tracked files and untracked files that git does not ignore, in path order.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) files: Vec<SourceFile>,
}

impl Tree {
    /// Asks git for the files under `root` and reads them. Files deleted but still tracked are left out.
    pub(crate) fn load(root: &Path) -> Result<Tree, Failure> {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|e| Failure::new(format!("cannot run git, which lists the files to check: {e}")))?;
        if !listing.status.success() {
            let said = String::from_utf8_lossy(&listing.stderr);
            return Err(Failure::new(format!(
                "git ls-files failed in {}: {}",
                root.display(),
                said.trim()
            )));
        }
        let mut paths: Vec<_> = listing
            .stdout
            .split(|&byte| byte == 0)
            .filter(|path| !path.is_empty())
            .collect();
        paths.sort_unstable();
        paths.dedup();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let path = String::from_utf8_lossy(path).into_owned();
            let place = root.join(&path);
            if !place.exists() {
                continue;
            }
            let bytes = fs::read(&place).map_err(|e| Failure::new(format!("cannot read {path}: {e}")))?;
            files.push(SourceFile { path, bytes });
        }
        Ok(Tree {
            root: root.to_owned(),
            files,
        })
    }

    /// A tree that exists only in memory, for the tests of rules.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        let files = files.iter().map(|(path, text)| SourceFile {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
        });
        Tree {
            root: PathBuf::from("."),
            files: files.collect(),
        }
    }

    /// The file at `path`.
    pub(crate) fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Files with this extension that are text, with their text.
    pub(crate) fn texts<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = (&'a SourceFile, &'a str)> {
        self.files
            .iter()
            .filter(move |file| file.extension() == extension)
            .filter_map(|file| Some((file, file.text()?)))
    }

    /// Folder name and manifest of every crate: `crates/<name>/Cargo.toml`.
    pub(crate) fn crates(&self) -> impl Iterator<Item = (&str, &SourceFile)> {
        self.files.iter().filter_map(|file| {
            let name = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
            (!name.contains('/')).then_some((name, file))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn extensions_and_folders_are_read_from_the_path() {
        let tree = Tree::of(&[(".gitignore", ""), ("a/fixtures/b.csv.gz", ""), ("LICENSE", "")]);
        let found: Vec<_> = tree
            .files
            .iter()
            .map(|f| (f.extension(), f.is_under("fixtures")))
            .collect();
        assert_eq!(found, [("", false), ("gz", true), ("", false)]);
    }

    #[test]
    fn crates_are_the_folders_right_under_crates() {
        let tree = Tree::of(&[
            ("Cargo.toml", ""),
            ("crates/a/Cargo.toml", ""),
            ("crates/a/b/Cargo.toml", ""),
        ]);
        assert_eq!(tree.crates().map(|(name, _)| name).collect::<Vec<_>>(), ["a"]);
    }
}
