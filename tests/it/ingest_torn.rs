//! A delivery caught half-way in overwrite mode: never loaded, and the next whole one is.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use awscost::{
    ingest::{
        outcome::EndedPeriod,
        plan::{Terms, plan},
        progress::Progress,
        right_bill::ExpectedBill,
        run::Loader,
        source::FolderSource,
    },
    model::{Outcome, ReportKind},
    report::{
        BillSource, DeliveredFile, FoundPeriod, ReportAnchor, ReportRoot, ReportStore, SourceFile,
        StoreFault, StoreListing, StoreObject, WantedPeriods, deliveries,
    },
    warehouse::{
        Warehouse,
        ledger::{Ordering, VersionSource},
        memory::MemoryWarehouse,
    },
};
use awscost_sandbox::bill::Totals;
use tokio_util::sync::CancellationToken;

use super::ingest_place::{FIRST, Place, legacy_overwrite, same_totals, spec};

/// What is done to a place.
type Change = Box<dyn FnOnce(&Place) + Send>;

/// A folder whose time stamps count, as a bucket's do.
struct Bucket {
    folder: FolderSource,
    place: Place,
    /// Runs once, when the next data file is opened.
    meanwhile: std::sync::Mutex<Option<Change>>,
}

impl Bucket {
    fn new() -> Self {
        let place = Place::new();
        Self { folder: FolderSource::new(place.bucket().join("cur")), place, meanwhile: Default::default() }
    }

    fn modified(&self, key: &str) -> Option<jiff::Timestamp> {
        let path = self.place.bucket().join("cur").join(key);
        let time: SystemTime = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
        time.try_into().ok()
    }

    /// Delivers version `version`, all files stamped with the second of that number.
    fn deliver(&self, version: u32) -> Totals {
        let mut spec = spec();
        spec.options.version = version;
        let totals = self.place.deliver(&spec, &legacy_overwrite(), FIRST);
        for file in ["acme-00001.csv.gz", "acme-00002.csv.gz", "acme-00003.csv.gz", "acme-Manifest.json"] {
            stamp(&self.place, file, version);
        }
        totals
    }

    async fn found(&self) -> Vec<FoundPeriod> {
        deliveries(self, &root(), &WantedPeriods::All, jiff::Timestamp::now()).await.expect("a report")
    }
}

/// An hour ago: a delivery that is caught half-way is a recent one.
static BEGUN: LazyLock<SystemTime> = LazyLock::new(|| SystemTime::now() - Duration::from_secs(3600));

fn stamp(place: &Place, file: &str, second: u32) {
    place.stamp(file, *BEGUN + Duration::from_secs(second.into()));
}

/// Replaces the first data file by the one of another version, as a delivery under way does.
fn tear(place: &Place, version: u32) {
    let other = Place::new();
    let mut spec = spec();
    spec.options.version = version;
    other.deliver(&spec, &legacy_overwrite(), FIRST);
    let file = "acme-00001.csv.gz";
    std::fs::copy(other.range_folder().join(file), place.range_folder().join(file)).expect("copied");
    stamp(place, file, version);
}

fn root() -> ReportRoot {
    ReportRoot {
        anchor: ReportAnchor::Folder,
        prefix: "".parse().expect("a prefix"),
        name: "acme".parse().expect("a name"),
        kind: Some(ReportKind::LegacyCur),
    }
}

#[async_trait]
impl ReportStore for Bucket {
    async fn list(&self, prefix: &str) -> Result<StoreListing, StoreFault> {
        let mut listing = self.folder.list(prefix).await?;
        for object in &mut listing.objects {
            object.last_modified = self.modified(&object.key);
        }
        Ok(listing)
    }

    async fn get(&self, key: &str, limit: u64) -> Result<Option<StoreObject>, StoreFault> {
        let object = self.folder.get(key, limit).await?;
        Ok(object.map(|object| StoreObject { last_modified: self.modified(key), ..object }))
    }
}

impl BillSource for Bucket {
    fn file(&self, listed: &DeliveredFile) -> Arc<dyn SourceFile> {
        let file = self.folder.file(listed);
        if let Some(change) = self.meanwhile.lock().expect("lock").take() {
            change(&self.place);
        }
        file
    }
}

async fn load(bucket: &Bucket, warehouse: &MemoryWarehouse, found: Vec<FoundPeriod>) -> EndedPeriod {
    let terms = Terms {
        connection: "acme".parse().expect("a key"),
        owner: "cli".to_owned(),
        source: VersionSource {
            location: "s3://acme-billing/cur".to_owned(),
            report: "acme".to_owned(),
            rank: 0,
        },
        ordering: Ordering::Enforced,
        as_of: None,
        expect: None,
    };
    let rows = warehouse.ledger(Some(&terms.connection)).await.expect("a ledger");
    warehouse.prepare().await.expect("prepared");
    let loader = Loader {
        source: bucket,
        root: &root(),
        warehouse,
        terms: &terms,
        expected: ExpectedBill::Anyone,
        workers: 2,
        stop: CancellationToken::new(),
        progress: Arc::new(Progress::default()),
    };
    loader.carry_out(plan(found, &rows, &terms).remove(0), &rows).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_delivery_waits_and_the_whole_one_loads() {
    let (bucket, warehouse) = (Bucket::new(), MemoryWarehouse::new());
    bucket.deliver(1);
    let first = load(&bucket, &warehouse, bucket.found().await).await;
    assert_eq!(first.report.outcome, Outcome::Loaded, "{first:?}");
    tear(&bucket.place, 2);
    let torn = load(&bucket, &warehouse, bucket.found().await).await;
    assert_eq!(torn.report.outcome, Outcome::DeliveryInProgress, "{torn:?}");
    let totals = bucket.deliver(2);
    let whole = load(&bucket, &warehouse, bucket.found().await).await;
    assert_eq!(whole.report.outcome, Outcome::Loaded, "{whole:?}");
    same_totals(&whole.report, &totals);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_tears_while_it_is_read_is_started_over_and_not_loaded() {
    let (bucket, warehouse) = (Bucket::new(), MemoryWarehouse::new());
    bucket.deliver(1);
    let found = bucket.found().await;
    *bucket.meanwhile.lock().expect("lock") = Some(Box::new(|place| tear(place, 2)));
    let torn = load(&bucket, &warehouse, found).await;
    assert_eq!(torn.report.outcome, Outcome::DeliveryInProgress, "{torn:?}");
    assert!(warehouse.ledger(None).await.expect("a ledger").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_replaced_while_it_is_read_is_loaded_in_its_new_version() {
    let bucket = Arc::new(Bucket::new());
    let warehouse = MemoryWarehouse::new();
    bucket.deliver(1);
    let found = bucket.found().await;
    let (again, delivered) = (Arc::clone(&bucket), Arc::new(std::sync::Mutex::new(None)));
    let told = Arc::clone(&delivered);
    *bucket.meanwhile.lock().expect("lock") =
        Some(Box::new(move |_| *told.lock().expect("lock") = Some(again.deliver(2))));
    let ended = load(&bucket, &warehouse, found).await;
    assert_eq!(ended.report.outcome, Outcome::Loaded, "{ended:?}");
    let totals = delivered.lock().expect("lock").take().expect("delivered meanwhile");
    same_totals(&ended.report, &totals);
}
