//! Where costs land: a trait in our words, and the rules every backend keeps.
//!
//! A billing period of a connection is replaced whole, with its ledger row, in one commit. Readers see
//! the old version or the new one: never a mix, never one twice, never nothing. `warehouse/conformance.rs`
//! is the suite that every backend passes.

pub mod ledger;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use crate::model::{BillingPeriod, ConnectionKey};
use ledger::{Decision, LedgerRow, Ordering};

/// What is replaced as one: a billing period of a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// Whose bill.
    pub connection: ConnectionKey,
    /// Which month.
    pub period: BillingPeriod,
}

/// Why a warehouse could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseFault {
    /// Location, options or credentials are wrong; the text says which field and how to mend it.
    #[error("{0}")]
    Configuration(String),
    /// A table is there with another schema, or is none of ours.
    #[error("the table at {location} is not one of awscost's: {problem}")]
    SchemaIncompatible {
        /// The table's address, without credentials.
        location: String,
        /// What differs.
        problem: String,
    },
    /// The store lets two writers create one key, so no commit on it is safe.
    #[error(
        "the store at {location} lets two writers create the same object, so commits on it would not be safe: use one that honours If-None-Match"
    )]
    UnsafeStore {
        /// The table's address, without credentials.
        location: String,
    },
    /// A passing fault of the store.
    #[error("failed to {action}: {cause}")]
    Transient {
        /// What was being done, in words.
        action: String,
        /// The cause in short; never a credential.
        cause: String,
    },
    /// Other writers committed first, again and again.
    #[error("other writers committed first {attempts} times in a row; try again")]
    Contended {
        /// How many commits lost.
        attempts: u32,
    },
    /// What was read back is not what was written.
    #[error("the warehouse gave back something else than was written: {0}")]
    Corrupt(String),
}

/// A tag key as the source spelled it, and the name it goes by in the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagKey {
    /// As in the source, with its prefix: `user:Owner`.
    pub original: String,
    /// The folded name: `user_owner`.
    pub folded: String,
    /// Rows on which it shared its folded name with another key and the values differed.
    pub collisions: u64,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// The new version is visible; the table version, where the backend counts them.
    Replaced {
        /// The table's version after the commit.
        table_version: Option<u64>,
    },
    /// The rules of the ledger said no; nothing changed.
    Refused(Decision),
}

/// A place that holds costs.
#[async_trait]
pub trait Warehouse: Send + Sync {
    /// Creates the tables where they are missing, and checks their schema where they are there.
    async fn prepare(&self) -> Result<(), WarehouseFault>;

    /// The ledger rows of one connection, or of all, ordered by connection and period.
    async fn ledger(&self, connection: Option<&ConnectionKey>) -> Result<Vec<LedgerRow>, WarehouseFault>;

    /// Opens a stage for one slot. What is staged is invisible to readers until the commit.
    async fn begin(&self, slot: &Slot) -> Result<Box<dyn Stage>, WarehouseFault>;

    /// Removes all rows and ledger rows of a connection in one commit; the number of periods removed.
    async fn purge(&self, connection: &ConnectionKey) -> Result<u64, WarehouseFault>;

    /// Removes what readers no longer see: files of replaced versions and of abandoned stages, past their age.
    async fn maintain(&self, now: jiff::Timestamp) -> Result<(), WarehouseFault>;

    /// Writes, commits, reads and removes a canary, and proves that the store is safe for commits.
    async fn probe(&self) -> Result<(), WarehouseFault>;
}

/// One load's private place before the commit.
#[async_trait]
pub trait Stage: Send + Sync {
    /// Opens a writer for rows that come from the source file with this index (0-based in the manifest's order).
    ///
    /// Several parts may be open at once, each on its own thread; one source file may have several parts.
    fn part(&self, source_file: usize) -> Result<Box<dyn PartWriter>, WarehouseFault>;

    /// Writes the tag keys of this version, as they stood in the source; before the commit, keyed by version.
    async fn tag_keys(&self, keys: &[TagKey]) -> Result<(), WarehouseFault>;

    /// Reads back what was staged, part by part, as a reader of the table would see it: the batch and the
    /// index of its source file. Only the named columns. Every part must be finished.
    async fn read_back(
        &self,
        columns: &[&str],
        visit: &mut (dyn FnMut(usize, &RecordBatch) -> Result<(), WarehouseFault> + Send),
    ) -> Result<(), WarehouseFault>;

    /// Replaces the slot by what was staged, together with the ledger row, in one commit.
    ///
    /// Asks [`ledger::decide`] under the commit's own snapshot, and again after every lost race. After any
    /// error it reads first: a ledger row with this run's id means that the commit had worked.
    async fn commit(self: Box<Self>, row: LedgerRow, ordering: Ordering)
    -> Result<Committed, WarehouseFault>;

    /// Throws the stage away.
    async fn abort(self: Box<Self>) -> Result<(), WarehouseFault>;
}

/// Writes rows of one source file. Blocking: called on worker threads, never on the async runtime.
pub trait PartWriter: Send {
    /// Appends rows in the shape of [`crate::schema::DATA_SCHEMA`].
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WarehouseFault>;

    /// Makes the part durable.
    fn finish(self: Box<Self>) -> Result<(), WarehouseFault>;
}
