//! Checked-in files that a program makes: the list of them, and how each is made.
//!
//! To add one, add a line to [`GENERATED`] and run `cargo xtask generate`; `cargo xtask tidy` compares from then on.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::cargo::{self, Profile};

/// Every generated file.
pub(crate) const GENERATED: &[Generated] = &[Generated {
    path: "docs/learners.md",
    source: Source::Kolosal(&["learners", "--markdown"]),
}];

/// How a file is made.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "which kinds the list uses changes from line to line")]
pub(crate) enum Source {
    /// What `kolosal` prints on standard output for these arguments.
    Kolosal(&'static [&'static str]),
    /// What a function makes from the root of the workspace.
    Function(fn(&Path) -> Result<String, Failure>),
}

/// A path from the root and how its content is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generated {
    pub(crate) path: &'static str,
    pub(crate) source: Source,
}

impl Generated {
    /// Makes the content.
    pub(crate) fn make(&self, root: &Path) -> Result<String, Failure> {
        match self.source {
            Source::Function(make) => make(root),
            Source::Kolosal(arguments) => {
                let kolosal = cargo::build_kolosal(root, Profile::Dev)?;
                output(Command::new(kolosal).args(arguments).current_dir(root))
            }
        }
    }
}

/// Standard output of `command`, which must succeed and print UTF-8.
fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|e| Failure::new(format!("cannot run {program}: {e}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!(
            "{program} failed with {}: {}",
            output.status,
            said.trim()
        )));
    }
    String::from_utf8(output.stdout).map_err(|e| Failure::new(format!("{program} printed no UTF-8: {e}")))
}

/// Rewrites every file of `list` below `root` that is not as its generator makes it, and says which.
pub(crate) fn write_all(list: &[Generated], root: &Path) -> Result<(), Failure> {
    for generated in list {
        let made = generated.make(root)?;
        let place = root.join(generated.path);
        if fs::read_to_string(&place).is_ok_and(|kept| kept == made) {
            continue;
        }
        let folder = place.parent().expect("a path below the root has a parent");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&place, made))
            .map_err(|e| Failure::new(format!("cannot write {}: {e}", place.display())))?;
        println!("wrote {}", generated.path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::{Generated, Source, output, write_all};
    use crate::Failure;

    fn names(root: &Path) -> Result<String, Failure> {
        let entries = fs::read_dir(root).map_err(|e| Failure::new(e.to_string()))?;
        let mut names: Vec<_> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.retain(|name| name.ends_with(".in"));
        names.sort();
        Ok(names.join("\n"))
    }

    #[test]
    fn files_are_made_in_folders_that_may_not_exist_yet_and_follow_their_source() {
        let root = std::env::temp_dir().join(format!("kolosal-generated-{}", std::process::id()));
        fs::create_dir_all(&root).expect("a temporary folder can be made");
        let list = [Generated {
            path: "docs/deep/names.md",
            source: Source::Function(names),
        }];

        fs::write(root.join("b.in"), "").expect("the folder is writable");
        write_all(&list, &root).expect("everything can be written");
        let kept = || fs::read_to_string(root.join("docs/deep/names.md")).expect("the file was made");
        assert_eq!(kept(), "b.in");

        fs::write(root.join("a.in"), "").expect("the folder is writable");
        write_all(&list, &root).expect("everything can be written");
        assert_eq!(kept(), "a.in\nb.in");
        fs::remove_dir_all(&root).expect("the folder is ours");
    }

    #[test]
    fn output_of_a_failing_program_is_a_failure_with_its_message() {
        let text = output(Command::new("git").arg("--version")).expect("git is there");
        assert!(text.starts_with("git version"), "{text}");
        let failure = output(Command::new("git").arg("no-such-verb")).expect_err("git knows no such verb");
        assert!(failure.to_string().contains("no-such-verb"), "{failure}");
    }
}
