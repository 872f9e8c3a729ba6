//! The manifest of a legacy report (docs/aws-facts.md 2.5). Unknown keys, types and counts are left alone.

use serde::Deserialize;

use super::{Draft, InvalidManifest, shape};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    assembly_id: Option<String>,
    bucket: Option<String>,
    report_keys: Vec<String>,
    billing_period: Option<Range>,
    #[serde(default)]
    columns: Vec<Column>,
}

/// `20261101T000000.000Z`: basic ISO 8601.
#[derive(Deserialize)]
struct Range {
    start: Option<String>,
}

#[derive(Deserialize)]
struct Column {
    category: Option<String>,
    name: Option<String>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Draft, InvalidManifest> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| shape(&error))?;
    let columns = document.columns.into_iter().filter_map(|column| match (column.category, column.name) {
        (Some(category), Some(name)) => Some(format!("{category}/{name}")),
        (None, name) => name,
        (Some(_), None) => None,
    });
    let start = document.billing_period.and_then(|range| range.start);
    Ok(Draft {
        assembly: document.assembly_id.filter(|id| !id.is_empty()),
        bucket: document.bucket,
        keys: document.report_keys,
        columns: columns.collect(),
        says: start.map(|start| start.chars().take(6).collect()),
    })
}
