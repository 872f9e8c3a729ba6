//! The reference: a warehouse in memory, as plain as the rules allow. Tests run on it, and what a real backend
//! does is measured against it.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arrow::{array::RecordBatch, error::ArrowError};
use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{
    Committed, PartWriter, Reading, Selection, Slot, Stage, TagKey, VisitRows, VisitStaged, Warehouse,
    WarehouseFault,
    ledger::{self, Decision, LedgerRow, Ordering},
    survey::{LedgerEntries, Survey},
};
use crate::{
    model::{BillingPeriod, ConnectionKey, VersionIdentity},
    schema::{COSTS, TableContract},
};

/// A warehouse that lasts as long as its values. Clones share their content.
#[derive(Clone)]
pub struct MemoryWarehouse {
    table: &'static TableContract,
    state: Arc<Mutex<MemoryState>>,
}

#[derive(Default)]
struct MemoryState {
    version: u64,
    slots: BTreeMap<Slot, (LedgerRow, Vec<RecordBatch>)>,
    tag_keys: BTreeMap<Slot, BTreeMap<VersionIdentity, Vec<TagKey>>>,
}

impl MemoryWarehouse {
    /// An empty warehouse of costs.
    pub fn new() -> Self {
        Self::of(&COSTS)
    }

    /// An empty warehouse of a table.
    pub fn of(table: &'static TableContract) -> Self {
        Self { table, state: Arc::default() }
    }

    /// The warehouse of a name in this process, and of a table.
    pub fn named(name: &str, table: &'static TableContract) -> Self {
        static NAMED: LazyLock<Mutex<BTreeMap<(String, &str), MemoryWarehouse>>> =
            LazyLock::new(Mutex::default);
        locked(&NAMED).entry((name.to_owned(), table.name)).or_insert_with(|| Self::of(table)).clone()
    }

    /// The tag keys of the loaded version of a slot.
    pub fn tag_keys(&self, slot: &Slot) -> Vec<TagKey> {
        let state = locked(&self.state);
        let version = state.slots.get(slot).map(|(row, _)| &row.version);
        version.and_then(|version| state.tag_keys.get(slot)?.get(version)).cloned().unwrap_or_default()
    }
}

impl Default for MemoryWarehouse {
    fn default() -> Self {
        Self::new()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of another test thread leaves whole values behind: every change is one assignment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn projected(batch: &RecordBatch, columns: &[&str]) -> Result<RecordBatch, WarehouseFault> {
    let indices: Result<Vec<_>, ArrowError> =
        columns.iter().map(|name| batch.schema_ref().index_of(name)).collect();
    indices
        .and_then(|indices| batch.project(&indices))
        .map_err(|error| WarehouseFault::Corrupt(error.to_string()))
}

#[async_trait]
impl Warehouse for MemoryWarehouse {
    fn table(&self) -> &'static TableContract {
        self.table
    }

    async fn prepare(&self) -> Result<(), WarehouseFault> {
        Ok(())
    }

    async fn entries(&self, wanted: &Selection) -> Result<LedgerEntries, WarehouseFault> {
        let state = locked(&self.state);
        let rows = state.slots.iter().filter(|(slot, _)| wanted.takes(slot)).map(|(_, (row, _))| row.clone());
        Ok(LedgerEntries { rows: rows.collect(), unreadable: Vec::new() })
    }

    async fn survey(&self, connection: Option<&ConnectionKey>) -> Result<Survey, WarehouseFault> {
        let rows = self.ledger(connection).await?;
        Ok(Survey { rows, unreadable: Vec::new(), lost: Vec::new() })
    }

    async fn begin(
        &self,
        slot: &Slot,
        version: &VersionIdentity,
        _run: &str,
    ) -> Result<Box<dyn Stage>, WarehouseFault> {
        let (state, parts) = (Arc::clone(&self.state), Arc::default());
        Ok(Box::new(MemoryStage { state, slot: slot.clone(), version: version.clone(), parts }))
    }

    async fn read(
        &self,
        selection: &Selection,
        columns: &[&str],
        visit: &mut VisitRows<'_>,
    ) -> Result<Reading, WarehouseFault> {
        let (version, wanted): (u64, Vec<_>) = {
            let state = locked(&self.state);
            let wanted = state.slots.iter().filter(|(slot, _)| selection.takes(slot));
            (state.version, wanted.map(|(slot, content)| (slot.clone(), content.clone())).collect())
        };
        let mut ledger = Vec::new();
        for (slot, (row, batches)) in wanted {
            ledger.push(row);
            for batch in &batches {
                visit(&slot, &projected(batch, columns)?)?;
            }
        }
        Ok(Reading { table_version: Some(version), ledger, unreadable: Vec::new() })
    }

    async fn keys_of(&self, loads: &[LedgerRow]) -> Result<Vec<(Slot, Vec<TagKey>)>, WarehouseFault> {
        let state = locked(&self.state);
        let keys = |load: &LedgerRow| {
            let slot = load.slot();
            let keys = state.tag_keys.get(&slot)?.get(&load.version)?.clone();
            Some((slot, keys))
        };
        Ok(loads.iter().filter_map(keys).collect())
    }

    async fn purge(
        &self,
        connection: &ConnectionKey,
        periods: &[BillingPeriod],
        owner: Option<&str>,
        _now: Timestamp,
    ) -> Result<u64, WarehouseFault> {
        let wanted = Selection { connection: Some(connection.clone()), periods: periods.to_vec() };
        let mut state = locked(&self.state);
        let mut rows = state.slots.iter().filter(|(slot, _)| wanted.takes(slot)).map(|(_, (row, _))| row);
        if rows.any(|row| ledger::is_of_another(row, owner)) {
            return Ok(0);
        }
        let before = state.slots.len();
        state.slots.retain(|slot, _| !wanted.takes(slot));
        state.tag_keys.retain(|slot, _| !wanted.takes(slot));
        let removed = before - state.slots.len();
        state.version += u64::from(removed > 0);
        Ok(removed as u64)
    }

    async fn maintain(&self, _now: Timestamp, _retention: Duration) -> Result<u64, WarehouseFault> {
        Ok(0)
    }

    async fn probe(&self) -> Result<(), WarehouseFault> {
        Ok(())
    }
}

type MemoryParts = Arc<Mutex<Vec<(usize, Vec<RecordBatch>)>>>;

struct MemoryStage {
    state: Arc<Mutex<MemoryState>>,
    slot: Slot,
    version: VersionIdentity,
    parts: MemoryParts,
}

#[async_trait]
impl Stage for MemoryStage {
    fn part(&self, source_file: usize) -> Result<Box<dyn PartWriter>, WarehouseFault> {
        Ok(Box::new(MemoryPart { source_file, batches: Vec::new(), parts: Arc::clone(&self.parts) }))
    }

    async fn tag_keys(&self, keys: &[TagKey]) -> Result<(), WarehouseFault> {
        let mut state = locked(&self.state);
        let versions = state.tag_keys.entry(self.slot.clone()).or_default();
        versions.insert(self.version.clone(), keys.to_vec());
        Ok(())
    }

    async fn read_back(&self, columns: &[&str], visit: &mut VisitStaged<'_>) -> Result<(), WarehouseFault> {
        let parts = locked(&self.parts).clone();
        for (source_file, batches) in &parts {
            for batch in batches {
                visit(*source_file, &projected(batch, columns)?)?;
            }
        }
        Ok(())
    }

    async fn commit(
        self: Box<Self>,
        row: LedgerRow,
        ordering: Ordering,
    ) -> Result<Committed, WarehouseFault> {
        let mut state = locked(&self.state);
        let rows: Vec<_> = state
            .slots
            .values()
            .map(|(row, _)| row.clone())
            .filter(|loaded| loaded.connection == row.connection)
            .collect();
        match ledger::decide(&rows, &row, ordering) {
            Decision::Load => {}
            refused => return Ok(Committed::Refused(refused)),
        }
        let batches = locked(&self.parts).drain(..).flat_map(|(_, batches)| batches).collect();
        state.slots.insert(self.slot.clone(), (row, batches));
        state.version += 1;
        Ok(Committed::Replaced { table_version: Some(state.version) })
    }

    async fn abort(self: Box<Self>) -> Result<(), WarehouseFault> {
        Ok(())
    }
}

struct MemoryPart {
    source_file: usize,
    batches: Vec<RecordBatch>,
    parts: MemoryParts,
}

impl PartWriter for MemoryPart {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WarehouseFault> {
        self.batches.push(batch.clone());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), WarehouseFault> {
        locked(&self.parts).push((self.source_file, self.batches));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::conformance;

    #[tokio::test]
    async fn keeps_every_rule_for_every_table() {
        for table in [&COSTS, &conformance::SECOND_TABLE] {
            for (name, case) in conformance::CASES {
                println!("{} {name}", table.name);
                case(Arc::new(MemoryWarehouse::of(table))).await;
            }
        }
    }
}
