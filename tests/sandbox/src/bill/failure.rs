//! What can stop a bill from being written.

/// Why [`write`](super::write) gave up. Nothing after the failing object has been put.
#[derive(Debug, thiserror::Error)]
pub enum BillFailure {
    /// A field of the specification cannot be used; the message says what would do.
    #[error("bill specification: {field} {problem}")]
    Spec {
        /// The field, as it is spelled in YAML.
        field: &'static str,
        /// What is wrong with it and what is expected.
        problem: String,
    },
    /// The sink refused an object.
    #[error("bill object {key} could not be stored: {source}")]
    Sink {
        /// The object's key.
        key: String,
        /// The sink's reason.
        source: std::io::Error,
    },
    /// Compressing into memory failed.
    #[error("bill file {key} could not be compressed: {source}")]
    Compression {
        /// The key of the file that was being written.
        key: String,
        /// The compressor's reason.
        source: std::io::Error,
    },
    /// The Parquet encoder refused what it was given.
    #[error("bill file {key} could not be encoded as Parquet: {source}")]
    Parquet {
        /// The key of the file that was being written.
        key: String,
        /// The encoder's reason.
        source: parquet::errors::ParquetError,
    },
    /// Columns did not form a record batch.
    #[error("bill file {key} has columns that do not fit together: {source}")]
    Columns {
        /// The key of the file that was being written.
        key: String,
        /// Arrow's reason.
        source: arrow::error::ArrowError,
    },
}

impl BillFailure {
    pub(super) fn spec(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Spec { field, problem: problem.into() }
    }
}
