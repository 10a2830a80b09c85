//! Files mapped into memory, read only.

use std::fs::{self, File};
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;

/// The bytes of a regular file, mapped; an empty one has nothing to map.
#[derive(Debug)]
pub struct MappedFile(Bytes);

#[derive(Debug)]
enum Bytes {
    Mapped(memmap2::Mmap),
    Empty,
}

impl MappedFile {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// What the operating system says; [`io::ErrorKind::IsADirectory`] for a folder and
    /// [`io::ErrorKind::Unsupported`] for a pipe or device, which is then not opened: it has no end to map, and whoever
    /// wants it must bound what is read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let facts = fs::metadata(path)?;
        if facts.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a folder, not a file",
            ));
        }
        if !facts.is_file() {
            let what = "it is a pipe or a device: save it to a file first";
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Self(Bytes::Empty));
        }
        // SAFETY: the mapping is private and read only, and every reader treats its bytes as untrusted: no length,
        // offset or UTF-8 property found in them is believed without a check at the place of use. A file that another
        // process truncates meanwhile raises SIGBUS, which ends the process without touching memory of ours; the
        // documentation of the readers says that files must not be truncated while they are read.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self(Bytes::Mapped(map)))
    }
}

impl MappedFile {
    /// Says that a range of bytes will hardly be read again, so that its pages need not count as memory of ours.
    ///
    /// The bytes stay readable: a later read takes them from the file again. Without effect where
    /// the system knows no such advice.
    ///
    /// # Panics
    /// If the range does not lie in the file.
    pub fn release(&self, range: Range<usize>) {
        assert!(
            range.start <= range.end && range.end <= self.len(),
            "the range lies in the file"
        );
        #[cfg(target_os = "linux")]
        if let Bytes::Mapped(map) = &self.0 {
            // Only whole pages, and none that a neighbour may still be reading.
            const PAGE: usize = 64 << 10;
            let start = range.start.next_multiple_of(PAGE);
            let end = range.end / PAGE * PAGE;
            if start < end {
                // SAFETY: the mapping is read only and backed by a file, so a page dropped here is read from the file
                // again when it is next touched; references into the mapping stay valid and see the same bytes.
                let advised = unsafe {
                    map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, end - start)
                };
                drop(advised); // Advice that is not taken costs memory, not correctness.
            }
        }
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Mapped(map) => map,
            Bytes::Empty => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_bytes_read_the_same() {
        let path = std::env::temp_dir().join(format!("kolosal-released-{}", std::process::id()));
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
        fs::write(&path, &bytes).expect("temporary folder is writable");
        let map = MappedFile::open(&path).expect("file exists");
        assert_eq!(map[..], bytes);
        for range in [0..0, 10..500_000, 0..1_000_000, 999_999..1_000_000] {
            map.release(range);
            assert_eq!(map[..], bytes);
        }
        fs::remove_file(&path).expect("file exists");
    }

    #[test]
    fn a_folder_is_refused_and_a_file_is_read() {
        let folder = std::env::temp_dir();
        assert!(MappedFile::open(&folder).is_err());
        let path = folder.join(format!("kolosal-mapped-{}", std::process::id()));
        fs::write(&path, b"hello").expect("temporary folder is writable");
        assert_eq!(&MappedFile::open(&path).expect("file exists")[..], b"hello");
        fs::write(&path, b"").expect("temporary folder is writable");
        assert!(MappedFile::open(&path).expect("file exists").is_empty());
        fs::remove_file(&path).expect("file exists");
    }
}
