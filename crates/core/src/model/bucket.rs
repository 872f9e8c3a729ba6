//! Where reports lie in S3: bucket names and key prefixes.

use serde::{Deserialize, Serialize};

use super::{
    checked_text::checked_text,
    form::{Form, must, never},
};

/// The form of a bucket's name.
pub const BUCKET_NAME: Form = Form {
    longest: 63,
    rules: &[
        must(
            "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
            "it takes a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens, the first and the last a letter or digit",
        ),
        never("[.][.]", "a bucket name has no two dots in a row"),
        never("^[0-9]+([.][0-9]+){3}$", "a bucket name is not an IP address"),
    ],
};

/// The form of a report's prefix.
pub const KEY_PREFIX: Form = Form {
    longest: 256,
    rules: &[
        must("^[A-Za-z0-9!_.*'()/-]*$", "a report prefix takes A-Z a-z 0-9 ! - _ . * ' ( ) and /"),
        never(
            "^/",
            "a report prefix does not start with /: give it byte for byte as the report definition has it",
        ),
        never(
            "(^|/)[.][.](/|$)",
            "a report prefix has no .. in it: give it byte for byte as the report definition has it",
        ),
    ],
};

/// An S3 bucket name: 3–63 of `a-z 0-9 . -`, starting and ending with a letter or digit.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketName(String);

/// The text is not an S3 bucket name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an S3 bucket name: {1}")]
pub struct InvalidBucketName(String, String);

checked_text!(BucketName, InvalidBucketName, BUCKET_NAME, 80);

/// The S3 prefix of a report, byte for byte as AWS was told it; may be empty.
///
/// AWS builds keys as `prefix + "/" + …` and does not tidy them, so `a/` gives `a//…`: never normalise.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyPrefix(String);

/// The text is not a report prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a report prefix: {1}")]
pub struct InvalidKeyPrefix(String, String);

checked_text!(KeyPrefix, InvalidKeyPrefix, KEY_PREFIX, 120);

impl KeyPrefix {
    /// The key of `rest` under this prefix.
    pub fn join(&self, rest: &str) -> String {
        if self.0.is_empty() { rest.to_owned() } else { format!("{}/{rest}", self.0) }
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
        for bad in ["ab", "Acme", "-abc", "abc-", "a..b", "a_b", "acme/billing", "10.0.0.1", &"a".repeat(64)]
        {
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
