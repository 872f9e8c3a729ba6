//! External IDs: not secret to AWS, but treated as if they were, so they appear nowhere.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// The external ID of a role's trust policy. Redacted in every form of output.
#[derive(Clone)]
pub struct ExternalId(SecretString);

/// The text is not an external ID. The text itself is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExternalId {
    /// Empty.
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
}
