//! STS through the SDK: the only service that is called with the operator's own identity, and with the keys of IAM users.

mod reach;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use aws_config::{SdkConfig, retry::RetryConfig};
use aws_credential_types::Credentials;
use aws_sdk_sts::{
    Client,
    config::{Builder, Region as SdkRegion},
};
use secrecy::SecretString;

use super::{
    AwsFault, FaultClass, Operation, Sdk, Session,
    calls::Calls,
    client_config::{sdk_credentials, to_timestamp},
    rate::RateLimit,
    sdk_fault::malformed_answer,
    traits::{AssumeRole, Caller, FederateUser, StsApi},
};
use crate::model::{AccessKeys, Region, RoleArn};

pub use reach::StsReach;

/// No try begins later than this after the first, waits for turns not counted: a verdict is promised within seconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest wait before a second try, doubled for each further one; the SDK's own measure. Tests count tries, and wait
/// for none.
const BACKOFF: Duration = if cfg!(test) { Duration::from_millis(1) } else { Duration::from_secs(1) };

/// [`StsApi`] over the SDK.
pub(super) struct SdkIdentity {
    base: Client,
    in_session: Client,
    own_role: Option<RoleArn>,
    calls: Calls,
    rate: Arc<RateLimit>,
    /// How many attempts a call has.
    tries: u32,
}

impl SdkIdentity {
    pub(super) fn new(sdk: &Sdk, rate: Arc<RateLimit>) -> Self {
        Self {
            base: without_retries(&sdk.base),
            in_session: without_retries(&sdk.without_credentials),
            own_role: sdk.own_role.clone(),
            calls: sdk.calls.clone(),
            rate,
            tries: sdk.base.retry_config().map_or(1, RetryConfig::max_attempts),
        }
    }

    /// Tries a call as often as the SDK would. Each try takes its turn: the SDK's own would pass the rate limit by, three
    /// times as many just when AWS asks to slow down.
    async fn in_turn<T, F>(&self, call: impl Fn() -> F + Send + Sync) -> Result<T, AwsFault>
    where
        T: Send,
        F: Future<Output = Result<T, AwsFault>> + Send,
    {
        let mut spent = Duration::ZERO;
        let mut tried = 0;
        loop {
            self.rate.wait_turn().await;
            let began = Instant::now();
            let answer = call().await;
            tried += 1;
            // Full jitter, so that callers which were throttled together do not come back together.
            let wait = BACKOFF.mul_f64(rand::random()) * 2_u32.pow(tried - 1);
            spent += began.elapsed() + wait;
            match answer {
                // A denial is an answer: repeating it only adds events to the account's CloudTrail.
                Err(fault) if may_pass(&fault) && tried < self.tries && spent < PATIENCE => {
                    tokio::time::sleep(wait).await;
                }
                answer => return answer,
            }
        }
    }
}

/// A client that tries once: [`SdkIdentity::in_turn`] does the rest.
fn without_retries(config: &SdkConfig) -> Client {
    Client::from_conf(Builder::from(config).retry_config(RetryConfig::disabled()).build())
}

/// What another try may turn into an answer.
fn may_pass(fault: &AwsFault) -> bool {
    matches!(fault.class, FaultClass::Throttled | FaultClass::Transient | FaultClass::Unreachable)
}

#[async_trait]
impl StsApi for SdkIdentity {
    async fn base_caller(&self) -> Result<Caller, AwsFault> {
        self.in_turn(|| async {
            let sending = self.base.get_caller_identity().send();
            let output = self.calls.make(Operation::GetCallerIdentity, sending).await?;
            Ok(with_path(parse_caller(output.account(), output.arn())?, self.own_role.as_ref()))
        })
        .await
    }

    async fn assume_role(&self, request: AssumeRole<'_>) -> Result<Session, AwsFault> {
        let seconds = i32::try_from(request.duration.as_secs()).unwrap_or(3600);
        self.in_turn(|| async {
            let region = SdkRegion::new(request.region.as_str().to_owned());
            let sending = self
                .base
                .assume_role()
                .role_arn(request.role.to_string())
                .role_session_name(request.session_name)
                .duration_seconds(seconds)
                // Without an external ID the parameter is left out: an empty one is a ValidationError, not a
                // probe (docs/aws-facts.md 1.2).
                .set_external_id(request.external_id.map(|id| id.expose().to_owned()))
                .set_policy(request.policy.map(str::to_owned))
                .customize()
                // Each account names its STS region: where a region must be opted into, STS answers only
                // accounts that have enabled it (docs/aws-facts.md 1.5).
                .config_override(aws_sdk_sts::Config::builder().region(region))
                .send();
            let output = self.calls.make(Operation::AssumeRole, sending).await?;
            issued_session(Operation::AssumeRole, output.credentials())
        })
        .await
    }

    async fn session_caller(&self, session: &Session, region: &Region) -> Result<Caller, AwsFault> {
        self.caller_with(&sdk_credentials(session), region).await
    }

    async fn keys_caller(&self, keys: &AccessKeys, region: &Region) -> Result<Caller, AwsFault> {
        self.caller_with(&user_credentials(keys), region).await
    }

    async fn federate(&self, request: FederateUser<'_>) -> Result<Session, AwsFault> {
        let seconds = i32::try_from(request.duration.as_secs()).unwrap_or(3600);
        self.in_turn(|| async {
            let sending = self
                .in_session
                .get_federation_token()
                .name(request.name)
                .duration_seconds(seconds)
                // A federated session without a policy may do nothing at all (docs/aws-facts.md 1.8).
                .policy(request.policy)
                .customize()
                .config_override(client_config(user_credentials(request.keys), request.region))
                .send();
            let output = self.calls.make(Operation::GetFederationToken, sending).await?;
            issued_session(Operation::GetFederationToken, output.credentials())
        })
        .await
    }
}

impl SdkIdentity {
    async fn caller_with(&self, credentials: &Credentials, region: &Region) -> Result<Caller, AwsFault> {
        self.in_turn(|| async {
            let sending = self
                .in_session
                .get_caller_identity()
                .customize()
                .config_override(client_config(credentials.clone(), region))
                .send();
            let output = self.calls.make(Operation::GetCallerIdentity, sending).await?;
            parse_caller(output.account(), output.arn())
        })
        .await
    }
}

fn client_config(credentials: Credentials, region: &Region) -> Builder {
    aws_sdk_sts::Config::builder()
        .region(SdkRegion::new(region.as_str().to_owned()))
        .credentials_provider(credentials)
}

/// The keys of an IAM user as the SDK takes them.
fn user_credentials(keys: &AccessKeys) -> Credentials {
    Credentials::new(keys.expose_id(), keys.expose_secret(), None, None, "awscost-access-key")
}

fn issued_session(
    operation: Operation,
    credentials: Option<&aws_sdk_sts::types::Credentials>,
) -> Result<Session, AwsFault> {
    let keys = credentials.ok_or_else(|| malformed_answer(operation, "no credentials"))?;
    let expiration = to_timestamp(keys.expiration())
        .ok_or_else(|| malformed_answer(operation, "an expiration out of range"))?;
    Ok(Session {
        access_key_id: keys.access_key_id().to_owned(),
        secret_access_key: SecretString::from(keys.secret_access_key()),
        session_token: SecretString::from(keys.session_token()),
        expiration,
    })
}

/// The caller under its role's own ARN, if the environment names that role: a session's leaves out the path, without which
/// no trust policy can name it.
fn with_path(caller: Caller, own_role: Option<&RoleArn>) -> Caller {
    match own_role {
        Some(role)
            if caller.assumed_role() == Some(role.role_name()) && *role.account() == caller.account =>
        {
            Caller { arn: role.to_string(), ..caller }
        }
        _ => caller,
    }
}

fn parse_caller(account: Option<&str>, arn: Option<&str>) -> Result<Caller, AwsFault> {
    let missing = |what| malformed_answer(Operation::GetCallerIdentity, what);
    Ok(Caller {
        // An answer without an account would let a session of any account pass for the declared one.
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
            with_path(parse_caller(Some("999988887777"), Some(session)).expect("a caller"), Some(&own)).arn
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
