//! Proves that a warehouse works: the store refuses a second writer of one key, and a whole load through the
//! very code that ingests goes in, reads back equal and comes out again, beside the real tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::Decimal128Type;
use jiff::Timestamp;
use object_store::{ObjectStoreExt, PutMode, PutPayload, path::Path};

use super::{DeltaWarehouse, fault, maintain};
use crate::{
    model::{BillingPeriod, VersionIdentity},
    schema::{DECIMAL, TableContract},
    warehouse::{
        Committed, Selection, Slot, TagKey, Warehouse, WarehouseFault,
        ledger::{LedgerRow, Ordering, VersionSource},
    },
};

/// Where probes work, below the warehouse's location. Readers of the tables never look there.
pub(super) const PROBE_FOLDER: &str = "_awscost_probe";
/// 38 digits, so that a store of rounded numbers shows.
const CANARY: i128 = 12_345_678_901_234_567_890_123_456_789_012_345_678;

impl DeltaWarehouse {
    pub(super) async fn run_probe(&self) -> Result<(), WarehouseFault> {
        // Tables that are there must be ours; those that are not, the first load creates.
        self.costs.snapshot().await?;
        self.tag_keys.snapshot().await?;
        let place = self.own_place()?;
        let outcome = async {
            self.exclusive_create(&place.root()?.join("canary")).await?;
            // What follows is in the same store.
            self.proven.get_or_init(async || ()).await;
            place.canary().await
        };
        let outcome = outcome.await;
        let swept = place.vanish().await;
        outcome.and(swept)
    }

    /// Proves, once in this process, that no two writers can create one key: four requests to the store. What AWS's own S3
    /// says of `If-None-Match` is known.
    pub(super) async fn prove(&self) -> Result<(), WarehouseFault> {
        if self.options.is_at_aws() {
            return Ok(());
        }
        let proof = async || {
            let place = self.own_place()?;
            let key = place.root()?.join("exclusive");
            let outcome = self.exclusive_create(&key).await;
            if let Err(error) = self.costs.store.delete(&key).await {
                tracing::debug!(%key, %error, "the test row stays until maintenance removes it");
            }
            place.remove_folders();
            outcome
        };
        self.proven.get_or_try_init(proof).await.copied()
    }

    /// A place for one probe, which no other uses.
    fn own_place(&self) -> Result<Self, WarehouseFault> {
        self.below(&format!("{PROBE_FOLDER}/{}", uuid::Uuid::new_v4()))
    }

    async fn canary(&self) -> Result<(), WarehouseFault> {
        self.prepare().await?;
        let slot = Slot {
            connection: "canary".parse().expect("a plain key"),
            period: BillingPeriod::new(2000, 1).expect("a month"),
        };
        let version = VersionIdentity("canary".to_owned());
        let stage = self.begin(&slot, &version, "canary").await?;
        let mut part = stage.part(0)?;
        let batch = canary_row(self.options.table)?;
        self.costs
            .blocking(move |_| {
                part.write(&batch)?;
                part.finish()
            })
            .await?;
        let key = TagKey { original: "user:Canary".into(), folded: "user_canary".into(), collisions: 0 };
        stage.tag_keys(&[key]).await?;
        match stage.commit(ledger_row(&slot, version), Ordering::Enforced).await? {
            Committed::Replaced { .. } => {}
            Committed::Refused(decision) => {
                return Err(WarehouseFault::Corrupt(format!("the ledger refused the canary: {decision:?}")));
            }
        }
        self.read_canary(&slot).await?;
        if self.purge(&slot.connection, &[], None, Timestamp::now()).await? != 1
            || !self.ledger(None).await?.is_empty()
        {
            return Err(WarehouseFault::Corrupt("the canary's ledger row could not be removed".to_owned()));
        }
        Ok(())
    }

    async fn read_canary(&self, slot: &Slot) -> Result<(), WarehouseFault> {
        let mut found = Vec::new();
        let mut visit = |of: &Slot, batch: &RecordBatch| {
            let costs = batch.column(0).as_primitive_opt::<Decimal128Type>();
            found.extend(costs.into_iter().flatten().map(|cost| (of.clone(), cost)));
            Ok(())
        };
        let columns = [self.options.table.bill.unblended];
        let rows = self.read(&Selection::default(), &columns, &mut visit).await?.ledger.len();
        if found == [(slot.clone(), Some(CANARY))] && rows == 1 {
            Ok(())
        } else {
            Err(WarehouseFault::Corrupt("the canary".to_owned()))
        }
    }

    /// Creates one key twice. A store that takes both would let two writers commit the same version. The fault names the
    /// warehouse, not the probe's own place, so that it reads the same every time.
    async fn exclusive_create(&self, key: &Path) -> Result<(), WarehouseFault> {
        let put = |text: &'static str, mode: PutMode| {
            let (store, key) = (Arc::clone(&self.costs.store), key.clone());
            async move { store.put_opts(&key, PutPayload::from_static(text.as_bytes()), mode.into()).await }
        };
        if let Err(error) = put("first", PutMode::Create).await {
            // If it takes the object without the condition, the condition is all that it lacks.
            if fault::knows_no_condition(&error) && put("first", PutMode::Overwrite).await.is_ok() {
                let (location, cause) = (self.location().to_string(), fault::cause(&error));
                return Err(WarehouseFault::NoExclusiveCreate { location, cause });
            }
            return Err(fault::of_store("create an object", &error));
        }
        match put("second", PutMode::Create).await {
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {}
            Ok(_) => return Err(WarehouseFault::UnsafeStore { location: self.location().to_string() }),
            Err(error) => return Err(fault::of_store("create an object twice", &error)),
        }
        let read = async { self.costs.store.get(key).await?.bytes().await };
        let content = read.await.map_err(|error| fault::of_store("read an object", &error))?;
        if content.as_ref() == b"first" {
            Ok(())
        } else {
            Err(WarehouseFault::UnsafeStore { location: self.location().to_string() })
        }
    }

    /// Removes the probe's own place.
    async fn vanish(&self) -> Result<(), WarehouseFault> {
        let root: Path = self.root()?;
        maintain::remove_all(self.costs.store.as_ref(), &root).await?;
        self.remove_folders();
        Ok(())
    }

    /// Removes the folders of the probe's own place, which only a file system has.
    fn remove_folders(&self) {
        if let Some(folder) = self.location().folder() {
            maintain::remove_empty(folder);
            // The folder of all probes goes too, unless another one is under way.
            if let Some(parent) = folder.parent() {
                drop(std::fs::remove_dir(parent));
            }
        }
    }
}

fn canary_row(table: &TableContract) -> Result<RecordBatch, WarehouseFault> {
    let columns = table.schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            cost if cost == table.bill.unblended => {
                Arc::new(Decimal128Array::from(vec![CANARY]).with_data_type(DECIMAL))
            }
            "manifest_id" => Arc::new(StringArray::from(vec!["canary"])),
            _ => new_null_array(field.data_type(), 1),
        }
    });
    RecordBatch::try_new(table.schema.clone(), columns.collect())
        .map_err(|error| WarehouseFault::Corrupt(format!("the canary: {error}")))
}

fn ledger_row(slot: &Slot, version: VersionIdentity) -> LedgerRow {
    LedgerRow {
        connection: slot.connection.clone(),
        period: slot.period,
        version,
        source: VersionSource { location: "canary".to_owned(), report: "canary".to_owned(), rank: 0 },
        ordered_at: Timestamp::UNIX_EPOCH,
        owner: "probe".to_owned(),
        run: "canary".to_owned(),
        loaded_at: Timestamp::UNIX_EPOCH,
        files: 1,
        rows: 1,
        bytes: 1,
        totals: Default::default(),
        invoiced: false,
        tag_collisions: 0,
        missing_columns: Vec::new(),
        rounded: Default::default(),
        tool: super::table::ENGINE_INFO.to_owned(),
    }
}
