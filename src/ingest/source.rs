//! Where a version's files are read from. What is read is pinned to the ETag it was listed with.

use std::{io::Read, ops::Range};

use bytes::Bytes;

/// One data file of a version. Blocking: used on worker threads, never on the async runtime.
pub trait SourceFile: Send + Sync {
    /// Its key, as the manifest lists it: what errors name.
    fn key(&self) -> &str;

    /// Its size in bytes, as listed.
    fn size(&self) -> u64;

    /// Reads it from its start, in order.
    fn open(&self) -> Result<Box<dyn Read + Send>, SourceFault>;

    /// Reads one range of it, which lies within its size.
    fn read_range(&self, range: Range<u64>) -> Result<Bytes, SourceFault>;
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
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
