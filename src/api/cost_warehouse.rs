//! `CostWarehouse`: a place that takes bills.

// Each printcolumn is a list of its own; the lint takes them for one.
#![allow(clippy::duplicated_attributes)]

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{shape, status::CostWarehouseStatus};

/// Where costs are kept.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "awscost.io",
    version = "v1alpha1",
    kind = "CostWarehouse",
    plural = "costwarehouses",
    namespaced,
    cel,
    shortname = "cwh",
    category = "finops",
    status = "CostWarehouseStatus",
    derive = "PartialEq",
    doc = "A place that the bills of its namespace's AwsCostAccounts are loaded into: a Delta Lake table on a volume or in S3.",
    printcolumn(
        name = "Location",
        type_ = "string",
        json_path = ".spec.delta.location",
        description = "Location of the tables"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status",
        description = "Whether the last probe could write, commit, read and remove a row"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason",
        description = "Reason of the condition Ready"
    ),
    printcolumn(
        name = "Accounts",
        type_ = "integer",
        json_path = ".status.accounts",
        description = "How many AwsCostAccounts use it"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        description = "What is wrong and what to do, in short; for the full message: kubectl awscost status costwarehouse/NAME",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct CostWarehouseSpec {
    /// A Delta Lake table on a volume or in S3.
    #[schemars(required)]
    pub delta: Option<Delta>,
    /// A warehouse in the memory of a test.
    #[cfg(test)]
    #[schemars(skip)]
    pub memory: Option<super::warehouse_spec::MemorySpec>,
}

/// A Delta Lake warehouse.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[x_kube(
    validation = Rule::new("self.location == oldSelf.location")
        .message("spec.delta.location can't change, because loaded rows would stay behind: create another CostWarehouse instead"),
    validation = Rule::new("!self.location.startsWith('file://') || has(self.persistentVolumeClaim)")
        .message("a file:// location needs spec.delta.persistentVolumeClaim: the claim that is mounted at /warehouse"),
    validation = Rule::new("!self.location.startsWith('s3://') || !has(self.persistentVolumeClaim)")
        .message("spec.delta.persistentVolumeClaim needs a file:// location"),
    validation = Rule::new("!self.location.startsWith('s3://') || has(self.region)")
        .message("an s3:// location needs spec.delta.region"),
    validation = Rule::new("!self.location.startsWith('file://') || (!has(self.region) && !has(self.endpoint) && !has(self.pathStyle) && !has(self.credentialsSecretRef) && !has(self.serviceAccountName))")
        .message("region, endpoint, pathStyle, credentialsSecretRef and serviceAccountName need an s3:// location"),
    validation = Rule::new("!self.location.startsWith('s3://') || has(self.credentialsSecretRef) != has(self.serviceAccountName)")
        .message("an s3:// location needs exactly one of credentialsSecretRef and serviceAccountName: the warehouse's own identity"),
    validation = Rule::new("!has(self.pathStyle) || has(self.endpoint)")
        .message("spec.delta.pathStyle needs spec.delta.endpoint"),
    validation = Rule::new("!has(self.endpoint) || (has(self.pathStyle) && self.pathStyle) || !self.endpoint.matches('^https?://[0-9.]+(:|/|$)')")
        .message("an endpoint that is an IP address needs spec.delta.pathStyle: true, because a bucket's name can't be put in front of it"),
    validation = Rule::new("has(self.persistentVolumeClaim) == has(oldSelf.persistentVolumeClaim) && (!has(self.persistentVolumeClaim) || self.persistentVolumeClaim == oldSelf.persistentVolumeClaim)")
        .message("spec.delta.persistentVolumeClaim can't change, because loaded rows would stay behind: create another CostWarehouse instead")
)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// The location of the tables. It can't change. Form: s3://BUCKET or s3://BUCKET/PREFIX, or, on a claim,
    /// file:///warehouse or a folder below it, such as file:///warehouse/costs; folders take A-Z a-z 0-9 - _ . = between single slashes.
    #[schemars(schema_with = "shape::location")]
    pub location: String,
    /// The region of an S3 location's bucket. Form: a region's name, such as eu-west-1. Default: none; required with s3://.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::other_region")]
    pub region: Option<String>,
    /// The address of an S3-compatible store. Only with s3://. Form: https://HOST or https://HOST:PORT,
    /// without a path; http:// in a test. Default: AWS's own for the region.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::endpoint")]
    pub endpoint: Option<String>,
    /// Whether requests have the bucket's name in the path instead of the host name, as some stores need.
    /// Only with endpoint.
    /// Form: true or false. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    /// The Secret with the keys that open the bucket. It holds `accessKeyId`, `secretAccessKey` and, with temporary keys,
    /// `sessionToken`, lies in this namespace and carries the label `awscost.io/use: warehouse`. It is mounted into Jobs; the
    /// operator never reads it. Only with s3://. Default: none; then serviceAccountName is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<SecretRef>,
    /// The service account whose identity (IRSA, EKS Pod Identity) opens the bucket; Jobs run as it. The
    /// administrator must list it in the chart value `jobs.serviceAccounts`. Only with s3://. Form: the name of a ServiceAccount in this namespace.
    /// Default: none; then credentialsSecretRef is required.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::other_object_name")]
    pub service_account_name: Option<String>,
    /// The claim that is mounted at /warehouse for a file:// location. It can't change. Form: the name of a
    /// PersistentVolumeClaim in this namespace. Default: none; required with file://.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(schema_with = "shape::other_object_name")]
    pub persistent_volume_claim: Option<String>,
}

/// Names a Secret of the same namespace.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// The Secret's name. Form: the name of a Secret in this namespace.
    #[schemars(schema_with = "shape::object_name")]
    pub name: String,
}
