//! Turns one report file into rows of a stable table, exactly, or into a named error with file and row.
//!
//! Two readers see the file: the one that makes the rows, and the one of [`verify`](super::verify) that only
//! counts and sums. Both are fed from one download and, for csv, from one inflate, whose own CRC vouches for it;
//! they share nothing after that, so a mistake in one shows as a difference and never as a wrong number.

mod csv;
mod fault;
mod inflate;
mod limits;
mod parquet;

use arrow::record_batch::RecordBatch;
use jiff::Timestamp;

pub(in crate::ingest) use fault::shortened;
pub use fault::{BadValue, DecodeFault, FaultPlace, Stopped};
pub use limits::Limits;
pub(in crate::ingest) use parquet::Held;

use super::{normalize::Roundings, tags::TagKeys, tally::FileTally};
use crate::{report::SourceFile, schema::TableContract};

/// How the bytes of a data file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecodedFormat {
    /// csv with a header, compressed with gzip (one member or several).
    CsvGzip,
    /// Apache Parquet.
    Parquet,
}

/// What to make of the files of one version. The same for all of them.
#[derive(Debug, Clone)]
pub struct DecodeJob {
    /// The table that the rows are for.
    pub table: &'static TableContract,
    /// How they are packed.
    pub format: DecodedFormat,
    /// Stands in `manifest_id` of every row: the version's identity.
    pub manifest_id: String,
    /// Stands in `loaded_at` of every row.
    pub loaded_at: Timestamp,
    /// The most rows of a batch; at least 1.
    pub batch_rows: usize,
    /// What a file may cost.
    pub limits: Limits,
}

/// What one file held.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// Rows given to the sink.
    pub rows: u64,
    /// Rows and sums as the independent decoder saw them.
    pub source: FileTally,
    /// What rounding to 18 fractional digits did, by column.
    pub rounded: Roundings,
    /// The tag keys that had a value, as the source spelled them, with their collisions.
    pub tag_keys: TagKeys,
    /// Columns of net and amortized costs that the file lacks.
    pub missing_columns: Vec<&'static str>,
}

/// Decodes one file and hands its rows to `sink`, in the file's order, in the shape of
/// the job's table with at most `batch_rows` rows a batch. Blocking: one call a worker thread.
///
/// Memory is bounded by the limits and a batch, whatever the file holds.
///
/// # Errors
/// [`Stopped::Decode`] for what is wrong with the file or its source; [`Stopped::Sink`] with what `sink` said. After
/// either, what the sink got is incomplete and must be thrown away.
pub fn decode_file<E>(
    file: &dyn SourceFile,
    job: &DecodeJob,
    sink: &mut dyn FnMut(RecordBatch) -> Result<(), E>,
) -> Result<FileReport, Stopped<E>> {
    if file.size() == 0 {
        return Err(Stopped::Decode(DecodeFault::Empty { file: file.key().to_owned() }));
    }
    let mut refusal = None;
    let mut forward = |batch| {
        sink(batch).map_err(|error| {
            refusal = Some(error);
            Interrupt::SinkClosed
        })
    };
    let result = match job.format {
        DecodedFormat::CsvGzip => csv::decode(file, job, &mut forward),
        DecodedFormat::Parquet => parquet::decode(file, job, &mut forward),
    };
    match (result, refusal) {
        (_, Some(error)) => Err(Stopped::Sink(error)),
        (Err(Interrupt::Fault(fault)), None) => Err(Stopped::Decode(*fault)),
        (Err(Interrupt::SinkClosed), None) => unreachable!("the sink closes only with an error"),
        (Ok(report), None) => Ok(report),
    }
}

/// Where decoders put their batches.
type Sink<'a> = dyn FnMut(RecordBatch) -> Result<(), Interrupt> + 'a;

/// Why a decoder stops early.
#[derive(Debug)]
enum Interrupt {
    /// The file is at fault, or its source.
    Fault(Box<DecodeFault>),
    /// The sink takes no more; it keeps its own error.
    SinkClosed,
}

impl From<DecodeFault> for Interrupt {
    fn from(fault: DecodeFault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

#[cfg(test)]
pub(in crate::ingest) mod tests;
