//! Where a Delta warehouse lies, and the store that reaches it. Credentials come in here, from the caller's
//! own configuration: the environment is never asked, so that source and warehouse identities can't mix.

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::given::{Given, KeySource};
use crate::{
    model::{
        BucketName, DeltaLocation, InvalidDeltaLocation, Region,
        form::matches,
        place::{ADDRESS, ENDPOINT},
    },
    network::trust::TrustedAuthorities,
    schema::{COSTS, TableContract},
    warehouse::WarehouseFault,
};

/// What the names of AWS's own S3 end in, in every partition (docs/aws-facts.md 11), dual stack and VPC
/// endpoints included.
const AWS_HOSTS: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
];

/// Who writes to the bucket.
#[derive(Debug, Clone)]
pub enum WarehouseIdentity {
    /// Keys from the warehouse's own Secret.
    Keys {
        /// The access key's id.
        access_key_id: String,
        /// Its secret.
        secret_access_key: SecretString,
        /// The session token, with temporary keys.
        session_token: Option<SecretString>,
    },
    /// A role assumed with a web identity token: IAM roles for service accounts.
    WebIdentity {
        /// The role.
        role_arn: String,
        /// The file that holds the token; read again when the credentials are renewed.
        token_file: String,
    },
    /// Credentials served inside the pod: EKS Pod Identity.
    PodIdentity {
        /// The agent's address.
        credentials_uri: String,
        /// The file that holds the agent's token.
        token_file: String,
    },
    /// Whatever gives keys when asked.
    Given(Arc<dyn KeySource>),
}

/// A Delta warehouse's whole configuration.
#[derive(Debug, Clone)]
pub struct DeltaOptions {
    /// Where it lies.
    pub location: DeltaLocation,
    /// The bucket's region; needed for a bucket without an endpoint.
    pub region: Option<Region>,
    /// The S3 that is asked, if not AWS's plain one in the region: `https://host[:port]`. Plain `http://` is allowed only
    /// here.
    pub endpoint: Option<Url>,
    /// The STS that a web identity token is exchanged at, if not AWS's plain one in the region.
    pub sts_endpoint: Option<Url>,
    /// Authorities that are trusted besides the system's.
    pub trust: TrustedAuthorities,
    /// Whether the bucket stands in the path instead of in the host name.
    pub addressing: Addressing,
    /// Who writes; needed for a bucket.
    pub identity: Option<WarehouseIdentity>,
    /// The table whose rows are written and read.
    pub table: &'static TableContract,
}

/// Where a request names the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Addressing {
    /// `https://bucket.host/key`.
    #[default]
    VirtualHost,
    /// `https://host/bucket/key`.
    Path,
}

impl DeltaOptions {
    /// A folder with everything else at its default.
    ///
    /// # Errors
    /// [`InvalidDeltaLocation`] if the text is no location.
    pub fn at(location: &str) -> Result<Self, InvalidDeltaLocation> {
        Ok(Self {
            location: location.parse()?,
            region: None,
            endpoint: None,
            sts_endpoint: None,
            trust: TrustedAuthorities::default(),
            addressing: Addressing::default(),
            identity: None,
            table: &COSTS,
        })
    }

    /// True if it is a bucket of AWS's own S3, whose conditional writes need no proof.
    pub fn is_at_aws(&self) -> bool {
        let is_aws = |host: &str| {
            AWS_HOSTS.iter().any(|suffix| host.strip_suffix(suffix).is_some_and(|name| name.ends_with('.')))
        };
        self.location.is_bucket()
            && self.endpoint.as_ref().is_none_or(|endpoint| endpoint.host_str().is_some_and(is_aws))
    }

    /// The store in which the location's paths are keys.
    pub(super) fn store(&self) -> Result<Arc<dyn ObjectStore>, WarehouseFault> {
        match self.location.bucket() {
            // Synced: a commit that is reported must outlive a power cut.
            None => Ok(Arc::new(LocalFileSystem::new().with_fsync(true))),
            Some(bucket) => self.bucket_store(bucket),
        }
    }

    fn bucket_store(&self, bucket: &BucketName) -> Result<Arc<dyn ObjectStore>, WarehouseFault> {
        let configuration = |problem: &str| WarehouseFault::Configuration(problem.to_owned());
        let region = match (&self.region, &self.endpoint) {
            (Some(region), _) => region.as_str(),
            // Stores that are not AWS's sign with this name unless told otherwise.
            (None, Some(_)) => "us-east-1",
            (None, None) => {
                return Err(configuration("the warehouse's region is missing: name the bucket's region"));
            }
        };
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 6,
            retry_timeout: Duration::from_secs(60),
        };
        let mut builder = AmazonS3Builder::new()
            .with_client_options(self.client_options()?)
            .with_bucket_name(bucket.as_str())
            .with_region(region)
            .with_retry(retry)
            .with_virtual_hosted_style_request(self.addressing == Addressing::VirtualHost);
        if let Some(endpoint) = &self.endpoint {
            let endpoint = self.endpoint_of(endpoint, bucket)?;
            builder = builder.with_allow_http(endpoint.scheme() == "http");
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        let Some(identity) = &self.identity else {
            return Err(configuration("the warehouse is a bucket and has no credentials"));
        };
        let builder = match identity {
            WarehouseIdentity::Keys { access_key_id, secret_access_key, session_token } => {
                let builder = builder
                    .with_access_key_id(access_key_id)
                    .with_secret_access_key(secret_access_key.expose_secret());
                match session_token {
                    Some(token) => builder.with_token(token.expose_secret()),
                    None => builder,
                }
            }
            WarehouseIdentity::WebIdentity { role_arn, token_file } => builder
                .with_config(AmazonS3ConfigKey::RoleArn, role_arn)
                .with_config(AmazonS3ConfigKey::RoleSessionName, "awscost-warehouse")
                .with_config(AmazonS3ConfigKey::WebIdentityTokenFile, token_file)
                .with_config(AmazonS3ConfigKey::StsEndpoint, self.sts_endpoint_in(region)),
            WarehouseIdentity::PodIdentity { credentials_uri, token_file } => builder
                .with_config(AmazonS3ConfigKey::ContainerCredentialsFullUri, credentials_uri)
                .with_config(AmazonS3ConfigKey::ContainerAuthorizationTokenFile, token_file),
            WarehouseIdentity::Given(source) => {
                builder.with_credentials(Arc::new(Given::new(Arc::clone(source))))
            }
        };
        match builder.build() {
            Ok(store) => Ok(Arc::new(store)),
            Err(_) => {
                Err(configuration("the warehouse's region, endpoint and credentials make no S3 client"))
            }
        }
    }

    /// How the store's HTTP client is set up. Proxies it reads from the environment itself.
    fn client_options(&self) -> Result<ClientOptions, WarehouseFault> {
        if self.trust.is_empty() {
            return Ok(ClientOptions::new());
        }
        let certificates = Certificate::from_pem_bundle(self.trust.pem().as_bytes())
            .map_err(|_| WarehouseFault::Configuration("the CA bundle can't be used".to_owned()))?;
        Ok(certificates.into_iter().fold(ClientOptions::new(), ClientOptions::with_root_certificate))
    }

    fn sts_endpoint_in(&self, region: &str) -> String {
        let named = self.sts_endpoint.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        named.unwrap_or_else(|| format!("https://sts.{region}.amazonaws.com"))
    }

    /// The endpoint as object_store takes it: with the bucket in the host where that is the addressing.
    fn endpoint_of(&self, endpoint: &Url, bucket: &BucketName) -> Result<Url, WarehouseFault> {
        // What is wrong may be the password in it: the words go out, the text does not.
        let bad = |words: &str| WarehouseFault::Configuration(format!("the warehouse's endpoint: {words}"));
        ENDPOINT.check(endpoint.as_str()).map_err(|words| bad(&words))?;
        let host = endpoint.host_str().ok_or_else(|| bad("it has no host"))?;
        let mut endpoint = endpoint.clone();
        if self.addressing == Addressing::VirtualHost {
            if matches(ADDRESS, endpoint.as_str()) {
                return Err(bad(
                    "an IP address needs path style, because a bucket's name can't be put in front of it",
                ));
            }
            endpoint
                .set_host(Some(&format!("{bucket}.{host}")))
                .map_err(|_| bad("no bucket can stand in front of its host"))?;
        }
        Ok(endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_aws_is_taken_at_its_word() {
        for (location, endpoint, expected) in [
            ("s3://acme-lake/x", None, true),
            ("s3://acme-lake/x", Some("https://s3.eu-west-1.amazonaws.com"), true),
            ("s3://acme-lake/x", Some("https://s3-fips.dualstack.us-east-2.amazonaws.com"), true),
            ("s3://acme-lake/x", Some("https://s3.dualstack.cn-north-1.amazonaws.com.cn"), true),
            ("s3://acme-lake/x", Some("https://s3.eusc-de-east-1.amazonaws.eu"), true),
            ("s3://acme-lake/x", Some("https://bucket.vpce-1a2b-3c.s3.us-east-1.vpce.amazonaws.com"), true),
            ("s3://acme-lake/x", Some("https://s3.us-isof-south-1.csp.hci.ic.gov"), true),
            ("s3://acme-lake/x", Some("https://minio.corp.example:9000"), false),
            ("s3://acme-lake/x", Some("https://notamazonaws.com"), false),
            ("s3://acme-lake/x", Some("https://s3.amazonaws.com.corp.example"), false),
            ("/var/lake", None, false),
        ] {
            let options = DeltaOptions::at(location).expect("valid");
            let options =
                DeltaOptions { endpoint: endpoint.map(|url| url.parse().expect("a URL")), ..options };
            assert_eq!(options.is_at_aws(), expected, "{location} {endpoint:?}");
        }
    }

    #[test]
    fn a_bucket_says_what_it_lacks() {
        let options = DeltaOptions::at("s3://acme-lake/x").expect("valid");
        let fault = options.store().expect_err("no region");
        assert!(fault.to_string().contains("region"), "{fault}");
        let options = DeltaOptions { region: "eu-west-1".parse().ok(), ..options };
        let fault = options.store().expect_err("no credentials");
        assert!(fault.to_string().contains("credentials"), "{fault}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let identity = WarehouseIdentity::Keys {
            access_key_id: "AKIA".to_owned(),
            secret_access_key: "canary-3c".into(),
            session_token: Some("canary-4d".into()),
        };
        assert!(!format!("{identity:?}").contains("canary"));
    }
}
