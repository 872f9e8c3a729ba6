//! The credentials of whoever runs the program, for the few commands that act as that person.
//!
//! The operator has no use for them: it acts in sessions of the connected accounts alone.

use aws_credential_types::{Credentials, provider::ProvideCredentials};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::{Sdk, Session};
use crate::model::AccessKeys;

/// How long a session counts that does not say how long it lasts.
const UNSAID: SignedDuration = SignedDuration::from_mins(15);

/// What the standard AWS configuration of the environment holds.
#[derive(Debug, Clone)]
pub enum OwnCredentials {
    /// A session: single sign-on, an assumed role, a container's or a machine's identity.
    Session(Session),
    /// The long-lived keys of an IAM user, with which a session can be had.
    Keys(AccessKeys),
}

/// The standard AWS configuration holds no credentials. What it does hold is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are no AWS credentials: set AWS_PROFILE to a profile with keys, a role, single sign-on (`aws sso login`), a console sign-in (`aws login`) or a `credential_process`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)]
pub struct NoCredentials;

impl Sdk {
    /// The credentials of the environment, the profile files, the container or the machine, the first there are.
    ///
    /// # Errors
    /// [`NoCredentials`] if there are none, or they could not be had.
    pub async fn own_credentials(&self, now: Timestamp) -> Result<OwnCredentials, NoCredentials> {
        let provider = self.base.credentials_provider().ok_or(NoCredentials)?;
        own_credentials(&provider.provide_credentials().await.map_err(|_| NoCredentials)?, now)
    }
}

fn own_credentials(credentials: &Credentials, now: Timestamp) -> Result<OwnCredentials, NoCredentials> {
    let (id, secret) = (credentials.access_key_id(), credentials.secret_access_key());
    let Some(token) = credentials.session_token() else {
        let keys = AccessKeys::parse(id.as_bytes(), secret.as_bytes()).map_err(|_| NoCredentials)?;
        return Ok(OwnCredentials::Keys(keys));
    };
    let expiration = credentials.expiry().and_then(|expiry| Timestamp::try_from(expiry).ok());
    Ok(OwnCredentials::Session(Session {
        access_key_id: id.to_owned(),
        secret_access_key: SecretString::from(secret),
        session_token: SecretString::from(token),
        expiration: expiration.unwrap_or(now + UNSAID),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_without_a_token_are_no_session() {
        let now = Timestamp::UNIX_EPOCH;
        let given = |token: Option<&str>| {
            own_credentials(
                &Credentials::new("AKIACANARYCANARY0001", "canary", token.map(str::to_owned), None, "test"),
                now,
            )
        };
        assert!(matches!(given(None), Ok(OwnCredentials::Keys(_))));
        let Ok(OwnCredentials::Session(session)) = given(Some("canary")) else {
            unreachable!("a token makes a session")
        };
        assert!(session.lasts(UNSAID, now));
        let shown = format!("{:?} {:?}", given(None), given(Some("canary"))).to_lowercase();
        assert!(!shown.contains("canary"), "{shown}");
    }
}
