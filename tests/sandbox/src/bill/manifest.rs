//! The manifests that close a delivery.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::columns::{Catalogue, Source};
use super::cur2::{Cell, Cur2Columns};
use super::layout::uuid_of;
use super::spec::{BillSpec, Dialect, Month};

/// The manifest of a legacy report.
pub(super) fn legacy(
    spec: &BillSpec,
    dialect: &Dialect,
    catalogue: &Catalogue,
    month: Month,
    delivery: &str,
    files: &[String],
) -> Bytes {
    let columns: Vec<Value> = catalogue
        .columns
        .iter()
        .map(|column| {
            let (category, name) = column.name.split_once('/').unwrap_or(("", &column.name));
            json!({"category": category, "name": name, "type": legacy_type(column.source)})
        })
        .collect();
    let (compression, content) = match dialect {
        Dialect::LegacyParquet { .. } => ("Parquet", "application/octet-stream"),
        _ => ("GZIP", "text/csv"),
    };
    let report = format!("{}/{}", spec.payer, spec.report_name);
    printed(&json!({
        "assemblyId": delivery,
        "account": spec.payer,
        "columns": columns,
        "charset": "UTF-8",
        "compression": compression,
        "contentType": content,
        "reportId": hex::encode(Sha256::digest(&report)),
        "reportName": spec.report_name,
        "billingPeriod": {
            "start": month.first.strftime("%Y%m%dT000000.000Z").to_string(),
            "end": month.next.strftime("%Y%m%dT000000.000Z").to_string(),
        },
        "bucket": spec.bucket,
        "reportKeys": files,
        "additionalArtifactKeys": [],
    }))
}

fn legacy_type(source: Source) -> &'static str {
    match source {
        Source::LineItemId => "String",
        Source::TimeInterval => "Interval",
        Source::UsageStart | Source::UsageEnd | Source::PeriodStart | Source::PeriodEnd => "DateTime",
        Source::Number(_) => "OptionalBigDecimal",
        Source::Text(_) => "OptionalString",
    }
}

/// The manifest of a Data Export. It names no period: the folder does.
pub(super) fn data_export(spec: &BillSpec, columns: &Cur2Columns, delivery: &str, files: &[String]) -> Bytes {
    let listed = columns.columns.iter().map(|(name, cell)| json!({"name": name, "type": export_type(*cell)}));
    let export = uuid_of(&format!("export {} {}", spec.payer, spec.report_name));
    printed(&json!({
        "executionId": delivery,
        "exportArn": format!("arn:aws:bcm-data-exports:us-east-1:{}:export/{}-{export}", spec.payer, spec.report_name),
        "exportName": spec.report_name,
        "columns": listed.collect::<Vec<_>>(),
        "dataFiles": files.iter().map(|key| format!("s3://{}/{key}", spec.bucket)).collect::<Vec<_>>(),
    }))
}

fn export_type(cell: Cell) -> &'static str {
    match cell {
        Cell::Source(Source::Number(_)) => "double",
        Cell::Source(Source::UsageStart | Source::UsageEnd | Source::PeriodStart | Source::PeriodEnd) => {
            "timestamp"
        }
        Cell::Map(_) | Cell::Discount => "map",
        _ => "string",
    }
}

fn printed(manifest: &Value) -> Bytes {
    let mut text = serde_json::to_vec_pretty(manifest).expect("a JSON value has string keys");
    text.push(b'\n');
    Bytes::from(text)
}
