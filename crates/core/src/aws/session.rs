//! Temporary credentials of an assumed role, and the file in which a Job gets them.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// A role session. Its keys show in no form of output; they leave through [`Session::to_file`] only.
#[derive(Clone)]
pub struct Session {
    /// The temporary key's id.
    pub access_key_id: String,
    /// The temporary secret key.
    pub secret_access_key: SecretString,
    /// The token that goes with the key. Its length is not bounded by AWS.
    pub session_token: SecretString,
    /// When AWS stops accepting it.
    pub expiration: Timestamp,
}

/// The bytes are not a session file. What they hold is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a session file: it takes a JSON object with accessKeyId, secretAccessKey, sessionToken and expiration"
)]
pub struct InvalidSessionFile;

/// The JSON of a session file, as the operator writes it into a Secret.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SessionFile {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: Timestamp,
}

impl Session {
    /// The JSON a Job mounts: keys and expiry in one value, so that a reader never sees half of a renewal.
    pub fn to_file(&self) -> SecretString {
        let file = SessionFile {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.expose_secret().to_owned(),
            session_token: self.session_token.expose_secret().to_owned(),
            expiration: self.expiration,
        };
        SecretString::from(serde_json::to_string(&file).expect("four strings serialise"))
    }

    /// Reads what [`Session::to_file`] wrote.
    ///
    /// # Errors
    /// [`InvalidSessionFile`] for anything else.
    pub fn from_file(bytes: &[u8]) -> Result<Self, InvalidSessionFile> {
        let file: SessionFile = serde_json::from_slice(bytes).map_err(|_| InvalidSessionFile)?;
        Ok(Self {
            access_key_id: file.access_key_id,
            secret_access_key: SecretString::from(file.secret_access_key),
            session_token: SecretString::from(file.session_token),
            expiration: file.expiration,
        })
    }

    /// True if at least `margin` of its life is left at `now`.
    pub fn lasts(&self, margin: jiff::SignedDuration, now: Timestamp) -> bool {
        self.expiration.duration_since(now) >= margin
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session(redacted, until {})", self.expiration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            access_key_id: "ASIACANARY".to_owned(),
            secret_access_key: SecretString::from("canary/secret"),
            session_token: SecretString::from("canary/token"),
            expiration: "2026-11-22T16:00:00Z".parse().expect("a time"),
        }
    }

    #[test]
    fn the_file_reads_back() {
        let file = session().to_file();
        let read = Session::from_file(file.expose_secret().as_bytes()).expect("our own file");
        assert_eq!(read.session_token.expose_secret(), "canary/token");
        assert_eq!(read.expiration, session().expiration);
    }

    #[test]
    fn debug_and_errors_show_no_key() {
        let shown = format!("{:?}", session()).to_lowercase();
        assert!(!shown.contains("canary"), "{shown}");
        let refused = Session::from_file(br#"{"accessKeyId":"canary"}"#).expect_err("half a file");
        assert!(!format!("{refused} {refused:?}").contains("canary"));
    }

    #[test]
    fn a_session_lasts_until_its_margin() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let margin = jiff::SignedDuration::from_mins(30);
        assert!(session().lasts(margin, at("2026-11-22T15:30:00Z")));
        assert!(!session().lasts(margin, at("2026-11-22T15:30:01Z")));
    }
}
