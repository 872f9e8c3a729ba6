//! The ledger: what is loaded, by whom, from which version — and the rules that decide a commit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Slot;
use crate::model::{BillingPeriod, ConnectionKey, CurrencyTotals, VersionIdentity, clock::is_future};

/// Where a version comes from. Order is compared only within one source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionSource {
    /// `s3://BUCKET/PREFIX` or `file:///DIR`, as configured.
    pub location: String,
    /// The report's name.
    pub report: String,
    /// 0 for the named report, 1… for the additional sources in their order: the lowest owns a period.
    pub rank: u32,
}

/// What the ledger says of one period of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerRow {
    /// Whose bill.
    pub connection: ConnectionKey,
    /// Which month.
    pub period: BillingPeriod,
    /// The version's identity.
    pub version: VersionIdentity,
    /// Where it comes from.
    pub source: VersionSource,
    /// The version's own time: from the assembly id or folder, else the manifest's Last-Modified.
    pub ordered_at: Timestamp,
    /// Who owns the connection: `CLUSTER/NAMESPACE/NAME`, or `cli`.
    pub owner: String,
    /// The id of the run that committed it.
    pub run: String,
    /// When it was committed, as the loader's clock says.
    pub loaded_at: Timestamp,
    /// Source files.
    pub files: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes of the source files as delivered.
    pub bytes: u64,
    /// Totals by currency.
    pub totals: BTreeMap<String, CurrencyTotals>,
    /// True if every usage row of type Anniversary carries an invoice id.
    pub invoiced: bool,
    /// Tag-key collisions with different values.
    pub tag_collisions: u64,
    /// By column: how many values were rounded to 18 digits, and the exact effect on the column's sum.
    pub rounded: BTreeMap<String, Rounded>,
    /// Columns of net and amortized costs that a file of the version lacks.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing_columns: Vec<String>,
    /// The program and its version that wrote it.
    pub tool: String,
}

impl LedgerRow {
    /// The slot that it tells of.
    pub fn slot(&self) -> Slot {
        Slot { connection: self.connection.clone(), period: self.period }
    }

    /// True if it tells of this slot.
    pub fn is_of(&self, slot: &Slot) -> bool {
        self.connection == slot.connection && self.period == slot.period
    }
}

/// What rounding to 18 fractional digits did to one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounded {
    /// Values rounded.
    pub values: u64,
    /// Sum after rounding minus sum before, exact, as text.
    pub effect: String,
}

/// True if a row belongs to another owner than this one; without one, no row does.
pub fn is_of_another(row: &LedgerRow, owner: Option<&str>) -> bool {
    owner.is_some_and(|owner| row.owner != owner)
}

/// Whether the order of versions is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordering {
    /// An older version is refused.
    Enforced,
    /// A person asked for this version, whatever its age, and even if it is the loaded one: its files may be gone, or a
    /// new release may read it better.
    Forced,
}

/// What the ledger's rules say of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Commit it.
    Load,
    /// This very version is loaded.
    AlreadyLoaded,
    /// The loaded version of the same source is newer.
    OlderManifest {
        /// The loaded version's time.
        loaded: Timestamp,
    },
    /// The period belongs to a source that comes before this one.
    OtherSourceOwnsPeriod {
        /// The report that owns it.
        report: String,
    },
    /// The connection belongs to another object.
    DuplicateConnection {
        /// Its owner.
        owner: String,
    },
}

/// Decides whether `candidate` may replace what the ledger holds.
///
/// `rows` are the ledger rows of the candidate's connection, all periods: ownership is the connection's,
/// not the period's. The owner takes a free key and is refused on a taken one; a re-created object of the
/// same name has the same owner text and so adopts its rows.
pub fn decide(rows: &[LedgerRow], candidate: &LedgerRow, ordering: Ordering) -> Decision {
    if let Some(other) = rows.iter().find(|row| row.owner != candidate.owner) {
        return Decision::DuplicateConnection { owner: other.owner.clone() };
    }
    let Some(loaded) = rows.iter().find(|row| row.period == candidate.period) else {
        return Decision::Load;
    };
    if ordering == Ordering::Forced {
        return Decision::Load;
    }
    if loaded.version == candidate.version {
        return Decision::AlreadyLoaded;
    }
    if candidate.source.rank < loaded.source.rank {
        return Decision::Load;
    }
    let same_source = loaded.source.location == candidate.source.location
        && loaded.source.report == candidate.source.report;
    if !same_source {
        return Decision::OtherSourceOwnsPeriod { report: loaded.source.report.clone() };
    }
    match possible_time(loaded) {
        Some(time) if candidate.ordered_at < time => Decision::OlderManifest { loaded: time },
        _ => Decision::Load,
    }
}

/// The time of a loaded version, if it can be true: none was delivered long after it was loaded. A name with a time in the
/// future would else keep every later version out.
fn possible_time(loaded: &LedgerRow) -> Option<Timestamp> {
    Some(loaded.ordered_at).filter(|time| !is_future(*time, loaded.loaded_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row as the first builds wrote it: no columns that are missing, and an amortized sum that nobody proved.
    const OLD: &str = r#"{"connection":"000000000001","period":"2026-10","version":"afcaa41a",
        "source":{"location":"s3://acme-billing/cur","report":"acme","rank":0},"orderedAt":"2026-11-05T01:02:03Z",
        "owner":"cli","run":"c843a299","loadedAt":"2026-11-05T02:00:00Z","files":1,"rows":6,"bytes":240,
        "totals":{"USD":{"rows":6,"unblended":"110","amortized":"10"}},"invoiced":false,"tagCollisions":0,
        "rounded":{"line_item_unblended_cost":{"values":3,"effect":"-0.0000000000000000012"}},"tool":"awscost 0.1.0"}"#;

    #[test]
    fn a_ledger_row_of_an_older_build_is_read_without_its_amortized_sum() {
        let row: LedgerRow = serde_json::from_str(OLD).expect("an older build wrote it");
        assert_eq!((row.rows, row.missing_columns.len()), (6, 0));
        assert_eq!(row.rounded["line_item_unblended_cost"].values, 3);
        let text = serde_json::to_string(&row).expect("JSON");
        assert!(text.contains(r#""totals":{"USD":{"rows":6,"unblended":"110"}}"#), "{text}");
        assert_eq!(serde_json::from_str::<LedgerRow>(&text).ok(), Some(row));
    }
}
