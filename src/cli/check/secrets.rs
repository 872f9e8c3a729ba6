//! Where a check has its Secrets from: the manifests themselves, files, environment variables, or a cluster.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{Api, Client};

use crate::{
    api::USE_LABEL,
    cli::{
        cluster::api_message,
        inputs::{
            manifests::{self, ManifestDocument, SecretValues},
            unreadable::io_problem,
        },
    },
};

/// `--secret NAMESPACE/NAME=PATH`, or `--secret NAMESPACE/NAME/KEY=FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    namespace: String,
    name: String,
    /// The one key that the file holds the value of.
    key: Option<String>,
    path: PathBuf,
}

/// `--secret-env NAMESPACE/NAME/KEY=VARIABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretVariable {
    namespace: String,
    name: String,
    key: String,
    variable: String,
}

impl SecretVariable {
    /// The variable's name.
    pub(super) fn variable(&self) -> &str {
        &self.variable
    }
}

/// Why a Secret can't be read. No value is in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretFault {
    /// A folder or file can't be read.
    #[error(
        "the Secret in {path} can't be read (expected: a folder with one file per key, or a manifest): {problem}"
    )]
    Unreadable {
        /// Where.
        path: String,
        /// Why.
        problem: String,
    },
    /// The manifest has no such Secret, or the file is no manifest.
    #[error(
        "{path} is not a manifest of Secret {name}: --secret {name}=PATH takes a folder with one file per key, or a manifest; --secret {name}/KEY=FILE takes a file with the value of one key"
    )]
    NotThere {
        /// Where.
        path: String,
        /// Its namespace and name.
        name: String,
    },
    /// The environment has no such variable.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// The cluster gave no answer.
    #[error("failed to read Secret {name} from the cluster: {}", api_message(source))]
    Cluster {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
}

/// Parses `NAMESPACE/NAME=PATH` and `NAMESPACE/NAME/KEY=FILE`.
pub(super) fn secret_file(text: &str) -> Result<SecretFile, String> {
    let wrong = || "it takes NAMESPACE/NAME=PATH or NAMESPACE/NAME/KEY=FILE".to_owned();
    let (secret, path) = text.split_once('=').ok_or_else(wrong)?;
    let parts: Vec<&str> = secret.split('/').collect();
    let (namespace, name, key) = match parts.as_slice() {
        [namespace, name] => (*namespace, *name, None),
        [namespace, name, key] => (*namespace, *name, Some(*key)),
        _ => return Err(wrong()),
    };
    if [namespace, name, key.unwrap_or("-"), path].contains(&"") {
        return Err(wrong());
    }
    let own = |text: &str| text.to_owned();
    Ok(SecretFile { namespace: own(namespace), name: own(name), key: key.map(own), path: path.into() })
}

/// Parses `NAMESPACE/NAME/KEY=VARIABLE`.
pub(super) fn secret_variable(text: &str) -> Result<SecretVariable, String> {
    let wrong = || "it takes NAMESPACE/NAME/KEY=VARIABLE".to_owned();
    let (secret, variable) = text.split_once('=').ok_or_else(wrong)?;
    let parts: Vec<&str> = secret.split('/').collect();
    let [namespace, name, key] = parts.as_slice() else { return Err(wrong()) };
    if [*namespace, *name, *key, variable].iter().any(|part| part.is_empty()) {
        return Err(wrong());
    }
    let own = |text: &str| text.to_owned();
    Ok(SecretVariable { namespace: own(namespace), name: own(name), key: own(key), variable: own(variable) })
}

/// The Secrets that are given.
#[derive(Default)]
pub(super) struct Secrets {
    declared: BTreeMap<(String, String), Secret>,
    /// What a person gives by hand is meant to be used, whatever labels it would have.
    vouched: BTreeMap<(String, String), Secret>,
    cluster: Option<Client>,
}

impl Secrets {
    /// Those of the manifests, and of a cluster if there is one.
    pub(super) fn new(
        documents: &[ManifestDocument<SecretValues>],
        namespace: &str,
        cluster: Option<Client>,
    ) -> Self {
        let declared = documents.iter().map(|document| {
            let secret = document.object.to_secret();
            let place = document.object.namespace.clone().unwrap_or_else(|| namespace.to_owned());
            ((place, document.object.name.clone()), secret)
        });
        Self { declared: declared.collect(), vouched: BTreeMap::new(), cluster }
    }

    /// Adds one from a folder with a file a key, or from a manifest, or one key from a file.
    pub(super) fn add_file(&mut self, file: &SecretFile) -> Result<(), SecretFault> {
        if let Some(key) = &file.key {
            let value = std::fs::read(&file.path).map_err(unreadable_file(&file.path))?;
            self.add_key(&file.namespace, &file.name, key, value);
            return Ok(());
        }
        let secret = if file.path.is_dir() { read_folder(&file.path)? } else { read_manifest(file)? };
        self.vouched.insert((file.namespace.clone(), file.name.clone()), secret);
        Ok(())
    }

    /// Adds one key from the environment.
    pub(super) fn add_variable(
        &mut self,
        variable: &SecretVariable,
        value: Option<Vec<u8>>,
    ) -> Result<(), SecretFault> {
        let value = value.ok_or_else(|| SecretFault::NotSet(variable.variable.clone()))?;
        self.add_key(&variable.namespace, &variable.name, &variable.key, value);
        Ok(())
    }

    fn add_key(&mut self, namespace: &str, name: &str, key: &str, value: Vec<u8>) {
        let secret = self.vouched.entry((namespace.to_owned(), name.to_owned())).or_default();
        secret.data.get_or_insert_default().insert(key.to_owned(), ByteString(value));
    }

    /// A Secret, if it is given anywhere, as it is to be used for `purpose`.
    pub(super) async fn find_secret(
        &self,
        namespace: &str,
        name: &str,
        purpose: &str,
    ) -> Result<Option<Secret>, SecretFault> {
        let place = (namespace.to_owned(), name.to_owned());
        if let Some(secret) = self.vouched.get(&place) {
            let mut secret = secret.clone();
            let labels = secret.metadata.labels.get_or_insert_default();
            labels.insert(USE_LABEL.to_owned(), purpose.to_owned());
            return Ok(Some(secret));
        }
        if let Some(secret) = self.declared.get(&place) {
            return Ok(Some(secret.clone()));
        }
        let Some(client) = &self.cluster else { return Ok(None) };
        let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
        match api.get(name).await {
            Ok(secret) => Ok(Some(secret)),
            // As for the operator: absent and forbidden read the same.
            Err(kube::Error::Api(status)) if [403, 404].contains(&status.code) => Ok(None),
            Err(source) => Err(SecretFault::Cluster { name: name.to_owned(), source: Box::new(source) }),
        }
    }
}

fn unreadable_file(path: &Path) -> impl Fn(std::io::Error) -> SecretFault {
    let path = path.display().to_string();
    move |error| SecretFault::Unreadable { path: path.clone(), problem: io_problem(&error) }
}

/// A folder with one file a key, as Kubernetes mounts Secrets.
fn read_folder(path: &Path) -> Result<Secret, SecretFault> {
    let unreadable = unreadable_file(path);
    let mut data = BTreeMap::new();
    for entry in std::fs::read_dir(path).map_err(&unreadable)? {
        let file = entry.map_err(&unreadable)?.path();
        let key = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A mounted Secret has its data behind links whose names begin with two dots.
        if !key.starts_with('.') && file.is_file() {
            data.insert(key, ByteString(std::fs::read(&file).map_err(&unreadable)?));
        }
    }
    Ok(Secret { data: Some(data), ..Secret::default() })
}

fn read_manifest(file: &SecretFile) -> Result<Secret, SecretFault> {
    let path = file.path.display().to_string();
    let (manifests, faults) = manifests::read_all(std::slice::from_ref(&file.path));
    if let Some(fault) = faults.first() {
        return Err(SecretFault::Unreadable { path, problem: fault.to_string() });
    }
    let meant = |secret: &SecretValues| {
        let namespace = secret.namespace.as_ref();
        secret.name == file.name && namespace.is_none_or(|namespace| *namespace == file.namespace)
    };
    let found = manifests.secrets.iter().find(|document| meant(&document.object));
    let secret = found.map(|document| document.object.to_secret());
    secret
        .map(|secret| Secret { metadata: ObjectMeta::default(), ..secret })
        .ok_or_else(|| SecretFault::NotThere { path, name: format!("{}/{}", file.namespace, file.name) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::USE_EXTERNAL_ID;

    #[test]
    fn options_that_do_not_name_a_secret_are_refused() {
        assert!(secret_file("finops/acme=./secrets/acme").is_ok());
        assert!(secret_file("finops/acme/externalId=./external-id").is_ok());
        for wrong in ["acme=./x", "finops/acme", "finops/=x", "a/b/=x", "a/b/c/d=x", "finops/acme="] {
            assert!(secret_file(wrong).is_err(), "{wrong}");
        }
        assert!(secret_variable("finops/acme/externalId=ACME").is_ok());
        for wrong in ["finops/acme=ACME", "finops/acme/=ACME", "finops/acme/externalId"] {
            assert!(secret_variable(wrong).is_err(), "{wrong}");
        }
    }

    /// The label and the external ID that are found, if a Secret is.
    async fn found(secrets: &Secrets) -> Option<(Option<String>, Vec<u8>)> {
        let secret =
            secrets.find_secret("finops", "acme", USE_EXTERNAL_ID).await.expect("no cluster is asked")?;
        let label = secret.metadata.labels.and_then(|labels| labels.get(USE_LABEL).cloned());
        Some((label, secret.data?.remove("externalId")?.0))
    }

    fn usable(value: &str) -> Option<(Option<String>, Vec<u8>)> {
        Some((Some(USE_EXTERNAL_ID.to_owned()), value.as_bytes().to_vec()))
    }

    #[tokio::test]
    async fn what_is_given_by_hand_needs_no_label() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("externalId"), "canary-7d1f").expect("written");
        let mut secrets = Secrets::default();
        assert_eq!(found(&secrets).await, None);
        let file = SecretFile {
            namespace: "finops".into(),
            name: "acme".into(),
            key: None,
            path: folder.path().into(),
        };
        secrets.add_file(&file).expect("a folder with a key");
        assert_eq!(found(&secrets).await, usable("canary-7d1f"));

        let mut secrets = Secrets::default();
        let one =
            secret_file(&format!("finops/acme/externalId={}", folder.path().join("externalId").display()));
        secrets.add_file(&one.expect("an option")).expect("a file with a key's value");
        assert_eq!(found(&secrets).await, usable("canary-7d1f"));

        let variable = secret_variable("finops/acme/externalId=ACME").expect("an option");
        let mut secrets = Secrets::default();
        assert!(secrets.add_variable(&variable, None).is_err());
        secrets.add_variable(&variable, Some(b"byte for byte\n".to_vec())).expect("a value");
        assert_eq!(found(&secrets).await, usable("byte for byte\n"));
    }

    #[tokio::test]
    async fn a_manifest_among_others_needs_its_label() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.yaml");
        let manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: acme, namespace: finops}\n\
                        stringData: {externalId: canary-7d1f}\n";
        std::fs::write(&path, manifest).expect("written");
        let (read, faults) = manifests::read_all(std::slice::from_ref(&path));
        assert!(faults.is_empty());
        let secrets = Secrets::new(&read.secrets, "default", None);
        let unlabelled = Some((None, b"canary-7d1f".to_vec()));
        assert_eq!(found(&secrets).await, unlabelled, "what uses it sees that the label is missing");
        let plain = folder.path().join("externalId");
        std::fs::write(&plain, "canary-7d1f").expect("written");
        let plain = SecretFile { namespace: "finops".into(), name: "acme".into(), key: None, path: plain };
        let refused = Secrets::default().add_file(&plain).expect_err("a plain file is none").to_string();
        assert!(refused.contains("a folder with one file per key, or a manifest"), "{refused}");
        let mut secrets = Secrets::default();
        secrets
            .add_file(&SecretFile { namespace: "finops".into(), name: "acme".into(), key: None, path })
            .expect("there");
        assert_eq!(found(&secrets).await, usable("canary-7d1f"), "vouched for by hand");
    }

    #[tokio::test]
    async fn of_two_namespaces_the_named_one_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets.yaml");
        let manifest = |place: &str, value: &str| {
            format!(
                "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: acme{place}}}\nstringData: {{externalId: {value}}}\n"
            )
        };
        let given = |text: &str| {
            std::fs::write(&path, text).expect("written");
            let mut secrets = Secrets::default();
            let file =
                SecretFile { namespace: "finops".into(), name: "acme".into(), key: None, path: path.clone() };
            secrets.add_file(&file).map(|()| secrets)
        };
        let web = manifest(", namespace: web", "canary-web");
        let both = given(&format!("{web}{}", manifest(", namespace: finops", "canary-7d1f")));
        assert_eq!(found(&both.expect("there")).await, usable("canary-7d1f"));
        let refused = given(&web).err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(refused.contains("is not a manifest of Secret finops/acme"), "{refused}");
        let anywhere = given(&manifest("", "canary-7d1f")).expect("one that names no namespace");
        assert_eq!(found(&anywhere).await, usable("canary-7d1f"));
    }
}
