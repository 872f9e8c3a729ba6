//! Where a version's files are read from. What is read is pinned to the ETag it was listed with.

use std::{io::Read, ops::Range, sync::Arc};

use bytes::Bytes;

use super::{DeliveredFile, ReportStore};

/// A place with reports: it lists, reads manifests, and opens data files.
pub trait BillSource: ReportStore {
    /// The data file as it was listed; nothing is read yet.
    fn file(&self, listed: &DeliveredFile) -> Arc<dyn SourceFile>;
}

/// One data file of a version. Blocking: used on worker threads, never on the async runtime.
pub trait SourceFile: Send + Sync {
    /// Its key, as the manifest lists it: what errors name.
    fn key(&self) -> &str;

    /// Its size in bytes, as listed.
    fn size(&self) -> u64;

    /// Reads it from its start, in order. A fault on the way is an [`std::io::Error`] with a [`SourceFault`] in it.
    fn open(&self) -> Result<Box<dyn Read + Send>, SourceFault>;

    /// Reads one range of it, which lies within its size.
    fn read_range(&self, range: Range<u64>) -> Result<Bytes, SourceFault>;
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// It was replaced or removed since it was listed: start over from the manifest.
    #[error("{key} changed while it was read: a delivery is under way")]
    Changed {
        /// The file's key.
        key: String,
    },
    /// Reading is refused; a change of permissions is needed.
    #[error("reading {key} is refused: {problem}")]
    Denied {
        /// The file's key.
        key: String,
        /// Our sentence on the cause.
        problem: String,
    },
    /// A passing fault.
    #[error("failed to read {key}: {problem}")]
    Transient {
        /// The file's key.
        key: String,
        /// The cause in short.
        problem: String,
    },
}

impl From<SourceFault> for std::io::Error {
    fn from(fault: SourceFault) -> Self {
        Self::other(fault)
    }
}
