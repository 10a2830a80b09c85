//! Files mapped into memory, read only.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

/// The bytes of a file, mapped where the system can and copied where it cannot (pipes, empty files).
#[derive(Debug)]
pub struct MappedFile(Bytes);

#[derive(Debug)]
enum Bytes {
    Mapped(memmap2::Mmap),
    Copied(Vec<u8>),
}

impl MappedFile {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// What the operating system says, a folder included.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let facts = file.metadata()?;
        if facts.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a folder, not a file",
            ));
        }
        if !facts.is_file() || facts.len() == 0 {
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut file, &mut bytes)?;
            return Ok(Self(Bytes::Copied(bytes)));
        }
        // SAFETY: the mapping is private and read only, and every reader treats its bytes as untrusted: no length,
        // offset or UTF-8 property found in them is believed without a check at the place of use. A file that another
        // process truncates meanwhile raises SIGBUS, which ends the process without touching memory of ours; the
        // documentation of the readers says that files must not be truncated while they are read.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self(Bytes::Mapped(map)))
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Mapped(map) => map,
            Bytes::Copied(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_refused_and_a_file_is_read() {
        let folder = std::env::temp_dir();
        assert!(MappedFile::open(&folder).is_err());
        let path = folder.join(format!("kolosal-mapped-{}", std::process::id()));
        std::fs::write(&path, b"hello").expect("temporary folder is writable");
        assert_eq!(&MappedFile::open(&path).expect("file exists")[..], b"hello");
        std::fs::write(&path, b"").expect("temporary folder is writable");
        assert!(MappedFile::open(&path).expect("file exists").is_empty());
        std::fs::remove_file(&path).expect("file exists");
    }
}
