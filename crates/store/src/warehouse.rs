//! Where costs land: a trait in our words, and the rules every backend keeps.
//!
//! A billing period of a connection is replaced whole, with its ledger row, in one commit. Readers see
//! the old version or the new one: never a mix, never one twice, never nothing. `warehouse/tests/conformance.rs`
//! is the suite that every backend passes.

pub mod delta;
pub mod ledger;
mod open;
pub mod survey;
#[cfg(any(test, feature = "testing"))]
mod tests;

use std::time::Duration;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use serde::Serialize;

use crate::{
    model::{BillingPeriod, ConnectionKey, ExitCode, Reason, VersionIdentity},
    schema::TableContract,
};
use ledger::{Decision, LedgerRow, Ordering};
pub use open::{OpeningTerms, open};
use survey::{LedgerEntries, LostMonth, Survey, UnreadableRow};
#[cfg(any(test, feature = "testing"))]
pub use tests::{conformance, memory};

/// Log targets of libraries that report as an error what is none here, such as a table that is not there yet. What is
/// one comes back as a [`WarehouseFault`] and is said once.
pub const QUIET_TARGETS: &[&str] = &["delta_kernel"];

/// What to look at where a store does not answer.
const UNREACHABLE: &str = ". Check the warehouse's endpoint and region, and that network policy, proxy and DNS let Jobs reach the store";

/// What is replaced as one: a billing period of a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Slot {
    /// Whose bill.
    pub connection: ConnectionKey,
    /// Which month.
    pub period: BillingPeriod,
}

/// What a store refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It does not know who asks.
    Credentials,
    /// Who asks may not.
    Permissions,
    /// There is no such bucket or folder.
    Place,
    /// The bucket is there, in another region.
    Region,
}

/// Why a warehouse could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseFault {
    /// Location or options are wrong; the text says which field and how to fix it.
    #[error("{0}")]
    Configuration(String),
    /// The store refuses, and will until somebody fixes it.
    #[error("{message}")]
    Refused {
        /// What it refuses.
        refusal: Refusal,
        /// What was being done, the store's code, and the fix; never a credential.
        message: String,
    },
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
        "the store at {location} allows two writers to create the same object, so commits would not be safe: use a store that honours If-None-Match"
    )]
    UnsafeStore {
        /// The table's address, without credentials.
        location: String,
    },
    /// The store has no way to create a key only where there is none, so no commit on it is safe.
    #[error(
        "the store at {location} can't refuse to create an object that exists ({cause}), so commits would not be safe: use a store that honours If-None-Match, or a volume whose file system has hard links"
    )]
    NoExclusiveCreate {
        /// The table's address, without credentials.
        location: String,
        /// What it says.
        cause: String,
    },
    /// The store said that it took a commit, and another writer's stands in its place.
    #[error(
        "the store accepted version {version} of the table at {location} from two writers, so this commit is lost: nothing of it is loaded, and commits of others may be lost, too. Use a store that honours If-None-Match, and load again there"
    )]
    CommitLost {
        /// The table's address, without credentials.
        location: String,
        /// The version.
        version: u64,
    },
    /// Data files that the table refers to are gone from the store.
    #[error(
        "data files are missing in the warehouse at {location}: {}. Load each of these months again with awscost ingest --force",
        survey::told(.months)
    )]
    FilesGone {
        /// The warehouse's address, without credentials.
        location: String,
        /// The months they belong to.
        months: Vec<LostMonth>,
    },
    /// A ledger row of the connection can't be read by this release.
    #[error("{0}")]
    LedgerUnreadable(Box<UnreadableRow>),
    /// The load took so long that maintenance may have taken its files for abandoned ones.
    #[error(
        "the load took more than {hours} hours, after which maintenance treats its files as abandoned; nothing was committed. Run the load closer to source and warehouse, or with more CPU"
    )]
    TookTooLong {
        /// The hours a load may take.
        hours: u64,
    },
    /// A passing fault of the store.
    #[error("failed to {action}: {cause}{}", if *answered { "" } else { UNREACHABLE })]
    Transient {
        /// What was being done, in words.
        action: String,
        /// The cause in short; never a credential.
        cause: String,
        /// False if the store could not be reached, or failed on its side.
        answered: bool,
    },
    /// Other writers committed first, again and again.
    #[error("other writers committed first {attempts} times in a row; try again")]
    Contended {
        /// How many commits lost.
        attempts: u32,
    },
    /// What was read back is not what was written.
    #[error("the warehouse returned something other than what was written: {0}")]
    Corrupt(String),
}

impl WarehouseFault {
    /// There is nothing to open the warehouse with.
    pub fn credentials(problem: &str) -> Self {
        Self::Refused { refusal: Refusal::Credentials, message: problem.to_owned() }
    }

    /// The exit code of a process that ends with this fault.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Configuration(_)
            | Self::Refused { .. }
            | Self::SchemaIncompatible { .. }
            | Self::UnsafeStore { .. }
            | Self::NoExclusiveCreate { .. }
            | Self::CommitLost { .. }
            | Self::TookTooLong { .. } => ExitCode::Configuration,
            Self::Transient { .. } => ExitCode::Transient,
            Self::Contended { .. } => ExitCode::Conflict,
            Self::Corrupt(_) | Self::LedgerUnreadable(_) => ExitCode::Data,
            Self::FilesGone { .. } => ExitCode::Gone,
        }
    }

    /// The condition reason that explains it.
    pub fn reason(&self) -> Reason {
        match self {
            Self::SchemaIncompatible { .. } => Reason::SchemaIncompatible,
            Self::UnsafeStore { .. } | Self::NoExclusiveCreate { .. } | Self::CommitLost { .. } => {
                Reason::UnsafeStore
            }
            Self::FilesGone { .. } => Reason::DataFilesGone,
            Self::LedgerUnreadable(_) => Reason::LedgerUnreadable,
            Self::Refused { refusal: Refusal::Credentials, .. } => Reason::WarehouseAuthFailed,
            Self::Refused { refusal: Refusal::Permissions, .. } => Reason::WarehouseDenied,
            Self::Refused { refusal: Refusal::Place, .. } => Reason::WarehousePlaceNotFound,
            Self::Refused { refusal: Refusal::Region, .. } => Reason::WarehouseRegionMismatch,
            Self::Transient { answered: false, .. } => Reason::WarehouseUnreachable,
            Self::Configuration(_)
            | Self::Transient { answered: true, .. }
            | Self::Contended { .. }
            | Self::TookTooLong { .. }
            | Self::Corrupt(_) => Reason::ProbeFailed,
        }
    }
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

/// Which rows to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Only this connection's; all of them if absent.
    pub connection: Option<ConnectionKey>,
    /// Only these periods; all of them if empty.
    pub periods: Vec<BillingPeriod>,
}

impl Selection {
    /// All of one connection.
    pub fn of(connection: &ConnectionKey) -> Self {
        Self { connection: Some(connection.clone()), periods: Vec::new() }
    }

    /// Whether rows of this slot are wanted.
    pub fn takes(&self, slot: &Slot) -> bool {
        self.connection.as_ref().is_none_or(|connection| *connection == slot.connection)
            && (self.periods.is_empty() || self.periods.contains(&slot.period))
    }
}

/// What a read saw: one state of the table, whatever was committed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The table's version, where the backend counts them; absent too when there is no table yet.
    pub table_version: Option<u64>,
    /// The ledger rows of the slots read, in that very state, ordered by connection and period.
    pub ledger: Vec<LedgerRow>,
    /// Ledger rows that this release can't read. Where no connection was named, all rows of theirs are left out.
    pub unreadable: Vec<UnreadableRow>,
}

/// Takes the rows of a read, batch by batch, with the slot they belong to.
pub type VisitRows<'a> = dyn FnMut(&Slot, &RecordBatch) -> Result<(), WarehouseFault> + Send + 'a;

/// Takes staged rows, batch by batch, with the index of the source file they came from.
pub type VisitStaged<'a> = dyn FnMut(usize, &RecordBatch) -> Result<(), WarehouseFault> + Send + 'a;

/// A place that holds the rows of one table. Another table of the same place is another value.
#[async_trait]
pub trait Warehouse: Send + Sync {
    /// The table whose rows are written and read.
    fn table(&self) -> &'static TableContract;

    /// Creates the tables where they are missing, and checks their schema where they are there. Where it isn't
    /// known, first proves, once, that only one of two writers can create a key.
    async fn prepare(&self) -> Result<(), WarehouseFault>;

    /// The ledger's entries of the wanted slots; none if there is no table. A row that this release can't read is among them.
    async fn entries(&self, wanted: &Selection) -> Result<LedgerEntries, WarehouseFault>;

    /// The ledger rows of one connection, or of all, ordered by connection and period. One that this release can't read
    /// is a fault.
    async fn ledger(&self, connection: Option<&ConnectionKey>) -> Result<Vec<LedgerRow>, WarehouseFault> {
        let wanted = Selection { connection: connection.cloned(), periods: Vec::new() };
        self.entries(&wanted).await?.all()
    }

    /// The ledger of one connection, or of all, and the months of which data is gone from the store.
    async fn survey(&self, connection: Option<&ConnectionKey>) -> Result<Survey, WarehouseFault>;

    /// Opens a stage for one version of one slot. What is staged is invisible to readers until the commit.
    ///
    /// `run` is the id that the ledger row will carry (letters, digits and hyphens, 64 at most); what a killed
    /// run leaves behind is known by it. Tag keys are kept by `version`.
    async fn begin(
        &self,
        slot: &Slot,
        version: &VersionIdentity,
        run: &str,
    ) -> Result<Box<dyn Stage>, WarehouseFault>;

    /// Reads rows as any reader of the table sees them: the slot they belong to and the batch. Only the named
    /// columns of the table; rows come in no particular order.
    async fn read(
        &self,
        selection: &Selection,
        columns: &[&str],
        visit: &mut VisitRows<'_>,
    ) -> Result<Reading, WarehouseFault>;

    /// The tag keys of these loads, as their sources spelled them. A load that was replaced meanwhile has none.
    async fn keys_of(&self, loads: &[LedgerRow]) -> Result<Vec<(Slot, Vec<TagKey>)>, WarehouseFault>;

    /// Removes the rows and ledger rows of a connection's periods, of all if none is named, in one commit, then what is
    /// left of their files; the number of periods removed. With an owner, what belongs to another stays: nothing is
    /// removed then. No load of that connection may run meanwhile.
    async fn purge(
        &self,
        connection: &ConnectionKey,
        periods: &[BillingPeriod],
        owner: Option<&str>,
        now: jiff::Timestamp,
    ) -> Result<u64, WarehouseFault>;

    /// Removes what readers no longer see: files of versions that were replaced longer ago than `retention`, the time that a
    /// slow reader of an old version has, and files of abandoned stages; the number of files removed.
    async fn maintain(&self, now: jiff::Timestamp, retention: Duration) -> Result<u64, WarehouseFault>;

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

    /// Stages the tag keys of this version, as they stood in the source. They show, keyed by version, just before
    /// the commit; once at most, before it.
    async fn tag_keys(&self, keys: &[TagKey]) -> Result<(), WarehouseFault>;

    /// Reads back what was staged, part by part, as a reader of the table would see it: the batch and the
    /// index of its source file. Only the named columns. Every part must be finished.
    async fn read_back(&self, columns: &[&str], visit: &mut VisitStaged<'_>) -> Result<(), WarehouseFault>;

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
    /// Appends rows in the shape of [`TableContract::schema`].
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WarehouseFault>;

    /// Makes the part durable.
    fn finish(self: Box<Self>) -> Result<(), WarehouseFault>;
}
