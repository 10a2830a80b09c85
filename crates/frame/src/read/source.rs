//! The bytes of a file: mapped, decompressed, and decoded to UTF-8.

use std::fs::File;
use std::io::{self, Read};
use std::ops::{Deref, Range};

use kolosal_base::limits::RECORD_BYTES_MAX;
use kolosal_compute::{MappedFile, Reservation};

use super::{Encoding, Job, ReadError};

/// A file's bytes after decompression.
#[derive(Debug)]
pub(crate) enum Source {
    Mapped(MappedFile),
    /// Bytes made from the file's.
    Made {
        bytes: Vec<u8>,
        /// Held until the bytes are dropped.
        _memory: Vec<Reservation>,
    },
}

impl Deref for Source {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Made { bytes, .. } => bytes,
        }
    }
}

impl Source {
    /// Says that a range of bytes will hardly be read again; see [`MappedFile::release`].
    pub(crate) fn release(&self, range: Range<usize>) {
        if let Self::Mapped(map) = self {
            map.release(range);
        }
    }
}

impl AsRef<[u8]> for Source {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Bytes decompressed between two looks at the memory budget and the cancel flag.
const STEP: usize = 8 << 20;

/// Opens a file and undoes gzip or zstd compression.
pub(crate) fn open(job: &Job<'_>) -> Result<Source, ReadError> {
    let source = match MappedFile::open(job.path) {
        Ok(map) => Source::Mapped(map),
        // A pipe or a device may never end, so it is taken in by the steps, and within the bounds, of a compressed file.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            let pipe = File::open(job.path).map_err(|source| job.open_error(source))?;
            unfold(job, pipe, "pipe")?
        }
        Err(error) => return Err(job.open_error(error)),
    };
    match &source[..source.len().min(4)] {
        [] => Err(ReadError::Empty { file: job.file() }),
        [0x1f, 0x8b, ..] => unfold(job, flate2::bufread::MultiGzDecoder::new(&source[..]), "gzip"),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let decoder = zstd::stream::read::Decoder::with_buffer(&source[..]);
            unfold(job, decoder.map_err(|source| job.open_error(source))?, "zstd")
        }
        _ => Ok(source),
    }
}

fn unfold(job: &Job<'_>, decoder: impl Read, format: &'static str) -> Result<Source, ReadError> {
    let mut decoder = decoder;
    let mut bytes = Vec::new();
    let mut memory = Vec::new();
    let mut line_start = 0;
    loop {
        if job.cancel.is_requested() {
            return Err(ReadError::Cancelled);
        }
        memory.push(job.reserve(STEP as u64)?);
        let before = bytes.len();
        let taken = (&mut decoder).take(STEP as u64).read_to_end(&mut bytes);
        let taken = taken.map_err(|error| ReadError::Damaged {
            file: job.file(),
            format,
            message: error.to_string(),
        })?;
        if taken == 0 {
            break;
        }
        // A stream that unfolds into one endless line is refused before it fills the memory.
        if let Some(at) = bytes[before..]
            .iter()
            .rposition(|&byte| byte == b'\n' || byte == b'\r')
        {
            line_start = before + at + 1;
        }
        let is_text = !bytes.starts_with(b"PAR1") && !bytes.starts_with(b"ARROW1");
        if is_text && bytes.len() - line_start > RECORD_BYTES_MAX {
            let line = 1 + bytes[..line_start].iter().filter(|&&byte| byte == b'\n').count();
            return Err(ReadError::RecordTooLong {
                file: job.file(),
                line,
                limit: RECORD_BYTES_MAX,
            });
        }
    }
    if bytes.is_empty() {
        return Err(ReadError::Empty { file: job.file() });
    }
    Ok(Source::Made {
        bytes,
        _memory: memory,
    })
}

/// The text of a source as UTF-8 without a byte order mark, and how many bytes the mark had.
pub(crate) fn decode(job: &Job<'_>, source: Source) -> Result<(Source, usize), ReadError> {
    let (encoding, mark) = match (&source[..source.len().min(3)], job.options.encoding) {
        ([0xef, 0xbb, 0xbf], _) => return Ok((source, 3)),
        ([0xff, 0xfe, ..], _) => (encoding_rs::UTF_16LE, 2),
        ([0xfe, 0xff, ..], _) => (encoding_rs::UTF_16BE, 2),
        (_, Encoding::Windows1252) => (encoding_rs::WINDOWS_1252, 0),
        (_, Encoding::Detect) => return Ok((source, 0)),
    };
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let bytes = &source[mark..];
    let most = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(usize::MAX);
    let memory = job.reserve(most as u64)?;
    let mut text = String::with_capacity(most);
    let (_, _, has_errors) = decoder.decode_to_string(bytes, &mut text, true);
    if has_errors {
        return Err(job.not_a_table(format!("it is not valid {}", encoding.name())));
    }
    let bytes = text.into_bytes();
    let source = Source::Made {
        bytes,
        _memory: vec![memory],
    };
    Ok((source, 0))
}

impl Job<'_> {
    fn open_error(&self, source: io::Error) -> ReadError {
        let file = self.file();
        match source.kind() {
            io::ErrorKind::NotFound => ReadError::NoFile { file },
            io::ErrorKind::IsADirectory => ReadError::Folder { file },
            _ => ReadError::Io { file, source },
        }
    }
}
