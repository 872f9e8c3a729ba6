//! `AwsCostAccount`: one AWS account whose bill is wanted, and how to reach it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::model::AccountType;

use super::{shape, status::AwsCostAccountStatus};

/// Which AWS account to connect, how to reach it, and where its bill goes.
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
    doc = "An AWS account connected for cost analysis: its role, its billing report, and the warehouse that takes the bill.",
    selectable = ".spec.accountId",
    selectable = ".spec.suspend",
    printcolumn(name = "Account", type_ = "string", json_path = ".status.identity.accountId", description = "The AWS account"),
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.accountType", description = "Management, Member or Standalone"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status", description = "Whether everything that must work does"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason", description = "Why Ready is what it is"),
    printcolumn(name = "Report", type_ = "string", json_path = ".spec.report.name", description = "The billing report"),
    printcolumn(name = "Last-Ingest", type_ = "date", json_path = ".status.ingestion.lastSuccess", description = "When a version of the bill was last loaded"),
    printcolumn(name = "Suspended", type_ = "boolean", json_path = ".spec.suspend", description = "Whether looks and loads are paused"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Role", type_ = "string", json_path = ".spec.access.roleArn", description = "The role that is assumed", priority = 1),
    printcolumn(name = "Warehouse", type_ = "string", json_path = ".spec.ingestion.warehouseRef.name", description = "Where the bill goes", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].message", description = "What to do next", priority = 1),
    validation = Rule::new(
        "!(has(oldSelf.status) && has(oldSelf.status.ingestion) && has(oldSelf.status.ingestion.lastSuccess)) || !has(oldSelf.spec.ingestion) || (has(self.spec.ingestion) && self.spec.ingestion.warehouseRef.name == oldSelf.spec.ingestion.warehouseRef.name)"
    ).message("spec.ingestion.warehouseRef can't change once a bill is loaded, because the loaded rows would stay behind: create another AwsCostAccount instead"),
    validation = Rule::new(
        "!(has(oldSelf.status) && has(oldSelf.status.ingestion) && has(oldSelf.status.ingestion.lastSuccess)) || !has(oldSelf.spec.report) || (has(self.spec.report) && self.spec.report.name == oldSelf.spec.report.name && self.spec.report.bucket.name == oldSelf.spec.report.bucket.name && (has(self.spec.report.bucket.prefix) ? self.spec.report.bucket.prefix : '') == (has(oldSelf.spec.report.bucket.prefix) ? oldSelf.spec.report.bucket.prefix : ''))"
    ).message("spec.report's name, bucket and prefix can't change once a bill is loaded, because versions of two reports can't be ordered: create another AwsCostAccount instead"),
)]
#[x_kube(
    validation = Rule::new("!has(self.accountId) || !has(self.access.roleArn) || !self.access.roleArn.matches('^([^:]*:){4}[0-9]{12}:') || self.access.roleArn.split(':')[4] == self.accountId")
        .message("the account in spec.access.roleArn must be spec.accountId: correct the one that is wrong"),
    validation = Rule::new("!has(self.access.accessKeySecretRef) || has(self.accountId)")
        .message("spec.access.accessKeySecretRef needs spec.accountId: keys do not say whose they are"),
    validation = Rule::new("(has(self.access.roleArn) && !self.access.roleArn.matches('^([^:]*:){4}[0-9]{12}:')) || (has(self.access.roleArn) ? self.access.roleArn.split(':')[4] : self.accountId) == (has(oldSelf.access.roleArn) ? oldSelf.access.roleArn.split(':')[4] : oldSelf.accountId)")
        .message("the AWS account can't change: spec.access.roleArn may name another role of the same account only; create another AwsCostAccount for another account"),
    validation = Rule::new("!has(oldSelf.accountId) || (has(self.accountId) && self.accountId == oldSelf.accountId)")
        .message("spec.accountId can't change, nor be removed once it is set: write it again as it was, or create another AwsCostAccount for another account"),
    validation = Rule::new("self.accountType == 'Member' || has(self.report)")
        .message("a Management or Standalone account needs spec.report: its name and its bucket; only a Member may go without"),
    validation = Rule::new("!has(self.report) || has(self.ingestion)")
        .message("an account with spec.report needs spec.ingestion.warehouseRef: the CostWarehouse that takes the bill"),
    validation = Rule::new("has(self.report) || (!has(self.ingestion) && !has(self.history) && !has(self.freshness))")
        .message("spec.ingestion, spec.history and spec.freshness need spec.report: without a report nothing is loaded"),
    validation = Rule::new("has(self.report) || !has(self.deletionPolicy) || self.deletionPolicy != 'Purge'")
        .message("spec.deletionPolicy: Purge needs spec.report: without a report nothing is loaded that could be purged")
)]
#[serde(rename_all = "camelCase")]
pub struct AwsCostAccountSpec {
    /// A name for people; nothing depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub display_name: Option<String>,
    /// The 12-digit AWS account id, quoted so that leading zeros stay. Without it, the account of the role is
    /// meant. It must be the role's account, and can't change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::account_id")]
    pub account_id: Option<String>,
    /// What the account is in its organization: Management (the payer: its report covers every member), Member
    /// (its report covers itself) or Standalone (in no organization). Verified against AWS Organizations.
    #[schemars(schema_with = "account_type_schema")]
    pub account_type: AccountType,
    /// How the account is reached.
    pub access: Access,
    /// The billing report to load. A Member may have none: then only access is checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// How much of the past is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// Where the bill goes and how the loading Jobs run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingestion: Option<Ingestion>,
    /// From when on a missing delivery counts as late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<Freshness>,
    /// Opts in to a check that CloudWatch metrics can be listed, such as for a Member that offers nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// What becomes of the loaded rows when this object is deleted: Retain (the default) leaves them in the warehouse,
    /// Purge removes them before the object goes. Nothing in AWS is ever touched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// True pauses looks and loads. A running Job ends normally, conditions stay as they are, deletion works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// How the account is reached: a role, assumed with an external ID, or the keys of an IAM user.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.roleArn) != has(self.accessKeySecretRef)")
        .message("spec.access needs exactly one of roleArn, and accessKeySecretRef (deprecated)"),
    validation = Rule::new("has(self.roleArn) == has(self.externalIdSecretRef)")
        .message("spec.access.roleArn needs externalIdSecretRef, the Secret with the external ID of the role's trust policy, which goes with roleArn only"),
    validation = Rule::new("has(self.roleArn) || (!has(self.nextExternalIdSecretRef) && !has(self.generateExternalId) && !has(self.requireExternalId))")
        .message("nextExternalIdSecretRef, generateExternalId and requireExternalId go with spec.access.roleArn only"),
    validation = Rule::new("!has(self.nextExternalIdSecretRef) || !has(self.externalIdSecretRef) || self.nextExternalIdSecretRef.name != self.externalIdSecretRef.name || (has(self.nextExternalIdSecretRef.key) ? self.nextExternalIdSecretRef.key : 'externalId') != (has(self.externalIdSecretRef.key) ? self.externalIdSecretRef.key : 'externalId')")
        .message("spec.access.nextExternalIdSecretRef must name another Secret or key than externalIdSecretRef")
)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// The ARN of the IAM role to assume.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::role_arn")]
    pub role_arn: Option<String>,
    /// The Secret that holds the external ID of the role's trust policy. It must carry the label
    /// `awscost.io/use: external-id` and lie in this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id_secret_ref: Option<SecretKeyRef>,
    /// The Secret with the external ID that is to take the place of the current one, labelled alike. While both are
    /// named, the next is tried first and the current as long as it is needed; status says which is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_external_id_secret_ref: Option<SecretKeyRef>,
    /// True has the operator create the Secret of externalIdSecretRef, once, with a random external ID. A Secret that
    /// is there is never changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_external_id: Option<bool>,
    /// Deprecated: the Secret with the access key of an IAM user of the account, instead of a role, under the keys
    /// `accessKeyId` and `secretAccessKey`. It must carry the label `awscost.io/use: access-key` and lie in this
    /// namespace. spec.accountId says whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_secret_ref: Option<AccessKeySecretRef>,
    /// What happens when the role can be assumed without the external ID, or with any: Enforce (the default)
    /// keeps Ready False and loads nothing, Warn only says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_external_id: Option<RequireExternalId>,
    /// The region whose STS endpoint is used; by default the operator's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::other_region")]
    pub sts_region: Option<String>,
}

/// Names a Secret in the same namespace that holds an access key.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AccessKeySecretRef {
    /// The Secret's name.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
}

/// Which CloudWatch is to be readable.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// The region whose metrics are listed.
    #[schemars(schema_with = "shape::region")]
    pub region: String,
}

/// One key of a Secret in the same namespace.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
    /// The key in it; `externalId` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
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
    /// The name of the Cost and Usage Report or of the data export.
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^[A-Za-z0-9!_.*'()-]+$"))]
    pub name: String,
    /// LegacyCur (the `cur` API), Cur2 (a COST_AND_USAGE_REPORT data export) or Auto (the default): whichever
    /// has that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ReportKindChoice>,
    /// The bucket that AWS delivers it to.
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

/// The S3 bucket of a report.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[x_kube(
    validation = Rule::new("!self.name.contains('..')").message("a bucket name has no two dots in a row"),
    validation = Rule::new("!self.name.matches('^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$')").message("a bucket name is not an IP address"),
    validation = Rule::new("!self.name.startsWith('xn--') && !self.name.endsWith('-s3alias') && !self.name.endsWith('--ol-s3')")
        .message("a bucket name does not start with xn-- nor end with -s3alias or --ol-s3: access point aliases are not buckets"),
    validation = Rule::new("!has(self.prefix) || (!self.prefix.startsWith('/') && !self.prefix.split('/').exists(part, part == '..'))")
        .message("a report prefix does not start with / and has no .. in it: give it byte for byte as the report definition has it")
)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// The bucket's name.
    #[schemars(schema_with = "shape::bucket_name")]
    pub name: String,
    /// The region the bucket lies in.
    #[schemars(schema_with = "shape::region")]
    pub region: String,
    /// The report's prefix, byte for byte as its definition has it; empty by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), regex(pattern = r"^[A-Za-z0-9!_.*'()/-]*$"))]
    pub prefix: Option<String>,
    /// The account that owns the bucket; by default the connected account. Every call insists on it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::account_id")]
    pub owner_account_id: Option<String>,
}

/// How much of the past is wanted.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// Billing months to load, the current one included; 13 by default, 15 at most.
    #[schemars(range(min = 1, max = 15))]
    pub months: i32,
}

/// Where the bill goes and how the loading Jobs run.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Ingestion {
    /// The CostWarehouse in this namespace that takes the bill.
    pub warehouse_ref: WarehouseRef,
    /// How often new deliveries are looked for, such as 1h (the default) or 15m (the least).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "interval_schema")]
    pub interval: Option<String>,
    /// Compute resources of a loading Job's container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Node labels a loading Job's pod asks for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "label_map_schema")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints a loading Job's pod tolerates.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "tolerations_schema")]
    pub tolerations: Vec<Toleration>,
    /// Secrets for pulling the image, in this namespace.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schemars(schema_with = "pull_secrets_schema")]
    pub image_pull_secrets: Vec<ImagePullSecret>,
    /// Labels added to a loading Job's pod; ours stay.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "label_map_schema")]
    pub pod_labels: BTreeMap<String, String>,
    /// Annotations added to a loading Job's pod.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "annotation_map_schema")]
    pub pod_annotations: BTreeMap<String, String>,
}

/// Names a CostWarehouse of the same namespace.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WarehouseRef {
    /// The CostWarehouse's name.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
}

/// Compute resources of a container.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What the container is promised: cpu, memory, ephemeral-storage.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "quantities_schema")]
    pub requests: BTreeMap<String, IntOrString>,
    /// What the container may take at most.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schemars(schema_with = "quantities_schema")]
    pub limits: BTreeMap<String, IntOrString>,
}

/// A taint that is tolerated, with Kubernetes' own meaning of each field.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Toleration {
    /// The taint's key; empty with operator Exists means every taint.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 316), regex(pattern = r"^[A-Za-z0-9./_-]*$"))]
    pub key: Option<String>,
    /// Exists or Equal (the default).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 6), regex(pattern = r"^(Exists|Equal)$"))]
    pub operator: Option<String>,
    /// The taint's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = r"^[A-Za-z0-9._-]*$"))]
    pub value: Option<String>,
    /// NoSchedule, PreferNoSchedule or NoExecute; every effect where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16), regex(pattern = r"^(NoSchedule|PreferNoSchedule|NoExecute)$"))]
    pub effect: Option<String>,
    /// How long a NoExecute taint is tolerated, in seconds; for ever where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// Names a Secret for pulling images.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ImagePullSecret {
    /// The Secret's name.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
}

/// From when on a missing delivery counts as late.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Freshness {
    /// A newest delivery older than this is stale; 36h by default, 1h at least.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "age_schema")]
    pub max_delivery_age: Option<String>,
    /// How long a first delivery may take before it counts as overdue; 48h by default, 1h at least.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "age_schema")]
    pub first_delivery_grace: Option<String>,
}

fn account_type_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["Management", "Member", "Standalone"]})
}

/// Hours, minutes and seconds, as `duration()` in CEL and Go read them.
const DURATION: &str = r"^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$";

fn interval_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "nullable": true, "minLength": 2, "maxLength": 18, "pattern": DURATION,
        "x-kubernetes-validations": [{
            "rule": "duration(self) >= duration('15m') && duration(self) <= duration('24h')",
            "message": "the interval lies between 15m and 24h, such as 1h"
        }]
    })
}

fn age_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "nullable": true, "minLength": 2, "maxLength": 18, "pattern": DURATION,
        "x-kubernetes-validations": [{
            "rule": "duration(self) >= duration('1h') && duration(self) <= duration('1440h')",
            "message": "the time lies between 1h and 1440h, such as 36h"
        }]
    })
}

fn quantities_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "maxProperties": 8,
        "additionalProperties": {
            "x-kubernetes-int-or-string": true, "maxLength": 32,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": r"^\+?([0-9]+|[0-9]+\.[0-9]*|\.[0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
        }
    })
}

fn label_map_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "maxProperties": 32,
        "additionalProperties": {"type": "string", "maxLength": 63, "pattern": r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"}
    })
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
