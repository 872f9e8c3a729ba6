//! Delta Lake: costs in a folder or an S3 prefix that every lakehouse engine reads, with no server.
//!
//! Below the location lie a table of rows and one of tag keys (`costs` and `tag_keys`), both partitioned by connection and billing
//! period. We write the Parquet files; `delta_kernel` writes the log. A slot's files are replaced by one log
//! entry that carries the ledger row too, and the store's put-if-absent decides between writers.

mod commit;
mod fault;
mod given;
mod keys;
mod ledger_domain;
mod location;
mod maintain;
mod part;
mod probe;
mod purge;
mod read;
mod stage;
mod survey;
mod table;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use async_trait::async_trait;
use delta_kernel::Engine;
use delta_kernel_default_engine::{DefaultEngineBuilder, executor::tokio::TokioMultiThreadExecutor};
use jiff::{SignedDuration, Timestamp};
use object_store::{ObjectStore, path::Path};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::OnceCell,
};

pub use given::{GivenKeys, KeySource, NoKeys};
pub use location::{Addressing, DeltaOptions, WarehouseIdentity};
use maintain::Sweep;
use purge::Belonging;
use read::{ReadFault, WantedRows};
use stage::DeltaStage;
use table::{Table, TableShape};

use super::{
    Reading, Selection, Slot, Stage, TagKey, VisitRows, Warehouse, WarehouseFault,
    ledger::LedgerRow,
    survey::{LedgerEntries, Survey},
};
use crate::{
    model::{BillingPeriod, ConnectionKey, DeltaLocation, VersionIdentity},
    schema::TableContract,
};

/// How long a file that was never committed may belong to a load under way: longer than any load may take.
const LONGEST_LOAD: Duration = Duration::from_secs(24 * 3600);

/// A Delta warehouse at one location.
pub struct DeltaWarehouse {
    options: DeltaOptions,
    runtime: Handle,
    costs: Arc<Table>,
    tag_keys: Arc<Table>,
    /// Set once the store is proved to let no two writers create one key.
    proven: Arc<OnceCell<()>>,
}

impl DeltaWarehouse {
    /// Sets the warehouse up; nothing is read or written yet. Takes a multi-threaded tokio runtime, whose
    /// threads do the store's work.
    ///
    /// # Errors
    /// [`WarehouseFault::Configuration`] if options or runtime don't suit.
    pub fn open(options: DeltaOptions) -> Result<Self, WarehouseFault> {
        let runtime = Handle::try_current().ok().filter(|runtime| {
            // The kernel blocks on its own futures, which a single thread would never finish.
            runtime.runtime_flavor() == RuntimeFlavor::MultiThread
        });
        let runtime = runtime.ok_or_else(|| {
            WarehouseFault::Configuration("a Delta warehouse takes a multi-threaded runtime".to_owned())
        })?;
        let store = options.store()?;
        let executor = Arc::new(TokioMultiThreadExecutor::new(runtime.clone()));
        let engine = DefaultEngineBuilder::new(Arc::clone(&store)).with_task_executor(executor).build();
        Self::assemble(options, runtime, &store, &(Arc::new(engine) as Arc<dyn Engine>))
    }

    fn assemble(
        options: DeltaOptions,
        runtime: Handle,
        store: &Arc<dyn ObjectStore>,
        engine: &Arc<dyn Engine>,
    ) -> Result<Self, WarehouseFault> {
        let table = |name: &str, shape| {
            let url = options.location.below(name).url().clone();
            Table::new(url, Arc::clone(store), Arc::clone(engine), shape)
        };
        let costs = table(options.table.name, TableShape::of_rows(options.table))?;
        let tag_keys = table(options.table.keys_name, TableShape::of_keys(options.table))?;
        Ok(Self { options, runtime, costs, tag_keys, proven: Arc::default() })
    }

    /// Where it lies.
    pub fn location(&self) -> &DeltaLocation {
        &self.options.location
    }

    /// A warehouse of its own in a folder of this one, in the same store.
    fn below(&self, name: &str) -> Result<Self, WarehouseFault> {
        let location = self.options.location.below(name);
        let options = DeltaOptions { location, ..self.options.clone() };
        let below = Self::assemble(options, self.runtime.clone(), &self.costs.store, &self.costs.engine)?;
        Ok(Self { proven: Arc::clone(&self.proven), ..below })
    }

    fn stage(&self, slot: &Slot, version: &VersionIdentity, run: &str) -> DeltaStage {
        DeltaStage {
            costs: Arc::clone(&self.costs),
            tag_keys: Arc::clone(&self.tag_keys),
            runtime: self.runtime.clone(),
            table: self.options.table,
            slot: slot.clone(),
            version: version.clone(),
            run: run.to_owned(),
            staged: Arc::default(),
            keys: Arc::default(),
            opened: AtomicUsize::new(0),
            withdrawals: Arc::default(),
            begun: Timestamp::now(),
        }
    }

    fn root(&self) -> Result<Path, WarehouseFault> {
        let url = self.options.location.url();
        Path::from_url_path(url.path())
            .map_err(|_| WarehouseFault::Configuration(format!("{url} can't be a key of a store")))
    }

    fn tables(&self) -> [&Arc<Table>; 2] {
        [&self.costs, &self.tag_keys]
    }

    /// The tables' folders, in the same order.
    fn folders(&self) -> [&'static str; 2] {
        [self.options.table.name, self.options.table.keys_name]
    }
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    SignedDuration::try_from(age).ok().and_then(|age| now.checked_sub(age).ok()).unwrap_or(Timestamp::MIN)
}

#[async_trait]
impl Warehouse for DeltaWarehouse {
    fn table(&self) -> &'static TableContract {
        self.options.table
    }

    async fn prepare(&self) -> Result<(), WarehouseFault> {
        self.prove().await?;
        for table in self.tables() {
            table.create().await?;
        }
        Ok(())
    }

    async fn entries(&self, wanted: &Selection) -> Result<LedgerEntries, WarehouseFault> {
        self.read_entries(wanted).await
    }

    async fn survey(&self, connection: Option<&ConnectionKey>) -> Result<Survey, WarehouseFault> {
        self.look_over(&Selection { connection: connection.cloned(), periods: Vec::new() }).await
    }

    async fn begin(
        &self,
        slot: &Slot,
        version: &VersionIdentity,
        run: &str,
    ) -> Result<Box<dyn Stage>, WarehouseFault> {
        let plain = |text: &str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        // Both stand in file names.
        if !plain(run) || !plain(&version.0) {
            return Err(WarehouseFault::Configuration(format!(
                "the run {run:?} or the version {:?} is not 1 to 64 letters, digits and hyphens",
                version.0
            )));
        }
        Ok(Box::new(self.stage(slot, version, run)))
    }

    async fn read(
        &self,
        selection: &Selection,
        columns: &[&str],
        visit: &mut VisitRows<'_>,
    ) -> Result<Reading, WarehouseFault> {
        let Some(snapshot) = self.costs.snapshot().await? else {
            return Ok(Reading { table_version: None, ledger: Vec::new(), unreadable: Vec::new() });
        };
        let table_version = Some(snapshot.version());
        let wanted = selection.clone();
        let (mut entries, files) = self
            .costs
            .blocking(move |table| {
                let entries = ledger_domain::entries(table, &snapshot, &wanted)?;
                Ok((entries, table.files(&snapshot, |slot| wanted.takes(slot))?))
            })
            .await?;
        // Of one connection, an unreadable row fails the read; of all, it only leaves its own connection out.
        if selection.connection.is_some() {
            entries.rows = std::mem::take(&mut entries).all()?;
        }
        let left_out =
            |connection: &ConnectionKey| entries.unreadable.iter().any(|row| row.is_of(connection));
        entries.rows.retain(|row| !left_out(&row.connection));
        let files = files.into_iter().filter(|file| !left_out(&file.slot.connection));
        let wanted = files.map(|file| WantedRows { key: file.key, size: file.size, of: file.slot });
        match read::read(&self.costs.store, wanted.collect(), columns, visit).await {
            Ok(()) => Ok(Reading { table_version, ledger: entries.rows, unreadable: entries.unreadable }),
            Err(ReadFault::Gone(key)) => Err(self.gone(&key, selection).await),
            Err(fault) => Err(fault.into()),
        }
    }

    async fn keys_of(&self, loads: &[LedgerRow]) -> Result<Vec<(Slot, Vec<TagKey>)>, WarehouseFault> {
        match keys::of_loads(&self.tag_keys, loads).await {
            Err(ReadFault::Gone(key)) => Err(self.gone(&key, &Selection::default()).await),
            keys => Ok(keys?),
        }
    }

    async fn purge(
        &self,
        connection: &ConnectionKey,
        periods: &[BillingPeriod],
        owner: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, WarehouseFault> {
        let wanted = Selection { connection: Some(connection.clone()), periods: periods.to_vec() };
        let removed = self.entries(&wanted).await?.len() as u64;
        let sweep = Sweep {
            under: purge::folders(self.options.table.partitions, connection, periods),
            removed_before: Timestamp::MAX,
            abandoned_before: before(now, LONGEST_LOAD),
        };
        for (table, name) in self.tables().into_iter().zip(self.folders()) {
            if table.snapshot().await?.is_none() {
                continue;
            }
            // Only the table of costs has a ledger, and it comes first.
            if purge::remove(table, connection, periods, owner).await? == Belonging::Another {
                return Ok(0);
            }
            maintain::sweep(table, &sweep).await?;
            if let Some(path) = self.options.location.folder() {
                sweep.under.iter().for_each(|folder| maintain::remove_empty(&path.join(name).join(folder)));
            }
        }
        Ok(removed)
    }

    async fn maintain(&self, now: Timestamp, retention: Duration) -> Result<u64, WarehouseFault> {
        let due = before(now, retention);
        // However short the retention: a load under way looks just like an abandoned one.
        let abandoned = before(now, retention.max(LONGEST_LOAD));
        let sweep = Sweep { under: Vec::new(), removed_before: due, abandoned_before: abandoned };
        keys::prune(&self.tag_keys, &self.entries(&Selection::default()).await?, abandoned).await?;
        let mut removed = 0;
        for table in self.tables() {
            removed += maintain::sweep(table, &sweep).await?;
        }
        let probes = self.root()?.join(probe::PROBE_FOLDER);
        removed += maintain::remove_old(self.costs.store.as_ref(), &probes, abandoned).await?;
        if let Some(folder) = self.options.location.folder().cloned() {
            let [costs, tag_keys] = self.folders();
            let tidy = move |_: &Table| {
                let folders = [costs, tag_keys, probe::PROBE_FOLDER].map(|name| folder.join(name));
                Ok(folders.iter().map(|folder| maintain::tidy_folder(folder, abandoned)).sum::<u64>())
            };
            removed += self.costs.blocking(tidy).await?;
        }
        Ok(removed)
    }

    async fn probe(&self) -> Result<(), WarehouseFault> {
        self.run_probe().await
    }
}
