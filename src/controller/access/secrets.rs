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
pub enum SecretSight<T, E> {
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
pub type ExternalIdSight = SecretSight<ExternalId, InvalidExternalId>;
/// The sight of an access-key Secret.
pub type AccessKeysSight = SecretSight<AccessKeys, InvalidAccessKeys>;

/// What is seen of all Secrets that an account's access needs.
#[derive(Debug, Clone)]
pub enum AccessSight {
    /// Over a role.
    Role {
        /// The external ID.
        current: ExternalIdSight,
        /// The one that is to take its place, where one is named.
        next: Option<ExternalIdSight>,
    },
    /// With the keys of an IAM user.
    Keys(AccessKeysSight),
}

impl AccessSight {
    /// The external IDs that can be used.
    pub fn external_ids(&self) -> Vec<&ExternalId> {
        let Self::Role { current, next } = self else { return Vec::new() };
        [Some(current), next.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|sight| match sight {
                SecretSight::Usable(id) => Some(id),
                _ => None,
            })
            .collect()
    }
}

/// The resource versions of an account's Secrets in the labelled watch: changes when any of them does.
pub fn secret_version(stores: &Stores, namespace: &str, access: &ValidAccess) -> Option<String> {
    versions(access, |name| stores.secret(namespace, name)?.metadata.resource_version.clone())
}

/// The resource versions of an account's Secrets as one text.
pub fn versions(access: &ValidAccess, version: impl Fn(&str) -> Option<String>) -> Option<String> {
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
pub async fn look(
    context: &Context,
    namespace: &str,
    access: &ValidAccess,
) -> Result<AccessSight, ReconcileFault> {
    let mut found = BTreeMap::new();
    for name in access.secrets() {
        if let Some(secret) = read(context, namespace, name).await? {
            found.insert(name.to_owned(), secret);
        }
    }
    Ok(sight(access, &found))
}

/// What an account's access needs, in the Secrets that were found, by name. The watch may be behind: the label counts as
/// it is in the Secret.
pub fn sight(access: &ValidAccess, found: &BTreeMap<String, Secret>) -> AccessSight {
    match access {
        ValidAccess::Role(role) => AccessSight::Role {
            current: external_id(&role.secret, found),
            next: role.next.as_ref().map(|next| external_id(next, found)),
        },
        ValidAccess::Keys { secret } => AccessSight::Keys(access_keys(secret, found)),
    }
}

fn external_id(secret: &SecretKey, found: &BTreeMap<String, Secret>) -> ExternalIdSight {
    let Some(found) = labelled(found, &secret.name, USE_EXTERNAL_ID) else { return SecretSight::NotUsable };
    let Some(value) = value(found, &secret.key) else {
        return SecretSight::KeyMissing(secret.key.clone());
    };
    match ExternalId::parse(value) {
        Ok(id) => SecretSight::Usable(id),
        Err(problem) => SecretSight::Invalid(problem),
    }
}

fn access_keys(name: &str, found: &BTreeMap<String, Secret>) -> AccessKeysSight {
    let Some(found) = labelled(found, name, USE_ACCESS_KEY) else { return SecretSight::NotUsable };
    let (id, secret) = (value(found, ACCESS_KEY_ID_KEY), value(found, SECRET_ACCESS_KEY_KEY));
    let (Some(id), Some(secret)) = (id, secret) else {
        let missing = if id.is_none() { ACCESS_KEY_ID_KEY } else { SECRET_ACCESS_KEY_KEY };
        return SecretSight::KeyMissing(missing.to_owned());
    };
    match AccessKeys::parse(id, secret) {
        Ok(keys) => SecretSight::Usable(keys),
        Err(problem) => SecretSight::Invalid(problem),
    }
}

fn value<'a>(secret: &'a Secret, key: &str) -> Option<&'a [u8]> {
    Some(secret.data.as_ref()?.get(key)?.0.as_slice())
}

fn labelled<'a>(found: &'a BTreeMap<String, Secret>, name: &str, wanted: &str) -> Option<&'a Secret> {
    let usable = |secret: &&Secret| secret.labels().get(USE_LABEL).map(String::as_str) == Some(wanted);
    found.get(name).filter(usable)
}

async fn read(context: &Context, namespace: &str, name: &str) -> Result<Option<Secret>, ReconcileFault> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    match api.get(name).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
        Err(error) => Err(ReconcileFault::api("read the account's Secret")(error)),
    }
}
