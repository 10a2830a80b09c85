//! Parquet and Arrow IPC.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::types::UInt32Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray, RecordBatch,
    StringArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, Field as ArrowField, Schema as ArrowSchema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::WriteJob;
use crate::{Categories, Column, Field, Kind, MISSING};

/// Rows of a batch.
const BATCH_ROWS: usize = 256 << 10;

/// Largest number up to which whole numbers are written as integers.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

impl WriteJob<'_> {
    pub(super) fn write_parquet(&self, out: &mut (impl Write + Send)) -> io::Result<()> {
        let (schema, columns) = self.arrays()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let mut writer =
            ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(parquet_error)?;
        self.for_each_batch(&schema, &columns, |batch| {
            writer.write(&batch).map_err(parquet_error)
        })?;
        writer.close().map_err(parquet_error)?;
        Ok(())
    }

    pub(super) fn write_arrow(&self, out: &mut impl Write) -> io::Result<()> {
        let (schema, columns) = self.arrays()?;
        let mut writer = FileWriter::try_new(out, &schema).map_err(arrow_error)?;
        self.for_each_batch(&schema, &columns, |batch| {
            writer.write(&batch).map_err(arrow_error)
        })?;
        writer.finish().map_err(arrow_error)
    }

    fn for_each_batch(
        &self,
        schema: &SchemaRef,
        columns: &[ArrayRef],
        mut write: impl FnMut(RecordBatch) -> io::Result<()>,
    ) -> io::Result<()> {
        let rows = self.frame.row_count();
        for start in (0..rows).step_by(BATCH_ROWS) {
            self.check_cancel()?;
            let count = BATCH_ROWS.min(rows - start);
            let slices = columns.iter().map(|column| column.slice(start, count)).collect();
            write(RecordBatch::try_new(schema.clone(), slices).map_err(arrow_error)?)?;
        }
        Ok(())
    }

    fn arrays(&self) -> io::Result<(SchemaRef, Vec<ArrayRef>)> {
        let frame = self.frame;
        let arrays = self.workers.map(frame.column_count(), |at| {
            self.check_cancel()
                .map(|()| array(&frame.schema().fields()[at], &frame.columns()[at]))
        });
        let arrays: Vec<ArrayRef> = arrays.into_iter().collect::<io::Result<_>>()?;
        let fields = frame.schema().fields().iter().zip(&arrays);
        let fields: Vec<ArrowField> = fields
            .map(|(field, array)| ArrowField::new(&field.name, array.data_type().clone(), true))
            .collect();
        Ok((Arc::new(ArrowSchema::new(fields)), arrays))
    }
}

fn array(field: &Field, column: &Column) -> ArrayRef {
    match column {
        Column::Numbers(values) => numbers(field.kind, values),
        Column::Sparse(sparse) => {
            let values: Vec<f64> = (0..column.len()).map(|row| sparse.get(row)).collect();
            numbers(field.kind, &values)
        }
        Column::Categories(categories) => self::categories(field.kind, categories),
        Column::Text(strings) => {
            let values = strings.iter().map(|text| (!text.is_empty()).then_some(text));
            Arc::new(values.collect::<LargeStringArray>())
        }
    }
}

fn numbers(kind: Kind, values: &[f64]) -> ArrayRef {
    let present = |value: &f64| (!value.is_nan()).then_some(*value);
    let is_integer = |value: &f64| value.is_nan() || value.fract() == 0.0 && value.abs() <= INTEGER_MAX;
    match kind {
        Kind::Datetime => {
            let micros = values
                .iter()
                .map(|value| present(value).map(|micros| micros as i64));
            Arc::new(micros.collect::<TimestampMicrosecondArray>())
        }
        Kind::Integer if values.iter().all(is_integer) => {
            let whole = values
                .iter()
                .map(|value| present(value).map(|whole| whole as i64));
            Arc::new(whole.collect::<Int64Array>())
        }
        _ => Arc::new(values.iter().map(present).collect::<Float64Array>()),
    }
}

fn categories(kind: Kind, categories: &Categories) -> ArrayRef {
    let levels = categories.levels();
    if kind == Kind::Boolean && levels.iter().all(|level| level == "true" || level == "false") {
        let values = categories.codes().iter();
        let truth = values.map(|&code| (code != MISSING).then(|| levels.get(code as usize) == "true"));
        return Arc::new(truth.collect::<BooleanArray>());
    }
    let keys = categories
        .codes()
        .iter()
        .map(|&code| (code != MISSING).then_some(code));
    let values: StringArray = levels.iter().map(Some).collect();
    let dictionary = DictionaryArray::<UInt32Type>::try_new(keys.collect::<UInt32Array>(), Arc::new(values));
    Arc::new(dictionary.expect("codes are below the number of levels"))
}

/// The system's own error where the encoder only passes it on, so that a full disk is told as such.
fn parquet_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(inner) => io::Error::other(inner),
        },
        other => io::Error::other(other),
    }
}

fn arrow_error(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        other => io::Error::other(other),
    }
}
