//! What the operator says of an object: bounded, and with no field that changes on every pass.

use std::collections::BTreeMap;

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

/// What the operator knows of an account.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct AwsCostAccountStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The last `awscost.io/reconcile-at` (or Flux's or Argo CD's annotation) that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
    /// A condition for each layer of the connection, and Ready, Reconciling and Stalled, which sum them up.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
    /// The account, and who the operator is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The billing report that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportStatus>,
    /// The bucket that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketStatus>,
    /// Which of the wanted months are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryStatus>,
    /// The wanted billing months, newest first, 15 at most.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "periods_schema")]
    pub periods: Vec<PeriodStatus>,
    /// What is loaded and what is being loaded, over all months.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingestion: Option<IngestionStatus>,
    /// How far the purge of a deleted object is.
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
    /// The organization's payer, where Organizations says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub management_account_id: Option<String>,
    /// During a rotation, which external ID the role takes: Current or Next. With Next, the old Secret may go.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub external_id_in_use: Option<String>,
    /// The last success of AssumeRole: tells a role that is gone from one that never worked, over restarts too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_assumed: Option<LastAssumed>,
    /// Who the operator is in AWS: whom the trust policy of the account's role has to name. Known before any role is assumed.
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
    /// The ARN of the operator's role or user. A role's path is missing where only its session's ARN is known, which has none.
    #[schemars(length(max = 640))]
    pub principal: String,
}

/// The last success of AssumeRole.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct LastAssumed {
    /// The ARN of the role that was assumed.
    #[schemars(length(max = 640))]
    pub role_arn: String,
    /// The resource version of the external-ID Secret; says that it changed, and nothing of what it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub secret_version: Option<String>,
    /// The ARN of the operator's role or user that it let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 640))]
    pub principal: Option<String>,
}

/// The billing report that was found.
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

/// The bucket that was found.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct BucketStatus {
    /// The region the bucket lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub region: Option<String>,
}

/// What is there of the wanted months.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct HistoryStatus {
    /// Wanted months that were never delivered, oldest first.
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
    /// How settled the month's bill is. One of: Missing (never delivered), Open (the month has not ended), Closing (it has
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
    /// Unblended totals of the loaded version by currency: decimals in full, never added up across currencies.
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

/// A load that failed.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The version it tried to load.
    #[schemars(schema_with = "version_schema")]
    pub version: VersionIdentity,
    /// How many Jobs have tried this version; names the next one.
    pub attempts: i32,
    /// How many of them count against the three quick attempts, since the spec, the Secret, the operator or the annotation
    /// last changed.
    pub strikes: i32,
    /// What kind of fault it was, which decides when the next attempt comes. One of: Data (the data can't be loaded exactly),
    /// Configuration (the configuration is wrong), Transient (it may pass), Conflict (another writer or owner was first), Lost
    /// (the pod was lost, killed or never ran).
    #[schemars(schema_with = "class_schema")]
    pub class: FailureClass,
    /// The condition reason that explains it.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// What is wrong, and what to do.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When the Job ended.
    #[schemars(schema_with = "timestamp_schema")]
    pub at: Timestamp,
    /// Fingerprint of what the attempt depended on (spec, Secret, operator version, annotation): a changed one
    /// makes a new attempt worth while.
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
    /// The unblended total of the newest loaded month to the cent, such as 1234.56 USD, for lists; absent where the month has
    /// several currencies. periods has it exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 42))]
    pub newest_total: Option<String>,
    /// The names of the Jobs that load.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "jobs_schema")]
    pub active_jobs: Vec<String>,
}

/// How far the purge of a deleted object is.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct PurgeStatus {
    /// How many purge Jobs have failed; names the next one.
    pub failures: i32,
    /// When the last one failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "timestamp_schema")]
    pub failed_at: Option<Timestamp>,
    /// Since when the warehouse is gone; after a day the object goes without a purge.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "timestamp_schema")]
    pub warehouse_gone_since: Option<Timestamp>,
}

/// What the operator knows of a warehouse.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct CostWarehouseStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The last `awscost.io/reconcile-at` (or Flux's or Argo CD's annotation) that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub last_handled_reconcile_at: Option<String>,
    /// Ready says what the last probe found, in short; Reconciling and Stalled, which are there only while True, say it whole.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
    /// How many AwsCostAccounts of the namespace name this warehouse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<i32>,
    /// The last probe that ended.
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
    /// Fingerprint of what it depended on (spec, Secret, operator version, annotation).
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
