//! The address of a source: `s3://BUCKET/PREFIX` or `file:///DIR`.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::model::{BucketName, InvalidBucketName, InvalidKeyPrefix, KeyPrefix};
use crate::report::ReportAnchor;

/// Where reports lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceLocation {
    /// A bucket and the prefix that AWS was told, byte for byte.
    S3 {
        /// The bucket.
        bucket: BucketName,
        /// The prefix; may be empty.
        prefix: KeyPrefix,
    },
    /// A folder laid out as a bucket is from the prefix on.
    Folder(PathBuf),
}

/// The text is no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLocation {
    /// Neither scheme.
    #[error("{0:?} is not a source: it looks like s3://BUCKET/PREFIX or file:///DIR")]
    Scheme(String),
    /// `file://` with a host or a relative path.
    #[error("{0:?} is not an absolute folder: it takes three slashes, as in file:///data/bills")]
    NotAbsolute(String),
    /// The bucket's name.
    #[error(transparent)]
    Bucket(#[from] InvalidBucketName),
    /// The prefix.
    #[error(transparent)]
    Prefix(#[from] InvalidKeyPrefix),
}

impl SourceLocation {
    /// What the keys of its reports are relative to.
    pub fn anchor(&self) -> ReportAnchor {
        match self {
            Self::S3 { bucket, .. } => ReportAnchor::Bucket(bucket.clone()),
            Self::Folder(_) => ReportAnchor::Folder,
        }
    }

    /// The prefix of its reports; a folder begins behind it.
    pub fn prefix(&self) -> KeyPrefix {
        match self {
            Self::S3 { prefix, .. } => prefix.clone(),
            Self::Folder(_) => KeyPrefix::default(),
        }
    }
}

impl FromStr for SourceLocation {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            return Ok(Self::S3 { bucket: bucket.parse()?, prefix: prefix.parse()? });
        }
        match text.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => {
                // Components leave out doubled and closing slashes, so one folder has one address in the ledger.
                Ok(Self::Folder(PathBuf::from(path).components().collect()))
            }
            Some(_) => Err(InvalidLocation::NotAbsolute(text.chars().take(200).collect())),
            None => Err(InvalidLocation::Scheme(text.chars().take(200).collect())),
        }
    }
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix } if prefix.as_str().is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Folder(path) => write!(f, "file://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_print_as_they_are_stored() {
        for (text, stored) in [
            ("s3://acme-billing", "s3://acme-billing"),
            ("s3://acme-billing/", "s3://acme-billing"),
            ("s3://acme-billing/cur/a", "s3://acme-billing/cur/a"),
            ("s3://acme-billing/cur/", "s3://acme-billing/cur/"),
            ("file:///data//bills/", "file:///data/bills"),
            ("file:///", "file:///"),
        ] {
            assert_eq!(
                text.parse::<SourceLocation>().map(|parsed| parsed.to_string()),
                Ok(stored.to_owned())
            );
        }
        for bad in ["", "acme-billing", "http://x/y", "s3://A/x", "s3://abc/../x", "file://data", "file:data"]
        {
            assert!(bad.parse::<SourceLocation>().is_err(), "{bad}");
        }
    }
}
