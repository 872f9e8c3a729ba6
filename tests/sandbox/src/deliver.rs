//! Deliveries of bills, as AWS makes them: the bucket is asked first, data files come before the manifest, and the
//! definition's status tells how it went. A delivery can also stop half-way, as one caught in the act does.

use jiff::{SignedDuration, Timestamp, Unit};
use serde::{Deserialize, Serialize};

use crate::bill::{
    self, BillFailure, BillOptions, BillSpec, Dialect, ManifestFolder, MemorySink, PartitionCase, Totals,
    Versioning,
};
use crate::cur;
use crate::exports;
use crate::s3::Object;
use crate::state::{Shared, State};
use crate::world::{Execution, ExecutionStatus, ExportRecord, ReportStatus};

/// One delivery.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delivery {
    /// The account whose report or export it is.
    pub account: String,
    /// Which of its reports or exports.
    pub of: Definition,
    /// The bill. Its report name, prefix and bucket are taken from the definition.
    pub bill: BillSpec,
    /// How far it gets.
    #[serde(default)]
    pub extent: Extent,
    /// How an export's partition folder is spelled; AWS has been seen to do both.
    #[serde(default)]
    pub partition_case: PartitionCase,
    /// Where a legacy Parquet report has its manifest; AWS's text names both places.
    #[serde(default)]
    pub manifest_folder: ManifestFolder,
}

/// What is delivered: a legacy report or an export, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Definition {
    /// A legacy report.
    Report(String),
    /// A data export.
    Export(String),
}

/// How far a delivery gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Extent {
    /// All files and the manifest.
    #[default]
    Whole,
    /// Only the first so many data files: later ones, and the manifest, stay as they were.
    StopAfterFiles(usize),
}

/// Why nothing was delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryFailure {
    /// The account has no such report or export.
    #[error("account {account} has no {definition:?}")]
    NoDefinition {
        /// The account that was looked in.
        account: String,
        /// What was looked for.
        definition: Definition,
    },
    /// The bucket is gone or refuses the billing service; the definition's status now says so.
    #[error("the bucket {bucket} does not let the billing service write")]
    BucketRefuses {
        /// The bucket's name.
        bucket: String,
    },
    /// The bill can't be written as specified.
    #[error(transparent)]
    Bill(#[from] BillFailure),
}

/// How long a first delivery may take.
const WITHIN: SignedDuration = SignedDuration::from_hours(24);

fn first_bill(account: &str, now: Timestamp) -> BillSpec {
    BillSpec {
        seed: account.bytes().fold(0, |seed, byte| seed * 31 + u64::from(byte)),
        payer: account.to_owned(),
        payer_name: "Payer".to_owned(),
        linked_accounts: Vec::new(),
        period: now.strftime("%Y-%m").to_string(),
        rows: 2_000,
        files: 2,
        currencies: vec!["USD".to_owned()],
        report_name: String::new(),
        prefix: String::new(),
        bucket: String::new(),
        options: BillOptions::default(),
    }
}

/// Where a definition puts its files.
struct Destination {
    name: String,
    bucket: String,
    prefix: String,
    dialect: Dialect,
    allowed: bool,
}

impl Delivery {
    /// A whole delivery of a legacy report.
    #[must_use]
    pub fn of_report(account: &str, name: &str, bill: BillSpec) -> Self {
        Self::new(account, Definition::Report(name.to_owned()), bill)
    }

    /// A whole delivery of a data export.
    #[must_use]
    pub fn of_export(account: &str, name: &str, bill: BillSpec) -> Self {
        Self::new(account, Definition::Export(name.to_owned()), bill)
    }

    fn new(account: &str, of: Definition, bill: BillSpec) -> Self {
        Self {
            account: account.to_owned(),
            of,
            bill,
            extent: Extent::Whole,
            partition_case: PartitionCase::default(),
            manifest_folder: ManifestFolder::default(),
        }
    }

    /// First deliveries of exports that were created within a day, in which AWS makes them (docs/aws-facts.md 3.5): small
    /// bills of this month.
    pub fn first_ones(state: &State, now: Timestamp) -> Vec<Self> {
        let created = |(account, record): &(&String, &ExportRecord)| {
            let is_new = record.export_status.created_at.is_some_and(|at| now.duration_since(at) < WITHIN);
            (is_new && record.executions.is_empty())
                .then(|| Self::of_export(account, &record.export.name, first_bill(account, now)))
        };
        let accounts = state.world.accounts.iter();
        let exports =
            accounts.flat_map(|(id, account)| account.exports.iter().map(move |export| (id, export)));
        exports.filter_map(|export| created(&export)).collect()
    }

    /// The same, stopped after so many data files.
    #[must_use]
    pub fn stopped_after(self, files: usize) -> Self {
        Self { extent: Extent::StopAfterFiles(files), ..self }
    }

    /// Makes the delivery and gives the exact totals of the bill.
    ///
    /// # Errors
    /// [`DeliveryFailure`]; a bucket that refuses shows in the definition's status as it does at AWS.
    pub fn make(&self, shared: &Shared) -> Result<Totals, DeliveryFailure> {
        let now = shared.clock.now();
        let now = now.round(Unit::Millisecond).unwrap_or(now);
        let execution = uuid::Uuid::new_v4().to_string();
        let destination = self.destination(&shared.lock(), &execution).ok_or_else(|| {
            DeliveryFailure::NoDefinition { account: self.account.clone(), definition: self.of.clone() }
        })?;
        if !destination.allowed {
            self.report_refusal(&mut shared.lock(), &destination, execution, now);
            return Err(DeliveryFailure::BucketRefuses { bucket: destination.bucket });
        }
        let spec = BillSpec {
            report_name: destination.name.clone(),
            prefix: destination.prefix.clone(),
            bucket: destination.bucket.clone(),
            ..self.bill.clone()
        };
        let mut sink = MemorySink::default();
        let totals = bill::write(&spec, &destination.dialect, now, &mut sink)?;

        let state = &mut *shared.lock();
        let owner = state
            .world
            .buckets
            .get(&destination.bucket)
            .map(|bucket| bucket.owner.clone())
            .unwrap_or_default();
        let mut files = 0;
        for key in &sink.order {
            let file = key.rsplit('/').next().unwrap_or_default();
            let is_data =
                file.starts_with(&format!("{}-", destination.name)) && !file.ends_with("-Manifest.json");
            if self.extent == Extent::StopAfterFiles(files) && (is_data || file.ends_with("-Manifest.json")) {
                break;
            }
            files += usize::from(is_data);
            if let Some(body) = sink.objects.get(key) {
                state.objects.put(&destination.bucket, key, Object::new(body.clone(), &owner, now));
            }
        }
        self.report_progress(state, execution, now);
        Ok(totals)
    }

    fn destination(&self, state: &State, execution: &str) -> Option<Destination> {
        let account = state.world.accounts.get(&self.account)?;
        match &self.of {
            Definition::Report(name) => {
                let report = account.reports.iter().find(|report| report.report_name == *name)?;
                let dialect = if report.format == "Parquet" {
                    Dialect::LegacyParquet {
                        assembly_id: String::new(),
                        manifest_folder: self.manifest_folder,
                    }
                } else {
                    let versioning =
                        versioning(report.report_versioning.as_deref().unwrap_or("CREATE_NEW_REPORT"));
                    Dialect::LegacyCsvGz { versioning, assembly_id: String::new() }
                };
                Some(Destination {
                    name: name.clone(),
                    bucket: report.s3_bucket.clone(),
                    prefix: report.s3_prefix.clone(),
                    dialect,
                    allowed: cur::may_deliver(&state.world, &self.account, report),
                })
            }
            Definition::Export(name) => {
                let record = account.exports.iter().find(|record| record.export.name == *name)?;
                let target = &record.export.destination_configurations.s3_destination;
                let output = &target.s3_output_configurations;
                let (versioning, execution_id) = (versioning(&output.overwrite), execution.to_owned());
                let partition_case = self.partition_case;
                let dialect = if output.format == "PARQUET" {
                    Dialect::Cur2Parquet { versioning, execution_id, partition_case }
                } else {
                    Dialect::Cur2CsvGz { versioning, execution_id, partition_case }
                };
                let arn = record.arn(&self.account);
                Some(Destination {
                    name: name.clone(),
                    bucket: target.s3_bucket.clone(),
                    prefix: target.s3_prefix.clone(),
                    dialect,
                    allowed: exports::may_deliver(&state.world, &self.account, &arn, &record.export),
                })
            }
        }
    }

    fn report_refusal(
        &self,
        state: &mut State,
        destination: &Destination,
        execution: String,
        now: Timestamp,
    ) {
        let bucket_exists = state.world.buckets.contains_key(&destination.bucket);
        let Some(account) = state.world.accounts.get_mut(&self.account) else { return };
        match &self.of {
            Definition::Report(name) => {
                if let Some(report) = account.reports.iter_mut().find(|report| report.report_name == *name) {
                    let status = report.report_status.get_or_insert_default();
                    let code = if bucket_exists { "ERROR_PERMISSIONS" } else { "ERROR_NO_BUCKET" };
                    status.last_status = Some(code.to_owned());
                }
            }
            Definition::Export(name) => {
                if let Some(record) = account.exports.iter_mut().find(|record| record.export.name == *name) {
                    let snapshot = record.shown(&self.account);
                    record.executions.push(Execution {
                        execution_id: execution,
                        export: Some(snapshot),
                        execution_status: ExecutionStatus {
                            status_code: "DELIVERY_FAILURE".to_owned(),
                            status_reason: Some("INSUFFICIENT_PERMISSION".to_owned()),
                            created_at: Some(now),
                            completed_at: Some(now),
                            last_updated_at: Some(now),
                        },
                    });
                    record.export_status.status_code = "UNHEALTHY".to_owned();
                    record.export_status.status_reason = Some("INSUFFICIENT_PERMISSION".to_owned());
                    record.export_status.last_updated_at = Some(now);
                }
            }
        }
    }

    fn report_progress(&self, state: &mut State, execution: String, now: Timestamp) {
        let whole = self.extent == Extent::Whole;
        let Some(account) = state.world.accounts.get_mut(&self.account) else { return };
        match &self.of {
            Definition::Report(name) => {
                if whole
                    && let Some(report) =
                        account.reports.iter_mut().find(|report| report.report_name == *name)
                {
                    report.report_status = Some(ReportStatus {
                        last_delivery: Some(now.strftime("%Y%m%dT%H%M%SZ").to_string()),
                        last_status: Some("SUCCESS".to_owned()),
                    });
                }
            }
            Definition::Export(name) => {
                let Some(record) = account.exports.iter_mut().find(|record| record.export.name == *name)
                else {
                    return;
                };
                let code = if whole { "DELIVERY_SUCCESS" } else { "DELIVERY_IN_PROCESS" };
                let snapshot = record.shown(&self.account);
                record.executions.push(Execution {
                    execution_id: execution,
                    export: Some(snapshot),
                    execution_status: ExecutionStatus {
                        status_code: code.to_owned(),
                        status_reason: None,
                        created_at: Some(now),
                        completed_at: whole.then_some(now),
                        last_updated_at: Some(now),
                    },
                });
                if whole {
                    record.export_status.status_code = "HEALTHY".to_owned();
                    record.export_status.status_reason = None;
                    record.export_status.last_refreshed_at = Some(now);
                }
            }
        }
    }
}

fn versioning(text: &str) -> Versioning {
    if text == "OVERWRITE_REPORT" { Versioning::Overwrite } else { Versioning::CreateNew }
}

#[cfg(test)]
mod tests;
