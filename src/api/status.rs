//! What the operator says of an object: bounded, and with no field that changes on every pass.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::model::{Amount, BillingPeriod, VersionIdentity};

use super::{conditions::Condition, shape};

/// How many billing periods a status lists, newest first.
pub const MAX_PERIODS: usize = 15;
/// How many currencies a period lists.
pub const MAX_CURRENCIES: usize = 16;
/// How many missing months a status lists.
pub const MAX_MISSING: usize = 15;

/// What the operator observed about an account.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct AwsCostAccountStatus {
    /// The generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The last reconcile request (annotation `awscost.io/reconcile-at`, or Flux's or Argo CD's) that was
    /// handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
    /// A condition for each part of the connection, and the summaries Ready, Reconciling and Stalled.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
    /// The AWS account, and the operator's identities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The billing report that AWS has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportStatus>,
    /// The report's bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketStatus>,
    /// Which months within spec.history are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryStatus>,
    /// The billing months within spec.history, newest first, 15 at most.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "periods_schema")]
    pub periods: Vec<PeriodStatus>,
    /// What is loaded and what is being loaded, for all months together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingestion: Option<IngestionStatus>,
    /// The progress of a deleted object's purge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purge: Option<PurgeStatus>,
}

/// Who the operator is in the account.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The AWS account that the spec names, by accountId or by the role's ARN; RoleAssumable says whether AWS agrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub account_id: Option<String>,
    /// The organization's management account, if AWS Organizations reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub management_account_id: Option<String>,
    /// During a rotation, which external ID the role accepts: Current or Next. Once it is Next, the old
    /// Secret can be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub external_id_in_use: Option<String>,
    /// The last successful AssumeRole. It distinguishes a role that was removed from one that never worked,
    /// even after a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_assumed: Option<LastAssumedStatus>,
    /// The operator's own AWS identity, which the trust policy of the account's role has to name. Set before
    /// any role is assumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorIdentity>,
}

/// Who the operator is in AWS.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct OperatorIdentity {
    /// The operator's own AWS account.
    #[schemars(length(max = 12))]
    pub account_id: String,
    /// The ARN of the operator's role or user. A role's path is missing if only the ARN of its session is
    /// known.
    #[schemars(length(max = 640))]
    pub principal: String,
}

/// The last success of AssumeRole.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct LastAssumedStatus {
    /// The ARN of the role that was assumed.
    #[schemars(length(max = 640))]
    pub role_arn: String,
    /// The resource version of the external-ID Secret. It reveals that the Secret changed, but nothing of its
    /// content.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub secret_version: Option<String>,
    /// The ARN of the operator's role or user at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 640))]
    pub principal: Option<String>,
}

/// The billing report that AWS has.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct ReportStatus {
    /// The family that the report belongs to: LegacyCur or Cur2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub kind: Option<String>,
    /// When the newest complete version was delivered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "timestamp_schema")]
    pub last_delivery: Option<Timestamp>,
}

/// The report's bucket.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct BucketStatus {
    /// The bucket's region.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub region: Option<String>,
}

/// What is there of the wanted months.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct HistoryStatus {
    /// Months within spec.history that were never delivered, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "months_schema")]
    pub missing: Vec<BillingPeriod>,
}

/// One billing period.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PeriodStatus {
    /// The month, such as 2026-10.
    #[schemars(schema_with = "month_schema")]
    pub period: BillingPeriod,
    /// How final the month's bill is. One of: Missing (never delivered), Open (the month has not ended), Closing (it has
    /// ended, its invoice is not issued), Final (the invoice is issued), Restated (loaded again after it was Final).
    #[schemars(schema_with = "state_schema")]
    pub state: PeriodState,
    /// The newest delivered version's identity.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "version_schema")]
    pub delivered_version: Option<VersionIdentity>,
    /// When the newest version was delivered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "timestamp_schema")]
    pub delivered: Option<Timestamp>,
    /// The loaded version's identity.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "version_schema")]
    pub version: Option<VersionIdentity>,
    /// When that version was loaded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "timestamp_schema")]
    pub loaded: Option<Timestamp>,
    /// How many rows the loaded version has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<i64>,
    /// Unblended totals of the loaded version by currency, with all decimals; never added up across
    /// currencies.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "totals_schema")]
    pub totals: BTreeMap<String, Amount>,
    /// The last load that failed, until one succeeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How settled a month's bill is.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodState {
    /// Never delivered.
    Missing,
    /// The month has not ended.
    Open,
    /// The month has ended, its invoice is not issued.
    Closing,
    /// The invoice is issued.
    Final,
    /// Loaded again after it was Final.
    Restated,
}

impl fmt::Display for PeriodState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As the API spells it.
        self.serialize(f)
    }
}

/// A load that failed.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The version that the Job tried to load.
    #[schemars(schema_with = "version_schema")]
    pub version: VersionIdentity,
    /// How many Jobs tried this version. The number is part of the next Job's name.
    pub attempts: i32,
    /// How many attempts count towards the three quick retries, since the spec, the Secret, the operator or
    /// the annotation last changed.
    pub strikes: i32,
    /// The kind of fault, which decides when the next attempt starts. One of: Data (the data can't be loaded exactly),
    /// Configuration (the configuration is wrong), Transient (it may go away), Conflict (another writer or owner was first), Lost
    /// (the pod was lost, killed or never ran).
    #[schemars(schema_with = "class_schema")]
    pub class: FailureClass,
    /// The condition reason of the failure.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// What is wrong, and what to do.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When the Job ended.
    #[schemars(schema_with = "timestamp_schema")]
    pub at: Timestamp,
    /// A fingerprint of everything the attempt depended on (spec, Secret, operator version, annotation). When
    /// it changes, a new attempt makes sense.
    #[schemars(length(max = 64))]
    pub inputs: String,
}

/// What kind of fault ended a load.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// The data can't be loaded exactly.
    Data,
    /// The configuration is wrong.
    Configuration,
    /// It may pass.
    Transient,
    /// Another writer or owner was first.
    Conflict,
    /// The pod was lost, killed or never ran.
    Lost,
}

/// Loads as a whole.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct IngestionStatus {
    /// When a version of the bill was last loaded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "timestamp_schema")]
    pub last_success: Option<Timestamp>,
    /// The newest billing month that is loaded, such as 2026-10.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "newest_period_schema")]
    pub newest_period: Option<BillingPeriod>,
    /// The unblended total of the newest loaded month, rounded to the cent, such as 1234.56 USD. Absent if
    /// the month has several currencies. periods has the exact totals.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 42))]
    pub newest_total: Option<String>,
    /// The names of the load Jobs that exist now.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "jobs_schema")]
    pub active_jobs: Vec<String>,
}

/// The progress of a deleted object's purge.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct PurgeStatus {
    /// How many purge Jobs failed. The number is part of the next Job's name.
    pub failures: i32,
    /// When the last purge Job failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "timestamp_schema")]
    pub failed_at: Option<Timestamp>,
    /// Since when the warehouse is missing; after a day the object is deleted without a purge.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "timestamp_schema")]
    pub warehouse_gone_since: Option<Timestamp>,
}

/// What the operator observed about a warehouse.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct CostWarehouseStatus {
    /// The generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The last reconcile request (annotation `awscost.io/reconcile-at`, or Flux's or Argo CD's) that was
    /// handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
    /// Ready has the result of the last probe with a short message; Reconciling and Stalled, which exist only
    /// while True, have the full message.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
    /// How many AwsCostAccounts of the namespace use this warehouse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<i32>,
    /// The last finished probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeStatus>,
}

/// A probe that ended.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ProbeStatus {
    /// When the probe ended.
    #[schemars(schema_with = "timestamp_schema")]
    pub at: Timestamp,
    /// The number of the next probe, which names its Job.
    pub count: i64,
    /// A fingerprint of everything the probe depended on (spec, Secret, operator version, annotation).
    #[schemars(length(max = 64))]
    pub inputs: String,
    /// How many probes failed in a row.
    pub failures: i32,
}

/// A month, as text.
fn month_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 7, "pattern": "^[0-9]{4}-[0-9]{2}$"})
}

fn newest_period_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = month_schema(generator);
    schema.insert("nullable".to_owned(), true.into());
    schema
}

fn months_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "maxItems": MAX_MISSING, "items": month_schema(generator)})
}

fn timestamp_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "nullable": true, "format": "date-time", "maxLength": 40})
}

fn state_schema(_: &mut SchemaGenerator) -> Schema {
    use PeriodState::{Closing, Final, Missing, Open, Restated};
    shape::one_of(&[Missing, Open, Closing, Final, Restated])
}

fn class_schema(_: &mut SchemaGenerator) -> Schema {
    use FailureClass::{Configuration, Conflict, Data, Lost, Transient};
    shape::one_of(&[Data, Configuration, Transient, Conflict, Lost])
}

fn version_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "nullable": true, "maxLength": 64})
}

fn totals_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "maxProperties": MAX_CURRENCIES,
        "additionalProperties": {"type": "string", "maxLength": 42}
    })
}

fn jobs_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "maxItems": 16, "items": {"type": "string", "maxLength": 63}})
}

fn periods_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "maxItems": MAX_PERIODS,
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["period"],
        "items": generator.subschema_for::<PeriodStatus>()
    })
}

fn conditions_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "maxItems": 24,
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
        "items": generator.subschema_for::<Condition>()
    })
}
