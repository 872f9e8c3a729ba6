//! What bill to write: the specification, its options, and the dialects it can be written in.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::failure::BillFailure;

/// One billing month of one payer. The same specification always gives the same bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BillSpec {
    /// Where all chance comes from.
    #[serde(default)]
    pub seed: u64,
    /// The 12-digit account that pays.
    pub payer: String,
    /// The payer's name, which only CUR 2.0 carries.
    #[serde(default = "default_payer_name")]
    pub payer_name: String,
    /// Accounts whose usage is on the bill, 12 digits each. None: only the payer's own.
    #[serde(default)]
    pub linked_accounts: Vec<String>,
    /// The billing month, `YYYY-MM`.
    pub period: String,
    /// Rows of version 1; a restatement has a few more or fewer.
    pub rows: u64,
    /// Data files over which the rows are spread evenly.
    #[serde(default = "default_files")]
    pub files: u32,
    /// ISO 4217 codes; charges are dealt out among them.
    #[serde(default = "default_currencies")]
    pub currencies: Vec<String>,
    /// Name of the report or export.
    pub report_name: String,
    /// Key prefix in the bucket, used byte for byte; may be empty.
    #[serde(default)]
    pub prefix: String,
    /// The bucket that the manifest names.
    pub bucket: String,
    /// What is out of the ordinary about this bill.
    #[serde(default)]
    pub options: BillOptions,
}

/// What is out of the ordinary about a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BillOptions {
    /// More tag keys, raw with their prefix (`user:Équipe`, `aws:ecs:clusterName`).
    pub extra_tag_keys: Vec<String>,
    /// Adds `user:Owner` and `user:cost_center` beside `user:owner` and `user:cost-center`, with
    /// equal values on some rows and different ones on others.
    pub colliding_tags: bool,
    /// Columns to leave out of every dialect, by legacy or CUR 2.0 name. Totals leave them out too.
    pub drop_columns: Vec<String>,
    /// Unknown columns to add, by their legacy name (`lineItem/Novelty`); filled on half of the rows.
    pub extra_columns: Vec<String>,
    /// Length of a usage row.
    pub granularity: Granularity,
    /// The month is closed: every row has an invoice id.
    pub final_bill: bool,
    /// Rows name the resource they are for.
    pub resource_ids: bool,
    /// CUR 2.0's `tags` map is filled with account tags, which no other dialect has.
    pub account_tags: bool,
    /// 1, or a later version of the same bill with some rows changed, removed and added.
    pub version: u32,
}

impl Default for BillOptions {
    fn default() -> Self {
        Self {
            extra_tag_keys: Vec::new(),
            colliding_tags: false,
            drop_columns: Vec::new(),
            extra_columns: Vec::new(),
            granularity: Granularity::Hourly,
            final_bill: false,
            resource_ids: true,
            account_tags: false,
            version: 1,
        }
    }
}

/// Length of a usage row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum Granularity {
    /// One row an hour for each stream of usage.
    Hourly,
    /// One row a day.
    Daily,
}

impl Granularity {
    /// Seconds of one row.
    pub(super) fn seconds(self) -> i64 {
        match self {
            Self::Hourly => 3_600,
            Self::Daily => 86_400,
        }
    }
}

/// Whether a delivery replaces the one before it or stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum Versioning {
    /// Each delivery has its own folder, and a pointer manifest is overwritten.
    CreateNew,
    /// Files are replaced in place.
    Overwrite,
}

/// How Data Exports spells the partition folder; both have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum PartitionCase {
    /// `BILLING_PERIOD=2026-10`
    #[default]
    Upper,
    /// `billing_period=2026-10`
    Lower,
}

/// Where a legacy Parquet report keeps its manifest; AWS's text names both places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ManifestFolder {
    /// `<prefix>/<name>/20261001-20261101/`
    #[default]
    DateRange,
    /// `<prefix>/<name>/<name>/year=2026/month=10/`
    Month,
}

/// The forms in which AWS delivers a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Dialect {
    /// Cost and Usage Report, gzipped csv.
    LegacyCsvGz {
        /// Folder or in place.
        versioning: Versioning,
        /// Names this delivery; empty: made from the time of writing (`20261121T043010Z`).
        #[serde(default)]
        assembly_id: String,
    },
    /// Cost and Usage Report, Parquet with Athena's column names, replaced in place.
    LegacyParquet {
        /// Names this delivery; empty: made from the time of writing.
        #[serde(default)]
        assembly_id: String,
        /// Where the manifest lies.
        #[serde(default)]
        manifest_folder: ManifestFolder,
    },
    /// Data Export of COST_AND_USAGE_REPORT, gzipped csv.
    Cur2CsvGz {
        /// Folder or in place.
        versioning: Versioning,
        /// A UUID that names this delivery; empty: made from the seed and the time of writing.
        #[serde(default)]
        execution_id: String,
        /// Spelling of the partition folder.
        #[serde(default)]
        partition_case: PartitionCase,
    },
    /// Data Export of COST_AND_USAGE_REPORT, Parquet.
    Cur2Parquet {
        /// Folder or in place.
        versioning: Versioning,
        /// A UUID that names this delivery; empty: made from the seed and the time of writing.
        #[serde(default)]
        execution_id: String,
        /// Spelling of the partition folder.
        #[serde(default)]
        partition_case: PartitionCase,
    },
}

fn default_payer_name() -> String {
    "Example payer".to_owned()
}

fn default_files() -> u32 {
    3
}

fn default_currencies() -> Vec<String> {
    vec!["USD".to_owned()]
}

impl BillSpec {
    /// The accounts with usage: the linked ones, or the payer alone.
    pub(super) fn accounts(&self) -> &[String] {
        if self.linked_accounts.is_empty() {
            std::slice::from_ref(&self.payer)
        } else {
            &self.linked_accounts
        }
    }

    /// Checks everything that can be checked without the column list, and gives the month.
    pub(super) fn check(&self) -> Result<Month, BillFailure> {
        let is_account = |id: &String| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
        if !is_account(&self.payer) {
            return Err(BillFailure::spec("payer", format!("is {:?}; 12 digits are expected", self.payer)));
        }
        if let Some(wrong) = self.linked_accounts.iter().find(|id| !is_account(id)) {
            return Err(BillFailure::spec(
                "linkedAccounts",
                format!("has {wrong:?}; 12 digits are expected"),
            ));
        }
        let is_currency =
            |code: &String| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if self.currencies.is_empty() || !self.currencies.iter().all(is_currency) {
            return Err(BillFailure::spec("currencies", "needs codes of three capitals, one at least"));
        }
        let distinct: std::collections::BTreeSet<&String> = self.currencies.iter().collect();
        if distinct.len() < self.currencies.len() {
            return Err(BillFailure::spec("currencies", "names a currency twice"));
        }
        if self.files == 0 || self.files > 99_999 {
            return Err(BillFailure::spec("files", format!("is {}; 1 to 99999 can be numbered", self.files)));
        }
        if self.rows > 10_000_000_000 {
            return Err(BillFailure::spec("rows", "is more than ten thousand million"));
        }
        if self.options.version == 0 || self.options.version > 100 {
            return Err(BillFailure::spec("options.version", "counts from 1 to 100"));
        }
        if self.report_name.is_empty() || self.report_name.contains('/') {
            return Err(BillFailure::spec("reportName", "must be a name without a slash"));
        }
        if self.options.extra_tag_keys.len() + self.options.extra_columns.len() > 5_000 {
            return Err(BillFailure::spec("options", "adds more than 5000 tag keys and columns"));
        }
        let is_tag = |key: &String| key.starts_with("user:") || key.starts_with("aws:");
        if let Some(wrong) = self.options.extra_tag_keys.iter().find(|key| !is_tag(key)) {
            return Err(BillFailure::spec(
                "options.extraTagKeys",
                format!("has {wrong:?}; write user:KEY or aws:KEY"),
            ));
        }
        Month::parse(&self.period)
            .ok_or_else(|| BillFailure::spec("period", format!("is {:?}; write it as 2026-10", self.period)))
    }
}

/// A calendar month in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Month {
    pub(super) first: Date,
    pub(super) next: Date,
}

impl Month {
    fn parse(text: &str) -> Option<Self> {
        if text.len() != 7 {
            return None;
        }
        let first: Date = format!("{text}-01").parse().ok()?;
        let next = first.checked_add(jiff::Span::new().months(1)).ok()?;
        Some(Self { first, next })
    }

    /// First second of the month, from the epoch.
    pub(super) fn start(self) -> i64 {
        seconds_of(self.first)
    }

    /// First second after the month.
    pub(super) fn end(self) -> i64 {
        seconds_of(self.next)
    }
}

fn seconds_of(date: Date) -> i64 {
    date.to_zoned(TimeZone::UTC).map_or(0, |midnight| midnight.timestamp().as_second())
}

/// `2026-10-01T00:00:00Z`
pub(super) fn instant(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
