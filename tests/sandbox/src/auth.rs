//! Who signed a request: the access key leads to a user or to an issued session, and the signature proves it.
//!
//! AWS looks at key and token first, then at the signature; what the caller may do comes last.

mod scope;
mod sigv4;

use jiff::Timestamp;

pub use scope::Scope;
#[cfg(test)]
pub use sigv4::signature;
pub use sigv4::{MISMATCH, verify};

use crate::iam::{Identity, Kind};
use crate::state::{Session, SessionOf, State};
use crate::world::{Secret, World};

/// Why the caller is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No signature where one is needed.
    #[error("the request is not signed")]
    Unsigned,
    /// No such key, or a session whose role is gone.
    #[error("the access key is unknown")]
    UnknownKey,
    /// The session token is missing, not the key's, or sent with a key that has none.
    #[error("the session token is not the key's")]
    WrongToken,
    /// The session is over.
    #[error("the session has expired")]
    Expired,
    /// The signature is not what the secret gives. The text tells why, in AWS's manner.
    #[error("{0}")]
    BadSignature(String),
}

/// A key that exists and is alive, with what is needed to check its signature.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub identity: Identity,
    pub secret: Secret,
}

/// Looks up a key and the session token sent with it.
///
/// # Errors
/// [`Refusal::UnknownKey`], [`Refusal::WrongToken`] or [`Refusal::Expired`].
pub fn look_up(
    state: &State,
    key_id: &str,
    token: Option<&str>,
    now: Timestamp,
) -> Result<Credentials, Refusal> {
    if let Some((account, user, key)) = state.world.user_of_key(key_id) {
        let guardrails = state.world.guardrails(account);
        // A long-lived key has no token, and AWS refuses one that comes with it.
        return match token {
            None => Ok(Credentials {
                identity: Identity { guardrails, ..user.identity(account) },
                secret: key.secret.clone(),
            }),
            Some(_) => Err(Refusal::WrongToken),
        };
    }
    let session = state.sessions.get(key_id).ok_or(Refusal::UnknownKey)?;
    let identity = session.identity(&state.world).ok_or(Refusal::UnknownKey)?;
    if token != Some(session.token.expose()) {
        return Err(Refusal::WrongToken);
    }
    if now >= session.expires {
        return Err(Refusal::Expired);
    }
    Ok(Credentials { identity, secret: session.secret.clone() })
}

impl Session {
    /// Who signs with it; `None` when its role or user is gone.
    fn identity(&self, world: &World) -> Option<Identity> {
        match &self.of {
            SessionOf::Role { arn } => {
                let (account, role) = world.role(arn)?;
                Some(Identity {
                    kind: Kind::Session,
                    account: account.to_owned(),
                    arn: role.session_arn(account, &self.name),
                    principal_arn: arn.clone(),
                    user_id: format!("{}:{}", role.id(account), self.name),
                    policies: role.policies.values().cloned().collect(),
                    permissions_boundary: None,
                    session_policy: self.policy.clone(),
                    carries_session_tags: false,
                    guardrails: world.guardrails(account),
                })
            }
            SessionOf::User { account, user } => {
                let user = world.accounts.get(account)?.users.iter().find(|known| known.name == *user)?;
                let arn = federated_arn(account, &self.name);
                Some(Identity {
                    kind: Kind::Federated,
                    account: account.clone(),
                    principal_arn: arn.clone(),
                    arn,
                    user_id: format!("{account}:{}", self.name),
                    policies: user.policies.values().cloned().collect(),
                    permissions_boundary: user.permissions_boundary.clone(),
                    session_policy: self.policy.clone(),
                    carries_session_tags: false,
                    guardrails: world.guardrails(account),
                })
            }
        }
    }
}

/// `arn:aws:sts::ACCOUNT:federated-user/NAME`.
pub fn federated_arn(account: &str, name: &str) -> String {
    format!("arn:aws:sts::{account}:federated-user/{name}")
}
