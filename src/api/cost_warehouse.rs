//! `CostWarehouse`: a place that takes bills.

// Each printcolumn is a list of its own; the lint takes them for one.
#![allow(clippy::duplicated_attributes)]

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::CostWarehouseStatus;

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
    doc = "A place that takes the bills of AwsCostAccounts in its namespace, such as a Delta Lake table on a volume or in S3.",
    printcolumn(
        name = "Location",
        type_ = "string",
        json_path = ".spec.delta.location",
        description = "Where the tables lie"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status",
        description = "Whether a probe could write, commit, read and remove"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason",
        description = "Why Ready is what it is"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        description = "What to do next",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct CostWarehouseSpec {
    /// A Delta Lake table on a volume or in S3, which Spark, DuckDB, Trino and others read.
    pub delta: Delta,
}

/// A Delta Lake warehouse.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[x_kube(
    validation = Rule::new("self.location == oldSelf.location")
        .message("spec.delta.location can't change, because loaded rows would stay behind: create another CostWarehouse instead"),
    validation = Rule::new("!self.location.split('/').exists(part, part == '..')")
        .message("spec.delta.location has no .. in it"),
    validation = Rule::new("!self.location.startsWith('file://') || has(self.persistentVolumeClaim)")
        .message("a file:// location needs spec.delta.persistentVolumeClaim: the claim that is mounted at /warehouse"),
    validation = Rule::new("!self.location.startsWith('file://') || self.location == 'file:///warehouse' || self.location.startsWith('file:///warehouse/')")
        .message("a file:// location lies under file:///warehouse, where the claim is mounted"),
    validation = Rule::new("!self.location.startsWith('s3://') || !has(self.persistentVolumeClaim)")
        .message("spec.delta.persistentVolumeClaim goes with a file:// location only"),
    validation = Rule::new("!self.location.startsWith('s3://') || has(self.region)")
        .message("an s3:// location needs spec.delta.region"),
    validation = Rule::new("!self.location.startsWith('file://') || (!has(self.region) && !has(self.endpoint) && !has(self.pathStyle) && !has(self.credentialsSecretRef))")
        .message("region, endpoint, pathStyle and credentialsSecretRef go with an s3:// location only"),
    validation = Rule::new("!self.location.startsWith('s3://') || has(self.credentialsSecretRef) != has(self.serviceAccountName)")
        .message("an s3:// location needs exactly one of credentialsSecretRef and serviceAccountName: the warehouse's own identity"),
    validation = Rule::new("!has(self.pathStyle) || has(self.endpoint)")
        .message("spec.delta.pathStyle goes with spec.delta.endpoint only"),
    validation = Rule::new("!self.location.startsWith('s3://') || !self.location.split('/')[2].contains('..')")
        .message("a bucket name has no two dots in a row"),
    validation = Rule::new("has(self.persistentVolumeClaim) == has(oldSelf.persistentVolumeClaim) && (!has(self.persistentVolumeClaim) || self.persistentVolumeClaim == oldSelf.persistentVolumeClaim)")
        .message("spec.delta.persistentVolumeClaim can't change, because loaded rows would stay behind: create another CostWarehouse instead")
)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// Where the tables lie: `s3://BUCKET/PREFIX`, or a folder of the claim such as `file:///warehouse/costs`.
    #[schemars(
        length(min = 8, max = 512),
        regex(
            pattern = r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?|file:///[A-Za-z0-9!_.*'()/-]*)$"
        )
    )]
    pub location: String,
    /// The region of an S3 location's bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = r"^[a-z]+(-[a-z]+){1,3}-[0-9]{1,2}$"))]
    pub region: Option<String>,
    /// The URL of an S3-compatible store; by default AWS's own for the region.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 512),
        regex(
            pattern = r"^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$"
        )
    )]
    pub endpoint: Option<String>,
    /// True addresses buckets in the path instead of the host name, as some stores behind an endpoint need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    /// The Secret with the store's credentials under the keys `accessKeyId`, `secretAccessKey` and, if there is
    /// one, `sessionToken`. It must carry the label `awscost.io/use: warehouse` and lie in this namespace. The
    /// operator never reads it; it is mounted into the Jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<SecretRef>,
    /// The service account of the Jobs that open the warehouse, for an identity bound to it. The operator's
    /// administrator allows it (chart value `jobs.serviceAccounts`); by default `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub service_account_name: Option<String>,
    /// The claim, in this namespace, that is mounted at /warehouse for a file:// location.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub persistent_volume_claim: Option<String>,
}

/// Names a Secret of the same namespace.
#[derive(Serialize, Deserialize, JsonSchema, Debug, Clone, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// The Secret's name.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: String,
}
