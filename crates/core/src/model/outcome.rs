//! What a load, a probe or a purge says when it ends: the contract between a Job and the operator,
//! and the JSON that people get.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Amount, BillingPeriod, ConnectionKey};

/// How a process of the `awscost` binary ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Loaded, already loaded, or whatever was asked for is done.
    Done = 0,
    /// The data can't be loaded exactly; only a new version or a new release helps.
    Data = 10,
    /// The configuration is wrong; only a change of it helps.
    Configuration = 11,
    /// A passing fault: try again.
    Transient = 12,
    /// Another writer or owner was first: look again.
    Conflict = 13,
    /// What was loaded is gone from the store: loading it again helps.
    Gone = 14,
}

impl ExitCode {
    /// The class of a process's exit code; `None` for one the binary never chooses (a signal, a usage error).
    pub fn from_code(code: i32) -> Option<Self> {
        [Self::Done, Self::Data, Self::Configuration, Self::Transient, Self::Conflict, Self::Gone]
            .into_iter()
            .find(|exit| *exit as i32 == code)
    }
}

/// SHA-256 (hex) of a manifest's bytes and the sorted (key, ETag, size) of every file it lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionIdentity(pub String);

impl VersionIdentity {
    /// The first 12 digits: enough for people and labels.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// Sums of one currency of one period. Never added up across currencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "WrittenTotals")]
pub struct CurrencyTotals {
    /// Rows of this currency.
    pub rows: u64,
    /// The sum of `line_item_unblended_cost`, as on the invoice.
    pub unblended: Amount,
    /// Sum of `line_item_net_unblended_cost`; absent where no row has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_unblended: Option<Amount>,
    /// Sum of the amortized cost (docs/aws-facts.md 13.1); absent where one row or more lacks what its line type
    /// takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amortized: Option<Amount>,
    /// Rows that have no such figure; absent where an earlier build wrote the totals, which did not count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_without: Option<RowsWithout>,
}

/// Rows of a currency that have no such figure, because a cell is empty or the report has no such column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowsWithout {
    /// Rows without an unblended cost; they count as nothing in the sum.
    pub unblended: u64,
    /// Rows without a net unblended cost; they count as nothing in the sum.
    pub net_unblended: u64,
    /// Rows without an amortized cost; if there are any, there is no sum.
    pub amortized: u64,
}

/// [`CurrencyTotals`] as any release wrote them. The first ones summed amortized costs without asking whether the
/// columns were there, so that sum of theirs is left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenTotals {
    rows: u64,
    unblended: Amount,
    net_unblended: Option<Amount>,
    amortized: Option<Amount>,
    rows_without: Option<RowsWithout>,
}

impl From<WrittenTotals> for CurrencyTotals {
    fn from(written: WrittenTotals) -> Self {
        let WrittenTotals { rows, unblended, net_unblended, amortized, rows_without } = written;
        let amortized = amortized.filter(|_| rows_without.is_some());
        Self { rows, unblended, net_unblended, amortized, rows_without }
    }
}

/// How the load of one period ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Committed, with its totals verified.
    Loaded,
    /// This very version is in the warehouse already.
    AlreadyLoaded,
    /// The warehouse holds a newer version.
    OlderManifest,
    /// A delivery is under way; look again in some minutes.
    DeliveryInProgress,
    /// Nothing was committed; `message` says why.
    Failed,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As the API spells it.
        self.serialize(f)
    }
}

/// How a probe, a purge or a maintenance ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskOutcome {
    /// What was asked for is done.
    Succeeded,
    /// It is not; `reason` and `message` say why.
    Failed,
}

/// The report of a probe, a purge or a maintenance: what `-o json` prints, and a Job's termination message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Whether the task succeeded, or why not.
    pub outcome: TaskOutcome,
    /// The condition reason's name that explains it.
    pub reason: String,
    /// One sentence for people.
    pub message: String,
}

impl TaskReport {
    /// Longest message in characters. With every character escaped in JSON, the whole still fits the 4 KiB that
    /// Kubernetes keeps of a termination message.
    const LONGEST_MESSAGE: usize = 600;

    /// A report whose message is cut to what a termination message holds.
    pub fn new(outcome: TaskOutcome, reason: super::Reason, message: &str) -> Self {
        let message = message.chars().take(Self::LONGEST_MESSAGE).collect();
        Self { outcome, reason: reason.to_string(), message }
    }
}

/// The report of one period: a JSON object of `awscost ingest -o json`, and a Job's termination message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeriodReport {
    /// The billing period that was loaded.
    pub period: BillingPeriod,
    /// The connection key its rows carry.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connection: Option<ConnectionKey>,
    /// The version's identity; absent if no manifest could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub manifest: Option<VersionIdentity>,
    /// Whether the load succeeded, or why not.
    pub outcome: Outcome,
    /// The condition reason's name that explains a failure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// One sentence for people, with the file and row or the field where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Files of the version.
    pub files: u64,
    /// Rows of the version.
    pub rows: u64,
    /// Bytes of the version's files as delivered (compressed).
    pub bytes: u64,
    /// When this version was delivered, as far as the source tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivered_at: Option<Timestamp>,
    /// When it was committed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub loaded_at: Option<Timestamp>,
    /// True if every usage row of type Anniversary carries an invoice id.
    #[serde(default)]
    pub invoiced: bool,
    /// The loaded totals of each currency, by its ISO code.
    #[serde(default)]
    pub totals: BTreeMap<String, CurrencyTotals>,
    /// Pairs of tag keys that fold to one name on one row with different values.
    #[serde(default)]
    pub tag_collisions: u64,
    /// Values with more than 18 fractional digits.
    #[serde(default)]
    pub rounded_values: u64,
    /// Columns of net and amortized costs that a file of the version lacks.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing_columns: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_of_older_releases_are_read_without_the_sum_that_nobody_proved() {
        let old = r#"{"rows":6,"unblended":"110","netUnblended":"7","amortized":"10"}"#;
        let totals: CurrencyTotals = serde_json::from_str(old).expect("an older release wrote it");
        assert_eq!((totals.rows, totals.unblended.to_string()), (6, "110".to_owned()));
        assert_eq!(totals.net_unblended.map(|net| net.to_string()), Some("7".to_owned()));
        assert_eq!((totals.amortized, totals.rows_without), (None, None));
    }

    #[test]
    fn totals_come_back_as_they_were_written() {
        let amortized = "1.5".parse().ok();
        let rows_without = Some(RowsWithout { net_unblended: 2, ..RowsWithout::default() });
        let totals = CurrencyTotals { rows: 2, amortized, rows_without, ..CurrencyTotals::default() };
        let text = serde_json::to_string(&totals).expect("JSON");
        assert_eq!(
            text,
            r#"{"rows":2,"unblended":"0","amortized":"1.5","rowsWithout":{"unblended":0,"netUnblended":2,"amortized":0}}"#
        );
        assert_eq!(serde_json::from_str::<CurrencyTotals>(&text).ok(), Some(totals));
    }
}
