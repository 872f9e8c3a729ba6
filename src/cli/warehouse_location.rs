//! The options that say which warehouse, shared by every command that opens one.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use url::Url;

use crate::{
    model::Region,
    warehouse::{
        Warehouse, WarehouseFault,
        delta::{
            Addressing, DEFAULT_RETENTION, DeltaLocation, DeltaOptions, DeltaWarehouse, InvalidDeltaLocation,
            WarehouseIdentity, parse_endpoint,
        },
    },
};

/// Where `--help` and docs/cli.md have these options.
const HEADING: &str = "Warehouse options";

/// Which warehouse, and how to reach it.
#[derive(Debug, Clone, Args)]
pub struct WarehouseLocation {
    /// The warehouse: delta:FOLDER, delta:file:///FOLDER or delta:s3://BUCKET/PREFIX.
    #[arg(help_heading = HEADING, long = "warehouse", value_name = "delta:LOCATION")]
    warehouse: Address,
    /// The region of the warehouse's bucket.
    #[arg(help_heading = HEADING, id = "warehouse-region", long = "warehouse-region", value_name = "REGION")]
    region: Option<Region>,
    /// The address of the bucket's S3, where it is not AWS's: https://HOST[:PORT], or http:// in a test.
    #[arg(help_heading = HEADING, long = "warehouse-endpoint", value_name = "URL", value_parser = parse_endpoint)]
    endpoint: Option<Url>,
    /// Name the bucket in the path instead of in the host name.
    #[arg(help_heading = HEADING, long = "warehouse-path-style")]
    path_style: bool,
    /// The directory with the bucket's credentials: the files accessKeyId, secretAccessKey and, with temporary
    /// keys, sessionToken. Without it, a bucket takes the identity of the pod's service account.
    #[arg(help_heading = HEADING, id = "warehouse-credentials-dir", long = "warehouse-credentials-dir", value_name = "DIR")]
    credentials_dir: Option<PathBuf>,
}

/// `delta:LOCATION`.
#[derive(Debug, Clone)]
struct Address(DeltaLocation);

/// The text names no warehouse.
#[derive(Debug, thiserror::Error)]
enum InvalidAddress {
    #[error("a warehouse is delta:FOLDER, delta:file:///FOLDER or delta:s3://BUCKET/PREFIX")]
    Kind,
    #[error(transparent)]
    Location(#[from] InvalidDeltaLocation),
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let location = text.strip_prefix("delta:").ok_or(InvalidAddress::Kind)?;
        Ok(Self(location.parse()?))
    }
}

impl WarehouseLocation {
    /// Opens the warehouse; nothing is read or written yet.
    ///
    /// # Errors
    /// [`WarehouseFault::Configuration`] where an option does not suit the location, [`WarehouseFault::Refused`] where
    /// there are no credentials to open it with.
    pub fn open(&self) -> Result<Box<dyn Warehouse>, WarehouseFault> {
        Ok(Box::new(DeltaWarehouse::open(self.options()?)?))
    }

    /// The warehouse's address, for people.
    pub fn address(&self) -> &DeltaLocation {
        &self.warehouse.0
    }

    /// The options as the backend takes them.
    ///
    /// # Errors
    /// As [`WarehouseLocation::open`].
    pub fn options(&self) -> Result<DeltaOptions, WarehouseFault> {
        let location = self.warehouse.0.clone();
        let identity = if location.is_bucket() {
            Some(identity(self.credentials_dir.as_deref(), |name| std::env::var(name).ok())?)
        } else if self.only_for_buckets() {
            return Err(WarehouseFault::Configuration(
                "--warehouse-region, -endpoint, -path-style and -credentials-dir are for a bucket, and the warehouse is a folder"
                    .to_owned(),
            ));
        } else {
            None
        };
        Ok(DeltaOptions {
            location,
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            addressing: if self.path_style { Addressing::Path } else { Addressing::VirtualHost },
            identity,
            retention: DEFAULT_RETENTION,
        })
    }

    fn only_for_buckets(&self) -> bool {
        self.region.is_some() || self.endpoint.is_some() || self.path_style || self.credentials_dir.is_some()
    }
}

/// Who opens the bucket: the keys in the directory, else what the platform gave the pod's service account. The
/// standard AWS chain is not asked: on a laptop it would be the identity that reads bills, which must not mix.
fn identity(
    directory: Option<&Path>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<WarehouseIdentity, WarehouseFault> {
    if let Some(directory) = directory {
        return keys_in(directory);
    }
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
        "the warehouse is a bucket and has no credentials: give --warehouse-credentials-dir a directory with the files accessKeyId and secretAccessKey, or run in a pod whose service account has a role",
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
    use clap::Parser;
    use secrecy::ExposeSecret;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        warehouse: WarehouseLocation,
    }

    fn parse(arguments: &[&str]) -> Result<WarehouseLocation, clap::Error> {
        Command::try_parse_from([&["awscost"], arguments].concat()).map(|command| command.warehouse)
    }

    #[test]
    fn a_folder_takes_no_bucket_options() {
        let location = parse(&["--warehouse", "delta:file:///lake"]).expect("valid");
        assert!(location.options().is_ok());
        let location = parse(&["--warehouse", "delta:/lake", "--warehouse-path-style"]).expect("valid");
        assert!(matches!(location.options(), Err(WarehouseFault::Configuration(_))));
    }

    #[test]
    fn what_names_no_warehouse_is_refused() {
        for bad in ["/lake", "postgres:x", "delta:", "delta:gs://b/x", "delta:s3://UPPER"] {
            assert!(parse(&["--warehouse", bad]).is_err(), "{bad}");
        }
        assert!(parse(&[]).is_err());
    }

    #[test]
    fn keys_come_from_the_directory_and_from_nowhere_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let from_platform = |name: &str| Some(format!("{name}-value"));
        let missing = identity(Some(folder.path()), from_platform).expect_err("no keys there");
        assert!(missing.to_string().contains("accessKeyId is missing"), "{missing}");
        assert_eq!(missing.reason(), crate::model::Reason::WarehouseAuthFailed);
        std::fs::write(folder.path().join("accessKeyId"), "AKIA\n").expect("written");
        std::fs::write(folder.path().join("secretAccessKey"), "secret\n").expect("written");
        match identity(Some(folder.path()), from_platform).expect("keys") {
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
        let of = |names: &'static [&str]| {
            identity(None, move |name| names.contains(&name).then(|| name.to_owned()))
        };
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
