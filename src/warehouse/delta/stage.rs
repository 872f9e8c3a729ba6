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
        self.staged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes the staged files. They are invisible either way, so a failure only leaves work for `maintain`.
    async fn discard(&self) -> Result<(), WarehouseFault> {
        let keys: Result<Vec<_>, _> =
            self.files().iter().map(|(_, file)| self.costs.key_of(&file.path)).collect();
        let gone = self.costs.store.delete_stream(stream::iter(keys?.into_iter().map(Ok)).boxed());
        let failures: Vec<_> = gone.filter_map(async |outcome| outcome.err()).collect().await;
        match failures.iter().find(|error| !matches!(error, object_store::Error::NotFound { .. })) {
            Some(error) => Err(fault::of_store("remove staged files", error)),
            None => Ok(()),
        }
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
        let staged = Staged::default();
        let name = format!("{}-{}.parquet", self.version.0, self.run);
        let mut part: Box<dyn PartWriter> =
            Box::new(self.open(&self.tag_keys, &name, &schema, 0, &staged)?);
        let write = move || {
            part.write(&batch)?;
            part.finish()
        };
        self.tag_keys.blocking(|_| write()).await?;
        let files: Vec<_> = staged.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        let files = Arc::new(files.into_iter().map(|(_, file)| file).collect::<Vec<_>>());

        // What the slot holds now keeps its keys until it is replaced: readers join by version.
        let slot = self.slot.clone();
        let loaded = self.costs.blocking({
            let slot = slot.clone();
            move |costs| ledger_domain::rows(costs, costs.latest()?.as_ref(), |row| *row == slot)
        });
        let loaded: Option<String> =
            loaded.await?.pop().map(|row| row.version.0).filter(|version| *version != self.version.0);
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
                if let Err(fault) = self.discard().await {
                    tracing::debug!(%fault, "files of a refused load stay until maintenance");
                }
                Ok(Committed::Refused(decision))
            }
        }
    }

    async fn abort(self: Box<Self>) -> Result<(), WarehouseFault> {
        self.discard().await
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
