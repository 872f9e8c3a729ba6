//! What is seen of the Secrets that an account names. The one place that reads a Secret's content.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::{ResourceExt, api::Api};

use crate::{
    api::{ACCESS_KEY_ID_KEY, SECRET_ACCESS_KEY_KEY, USE_ACCESS_KEY, USE_EXTERNAL_ID, USE_LABEL},
    controller::{
        context::{Context, Stores},
        error::{ReconcileFault, is_gone},
        validate::{SecretKey, ValidAccess},
    },
    model::{AccessKeys, ExternalId, InvalidAccessKeys, InvalidExternalId},
};

/// What is seen of one Secret. Absent, unlabelled and forbidden read the same on purpose: a resource must not be a way
/// to ask about other Secrets.
#[derive(Debug, Clone)]
pub enum ObservedSecret<T, E> {
    /// What was looked for.
    Usable(T),
    /// Absent, unlabelled or forbidden.
    NotUsable,
    /// It has no such key.
    KeyMissing(String),
    /// What it holds is none.
    Invalid(E),
}

/// The sight of an external-ID Secret.
pub type ObservedExternalId = ObservedSecret<ExternalId, InvalidExternalId>;
/// The sight of an access-key Secret.
pub type ObservedAccessKeys = ObservedSecret<AccessKeys, InvalidAccessKeys>;

/// What is seen of all Secrets that an account's access needs.
#[derive(Debug, Clone)]
pub enum ObservedAccess {
    /// Those of a role: its external IDs.
    Role {
        /// The external ID in use.
        current: ObservedExternalId,
        /// The one that is to take its place, where one is named.
        next: Option<ObservedExternalId>,
    },
    /// With the keys of an IAM user.
    Keys(ObservedAccessKeys),
}

/// What an account's Secrets hold, and of which versions they are.
#[derive(Debug, Clone)]
pub struct AccessSecrets {
    /// Tells changed Secrets from unchanged ones, and nothing of what they hold; `None` where the watch shows none.
    pub version: Option<String>,
    /// What they hold, as far as it can be used.
    pub sight: ObservedAccess,
}

impl ObservedAccess {
    /// The external IDs that can be used.
    pub fn external_ids(&self) -> Vec<&ExternalId> {
        let Self::Role { current, next } = self else { return Vec::new() };
        [Some(current), next.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|sight| match sight {
                ObservedSecret::Usable(id) => Some(id),
                _ => None,
            })
            .collect()
    }
}

/// The resource versions of an account's Secrets in the labelled watch: changes when any of them does.
pub fn secret_version(stores: &Stores, namespace: &str, access: &ValidAccess) -> Option<String> {
    join_versions(access, |name| stores.secret(namespace, name)?.metadata.resource_version.clone())
}

/// The resource versions of an account's Secrets as one text.
pub fn join_versions(access: &ValidAccess, version: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut names = access.secrets();
    let first = version(names.next()?);
    let others: Vec<String> = names.map(|name| version(name).unwrap_or_default()).collect();
    if others.is_empty() {
        return first;
    }
    Some(format!("{}/{}", first.unwrap_or_default(), others.join("/")))
}

/// Reads what an account's access needs. The watch has only labels.
///
/// # Errors
/// Faults of the API server that may pass.
pub async fn fetch_secrets(
    context: &Context,
    namespace: &str,
    access: &ValidAccess,
) -> Result<ObservedAccess, ReconcileFault> {
    let mut found = BTreeMap::new();
    for name in access.secrets() {
        if let Some(secret) = fetch_secret(context, namespace, name).await? {
            found.insert(name.to_owned(), secret);
        }
    }
    Ok(see_secrets(access, &found))
}

/// What an account's access needs, in the Secrets that were found, by name. The watch may be behind: the label counts as
/// it is in the Secret.
pub fn see_secrets(access: &ValidAccess, found: &BTreeMap<String, Secret>) -> ObservedAccess {
    match access {
        ValidAccess::Role(role) => ObservedAccess::Role {
            current: external_id(&role.secret, found),
            next: role.next.as_ref().map(|next| external_id(next, found)),
        },
        ValidAccess::Keys { secret } => ObservedAccess::Keys(access_keys(secret, found)),
    }
}

fn external_id(secret: &SecretKey, found: &BTreeMap<String, Secret>) -> ObservedExternalId {
    let Some(found) = labelled_secret(found, &secret.name, USE_EXTERNAL_ID) else {
        return ObservedSecret::NotUsable;
    };
    let Some(value) = value_of(found, &secret.key) else {
        return ObservedSecret::KeyMissing(secret.key.clone());
    };
    match ExternalId::parse(value) {
        Ok(id) => ObservedSecret::Usable(id),
        Err(problem) => ObservedSecret::Invalid(problem),
    }
}

fn access_keys(name: &str, found: &BTreeMap<String, Secret>) -> ObservedAccessKeys {
    let Some(found) = labelled_secret(found, name, USE_ACCESS_KEY) else { return ObservedSecret::NotUsable };
    let (id, secret) = (value_of(found, ACCESS_KEY_ID_KEY), value_of(found, SECRET_ACCESS_KEY_KEY));
    let (Some(id), Some(secret)) = (id, secret) else {
        let missing = if id.is_none() { ACCESS_KEY_ID_KEY } else { SECRET_ACCESS_KEY_KEY };
        return ObservedSecret::KeyMissing(missing.to_owned());
    };
    match AccessKeys::parse(id, secret) {
        Ok(keys) => ObservedSecret::Usable(keys),
        Err(problem) => ObservedSecret::Invalid(problem),
    }
}

fn value_of<'a>(secret: &'a Secret, key: &str) -> Option<&'a [u8]> {
    Some(secret.data.as_ref()?.get(key)?.0.as_slice())
}

fn labelled_secret<'a>(found: &'a BTreeMap<String, Secret>, name: &str, wanted: &str) -> Option<&'a Secret> {
    let usable = |secret: &&Secret| secret.labels().get(USE_LABEL).map(String::as_str) == Some(wanted);
    found.get(name).filter(usable)
}

async fn fetch_secret(
    context: &Context,
    namespace: &str,
    name: &str,
) -> Result<Option<Secret>, ReconcileFault> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    match api.get(name).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_gone(&error) => Ok(None),
        // Where the operator has no right it says the same as where there is none: it must not tell which names exist.
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
        Err(error) => Err(ReconcileFault::while_doing("read the account's Secret")(error)),
    }
}
