//! The folder beside an output in which a training keeps what it has finished, so that a killed run goes on where it was.
//!
//! `model.kolosal.work/` holds `run.txt`, which says what is being trained, and a file for each finished fit: magic, SHA-256
//! of the rest, name and bytes. A file that is damaged or half written counts as absent. The folder goes when the model is
//! written; files in it that are not of a training are never touched.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use kolosal_training::{Journal, digest};

use crate::PlatformError;

const MAGIC: &[u8; 8] = b"KLSFIT1\0";
const DIGEST: usize = 32;

/// Ending of a finished fit, and of one that is being written.
const FIT: &str = "fit";
const HALF: &str = "half";

/// How every description begins.
const FACTS_START: &str = "version: ";

/// Most bytes that are read of a description.
const FACTS_MAX: u64 = 1 << 20;

/// The open folder; no other training has it while this lives.
pub(crate) struct WorkFolder {
    folder: PathBuf,
    /// Locked.
    _run: File,
}

/// How a folder was found.
pub(crate) enum Found {
    /// There was none.
    New,
    /// It holds so many finished fits of this very training.
    Same(usize),
    /// It was of another training, which differs in this; its fits were left out.
    Other(String),
}

impl WorkFolder {
    /// Opens the folder of an output for a training that `facts` describes, one `name: value` a line.
    ///
    /// # Errors
    /// If the folder cannot be made, another training has it, or fits are to be taken up (`must_resume`) and there are none
    /// of this training.
    pub(crate) fn open(
        output: &Path,
        facts: &str,
        must_resume: bool,
    ) -> Result<(Self, Found), PlatformError> {
        let mut folder = output.as_os_str().to_owned();
        folder.push(".work");
        let folder = PathBuf::from(folder);
        let failed = |source| PlatformError::Write {
            file: folder.clone(),
            source,
        };
        let refused = |problem: &str| PlatformError::Setting {
            what: "--resume",
            value: format!("impossible: {problem}"),
            allowed: "the same command as before, or left out to start anew".to_owned(),
        };
        if must_resume && !folder.is_dir() {
            return Err(refused(&format!("there is no {}", folder.display())));
        }
        fs::create_dir_all(&folder).map_err(failed)?;
        let path = folder.join("run.txt");
        let mut run = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match run.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(PlatformError::Setting {
                    what: "the output",
                    value: format!("{} (another training is writing it)", output.display()),
                    allowed: "a file of its own for each training that runs".to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let before = read_facts(&mut run).map_err(failed)?;
        if !before.is_empty() && !before.starts_with(FACTS_START) {
            return Err(PlatformError::Setting {
                what: "the folder for unfinished work",
                value: format!("{} (its run.txt is not of a training)", folder.display()),
                allowed: "moved out of the way, or another --output given".to_owned(),
            });
        }
        let found = if before == facts {
            Found::Same(files_in(&folder, &[FIT]).map_err(failed)?.len())
        } else if before.is_empty() {
            Found::New
        } else {
            Found::Other(difference(&before, facts))
        };
        match &found {
            Found::Other(difference) if must_resume => return Err(refused(difference)),
            Found::New if must_resume => return Err(refused("nothing had been finished")),
            Found::Same(_) => {}
            Found::New | Found::Other(_) => {
                for fit in files_in(&folder, &[FIT, HALF]).map_err(failed)? {
                    fs::remove_file(fit).map_err(failed)?;
                }
                write_facts(&mut run, facts).map_err(failed)?;
            }
        }
        Ok((Self { folder, _run: run }, found))
    }

    /// Removes what a training has put there, since it is in the model; and the folder, if nothing else is in it.
    pub(crate) fn remove(self) -> io::Result<()> {
        for fit in files_in(&self.folder, &[FIT, HALF])? {
            fs::remove_file(fit)?;
        }
        fs::remove_file(self.folder.join("run.txt"))?;
        fs::remove_dir(&self.folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        let digest = digest(&[name.as_bytes()]);
        let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(hex).with_extension(FIT)
    }
}

impl Journal for WorkFolder {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let path = self.path(name);
        let half = path.with_extension(HALF);
        let length = (name.len() as u64).to_le_bytes();
        let digest = digest(&[&length, name.as_bytes(), bytes]);
        let whole = [MAGIC.as_slice(), &digest, &length, name.as_bytes(), bytes].concat();
        let written = fs::write(&half, whole).and_then(|()| fs::rename(&half, &path));
        written.map_err(|error| {
            let _ = fs::remove_file(&half);
            format!("{} cannot be written: {error}", path.display())
        })
    }

    fn get(&self, name: &str) -> Option<Vec<u8>> {
        let whole = fs::read(self.path(name)).ok()?;
        let rest = whole.strip_prefix(MAGIC)?;
        let (found, rest) = rest.split_at_checked(DIGEST)?;
        if found != digest(&[rest]) {
            return None;
        }
        let (length, rest) = rest.split_at_checked(8)?;
        let length = u64::from_le_bytes(length.try_into().ok()?);
        let (found, bytes) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        (found == name.as_bytes()).then(|| bytes.to_vec())
    }
}

/// Files of a training in the folder: names of 32 hexadecimal digits with one of these endings.
fn files_in(folder: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let is_name = |stem: &str| stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let ending = path.extension().and_then(|ending| ending.to_str());
        if stem.is_some_and(is_name) && ending.is_some_and(|ending| endings.contains(&ending)) {
            files.push(path);
        }
    }
    Ok(files)
}

/// The description that is there; what is longer than any, or no text, is not of a training.
fn read_facts(run: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    run.take(FACTS_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write_facts(run: &mut File, facts: &str) -> io::Result<()> {
    run.rewind()?;
    run.set_len(0)?;
    run.write_all(facts.as_bytes())
}

/// The first line in which two descriptions differ, in words.
fn difference(before: &str, now: &str) -> String {
    let mut pairs = before.lines().zip(now.lines());
    match pairs.find(|(a, b)| a != b) {
        Some((a, b)) => format!("the unfinished training had {a}, this one has {b}"),
        None => "the unfinished training was another".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test's own, removed at its end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let place = std::env::temp_dir().join(format!("kolosal-work-{name}-{}", std::process::id()));
            fs::create_dir_all(&place).expect("a folder for tests");
            Self(place)
        }

        fn output(&self) -> PathBuf {
            self.0.join("model.kolosal")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn open(place: &Place, facts: &str, must_resume: bool) -> Result<(WorkFolder, Found), PlatformError> {
        WorkFolder::open(&place.output(), facts, must_resume)
    }

    #[test]
    fn the_same_training_finds_its_fits_and_another_does_not() {
        let place = Place::new("same");
        let (folder, found) = open(&place, "version: 1\nseed: 1\n", false).expect("a new folder");
        assert!(matches!(found, Found::New));
        folder.put("a", b"bytes").expect("room on the disk");
        drop(folder);
        let (folder, found) = open(&place, "version: 1\nseed: 1\n", true).expect("the same training");
        assert!(matches!(found, Found::Same(1)));
        assert_eq!(folder.get("a").as_deref(), Some(b"bytes".as_slice()));
        drop(folder);
        let error = open(&place, "version: 1\nseed: 2\n", true)
            .err()
            .expect("another training");
        assert!(
            error.to_string().contains("had seed: 1, this one has seed: 2"),
            "{error}"
        );
        let (folder, found) = open(&place, "version: 1\nseed: 2\n", false).expect("a fresh start");
        assert!(matches!(found, Found::Other(_)));
        assert_eq!(folder.get("a"), None);
        folder.remove().expect("it is ours");
        assert!(open(&place, "version: 1\nseed: 2\n", true).is_err());
    }

    #[test]
    fn a_damaged_fit_counts_as_absent() {
        let place = Place::new("damaged");
        let (folder, _) = open(&place, "version: 1\nseed: 1\n", false).expect("a new folder");
        folder.put("a", b"some bytes").expect("room on the disk");
        let path = folder.path("a");
        let whole = fs::read(&path).expect("written just now");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).expect("room on the disk");
            assert_eq!(folder.get("a"), None, "byte {at}");
            fs::write(&path, &whole[..at]).expect("room on the disk");
            assert_eq!(folder.get("a"), None, "{at} bytes");
        }
    }

    #[test]
    fn files_of_others_are_never_touched() {
        let place = Place::new("others");
        let folder = place.0.join("model.kolosal.work");
        fs::create_dir_all(&folder).expect("a folder for tests");
        fs::write(folder.join("mine.fit"), "precious").expect("room on the disk");
        let (work, _) = open(&place, "version: 1\nseed: 1\n", false).expect("room for a training");
        work.put("a", b"bytes").expect("room on the disk");
        assert!(work.remove().is_err(), "the folder is not empty");
        let left: Vec<_> = fs::read_dir(&folder).expect("it is there").collect();
        assert_eq!(left.len(), 1);
        assert_eq!(
            fs::read(folder.join("mine.fit")).expect("it is there"),
            b"precious"
        );
        fs::write(folder.join("run.txt"), "notes of a run").expect("room on the disk");
        let error = open(&place, "version: 1\nseed: 1\n", false)
            .err()
            .expect("it is not ours");
        assert!(error.to_string().contains("not of a training"), "{error}");
        assert_eq!(
            fs::read_to_string(folder.join("run.txt")).expect("it is there"),
            "notes of a run"
        );
    }

    #[test]
    fn a_half_written_fit_does_not_count() {
        let place = Place::new("half");
        let (folder, _) = open(&place, "version: 1\nseed: 1\n", false).expect("a new folder");
        fs::write(folder.path("a").with_extension(HALF), "half").expect("room on the disk");
        drop(folder);
        let (_, found) = open(&place, "version: 1\nseed: 1\n", false).expect("the same training");
        assert!(matches!(found, Found::Same(0)));
    }

    #[test]
    fn one_output_has_one_training_at_a_time() {
        let place = Place::new("locked");
        let held = open(&place, "version: 1\nseed: 1\n", false).expect("a new folder");
        let error = open(&place, "version: 1\nseed: 1\n", false)
            .err()
            .expect("it is taken");
        assert!(error.to_string().contains("another training"), "{error}");
        drop(held);
        assert!(open(&place, "version: 1\nseed: 1\n", false).is_ok());
    }
}
