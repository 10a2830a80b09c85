//! Parquet and Arrow IPC files.
//!
//! Both say in their footers where everything is, so only the wanted columns are decoded, from the mapped file, in
//! parallel. The decoders assert some properties of what they decode; a damaged file that trips one becomes an error
//! like any other damage.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::reader::{FileReader, StreamReader};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use super::arrow::{Arrays, deliver, wanted};
use super::arrow_sizes;
use super::source::Source;
use super::{Job, ReadError, Reading};

/// Rows decoded at once.
const BATCH_ROWS: usize = 64 << 10;

/// Parts that the batches of an Arrow file are decoded in; each part reads the footer again.
const PARTS: usize = 16;

/// Reads a Parquet file: every row group and column on its own.
pub(super) fn read_parquet(job: &Job<'_>, source: Source) -> Result<Reading, ReadError> {
    let damaged = |message: String| ReadError::Damaged {
        file: job.file(),
        format: "Parquet",
        message,
    };
    let bytes = Bytes::from_owner(source);
    let metadata =
        guarded(|| ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new())).map_err(damaged)?;
    let schema = metadata.schema().clone();
    let (positions, wishes) = wanted(job, &schema)?;
    let groups = metadata.metadata().row_groups();
    let decoded: i64 = groups.iter().map(|group| group.total_byte_size()).sum();
    let share = positions.len() as f64 / schema.fields().len().max(1) as f64;
    let memory = job.reserve((decoded.max(0) as f64 * share) as u64)?;
    // Row groups behind the row limit are left alone.
    let mut rows = 0;
    let limit = job.options.rows.unwrap_or(usize::MAX);
    let groups: Vec<usize> = (0..groups.len())
        .filter(|&group| {
            let is_wanted = rows < limit;
            rows += groups[group].num_rows().max(0) as usize;
            is_wanted
        })
        .collect();
    let chunks = job.workers.map(groups.len() * positions.len(), |unit| {
        if job.cancel.is_requested() {
            return Err(ReadError::Cancelled);
        }
        let (group, column) = (groups[unit / positions.len()], positions[unit % positions.len()]);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), metadata.clone());
        let mask = ProjectionMask::roots(metadata.parquet_schema(), [column]);
        let builder = builder
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS);
        let batches = guarded(|| {
            builder
                .build()?
                .map(|batch| batch.map(|b| b.column(0).clone()))
                .collect::<Result<Vec<ArrayRef>, _>>()
                .map_err(Into::<parquet::errors::ParquetError>::into)
        });
        batches.map_err(damaged)
    });
    let mut columns: Vec<Vec<ArrayRef>> = positions.iter().map(|_| Vec::new()).collect();
    for (unit, chunks) in chunks.into_iter().enumerate() {
        columns[unit % positions.len()].extend(chunks?);
    }
    let reading = deliver(
        job,
        Arrays {
            schema,
            positions,
            columns,
        },
        &wishes,
    );
    drop(memory);
    reading
}

/// Reads an Arrow IPC file (Feather version 2).
pub(super) fn read_arrow(job: &Job<'_>, source: &Source) -> Result<Reading, ReadError> {
    let damaged = |message: String| ReadError::Damaged {
        file: job.file(),
        format: "Arrow",
        message,
    };
    let open = |projection| FileReader::try_new(Cursor::new(&source[..]), projection);
    let (schema, count) =
        guarded(|| open(None).map(|reader| (reader.schema(), reader.num_batches()))).map_err(damaged)?;
    let (positions, wishes) = wanted(job, &schema)?;
    let unpacked = guarded(|| arrow_sizes::of_file(source)).map_err(damaged)?;
    let memory = job.reserve((source.len() as u64).saturating_add(unpacked))?;
    let parts = job.workers.map(PARTS.min(count), |part| {
        if job.cancel.is_requested() {
            return Err(ReadError::Cancelled);
        }
        let batches = count * part / PARTS.min(count)..count * (part + 1) / PARTS.min(count);
        let decode = || {
            let mut reader = open(Some(positions.clone()))?;
            reader.set_index(batches.start)?;
            reader
                .take(batches.len())
                .collect::<Result<Vec<RecordBatch>, _>>()
        };
        guarded(decode).map_err(damaged)
    });
    let mut batches = Vec::with_capacity(count);
    for part in parts {
        batches.extend(part?);
    }
    let columns = columns_of(&batches, positions.len());
    drop(batches);
    let reading = deliver(
        job,
        Arrays {
            schema,
            positions,
            columns,
        },
        &wishes,
    );
    drop(memory);
    reading
}

/// Reads an Arrow IPC stream, which has no footer and is decoded from beginning to end.
pub(super) fn read_arrow_stream(job: &Job<'_>, source: &Source) -> Result<Reading, ReadError> {
    let damaged = |message: String| ReadError::Damaged {
        file: job.file(),
        format: "Arrow",
        message,
    };
    let open = |projection| StreamReader::try_new(Cursor::new(&source[..]), projection);
    let schema = guarded(|| open(None).map(|reader| reader.schema())).map_err(damaged)?;
    let (positions, wishes) = wanted(job, &schema)?;
    let unpacked = guarded(|| arrow_sizes::of_stream(source)).map_err(damaged)?;
    let memory = job.reserve((source.len() as u64).saturating_add(unpacked))?;
    let decode = || open(Some(positions.clone()))?.collect::<Result<Vec<RecordBatch>, _>>();
    let batches = guarded(decode).map_err(damaged)?;
    let columns = columns_of(&batches, positions.len());
    drop(batches);
    let reading = deliver(
        job,
        Arrays {
            schema,
            positions,
            columns,
        },
        &wishes,
    );
    drop(memory);
    reading
}

fn columns_of(batches: &[RecordBatch], count: usize) -> Vec<Vec<ArrayRef>> {
    let column = |at: usize| batches.iter().map(|batch| batch.column(at).clone()).collect();
    (0..count).map(column).collect()
}

/// The decoder's answer, its error or broken assertion as text.
fn guarded<T, E: ToString>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("its parts contradict each other".to_owned()),
    }
}
