//! STS through the SDK: the only service that is called with the operator's own identity.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sts::{Client, config::Region as SdkRegion};
use secrecy::SecretString;

use super::{
    AwsFault, Operation, Sdk, Session,
    client_config::{credentials, timestamp},
    fault::{from_sdk, malformed},
    rate::RateLimit,
    traits::{AssumeRole, Caller, Identity},
};
use crate::model::Region;

/// [`Identity`] over the SDK.
pub(super) struct SdkIdentity {
    base: Client,
    in_session: Client,
    rate: Arc<RateLimit>,
}

impl SdkIdentity {
    pub(super) fn new(sdk: &Sdk, rate: Arc<RateLimit>) -> Self {
        Self { base: Client::new(&sdk.base), in_session: Client::new(&sdk.without_credentials), rate }
    }
}

#[async_trait]
impl Identity for SdkIdentity {
    async fn base_caller(&self) -> Result<Caller, AwsFault> {
        self.rate.turn().await;
        let output = self.base.get_caller_identity().send().await;
        let output = output.map_err(|error| from_sdk(Operation::GetCallerIdentity, &error))?;
        caller(output.account(), output.arn())
    }

    async fn assume_role(&self, request: AssumeRole<'_>) -> Result<Session, AwsFault> {
        self.rate.turn().await;
        let seconds = i32::try_from(request.duration.as_secs()).unwrap_or(3600);
        let region =
            aws_sdk_sts::Config::builder().region(SdkRegion::new(request.region.as_str().to_owned()));
        let output = self
            .base
            .assume_role()
            .role_arn(request.role.to_string())
            .role_session_name(request.session_name)
            .duration_seconds(seconds)
            .set_external_id(request.external_id.map(|id| id.expose().to_owned()))
            .set_policy(request.policy.map(str::to_owned))
            .customize()
            .config_override(region)
            .send()
            .await
            .map_err(|error| from_sdk(Operation::AssumeRole, &error))?;
        let keys = output.credentials().ok_or_else(|| malformed(Operation::AssumeRole, "no credentials"))?;
        let expiration = timestamp(keys.expiration())
            .ok_or_else(|| malformed(Operation::AssumeRole, "an expiration out of range"))?;
        Ok(Session {
            access_key_id: keys.access_key_id().to_owned(),
            secret_access_key: SecretString::from(keys.secret_access_key()),
            session_token: SecretString::from(keys.session_token()),
            expiration,
        })
    }

    async fn session_caller(&self, session: &Session, region: &Region) -> Result<Caller, AwsFault> {
        self.rate.turn().await;
        let config = aws_sdk_sts::Config::builder()
            .region(SdkRegion::new(region.as_str().to_owned()))
            .credentials_provider(credentials(session));
        let output = self
            .in_session
            .get_caller_identity()
            .customize()
            .config_override(config)
            .send()
            .await
            .map_err(|error| from_sdk(Operation::GetCallerIdentity, &error))?;
        caller(output.account(), output.arn())
    }
}

fn caller(account: Option<&str>, arn: Option<&str>) -> Result<Caller, AwsFault> {
    let missing = |what| malformed(Operation::GetCallerIdentity, what);
    Ok(Caller {
        account: account.and_then(|id| id.parse().ok()).ok_or_else(|| missing("no account"))?,
        arn: arn.ok_or_else(|| missing("no ARN"))?.to_owned(),
    })
}
