//! The `.kolosal` file: data only, checksummed, mappable.
//!
//! All numbers are little-endian. Offsets count from the start of the file.
//!
//! | bytes | content |
//! |---|---|
//! | 0..8 | magic: `KOLOSAL` and a zero byte |
//! | 8..12 | format version, `u32` |
//! | 12..16 | number of sections, `u32` |
//! | 16..24 | length of the manifest, `u64` |
//! | 24..32 | length of the file, `u64` |
//! | 32..64 | SHA-256 of bytes 0..32, the section table and the manifest |
//! | 64.. | section table, 64 bytes a section: name (16 bytes, zero padded), offset `u64`, length `u64`, SHA-256 of the section |
//! | after it | the manifest, JSON; then the sections, each from a multiple of 64 on, the gaps zero |
//!
//! Sections of version 1: `head` (schema with levels, target, shared transforms, temperature) and `member.0`, `member.1`, ..
//! (chain and model). Version 2 adds `decision` (how a class is called, errors of held-out rows). Version 3 adds members that are
//! packed: `packed.0` takes the place of `member.0`. A pipeline is written in the oldest version that has what it needs. Every length is compared with the file before anything is allocated, every byte is covered by a
//! checksum or must be zero, and nothing in a file is ever executed.

use std::borrow::Cow;
use std::io::{self, Write};

use kolosal_base::limits::MANIFEST_BYTES_MAX;
use kolosal_learner::{ArtifactError, Encoder};
use sha2::{Digest, Sha256};

use crate::packed::{pack, unpack};
use crate::{Manifest, Pipeline};

/// The newest format version that this code writes and reads.
pub const FORMAT_VERSION: u32 = 3;

const MAGIC: &[u8; 8] = b"KOLOSAL\0";
const HEADER: usize = 64;
const ENTRY: usize = 64;
const NAME: usize = 16;
const ALIGN: usize = 64;
const SECTIONS_MAX: u32 = 10_000;

/// A pipeline and what its file says of it.
pub struct Artifact {
    /// The description.
    pub manifest: Manifest,
    /// What predicts.
    pub pipeline: Pipeline,
}

struct Section<'a> {
    name: String,
    bytes: &'a [u8],
}

/// Writes a pipeline; the same pipeline and manifest give the same bytes. Gives their number.
///
/// # Errors
/// What the target says.
///
/// # Panics
/// If the manifest lists other members than the pipeline has.
pub fn write_artifact(manifest: &Manifest, pipeline: &Pipeline, to: &mut dyn Write) -> io::Result<u64> {
    assert_eq!(
        manifest.members,
        pipeline.member_entries(),
        "the manifest describes the pipeline"
    );
    let mut head = Encoder::new();
    pipeline.save_head(&mut head);
    let mut sections = vec![("head".to_owned(), head.into_bytes())];
    let decision = pipeline.save_decision();
    let mut version = if decision.is_some() { 2 } else { 1 };
    sections.extend(decision.map(|bytes| ("decision".to_owned(), bytes)));
    for (i, (_, member)) in pipeline.members().iter().enumerate() {
        let bytes = member.to_bytes();
        sections.push(match pack(&bytes) {
            Some(packed) => {
                version = FORMAT_VERSION;
                (format!("packed.{i}"), packed)
            }
            None => (format!("member.{i}"), bytes),
        });
    }
    let manifest = serde_json::to_vec(manifest).expect("a manifest has only text, numbers and lists");
    let (table, end) = section_table(manifest.len(), &sections);
    to.write_all(&head_bytes(version, &manifest, (&table, end)))?;
    let mut at = HEADER + table.len() + manifest.len();
    for (_, bytes) in &sections {
        to.write_all(&[0; ALIGN][..at.next_multiple_of(ALIGN) - at])?;
        to.write_all(bytes)?;
        at = at.next_multiple_of(ALIGN) + bytes.len();
    }
    assert_eq!(at, end, "the layout was computed before");
    Ok(end as u64)
}

/// Name, place, length and checksum of each section; and where the file ends.
fn section_table(manifest_len: usize, sections: &[(String, Vec<u8>)]) -> (Vec<u8>, usize) {
    let mut table = Vec::with_capacity(sections.len() * ENTRY);
    let mut end = HEADER + sections.len() * ENTRY + manifest_len;
    for (section, bytes) in sections {
        let offset = end.next_multiple_of(ALIGN);
        let mut name = [0; NAME];
        name[..section.len()].copy_from_slice(section.as_bytes());
        table.extend_from_slice(&name);
        table.extend_from_slice(&(offset as u64).to_le_bytes());
        table.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        table.extend_from_slice(&Sha256::digest(bytes));
        end = offset + bytes.len();
    }
    (table, end)
}

/// Header, section table and manifest.
fn head_bytes(version: u32, manifest: &[u8], (table, end): (&[u8], usize)) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEADER + table.len() + manifest.len());
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&version.to_le_bytes());
    head.extend_from_slice(&((table.len() / ENTRY) as u32).to_le_bytes());
    head.extend_from_slice(&(manifest.len() as u64).to_le_bytes());
    head.extend_from_slice(&(end as u64).to_le_bytes());
    let digest = Sha256::new()
        .chain_update(&head)
        .chain_update(table)
        .chain_update(manifest)
        .finalize();
    head.extend_from_slice(&digest);
    head.extend_from_slice(table);
    head.extend_from_slice(manifest);
    head
}

/// Reads the description without the model; every checksum of the file is verified.
///
/// # Errors
/// [`ArtifactError`] if the bytes are no model file, damaged, truncated, or of a newer format.
pub fn read_manifest(file: &[u8]) -> Result<Manifest, ArtifactError> {
    Ok(read_head(file)?.0)
}

/// Reads a pipeline.
///
/// # Errors
/// [`ArtifactError`] if the bytes are no model file, damaged, truncated, or of a newer format.
pub fn read_artifact(file: &[u8]) -> Result<Artifact, ArtifactError> {
    let (manifest, version, sections) = read_head(file)?;
    let named = |name: &str| {
        sections
            .iter()
            .find(|section| section.name == name)
            .map(|section| section.bytes)
    };
    let head = named("head").ok_or_else(|| ArtifactError::damaged("there is no section 'head'"))?;
    let packed = |i: usize| named(&format!("packed.{i}")).filter(|_| version >= 3);
    let members: Vec<Cow<'_, [u8]>> = (0..)
        .map_while(|i| match named(&format!("member.{i}")) {
            Some(bytes) => Some(Ok(Cow::Borrowed(bytes))),
            None => packed(i).map(|bytes| unpack(bytes).map(Cow::Owned)),
        })
        .collect::<Result<_, _>>()?;
    let members: Vec<&[u8]> = members.iter().map(AsRef::as_ref).collect();
    let decision = named("decision").filter(|_| version >= 2);
    if members.len() + 1 + usize::from(decision.is_some()) != sections.len() {
        return Err(ArtifactError::damaged(format!(
            "there are sections that version {version} does not have"
        )));
    }
    let pipeline = Pipeline::load(&manifest, (head, decision), &members)?;
    Ok(Artifact { manifest, pipeline })
}

fn read_head(file: &[u8]) -> Result<(Manifest, u32, Vec<Section<'_>>), ArtifactError> {
    if !file.starts_with(MAGIC) {
        return Err(ArtifactError::damaged(
            "it does not start like a model file: is it a .kolosal file?",
        ));
    }
    let header = part(file, 0, HEADER as u64)?;
    let version = u32_at(header, 8);
    if version > FORMAT_VERSION {
        return Err(ArtifactError::TooNew {
            found: version,
            supported: FORMAT_VERSION,
        });
    }
    let (count, manifest_len, file_len) = (u32_at(header, 12), u64_at(header, 16), u64_at(header, 24));
    if version == 0 || count > SECTIONS_MAX || manifest_len > MANIFEST_BYTES_MAX {
        return Err(ArtifactError::damaged("the header names impossible sizes"));
    }
    if file_len > file.len() as u64 {
        return Err(ArtifactError::Truncated {
            at: file.len(),
            needed: file_len - file.len() as u64,
        });
    }
    let table = part(file, HEADER, u64::from(count) * ENTRY as u64)?;
    let manifest = part(file, HEADER + table.len(), manifest_len)?;
    let digest = Sha256::new()
        .chain_update(&header[..32])
        .chain_update(table)
        .chain_update(manifest)
        .finalize();
    if digest[..] != header[32..64] {
        return Err(ArtifactError::damaged("the checksum of its head is wrong"));
    }
    let sections = read_sections(file, table, HEADER + table.len() + manifest.len())?;
    if file_len != file.len() as u64 {
        return Err(ArtifactError::damaged("bytes follow its end"));
    }
    let manifest =
        serde_json::from_slice(manifest).map_err(|e| ArtifactError::damaged(format!("its manifest: {e}")))?;
    Ok((manifest, version, sections))
}

/// The sections, each verified; `end` is where the manifest ends.
fn read_sections<'a>(
    file: &'a [u8],
    table: &[u8],
    mut end: usize,
) -> Result<Vec<Section<'a>>, ArtifactError> {
    let mut sections = Vec::with_capacity(table.len() / ENTRY);
    for entry in table.chunks_exact(ENTRY) {
        let name = entry[..NAME].split(|&byte| byte == 0).next().unwrap_or_default();
        let name = std::str::from_utf8(name)
            .map_err(|_| ArtifactError::damaged("a section has no name"))?
            .to_owned();
        let (offset, length) = (u64_at(entry, NAME), u64_at(entry, NAME + 8));
        if offset != end.next_multiple_of(ALIGN) as u64 {
            return Err(ArtifactError::damaged(format!(
                "section '{name}' lies in the wrong place"
            )));
        }
        let bytes = part(file, offset as usize, length)?;
        if file[end..offset as usize].iter().any(|&byte| byte != 0) {
            return Err(ArtifactError::damaged(format!(
                "the gap before section '{name}' is not empty"
            )));
        }
        if Sha256::digest(bytes)[..] != entry[NAME + 16..] {
            return Err(ArtifactError::damaged(format!(
                "the checksum of section '{name}' is wrong"
            )));
        }
        end = offset as usize + bytes.len();
        sections.push(Section { name, bytes });
    }
    Ok(sections)
}

fn part(file: &[u8], offset: usize, length: u64) -> Result<&[u8], ArtifactError> {
    let left = file.len().saturating_sub(offset) as u64;
    if offset > file.len() || length > left {
        return Err(ArtifactError::Truncated {
            at: file.len(),
            needed: length - left.min(length),
        });
    }
    Ok(&file[offset..offset + length as usize])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
