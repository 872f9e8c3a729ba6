//! A named profile of the AWS configuration as an identity: exactly that one, never what else the environment holds.

use aws_config::{profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig};
use aws_credential_types::provider::ProvideCredentials;
use jiff::Timestamp;
use secrecy::SecretString;

use super::transport;
use crate::{model::Region, network::trust::TrustedAuthorities};

/// A profile: keys, a role, single sign-on, a console sign-in or a helper program, as it says.
#[derive(Debug)]
pub struct ProfileCredentials {
    name: String,
    provider: ProfileFileCredentialsProvider,
}

/// What a profile gives.
#[derive(Debug, Clone)]
pub struct ProfileKeys {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret access key that belongs to the key id.
    pub secret_access_key: SecretString,
    /// The session token, with temporary keys.
    pub session_token: Option<SecretString>,
    /// When they end; never if absent.
    pub expiration: Option<Timestamp>,
}

/// The profile gives no credentials. What it holds is never shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the AWS profile {0} provides no credentials: check that it is in ~/.aws/config or ~/.aws/credentials, and sign in again if it needs a sign-in"
)]
pub struct ProfileFault(String);

impl ProfileCredentials {
    /// The profile of a name; nothing is read yet. The region is for profiles that ask STS and name none.
    pub fn new(name: &str, region: Option<&Region>, trust: &TrustedAuthorities) -> Self {
        let region = region.map(|region| aws_config::Region::new(region.as_str().to_owned()));
        let mut config = ProviderConfig::without_region().with_region(region);
        if let Some(client) = transport::trusting_client(trust) {
            config = config.with_http_client(client);
        }
        let provider =
            ProfileFileCredentialsProvider::builder().configure(&config).profile_name(name).build();
        Self { name: name.to_owned(), provider }
    }

    /// Its credentials, asked for again.
    ///
    /// # Errors
    /// [`ProfileFault`] if it gives none.
    pub async fn keys(&self) -> Result<ProfileKeys, ProfileFault> {
        let credentials = self.provider.provide_credentials().await.map_err(|fault| {
            tracing::debug!(profile = self.name, kind = %fault, "a profile provides no credentials");
            ProfileFault(self.name.clone())
        })?;
        Ok(ProfileKeys {
            access_key_id: credentials.access_key_id().to_owned(),
            secret_access_key: credentials.secret_access_key().into(),
            session_token: credentials.session_token().map(SecretString::from),
            expiration: credentials.expiry().and_then(|expiry| Timestamp::try_from(expiry).ok()),
        })
    }
}
