//! The key under which a connection's rows stand in a warehouse.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::AccountId;

/// Names one bill's owner in the warehouse: the 12-digit account id, or a name given on the command line.
///
/// `[a-z0-9][a-z0-9.-]{0,62}`, so that it needs no escaping as a partition folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionKey(String);

/// The text is not a connection key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a connection key: 1 to 63 of a-z 0-9 . -, starting with a letter or digit")]
pub struct InvalidConnectionKey(String);

impl ConnectionKey {
    /// The key as text, as it is in the table's partition.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&AccountId> for ConnectionKey {
    fn from(account: &AccountId) -> Self {
        Self(account.as_str().to_owned())
    }
}

impl FromStr for ConnectionKey {
    type Err = InvalidConnectionKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let ok = (1..=63).contains(&text.len())
            && text.bytes().all(|byte| plain(byte) || b".-".contains(&byte))
            && text.bytes().next().is_some_and(plain);
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidConnectionKey(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for ConnectionKey {
    type Error = InvalidConnectionKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ConnectionKey> for String {
    fn from(key: ConnectionKey) -> Self {
        key.0
    }
}

impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
