//! The ledger inside the table's log: one domain-metadata entry a slot, committed with the rows it tells of.

use delta_kernel::{Engine, snapshot::Snapshot};

use super::table::Table;
use crate::warehouse::{Slot, WarehouseFault, ledger::LedgerRow};

const PREFIX: &str = "awscost.ledger/";

/// The entry's name.
pub(super) fn domain_of(slot: &Slot) -> String {
    format!("{PREFIX}{}/{}", slot.connection, slot.period)
}

/// The entry's value, proved to be readable: an entry that is not would stop every later load.
pub(super) fn value_of(row: &LedgerRow) -> Result<String, WarehouseFault> {
    let corrupt = |error: serde_json::Error| WarehouseFault::Corrupt(format!("the ledger row: {error}"));
    let value = serde_json::to_string(row).map_err(corrupt)?;
    let read: LedgerRow = serde_json::from_str(&value).map_err(corrupt)?;
    if read == *row {
        Ok(value)
    } else {
        Err(WarehouseFault::Corrupt("the ledger row reads back as another".to_owned()))
    }
}

/// The rows that a version of the table holds and that `takes` accepts, ordered by slot. Blocking.
pub(super) fn rows(
    table: &Table,
    snapshot: &Snapshot,
    takes: impl Fn(&Slot) -> bool,
) -> Result<Vec<LedgerRow>, WarehouseFault> {
    let engine: &dyn Engine = table.engine.as_ref();
    let entries =
        snapshot.get_all_domain_metadata(engine).map_err(|error| table.fault("read the ledger", error))?;
    let mut rows = Vec::new();
    for entry in entries.iter().filter(|entry| entry.domain().starts_with(PREFIX)) {
        let row: LedgerRow = serde_json::from_str(entry.configuration()).map_err(|error| {
            WarehouseFault::Corrupt(format!("the ledger row {} can't be read: {error}", entry.domain()))
        })?;
        if takes(&Slot { connection: row.connection.clone(), period: row.period }) {
            rows.push(row);
        }
    }
    rows.sort_by(|a, b| (&a.connection, a.period).cmp(&(&b.connection, b.period)));
    Ok(rows)
}
