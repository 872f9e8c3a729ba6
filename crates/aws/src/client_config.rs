//! The SDK set up from the standard AWS configuration: environment, profiles, web identity, container.

use std::{sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, SdkConfig, environment::region::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain, profile::region::ProfileFileRegionProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_credential_types::Credentials;
use aws_types::service_config::ServiceConfigKey;
use secrecy::ExposeSecret;

use super::{
    Session,
    calls::{CallObserver, Calls},
    cloudwatch::SdkMetrics,
    data_exports::SdkCatalog,
    iam::SdkAudit,
    left_out,
    organizations::SdkOrganizations,
    rate::{RateLimit, STS_CALLS_PER_SECOND},
    s3::SdkBuckets,
    sts::SdkIdentity,
    traits::Aws,
    transport,
};
use crate::{
    model::RoleArn,
    network::{proxy, trust::TrustedAuthorities},
};

/// What can be set besides the standard AWS configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsSettings {
    /// Calls to STS a second, for the whole process.
    pub sts_calls_per_second: u32,
    /// Authorities that are trusted besides the system's.
    pub trust: TrustedAuthorities,
}

impl Default for AwsSettings {
    fn default() -> Self {
        Self { sts_calls_per_second: STS_CALLS_PER_SECOND, trust: TrustedAuthorities::default() }
    }
}

/// Two configurations of the SDK: one with the process's own identity, for STS alone, and one with none.
///
/// Everything but STS is called in a session that the caller hands over; a client without credentials of its own can't
/// mistake the operator's identity for the customer's.
#[derive(Debug, Clone)]
pub struct Sdk {
    pub(super) base: SdkConfig,
    pub(super) without_credentials: SdkConfig,
    /// An endpoint override is set for S3.
    pub(super) s3_endpoint: S3Endpoint,
    /// The role that the environment names for web identity (IRSA): with its path, which a session's ARN does not tell.
    pub(super) own_role: Option<RoleArn>,
    settings: AwsSettings,
    pub(super) calls: Calls,
}

/// Whether S3 is AWS's own or one that an endpoint override names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum S3Endpoint {
    /// AWS's own endpoints, addressed in virtual-host style.
    Aws,
    /// Another: path style, for its name may not resolve with a bucket in front.
    Overridden,
}

impl Sdk {
    /// Reads the environment and the profile files. Credentials are looked for at the first call, not here.
    pub async fn load(settings: AwsSettings) -> Self {
        // The default region chain would ask the instance metadata service and wait for it where there is none.
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .or_else("us-east-1");
        if let Some(variable) = proxy::socks_variable(|name| std::env::var(name).ok()) {
            tracing::warn!(
                "{variable} is a SOCKS proxy, which AWS calls can't use: set it to an HTTP proxy, http://HOST:PORT"
            );
        }
        left_out::warn_of_settings().await;
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
        if let Some(client) = transport::trusting_client(&settings.trust) {
            loader = loader.http_client(client);
        }
        let base = loader
            .region(region)
            .timeout_config(
                TimeoutConfig::builder()
                    // A reconcile has 60 s for all its calls: one that hangs must leave time for the others'
                    // verdicts.
                    .connect_timeout(Duration::from_secs(3))
                    .operation_attempt_timeout(Duration::from_secs(10))
                    .operation_timeout(Duration::from_secs(20))
                    .build(),
            )
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .load()
            .await;
        // IRSA sets the variable (docs/aws-facts.md 1.6). EKS Pod Identity does not, so there the role's
        // path stays unknown.
        let own_role = std::env::var("AWS_ROLE_ARN").ok().and_then(|arn| arn.parse().ok());
        Self { own_role, ..Self::from_config(base, settings) }
    }

    fn from_config(base: SdkConfig, settings: AwsSettings) -> Self {
        let mut without_credentials = base.to_builder();
        without_credentials.set_credentials_provider(None);
        // The cache holds the process's own credentials once they were used; a client without any must not
        // find them.
        without_credentials.set_identity_cache(None);
        without_credentials.set_token_provider(None);
        let s3_endpoint = s3_endpoint(&base);
        Self {
            without_credentials: without_credentials.build(),
            base,
            s3_endpoint,
            own_role: None,
            settings,
            calls: Calls::default(),
        }
    }

    /// The same, with an observer of every call that is made through it.
    #[must_use]
    pub fn heard_by(self, observer: Arc<dyn CallObserver>) -> Self {
        Self { calls: Calls::heard_by(observer), ..self }
    }

    /// The operator of the sandbox's demo world, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn of_demo(url: &str) -> Self {
        let (id, secret) = ("AKIAAWSCOSTOPERATOR1", "operator-secret-of-the-sandbox");
        Self::for_endpoint(url, Credentials::new(id, secret, None, None, "test"))
    }

    /// One endpoint for all services, one try a call, short time-outs.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn for_endpoint(
        url: &str,
        credentials: impl aws_credential_types::provider::ProvideCredentials + 'static,
    ) -> Self {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .endpoint_url(url)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(2)).build())
            .build();
        Self::from_config(config, AwsSettings { sts_calls_per_second: 1000, ..AwsSettings::default() })
    }

    /// The same with so many tries a call and calls to STS a second.
    #[cfg(test)]
    pub(crate) fn trying(self, tries: u32, sts_calls_per_second: u32) -> Self {
        let retry = RetryConfig::standard().with_max_attempts(tries);
        let base = self.base.clone().into_builder().retry_config(retry).build();
        Self::from_config(base, AwsSettings { sts_calls_per_second, ..self.settings })
    }

    /// The traits over this configuration, with one rate limit and one pool of connections per service.
    pub fn aws(&self) -> Aws {
        let rate = Arc::new(RateLimit::per_second(self.settings.sts_calls_per_second));
        Aws {
            identity: Arc::new(SdkIdentity::new(self, rate)),
            organizations: Arc::new(SdkOrganizations::new(self)),
            catalog: Arc::new(SdkCatalog::new(self)),
            buckets: Arc::new(SdkBuckets::new(self)),
            audit: Arc::new(SdkAudit::new(self)),
            metrics: Arc::new(SdkMetrics::new(self)),
        }
    }
}

/// The same question the S3 client asks of the configuration when it is built.
fn s3_endpoint(config: &SdkConfig) -> S3Endpoint {
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .expect("all three parts are set");
    let own = config.service_config().and_then(|configured| configured.load_config(key));
    if own.is_some() || config.endpoint_url().is_some() { S3Endpoint::Overridden } else { S3Endpoint::Aws }
}

/// A session as the SDK takes it.
pub(super) fn sdk_credentials(session: &Session) -> Credentials {
    Credentials::new(
        session.access_key_id.clone(),
        session.secret_access_key.expose_secret(),
        Some(session.session_token.expose_secret().to_owned()),
        Some(std::time::SystemTime::from(session.expiration)),
        "awscost-session",
    )
}

/// A time of the SDK's in ours; `None` outside the years jiff knows.
pub(super) fn to_timestamp(time: &aws_smithy_types::DateTime) -> Option<jiff::Timestamp> {
    jiff::Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}
