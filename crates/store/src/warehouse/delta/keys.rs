//! The table of tag keys beside the bill: keyed by version, shown before the bill's own commit, and taken back when
//! that commit is refused or replaces their version.
//!
//! Two loads of one slot may race, so no step removes more than it can answer for: a load adds its own keys, removes
//! them again if it is refused, and removes those of the version it replaced. What a crash leaves in between belongs
//! to a version that no reader joins, and goes with maintenance.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::Int64Type,
};
use jiff::Timestamp;

use super::{
    commit::{self, Change, DataFile, Plan, Removal},
    read::{self, ReadFault, WantedRows},
    table::{LiveFile, Table},
};
use crate::{
    model::VersionIdentity,
    warehouse::{Slot, TagKey, WarehouseFault, ledger::LedgerRow, survey::LedgerEntries},
};

/// Name of the file that holds a version's keys as one run wrote them.
pub(super) fn file_name(version: &VersionIdentity, run: &str) -> String {
    format!("{}{run}.parquet", stem(version))
}

/// What the names of a version's files begin with.
fn stem(version: &VersionIdentity) -> String {
    format!("{}-", version.0)
}

/// Shows a version's keys, in the place of those another run of the same version showed.
pub(super) async fn publish(
    table: &Arc<Table>,
    slot: &Slot,
    version: &VersionIdentity,
    files: Vec<DataFile>,
) -> Result<(), WarehouseFault> {
    if files.is_empty() {
        return Ok(());
    }
    let stem = stem(version);
    change(table, slot, move |name| name.starts_with(&stem), files).await
}

/// The keys of the versions that these ledger rows name.
pub(super) async fn of_loads(
    table: &Arc<Table>,
    loads: &[LedgerRow],
) -> Result<Vec<(Slot, Vec<TagKey>)>, ReadFault> {
    let Some(snapshot) = table.snapshot().await? else { return Ok(Vec::new()) };
    let versions: BTreeMap<Slot, String> = loads.iter().map(|row| (row.slot(), stem(&row.version))).collect();
    let files = {
        let slots: BTreeSet<Slot> = versions.keys().cloned().collect();
        table.blocking(move |table| table.files(&snapshot, |of| slots.contains(of))).await?
    };
    let of_version = |file: &LiveFile| {
        let name = file.key.filename().unwrap_or_default();
        versions.get(&file.slot).is_some_and(|stem| name.starts_with(stem))
    };
    let wanted = files.into_iter().filter(of_version);
    let wanted = wanted.map(|file| WantedRows { key: file.key, size: file.size, of: file.slot }).collect();
    let mut found: BTreeMap<Slot, Vec<TagKey>> = BTreeMap::new();
    let mut visit = |slot: &Slot, batch: &RecordBatch| {
        found.entry(slot.clone()).or_default().extend(keys_in(batch)?);
        Ok(())
    };
    read::read(&table.store, wanted, &["original", "folded", "collisions"], &mut visit).await?;
    Ok(found.into_iter().collect())
}

fn keys_in(batch: &RecordBatch) -> Result<Vec<TagKey>, WarehouseFault> {
    let lacks = || WarehouseFault::Corrupt("the tag keys have other columns than were written".to_owned());
    let text = |name| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let collisions =
        batch.column_by_name("collisions").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let (Some(originals), Some(folded), Some(collisions)) = (text("original"), text("folded"), collisions)
    else {
        return Err(lacks());
    };
    let key = |row| TagKey {
        original: originals.value(row).to_owned(),
        folded: folded.value(row).to_owned(),
        collisions: collisions.value(row).cast_unsigned(),
    };
    Ok((0..batch.num_rows()).map(key).collect())
}

/// Takes one run's keys back: its bill was refused.
pub(super) async fn withdraw(
    table: &Arc<Table>,
    slot: &Slot,
    version: &VersionIdentity,
    run: &str,
) -> Result<(), WarehouseFault> {
    let own = file_name(version, run);
    change(table, slot, move |name| name == own, Vec::new()).await
}

/// Removes the keys of a version that a commit has replaced.
pub(super) async fn retire(
    table: &Arc<Table>,
    slot: &Slot,
    replaced: &VersionIdentity,
) -> Result<(), WarehouseFault> {
    let stem = stem(replaced);
    change(table, slot, move |name| name.starts_with(&stem), Vec::new()).await
}

/// Removes keys written before an instant whose version is not loaded. Where a
/// connection has a ledger row that can't be read, its loaded version isn't known, so its keys stay.
pub(super) async fn prune(
    table: &Arc<Table>,
    ledger: &LedgerEntries,
    written_before: Timestamp,
) -> Result<(), WarehouseFault> {
    let Some(snapshot) = table.snapshot().await? else { return Ok(()) };
    let files = table.blocking(move |table| table.files(&snapshot, |_| true)).await?;
    for (slot, names) in orphans(files, ledger, written_before) {
        change(table, &slot, move |name| names.contains(name), Vec::new()).await?;
    }
    Ok(())
}

fn orphans(
    files: Vec<LiveFile>,
    ledger: &LedgerEntries,
    written_before: Timestamp,
) -> BTreeMap<Slot, BTreeSet<String>> {
    let mut orphans: BTreeMap<Slot, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let name = file.key.filename().unwrap_or_default().to_owned();
        let loaded = |row: &LedgerRow| row.is_of(&file.slot) && name.starts_with(&stem(&row.version));
        let loaded = ledger.rows.iter().any(loaded);
        let unknown = ledger.unreadable.iter().any(|row| row.is_of(&file.slot.connection));
        if !loaded && !unknown && file.written_ms < written_before.as_millisecond() {
            orphans.entry(file.slot).or_default().insert(name);
        }
    }
    orphans
}

/// One commit that removes the slot's files that `goes` names and adds others; none if that is so already.
async fn change(
    table: &Arc<Table>,
    slot: &Slot,
    goes: impl Fn(&str) -> bool + Clone + Send + Sync + 'static,
    add: Vec<DataFile>,
) -> Result<(), WarehouseFault> {
    let (slot, add) = (slot.clone(), Arc::new(add));
    let ended = commit::commit::<()>(table, move |table, snapshot| {
        let added = |file: &LiveFile| add.iter().any(|new| file.key.as_ref().ends_with(&new.path));
        let there = table.files(snapshot, |of| *of == slot)?;
        let removes = there.iter().any(|file| !added(file) && file.key.filename().is_some_and(&goes));
        let adds = add.len() > there.iter().filter(|file| added(file)).count();
        if !removes && !adds {
            return Ok(Plan::Landed);
        }
        let goes = goes.clone();
        Ok(Plan::Commit(Change {
            remove: Removal::from(&slot),
            keep: Box::new(move |path| !goes(path.rsplit('/').next().unwrap_or_default())),
            add: Arc::clone(&add),
            write_entries: Vec::new(),
            remove_entries: Vec::new(),
            application: None,
        }))
    });
    ended.await.map(drop)
}
