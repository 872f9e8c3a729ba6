//! The resource types of the template, with the properties we set (docs/aws-facts.md 6.2).

use std::collections::BTreeMap;

use serde::Serialize;

use super::TemplateVariable;
use crate::{
    model::{
        ReportLocation,
        policy::{Policy, text::Text},
    },
    onboarding::{
        WantedAccount,
        delivery::{NewExport, TABLE},
    },
};

/// A resource: its properties, and what becomes of it when the stack goes.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StackResource {
    #[serde(flatten)]
    properties: ResourceProperties,
    #[serde(flatten)]
    attributes: ResourceAttributes,
}

/// What CloudFormation is told besides the properties.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResourceAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    depends_on: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_replace_policy: Option<&'static str>,
}

/// The properties of each type.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "Type", content = "Properties")]
pub(super) enum ResourceProperties {
    #[serde(rename = "AWS::IAM::Role", rename_all = "PascalCase")]
    Role {
        role_name: String,
        path: String,
        description: &'static str,
        max_session_duration: u32,
        assume_role_policy_document: Policy<TemplateVariable>,
        policies: [InlinePolicy; 1],
    },
    #[serde(rename = "AWS::S3::Bucket", rename_all = "PascalCase")]
    Bucket {
        bucket_name: String,
        ownership_controls: RuleList<OwnershipRule>,
        public_access_block_configuration: PublicAccessBlock,
        bucket_encryption: BucketEncryption,
    },
    #[serde(rename = "AWS::S3::BucketPolicy", rename_all = "PascalCase")]
    BucketPolicy { bucket: Text<TemplateVariable>, policy_document: Policy<TemplateVariable> },
    #[serde(rename = "AWS::BCMDataExports::Export", rename_all = "PascalCase")]
    Export { export: ExportProperty },
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InlinePolicy {
    pub(super) policy_name: &'static str,
    pub(super) policy_document: Policy<TemplateVariable>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RuleList<T> {
    rules: [T; 1],
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OwnershipRule {
    object_ownership: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PublicAccessBlock {
    block_public_acls: bool,
    block_public_policy: bool,
    ignore_public_acls: bool,
    restrict_public_buckets: bool,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BucketEncryption {
    server_side_encryption_configuration: [EncryptionRule; 1],
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EncryptionRule {
    server_side_encryption_by_default: DefaultEncryption,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "SSEAlgorithm")]
pub(super) enum DefaultEncryption {
    /// Keys that S3 keeps.
    #[serde(rename = "AES256")]
    S3,
    /// The customer's own key.
    #[serde(rename = "aws:kms")]
    Kms {
        #[serde(rename = "KMSMasterKeyID")]
        key: String,
    },
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ExportProperty {
    name: String,
    description: &'static str,
    data_query: DataQuery,
    destination_configurations: ExportDestinations,
    refresh_cadence: RefreshCadence,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DataQuery {
    query_statement: String,
    table_configurations: BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExportDestinations {
    s3_destination: ExportDestination,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ExportDestination {
    s3_bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_bucket_owner: Option<String>,
    s3_prefix: String,
    s3_region: String,
    s3_output_configurations: S3Output,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct S3Output {
    output_type: &'static str,
    format: &'static str,
    compression: &'static str,
    overwrite: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RefreshCadence {
    frequency: &'static str,
}

impl StackResource {
    /// One that goes with the stack.
    pub(super) fn plain(properties: ResourceProperties) -> Self {
        Self { properties, attributes: ResourceAttributes::default() }
    }

    /// One that stays when the stack goes: bills can't be had again.
    pub(super) fn retained(properties: ResourceProperties) -> Self {
        let stays = Some("Retain");
        let attributes = ResourceAttributes {
            deletion_policy: stays,
            update_replace_policy: stays,
            ..ResourceAttributes::default()
        };
        Self { properties, attributes }
    }

    /// One that is created after another.
    pub(super) fn after(mut self, other: Option<&'static str>) -> Self {
        self.attributes.depends_on = other;
        self
    }
}

impl ResourceProperties {
    pub(super) fn bucket(wanted: &WantedAccount, report: &ReportLocation) -> Self {
        let default = match &wanted.kms_key {
            Some(key) => DefaultEncryption::Kms { key: key.to_string() },
            None => DefaultEncryption::S3,
        };
        Self::Bucket {
            bucket_name: report.bucket.to_string(),
            // What AWS delivers is the owner's, without access lists.
            ownership_controls: RuleList {
                rules: [OwnershipRule { object_ownership: "BucketOwnerEnforced" }],
            },
            public_access_block_configuration: PublicAccessBlock {
                block_public_acls: true,
                block_public_policy: true,
                ignore_public_acls: true,
                restrict_public_buckets: true,
            },
            bucket_encryption: BucketEncryption {
                server_side_encryption_configuration: [EncryptionRule {
                    server_side_encryption_by_default: default,
                }],
            },
        }
    }

    pub(super) fn bucket_policy(
        bucket: Text<TemplateVariable>,
        policy_document: Policy<TemplateVariable>,
    ) -> Self {
        Self::BucketPolicy { bucket, policy_document }
    }

    pub(super) fn export(definition: NewExport) -> Self {
        Self::Export {
            export: ExportProperty {
                name: definition.name,
                description: "The cost report that awscost loads",
                data_query: DataQuery {
                    query_statement: definition.query,
                    table_configurations: BTreeMap::from([(TABLE, definition.properties)]),
                },
                destination_configurations: ExportDestinations {
                    s3_destination: ExportDestination {
                        s3_bucket: definition.bucket,
                        s3_bucket_owner: definition.bucket_owner,
                        s3_prefix: definition.prefix,
                        s3_region: definition.region,
                        s3_output_configurations: S3Output {
                            output_type: "CUSTOM",
                            format: "PARQUET",
                            compression: "PARQUET",
                            // A delivery that never changes can be read while the next one is written
                            // (docs/aws-facts.md 3.7).
                            overwrite: "CREATE_NEW_REPORT",
                        },
                    },
                },
                refresh_cadence: RefreshCadence { frequency: "SYNCHRONOUS" },
            },
        }
    }
}
