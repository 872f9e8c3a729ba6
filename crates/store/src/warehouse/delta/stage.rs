//! A load's private place: data files under the run's name that no version of the table refers to, until one
//! commit makes them the slot's content.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering as Atomic},
};

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use async_trait::async_trait;
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;

use super::{
    LONGEST_LOAD,
    commit::{self, Change, DataFile, EndedCommit, Plan, Removal, TriedCommit},
    fault, keys, ledger_domain,
    part::{DeltaPart, PartTarget, Staged, Withdrawals},
    read::{self, WantedRows},
    table::Table,
};
use crate::{
    model::VersionIdentity,
    schema::TableContract,
    warehouse::{
        Committed, PartWriter, Selection, Slot, Stage, TagKey, VisitStaged, WarehouseFault,
        ledger::{self, Decision, LedgerRow, Ordering},
    },
};

/// How old a stage may be at its commit: an hour before maintenance takes its files for abandoned ones, whose clock may
/// differ from ours.
const LONGEST_COMMITTED: SignedDuration =
    SignedDuration::from_secs(LONGEST_LOAD.as_secs().cast_signed() - 3600);

/// A stage of the table of rows.
pub(super) struct DeltaStage {
    pub(super) table: &'static TableContract,
    pub(super) costs: Arc<Table>,
    pub(super) tag_keys: Arc<Table>,
    pub(super) runtime: Handle,
    pub(super) slot: Slot,
    pub(super) version: VersionIdentity,
    pub(super) run: String,
    pub(super) staged: Staged,
    /// The file of tag keys, if there are any.
    pub(super) keys: Staged,
    pub(super) opened: AtomicUsize,
    /// Uploads that were given up and are being withdrawn.
    pub(super) withdrawals: Withdrawals,
    /// When it was opened, as our clock says.
    pub(super) begun: Timestamp,
}

impl DeltaStage {
    /// What the slot's files lie in, below a table's folder. Needs no escaping: keys and periods are plain.
    fn folder(&self) -> String {
        let [connection, period] = self.table.partitions;
        format!("{connection}={}/{period}={}", self.slot.connection, self.slot.period)
    }

    fn open_part(
        &self,
        contents: PartContents,
        name: &str,
        source_file: usize,
    ) -> Result<DeltaPart, WarehouseFault> {
        let (table, staged, schema) = match contents {
            PartContents::Rows => (&self.costs, &self.staged, Arc::clone(&self.table.schema)),
            PartContents::TagKeys(schema) => (&self.tag_keys, &self.keys, schema),
        };
        let path = format!("{}/{name}", self.folder());
        let target = PartTarget {
            store: Arc::clone(&table.store),
            runtime: self.runtime.clone(),
            key: table.key_of(&path)?,
            path,
            slot: self.slot.clone(),
            schema,
            statistics: table.statistics(),
            withdrawals: Arc::clone(&self.withdrawals),
        };
        DeltaPart::open(target, source_file, Arc::clone(staged))
    }

    fn files(&self) -> Vec<(usize, DataFile)> {
        finished(&self.staged)
    }

    /// Removes the staged files of the bill, which no version refers to; `keys` says what becomes of the tag keys'. They
    /// are invisible either way, so a failure only leaves work for `maintain`.
    async fn discard(&self, keys: KeyFile) -> Result<(), WarehouseFault> {
        // If the process ended first, parts of unfinished uploads would stay, and nothing lists them.
        let withdrawals =
            std::mem::take(&mut *self.withdrawals.lock().unwrap_or_else(PoisonError::into_inner));
        for withdrawal in withdrawals {
            drop(withdrawal.await);
        }
        let of_keys = match keys {
            KeyFile::Staged => finished(&self.keys),
            KeyFile::Shown => Vec::new(),
        };
        let costs = self.files().into_iter().map(|(_, file)| self.costs.key_of(&file.path));
        let of_keys = of_keys.into_iter().map(|(_, file)| self.tag_keys.key_of(&file.path));
        let keys: Result<Vec<_>, _> = costs.chain(of_keys).collect();
        let gone = self.costs.store.delete_stream(stream::iter(keys?.into_iter().map(Ok)).boxed());
        let failures: Vec<_> = gone.filter_map(async |outcome| outcome.err()).collect().await;
        match failures.iter().find(|error| !matches!(error, object_store::Error::NotFound { .. })) {
            Some(error) => Err(fault::of_store("remove staged files", error)),
            None => Ok(()),
        }
    }

    /// Refuses a row of another load, and a stage that maintenance may already be clearing away.
    fn check_row(&self, row: &LedgerRow) -> Result<(), WarehouseFault> {
        let ours = row.run == self.run
            && row.version == self.version
            && row.connection == self.slot.connection
            && row.period == self.slot.period;
        if !ours {
            return Err(WarehouseFault::Corrupt(
                "the ledger row tells of another load than the stage's".to_owned(),
            ));
        }
        if Timestamp::now().duration_since(self.begun) > LONGEST_COMMITTED {
            return Err(WarehouseFault::TookTooLong { hours: LONGEST_COMMITTED.as_hours().unsigned_abs() });
        }
        Ok(())
    }

    /// Hides the tag keys of the version that a commit replaced. The same version, loaded again, has the keys that were just
    /// shown.
    async fn retire_keys(&self, replaced: Option<VersionIdentity>) {
        if let Some(replaced) = replaced.filter(|replaced| *replaced != self.version)
            && let Err(fault) = keys::retire(&self.tag_keys, &self.slot, &replaced).await
        {
            tracing::debug!(%fault, "tag keys of the replaced version stay until maintenance");
        }
    }

    /// Clears up after a commit that the ledger refused; `loaded` is the slot's version in the ledger.
    async fn refused(
        &self,
        loaded: Option<&VersionIdentity>,
        keys: KeyFile,
        tried: TriedCommit,
    ) -> Result<(), WarehouseFault> {
        // The same version's keys are the same keys, and another run's bill needs them.
        if keys == KeyFile::Shown && loaded != Some(&self.version) {
            keys::withdraw(&self.tag_keys, &self.slot, &self.version, &self.run).await?;
        }
        match tried {
            TriedCommit::Nothing => self.discard(keys).await,
            // An earlier try may have landed and been replaced since: a reader may still be at work on these files.
            TriedCommit::WithoutAnswer => Ok(()),
        }
    }
}

/// How far a stage's tag keys have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyFile {
    /// No version of their table refers to them.
    Staged,
    /// They are in their table.
    Shown,
}

/// What a data file of a stage holds.
enum PartContents {
    /// Rows of the bill.
    Rows,
    /// The tag keys of the version, in this shape.
    TagKeys(SchemaRef),
}

fn finished(staged: &Staged) -> Vec<(usize, DataFile)> {
    staged.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

#[async_trait]
impl Stage for DeltaStage {
    fn part(&self, source_file: usize) -> Result<Box<dyn PartWriter>, WarehouseFault> {
        let number = self.opened.fetch_add(1, Atomic::Relaxed);
        let name = format!("{}-{source_file:05}-{number:05}.parquet", self.run);
        Ok(Box::new(self.open_part(PartContents::Rows, &name, source_file)?))
    }

    async fn tag_keys(&self, keys: &[TagKey]) -> Result<(), WarehouseFault> {
        if keys.is_empty() {
            return Ok(());
        }
        let batch = tag_key_rows(keys, &self.version)
            .map_err(|error| WarehouseFault::Corrupt(format!("the tag keys: {error}")))?;
        let name = keys::file_name(&self.version, &self.run);
        let mut part: Box<dyn PartWriter> =
            Box::new(self.open_part(PartContents::TagKeys(batch.schema()), &name, 0)?);
        let write = move || {
            part.write(&batch)?;
            part.finish()
        };
        self.tag_keys.blocking(|_| write()).await
    }

    async fn read_back(&self, columns: &[&str], visit: &mut VisitStaged<'_>) -> Result<(), WarehouseFault> {
        let wanted: Result<Vec<_>, WarehouseFault> = self
            .files()
            .into_iter()
            .map(|(source_file, file)| {
                Ok(WantedRows { key: self.costs.key_of(&file.path)?, size: file.size, of: source_file })
            })
            .collect();
        let mut visit = |source_file: &usize, batch: &RecordBatch| visit(*source_file, batch);
        Ok(read::read(&self.costs.store, wanted?, columns, &mut visit).await?)
    }

    async fn commit(
        self: Box<Self>,
        row: LedgerRow,
        ordering: Ordering,
    ) -> Result<Committed, WarehouseFault> {
        self.check_row(&row)?;
        let own = Selection::of(&self.slot.connection);
        let wanted = own.clone();
        let rows = self
            .costs
            .blocking(move |costs| ledger_domain::rows(costs, costs.latest()?.as_ref(), &wanted))
            .await?;
        // What is refused already need not show its tag keys; the commit decides again, and for good.
        let mut shown = KeyFile::Staged;
        if ledger::decide(&rows, &row, ordering) == Decision::Load {
            let files = finished(&self.keys).into_iter().map(|(_, file)| file).collect();
            keys::publish(&self.tag_keys, &self.slot, &self.version, files).await?;
            shown = KeyFile::Shown;
        }
        let files: Arc<Vec<DataFile>> = Arc::new(self.files().into_iter().map(|(_, file)| file).collect());
        let value = ledger_domain::value_of(&row)?;
        let slot = self.slot.clone();
        let in_place: Arc<Mutex<Option<VersionIdentity>>> = Arc::default();
        let seen = Arc::clone(&in_place);
        let ended = commit::commit::<Decision>(&self.costs, move |table, snapshot| {
            let rows = ledger_domain::rows(table, snapshot, &own)?;
            let loaded = rows.iter().find(|loaded| loaded.period == row.period);
            if loaded.is_some_and(|loaded| loaded.run == row.run) {
                return Ok(Plan::Landed);
            }
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = loaded.map(|row| row.version.clone());
            match ledger::decide(&rows, &row, ordering) {
                Decision::Load => {}
                refused => return Ok(Plan::Stop(refused)),
            }
            Ok(Plan::Commit(Change {
                remove: Removal::from(&slot),
                keep: Box::new(|_| false),
                add: Arc::clone(&files),
                write_entries: vec![(ledger_domain::domain_of(&slot), value.clone())],
                remove_entries: Vec::new(),
                application: Some(format!("awscost/{}/{}", slot.connection, slot.period)),
            }))
        });
        let ended = ended.await?;
        let loaded = in_place.lock().unwrap_or_else(PoisonError::into_inner).take();
        match ended {
            EndedCommit::Committed(version) => {
                self.retire_keys(loaded).await;
                Ok(Committed::Replaced { table_version: Some(version) })
            }
            EndedCommit::Stopped { reason, tried } => {
                if let Err(fault) = self.refused(loaded.as_ref(), shown, tried).await {
                    tracing::debug!(%fault, "files of a refused load stay until maintenance");
                }
                Ok(Committed::Refused(reason))
            }
        }
    }

    async fn abort(self: Box<Self>) -> Result<(), WarehouseFault> {
        self.discard(KeyFile::Staged).await
    }
}

fn tag_key_rows(keys: &[TagKey], version: &VersionIdentity) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |of: fn(&TagKey) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(keys.iter().map(of)))
    };
    let collisions = keys.iter().map(|key| key.collisions.cast_signed());
    let fields = ["original", "folded", "collisions", "manifest_id"].map(|name| {
        let kind = if name == "collisions" { DataType::Int64 } else { DataType::Utf8 };
        Field::new(name, kind, true)
    });
    RecordBatch::try_new(
        Arc::new(Schema::new(fields.to_vec())),
        vec![
            text(|key| &key.original),
            text(|key| &key.folded),
            Arc::new(Int64Array::from_iter_values(collisions)),
            Arc::new(StringArray::from_iter_values(keys.iter().map(|_| &version.0))),
        ],
    )
}
