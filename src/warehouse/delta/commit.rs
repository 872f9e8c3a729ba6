//! One commit: look at the newest version, decide, build the actions afresh, try, and after anything but a
//! plain success look again before trying again. The store's put-if-absent of the next log entry is what makes
//! exactly one of several writers win.

use std::{sync::Arc, time::Duration};

use arrow::{
    array::{
        Array, ArrayRef, Int64Array, MapBuilder, MapFieldNames, RecordBatch, StringArray, StringBuilder,
        StructArray, TimestampMicrosecondArray,
    },
    datatypes::{Field, Schema},
};
use delta_kernel::{
    FilteredEngineData,
    committer::FileSystemCommitter,
    engine::arrow_data::ArrowEngineData,
    expressions::{ColumnName, Expression, Predicate},
    snapshot::SnapshotRef,
    transaction::{CommitResult, CommittedTransaction, Transaction, UpdateTableOperation},
};
use rand::RngExt;

use super::table::{ENGINE_INFO, Table, paths_of};
use crate::{
    model::ConnectionKey,
    schema::PARTITION_COLUMNS,
    warehouse::{Slot, WarehouseFault},
};

/// Commits lost to other writers before giving up. Twenty writers that start at once need about twenty.
const MOST_LOST: u32 = 100;
/// Failures of the store before giving up; its client has tried each request several times by then.
const MOST_FAILED: u32 = 4;
/// Every so many versions the log is summed up in a checkpoint, so that a reader opens few files.
const CHECKPOINT_EVERY: u64 = 10;

/// A data file that is written and not yet in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DataFile {
    /// Its path below the table's folder.
    pub(super) path: String,
    pub(super) slot: Slot,
    pub(super) size: u64,
    pub(super) rows: u64,
    /// The earliest and latest usage start, in microseconds since 1970; readers skip files by it.
    pub(super) usage: Option<(i64, i64)>,
    /// When it was finished, in milliseconds since 1970.
    pub(super) written_ms: i64,
}

/// Whose files a commit removes.
pub(super) enum Removal {
    Slot(Slot),
    Connection(ConnectionKey),
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
pub(super) enum Ended<T> {
    /// The change is in this version, or in one before it if the answer to the commit was lost.
    Committed(u64),
    /// The plan said no.
    Stopped { reason: T, tried: Tried },
}

/// What was tried before a plan said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// Nothing, or nothing that could have worked.
    Nothing,
    /// A commit whose answer was lost: it may have worked, and its files may be, or have been, the table's.
    WithoutAnswer,
}

enum Try<T> {
    Committed(u64),
    Stopped(T),
    /// Another writer took the version.
    Lost,
    /// The store failed; whether the commit worked is not known.
    Failed(WarehouseFault),
}

/// Commits what `plan` says of the newest version, again for each newer one until it ends.
pub(super) async fn commit<T: Send + 'static>(
    table: &Arc<Table>,
    plan: impl Fn(&Table, &SnapshotRef) -> Result<Plan<T>, WarehouseFault> + Send + Sync + 'static,
) -> Result<Ended<T>, WarehouseFault> {
    let plan = Arc::new(plan);
    let (mut lost, mut failed) = (0, 0);
    loop {
        let plan = Arc::clone(&plan);
        match table.blocking(move |table| attempt(table, plan.as_ref())).await? {
            Try::Committed(version) => return Ok(Ended::Committed(version)),
            Try::Stopped(reason) => {
                let tried = if failed == 0 { Tried::Nothing } else { Tried::WithoutAnswer };
                return Ok(Ended::Stopped { reason, tried });
            }
            Try::Lost => {
                lost += 1;
                if lost == MOST_LOST {
                    return Err(WarehouseFault::Contended { attempts: lost });
                }
            }
            Try::Failed(fault) => {
                failed += 1;
                if failed == MOST_FAILED {
                    return Err(fault);
                }
            }
        }
        // There is nothing to wait for but the others' luck: a random while, longer with every loss.
        let ceiling = 20u64 << (lost + 3 * failed).min(6);
        let pause = rand::rng().random_range(0..=ceiling);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

fn attempt<T>(
    table: &Table,
    plan: &impl Fn(&Table, &SnapshotRef) -> Result<Plan<T>, WarehouseFault>,
) -> Result<Try<T>, WarehouseFault> {
    let snapshot = match table.latest() {
        Ok(snapshot) => snapshot,
        Err(fault @ WarehouseFault::Transient { .. }) => return Ok(Try::Failed(fault)),
        Err(fault) => return Err(fault),
    };
    let change = match plan(table, &snapshot)? {
        Plan::Landed => return Ok(Try::Committed(snapshot.version())),
        Plan::Stop(reason) => return Ok(Try::Stopped(reason)),
        Plan::Commit(change) => change,
    };
    let transaction = build(table, &snapshot, &change)?;
    match transaction.commit(table.engine.as_ref()) {
        Ok(CommitResult::Committed(committed)) => {
            checkpoint(table, &committed);
            Ok(Try::Committed(committed.commit_version()))
        }
        Ok(CommitResult::Conflicted(_)) => Ok(Try::Lost),
        Ok(CommitResult::Retryable(retryable)) => Ok(Try::Failed(table.fault("commit", retryable.error))),
        Err(error) => Ok(Try::Failed(table.fault("commit", error))),
    }
}

fn build(table: &Table, snapshot: &SnapshotRef, change: &Change) -> Result<Transaction, WarehouseFault> {
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
    let mut transaction = builder.build(engine, Box::new(FileSystemCommitter::new())).map_err(fault)?;
    let scan = Arc::clone(snapshot)
        .scan_builder()
        .with_predicate(Arc::new(predicate(&change.remove)))
        .build()
        .map_err(fault)?;
    for page in scan.scan_metadata(engine).map_err(fault)? {
        let page = selected(page.map_err(fault)?.scan_files, change.keep.as_ref())?;
        transaction.remove_files(page);
    }
    if !change.add.is_empty() {
        let batch = add_actions(&change.add)
            .map_err(|error| WarehouseFault::Corrupt(format!("the list of new files: {error}")))?;
        transaction.add_files(Box::new(ArrowEngineData::new(batch)));
    }
    Ok(transaction)
}

/// Sums the log up at every tenth version. Best effort: the commit stands without it.
fn checkpoint(table: &Table, committed: &CommittedTransaction) {
    if !committed.commit_version().is_multiple_of(CHECKPOINT_EVERY) {
        return;
    }
    let Some(snapshot) = committed.post_commit_snapshot() else { return };
    if let Err(error) = snapshot.checkpoint(table.engine.as_ref(), None) {
        tracing::warn!(table = table.location(), %error, "the checkpoint failed; the commit stands");
    }
}

/// Selects, by partition values alone, the files to remove.
fn predicate(removal: &Removal) -> Predicate {
    let is = |name: &str, value: &str| {
        Predicate::eq(Expression::from(ColumnName::new([name])), Expression::literal(value))
    };
    match removal {
        Removal::Connection(connection) => is(PARTITION_COLUMNS[0], connection.as_str()),
        Removal::Slot(slot) => Predicate::and(
            is(PARTITION_COLUMNS[0], slot.connection.as_str()),
            is(PARTITION_COLUMNS[1], &slot.period.to_string()),
        ),
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
fn add_actions(files: &[DataFile]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut values = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for file in files {
        let texts = [file.slot.connection.to_string(), file.slot.period.to_string()];
        for (name, text) in PARTITION_COLUMNS.iter().zip(texts) {
            values.keys().append_value(name);
            values.values().append_value(text);
        }
        values.append(true)?;
    }
    let long = |of: &dyn Fn(&DataFile) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(files.iter().map(of)))
    };
    let usage = |of: fn((i64, i64)) -> i64| -> Result<ArrayRef, arrow::error::ArrowError> {
        let times: TimestampMicrosecondArray = files.iter().map(|file| file.usage.map(of)).collect();
        structure(&[("line_item_usage_start_date", Arc::new(times.with_timezone("UTC")))])
    };
    let mut stats = vec![("numRecords", long(&|file| file.rows.cast_signed()))];
    if files.iter().any(|file| file.usage.is_some()) {
        stats.push(("minValues", usage(|(earliest, _)| earliest)?));
        // The log cuts times to milliseconds: the latest goes up to the next one, so that nothing lies past it.
        stats.push(("maxValues", usage(|(_, latest)| latest.saturating_add(999).div_euclid(1000) * 1000)?));
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

fn structure(columns: &[(&str, ArrayRef)]) -> Result<ArrayRef, arrow::error::ArrowError> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    Ok(Arc::new(StructArray::try_new(fields.into(), arrays, None)?))
}
