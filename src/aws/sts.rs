//! STS through the SDK: the only service that is called with the operator's own identity, and with the keys of IAM users.

use std::sync::Arc;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sdk_sts::{
    Client,
    config::{Builder, Region as SdkRegion},
};
use secrecy::SecretString;

use super::{
    AwsFault, Operation, Sdk, Session,
    calls::Calls,
    client_config::{credentials, timestamp},
    fault::malformed,
    rate::RateLimit,
    traits::{AssumeRole, Caller, Federate, Identity},
};
use crate::model::{AccessKeys, Region, RoleArn};

/// [`Identity`] over the SDK.
pub(super) struct SdkIdentity {
    base: Client,
    in_session: Client,
    own_role: Option<RoleArn>,
    calls: Calls,
    rate: Arc<RateLimit>,
}

impl SdkIdentity {
    pub(super) fn new(sdk: &Sdk, rate: Arc<RateLimit>) -> Self {
        Self {
            base: Client::new(&sdk.base),
            in_session: Client::new(&sdk.without_credentials),
            own_role: sdk.own_role.clone(),
            calls: sdk.calls.clone(),
            rate,
        }
    }
}

#[async_trait]
impl Identity for SdkIdentity {
    async fn base_caller(&self) -> Result<Caller, AwsFault> {
        self.rate.turn().await;
        let sending = self.base.get_caller_identity().send();
        let output = self.calls.make(Operation::GetCallerIdentity, sending).await?;
        Ok(with_path(caller(output.account(), output.arn())?, self.own_role.as_ref()))
    }

    async fn assume_role(&self, request: AssumeRole<'_>) -> Result<Session, AwsFault> {
        self.rate.turn().await;
        let seconds = i32::try_from(request.duration.as_secs()).unwrap_or(3600);
        let region =
            aws_sdk_sts::Config::builder().region(SdkRegion::new(request.region.as_str().to_owned()));
        let sending = self
            .base
            .assume_role()
            .role_arn(request.role.to_string())
            .role_session_name(request.session_name)
            .duration_seconds(seconds)
            .set_external_id(request.external_id.map(|id| id.expose().to_owned()))
            .set_policy(request.policy.map(str::to_owned))
            .customize()
            .config_override(region)
            .send();
        let output = self.calls.make(Operation::AssumeRole, sending).await?;
        session(Operation::AssumeRole, output.credentials())
    }

    async fn session_caller(&self, session: &Session, region: &Region) -> Result<Caller, AwsFault> {
        self.rate.turn().await;
        self.caller_with(credentials(session), region).await
    }

    async fn keys_caller(&self, keys: &AccessKeys, region: &Region) -> Result<Caller, AwsFault> {
        self.rate.turn().await;
        self.caller_with(user_credentials(keys), region).await
    }

    async fn federate(&self, request: Federate<'_>) -> Result<Session, AwsFault> {
        self.rate.turn().await;
        let seconds = i32::try_from(request.duration.as_secs()).unwrap_or(3600);
        let sending = self
            .in_session
            .get_federation_token()
            .name(request.name)
            .duration_seconds(seconds)
            .policy(request.policy)
            .customize()
            .config_override(config(user_credentials(request.keys), request.region))
            .send();
        let output = self.calls.make(Operation::GetFederationToken, sending).await?;
        session(Operation::GetFederationToken, output.credentials())
    }
}

impl SdkIdentity {
    async fn caller_with(&self, credentials: Credentials, region: &Region) -> Result<Caller, AwsFault> {
        let sending = self
            .in_session
            .get_caller_identity()
            .customize()
            .config_override(config(credentials, region))
            .send();
        let output = self.calls.make(Operation::GetCallerIdentity, sending).await?;
        caller(output.account(), output.arn())
    }
}

fn config(credentials: Credentials, region: &Region) -> Builder {
    aws_sdk_sts::Config::builder()
        .region(SdkRegion::new(region.as_str().to_owned()))
        .credentials_provider(credentials)
}

/// The keys of an IAM user as the SDK takes them.
fn user_credentials(keys: &AccessKeys) -> Credentials {
    Credentials::new(keys.expose_id(), keys.expose_secret(), None, None, "awscost-access-key")
}

fn session(
    operation: Operation,
    credentials: Option<&aws_sdk_sts::types::Credentials>,
) -> Result<Session, AwsFault> {
    let keys = credentials.ok_or_else(|| malformed(operation, "no credentials"))?;
    let expiration =
        timestamp(keys.expiration()).ok_or_else(|| malformed(operation, "an expiration out of range"))?;
    Ok(Session {
        access_key_id: keys.access_key_id().to_owned(),
        secret_access_key: SecretString::from(keys.secret_access_key()),
        session_token: SecretString::from(keys.session_token()),
        expiration,
    })
}

/// The caller under its role's own ARN, if the environment names that role: a session's ARN leaves out the path (fact
/// sheet 1.2), without which no trust policy can name it.
fn with_path(caller: Caller, own_role: Option<&RoleArn>) -> Caller {
    let assumed = caller.arn.split_once(":assumed-role/").and_then(|(_, session)| session.split('/').next());
    match own_role {
        Some(role) if Some(role.role_name()) == assumed && *role.account() == caller.account => {
            Caller { arn: role.to_string(), ..caller }
        }
        _ => caller,
    }
}

fn caller(account: Option<&str>, arn: Option<&str>) -> Result<Caller, AwsFault> {
    let missing = |what| malformed(Operation::GetCallerIdentity, what);
    Ok(Caller {
        account: account.and_then(|id| id.parse().ok()).ok_or_else(|| missing("no account"))?,
        arn: arn.ok_or_else(|| missing("no ARN"))?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_own_role_is_known_by_its_path_where_the_environment_names_it() {
        let session = "arn:aws:sts::999988887777:assumed-role/awscost/1763812800";
        let named = |arn: &str| {
            let own: RoleArn = arn.parse().expect("a role");
            with_path(caller(Some("999988887777"), Some(session)).expect("a caller"), Some(&own)).arn
        };
        let with_path = "arn:aws:iam::999988887777:role/eks/awscost";
        assert_eq!(named(with_path), with_path);
        for another in
            ["arn:aws:iam::999988887777:role/eks/other", "arn:aws:iam::111122223333:role/eks/awscost"]
        {
            assert_eq!(named(another), session, "{another} is not who AWS says we are");
        }
    }
}
