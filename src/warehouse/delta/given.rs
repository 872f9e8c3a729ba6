//! Keys that somebody else gives: a source in our words, and object_store's view of it.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use object_store::{CredentialProvider, aws::AwsCredential};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

/// Keys with less life than this are asked for anew.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// Gives the keys of a warehouse's bucket when asked.
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync {
    /// The keys as they are now.
    async fn keys(&self) -> Result<GivenKeys, NoKeys>;
}

/// Keys, and how long they last.
#[derive(Debug, Clone)]
pub struct GivenKeys {
    /// The access key's id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// The session token, with temporary keys.
    pub session_token: Option<SecretString>,
    /// When they end; never if absent.
    pub expiration: Option<Timestamp>,
}

/// There are no keys, and why, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoKeys(pub String);

/// Keeps the keys until shortly before their end.
#[derive(Debug)]
pub(super) struct Given {
    source: Arc<dyn KeySource>,
    current: Mutex<Option<(Arc<AwsCredential>, Option<Timestamp>)>>,
}

impl Given {
    pub(super) fn new(source: Arc<dyn KeySource>) -> Self {
        Self { source, current: Mutex::default() }
    }

    async fn at(&self, now: Timestamp) -> Result<Arc<AwsCredential>, NoKeys> {
        // Held over the question, so that a hundred requests ask once.
        let mut current = self.current.lock().await;
        if let Some((credential, expiration)) = current.as_ref()
            && expiration.is_none_or(|end| end.duration_since(now) > MARGIN)
        {
            return Ok(Arc::clone(credential));
        }
        let keys = self.source.keys().await?;
        let credential = Arc::new(AwsCredential {
            key_id: keys.access_key_id,
            secret_key: keys.secret_access_key.expose_secret().to_owned(),
            token: keys.session_token.map(|token| token.expose_secret().to_owned()),
        });
        *current = Some((Arc::clone(&credential), keys.expiration));
        Ok(credential)
    }
}

#[async_trait]
impl CredentialProvider for Given {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.at(Timestamp::now()).await.map_err(|fault| object_store::Error::Unauthenticated {
            path: String::new(),
            source: Box::new(fault),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Counted(AtomicUsize);

    #[async_trait]
    impl KeySource for Counted {
        async fn keys(&self) -> Result<GivenKeys, NoKeys> {
            let asked = self.0.fetch_add(1, Ordering::Relaxed);
            Ok(GivenKeys {
                access_key_id: format!("key-{asked}"),
                secret_access_key: "canary".into(),
                session_token: None,
                expiration: "2026-11-22T16:00:00Z".parse().ok(),
            })
        }
    }

    #[tokio::test]
    async fn keys_are_kept_until_shortly_before_their_end() {
        let given = Given::new(Arc::new(Counted::default()));
        for (now, key) in [
            ("2026-11-22T15:00:00Z", "key-0"),
            ("2026-11-22T15:54:00Z", "key-0"),
            ("2026-11-22T15:55:00Z", "key-1"),
        ] {
            let credential = given.at(now.parse().expect(now)).await.expect("keys");
            assert_eq!(credential.key_id, key, "at {now}");
        }
    }
}
