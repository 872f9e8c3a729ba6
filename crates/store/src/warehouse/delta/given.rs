//! Keys that somebody else gives: a source in our words, and object_store's view of it.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use object_store::{CredentialProvider, aws::AwsCredential};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

/// Keys with less life than this are asked for again.
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
    /// When they are to be asked for again though they have not ended, as whoever rotates them tells nobody; never if absent.
    pub look_again: Option<Timestamp>,
}

/// There are no keys, and why, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoKeys(pub String);

/// Keeps the keys until shortly before their end, or until they are to be looked at again.
#[derive(Debug)]
pub(super) struct Given {
    source: Arc<dyn KeySource>,
    current: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    credential: Arc<AwsCredential>,
    expiration: Option<Timestamp>,
    look_again: Option<Timestamp>,
}

impl Kept {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.expiration.is_none_or(|end| end.duration_since(now) > MARGIN)
            && self.look_again.is_none_or(|time| now < time)
    }

    fn lasts(&self, now: Timestamp) -> bool {
        self.expiration.is_none_or(|end| now < end)
    }
}

impl Given {
    pub(super) fn new(source: Arc<dyn KeySource>) -> Self {
        Self { source, current: Mutex::default() }
    }

    async fn at(&self, now: Timestamp) -> Result<Arc<AwsCredential>, NoKeys> {
        // Held over the question, so that a hundred requests ask once.
        let mut current = self.current.lock().await;
        if let Some(kept) = current.as_ref().filter(|kept| kept.is_fresh(now)) {
            return Ok(Arc::clone(&kept.credential));
        }
        let keys = match (self.source.keys().await, current.as_ref()) {
            (Ok(keys), _) => keys,
            // What is known may have some time left.
            (Err(fault), Some(kept)) if kept.lasts(now) => {
                tracing::debug!(%fault, "the warehouse's keys could not be read again");
                return Ok(Arc::clone(&kept.credential));
            }
            (Err(fault), _) => return Err(fault),
        };
        let credential = Arc::new(AwsCredential {
            key_id: keys.access_key_id,
            secret_key: keys.secret_access_key.expose_secret().to_owned(),
            token: keys.session_token.map(|token| token.expose_secret().to_owned()),
        });
        *current = Some(Kept {
            credential: Arc::clone(&credential),
            expiration: keys.expiration,
            look_again: keys.look_again,
        });
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
    use std::sync::Mutex;

    use super::*;

    /// Gives the keys it has at the time; none at all after they are taken away.
    #[derive(Debug)]
    struct Changing(Mutex<Option<GivenKeys>>);

    #[async_trait]
    impl KeySource for Changing {
        async fn keys(&self) -> Result<GivenKeys, NoKeys> {
            let keys = self.0.lock().expect("no test panics with it").clone();
            keys.ok_or_else(|| NoKeys("there are none".to_owned()))
        }
    }

    fn keys(id: &str, expiration: Option<&str>, look_again: Option<&str>) -> GivenKeys {
        let at = |text: &str| text.parse().expect("a time");
        GivenKeys {
            access_key_id: id.to_owned(),
            secret_access_key: "canary".into(),
            session_token: None,
            expiration: expiration.map(at),
            look_again: look_again.map(at),
        }
    }

    fn changing(first: GivenKeys) -> (Arc<Changing>, Given) {
        let source = Arc::new(Changing(Mutex::new(Some(first))));
        (Arc::clone(&source), Given::new(source))
    }

    async fn key_at(given: &Given, now: &str) -> Result<String, NoKeys> {
        given.at(now.parse().expect(now)).await.map(|credential| credential.key_id.clone())
    }

    #[tokio::test]
    async fn keys_are_kept_until_shortly_before_their_end() {
        let end = Some("2026-11-22T16:00:00Z");
        let (source, given) = changing(keys("one", end, None));
        assert_eq!(key_at(&given, "2026-11-22T15:00:00Z").await.as_deref(), Ok("one"));
        *source.0.lock().expect("unlocked") = Some(keys("two", end, None));
        assert_eq!(key_at(&given, "2026-11-22T15:54:00Z").await.as_deref(), Ok("one"));
        assert_eq!(key_at(&given, "2026-11-22T15:55:00Z").await.as_deref(), Ok("two"));
        *source.0.lock().expect("unlocked") = None;
        assert_eq!(key_at(&given, "2026-11-22T15:59:59Z").await.as_deref(), Ok("two"), "they still work");
        assert!(key_at(&given, "2026-11-22T16:00:00Z").await.is_err(), "they do no more");
    }

    #[tokio::test]
    async fn keys_of_which_nobody_knows_the_end_are_looked_at_again() {
        let (source, given) = changing(keys("one", None, Some("2026-11-22T15:01:00Z")));
        assert_eq!(key_at(&given, "2026-11-22T15:00:00Z").await.as_deref(), Ok("one"));
        *source.0.lock().expect("unlocked") = Some(keys("two", None, Some("2026-11-22T15:02:00Z")));
        assert_eq!(key_at(&given, "2026-11-22T15:00:59Z").await.as_deref(), Ok("one"));
        assert_eq!(key_at(&given, "2026-11-22T15:01:00Z").await.as_deref(), Ok("two"));
        *source.0.lock().expect("unlocked") = None;
        assert_eq!(key_at(&given, "2026-11-22T15:09:00Z").await.as_deref(), Ok("two"), "they may work still");
    }
}
