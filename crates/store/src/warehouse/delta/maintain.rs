//! Removes what no reader can want any more: files that a commit removed, and files that were never committed,
//! both only past an age. The log is never touched.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path as FilePath,
    sync::Arc,
    time::SystemTime,
};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, path::Path};
use serde::Deserialize;

use super::{fault, table::Table};
use crate::warehouse::WarehouseFault;

/// Log entries read at once.
const READS: usize = 16;

/// Which files may go.
pub(super) struct Sweep {
    /// Only files below these folders of the table; below the table itself if there are none.
    pub(super) under: Vec<String>,
    /// Files that a commit before this instant removed.
    pub(super) removed_before: Timestamp,
    /// Files that no version refers to and that were written before this instant.
    pub(super) abandoned_before: Timestamp,
}

/// Removes the table's files that may go; their number.
pub(super) async fn sweep(table: &Arc<Table>, sweep: &Sweep) -> Result<u64, WarehouseFault> {
    let Some(snapshot) = table.snapshot().await? else { return Ok(0) };
    let live = table.blocking(move |table| table.files(&snapshot, |_| true)).await?;
    let live: HashSet<Path> = live.into_iter().map(|file| file.key).collect();
    let removed = removed_files(table).await?;

    let mut under: Vec<Path> =
        sweep.under.iter().map(|folder| table.key_of(folder)).collect::<Result<_, _>>()?;
    if under.is_empty() {
        under.push(table.root.clone());
    }
    let log = table.root.clone().join("_delta_log");
    let mut listed = Vec::new();
    for folder in &under {
        listed.extend(list(table.store.as_ref(), folder).await?);
    }
    let mut gone = Vec::new();
    for object in listed {
        let key = object.location;
        if live.contains(&key) || key.prefix_matches(&log) {
            continue;
        }
        let due = match removed.get(&key) {
            Some(at) => *at < sweep.removed_before,
            None => older(object.last_modified.timestamp(), sweep.abandoned_before),
        };
        if due {
            gone.push(key);
        }
    }
    delete(table.store.as_ref(), gone).await
}

/// Removes everything below `root` that is older than `before`; the number of objects.
pub(super) async fn remove_old(
    store: &dyn ObjectStore,
    root: &Path,
    before: Timestamp,
) -> Result<u64, WarehouseFault> {
    let listed = list(store, root).await?;
    let old = listed.into_iter().filter(|object| older(object.last_modified.timestamp(), before));
    delete(store, old.map(|object| object.location).collect()).await
}

/// Removes everything below `root`, whatever its age.
pub(super) async fn remove_all(store: &dyn ObjectStore, root: &Path) -> Result<u64, WarehouseFault> {
    remove_old(store, root, Timestamp::MAX).await
}

fn older(seconds: i64, than: Timestamp) -> bool {
    seconds < than.as_second()
}

pub(super) async fn list(store: &dyn ObjectStore, root: &Path) -> Result<Vec<ObjectMeta>, WarehouseFault> {
    store
        .list(Some(root))
        .try_collect()
        .await
        .map_err(|error| fault::of_store("list the warehouse's files", &error))
}

async fn delete(store: &dyn ObjectStore, keys: Vec<Path>) -> Result<u64, WarehouseFault> {
    let keys = stream::iter(keys.into_iter().map(Ok)).boxed();
    let mut gone = store.delete_stream(keys);
    let mut count = 0;
    while let Some(outcome) = gone.next().await {
        match outcome {
            Ok(_) => count += 1,
            // Another maintenance run was faster.
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(fault::of_store("remove old files", &error)),
        }
    }
    Ok(count)
}

/// The part of a log entry that tells of a removed file.
#[derive(Deserialize)]
struct LogLine {
    remove: Option<Remove>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remove {
    path: String,
    deletion_timestamp: Option<i64>,
}

/// Every file that a commit still in the log removed, and when. The kernel's scan shows live files only, and
/// these must be told from abandoned ones: a reader may still be in them.
async fn removed_files(table: &Table) -> Result<HashMap<Path, Timestamp>, WarehouseFault> {
    let entries = list(table.store.as_ref(), &table.root.clone().join("_delta_log")).await?;
    let commits = entries.into_iter().filter(|entry| {
        let name = entry.location.filename().unwrap_or_default();
        name.strip_suffix(".json").is_some_and(|stem| stem.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let reads = stream::iter(commits).map(async |entry| {
        let read = async { table.store.get(&entry.location).await?.bytes().await };
        let bytes = read.await.map_err(|error| fault::of_store("read the table's log", &error))?;
        let committed = Timestamp::from_second(entry.last_modified.timestamp()).unwrap_or(Timestamp::MAX);
        removes_of(table, &bytes, committed)
    });
    let found: Vec<Vec<_>> = reads.buffered(READS).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

fn removes_of(
    table: &Table,
    entry: &[u8],
    committed: Timestamp,
) -> Result<Vec<(Path, Timestamp)>, WarehouseFault> {
    let mut removes = Vec::new();
    for line in entry.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: LogLine = serde_json::from_slice(line)
            .map_err(|error| WarehouseFault::Corrupt(format!("an entry of the table's log: {error}")))?;
        if let Some(remove) = line.remove {
            let at = remove.deletion_timestamp.and_then(|ms| Timestamp::from_millisecond(ms).ok());
            removes.push((table.key_of(&remove.path)?, at.unwrap_or(committed)));
        }
    }
    Ok(removes)
}

/// Removes half-written files that a killed run left in a folder (`name.parquet#1`), which the store does not
/// list, and folders that hold nothing. Their number, of files.
pub(super) fn tidy_folder(folder: &FilePath, before: Timestamp) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let mut removed = 0;
    for entry in entries.filter_map(Result::ok) {
        let Ok(meta) = entry.metadata() else { continue };
        let path = entry.path();
        if meta.is_dir() {
            removed += tidy_folder(&path, before);
            continue;
        }
        let name = entry.file_name();
        let partial = name.to_str().and_then(|name| name.rsplit_once('#')).is_some_and(|(_, number)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        let written = meta.modified().unwrap_or_else(|_| SystemTime::now());
        let old = Timestamp::try_from(written).is_ok_and(|written| written < before);
        if partial && old && fs::remove_file(&path).is_ok() {
            removed += 1;
        }
    }
    removed
}

/// Removes `folder` and what is below it where there is no file in it. A folder in use refuses by itself.
pub(super) fn remove_empty(folder: &FilePath) {
    if let Ok(entries) = fs::read_dir(folder) {
        entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .for_each(|entry| remove_empty(&entry.path()));
        drop(fs::remove_dir(folder));
    }
}
