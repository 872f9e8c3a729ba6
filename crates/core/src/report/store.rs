//! The little that reading a report needs of S3, so that a folder or a test can stand in for it.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::model::Reason;

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key, byte for byte.
    pub key: String,
    /// Opaque; changes whenever the content does.
    pub etag: String,
    /// The size in bytes.
    pub size: u64,
    /// When it was put; `None` where the store's times mean nothing, as in a folder that was copied.
    pub last_modified: Option<Timestamp>,
    /// The time of a file in a folder: a hint, since a copy may keep it or not. It orders nothing.
    pub file_time: Option<Timestamp>,
}

/// What lies directly under a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreListing {
    /// Objects, in the order of their keys.
    pub objects: Vec<ListedObject>,
    /// Folders, as whole keys with the slash at the end (S3's common prefixes for the delimiter `/`).
    pub folders: Vec<String>,
}

/// An object that was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreObject {
    /// The whole content of the object.
    pub bytes: Bytes,
    /// As in [`ListedObject::etag`].
    pub etag: String,
    /// As in [`ListedObject::last_modified`].
    pub last_modified: Option<Timestamp>,
    /// As in [`ListedObject::file_time`].
    pub file_time: Option<Timestamp>,
}

/// Reads a bucket, or what is laid out like one.
#[async_trait]
pub trait ReportStore: Send + Sync {
    /// Lists what lies directly under a prefix that ends with a slash, all pages of it. Never goes deeper: a bucket
    /// may hold years of versions.
    async fn list(&self, prefix: &str) -> Result<StoreListing, StoreFault>;

    /// Reads a small object; `None` if there is none. One of more than `limit` bytes is refused unread.
    async fn get(&self, key: &str, limit: u64) -> Result<Option<StoreObject>, StoreFault>;
}

/// Why a store could not be read. The text is ours, never the store's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// Only a change of configuration or permissions helps.
    #[error("{problem}")]
    Refused {
        /// The condition reason it stands for.
        reason: Reason,
        /// What is wrong and how to fix it.
        problem: String,
    },
    /// A fault that may go away by itself.
    #[error("{problem}")]
    Transient {
        /// The condition reason it stands for.
        reason: Reason,
        /// What failed, as a sentence without a period.
        problem: String,
    },
    /// The object is larger than its kind ever is.
    #[error("{key} has {size} bytes; at most {limit} are read")]
    TooLarge {
        /// The key of the object.
        key: String,
        /// The object's size in bytes.
        size: u64,
        /// The most bytes that are read.
        limit: u64,
    },
}
