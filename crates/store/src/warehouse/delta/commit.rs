//! One commit: look at the newest version, decide, build the actions afresh, try, and after anything but a
//! plain success look again before trying again. The store's put-if-absent of the next log entry is what makes
//! exactly one of several writers win. After a commit its entry is read back to see whose it is, never taken on
//! trust: each carries its own commit's mark.

use std::{sync::Arc, time::Duration};

use arrow::{
    array::{
        Array, ArrayRef, Int64Array, MapBuilder, MapFieldNames, RecordBatch, StringArray, StringBuilder,
        StructArray, TimestampMicrosecondArray,
    },
    datatypes::{Field, Schema},
};
use delta_kernel::{
    EngineData, FilteredEngineData,
    committer::FileSystemCommitter,
    engine::arrow_data::ArrowEngineData,
    expressions::{ColumnName, Expression, Predicate},
    schema::{DataType, StructField, StructType},
    snapshot::SnapshotRef,
    transaction::{CommitResult, CommittedTransaction, Transaction, UpdateTableOperation},
};
use object_store::ObjectStoreExt;
use rand::RngExt;

use super::{
    fault,
    table::{ENGINE_INFO, Table, paths_of},
};
use crate::{
    model::{BillingPeriod, ConnectionKey},
    schema::TIMES,
    warehouse::{Slot, WarehouseFault},
};

/// Commits lost to other writers before giving up. Twenty writers that start at once need about twenty.
const MOST_LOST: u32 = 100;
/// Failures of the store before giving up; its client has tried each request several times by then.
const MOST_FAILED: u32 = 4;
/// Every so many versions the log is summed up in a checkpoint, so that a reader opens few files.
const CHECKPOINT_EVERY: u64 = 10;

/// The field of a log entry's commitInfo that holds the mark of the commit that wrote it.
const MARK: &str = "awscostCommit";

/// A data file that is written and not yet in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DataFile {
    /// Its path below the table's folder.
    pub(super) path: String,
    pub(super) slot: Slot,
    pub(super) size: u64,
    pub(super) rows: u64,
    /// The earliest and latest value of the table's time of statistics, in microseconds since 1970; readers skip files by it.
    pub(super) span: Option<(i64, i64)>,
    /// When it was finished, in milliseconds since 1970.
    pub(super) written_ms: i64,
}

/// Whose files a commit removes.
pub(super) struct Removal {
    pub(super) connection: ConnectionKey,
    /// Which months; all if there are none.
    pub(super) periods: Vec<BillingPeriod>,
}

impl From<&Slot> for Removal {
    fn from(slot: &Slot) -> Self {
        Self { connection: slot.connection.clone(), periods: vec![slot.period] }
    }
}

/// What a commit changes.
pub(super) struct Change {
    pub(super) remove: Removal,
    /// The file names, of those, that stay.
    pub(super) keep: Box<dyn Fn(&str) -> bool>,
    pub(super) add: Arc<Vec<DataFile>>,
    /// Ledger entries to write, and to remove.
    pub(super) write_entries: Vec<(String, String)>,
    pub(super) remove_entries: Vec<String>,
    /// The application transaction to count on, for readers that follow those.
    pub(super) application: Option<String>,
}

/// What to do about the newest version.
pub(super) enum Plan<T> {
    /// It holds this change already: an earlier try had worked.
    Landed,
    /// Nothing is to be changed.
    Stop(T),
    Commit(Change),
}

/// How a commit ended.
pub(super) enum EndedCommit<T> {
    /// The change is in this version, or in one before it if the answer to the commit was lost.
    Committed(u64),
    /// The plan said no.
    Stopped { reason: T, tried: TriedCommit },
}

/// What was tried before a plan said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TriedCommit {
    /// Nothing, or nothing that could have worked.
    Nothing,
    /// A commit whose answer was lost: it may have worked, and its files may be, or have been, the table's.
    WithoutAnswer,
}

enum Try<T> {
    /// It is in the table: the version that was looked at has it.
    Landed(u64),
    Stopped(T),
    /// The store says that it took the entry.
    Written(Box<CommittedTransaction>),
    /// The store says that this version is there already.
    Taken(u64),
    /// The store failed; whether the commit worked is not known.
    Failed(WarehouseFault),
}

/// How often a commit was tried, and to what end.
#[derive(Default)]
struct CommitTries {
    lost: u32,
    failed: u32,
}

impl CommitTries {
    fn lost(&mut self) -> Result<(), WarehouseFault> {
        self.lost += 1;
        if self.lost == MOST_LOST { Err(WarehouseFault::Contended { attempts: self.lost }) } else { Ok(()) }
    }

    fn failed(&mut self, fault: WarehouseFault) -> Result<(), WarehouseFault> {
        self.failed += 1;
        if self.failed == MOST_FAILED { Err(fault) } else { Ok(()) }
    }

    /// A random while, longer with every try: there is nothing to wait for but the others' luck.
    fn pause(&self) -> Duration {
        let ceiling = 20u64 << (self.lost + 3 * self.failed).min(6);
        Duration::from_millis(rand::rng().random_range(0..=ceiling))
    }
}

/// Commits what `plan` says of the newest version, again for each newer one until it ends.
pub(super) async fn commit<T: Send + 'static>(
    table: &Arc<Table>,
    plan: impl Fn(&Table, &SnapshotRef) -> Result<Plan<T>, WarehouseFault> + Send + Sync + 'static,
) -> Result<EndedCommit<T>, WarehouseFault> {
    let plan = Arc::new(plan);
    let mark = uuid::Uuid::new_v4().to_string();
    let mut tries = CommitTries::default();
    loop {
        let (plan, own) = (Arc::clone(&plan), mark.clone());
        match table.blocking(move |table| attempt(table, plan.as_ref(), &own)).await? {
            Try::Landed(version) => return Ok(EndedCommit::Committed(version)),
            Try::Stopped(reason) => {
                // A try that failed may have landed without our knowing.
                let tried = if tries.failed > 0 { TriedCommit::WithoutAnswer } else { TriedCommit::Nothing };
                return Ok(EndedCommit::Stopped { reason, tried });
            }
            Try::Written(committed) => {
                let version = committed.commit_version();
                match is_ours(table, version, &mark).await {
                    Ok(true) => {
                        checkpoint(table, committed).await;
                        return Ok(EndedCommit::Committed(version));
                    }
                    Ok(false) => {
                        let location = table.location().to_owned();
                        return Err(WarehouseFault::CommitLost { location, version });
                    }
                    Err(fault) => tries.failed(fault)?,
                }
            }
            Try::Taken(version) => match is_ours(table, version, &mark).await {
                // The answer to our own writing was lost, and the store's client wrote again.
                Ok(true) => return Ok(EndedCommit::Committed(version)),
                Ok(false) => tries.lost()?,
                Err(fault) => tries.failed(fault)?,
            },
            Try::Failed(fault) => tries.failed(fault)?,
        }
        tokio::time::sleep(tries.pause()).await;
    }
}

fn attempt<T>(
    table: &Table,
    plan: &impl Fn(&Table, &SnapshotRef) -> Result<Plan<T>, WarehouseFault>,
    mark: &str,
) -> Result<Try<T>, WarehouseFault> {
    let snapshot = match table.latest() {
        Ok(snapshot) => snapshot,
        Err(fault @ WarehouseFault::Transient { .. }) => return Ok(Try::Failed(fault)),
        Err(fault) => return Err(fault),
    };
    let change = match plan(table, &snapshot)? {
        Plan::Landed => return Ok(Try::Landed(snapshot.version())),
        Plan::Stop(reason) => return Ok(Try::Stopped(reason)),
        Plan::Commit(change) => change,
    };
    let transaction = build(table, &snapshot, &change, mark)?;
    Ok(match transaction.commit(table.engine.as_ref()) {
        Ok(CommitResult::Committed(committed)) => Try::Written(Box::new(committed)),
        Ok(CommitResult::Conflicted(conflicted)) => Try::Taken(conflicted.conflict_version()),
        Ok(CommitResult::Retryable(retryable)) => Try::Failed(table.fault("commit", retryable.error)),
        Err(error) => Try::Failed(table.fault("commit", error)),
    })
}

/// Reads a log entry back: whether it is the one with this mark.
async fn is_ours(table: &Table, version: u64, mark: &str) -> Result<bool, WarehouseFault> {
    let key = table.root.clone().join("_delta_log").join(format!("{version:020}.json"));
    let read = async { table.store.get(&key).await?.bytes().await };
    match read.await {
        Ok(entry) => Ok(String::from_utf8_lossy(&entry).contains(mark)),
        Err(error) => Err(fault::of_store("read the commit back", &error)),
    }
}

fn build(
    table: &Table,
    snapshot: &SnapshotRef,
    change: &Change,
    mark: &str,
) -> Result<Transaction, WarehouseFault> {
    let engine = table.engine.as_ref();
    let fault = |error| table.fault("prepare the commit", error);
    let mut builder = Arc::clone(snapshot).update_table(UpdateTableOperation::Write, ENGINE_INFO, true);
    if let Some(application) = &change.application {
        let last = snapshot.get_app_id_version(application, engine).map_err(fault)?;
        builder = builder.with_transaction_id(application.as_str(), last.unwrap_or(0) + 1);
    }
    for (domain, value) in &change.write_entries {
        builder = builder.with_domain_metadata(domain.as_str(), value.as_str());
    }
    for domain in &change.remove_entries {
        builder = builder.with_domain_metadata_removed(domain.as_str());
    }
    let (info, schema) = marked(mark)?;
    let transaction = builder.build(engine, Box::new(FileSystemCommitter::new())).map_err(fault)?;
    let mut transaction = transaction.with_commit_info(info, schema);
    let scan = Arc::clone(snapshot)
        .scan_builder()
        .with_predicate(Arc::new(predicate(table.partitions(), &change.remove)))
        .build()
        .map_err(fault)?;
    for page in scan.scan_metadata(engine).map_err(fault)? {
        let page = selected(page.map_err(fault)?.scan_files, change.keep.as_ref())?;
        transaction.remove_files(page);
    }
    if !change.add.is_empty() {
        let batch = add_actions(table, &change.add)
            .map_err(|error| WarehouseFault::Corrupt(format!("the list of new files: {error}")))?;
        transaction.add_files(Box::new(ArrowEngineData::new(batch)));
    }
    Ok(transaction)
}

/// What the log entry says of its commit besides what the kernel says: its mark.
fn marked(mark: &str) -> Result<(Box<dyn EngineData>, Arc<StructType>), WarehouseFault> {
    let corrupt = |error: String| WarehouseFault::Corrupt(format!("the commit's mark: {error}"));
    let column: ArrayRef = Arc::new(StringArray::from(vec![mark]));
    let batch = RecordBatch::try_from_iter_with_nullable([(MARK, column, true)])
        .map_err(|error| corrupt(error.to_string()))?;
    let schema = StructType::try_new([StructField::nullable(MARK, DataType::STRING)])
        .map_err(|error| corrupt(error.to_string()))?;
    Ok((Box::new(ArrowEngineData::new(batch)), Arc::new(schema)))
}

/// Sums the log up at every tenth version. Best effort: the commit stands without it.
async fn checkpoint(table: &Arc<Table>, committed: Box<CommittedTransaction>) {
    if !committed.commit_version().is_multiple_of(CHECKPOINT_EVERY) {
        return;
    }
    let summed = table.blocking(move |table| {
        let Some(snapshot) = committed.post_commit_snapshot() else { return Ok(()) };
        let summed = snapshot.checkpoint(table.engine.as_ref(), None);
        summed.map(drop).map_err(|error| table.fault("write a checkpoint", error))
    });
    if let Err(fault) = summed.await {
        tracing::warn!(table = table.location(), %fault, "the checkpoint failed; the commit stands");
    }
}

/// Selects, by partition values alone, the files to remove.
fn predicate([connection, billing_period]: [&str; 2], removal: &Removal) -> Predicate {
    let is = |name: &str, value: &str| {
        Predicate::eq(Expression::from(ColumnName::new([name])), Expression::literal(value))
    };
    let of_connection = is(connection, removal.connection.as_str());
    let of_periods = removal.periods.iter().map(|period| is(billing_period, &period.to_string()));
    match of_periods.reduce(Predicate::or) {
        Some(of_periods) => Predicate::and(of_connection, of_periods),
        None => of_connection,
    }
}

/// Takes the files that stay out of a page's selection.
fn selected(
    page: FilteredEngineData,
    keep: &dyn Fn(&str) -> bool,
) -> Result<FilteredEngineData, WarehouseFault> {
    let unreadable = || WarehouseFault::Corrupt("the table's log lists files without paths".to_owned());
    let (data, mut selection) = page.into_parts();
    let paths = paths_of(data.as_ref()).ok_or_else(unreadable)?;
    // The kernel takes rows past the vector's end as selected.
    selection.resize(paths.len(), true);
    for (selected, path) in selection.iter_mut().zip(paths) {
        *selected = *selected && !path.is_some_and(keep);
    }
    FilteredEngineData::try_new(data, selection).map_err(|_| unreadable())
}

/// The add actions in the shape the kernel takes: path, partition values, size, time and statistics.
fn add_actions(table: &Table, files: &[DataFile]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut values = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for file in files {
        let texts = [file.slot.connection.to_string(), file.slot.period.to_string()];
        for (name, text) in table.partitions().into_iter().zip(texts) {
            values.keys().append_value(name);
            values.values().append_value(text);
        }
        values.append(true)?;
    }
    let long = |of: &dyn Fn(&DataFile) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(files.iter().map(of)))
    };
    let bound = |column: &str, of: fn((i64, i64)) -> i64| -> Result<ArrayRef, arrow::error::ArrowError> {
        let bound = |file: &DataFile| file.span.map(of).filter(|micros| is_in_log(*micros));
        let times: TimestampMicrosecondArray = files.iter().map(bound).collect();
        structure(&[(column, Arc::new(times.with_timezone("UTC")))])
    };
    let mut stats = vec![("numRecords", long(&|file| file.rows.cast_signed()))];
    if let Some(column) = table.statistics()
        && files.iter().any(|file| file.span.is_some())
    {
        stats.push(("minValues", bound(column, |(earliest, _)| earliest)?));
        // The log cuts times to milliseconds: the latest goes up to the next one, so that nothing lies past it.
        let latest = bound(column, |(_, latest)| latest.saturating_add(999).div_euclid(1000) * 1000)?;
        stats.push(("maxValues", latest));
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("path", Arc::new(StringArray::from_iter_values(files.iter().map(|file| &file.path)))),
        ("partitionValues", Arc::new(values.finish())),
        ("size", long(&|file| file.size.cast_signed())),
        ("modificationTime", long(&|file| file.written_ms)),
        ("stats", structure(&stats)?),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), *name == "stats"))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect())
}

/// True if the log can write this time as text. One that it can't would make all statistics of the file invalid JSON, and every
/// query that uses them fail; a missing bound only means that the file has to be read.
fn is_in_log(micros: i64) -> bool {
    TIMES.contains(&micros.div_euclid(1_000_000))
}

fn structure(columns: &[(&str, ArrayRef)]) -> Result<ArrayRef, arrow::error::ArrowError> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    Ok(Arc::new(StructArray::try_new(fields.into(), arrays, None)?))
}
