//! The options that say which warehouse, shared by every command that opens one.

mod identity;
mod object;

use std::{path::PathBuf, str::FromStr};

use clap::Args;
use url::Url;

use crate::{
    aws::endpoints::{self, EndpointVariant},
    cli::cluster::ClusterArgs,
    model::Region,
    network::trust::TrustedAuthorities,
    schema::COSTS,
    warehouse::{
        Warehouse, WarehouseFault,
        delta::{
            Addressing, DEFAULT_RETENTION, DeltaLocation, DeltaOptions, DeltaWarehouse, InvalidDeltaLocation,
            parse_endpoint,
        },
    },
};
use object::ObjectName;

/// Where `--help` and docs/cli.md have these options.
const HEADING: &str = "Warehouse options";

/// Which warehouse, and how to reach it.
#[derive(Debug, Clone, Args)]
pub struct WarehouseLocation {
    /// The warehouse: delta:FOLDER, delta:file:///FOLDER or delta:s3://BUCKET/PREFIX.
    #[arg(long = "warehouse", value_name = "delta:LOCATION")]
    warehouse: Address,
    #[command(flatten)]
    bucket: BucketArgs,
}

/// Which warehouse, by its address or by the object in a cluster that has it.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct WarehouseChoice {
    /// A CostWarehouse in a cluster, which provides location, region and endpoint.
    #[arg(
        value_name = "costwarehouse/NAME",
        required_unless_present = "warehouse",
        conflicts_with = "warehouse"
    )]
    object: Option<ObjectName>,
    /// The object's namespace; by default that of the context.
    #[arg(short, long, value_name = "NAME", conflicts_with = "warehouse")]
    namespace: Option<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The warehouse's address, without a cluster: delta:FOLDER, delta:file:///FOLDER or delta:s3://BUCKET/PREFIX.
    #[arg(long = "warehouse", value_name = "delta:LOCATION")]
    warehouse: Option<Address>,
    #[command(flatten)]
    bucket: BucketArgs,
}

/// How a warehouse's bucket is reached.
#[derive(Debug, Clone, Default, Args)]
struct BucketArgs {
    /// The region of the warehouse's bucket.
    #[arg(help_heading = HEADING, id = "warehouse-region", long = "warehouse-region", value_name = "REGION")]
    region: Option<Region>,
    /// The address of an S3-compatible store other than AWS: https://HOST[:PORT], or http:// in a test.
    #[arg(help_heading = HEADING, long = "warehouse-endpoint", value_name = "URL", value_parser = parse_endpoint)]
    endpoint: Option<Url>,
    /// Put the bucket's name into the path instead of the host name.
    #[arg(help_heading = HEADING, long = "warehouse-path-style")]
    path_style: bool,
    /// The directory with the bucket's credentials: the files accessKeyId, secretAccessKey and, for temporary
    /// keys, sessionToken. Without it and without a profile, the identity of the pod's service account is
    /// used.
    #[arg(help_heading = HEADING, id = "warehouse-credentials-dir", long = "warehouse-credentials-dir", value_name = "DIR")]
    credentials_dir: Option<PathBuf>,
    /// The AWS profile that opens the bucket. AWS_PROFILE is never used for it: that identity reads bills.
    #[arg(help_heading = HEADING, long = "warehouse-profile", value_name = "NAME", conflicts_with = "warehouse-credentials-dir")]
    profile: Option<String>,
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
    pub async fn open(&self) -> Result<Box<dyn Warehouse>, WarehouseFault> {
        Ok(Box::new(DeltaWarehouse::open(self.options().await?)?))
    }

    /// The warehouse's address, for people.
    pub fn address(&self) -> &DeltaLocation {
        &self.warehouse.0
    }

    /// What opens the warehouse at the given address.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn options(&self) -> Result<DeltaOptions, WarehouseFault> {
        self.bucket.options(self.warehouse.0.clone()).await
    }
}

impl WarehouseChoice {
    /// The options as the backend takes them.
    ///
    /// # Errors
    /// As [`WarehouseLocation::open`], or where the cluster does not give the object.
    pub async fn options(&self) -> Result<DeltaOptions, WarehouseFault> {
        match (&self.object, &self.warehouse) {
            (Some(object), _) => {
                let found = object.read(&self.cluster, self.namespace.as_deref()).await?;
                let bucket = BucketArgs {
                    region: self.bucket.region.clone().or(found.region),
                    endpoint: self.bucket.endpoint.clone().or(found.endpoint),
                    path_style: self.bucket.path_style || found.path_style,
                    ..self.bucket.clone()
                };
                bucket.options(found.location).await
            }
            (None, Some(address)) => self.bucket.options(address.0.clone()).await,
            (None, None) => Err(WarehouseFault::Configuration("no warehouse is named".to_owned())),
        }
    }
}

impl BucketArgs {
    async fn options(&self, location: DeltaLocation) -> Result<DeltaOptions, WarehouseFault> {
        if !location.is_bucket() {
            if self.is_given() {
                return Err(WarehouseFault::Configuration(
                    "--warehouse-region, -endpoint, -path-style, -credentials-dir and -profile are only for a bucket, but the warehouse is a folder"
                        .to_owned(),
                ));
            }
            return Ok(folder(location));
        }
        let trust = TrustedAuthorities::of_environment()
            .map_err(|fault| WarehouseFault::Configuration(fault.to_string()))?;
        let identity = identity::of(self, &trust).await?;
        let (endpoint, sts_endpoint) = self.endpoints().await;
        Ok(DeltaOptions {
            region: self.region.clone(),
            endpoint,
            sts_endpoint,
            trust,
            addressing: if self.path_style { Addressing::Path } else { Addressing::VirtualHost },
            identity: Some(identity),
            ..folder(location)
        })
    }

    /// S3 and STS as the SDK would ask them in this region: object_store knows neither partitions nor FIPS.
    async fn endpoints(&self) -> (Option<Url>, Option<Url>) {
        let Some(region) = &self.region else { return (self.endpoint.clone(), None) };
        let variant = EndpointVariant::configured(self.profile.as_deref()).await;
        let endpoint = match &self.endpoint {
            Some(named) => Some(named.clone()),
            None => endpoints::s3(region, variant).await,
        };
        (endpoint, endpoints::sts(region, variant).await)
    }

    fn is_given(&self) -> bool {
        self.region.is_some()
            || self.endpoint.is_some()
            || self.path_style
            || self.credentials_dir.is_some()
            || self.profile.is_some()
    }
}

/// The options of a folder.
fn folder(location: DeltaLocation) -> DeltaOptions {
    DeltaOptions {
        location,
        region: None,
        endpoint: None,
        sts_endpoint: None,
        trust: TrustedAuthorities::default(),
        addressing: Addressing::default(),
        identity: None,
        retention: DEFAULT_RETENTION,
        table: &COSTS,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        warehouse: WarehouseLocation,
    }

    #[derive(Debug, Parser)]
    struct Choosing {
        #[command(flatten)]
        warehouse: WarehouseChoice,
    }

    fn parse(arguments: &[&str]) -> Result<WarehouseLocation, clap::Error> {
        Command::try_parse_from([&["awscost"], arguments].concat()).map(|command| command.warehouse)
    }

    fn choose(arguments: &[&str]) -> Result<WarehouseChoice, clap::Error> {
        Choosing::try_parse_from([&["awscost"], arguments].concat()).map(|command| command.warehouse)
    }

    #[tokio::test]
    async fn a_folder_takes_no_bucket_options() {
        let location = parse(&["--warehouse", "delta:file:///lake"]).expect("valid");
        assert!(location.options().await.is_ok());
        for option in [["--warehouse-path-style"].as_slice(), &["--warehouse-profile", "lake"]] {
            let location = parse(&[&["--warehouse", "delta:/lake"], option].concat()).expect("valid");
            assert!(matches!(location.options().await, Err(WarehouseFault::Configuration(_))), "{option:?}");
        }
    }

    #[test]
    fn what_names_no_warehouse_is_refused() {
        for bad in ["/lake", "postgres:x", "delta:", "delta:gs://b/x", "delta:s3://UPPER"] {
            assert!(parse(&["--warehouse", bad]).is_err(), "{bad}");
        }
        assert!(parse(&[]).is_err());
        for bad in [
            &[][..],
            &["lake"],
            &["aca/lake"],
            &["costwarehouse/lake", "--warehouse", "delta:/lake"],
            &["--warehouse", "delta:/lake", "-n", "finops"],
            &["cwh/lake", "--warehouse-profile", "a", "--warehouse-credentials-dir", "b"],
        ] {
            assert!(choose(bad).is_err(), "{bad:?}");
        }
        for good in [&["costwarehouse/lake", "-n", "finops"][..], &["--warehouse", "delta:/lake"]] {
            assert!(choose(good).is_ok(), "{good:?}");
        }
    }

    #[tokio::test]
    async fn a_bucket_is_asked_where_the_sdk_would_ask_it() {
        let host = |region: &str, endpoint: Option<&str>| {
            let bucket = BucketArgs {
                region: region.parse().ok(),
                endpoint: endpoint.and_then(|url| url.parse().ok()),
                ..BucketArgs::default()
            };
            async move {
                let (s3, sts) = bucket.endpoints().await;
                let host = |url: Option<Url>| url.and_then(|url| Some(url.host_str()?.to_owned()));
                (host(s3), host(sts))
            }
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            host("cn-north-1", None).await,
            (some("s3.cn-north-1.amazonaws.com.cn"), some("sts.cn-north-1.amazonaws.com.cn"))
        );
        assert_eq!(
            host("eu-west-1", Some("https://minio.corp.example")).await,
            (some("minio.corp.example"), some("sts.eu-west-1.amazonaws.com"))
        );
    }
}
