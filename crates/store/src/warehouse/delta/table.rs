//! One Delta table of the warehouse: its schema, its creation, and what a snapshot of it holds.

use std::{collections::HashMap, sync::Arc};

use delta_kernel::{
    Engine, EngineData, KernelError,
    committer::FileSystemCommitter,
    engine::arrow_data::ArrowEngineData,
    scan::state::ScanFile,
    schema::{DataType, DecimalType, MapType, PrimitiveType, StructField, StructType},
    snapshot::{Snapshot, SnapshotRef},
    table_features::TableFeature,
    transaction::{create_table::create_table, data_layout::DataLayout},
};
use futures::StreamExt;
use object_store::{ObjectStore, path::Path};
use url::Url;

use super::fault;
use crate::{
    model::{BillingPeriod, ConnectionKey},
    schema::{ColumnType, TableContract},
    warehouse::{Slot, WarehouseFault},
};

/// What the log says wrote a version.
pub(super) const ENGINE_INFO: &str = concat!("awscost/", env!("CARGO_PKG_VERSION"));

/// A table that may or may not exist yet.
pub(super) struct Table {
    url: Url,
    /// The table's folder as a key of the store.
    pub(super) root: Path,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) engine: Arc<dyn Engine>,
    shape: TableShape,
}

/// What a table's log has to say of its columns.
pub(super) struct TableShape {
    schema: Arc<StructType>,
    /// The columns of connection and billing period.
    partitions: [&'static str; 2],
    /// The time that a file's statistics tell of, if any.
    statistics: Option<&'static str>,
}

/// A data file that a version of the table refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveFile {
    /// Its key in the store.
    pub(super) key: Path,
    pub(super) size: u64,
    pub(super) slot: Slot,
    /// When it was written, in milliseconds since 1970, as its writer said.
    pub(super) written_ms: i64,
}

impl Table {
    pub(super) fn new(
        url: Url,
        store: Arc<dyn ObjectStore>,
        engine: Arc<dyn Engine>,
        shape: TableShape,
    ) -> Result<Arc<Self>, WarehouseFault> {
        let root = Path::from_url_path(url.path())
            .map_err(|_| WarehouseFault::Configuration(format!("{url} can't be a key of a store")))?;
        Ok(Arc::new(Self { url, root, store, engine, shape }))
    }

    /// The address, for people.
    pub(super) fn location(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// Runs blocking work on the table away from the runtime's workers.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, WarehouseFault> + Send + 'static,
    ) -> Result<T, WarehouseFault> {
        let table = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&table)).await.map_err(|_| WarehouseFault::Transient {
            action: "work on the table".to_owned(),
            cause: "a worker thread died".to_owned(),
            answered: true,
        })?
    }

    /// A kernel error in our words.
    pub(super) fn fault(&self, action: &str, error: KernelError) -> WarehouseFault {
        fault::of_kernel(action, self.location(), error)
    }

    /// The newest version, checked to be one of ours; `None` if there is no table. Async, because whether a
    /// table is missing or unreadable takes a look at the store.
    pub(super) async fn snapshot(self: &Arc<Self>) -> Result<Option<SnapshotRef>, WarehouseFault> {
        match self.blocking(Self::latest).await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(fault) => match self.store.list(Some(&self.root.clone().join("_delta_log"))).next().await {
                None => Ok(None),
                Some(Err(error)) => Err(fault::of_store("list the table's log", &error)),
                // A log that has just been started looks the same as a broken one: once more, then.
                Some(Ok(_)) if matches!(fault, WarehouseFault::Transient { .. }) => {
                    self.blocking(Self::latest).await.map(Some)
                }
                Some(Ok(_)) => Err(fault),
            },
        }
    }

    /// The newest version of a table that exists, checked to be one of ours. Blocking.
    pub(super) fn latest(&self) -> Result<SnapshotRef, WarehouseFault> {
        let snapshot = Snapshot::builder_for(self.url.clone())
            .build(self.engine.as_ref())
            .map_err(|error| self.fault("read the table's log", error))?;
        self.check(&snapshot)?;
        Ok(snapshot)
    }

    /// Creates the table where it is missing. Someone else may do so meanwhile: what counts is that it is there.
    pub(super) async fn create(self: &Arc<Self>) -> Result<(), WarehouseFault> {
        if self.snapshot().await?.is_some() {
            return Ok(());
        }
        let created = self
            .blocking(|table| {
                table.make_folder()?;
                let outcome =
                    create_table(table.url.as_str(), table.shape.schema.clone(), ENGINE_INFO, false)
                        .with_table_properties([("delta.feature.domainMetadata", "supported")])
                        .with_data_layout(DataLayout::partitioned(table.shape.partitions))
                        .build(table.engine.as_ref(), Box::new(FileSystemCommitter::new()))
                        .and_then(|transaction| transaction.commit(table.engine.as_ref()));
                outcome.map(drop).map_err(|error| table.fault("create the table", error))
            })
            .await;
        match self.snapshot().await? {
            Some(_) => Ok(()),
            None => Err(created.err().unwrap_or_else(|| WarehouseFault::Transient {
                action: "create the table".to_owned(),
                cause: "another writer was first, and its table is gone".to_owned(),
                answered: true,
            })),
        }
    }

    /// A bucket has no folders; the kernel wants one of a file system.
    fn make_folder(&self) -> Result<(), WarehouseFault> {
        let Some(folder) = self.url.to_file_path().ok().filter(|_| self.url.scheme() == "file") else {
            return Ok(());
        };
        std::fs::create_dir_all(&folder).map_err(|error| fault::of_files("create the table's folder", &error))
    }

    /// Refuses a table that is not of this schema, that is partitioned otherwise or that takes no ledger. More
    /// columns than ours are fine if they may be NULL.
    fn check(&self, snapshot: &Snapshot) -> Result<(), WarehouseFault> {
        let refuse = |problem: String| {
            Err(WarehouseFault::SchemaIncompatible { location: self.location().to_owned(), problem })
        };
        let found = snapshot.schema();
        for expected in self.shape.schema.fields() {
            let name = expected.name();
            match found.field(name) {
                None => return refuse(format!("it has no column {name}")),
                Some(field) if field.data_type() != expected.data_type() => {
                    return refuse(format!(
                        "its column {name} is {} and not {}",
                        field.data_type(),
                        expected.data_type()
                    ));
                }
                Some(_) => {}
            }
        }
        let foreign =
            |field: &&StructField| !field.is_nullable() && self.shape.schema.field(field.name()).is_none();
        if let Some(field) = found.fields().find(foreign) {
            return refuse(format!("its column {} is not ours and may not be NULL", field.name()));
        }
        let configuration = snapshot.table_configuration();
        if configuration.metadata().partition_columns() != self.shape.partitions {
            return refuse(format!("it is not partitioned by {}", self.shape.partitions.join(", ")));
        }
        if !configuration.is_feature_supported(&TableFeature::DomainMetadata) {
            return refuse("it lacks the table feature domainMetadata, which holds the ledger".to_owned());
        }
        Ok(())
    }

    /// The key of a file whose path stands in the log.
    pub(super) fn key_of(&self, path: &str) -> Result<Path, WarehouseFault> {
        Path::from_url_path(format!("{}/{path}", self.root)).map_err(|_| {
            WarehouseFault::Corrupt(format!("the log names a file {path:?} outside of the table"))
        })
    }

    /// The files a version refers to, of the slots that `takes` accepts. Blocking.
    pub(super) fn files(
        &self,
        snapshot: &SnapshotRef,
        takes: impl Fn(&Slot) -> bool,
    ) -> Result<Vec<LiveFile>, WarehouseFault> {
        let action = "list the table's files";
        let scan = Arc::clone(snapshot).scan_builder().build().map_err(|error| self.fault(action, error))?;
        let mut found: Vec<ScanFile> = Vec::new();
        let pages = scan.scan_metadata(self.engine.as_ref()).map_err(|error| self.fault(action, error))?;
        for page in pages {
            let page = page.map_err(|error| self.fault(action, error))?;
            found = page.visit_scan_files(found, Vec::push).map_err(|error| self.fault(action, error))?;
        }
        let mut files = Vec::new();
        for file in found {
            let slot = self.slot_of(&file.partition_values, &file.path)?;
            if !takes(&slot) {
                continue;
            }
            if file.dv_info.has_vector() {
                return Err(WarehouseFault::SchemaIncompatible {
                    location: self.location().to_owned(),
                    problem: format!("another program marked rows of {} as deleted", file.path),
                });
            }
            files.push(LiveFile {
                key: self.key_of(&file.path)?,
                size: file.size.unsigned_abs(),
                slot,
                written_ms: file.modification_time,
            });
        }
        Ok(files)
    }

    fn slot_of(&self, values: &HashMap<String, String>, path: &str) -> Result<Slot, WarehouseFault> {
        let [of_connection, of_period] = self.shape.partitions;
        let value = |name: &str| values.get(name).map(String::as_str).unwrap_or_default();
        let connection: Option<ConnectionKey> = value(of_connection).parse().ok();
        let period: Option<BillingPeriod> = value(of_period).parse().ok();
        match (connection, period) {
            (Some(connection), Some(period)) => Ok(Slot { connection, period }),
            _ => Err(WarehouseFault::Corrupt(format!(
                "the file {path} belongs to no connection and billing period; another program wrote it"
            ))),
        }
    }

    /// The partition columns of connection and billing period.
    pub(super) fn partitions(&self) -> [&'static str; 2] {
        self.shape.partitions
    }

    /// The time that a file's statistics tell of, if any.
    pub(super) fn statistics(&self) -> Option<&'static str> {
        self.shape.statistics
    }
}

/// The paths of one page of a scan, in its order.
pub(super) fn paths_of(data: &dyn EngineData) -> Option<&arrow::array::StringArray> {
    let batch = data.any_ref().downcast_ref::<ArrowEngineData>()?.record_batch();
    batch.column_by_name("path")?.as_any().downcast_ref()
}

impl TableShape {
    /// A table of rows: the contract's columns, then the partition columns.
    pub(super) fn of_rows(table: &TableContract) -> Self {
        let columns = table.columns.iter().map(|column| (column.name, kernel_type(column.kind)));
        let (partitions, statistics) = (table.partitions, Some(table.statistics));
        Self { schema: struct_of(columns, partitions), partitions, statistics }
    }

    /// The table of its tag keys: original and folded name, rows on which it collided, and the version.
    pub(super) fn of_keys(table: &TableContract) -> Self {
        let columns = [
            ("original", DataType::STRING),
            ("folded", DataType::STRING),
            ("collisions", DataType::LONG),
            ("manifest_id", DataType::STRING),
        ];
        let partitions = table.partitions;
        Self { schema: struct_of(columns, partitions), partitions, statistics: None }
    }

    /// The columns, in their order.
    #[cfg(test)]
    pub(super) fn fields(&self) -> impl Iterator<Item = &StructField> {
        self.schema.fields()
    }
}

fn struct_of(
    data: impl IntoIterator<Item = (&'static str, DataType)>,
    partitions: [&'static str; 2],
) -> Arc<StructType> {
    let partitions = partitions.map(|name| (name, DataType::STRING));
    let fields = data.into_iter().chain(partitions).map(|(name, kind)| StructField::nullable(name, kind));
    Arc::new(StructType::try_new(fields).expect("the contract has no name twice"))
}

fn kernel_type(kind: ColumnType) -> DataType {
    let decimal = || {
        let decimal = DecimalType::try_new(38, 18).expect("38 digits are a decimal's most");
        DataType::Primitive(PrimitiveType::Decimal(decimal))
    };
    match kind {
        ColumnType::Text => DataType::STRING,
        ColumnType::Decimal => decimal(),
        ColumnType::Timestamp => DataType::TIMESTAMP,
        ColumnType::Boolean => DataType::BOOLEAN,
        ColumnType::TextMap => MapType::new(DataType::STRING, DataType::STRING, true).into(),
        ColumnType::DecimalMap => MapType::new(DataType::STRING, decimal(), true).into(),
    }
}
