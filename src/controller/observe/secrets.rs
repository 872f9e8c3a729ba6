//! What is seen of the Secrets that an account names. The one place that reads a Secret's content.

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
    let version = |name: &str| stores.secret(namespace, name)?.metadata.resource_version.clone();
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
    match access {
        ValidAccess::Role(role) => {
            let current = external_id(context, namespace, &role.secret).await?;
            let next = match &role.next {
                Some(next) => Some(external_id(context, namespace, next).await?),
                None => None,
            };
            Ok(AccessSight::Role { current, next })
        }
        ValidAccess::Keys { secret } => Ok(AccessSight::Keys(access_keys(context, namespace, secret).await?)),
    }
}

async fn external_id(
    context: &Context,
    namespace: &str,
    secret: &SecretKey,
) -> Result<ExternalIdSight, ReconcileFault> {
    let Some(found) = labelled(context, namespace, &secret.name, USE_EXTERNAL_ID).await? else {
        return Ok(SecretSight::NotUsable);
    };
    let Some(value) = value(&found, &secret.key) else {
        return Ok(SecretSight::KeyMissing(secret.key.clone()));
    };
    Ok(match ExternalId::parse(value) {
        Ok(id) => SecretSight::Usable(id),
        Err(problem) => SecretSight::Invalid(problem),
    })
}

async fn access_keys(
    context: &Context,
    namespace: &str,
    name: &str,
) -> Result<AccessKeysSight, ReconcileFault> {
    let Some(found) = labelled(context, namespace, name, USE_ACCESS_KEY).await? else {
        return Ok(SecretSight::NotUsable);
    };
    let (id, secret) = (value(&found, ACCESS_KEY_ID_KEY), value(&found, SECRET_ACCESS_KEY_KEY));
    let (Some(id), Some(secret)) = (id, secret) else {
        let missing = if id.is_none() { ACCESS_KEY_ID_KEY } else { SECRET_ACCESS_KEY_KEY };
        return Ok(SecretSight::KeyMissing(missing.to_owned()));
    };
    Ok(match AccessKeys::parse(id, secret) {
        Ok(keys) => SecretSight::Usable(keys),
        Err(problem) => SecretSight::Invalid(problem),
    })
}

fn value<'a>(secret: &'a Secret, key: &str) -> Option<&'a [u8]> {
    Some(secret.data.as_ref()?.get(key)?.0.as_slice())
}

/// A Secret that carries the label for this use, as it is now: the watch may be behind.
async fn labelled(
    context: &Context,
    namespace: &str,
    name: &str,
    wanted: &str,
) -> Result<Option<Secret>, ReconcileFault> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    match api.get(name).await {
        Ok(found) => {
            let usable = found.labels().get(USE_LABEL).map(String::as_str) == Some(wanted);
            Ok(usable.then_some(found))
        }
        Err(error) if is_gone(&error) => Ok(None),
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
        Err(error) => Err(ReconcileFault::api("read the account's Secret")(error)),
    }
}
