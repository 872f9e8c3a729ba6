//! A load's private place: data files under the run's name that no version of the table refers to, until one
//! commit makes them the slot's content.

use std::sync::{
    Arc, PoisonError,
    atomic::{AtomicUsize, Ordering as Atomic},
};

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use async_trait::async_trait;
use futures::{StreamExt, stream};
use tokio::runtime::Handle;

use super::{
    commit::{self, Change, DataFile, Ended, Plan, Removal},
    fault, ledger_domain,
    part::{Part, Staged, Target},
    read::{self, Wanted},
    table::Table,
};
use crate::{
    model::VersionIdentity,
    schema::{DATA_SCHEMA, PARTITION_COLUMNS},
    warehouse::{
        Committed, PartWriter, Slot, Stage, TagKey, VisitStaged, WarehouseFault,
        ledger::{self, Decision, LedgerRow, Ordering},
    },
};

/// A stage of the `costs` table.
pub(super) struct DeltaStage {
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
}

impl DeltaStage {
    /// What a slot's files lie in, below a table's folder. Needs no escaping: keys and periods are plain.
    fn folder(slot: &Slot) -> String {
        let [connection, period] = PARTITION_COLUMNS;
        format!("{connection}={}/{period}={}", slot.connection, slot.period)
    }

    fn open(
        &self,
        table: &Table,
        name: &str,
        schema: &SchemaRef,
        source_file: usize,
        staged: &Staged,
    ) -> Result<Part, WarehouseFault> {
        let path = format!("{}/{name}", Self::folder(&self.slot));
        let target = Target {
            store: Arc::clone(&table.store),
            runtime: self.runtime.clone(),
            key: table.key_of(&path)?,
            path,
            slot: self.slot.clone(),
            schema: Arc::clone(schema),
        };
        Part::open(target, source_file, Arc::clone(staged))
    }

    fn files(&self) -> Vec<(usize, DataFile)> {
        finished(&self.staged)
    }

    /// Removes the staged files. They are invisible either way, so a failure only leaves work for `maintain`.
    async fn discard(&self, key_file: KeyFile) -> Result<(), WarehouseFault> {
        let of_keys = match key_file {
            KeyFile::Goes => finished(&self.keys),
            KeyFile::Stays => Vec::new(),
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
}

/// Whether a stage that is thrown away takes its file of tag keys with it.
enum KeyFile {
    Goes,
    /// It is in its table already.
    Stays,
}

fn finished(staged: &Staged) -> Vec<(usize, DataFile)> {
    staged.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl DeltaStage {
    /// Commits the tag keys to their own table, beside those of the version that is still loaded: readers join
    /// by version, and find the keys of either.
    async fn publish_keys(&self, loaded: Option<&LedgerRow>) -> Result<(), WarehouseFault> {
        let files: Vec<_> = finished(&self.keys).into_iter().map(|(_, file)| file).collect();
        if files.is_empty() {
            return Ok(());
        }
        let files = Arc::new(files);
        let loaded = loaded.map(|row| row.version.0.clone()).filter(|version| *version != self.version.0);
        let slot = self.slot.clone();
        let ended = commit::commit::<()>(&self.tag_keys, move |table, snapshot| {
            let ours =
                |key: &object_store::path::Path| files.iter().any(|file| key.as_ref().ends_with(&file.path));
            if table.files(snapshot, |of| *of == slot)?.iter().any(|file| ours(&file.key)) {
                return Ok(Plan::Landed);
            }
            let loaded = loaded.clone();
            let keep = move |path: &str| {
                let name = path.rsplit('/').next().unwrap_or_default();
                loaded.as_ref().is_some_and(|version| name.starts_with(version.as_str()))
            };
            Ok(Plan::Commit(Change {
                remove: Removal::Slot(slot.clone()),
                keep: Box::new(keep),
                add: Arc::clone(&files),
                write_entries: Vec::new(),
                remove_entries: Vec::new(),
                application: None,
            }))
        });
        ended.await.map(drop)
    }
}

#[async_trait]
impl Stage for DeltaStage {
    fn part(&self, source_file: usize) -> Result<Box<dyn PartWriter>, WarehouseFault> {
        let number = self.opened.fetch_add(1, Atomic::Relaxed);
        let name = format!("{}-{source_file:05}-{number:05}.parquet", self.run);
        let part = self.open(&self.costs, &name, &DATA_SCHEMA, source_file, &self.staged)?;
        Ok(Box::new(part))
    }

    async fn tag_keys(&self, keys: &[TagKey]) -> Result<(), WarehouseFault> {
        if keys.is_empty() {
            return Ok(());
        }
        let batch = tag_key_rows(keys, &self.version)
            .map_err(|error| WarehouseFault::Corrupt(format!("the tag keys: {error}")))?;
        let schema = batch.schema();
        let name = format!("{}-{}.parquet", self.version.0, self.run);
        let mut part: Box<dyn PartWriter> =
            Box::new(self.open(&self.tag_keys, &name, &schema, 0, &self.keys)?);
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
                Ok(Wanted { key: self.costs.key_of(&file.path)?, size: file.size, of: source_file })
            })
            .collect();
        read::read(&self.costs.store, wanted?, columns, &mut |source_file, batch| visit(*source_file, batch))
            .await
    }

    async fn commit(
        self: Box<Self>,
        row: LedgerRow,
        ordering: Ordering,
    ) -> Result<Committed, WarehouseFault> {
        let ours = row.run == self.run
            && row.version == self.version
            && row.connection == self.slot.connection
            && row.period == self.slot.period;
        if !ours {
            return Err(WarehouseFault::Corrupt(
                "the ledger row tells of another load than the stage's".to_owned(),
            ));
        }
        let connection = self.slot.connection.clone();
        let rows = self.costs.blocking(move |costs| {
            ledger_domain::rows(costs, costs.latest()?.as_ref(), |of| of.connection == connection)
        });
        let rows = rows.await?;
        // What is refused already need not show its tag keys; the commit decides again, and for good.
        let mut key_file = KeyFile::Goes;
        if ledger::decide(&rows, &row, ordering) == Decision::Load {
            self.publish_keys(rows.iter().find(|loaded| loaded.period == row.period)).await?;
            key_file = KeyFile::Stays;
        }
        let files: Arc<Vec<DataFile>> = Arc::new(self.files().into_iter().map(|(_, file)| file).collect());
        let value = ledger_domain::value_of(&row)?;
        let slot = self.slot.clone();
        let ended = commit::commit::<Decision>(&self.costs, move |table, snapshot| {
            let rows = ledger_domain::rows(table, snapshot, |of| of.connection == slot.connection)?;
            if rows.iter().any(|loaded| loaded.period == row.period && loaded.run == row.run) {
                return Ok(Plan::Landed);
            }
            match ledger::decide(&rows, &row, ordering) {
                Decision::Load => {}
                refused => return Ok(Plan::Stop(refused)),
            }
            Ok(Plan::Commit(Change {
                remove: Removal::Slot(slot.clone()),
                keep: Box::new(|_| false),
                add: Arc::clone(&files),
                write_entries: vec![(ledger_domain::domain_of(&slot), value.clone())],
                remove_entries: Vec::new(),
                application: Some(format!("awscost/{}/{}", slot.connection, slot.period)),
            }))
        });
        match ended.await? {
            Ended::Committed(version) => Ok(Committed::Replaced { table_version: Some(version) }),
            Ended::Stopped(decision) => {
                if let Err(fault) = self.discard(key_file).await {
                    tracing::debug!(%fault, "files of a refused load stay until maintenance");
                }
                Ok(Committed::Refused(decision))
            }
        }
    }

    async fn abort(self: Box<Self>) -> Result<(), WarehouseFault> {
        self.discard(KeyFile::Goes).await
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
