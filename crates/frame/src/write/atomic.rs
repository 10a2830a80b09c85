//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file being written next to its final place, which it takes when committed.
///
/// The bytes go to a temporary file in the same folder; [`AtomicFile::commit`] makes them durable and renames. Dropped
/// without commit, for whatever reason, the temporary file is removed and an older file of that name stays as it was.
/// A name that exists and is no regular file (a pipe, `/dev/stdout`) is written to directly.
///
/// ```
/// use std::io::Write;
/// use kolosal_frame::write::AtomicFile;
/// let folder = std::env::temp_dir().join(format!("kolosal-doc-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let mut file = AtomicFile::create(&folder.join("answer.txt"))?;
/// file.write_all(b"42")?;
/// file.commit()?;
/// assert_eq!(std::fs::read(folder.join("answer.txt"))?, b"42");
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    file: BufWriter<File>,
    /// Where the bytes are and where they go; `None` if they go straight to a device.
    names: Option<Names>,
}

#[derive(Debug)]
struct Names {
    temporary: PathBuf,
    target: PathBuf,
}

impl Drop for Names {
    fn drop(&mut self) {
        // After a commit there is nothing left under this name, and otherwise a failure to clean up must not hide the
        // failure that led here.
        let _ = fs::remove_file(&self.temporary);
    }
}

impl AtomicFile {
    /// Begins a file.
    ///
    /// # Errors
    /// What the operating system says; the folder must exist and be writable.
    pub fn create(path: &Path) -> io::Result<Self> {
        // A link keeps pointing to the file it points to.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let existing = fs::metadata(&target).ok();
        if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a folder, not a file",
            ));
        }
        if existing.as_ref().is_some_and(|facts| !facts.is_file()) {
            let file = BufWriter::new(OpenOptions::new().write(true).open(&target)?);
            return Ok(Self { file, names: None });
        }
        let (file, temporary) = create_beside(&target)?;
        let names = Names { temporary, target };
        if let Some(facts) = existing {
            fs::set_permissions(&names.temporary, facts.permissions())?;
        }
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file),
            names: Some(names),
        })
    }

    /// Makes the bytes durable and gives them their name.
    ///
    /// # Errors
    /// What the operating system says; the name then still means what it meant before.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.flush()?;
        let Some(names) = self.names.take() else {
            return Ok(());
        };
        self.file.get_ref().sync_all()?;
        fs::rename(&names.temporary, &names.target)?;
        sync_folder(&names.target);
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A new file in the folder of another, under a name that tells whose it is.
fn create_beside(target: &Path) -> io::Result<(File, PathBuf)> {
    const TRIES: usize = 1000;
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for number in 0..TRIES {
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{number}.part", std::process::id()));
        let path = target.with_file_name(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Makes the rename itself durable where the system can; the file is whole either way.
fn sync_folder(target: &Path) {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect()
    }

    #[test]
    fn nothing_is_left_of_a_file_that_is_not_committed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("t");
        fs::write(&path, "old").expect("writable");
        let mut file = AtomicFile::create(&path).expect("writable");
        file.write_all(b"new").expect("writable");
        drop(file);
        assert_eq!(
            (fs::read_to_string(&path).expect("kept"), names(folder.path())),
            ("old".to_owned(), vec!["t".to_owned()])
        );
    }

    #[test]
    fn a_committed_file_replaces_the_old_one_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("t");
        fs::write(&path, "old").expect("writable");
        let mut permissions = fs::metadata(&path).expect("exists").permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).expect("own file");
        let mut file = AtomicFile::create(&path).expect("writable");
        file.write_all(b"new").expect("writable");
        file.commit().expect("renamed");
        assert_eq!(fs::read_to_string(&path).expect("exists"), "new");
        assert!(fs::metadata(&path).expect("exists").permissions().readonly());
        assert_eq!(names(folder.path()), ["t"]);
    }

    #[test]
    fn a_folder_is_no_target() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(AtomicFile::create(folder.path()).is_err());
        assert!(AtomicFile::create(&folder.path().join("absent/t")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let mut file = AtomicFile::create(Path::new("/dev/full")).expect("a device");
        let written = file.write_all(&[0; 2 << 20]).and_then(|()| file.commit());
        assert_eq!(written.expect_err("no space").kind(), io::ErrorKind::StorageFull);
    }
}
