//! The ledger inside the table's log: one domain-metadata entry a slot, committed with the rows it tells of.
//!
//! An entry's name says whose it is, so one that this release can't read stops only its own connection.

use delta_kernel::{Engine, snapshot::Snapshot};
use serde_json::Value;

use super::table::Table;
use crate::{
    model::{BillingPeriod, ConnectionKey},
    warehouse::{
        Selection, Slot, WarehouseFault,
        ledger::LedgerRow,
        survey::{LedgerEntries, UnreadableRow},
    },
};

const PREFIX: &str = "awscost.ledger/";
/// The most that is kept of what an unreadable row says of itself.
const LONGEST: usize = 80;

/// The names of entries in the log.
pub(super) fn domains(entries: &LedgerEntries) -> Vec<String> {
    let slots = entries.rows.iter().map(|row| domain_of(&row.slot()));
    slots.chain(entries.unreadable.iter().map(|row| format!("{PREFIX}{}", row.name))).collect()
}

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

/// The entries that a version of the table holds of the wanted slots. Blocking.
pub(super) fn entries(
    table: &Table,
    snapshot: &Snapshot,
    wanted: &Selection,
) -> Result<LedgerEntries, WarehouseFault> {
    let engine: &dyn Engine = table.engine.as_ref();
    let domains =
        snapshot.get_all_domain_metadata(engine).map_err(|error| table.fault("read the ledger", error))?;
    let mut entries = LedgerEntries::default();
    for domain in &domains {
        let Some(name) = domain.domain().strip_prefix(PREFIX).filter(|name| is_wanted(name, wanted)) else {
            continue;
        };
        match row_of(name, domain.configuration()) {
            Ok(row) => entries.rows.push(row),
            Err(problem) => entries.unreadable.push(unreadable(name, domain.configuration(), problem)),
        }
    }
    entries.rows.sort_by(|a, b| (&a.connection, a.period).cmp(&(&b.connection, b.period)));
    entries.unreadable.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// The rows of the wanted slots, every one of which must be readable. Blocking.
pub(super) fn rows(
    table: &Table,
    snapshot: &Snapshot,
    wanted: &Selection,
) -> Result<Vec<LedgerRow>, WarehouseFault> {
    entries(table, snapshot, wanted)?.all()
}

fn slot_named(name: &str) -> Option<Slot> {
    let (connection, period) = name.split_once('/')?;
    let connection: ConnectionKey = connection.parse().ok()?;
    let period: BillingPeriod = period.parse().ok()?;
    Some(Slot { connection, period })
}

/// Whether an entry is among the wanted ones. Of a name that this release does not know, the connection in front counts.
fn is_wanted(name: &str, wanted: &Selection) -> bool {
    match slot_named(name) {
        Some(slot) => wanted.takes(&slot),
        None => {
            let connection = name.split('/').next().unwrap_or_default();
            wanted.connection.as_ref().is_none_or(|key| key.as_str() == connection)
        }
    }
}

fn row_of(name: &str, value: &str) -> Result<LedgerRow, String> {
    let row: LedgerRow = serde_json::from_str(value).map_err(|error| error.to_string())?;
    if slot_named(name) == Some(row.slot()) {
        Ok(row)
    } else {
        Err(format!("it tells of {}/{}", row.connection, row.period))
    }
}

fn unreadable(name: &str, value: &str, problem: String) -> UnreadableRow {
    let value: Value = serde_json::from_str(value).unwrap_or_default();
    let text = |field: &str| Some(value.get(field)?.as_str()?.chars().take(LONGEST).collect());
    UnreadableRow {
        name: name.to_owned(),
        tool: text("tool"),
        // Compared, never shown: whole.
        owner: value.get("owner").and_then(Value::as_str).map(str::to_owned),
        problem: problem.chars().take(LONGEST).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::conformance::Load;

    #[test]
    fn a_row_is_wanted_by_its_name() {
        let acme = |periods: &[&str]| Selection {
            connection: "acme".parse().ok(),
            periods: periods.iter().map(|period| period.parse().expect("a period")).collect(),
        };
        for (name, wanted, expected) in [
            ("acme/2026-10", acme(&[]), true),
            ("acme/2026-10", acme(&["2026-10"]), true),
            ("acme/2026-10", acme(&["2026-09"]), false),
            ("other/2026-10", acme(&[]), false),
            ("acme/2026-10/focus", acme(&["2026-09"]), true),
            ("Other Key/2026-10", acme(&[]), false),
            ("Other Key/2026-10", Selection::default(), true),
        ] {
            assert_eq!(is_wanted(name, &wanted), expected, "{name} {wanted:?}");
        }
    }

    #[test]
    fn what_can_not_be_read_still_tells_who_wrote_it() {
        let row = Load::of("acme", "v1", &["1"]).row();
        let value = value_of(&row).expect("a value");
        assert_eq!(row_of("acme/2026-10", &value).as_ref(), Ok(&row));
        let elsewhere = row_of("acme/2026-09", &value).expect_err("it is another month's");
        assert_eq!(elsewhere, "it tells of acme/2026-10");
        let later =
            value.replace("\"rank\":0", "\"rank\":\"additional\"").replace("conformance", "awscost 9.0.0");
        let problem = row_of("acme/2026-10", &later).expect_err("rank is a number here");
        let told = unreadable("acme/2026-10", &later, problem);
        assert_eq!(
            (told.tool.as_deref(), told.owner.as_deref()),
            (Some("awscost 9.0.0"), Some(row.owner.as_str()))
        );
        assert_eq!(unreadable("acme/2026-10", "no JSON", "x".to_owned()).tool, None);
    }
}
