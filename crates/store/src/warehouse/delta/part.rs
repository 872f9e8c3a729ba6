//! Writes one data file: rows in, Parquet pages out to the store as they fill, in bounded memory. A file shows
//! up in the store when it is finished, and in the table when the stage is committed.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch},
    datatypes::{SchemaRef, TimestampMicrosecondType},
};
use bytes::Bytes;
use object_store::{ObjectStore, buffered::BufWriter, path::Path};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties},
};
use tokio::{io::AsyncWriteExt, runtime::Handle, task::JoinHandle};

use super::{commit::DataFile, fault};
use crate::warehouse::{PartWriter, Slot, WarehouseFault};

/// Rows of a row group: what a reader takes as one, and what a writer holds (compressed) until it is full.
const ROW_GROUP: usize = 163_840;
/// Bytes of a row group, compressed, where its rows are so wide that they come to more: a writer holds them all in memory until
/// it is full. Some six times what the rows of a usual bill take.
const ROW_GROUP_BYTES: usize = 64 * 1024 * 1024;
/// Who wrote a file, in the form that parquet-mr gives it. Spark and others that can't tell a version from it take no statistics
/// of texts and decimals from the file.
const CREATED_BY: &str = concat!("awscost version ", env!("CARGO_PKG_VERSION"));
/// Bytes handed to the upload at once.
const PIECE: usize = 256 * 1024;
/// Bytes of one part of a multipart upload; S3 takes 10,000 of them, of 5 MiB at least.
const UPLOAD_PART: usize = 8 * 1024 * 1024;
/// Parts on their way at once, for each file.
const UPLOADS: usize = 2;

static PROPERTIES: LazyLock<WriterProperties> = LazyLock::new(|| {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("level 1 exists")))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(CREATED_BY.to_owned())
        .build()
});

/// The finished files of a stage, each with the index of its source file.
pub(super) type Staged = Arc<Mutex<Vec<(usize, DataFile)>>>;

/// Uploads that were dropped before their end, on their way out of the store.
pub(super) type Withdrawals = Arc<Mutex<Vec<JoinHandle<()>>>>;

/// Where a part goes.
pub(super) struct PartTarget {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) runtime: Handle,
    pub(super) key: Path,
    /// The path below the table's folder.
    pub(super) path: String,
    pub(super) slot: Slot,
    pub(super) schema: SchemaRef,
    /// The time whose span is told of the file, if any.
    pub(super) statistics: Option<&'static str>,
    pub(super) withdrawals: Withdrawals,
}

/// A data file being written.
pub(super) struct DeltaPart {
    writer: ArrowWriter<Upload>,
    schema: SchemaRef,
    /// The index of the time whose span is told of the file.
    statistics: Option<usize>,
    /// What the file will be, but for its size and time.
    file: DataFile,
    source_file: usize,
    staged: Staged,
}

impl DeltaPart {
    pub(super) fn open(
        target: PartTarget,
        source_file: usize,
        staged: Staged,
    ) -> Result<Self, WarehouseFault> {
        let upload = Upload {
            writer: Some(
                BufWriter::with_capacity(target.store, target.key, UPLOAD_PART).with_max_concurrency(UPLOADS),
            ),
            runtime: target.runtime,
            piece: Vec::with_capacity(PIECE),
            written: 0,
            withdrawals: target.withdrawals,
        };
        let writer = ArrowWriter::try_new(upload, Arc::clone(&target.schema), Some(PROPERTIES.clone()))
            .map_err(|error| fault::of_files("open a data file", &error))?;
        let file =
            DataFile { path: target.path, slot: target.slot, size: 0, rows: 0, span: None, written_ms: 0 };
        let statistics = target.statistics.and_then(|name| target.schema.index_of(name).ok());
        Ok(Self { writer, schema: target.schema, statistics, file, source_file, staged })
    }
}

impl PartWriter for DeltaPart {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WarehouseFault> {
        if batch.schema_ref().fields() != self.schema.fields() {
            return Err(WarehouseFault::Corrupt(
                "rows in another shape than the table's were handed in".to_owned(),
            ));
        }
        self.writer.write(batch).map_err(|error| fault::of_files("write a data file", &error))?;
        self.file.rows += batch.num_rows() as u64;
        if let Some(column) = self.statistics {
            self.file.span = widened(self.file.span, batch.column(column));
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), WarehouseFault> {
        let mut this = *self;
        if this.file.rows == 0 {
            // The source had no row: a file without rows would only cost readers time.
            return Ok(());
        }
        let upload =
            this.writer.into_inner().map_err(|error| fault::of_files("finish a data file", &error))?;
        this.file.size = upload.finish()?;
        this.file.written_ms = jiff::Timestamp::now().as_millisecond();
        this.staged.lock().unwrap_or_else(PoisonError::into_inner).push((this.source_file, this.file));
        Ok(())
    }
}

/// The span of times with those of one more batch.
fn widened(span: Option<(i64, i64)>, column: &ArrayRef) -> Option<(i64, i64)> {
    let times = column.as_primitive_opt::<TimestampMicrosecondType>()?;
    let here = arrow::compute::min(times).zip(arrow::compute::max(times));
    match (span, here) {
        (Some((from, to)), Some((earliest, latest))) => Some((from.min(earliest), to.max(latest))),
        (span, here) => span.or(here),
    }
}

/// The blocking end of an upload. Dropped before it is finished, it leaves no object behind.
struct Upload {
    writer: Option<BufWriter>,
    runtime: Handle,
    piece: Vec<u8>,
    written: u64,
    withdrawals: Withdrawals,
}

impl Upload {
    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE)));
        self.written += piece.len() as u64;
        let writer = self.writer.as_mut().ok_or_else(|| io::Error::other("the file is finished"))?;
        self.runtime.block_on(writer.put(piece)).map_err(io::Error::other)
    }

    fn finish(mut self) -> Result<u64, WarehouseFault> {
        let action = "finish a data file";
        self.send().map_err(|error| fault::of_files(action, &error))?;
        if let Some(mut writer) = self.writer.take() {
            self.runtime.block_on(writer.shutdown()).map_err(|error| fault::of_files(action, &error))?;
        }
        Ok(self.written)
    }
}

impl io::Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            let withdrawal = self.runtime.spawn(async move {
                if let Err(error) = writer.abort().await {
                    tracing::debug!(%error, "an unfinished upload could not be aborted");
                }
            });
            self.withdrawals.lock().unwrap_or_else(PoisonError::into_inner).push(withdrawal);
        }
    }
}
