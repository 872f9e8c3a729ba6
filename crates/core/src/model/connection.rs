//! The key under which a connection's rows stand in a warehouse.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{AccountId, checked_text::checked_text};

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

checked_text!(ConnectionKey, InvalidConnectionKey);

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
