//! Why a file could not be decoded: each with the file, and the row and column where there is one.

use std::fmt;

use crate::{ingest::verify::VerifyFault, model::InvalidAmount, report::SourceFault};

/// Why [`decode_file`](super::decode_file) stopped.
#[derive(Debug, thiserror::Error)]
pub enum Stopped<E> {
    /// The file can't be decoded, or can't be read.
    #[error(transparent)]
    Decode(DecodeFault),
    /// The sink refused a batch.
    #[error("the sink refused a batch")]
    Sink(E),
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum DecodeFault {
    /// It could not be read.
    #[error(transparent)]
    Source(#[from] SourceFault),
    /// It is packed in another way than the manifest says.
    #[error("{file} is {found}, not {expected}: have the report delivered as {expected}")]
    FormatUnsupported {
        /// The file's key.
        file: String,
        /// What its first bytes look like.
        found: &'static str,
        /// What the manifest says.
        expected: &'static str,
    },
    /// Nothing is in it.
    #[error(
        "{file} is empty: zero bytes, where even a month without rows has a header. The upload or copy was cut off; upload it \
         again"
    )]
    Empty {
        /// The file's key.
        file: String,
    },
    /// Its packing is broken: cut short, or a checksum differs.
    #[error("{file} is damaged: {problem}")]
    Damaged {
        /// The file's key.
        file: String,
        /// What the unpacker met.
        problem: String,
    },
    /// It is larger than a bill can be.
    #[error("{file} passes a limit: {limit}")]
    LimitExceeded {
        /// The file's key.
        file: String,
        /// Which one, with the row where there is one.
        limit: String,
    },
    /// It has no header line.
    #[error("{file} has no header line")]
    HeaderMissing {
        /// The file's key.
        file: String,
    },
    /// Columns without which a bill is none.
    #[error("{file} lacks the columns {}: add them to the report", columns.join(", "))]
    ColumnsMissing {
        /// The file's key.
        file: String,
        /// Their names in the stable table.
        columns: Vec<&'static str>,
    },
    /// Two of its columns are one, and neither can be put elsewhere.
    #[error("{file} has the column {column} twice")]
    ColumnTwice {
        /// The file's key.
        file: String,
        /// Its header.
        column: String,
    },
    /// A record has more or fewer cells than the header.
    #[error("{file}, row {row}: {found} cells where the header has {expected}")]
    RaggedRow {
        /// The file's key.
        file: String,
        /// The record's number; the header is 1.
        row: u64,
        /// Cells of the record.
        found: usize,
        /// Cells of the header.
        expected: usize,
    },
    /// A cell that is not what its column takes.
    #[error("{place}: {value:?} {problem}")]
    BadValue {
        /// Where.
        place: FaultPlace,
        /// The cell, shortened.
        value: String,
        /// What is wrong with it.
        problem: BadValue,
    },
    /// The independent decoder could not follow the file.
    #[error("{file} could not be verified: {fault}")]
    Unverifiable {
        /// The file's key.
        file: String,
        /// What it met.
        fault: VerifyFault,
    },
}

/// A cell of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultPlace {
    /// The file's key.
    pub file: String,
    /// The record's number: a csv file's header is 1, a Parquet file's first row is 1.
    pub row: u64,
    /// The column, as the file spells it.
    pub column: String,
}

impl fmt::Display for FaultPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}, column {}", self.file, self.row, self.column)
    }
}

/// What is wrong with a cell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// No decimal number, or one that does not fit.
    #[error("is refused: {0}")]
    Amount(#[from] InvalidAmount),
    /// No point in time in any of the forms that reports use.
    #[error("is not a time: reports write 2026-10-24T08:00:00Z")]
    Time,
    /// A point in time that neither a table's log nor most of its readers can hold.
    #[error("is outside the years 1 to 9999, which readers of the table can't show")]
    TimeRange,
    /// Not UTF-8.
    #[error("is not UTF-8")]
    Encoding,
    /// A quote where csv allows none.
    #[error("has a quote where csv allows none")]
    Quote,
    /// The column holds maps, and this is none.
    #[error("is not a map: {0}")]
    Map(String),
    /// A Parquet type that can't be read as text.
    #[error("is of the type {0}, which can't be read")]
    Type(String),
}

/// A cell's text as errors show it: at most 60 characters.
pub(in crate::ingest) fn shortened(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(&value[..value.len().min(240)]);
    let mut short: String = text.chars().take(60).collect();
    if short.len() < value.len() && text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}
