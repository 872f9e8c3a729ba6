//! Where reports lie in S3: bucket names and key prefixes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An S3 bucket name: 3–63 of `a-z 0-9 . -`, starting and ending with a letter or digit.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketName(String);

/// The text is not an S3 bucket name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an S3 bucket name: 3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends"
)]
pub struct InvalidBucketName(String);

impl BucketName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BucketName {
    type Err = InvalidBucketName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let edge =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bytes = text.as_bytes();
        let ok = (3..=63).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(byte))
            && edge(bytes.first())
            && edge(bytes.last())
            && !text.contains("..");
        if ok { Ok(Self(text.to_owned())) } else { Err(InvalidBucketName(text.chars().take(80).collect())) }
    }
}

impl TryFrom<String> for BucketName {
    type Error = InvalidBucketName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BucketName> for String {
    fn from(name: BucketName) -> Self {
        name.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The S3 prefix of a report, byte for byte as AWS was told it; may be empty.
///
/// AWS builds keys as `prefix + "/" + …` and does not tidy them, so `a/` gives `a//…`: never normalise.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyPrefix(String);

/// The text is not a report prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a report prefix: at most 256 of A-Z a-z 0-9 ! - _ . * ' ( ) /, with no `..` and no leading `/`"
)]
pub struct InvalidKeyPrefix(String);

impl KeyPrefix {
    /// The prefix; empty for the bucket's root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of `rest` under this prefix.
    pub fn join(&self, rest: &str) -> String {
        if self.0.is_empty() { rest.to_owned() } else { format!("{}/{rest}", self.0) }
    }
}

impl FromStr for KeyPrefix {
    type Err = InvalidKeyPrefix;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ok = text.len() <= 256
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!-_.*'()/".contains(&byte))
            && !text.starts_with('/')
            && !text.split('/').any(|part| part == "..");
        if ok { Ok(Self(text.to_owned())) } else { Err(InvalidKeyPrefix(text.chars().take(120).collect())) }
    }
}

impl TryFrom<String> for KeyPrefix {
    type Error = InvalidKeyPrefix;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<KeyPrefix> for String {
    fn from(prefix: KeyPrefix) -> Self {
        prefix.0
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names() {
        for good in ["abc", "acme-billing", "a.b.c", "0-0"] {
            assert!(good.parse::<BucketName>().is_ok(), "{good}");
        }
        for bad in ["ab", "Acme", "-abc", "abc-", "a..b", "a_b", "acme/billing", &"a".repeat(64)] {
            assert!(bad.parse::<BucketName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn prefixes_join_without_tidying() {
        let join = |prefix: &str| prefix.parse::<KeyPrefix>().expect(prefix).join("report/x");
        assert_eq!(join(""), "report/x");
        assert_eq!(join("a/b"), "a/b/report/x");
        assert_eq!(join("a/"), "a//report/x");
        for bad in ["/a", "a/../b", "..", "a b", "ü"] {
            assert!(bad.parse::<KeyPrefix>().is_err(), "{bad}");
        }
    }
}
