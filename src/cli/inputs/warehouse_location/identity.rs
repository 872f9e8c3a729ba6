//! Who opens a warehouse's bucket: a profile or keys that are named, else what the platform gave the pod's service account.
//!
//! The standard AWS chain is not asked: on a laptop it would be the identity that reads bills, which must not mix.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::{
    aws::profile::ProfileCredentials,
    cli::inputs::warehouse_location::BucketArgs,
    model::Region,
    network::trust::TrustedAuthorities,
    warehouse::{
        WarehouseFault,
        delta::{GivenKeys, KeySource, NoKeys, WarehouseIdentity},
    },
};

/// How long keys of a directory are used before they are looked at again: a kubelet takes about as long to bring a changed Secret.
const LOOK: SignedDuration = SignedDuration::from_secs(60);
/// How often a directory is read that changes meanwhile.
const READS: u32 = 5;

/// The identity that the options and the platform give.
///
/// # Errors
/// [`WarehouseFault::Refused`] if they give none.
pub(super) async fn of(
    args: &BucketArgs,
    region: Option<&Region>,
    trust: &TrustedAuthorities,
) -> Result<WarehouseIdentity, WarehouseFault> {
    if let Some(name) = &args.profile {
        let profile = ProfileCredentials::new(name, region, trust);
        // Asked now, so that a profile that gives nothing is told as such and not as a refusal of the store's.
        profile.keys().await.map_err(|fault| WarehouseFault::credentials(&fault.to_string()))?;
        return Ok(WarehouseIdentity::Given(Arc::new(OfProfile(profile))));
    }
    if let Some(directory) = args.credentials_dir.as_deref() {
        // Read now for the same reason.
        keys_in(directory)?;
        return Ok(WarehouseIdentity::Given(Arc::new(OfDirectory(directory.to_owned()))));
    }
    of_pod(|name| std::env::var(name).ok())
}

/// A profile, as the warehouse asks it.
#[derive(Debug)]
struct OfProfile(ProfileCredentials);

#[async_trait]
impl KeySource for OfProfile {
    async fn keys(&self) -> Result<GivenKeys, NoKeys> {
        let keys = self.0.keys().await.map_err(|fault| NoKeys(fault.to_string()))?;
        Ok(GivenKeys {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key,
            session_token: keys.session_token,
            expiration: keys.expiration,
            look_again: None,
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

/// A directory with keys, as a kubelet mounts a Secret. Whoever rotates them writes the Secret and tells nobody.
#[derive(Debug)]
struct OfDirectory(PathBuf);

#[async_trait]
impl KeySource for OfDirectory {
    async fn keys(&self) -> Result<GivenKeys, NoKeys> {
        keys_in(&self.0).map_err(|fault| NoKeys(fault.to_string()))
    }
}

/// The keys of one state of the directory: a kubelet swaps all files of a Secret at once, behind a link.
fn keys_in(directory: &Path) -> Result<GivenKeys, WarehouseFault> {
    let state = || std::fs::read_link(directory.join("..data")).ok();
    for _ in 0..READS {
        let before = state();
        let keys = read_keys(directory);
        if state() == before {
            return keys;
        }
    }
    Err(WarehouseFault::credentials(&format!("{} changes faster than it can be read", directory.display())))
}

fn read_keys(directory: &Path) -> Result<GivenKeys, WarehouseFault> {
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
    Ok(GivenKeys {
        access_key_id: needed("accessKeyId")?,
        secret_access_key: needed("secretAccessKey")?.into(),
        session_token: optional("sessionToken")?.map(Into::into),
        expiration: None,
        look_again: Some(Timestamp::now() + LOOK),
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
        let keys = keys_in(folder.path()).expect("keys");
        assert_eq!(keys.access_key_id, "AKIA");
        assert_eq!(keys.secret_access_key.expose_secret(), "secret");
        assert!(keys.session_token.is_none());
    }

    #[tokio::test]
    async fn keys_that_are_rotated_in_the_directory_are_found_there() {
        let folder = tempfile::tempdir().expect("a folder");
        // As a kubelet mounts a Secret: files behind a link, which a new state turns to a new folder.
        let put = |state: &str| {
            let place = folder.path().join(state);
            std::fs::create_dir(&place).expect("made");
            for name in ["accessKeyId", "secretAccessKey", "sessionToken"] {
                std::fs::write(place.join(name), format!("{name}-{state}")).expect("written");
            }
            let link = folder.path().join("..new");
            std::os::unix::fs::symlink(state, &link).expect("linked");
            std::fs::rename(&link, folder.path().join("..data")).expect("swapped");
        };
        put("..1");
        for name in ["accessKeyId", "secretAccessKey", "sessionToken"] {
            std::os::unix::fs::symlink(format!("..data/{name}"), folder.path().join(name)).expect("linked");
        }
        let args = BucketArgs { credentials_dir: Some(folder.path().to_owned()), ..BucketArgs::default() };
        let identity = of(&args, None, &TrustedAuthorities::default()).await.expect("keys");
        let WarehouseIdentity::Given(source) = identity else {
            panic!("{identity:?} can never be another than it is now");
        };
        put("..2");
        let keys = source.keys().await.expect("keys");
        assert_eq!(keys.access_key_id, "accessKeyId-..2");
        assert_eq!(keys.secret_access_key.expose_secret(), "secretAccessKey-..2");
        let token = keys.session_token.as_ref().map(ExposeSecret::expose_secret);
        assert_eq!(token, Some("sessionToken-..2"));
        assert!(keys.look_again.is_some_and(|time| time <= Timestamp::now() + LOOK), "and again, soon");
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
