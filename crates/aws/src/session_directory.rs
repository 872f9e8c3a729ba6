//! The credentials of a Job: a session in a mounted directory, which the operator renews while the Job runs.
//!
//! Nothing else is ever asked: a Job has no default credential chain for its source.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError, future},
};
use jiff::{SignedDuration, Timestamp};

use super::{Session, client_config::sdk_credentials};

/// The file's name in the directory.
const FILE: &str = "session.json";
/// A session with less life than this is looked up again, for the operator may have renewed it.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);
/// How long a renewal is waited for once AWS calls the session expired.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How often the file is looked at while waiting: a kubelet's swap of a mounted Secret can't be awaited otherwise.
const LOOK: Duration = Duration::from_secs(2);

/// Reads the mounted session, again when it nears its end.
#[derive(Clone)]
pub struct SessionDirectory {
    file: PathBuf,
    current: Arc<Mutex<Option<Session>>>,
    patience: Duration,
}

/// Why there is no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} {problem}")]
pub struct SessionUnavailable {
    file: String,
    problem: &'static str,
}

/// Names one session, to tell a renewed one from it. Shows nothing of its keys.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SessionStamp {
    key: String,
    expiration: Timestamp,
}

impl SessionDirectory {
    /// The session in this directory; nothing is read yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { file: directory.into().join(FILE), current: Arc::default(), patience: PATIENCE }
    }

    /// Reads the file now.
    ///
    /// # Errors
    /// [`SessionUnavailable`] if it is not there or is no session.
    pub fn read(&self) -> Result<Session, SessionUnavailable> {
        let refuse = |problem| SessionUnavailable { file: self.file.display().to_string(), problem };
        // The kubelet swaps a mounted Secret by a symlink, so a read sees the old file or the new one, never
        // a part of each.
        let bytes = std::fs::read(&self.file).map_err(|_| refuse("can't be read"))?;
        Session::from_file(&bytes).map_err(|_| refuse("holds no session"))
    }

    /// The session to sign with at `now`.
    fn read_session(&self, now: Timestamp) -> Result<Session, SessionUnavailable> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = current.as_ref().filter(|session| session.lasts(MARGIN, now)) {
            return Ok(session.clone());
        }
        match (self.read(), current.as_ref()) {
            (Ok(session), _) => Ok(current.insert(session).clone()),
            // What is known may have some minutes left.
            (Err(_), Some(known)) => Ok(known.clone()),
            (Err(fault), None) => Err(fault),
        }
    }

    /// The session that is signed with at present.
    pub(super) fn stamp(&self) -> Option<SessionStamp> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(stamp_of)
    }

    /// Waits until the file holds another session than the one AWS called expired; false if it never does.
    pub(super) async fn renewed(&self, expired: Option<&SessionStamp>) -> bool {
        let renewal = async {
            let mut ticks = tokio::time::interval(LOOK);
            loop {
                ticks.tick().await;
                if let Ok(session) = self.read()
                    && Some(&stamp_of(&session)) != expired
                {
                    // Only a file with another session counts: until the kubelet has swapped it, the expired
                    // one is still there.
                    *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
                    return;
                }
            }
        };
        tokio::time::timeout(self.patience, renewal).await.is_ok()
    }
}

fn stamp_of(session: &Session) -> SessionStamp {
    SessionStamp { key: session.access_key_id.clone(), expiration: session.expiration }
}

impl fmt::Debug for SessionDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionDirectory({})", self.file.display())
    }
}

impl ProvideCredentials for SessionDirectory {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let provided: Result<Credentials, _> = self
            .read_session(Timestamp::now())
            .map(|session| sdk_credentials(&session))
            .map_err(CredentialsError::not_loaded);
        future::ProvideCredentials::ready(provided)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret, SecretString};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn put(place: &tempfile::TempDir, key: &str, expiration: &str) {
        let session = Session {
            access_key_id: key.to_owned(),
            secret_access_key: SecretString::from("canary"),
            session_token: SecretString::from("canary"),
            expiration: at(expiration),
        };
        std::fs::write(place.path().join(FILE), session.to_file().expose_secret()).expect("written");
    }

    #[test]
    fn the_file_is_read_again_ten_minutes_before_the_end() {
        let place = tempfile::tempdir().expect("a folder");
        let directory = SessionDirectory::new(place.path());
        let key = |now| directory.read_session(at(now)).map(|session| session.access_key_id);
        assert!(key("2026-11-22T15:00:00Z").is_err());
        put(&place, "one", "2026-11-22T16:00:00Z");
        assert_eq!(key("2026-11-22T15:00:00Z").as_deref(), Ok("one"));
        put(&place, "two", "2026-11-22T17:00:00Z");
        assert_eq!(key("2026-11-22T15:50:00Z").as_deref(), Ok("one"));
        assert_eq!(key("2026-11-22T15:50:01Z").as_deref(), Ok("two"));
        std::fs::remove_file(place.path().join(FILE)).expect("removed");
        assert_eq!(key("2026-11-22T16:59:00Z").as_deref(), Ok("two"), "what is known is kept");
    }

    #[tokio::test]
    async fn a_renewal_is_awaited_and_the_wait_has_an_end() {
        let place = tempfile::tempdir().expect("a folder");
        put(&place, "one", "2026-11-22T16:00:00Z");
        let patience = Duration::from_millis(50);
        let directory = SessionDirectory { patience, ..SessionDirectory::new(place.path()) };
        directory.read_session(at("2026-11-22T15:00:00Z")).expect("a session");
        let expired = directory.stamp();
        assert!(!directory.renewed(expired.as_ref()).await);
        put(&place, "one", "2026-11-22T17:00:00Z");
        assert!(directory.renewed(expired.as_ref()).await);
        assert!(directory.stamp() != expired);
    }

    #[test]
    fn debug_and_errors_show_no_key() {
        let place = tempfile::tempdir().expect("a folder");
        std::fs::write(place.path().join(FILE), "canary").expect("written");
        let directory = SessionDirectory::new(place.path());
        let refused = directory.read().expect_err("no session");
        assert!(!format!("{directory:?} {refused} {refused:?}").contains("canary"));
    }
}
