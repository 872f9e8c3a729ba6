//! `AwsCostAccount`: one AWS account whose bill is wanted, and how to reach it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::model::{AccountType, ReportKind};

use super::{shape, status::AwsCostAccountStatus};

/// Which AWS account to connect, how to access it, and where to load its bill.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "awscost.io",
    version = "v1alpha1",
    kind = "AwsCostAccount",
    plural = "awscostaccounts",
    namespaced,
    cel,
    shortname = "aca",
    category = "finops",
    status = "AwsCostAccountStatus",
    derive = "PartialEq",
    doc = "An AWS account connected for cost analysis: its role, its billing report, and the warehouse that the bill is loaded into.",
    selectable = ".spec.accountId",
    selectable = ".spec.suspend",
    selectable = ".status.identity.accountId",
    printcolumn(name = "Account", type_ = "string", json_path = ".status.identity.accountId", description = "The AWS account: spec.accountId, or the account in spec.access.roleArn"),
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.accountType", description = "Management, Member or Standalone"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status", description = "Whether everything required works"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason", description = "Reason of the condition Ready"),
    printcolumn(name = "Report", type_ = "string", json_path = ".spec.report.name", description = "The billing report"),
    printcolumn(name = "Month", type_ = "string", json_path = ".status.ingestion.newestPeriod", description = "The newest billing month that is loaded"),
    printcolumn(name = "Total", type_ = "string", json_path = ".status.ingestion.newestTotal", description = "The unblended total of that month, to the cent; empty if it has several currencies"),
    printcolumn(name = "Last-Ingest", type_ = "date", json_path = ".status.ingestion.lastSuccess", description = "When a version of the bill was last loaded"),
    printcolumn(name = "Suspended", type_ = "boolean", json_path = ".spec.suspend", description = "Whether checks and loads are paused"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Display-Name", type_ = "string", json_path = ".spec.displayName", description = "A name for people", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].message", description = "What is wrong and what to do, in short; for the full message: kubectl awscost status NAME", priority = 1),
    validation = Rule::new(
        "!(has(oldSelf.status) && has(oldSelf.status.ingestion) && has(oldSelf.status.ingestion.lastSuccess)) || !has(oldSelf.spec.ingestion) || (has(self.spec.ingestion) && self.spec.ingestion.warehouseRef.name == oldSelf.spec.ingestion.warehouseRef.name)"
    ).message("spec.ingestion.warehouseRef can't change once a bill is loaded, because the loaded rows would stay behind: create another AwsCostAccount instead"),
    validation = Rule::new(
        "!(has(oldSelf.status) && has(oldSelf.status.ingestion) && has(oldSelf.status.ingestion.lastSuccess)) || !has(oldSelf.spec.report) || (has(self.spec.report) && self.spec.report.name == oldSelf.spec.report.name && self.spec.report.bucket.name == oldSelf.spec.report.bucket.name && (has(self.spec.report.bucket.prefix) ? self.spec.report.bucket.prefix : '') == (has(oldSelf.spec.report.bucket.prefix) ? oldSelf.spec.report.bucket.prefix : ''))"
    ).message("spec.report's name, bucket and prefix can't change once a bill is loaded, because versions of two reports can't be compared: create another AwsCostAccount instead"),
)]
#[x_kube(
    validation = Rule::new("!has(self.accountId) || !self.accountId.matches('^[0-9]{12}$') || !has(self.access.roleArn) || !self.access.roleArn.matches('^([^:]*:){4}[0-9]{12}:') || self.access.roleArn.split(':')[4] == self.accountId")
        .message("the account in spec.access.roleArn must be spec.accountId: correct the one that is wrong"),
    validation = Rule::new("!has(self.access.accessKeySecretRef) || has(self.accountId)")
        .message("spec.access.accessKeySecretRef needs spec.accountId, because keys do not contain the account"),
    validation = Rule::new("(has(self.access.roleArn) && !self.access.roleArn.matches('^([^:]*:){4}[0-9]{12}:')) || (has(self.access.roleArn) ? self.access.roleArn.split(':')[4] : self.accountId) == (has(oldSelf.access.roleArn) ? oldSelf.access.roleArn.split(':')[4] : oldSelf.accountId)")
        .message("the AWS account can't change: spec.access.roleArn may name only another role of the same account; create another AwsCostAccount for another account"),
    validation = Rule::new("!has(oldSelf.accountId) || (has(self.accountId) && self.accountId == oldSelf.accountId)")
        .message("spec.accountId can't change or be removed once it is set: restore its value, or create another AwsCostAccount for another account"),
    validation = Rule::new("self.accountType == 'Member' || has(self.report)")
        .message("a Management or Standalone account needs spec.report with a name and a bucket; only a Member may omit it"),
    validation = Rule::new("!has(self.report) || has(self.ingestion)")
        .message("an account with spec.report needs spec.ingestion.warehouseRef: the CostWarehouse that the bill is loaded into"),
    validation = Rule::new("has(self.report) || (!has(self.ingestion) && !has(self.history) && !has(self.freshness))")
        .message("spec.ingestion, spec.history and spec.freshness need spec.report: without a report nothing is loaded"),
    validation = Rule::new("has(self.report) || !has(self.deletionPolicy) || self.deletionPolicy != 'Purge'")
        .message("spec.deletionPolicy: Purge needs spec.report: without a report nothing is loaded, so there is nothing to purge")
)]
#[serde(rename_all = "camelCase")]
pub struct AwsCostAccountSpec {
    /// A name for people, shown by `kubectl get -o wide` and `kubectl awscost errors`. Nothing depends on it.
    /// Form: 1 to 128 characters. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub display_name: Option<String>,
    /// The AWS account that is connected. Must be the account of access.roleArn. Once set it can neither change nor be
    /// removed. Form: 12 digits, in quotes so that leading zeros stay, such as "123456789012". Default: the account in
    /// access.roleArn; required with access.accessKeySecretRef.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::account_id")]
    pub account_id: Option<String>,
    /// What the account is in its organization, verified against AWS Organizations. One of: Management (the payer: its report
    /// covers every member), Member (its report covers itself), Standalone (in no organization).
    #[schemars(schema_with = "account_type_schema")]
    pub account_type: AccountType,
    /// How the account is accessed. Either roleArn with externalIdSecretRef (recommended), or accessKeySecretRef (deprecated).
    pub access: Access,
    /// The billing report to load: its name, and the bucket that AWS delivers it to. Needs ingestion. Default: none, which
    /// only a Member may have; then access is checked and nothing is loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// How much of the past is loaded. Needs report. Default: 13 months.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// Where to load the bill, and how the Jobs run that load it. Required with report, and only with it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingestion: Option<Ingestion>,
    /// When a missing delivery counts as late. Needs report. Default: the defaults of its fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<Freshness>,
    /// Turns on a check that CloudWatch metrics can be listed, shown as the condition MetricsReadable. A
    /// Member without a report may use it, too. Default: none, and no check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// What happens to the loaded rows when this object is deleted. Nothing in AWS is ever changed. One of:
    /// Retain (they stay in the warehouse), Purge (they are removed before the object is deleted; needs
    /// report). Default: Retain.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "deletion_policy_schema")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// If true, the account is paused: AWS is not called and no new Job starts. A running Job ends normally, conditions stay as they are, and
    /// deletion works. Form: true or false. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// How the account is reached: a role, assumed with an external ID, or the keys of an IAM user.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.roleArn) != has(self.accessKeySecretRef)")
        .message("spec.access needs exactly one of roleArn and accessKeySecretRef (deprecated)"),
    validation = Rule::new("has(self.roleArn) == has(self.externalIdSecretRef)")
        .message("spec.access.roleArn and externalIdSecretRef need each other: the Secret has the external ID of the role's trust policy"),
    validation = Rule::new("has(self.roleArn) || (!has(self.nextExternalIdSecretRef) && !has(self.generateExternalId) && !has(self.requireExternalId))")
        .message("nextExternalIdSecretRef, generateExternalId and requireExternalId need spec.access.roleArn"),
    validation = Rule::new("!has(self.nextExternalIdSecretRef) || !has(self.externalIdSecretRef) || self.nextExternalIdSecretRef.name != self.externalIdSecretRef.name || (has(self.nextExternalIdSecretRef.key) ? self.nextExternalIdSecretRef.key : 'externalId') != (has(self.externalIdSecretRef.key) ? self.externalIdSecretRef.key : 'externalId')")
        .message("spec.access.nextExternalIdSecretRef must name another Secret or key than externalIdSecretRef")
)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// The IAM role that the operator assumes. It may become another role of the same account. Needs externalIdSecretRef. Form:
    /// an IAM role's ARN, path included, such as arn:aws:iam::123456789012:role/awscost, of the partitions aws, aws-cn,
    /// aws-us-gov, aws-eusc, aws-iso, aws-iso-b, aws-iso-e and aws-iso-f. Default: none; then accessKeySecretRef is required.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::role_arn")]
    pub role_arn: Option<String>,
    /// The Secret with the external ID of the role's trust policy. It is in this namespace and has the label
    /// `awscost.io/use: external-id`. Only with roleArn. Default: none; required with roleArn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id_secret_ref: Option<SecretKeyRef>,
    /// The Secret with the external ID that will replace the current one, with the same label. While both are
    /// named, the next one is tried first, and then the current one; status.identity.externalIdInUse says
    /// which one works.
    /// Must name another Secret or key than externalIdSecretRef. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_external_id_secret_ref: Option<SecretKeyRef>,
    /// If true, the operator creates the Secret of externalIdSecretRef with a random external ID, once. It
    /// never changes an existing Secret. Only with roleArn. Form: true or false. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_external_id: Option<bool>,
    /// Deprecated: the Secret with the access key of an IAM user of the account, instead of a role. It has
    /// the keys `accessKeyId` and `secretAccessKey`, is in this namespace and has the label `awscost.io/use:
    /// access-key`. Needs
    /// spec.accountId. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_secret_ref: Option<AccessKeySecretRef>,
    /// What happens if the role can be assumed without its external ID, or with any. Only with roleArn. One
    /// of: Enforce (Ready is False and nothing is loaded), Warn (the condition ExternalIdEnforced reports it,
    /// and loads continue). Default:
    /// Enforce.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "require_external_id_schema")]
    pub require_external_id: Option<RequireExternalId>,
    /// The region whose STS creates the sessions. Form: a region's name, such as eu-west-1. Default: the operator's own region,
    /// otherwise us-east-1 or its equivalent in the role's partition.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::other_region")]
    pub sts_region: Option<String>,
}

/// Names a Secret in the same namespace that holds an access key.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AccessKeySecretRef {
    /// The Secret's name. Form: the name of a Secret in this namespace.
    #[schemars(schema_with = "shape::object_name")]
    pub name: String,
}

/// Which CloudWatch is to be readable.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// The region whose metrics are listed. Form: a region's name, such as eu-west-1.
    #[schemars(schema_with = "shape::region")]
    pub region: String,
}

/// One key of a Secret in the same namespace.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// The Secret's name. Form: the name of a Secret in this namespace.
    #[schemars(schema_with = "shape::object_name")]
    pub name: String,
    /// The key of the external ID in the Secret. Form: 1 to 253 of A-Z a-z 0-9 - . _ and nothing else. Default:
    /// externalId.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::secret_key")]
    pub key: Option<String>,
}

/// What a role that does not enforce its external ID leads to.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequireExternalId {
    /// Nothing is loaded.
    #[default]
    Enforce,
    /// A condition says so.
    Warn,
}

/// What becomes of the loaded rows when the object is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeletionPolicy {
    /// They stay in the warehouse.
    #[default]
    Retain,
    /// They are removed before the object goes.
    Purge,
}

/// A billing report as AWS delivers it.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The name of the Cost and Usage Report or of the data export, which is case-sensitive. It can't change once a bill is
    /// loaded. Form: 1 to 256 of A-Z a-z 0-9 ! - _ . * ' ( ).
    #[schemars(schema_with = "shape::report_name")]
    pub name: String,
    /// Which family the report belongs to. One of: Auto (whichever has that name), LegacyCur (a Cost and Usage Report of the
    /// `cur` API), Cur2 (a COST_AND_USAGE_REPORT data export). Default: Auto.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "report_kind_schema")]
    pub kind: Option<ReportKindChoice>,
    /// The S3 bucket that AWS delivers the report to.
    pub bucket: Bucket,
}

/// The families of reports to choose from.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReportKindChoice {
    /// Whichever has the name.
    #[default]
    Auto,
    /// A Cost and Usage Report of the `cur` API.
    LegacyCur,
    /// A COST_AND_USAGE_REPORT data export.
    Cur2,
}

impl ReportKindChoice {
    /// The family that is chosen; `None` for whichever has the name.
    pub fn kind(self) -> Option<ReportKind> {
        match self {
            Self::Auto => None,
            Self::LegacyCur => Some(ReportKind::LegacyCur),
            Self::Cur2 => Some(ReportKind::Cur2),
        }
    }
}

/// The S3 bucket of a report.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// The bucket's name. It can't change once a bill is loaded. Form: a bucket's name, not the alias of an access point: 3 to
    /// 63 lower-case letters, digits, dots and hyphens.
    #[schemars(schema_with = "shape::bucket_name")]
    pub name: String,
    /// The bucket's region. Form: a region's name, such as eu-west-1.
    #[schemars(schema_with = "shape::region")]
    pub region: String,
    /// The report's prefix in the bucket, exactly as in its definition; AWS adds the report's name itself. It can't
    /// change once a bill is loaded. Form: at most 256 of A-Z a-z 0-9 ! - _ . * ' ( ) and /, with no / at its start and no ..
    /// between slashes. Default: empty.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::key_prefix")]
    pub prefix: Option<String>,
    /// The account that owns the bucket. Every call requires this owner, so that nobody else's bucket with
    /// this name is read. Form: 12
    /// digits, in quotes. Default: the connected account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::account_id")]
    pub owner_account_id: Option<String>,
}

/// How much of the past is wanted.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// How many billing months are loaded, the current one included. Form: 1 to 15.
    #[schemars(range(min = 1, max = 15))]
    pub months: i32,
}

/// Where the bill goes and how the loading Jobs run.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Ingestion {
    /// The CostWarehouse in this namespace that the bill is loaded into. It can't change once a bill is loaded.
    pub warehouse_ref: WarehouseRef,
    /// How often AWS is asked for new deliveries. Form: days, hours, minutes and seconds in this order, between 15m and 24h, such
    /// as 30m or 1h30m. Default: 1h.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "interval_schema")]
    pub interval: Option<String>,
    /// What a Job's container requests and its limits. If set, it replaces the default as a whole. Default: the chart's
    /// jobs.resources, else requests of 250m cpu and 512Mi memory, and a limit of 1Gi memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Labels that a node must have for a Job's pod. Form: at most 32 labels. Default: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "label_map_schema")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that a Job's pod tolerates, as in a pod. Form: at most 16. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "tolerations_schema")]
    pub tolerations: Vec<Toleration>,
    /// Secrets in this namespace that the image of a Job is pulled with. Form: at most 16. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "pull_secrets_schema")]
    pub image_pull_secrets: Vec<ImagePullSecret>,
    /// Labels that Jobs and their pods get in addition to the operator's own. Keys under awscost.io/ and kubernetes.io/ are left out.
    /// Form: at most 32 labels. Default: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "label_map_schema")]
    pub pod_labels: BTreeMap<String, String>,
    /// Annotations that pods of Jobs get. Form: at most 32, of 4096 characters each. Default: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "annotation_map_schema")]
    pub pod_annotations: BTreeMap<String, String>,
}

/// Names a CostWarehouse of the same namespace.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WarehouseRef {
    /// The CostWarehouse's name. Form: the name of a CostWarehouse in this namespace.
    #[schemars(schema_with = "shape::object_name")]
    pub name: String,
}

/// Compute resources of a container.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What the container requests: cpu, memory and ephemeral-storage. Form: at most 8 quantities, such as 250m or 512Mi.
    /// Default: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "quantities_schema")]
    pub requests: BTreeMap<String, IntOrString>,
    /// The most that the container may use. Form: at most 8 quantities,
    /// such as 1Gi. Default: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "quantities_schema")]
    pub limits: BTreeMap<String, IntOrString>,
}

/// A tolerated taint; the fields have the same meaning as in a pod.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Toleration {
    /// The taint's key. Form: at most 316 of A-Z a-z 0-9 . / _ -. Default: empty, which with operator Exists means every taint.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::taint_key")]
    pub key: Option<String>,
    /// How key and value are compared. One of: Exists (the key is enough), Equal (the value counts too). Default: Equal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "operator_schema")]
    pub operator: Option<String>,
    /// The taint's value, with operator Equal. Form: at most 63 of A-Z a-z 0-9 . _ -. Default: empty.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::taint_value")]
    pub value: Option<String>,
    /// Which effect of the taint is tolerated. One of: NoSchedule, PreferNoSchedule, NoExecute. Default: all of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "effect_schema")]
    pub effect: Option<String>,
    /// How long a NoExecute taint is tolerated. Form: seconds. Default: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// A Secret for pulling images.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ImagePullSecret {
    /// The Secret's name. Form: the name of a Secret in this namespace.
    #[schemars(schema_with = "shape::object_name")]
    pub name: String,
}

/// When a missing delivery counts as late.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Freshness {
    /// How old the newest delivery may be before the condition ReportDelivered is False with DeliveryStale. Form: days, hours,
    /// minutes and seconds in this order, between 1h and 60d, such as 36h or 2d. Default: 36h.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "age_schema")]
    pub max_delivery_age: Option<String>,
    /// How long a new account's first delivery may take before it counts as overdue. Form: days, hours, minutes and seconds in
    /// this order, between 1h and 60d, such as 48h or 3d. Default: 48h.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "age_schema")]
    pub first_delivery_grace: Option<String>,
}

fn account_type_schema(_: &mut SchemaGenerator) -> Schema {
    shape::one_of(&[AccountType::Management, AccountType::Member, AccountType::Standalone])
}

fn require_external_id_schema(_: &mut SchemaGenerator) -> Schema {
    shape::any_of(&[RequireExternalId::Enforce, RequireExternalId::Warn])
}

fn deletion_policy_schema(_: &mut SchemaGenerator) -> Schema {
    shape::any_of(&[DeletionPolicy::Retain, DeletionPolicy::Purge])
}

fn report_kind_schema(_: &mut SchemaGenerator) -> Schema {
    shape::any_of(&[ReportKindChoice::Auto, ReportKindChoice::LegacyCur, ReportKindChoice::Cur2])
}

fn operator_schema(_: &mut SchemaGenerator) -> Schema {
    shape::word_of(&["Exists", "Equal"], "operator takes Exists or Equal")
}

fn effect_schema(_: &mut SchemaGenerator) -> Schema {
    shape::word_of(
        &["NoSchedule", "PreferNoSchedule", "NoExecute"],
        "effect takes NoSchedule, PreferNoSchedule or NoExecute; every effect without it",
    )
}

fn interval_schema(_: &mut SchemaGenerator) -> Schema {
    let words =
        "the interval lies between 15m and 24h, in days, hours, minutes and seconds, such as 1h or 1h30m";
    shape::duration_text(15 * 60, 24 * 3600, words)
}

fn age_schema(_: &mut SchemaGenerator) -> Schema {
    let words =
        "the time lies between 1h and 1440h (60d), in days, hours, minutes and seconds, such as 36h or 2d";
    shape::duration_text(3600, 60 * 24 * 3600, words)
}

/// Integers are quantities too: what differs from itself as text is one.
fn quantities_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "maxProperties": 8,
        "additionalProperties": {
            "x-kubernetes-int-or-string": true, "maxLength": 32,
            "x-kubernetes-validations": [{
                "rule": "self != string(self) || (isQuantity(self) && !self.startsWith('-'))",
                "message": "it takes a quantity as Kubernetes writes it, such as 2, 500m or 512Mi"
            }]
        }
    })
}

fn label_map_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "maxProperties": 32, "additionalProperties": shape::label_value()})
}

fn annotation_map_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "maxProperties": 32,
        "additionalProperties": {"type": "string", "maxLength": 4096}
    })
}

fn tolerations_schema(generator: &mut SchemaGenerator) -> Schema {
    list_schema(generator.subschema_for::<Toleration>())
}

fn pull_secrets_schema(generator: &mut SchemaGenerator) -> Schema {
    list_schema(generator.subschema_for::<ImagePullSecret>())
}

fn list_schema(items: Schema) -> Schema {
    json_schema!({"type": "array", "maxItems": 16, "items": items})
}
