//! External IDs and access keys: redacted in every form of output. (An external ID is no secret to AWS, but is treated
//! as if it were.)

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// The external ID of a role's trust policy. Redacted in every form of output.
#[derive(Clone)]
pub struct ExternalId(SecretString);

/// The text is not an external ID. The text itself is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExternalId {
    /// The Secret's key has no content.
    #[error("it is empty")]
    Empty,
    /// Leading or trailing white space, most often the newline of `echo` or an editor.
    #[error("it starts or ends with white space; create the Secret without the line end (printf, not echo)")]
    Whitespace,
    /// Not 2–1224 of `[A-Za-z0-9_+=,.@:/-]`.
    #[error("it takes 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -")]
    Characters,
}

impl ExternalId {
    /// Parses what a Secret holds, byte for byte.
    ///
    /// # Errors
    /// [`InvalidExternalId`] by STS's own rule: `[\w+=,.@:\/-]{2,1224}` (STS model, 2011-06-15).
    pub fn parse(text: &[u8]) -> Result<Self, InvalidExternalId> {
        if text.is_empty() {
            return Err(InvalidExternalId::Empty);
        }
        if text.first().is_some_and(u8::is_ascii_whitespace)
            || text.last().is_some_and(u8::is_ascii_whitespace)
        {
            return Err(InvalidExternalId::Whitespace);
        }
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(byte);
        if !(2..=1224).contains(&text.len()) || !text.iter().all(allowed) {
            return Err(InvalidExternalId::Characters);
        }
        let text = text.iter().map(|byte| char::from(*byte)).collect::<String>();
        Ok(Self(SecretString::from(text)))
    }

    /// The value, for the one call that sends it to STS (and for keyed hashing).
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(redacted)")
    }
}

/// The long-lived access key of an IAM user. Redacted in every form of output.
#[derive(Clone)]
pub struct AccessKeys {
    id: String,
    secret: SecretString,
}

/// The texts are not an access key. They are never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccessKeys {
    /// Not 16–128 letters and digits.
    #[error("the access key id takes 16 to 128 letters, digits and _")]
    Id,
    /// The id of a session, which ends within hours.
    #[error("the access key id is that of a temporary session (ASIA…): use the key of an IAM user (AKIA…)")]
    Session,
    /// Empty, or with characters no secret key has.
    #[error(
        "the secret access key takes printable characters and no white space; create the Secret without the line end (printf, not echo)"
    )]
    Secret,
}

impl AccessKeys {
    /// Parses what a Secret holds, byte for byte.
    ///
    /// # Errors
    /// [`InvalidAccessKeys`] for an id that STS's own rule (`\w{16,128}`, STS model 2011-06-15) refuses, and a secret that
    /// could not be sent.
    pub fn parse(id: &[u8], secret: &[u8]) -> Result<Self, InvalidAccessKeys> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if !(16..=128).contains(&id.len()) || !id.iter().all(allowed) {
            return Err(InvalidAccessKeys::Id);
        }
        if id.starts_with(b"ASIA") {
            return Err(InvalidAccessKeys::Session);
        }
        if secret.is_empty() || !secret.iter().all(u8::is_ascii_graphic) {
            return Err(InvalidAccessKeys::Secret);
        }
        let text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
        Ok(Self { id: text(id), secret: SecretString::from(text(secret)) })
    }

    /// The id, for the one place that signs with it (and for keyed hashing).
    pub fn expose_id(&self) -> &str {
        &self.id
    }

    /// The secret, for the one place that signs with it.
    pub fn expose_secret(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKeys(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_own_name() {
        let fault = |text: &str| ExternalId::parse(text.as_bytes()).err();
        assert_eq!(fault("9f1c2d3e-aaaa:b/c"), None);
        assert_eq!(fault(""), Some(InvalidExternalId::Empty));
        assert_eq!(fault("abc\n"), Some(InvalidExternalId::Whitespace));
        assert_eq!(fault("a"), Some(InvalidExternalId::Characters));
        assert_eq!(fault("é-id"), Some(InvalidExternalId::Characters));
    }

    #[test]
    fn debug_shows_nothing() {
        let id = ExternalId::parse(b"canary-7d1f").expect("valid");
        assert!(!format!("{id:?}").contains("canary"));
    }

    #[test]
    fn an_access_key_is_told_from_a_session_and_from_a_line_end() {
        let fault = |id: &str, secret: &str| AccessKeys::parse(id.as_bytes(), secret.as_bytes()).err();
        assert_eq!(fault("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG"), None);
        assert_eq!(fault("AKIA", "s"), Some(InvalidAccessKeys::Id));
        assert_eq!(fault("ASIAIOSFODNN7EXAMPLE", "s"), Some(InvalidAccessKeys::Session));
        assert_eq!(fault("AKIAIOSFODNN7EXAMPLE", "s\n"), Some(InvalidAccessKeys::Secret));
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = AccessKeys::parse(b"AKIACANARYCANARY1234", b"canary").expect("valid");
        assert!(!format!("{keys:?}").to_lowercase().contains("canary"));
    }
}
