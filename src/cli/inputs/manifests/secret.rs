//! A Secret document: its labels and its values, which no output shows.

use std::{collections::BTreeMap, fmt};

use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::Value;

use crate::api::admission::Complaint;

/// A Secret as a manifest declares it.
#[derive(Clone)]
pub struct SecretValues {
    /// Its namespace, where the manifest names one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    values: BTreeMap<String, SecretSlice<u8>>,
}

impl SecretValues {
    /// The bytes under a key.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.values.get(key).map(ExposeSecret::expose_secret)
    }

    /// As Kubernetes keeps it.
    pub fn to_secret(&self) -> Secret {
        let bytes = |value: &SecretSlice<u8>| ByteString(value.expose_secret().to_vec());
        let data = self.values.iter().map(|(key, value)| (key.clone(), bytes(value))).collect();
        let metadata = ObjectMeta {
            name: Some(self.name.clone()),
            namespace: self.namespace.clone(),
            labels: Some(self.labels.clone()),
            ..ObjectMeta::default()
        };
        Secret { metadata, data: Some(data), ..Secret::default() }
    }

    /// Reads a document of kind Secret: `data` in base64, and `stringData` over it, as the API server does.
    pub(super) fn from_document(document: &Value) -> Result<Self, Complaint> {
        let complaint =
            |field: &str, problem: &str| Complaint { field: field.to_owned(), problem: problem.to_owned() };
        let metadata = &document["metadata"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let name = text(&metadata["name"]).ok_or_else(|| complaint("metadata.name", "is required"))?;
        let mut values = BTreeMap::new();
        for (key, value) in document["data"].as_object().into_iter().flatten() {
            // The fault of the decoder would hold the value.
            let bytes: ByteString = serde_json::from_value(value.clone()).map_err(|_| {
                complaint(&format!("data.{key}"), "takes base64; use stringData for plain text")
            })?;
            values.insert(key.clone(), SecretSlice::from(bytes.0));
        }
        for (key, value) in document["stringData"].as_object().into_iter().flatten() {
            let value = value
                .as_str()
                .ok_or_else(|| complaint(&format!("stringData.{key}"), "takes text: put it in quotes"))?;
            values.insert(key.clone(), SecretSlice::from(value.as_bytes().to_vec()));
        }
        let labels = metadata["labels"].as_object().into_iter().flatten();
        let labels = labels.filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect();
        Ok(Self { namespace: text(&metadata["namespace"]), name, labels, values })
    }
}

impl fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretValues({}, redacted)", self.name)
    }
}
