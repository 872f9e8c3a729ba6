//! The manifest of a legacy report (docs/aws-facts.md 2.5). Unknown keys, types and counts are left alone.

use serde::Deserialize;

use super::{InvalidManifest, ManifestDraft, shape};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LegacyManifest {
    assembly_id: Option<String>,
    bucket: Option<String>,
    report_keys: Vec<String>,
    billing_period: Option<LegacyRange>,
    #[serde(default)]
    columns: Vec<LegacyColumn>,
}

/// `20261101T000000.000Z`: basic ISO 8601.
#[derive(Deserialize)]
struct LegacyRange {
    start: Option<String>,
}

#[derive(Deserialize)]
struct LegacyColumn {
    category: Option<String>,
    name: Option<String>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<ManifestDraft, InvalidManifest> {
    let document: LegacyManifest = serde_json::from_slice(bytes).map_err(|error| shape(&error))?;
    let columns = document.columns.into_iter().filter_map(|column| match (column.category, column.name) {
        (Some(category), Some(name)) => Some(format!("{category}/{name}")),
        (None, name) => name,
        (Some(_), None) => None,
    });
    let start = document.billing_period.and_then(|range| range.start);
    Ok(ManifestDraft {
        assembly: document.assembly_id.filter(|id| !id.is_empty()),
        bucket: document.bucket,
        keys: document.report_keys,
        columns: columns.collect(),
        // Only the start counts: samples disagree about the end (docs/aws-facts.md 2.4).
        says: start.map(|start| start.chars().take(6).collect()),
    })
}
