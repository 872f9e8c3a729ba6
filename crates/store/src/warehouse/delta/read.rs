//! Reads data files: only the wanted columns, several files at once, in bounded memory.

use std::{ops::Range, sync::Arc};

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::{FutureExt, StreamExt, future::BoxFuture};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use parquet::{
    arrow::{
        ParquetRecordBatchStreamBuilder, ProjectionMask, arrow_reader::ArrowReaderOptions,
        async_reader::AsyncFileReader,
    },
    errors::ParquetError,
    file::metadata::{ParquetMetaData, ParquetMetaDataReader},
};
use tokio::{
    sync::mpsc::{self, Sender},
    task::JoinSet,
};

use super::fault;
use crate::warehouse::WarehouseFault;

/// Rows handed on at once.
const BATCH: usize = 8192;
/// Batches that wait for the visitor, over all files.
const WAITING: usize = 4;
/// Bytes asked for at a file's end at first: a footer of 132 columns fits unless the file is large.
const FOOTER: usize = 64 * 1024;

/// A file to read, and whose it is.
pub(super) struct WantedRows<T> {
    pub(super) key: Path,
    pub(super) size: u64,
    pub(super) of: T,
}

/// Why a read ended early.
#[derive(Debug)]
pub(super) enum ReadFault {
    /// The store has no such file.
    Gone(Path),
    /// Anything else.
    Warehouse(WarehouseFault),
}

impl From<WarehouseFault> for ReadFault {
    fn from(fault: WarehouseFault) -> Self {
        Self::Warehouse(fault)
    }
}

impl From<ReadFault> for WarehouseFault {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Gone(key) => Self::Transient {
                action: format!("read {key}"),
                cause: "it is not there".to_owned(),
                answered: true,
            },
            ReadFault::Warehouse(fault) => fault,
        }
    }
}

/// Reads all files and hands their rows on, in no particular order of files.
pub(super) async fn read<T: Send + Sync + 'static>(
    store: &Arc<dyn ObjectStore>,
    files: Vec<WantedRows<T>>,
    columns: &[&str],
    visit: &mut (dyn FnMut(&T, &RecordBatch) -> Result<(), WarehouseFault> + Send),
) -> Result<(), ReadFault> {
    let at_once = std::thread::available_parallelism().map_or(2, usize::from).min(4);
    let columns: Arc<[String]> = columns.iter().map(|&name| name.to_owned()).collect();
    let mut waiting = files.into_iter();
    let mut readers = JoinSet::new();
    let (sender, mut batches) = mpsc::channel(WAITING);
    let mut start = |readers: &mut JoinSet<_>, sender: Option<Sender<_>>| {
        let (Some(file), Some(sender)) = (waiting.next(), sender) else { return };
        readers.spawn(read_file(Arc::clone(store), file, Arc::clone(&columns), sender));
    };
    for _ in 0..at_once {
        start(&mut readers, Some(sender.clone()));
    }
    // Each reader that ends starts the next one with its own sender, so the channel closes with the last.
    drop(sender);
    while let Some(message) = batches.recv().await {
        match message? {
            Message::Rows(of, batch) => visit(of.as_ref(), &batch)?,
            Message::End(sender) => start(&mut readers, Some(sender)),
        }
    }
    // A reader that died said nothing; what it had left is missing.
    while let Some(ended) = readers.join_next().await {
        ended.map_err(|_| WarehouseFault::Corrupt("a data file broke its reader".to_owned()))?;
    }
    Ok(())
}

enum Message<T> {
    Rows(Arc<T>, RecordBatch),
    End(Sender<Result<Self, ReadFault>>),
}

async fn read_file<T>(
    store: Arc<dyn ObjectStore>,
    file: WantedRows<T>,
    columns: Arc<[String]>,
    sender: Sender<Result<Message<T>, ReadFault>>,
) {
    let of = Arc::new(file.of);
    // A receiver that is gone has failed elsewhere, and says so itself.
    match open(store, &file.key, file.size, &columns).await {
        Err(fault) => drop(sender.send(Err(fault)).await),
        Ok(mut batches) => {
            while let Some(batch) = batches.next().await {
                let message = batch
                    .map(|batch| Message::Rows(Arc::clone(&of), batch))
                    .map_err(|error| unreadable(&file.key, &error));
                if sender.send(message).await.is_err() {
                    return;
                }
            }
            let next = sender.clone();
            drop(sender.send(Ok(Message::End(next))).await);
        }
    }
}

async fn open(
    store: Arc<dyn ObjectStore>,
    key: &Path,
    size: u64,
    columns: &[String],
) -> Result<impl StreamExt<Item = Result<RecordBatch, ParquetError>> + Unpin, ReadFault> {
    let reader = StoredFile { store, key: key.clone(), size };
    let builder =
        ParquetRecordBatchStreamBuilder::new(reader).await.map_err(|error| unreadable(key, &error))?;
    let mut roots = Vec::with_capacity(columns.len());
    for name in columns {
        let root = builder.schema().fields().iter().position(|field| field.name() == name);
        roots.push(
            root.ok_or_else(|| WarehouseFault::Corrupt(format!("the file {key} has no column {name}")))?,
        );
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    builder.with_projection(mask).with_batch_size(BATCH).build().map_err(|error| unreadable(key, &error))
}

/// A Parquet file in the store: its footer first, then the wanted columns of a row group in one go.
struct StoredFile {
    store: Arc<dyn ObjectStore>,
    key: Path,
    size: u64,
}

impl AsyncFileReader for StoredFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async { self.store.get_range(&self.key, range).await.map_err(external) }.boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.store.get_ranges(&self.key, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async {
            let size = self.size;
            let reader = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER));
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

fn unreadable(key: &Path, error: &ParquetError) -> ReadFault {
    if fault::is_gone(error) {
        return ReadFault::Gone(key.clone());
    }
    ReadFault::Warehouse(match fault::of_files(&format!("read {key}"), error) {
        WarehouseFault::Transient { cause, .. } if !matches!(error, ParquetError::External(_)) => {
            WarehouseFault::Corrupt(format!("the file {key}: {cause}"))
        }
        fault => fault,
    })
}
