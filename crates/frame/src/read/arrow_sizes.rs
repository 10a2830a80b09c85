//! How much memory an Arrow file says its compressed buffers unpack to, added up before any of them is.
//!
//! The decoder sets aside what a buffer's first eight bytes say, whatever that is, so a single flipped bit can ask for more
//! than any machine has. The sum is reserved in the ledger first: a lie is refused there.

use arrow_ipc::{Message, root_as_footer, root_as_message};

/// Marks a message whose length follows in four bytes more.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// Bytes behind the footer: its length and the magic.
const TRAILER: usize = 10;

/// What the record batches and dictionaries of a file unpack to.
pub(super) fn of_file(source: &[u8]) -> Result<u64, String> {
    let outside = || "its footer lies outside the file".to_owned();
    let end = source.len().checked_sub(TRAILER).ok_or_else(outside)?;
    let length = usize::try_from(i32_at(source, end).ok_or_else(outside)?).map_err(|_| outside())?;
    let footer = source
        .get(end.checked_sub(length).ok_or_else(outside)?..end)
        .ok_or_else(outside)?;
    let footer = root_as_footer(footer).map_err(|error| error.to_string())?;
    let blocks = footer
        .recordBatches()
        .into_iter()
        .chain(footer.dictionaries())
        .flatten();
    blocks
        .map(|block| of_block(source, block.offset(), block.metaDataLength(), block.bodyLength()))
        .sum_up()
}

fn of_block(source: &[u8], offset: i64, meta: i32, body: i64) -> Result<u64, String> {
    let from = usize::try_from(offset).ok();
    let middle = from
        .zip(usize::try_from(meta).ok())
        .and_then(|(from, meta)| from.checked_add(meta));
    let end = middle
        .zip(usize::try_from(body).ok())
        .and_then(|(middle, body)| middle.checked_add(body));
    let parts = from
        .zip(middle)
        .zip(end)
        .and_then(|((from, middle), end)| Some((source.get(from..middle)?, source.get(middle..end)?)));
    let (meta, body) = parts.ok_or("a record batch lies outside the file")?;
    let start = if meta.starts_with(&CONTINUATION) { 8 } else { 4 };
    let message = meta.get(start..).ok_or("a message is too short")?;
    of_message(
        &root_as_message(message).map_err(|error| error.to_string())?,
        body,
    )
}

/// What the record batches and dictionaries of a stream unpack to.
pub(super) fn of_stream(source: &[u8]) -> Result<u64, String> {
    let (mut at, mut total) = (0_usize, 0_u64);
    while let Some(mut length) = i32_at(source, at) {
        at += 4;
        if length == -1 {
            length = i32_at(source, at).ok_or("a message has no length")?;
            at += 4;
        }
        if length == 0 {
            break;
        }
        let outside = || "a message lies outside the stream".to_owned();
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| at.checked_add(length))
            .ok_or_else(outside)?;
        let message = source.get(at..end).ok_or_else(outside)?;
        let message = root_as_message(message).map_err(|error| error.to_string())?;
        let body = usize::try_from(message.bodyLength()).map_err(|_| outside())?;
        at = end.checked_add(body).ok_or_else(outside)?;
        total = total.saturating_add(of_message(&message, source.get(end..at).ok_or_else(outside)?)?);
    }
    Ok(total)
}

/// The sizes that the compressed buffers of one message name.
fn of_message(message: &Message<'_>, body: &[u8]) -> Result<u64, String> {
    let dictionary = message
        .header_as_dictionary_batch()
        .and_then(|dictionary| dictionary.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else {
        return Ok(0);
    };
    if batch.compression().is_none() {
        return Ok(0);
    }
    let sizes = batch.buffers().into_iter().flatten().map(|buffer| {
        let from = usize::try_from(buffer.offset()).ok();
        let end = from
            .zip(usize::try_from(buffer.length()).ok())
            .and_then(|(from, length)| from.checked_add(length));
        let bytes = from.zip(end).and_then(|(from, end)| body.get(from..end));
        named_size(bytes.ok_or("a buffer lies outside its record batch")?)
    });
    sizes.sum_up()
}

/// The size in front of a compressed buffer; minus one says that it is stored as it is.
fn named_size(buffer: &[u8]) -> Result<u64, String> {
    let Some(first) = buffer.first_chunk::<8>() else {
        return Ok(0);
    };
    match i64::from_le_bytes(*first) {
        -1 => Ok(buffer.len() as u64 - 8),
        size => u64::try_from(size).map_err(|_| format!("a buffer unpacks to {size} bytes")),
    }
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    bytes
        .get(at..)?
        .first_chunk::<4>()
        .map(|four| i32::from_le_bytes(*four))
}

/// Adds sizes without wrapping round; the first error ends it.
trait SumUp {
    fn sum_up(self) -> Result<u64, String>;
}

impl<I: Iterator<Item = Result<u64, String>>> SumUp for I {
    fn sum_up(mut self) -> Result<u64, String> {
        self.try_fold(0_u64, |sum, size| Ok(sum.saturating_add(size?)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, RecordBatch};
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};

    use super::*;

    /// A thousand zeros, compressed: as a file and as a stream.
    fn compressed() -> [Vec<u8>; 2] {
        let zeros: ArrayRef = Arc::new(Float64Array::from(vec![0.0; 1000]));
        let batch = RecordBatch::try_from_iter([("zeros", zeros)]).expect("one column");
        let options = || {
            let plain = IpcWriteOptions::default();
            plain
                .try_with_compression(Some(CompressionType::ZSTD))
                .expect("version 5 compresses")
        };
        let (mut file, mut stream) = (Vec::new(), Vec::new());
        let mut writer =
            FileWriter::try_new_with_options(&mut file, &batch.schema(), options()).expect("starts");
        writer
            .write(&batch)
            .and_then(|()| writer.finish())
            .expect("memory takes every byte");
        drop(writer);
        let mut writer =
            StreamWriter::try_new_with_options(&mut stream, &batch.schema(), options()).expect("starts");
        writer
            .write(&batch)
            .and_then(|()| writer.finish())
            .expect("memory takes every byte");
        drop(writer);
        [file, stream]
    }

    /// The bytes with the size of the one buffer replaced.
    fn lying(bytes: &[u8], size: i64) -> Vec<u8> {
        let at = bytes
            .windows(8)
            .position(|eight| eight == 8000_i64.to_le_bytes())
            .expect("the size is named");
        let mut bytes = bytes.to_vec();
        bytes[at..at + 8].copy_from_slice(&size.to_le_bytes());
        bytes
    }

    #[test]
    fn sizes_are_added_up_before_anything_is_unpacked() {
        let [file, stream] = compressed();
        assert_eq!((of_file(&file), of_stream(&stream)), (Ok(8000), Ok(8000)));
        let huge = i64::MAX - 7;
        assert_eq!(of_file(&lying(&file, huge)), Ok(huge as u64));
        assert_eq!(of_stream(&lying(&stream, huge)), Ok(huge as u64));
        assert!(of_file(&lying(&file, -5)).is_err_and(|message| message.contains("-5")));
    }

    #[test]
    fn damaged_sizes_are_errors_and_never_panics() {
        for (bytes, is_file) in compressed().into_iter().zip([true, false]) {
            for at in 0..bytes.len() {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << (at % 8);
                let _ = if is_file {
                    of_file(&flipped)
                } else {
                    of_stream(&flipped)
                };
                let _ = if is_file {
                    of_file(&bytes[..at])
                } else {
                    of_stream(&bytes[..at])
                };
            }
        }
    }
}
