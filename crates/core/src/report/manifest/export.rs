//! The manifest of a data export (docs/aws-facts.md 3.8): only `dataFiles` is certain, and its entries come in
//! three forms.

use serde::Deserialize;

use super::{Draft, InvalidManifest, shape};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    execution_id: Option<String>,
    data_files: Vec<Entry>,
    #[serde(default)]
    columns: Vec<Column>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Text(String),
    Object {
        #[serde(alias = "relativePath", alias = "s3Uri", alias = "path")]
        key: String,
    },
}

#[derive(Deserialize)]
struct Column {
    name: Option<String>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Draft, InvalidManifest> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| shape(&error))?;
    let keys = document.data_files.into_iter().map(|entry| match entry {
        Entry::Text(key) | Entry::Object { key } => key,
    });
    Ok(Draft {
        assembly: document.execution_id.filter(|id| !id.is_empty()),
        bucket: None,
        keys: keys.collect(),
        columns: document.columns.into_iter().filter_map(|column| column.name).collect(),
        says: None,
    })
}
