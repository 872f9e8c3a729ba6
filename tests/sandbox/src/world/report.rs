//! Report definitions of the legacy API and exports of Data Exports, spelled as AWS's APIs spell them, so that the same
//! types are the world file's, the requests' and the responses'.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A legacy CUR definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ReportDefinition {
    pub report_name: String,
    pub time_unit: String,
    pub format: String,
    pub compression: String,
    pub additional_schema_elements: Vec<String>,
    pub s3_bucket: String,
    #[serde(default)]
    pub s3_prefix: String,
    pub s3_region: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_artifacts: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_closed_reports: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_versioning: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_view_arn: Option<String>,
    /// Absent before the first delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_status: Option<ReportStatus>,
}

/// The last delivery, in lower camel case unlike all the rest of that API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportStatus {
    /// For example `20261121T043010Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_delivery: Option<String>,
    /// SUCCESS, ERROR_PERMISSIONS or ERROR_NO_BUCKET.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<String>,
}

/// An export with what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ExportRecord {
    pub export: Export,
    #[serde(default)]
    pub export_status: ExportStatus,
    #[serde(default)]
    pub executions: Vec<Execution>,
}

/// An export of Data Exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Export {
    /// Given by AWS; a world file may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_arn: Option<String>,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub data_query: DataQuery,
    pub destination_configurations: DestinationConfigurations,
    pub refresh_cadence: RefreshCadence,
}

/// What is selected from which table, with the table's properties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DataQuery {
    pub query_statement: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub table_configurations: BTreeMap<String, BTreeMap<String, String>>,
}

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DestinationConfigurations {
    pub s3_destination: S3Destination,
}

/// The bucket, and the form of the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct S3Destination {
    pub s3_bucket: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_bucket_owner: Option<String>,
    pub s3_prefix: String,
    pub s3_region: String,
    pub s3_output_configurations: OutputConfigurations,
}

/// The form of the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OutputConfigurations {
    pub output_type: String,
    pub format: String,
    pub compression: String,
    pub overwrite: String,
}

/// Only SYNCHRONOUS exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RefreshCadence {
    pub frequency: String,
}

/// Health of an export. `LastRefreshedAt` is absent before the first delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ExportStatus {
    pub status_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refreshed_at: Option<Timestamp>,
}

impl Default for ExportStatus {
    fn default() -> Self {
        Self {
            status_code: "HEALTHY".to_owned(),
            status_reason: None,
            created_at: None,
            last_updated_at: None,
            last_refreshed_at: None,
        }
    }
}

/// One refresh of an export.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Execution {
    pub execution_id: String,
    /// The export as it was when it ran; a world file may leave it out.
    #[serde(default)]
    pub export: Option<Export>,
    pub execution_status: ExecutionStatus,
}

/// How far a refresh has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ExecutionStatus {
    pub status_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_at: Option<Timestamp>,
}

impl ReportDefinition {
    /// `arn:aws:cur:us-east-1:ACCOUNT:definition/NAME`.
    #[must_use]
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:cur:us-east-1:{account}:definition/{}", self.report_name)
    }
}

impl ExportRecord {
    /// The export's ARN: its own, or one that depends on account and name alone.
    #[must_use]
    pub fn arn(&self, account: &str) -> String {
        self.export.export_arn.clone().unwrap_or_else(|| {
            let seed = format!("{account}/{}", self.export.name);
            let digest = <sha2::Sha256 as sha2::Digest>::digest(seed.as_bytes());
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest[..16]);
            let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
            format!("arn:aws:bcm-data-exports:us-east-1:{account}:export/{}-{id}", self.export.name)
        })
    }

    /// The export with its ARN filled in, as every response shows it.
    #[must_use]
    pub fn shown(&self, account: &str) -> Export {
        Export { export_arn: Some(self.arn(account)), ..self.export.clone() }
    }
}
