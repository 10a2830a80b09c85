//! Bytes by their digest.
//!
//! A blob is written beside its place, synced, renamed to its SHA-256, and the folder is synced; only then may a row name it.
//! Its name is made here, of 64 hexadecimal digits: no word of a client becomes a path.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::ids::{hex, random_hex};

/// A digest that is known to be one: 64 hexadecimal digits, lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobDigest(String);

impl BlobDigest {
    /// Takes a digest from words.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if it is none.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(is_hex) {
            return Ok(Self(text.to_owned()));
        }
        Err(StoreError::invalid(
            "a digest",
            "must be 64 hexadecimal digits in lower case",
        ))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A blob that is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The SHA-256 of its bytes.
    pub digest: BlobDigest,
    /// Their number.
    pub size: u64,
}

/// A folder of blobs.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    folder: PathBuf,
}

/// Age at which an unfinished blob is taken for one whose writer has died: a day.
const STALE_MS: i64 = 86_400_000;

impl Blobs {
    /// Opens or makes the folder, and removes what writers that died have left.
    pub(crate) fn open(folder: &Path, now_ms: i64) -> Result<Self, StoreError> {
        let blobs = Self {
            folder: folder.to_owned(),
        };
        let unfinished = blobs.unfinished();
        fs::create_dir_all(&unfinished).map_err(|source| at(&unfinished, source))?;
        for entry in fs::read_dir(&unfinished)
            .map_err(|source| at(&unfinished, source))?
            .flatten()
        {
            let age = entry
                .metadata()
                .and_then(|data| data.modified())
                .ok()
                .and_then(|time| {
                    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
                    Some(now_ms - since.as_millis() as i64)
                });
            if age.is_some_and(|age| age > STALE_MS) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(blobs)
    }

    fn unfinished(&self) -> PathBuf {
        self.folder.join("unfinished")
    }

    fn place(&self, digest: &BlobDigest) -> PathBuf {
        self.folder.join(&digest.0[..2]).join(&digest.0[2..])
    }

    /// Begins a blob of at most so many bytes.
    pub(crate) fn begin(&self, size_max: u64) -> Result<BlobWriter, StoreError> {
        let path = self.unfinished().join(random_hex(16)?);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| at(&path, source))?;
        Ok(BlobWriter {
            blobs: self.clone(),
            path,
            file,
            hash: Sha256::new(),
            size: 0,
            size_max,
            is_done: false,
        })
    }

    /// Opens a blob to be read; the caller may check the digest while reading.
    pub(crate) fn open_blob(&self, digest: &BlobDigest) -> Result<File, StoreError> {
        let place = self.place(digest);
        File::open(&place).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::Damaged {
                what: format!("blob {}", digest.0),
                problem: "its bytes are gone; restore a copy of the folder of blobs".to_owned(),
            },
            _ => at(&place, source),
        })
    }

    /// Opens a blob after all of its bytes were compared with its digest.
    pub(crate) fn open_verified(&self, digest: &BlobDigest) -> Result<File, StoreError> {
        let mut file = self.open_blob(digest)?;
        let mut hash = Sha256::new();
        let mut block = vec![0; BLOCK];
        loop {
            let count = file
                .read(&mut block)
                .map_err(|source| at(&self.place(digest), source))?;
            if count == 0 {
                break;
            }
            hash.update(&block[..count]);
        }
        if hex(&hash.finalize()) != digest.0 {
            return Err(StoreError::Damaged {
                what: format!("blob {}", digest.0),
                problem: "its bytes have changed since they were stored; restore a copy".to_owned(),
            });
        }
        file.rewind().map_err(|source| at(&self.place(digest), source))?;
        Ok(file)
    }

    /// Where a blob's bytes are, for readers that map files.
    pub(crate) fn path(&self, digest: &BlobDigest) -> PathBuf {
        self.place(digest)
    }
}

const BLOCK: usize = 1 << 16;

/// A blob that is being written; dropped before it is finished, it leaves nothing.
pub struct BlobWriter {
    blobs: Blobs,
    path: PathBuf,
    file: File,
    hash: Sha256,
    size: u64,
    size_max: u64,
    is_done: bool,
}

impl BlobWriter {
    /// Adds bytes.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] past the size that was allowed, [`StoreError::Io`] if the disk refuses.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.size += bytes.len() as u64;
        if self.size > self.size_max {
            let problem = format!("is longer than the {} bytes allowed", self.size_max);
            return Err(StoreError::invalid("the artifact", problem));
        }
        self.hash.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(|source| at(&self.path, source))
    }

    /// Adds all that a reader has.
    ///
    /// # Errors
    /// As [`BlobWriter::add`].
    pub fn add_all(&mut self, mut from: impl Read) -> Result<(), StoreError> {
        let mut block = vec![0; BLOCK];
        loop {
            match from.read(&mut block).map_err(|source| at(&self.path, source))? {
                0 => return Ok(()),
                count => self.add(&block[..count])?,
            }
        }
    }

    /// Puts the blob in its place, for good.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the disk refuses.
    pub fn finish(mut self) -> Result<Blob, StoreError> {
        let digest = BlobDigest(hex(&std::mem::take(&mut self.hash).finalize()));
        let place = self.blobs.place(&digest);
        let folder = place.parent().expect("a blob is in a folder").to_owned();
        let put = || -> io::Result<()> {
            self.file.sync_all()?;
            if !folder.is_dir() {
                fs::create_dir_all(&folder)?;
                sync_folder(&self.blobs.folder)?;
            }
            // Equal bytes that are there already are replaced: those there may have rotted.
            fs::rename(&self.path, &place)?;
            sync_folder(&folder)
        };
        put().map_err(|source| at(&place, source))?;
        self.is_done = true;
        Ok(Blob {
            digest,
            size: self.size,
        })
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(crate) fn at(file: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        file: file.to_owned(),
        source,
    }
}
