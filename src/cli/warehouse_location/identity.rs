//! Who opens a warehouse's bucket: a profile or keys that are named, else what the platform gave the pod's service account.
//!
//! The standard AWS chain is not asked: on a laptop it would be the identity that reads bills, which must not mix.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;

use super::BucketArgs;
use crate::{
    aws::profile::Profile,
    network::trust::Trust,
    warehouse::{
        WarehouseFault,
        delta::{GivenKeys, KeySource, NoKeys, WarehouseIdentity},
    },
};

/// The identity that the options and the platform give.
///
/// # Errors
/// [`WarehouseFault::Refused`] if they give none.
pub(super) async fn of(args: &BucketArgs, trust: &Trust) -> Result<WarehouseIdentity, WarehouseFault> {
    if let Some(name) = &args.profile {
        let profile = Profile::new(name, args.region.as_ref(), trust);
        // Asked now, so that a profile that gives nothing is told as such and not as a refusal of the store's.
        profile.keys().await.map_err(|fault| WarehouseFault::credentials(&fault.to_string()))?;
        return Ok(WarehouseIdentity::Given(Arc::new(OfProfile(profile))));
    }
    if let Some(directory) = args.credentials_dir.as_deref() {
        return keys_in(directory);
    }
    of_pod(|name| std::env::var(name).ok())
}

/// A profile, as the warehouse asks it.
#[derive(Debug)]
struct OfProfile(Profile);

#[async_trait]
impl KeySource for OfProfile {
    async fn keys(&self) -> Result<GivenKeys, NoKeys> {
        let keys = self.0.keys().await.map_err(|fault| NoKeys(fault.to_string()))?;
        Ok(GivenKeys {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key,
            session_token: keys.session_token,
            expiration: keys.expiration,
        })
    }
}

fn of_pod(variable: impl Fn(&str) -> Option<String>) -> Result<WarehouseIdentity, WarehouseFault> {
    if let (Some(role_arn), Some(token_file)) =
        (variable("AWS_ROLE_ARN"), variable("AWS_WEB_IDENTITY_TOKEN_FILE"))
    {
        return Ok(WarehouseIdentity::WebIdentity { role_arn, token_file });
    }
    if let (Some(credentials_uri), Some(token_file)) =
        (variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"), variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"))
    {
        return Ok(WarehouseIdentity::PodIdentity { credentials_uri, token_file });
    }
    Err(WarehouseFault::credentials(
        "the warehouse is a bucket and has no credentials: name a profile of your AWS configuration with --warehouse-profile, or give --warehouse-credentials-dir a directory with the files accessKeyId and secretAccessKey, or run in a pod whose service account has a role",
    ))
}

fn keys_in(directory: &Path) -> Result<WarehouseIdentity, WarehouseFault> {
    let optional = |name: &str| -> Result<Option<String>, WarehouseFault> {
        let path = directory.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) if text.trim().is_empty() => {
                Err(WarehouseFault::credentials(&format!("{} is empty", path.display())))
            }
            // A line's end after the key is how most editors and `echo` write one.
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(WarehouseFault::credentials(&format!(
                "{} can't be read: {}",
                path.display(),
                error.kind()
            ))),
        }
    };
    let needed = |name: &str| {
        optional(name)?.ok_or_else(|| {
            WarehouseFault::credentials(&format!("{} is missing", directory.join(name).display()))
        })
    };
    Ok(WarehouseIdentity::Keys {
        access_key_id: needed("accessKeyId")?,
        secret_access_key: needed("secretAccessKey")?.into(),
        session_token: optional("sessionToken")?.map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn keys_come_from_the_directory_and_from_nowhere_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = keys_in(folder.path()).expect_err("no keys there");
        assert!(missing.to_string().contains("accessKeyId is missing"), "{missing}");
        assert_eq!(missing.reason(), crate::model::Reason::WarehouseAuthFailed);
        std::fs::write(folder.path().join("accessKeyId"), "AKIA\n").expect("written");
        std::fs::write(folder.path().join("secretAccessKey"), "secret\n").expect("written");
        match keys_in(folder.path()).expect("keys") {
            WarehouseIdentity::Keys { access_key_id, secret_access_key, session_token } => {
                assert_eq!(access_key_id, "AKIA");
                assert_eq!(secret_access_key.expose_secret(), "secret");
                assert!(session_token.is_none());
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_directory_the_pods_identity_counts() {
        let of = |names: &'static [&str]| of_pod(move |name| names.contains(&name).then(|| name.to_owned()));
        assert!(matches!(
            of(&["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]),
            Ok(WarehouseIdentity::WebIdentity { .. })
        ));
        assert!(matches!(
            of(&["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]),
            Ok(WarehouseIdentity::PodIdentity { .. })
        ));
        // The keys that a shell has for reading bills are never taken.
        let fault = of(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]).expect_err("none");
        assert!(fault.to_string().contains("--warehouse-credentials-dir"), "{fault}");
    }
}
