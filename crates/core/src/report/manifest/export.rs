//! The manifest of a data export (docs/aws-facts.md 3.8): only `dataFiles` is certain, and its entries come in
//! three forms.

use serde::Deserialize;

use super::{InvalidManifest, ManifestDraft, shape};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExportManifest {
    execution_id: Option<String>,
    data_files: Vec<ExportEntry>,
    #[serde(default)]
    columns: Vec<ExportColumn>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ExportEntry {
    Text(String),
    Object {
        #[serde(alias = "relativePath", alias = "s3Uri", alias = "path")]
        key: String,
    },
}

#[derive(Deserialize)]
struct ExportColumn {
    name: Option<String>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<ManifestDraft, InvalidManifest> {
    let document: ExportManifest = serde_json::from_slice(bytes).map_err(|error| shape(&error))?;
    let keys = document.data_files.into_iter().map(|entry| match entry {
        ExportEntry::Text(key) | ExportEntry::Object { key } => key,
    });
    Ok(ManifestDraft {
        assembly: document.execution_id.filter(|id| !id.is_empty()),
        bucket: None,
        keys: keys.collect(),
        columns: document.columns.into_iter().filter_map(|column| column.name).collect(),
        // An export's manifest does not name its month, only its folder does (docs/aws-facts.md 3.8).
        says: None,
    })
}
