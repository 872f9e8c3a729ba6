//! Parquet files: footer → row group after row group → Arrow batches → batches of the stable shape.
//!
//! A row group's bytes are fetched once and held while both decoders read them. Strings are read as plain ones:
//! asking the reader for dictionaries makes it an order of magnitude slower.

mod footer;
mod held;
mod int96;
mod width;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use ::parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    basic::Type as PhysicalType,
    file::metadata::ParquetMetaData,
};
use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};

use super::{
    BadValue, DecodeFault, DecodeJob, FaultPlace, FileReport, Interrupt, Sink, csv::refused, fault::shortened,
};
use crate::{
    ingest::{
        normalize::{BatchBuilder, CellFault, Mapping, Maps, RowStamp},
        verify::ParquetTally,
    },
    report::SourceFile,
};
pub(in crate::ingest) use held::Held;

/// Decodes a Parquet file.
pub(super) fn decode(
    file: &dyn SourceFile,
    job: &DecodeJob,
    sink: &mut Sink<'_>,
) -> Result<FileReport, Interrupt> {
    let footer = footer::read(file, &job.limits)?;
    let metadata = guarded(file, || plain_types(footer.clone()))?;
    let mut maps = Maps::new(job.table);
    let headers = metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mapping = Mapping::new(job.table, headers, &mut maps).map_err(|fault| refused(fault, file.key()))?;
    let unverifiable = |fault| DecodeFault::Unverifiable { file: file.key().to_owned(), fault };
    let schema = footer.file_metadata().schema_descr();
    let mut tally = ParquetTally::new(&job.table.bill, schema).map_err(unverifiable)?;
    let stamp = RowStamp { manifest_id: job.manifest_id.clone(), loaded_at: job.loaded_at };
    let mut builder = BatchBuilder::new(job.table, mapping, maps, stamp);
    let (mut rows, mut bytes_inflated) = (0u64, 0u64);
    for (group, about) in footer.row_groups().iter().enumerate() {
        let ranges = footer::column_ranges(file, about, &job.limits)?;
        let held = Held::fetch(file, ranges).map_err(DecodeFault::from)?;
        bytes_inflated += u64::try_from(about.total_byte_size()).unwrap_or_default();
        if bytes_inflated > job.limits.inflated {
            let limit = format!("more than {} bytes after decompression", job.limits.inflated);
            return Err(DecodeFault::LimitExceeded { file: file.key().to_owned(), limit }.into());
        }
        let before = rows;
        if let Some(beyond) = guarded(file, || int96::first_beyond(&held, about))? {
            let int96::Beyond { row, column, value, problem } = beyond;
            let place = FaultPlace { file: file.key().to_owned(), row: rows + row as u64 + 1, column };
            return Err(DecodeFault::BadValue { place, value, problem }.into());
        }
        let at_once = guarded(file, || width::rows_at_once(&held, about, job.batch_rows))?;
        let mut batches = guarded(file, || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(held.clone(), metadata.clone())
                .with_row_groups(vec![group])
                .with_batch_size(at_once)
                .build()
        })?;
        while let Some(batch) = guarded(file, || batches.next().transpose())? {
            builder.fill_arrays(&batch).map_err(|fault| bad_value(fault, &builder, rows, file))?;
            if builder.most_keys() > job.limits.map_keys {
                let limit = format!("more than {} keys in a map column", job.limits.map_keys);
                return Err(DecodeFault::LimitExceeded { file: file.key().to_owned(), limit }.into());
            }
            rows += batch.num_rows() as u64;
            sink(builder.take())?;
        }
        if i64::try_from(rows - before) != Ok(about.num_rows()) {
            let problem = format!("{} rows came where its footer says {}", rows - before, about.num_rows());
            return Err(damaged(file, &problem).into());
        }
        guarded(file, || Ok::<_, DecodeFault>(tally.add(&held, about)))?.map_err(unverifiable)?;
    }
    let missing_columns = builder.missing_columns();
    let (rounded, tag_keys) = builder.finish();
    Ok(FileReport { rows, source: tally.finish(), rounded, tag_keys, missing_columns })
}

/// The reader's schema from the Parquet types alone: no dictionaries that a writer may have hinted at, and old
/// INT96 times in microseconds, as nanoseconds end in 2262.
fn plain_types(footer: Arc<ParquetMetaData>) -> ::parquet::errors::Result<ArrowReaderMetadata> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let plain = ArrowReaderMetadata::try_new(footer.clone(), options)?;
    let root = footer.file_metadata().schema_descr().root_schema();
    let int96 = |name: &str| {
        root.get_fields().iter().any(|field| {
            field.name() == name && field.is_primitive() && field.get_physical_type() == PhysicalType::INT96
        })
    };
    let fields = plain.schema().fields().iter();
    let fields: Fields = fields
        .map(|field| match int96(field.name()) {
            true => Arc::new(Field::new(
                field.name(),
                DataType::Timestamp(TimeUnit::Microsecond, None),
                field.is_nullable(),
            )),
            false => field.clone(),
        })
        .collect();
    if &fields == plain.schema().fields() {
        return Ok(plain);
    }
    ArrowReaderMetadata::try_new(footer, ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields))))
}

fn bad_value(fault: CellFault, builder: &BatchBuilder, rows: u64, file: &dyn SourceFile) -> DecodeFault {
    let CellFault { row, column, value, problem } = fault;
    let column = builder.headers()[column].clone();
    let place = FaultPlace { file: file.key().to_owned(), row: rows + row as u64 + 1, column };
    DecodeFault::BadValue { place, value: shortened(value.as_bytes()), problem }
}

fn damaged(file: &dyn SourceFile, problem: &str) -> DecodeFault {
    DecodeFault::Damaged { file: file.key().to_owned(), problem: problem.to_owned() }
}

/// Runs a step of the Parquet crate. Its assertions on broken files become faults like its errors.
fn guarded<T, E: std::fmt::Display>(
    file: &dyn SourceFile,
    step: impl FnOnce() -> Result<T, E>,
) -> Result<T, DecodeFault> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(damaged(file, &error.to_string())),
        Err(_) => Err(damaged(file, "the Parquet reader gave up on it")),
    }
}
