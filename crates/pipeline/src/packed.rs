//! Sections of a model file, packed: trees name the same thresholds and columns over and over, so they shrink by half and more.
//!
//! A packed section is the length of its content, `u64`, and a zstd frame with it. Content that hardly shrinks stays as it is,
//! and so does content that shrinks so much that a reader could not tell it from a trap.

use std::io::Read;

use kolosal_learner::ArtifactError;

/// Fast, and within a tenth of what the slow levels reach on trees.
const LEVEL: i32 = 1;

/// Shorter content is not worth a second format.
const LENGTH_MIN: usize = 4096;

/// Most times that content may be longer than its packed form.
const RATIO_MAX: u64 = 64;

/// Bytes of the length before the frame.
const HEAD: usize = 8;

/// The packed form of content; `None` where it stays as it is.
pub(crate) fn pack(content: &[u8]) -> Option<Vec<u8>> {
    if content.len() < LENGTH_MIN {
        return None;
    }
    let frame = zstd::bulk::compress(content, LEVEL).ok()?;
    let packed = HEAD + frame.len();
    let is_smaller = packed < content.len() / 10 * 9;
    let is_credible = content.len() as u64 <= RATIO_MAX * packed as u64;
    (is_smaller && is_credible).then(|| [&(content.len() as u64).to_le_bytes()[..], &frame].concat())
}

/// The content of a packed section.
///
/// # Errors
/// [`ArtifactError`] where it is cut short, no frame, or not as long as it says; nothing is allocated for what it does not hold.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<u8>, ArtifactError> {
    let damaged = |what: &str| ArtifactError::damaged(format!("a packed section {what}"));
    let (head, frame) = packed
        .split_at_checked(HEAD)
        .ok_or_else(|| damaged("has no length"))?;
    let length = u64::from_le_bytes(head.try_into().expect("eight bytes"));
    if length > RATIO_MAX * packed.len() as u64 {
        return Err(damaged("claims more content than it can hold"));
    }
    let frame = zstd::stream::read::Decoder::with_buffer(frame).map_err(|_| damaged("cannot be read"))?;
    let mut content = Vec::new();
    // One byte more than it should have shows that there are more.
    let read = frame.take(length + 1).read_to_end(&mut content);
    read.map_err(|error| damaged(&format!("cannot be unpacked: {error}")))?;
    if content.len() as u64 != length {
        return Err(damaged("has another length than it says"));
    }
    Ok(content)
}

/// Bytes that content takes in a model file.
pub fn packed_len(content: &[u8]) -> usize {
    pack(content).map_or(content.len(), |packed| packed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Vec<u8> {
        (0_u32..20_000)
            .flat_map(|i| (i % 97 * (i % 13)).to_le_bytes())
            .collect()
    }

    #[test]
    fn what_is_packed_comes_back_and_is_smaller() {
        let content = content();
        let packed = pack(&content).expect("it repeats itself");
        assert!(packed.len() < content.len() / 2);
        assert_eq!(unpack(&packed).expect("just packed"), content);
        assert_eq!(packed_len(&content), packed.len());
    }

    #[test]
    fn short_random_and_empty_content_stays_as_it_is() {
        assert!(pack(&[7; 100]).is_none());
        assert!(pack(&vec![0; 10_000_000]).is_none(), "it would look like a trap");
        let mut state = 1_u64;
        let noise: Vec<u8> = (0..20_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        assert!(pack(&noise).is_none());
    }

    #[test]
    fn damage_is_noticed_and_no_length_is_believed() {
        let packed = pack(&content()).expect("it repeats itself");
        for end in [0, 5, 8, 20, packed.len() - 1] {
            assert!(unpack(&packed[..end]).is_err(), "cut at {end}");
        }
        for length in [0, 79_999, 80_001, u64::MAX / 128, u64::MAX] {
            let mut lying = packed.clone();
            lying[..8].copy_from_slice(&length.to_le_bytes());
            assert!(unpack(&lying).is_err(), "{length} bytes");
        }
    }
}
