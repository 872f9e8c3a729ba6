//! The options that say which warehouse, shared by every command that opens one.

mod identity;
mod object;

use std::path::PathBuf;

use clap::Args;
use url::Url;

use crate::{
    aws::endpoints::{self, EndpointVariant},
    cli::cluster::ClusterArgs,
    model::{BucketAddress, Region, StoreEndpoint, WarehouseAddress},
    network::trust::TrustedAuthorities,
    schema::{TABLES, TableContract},
    warehouse::{self, OpeningTerms, Warehouse, WarehouseFault},
};
use object::ObjectName;

/// Where `--help` and docs/cli.md have these options.
const HEADING: &str = "Warehouse options";

/// Which warehouse, and how to reach it.
#[derive(Debug, Clone, Args)]
pub struct WarehouseLocation {
    /// The warehouse: delta:FOLDER, delta:file:///FOLDER or delta:s3://BUCKET/PREFIX.
    #[arg(long = "warehouse", value_name = "delta:LOCATION")]
    warehouse: WarehouseAddress,
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
    warehouse: Option<WarehouseAddress>,
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
    #[arg(help_heading = HEADING, long = "warehouse-endpoint", value_name = "URL")]
    endpoint: Option<StoreEndpoint>,
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

/// A warehouse that can be opened: where it lies, and what opens it.
pub struct ReachedWarehouse {
    /// Where it lies.
    pub address: WarehouseAddress,
    terms: OpeningTerms,
}

impl ReachedWarehouse {
    /// Opens one of its tables; nothing is read or written yet.
    ///
    /// # Errors
    /// [`WarehouseFault::Configuration`] where an option does not suit the address.
    pub fn open(&self, table: &'static TableContract) -> Result<Box<dyn Warehouse>, WarehouseFault> {
        warehouse::open(&self.address, &self.terms, table)
    }

    /// Opens all of them.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_all(&self) -> Result<Vec<Box<dyn Warehouse>>, WarehouseFault> {
        TABLES.iter().map(|table| self.open(table)).collect()
    }
}

impl WarehouseLocation {
    /// Finds out what opens the warehouse.
    ///
    /// # Errors
    /// [`WarehouseFault::Configuration`] where an option does not suit the address, [`WarehouseFault::Refused`] where
    /// there are no credentials to open it with.
    pub async fn reach(&self) -> Result<ReachedWarehouse, WarehouseFault> {
        self.bucket.reach(self.warehouse.clone()).await
    }
}

impl WarehouseChoice {
    /// Finds out where the warehouse lies and what opens it.
    ///
    /// # Errors
    /// As [`WarehouseLocation::reach`], or where the cluster does not give the object.
    pub async fn reach(&self) -> Result<ReachedWarehouse, WarehouseFault> {
        let address = match (&self.object, &self.warehouse) {
            (Some(object), _) => object.read(&self.cluster, self.namespace.as_deref()).await?,
            (None, Some(address)) => address.clone(),
            (None, None) => return Err(WarehouseFault::Configuration("no warehouse is named".to_owned())),
        };
        self.bucket.reach(address).await
    }
}

impl BucketArgs {
    async fn reach(&self, address: WarehouseAddress) -> Result<ReachedWarehouse, WarehouseFault> {
        let given = BucketAddress {
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            path_style: self.path_style,
        };
        let address = address.reached_over(given);
        let Some(bucket) = address.bucket() else {
            if self.is_given() {
                return Err(WarehouseFault::Configuration(
                    "--warehouse-region, -endpoint, -path-style, -credentials-dir and -profile are only for a bucket, but the warehouse is a folder"
                        .to_owned(),
                ));
            }
            return Ok(ReachedWarehouse { address, terms: OpeningTerms::default() });
        };
        let trust = TrustedAuthorities::of_environment()
            .map_err(|fault| WarehouseFault::Configuration(fault.to_string()))?;
        let identity = Some(identity::of(self, bucket.region.as_ref(), &trust).await?);
        let (regional_s3, sts) = self.regional_endpoints(bucket).await;
        Ok(ReachedWarehouse { terms: OpeningTerms { trust, identity, regional_s3, sts }, address })
    }

    /// S3 and STS as the SDK would ask them in this region: object_store knows neither partitions nor FIPS.
    async fn regional_endpoints(&self, bucket: &BucketAddress) -> (Option<Url>, Option<Url>) {
        let Some(region) = &bucket.region else { return (None, None) };
        let variant = EndpointVariant::configured(self.profile.as_deref()).await;
        (endpoints::s3_endpoint(region, variant).await, endpoints::sts_endpoint(region, variant).await)
    }

    fn is_given(&self) -> bool {
        self.region.is_some()
            || self.endpoint.is_some()
            || self.path_style
            || self.credentials_dir.is_some()
            || self.profile.is_some()
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
        assert!(location.reach().await.map(drop).is_ok());
        for option in [["--warehouse-path-style"].as_slice(), &["--warehouse-profile", "lake"]] {
            let location = parse(&[&["--warehouse", "delta:/lake"], option].concat()).expect("valid");
            assert!(
                matches!(location.reach().await.map(drop), Err(WarehouseFault::Configuration(_))),
                "{option:?}"
            );
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
            let bucket = BucketAddress {
                region: region.parse().ok(),
                endpoint: endpoint.and_then(|url| url.parse().ok()),
                path_style: false,
            };
            async move {
                let (regional, sts) = BucketArgs::default().regional_endpoints(&bucket).await;
                let host = |url: Option<Url>| url.and_then(|url| Some(url.host_str()?.to_owned()));
                let named = bucket.endpoint.map(|endpoint| endpoint.url().clone());
                (host(named.or(regional)), host(sts))
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
