//! What `discovery` must do, case by case.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;

use super::*;
use crate::{
    model::Reason,
    report::{
        FileFormat, ListedObject, ReportAnchor, ReportFaultClass, StoreFault, StoreListing, StoreObject,
    },
};

/// A bucket in memory. Each put is a second later than the one before.
#[derive(Default)]
struct Bucket {
    objects: Mutex<BTreeMap<String, (Bytes, i64)>>,
    clock: Mutex<i64>,
    /// A key and what is put over it once its folder has been listed.
    meanwhile: Mutex<Option<(String, String)>>,
    /// A key that may not be read, and why.
    refused: Mutex<Option<(String, Reason)>>,
    /// A folder: its times are hints.
    folder: bool,
}

impl Bucket {
    fn put(&self, key: &str, body: &str) -> &Self {
        let mut clock = self.clock.lock().expect("lock");
        *clock += 1;
        let body = Bytes::copy_from_slice(body.as_bytes());
        self.objects.lock().expect("lock").insert(key.to_owned(), (body, *clock));
        self
    }

    fn manifest(&self, key: &str, assembly: &str, files: &[&str]) -> &Self {
        self.put(
            key,
            &format!(r#"{{"assemblyId":"{assembly}","bucket":"acme-billing","reportKeys":{files:?}}}"#),
        )
    }

    fn export(&self, key: &str, files: &[&str]) -> &Self {
        self.put(key, &format!(r#"{{"executionId":"0b5c","dataFiles":{files:?}}}"#))
    }

    fn look(&self, wanted: &WantedPeriods) -> Result<Vec<FoundPeriod>, ReportFault> {
        self.look_for(None, wanted)
    }

    fn look_for(
        &self,
        kind: Option<ReportKind>,
        wanted: &WantedPeriods,
    ) -> Result<Vec<FoundPeriod>, ReportFault> {
        self.look_at(&ReportRoot { kind, ..root("p") }, wanted, NOW)
    }

    fn look_at(
        &self,
        root: &ReportRoot,
        wanted: &WantedPeriods,
        now: i64,
    ) -> Result<Vec<FoundPeriod>, ReportFault> {
        let now = time(now).expect("a time");
        futures::executor::block_on(deliveries(self, root, wanted, now))
    }

    fn only(&self) -> Result<Delivery, ReportFault> {
        self.only_of(&root("p"), NOW)
    }

    fn only_of(&self, root: &ReportRoot, now: i64) -> Result<Delivery, ReportFault> {
        let mut found = self.look_at(root, &WantedPeriods::All, now)?;
        assert_eq!(found.len(), 1);
        found.remove(0).delivery
    }

    /// Waits until this many seconds after the bucket's first.
    fn at(&self, seconds: i64) -> &Self {
        *self.clock.lock().expect("lock") = seconds - 1;
        self
    }
}

/// An hour after the bucket's first second.
const NOW: i64 = 3600;
const HOUR: i64 = 3600;

fn time(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(1_795_000_000 + seconds).ok()
}

fn root(prefix: &str) -> ReportRoot {
    ReportRoot {
        anchor: ReportAnchor::Bucket("acme-billing".parse().expect("bucket")),
        prefix: prefix.parse().expect("prefix"),
        name: "r".parse().expect("name"),
        kind: None,
    }
}

#[async_trait]
impl ReportStore for Bucket {
    async fn list(&self, prefix: &str) -> Result<StoreListing, StoreFault> {
        let mut listing = StoreListing::default();
        for (key, (body, at)) in self.objects.lock().expect("lock").iter() {
            let Some(rest) = key.strip_prefix(prefix) else { continue };
            match rest.find('/') {
                Some(slash) => {
                    let folder = format!("{prefix}{}", &rest[..=slash]);
                    if !listing.folders.contains(&folder) {
                        listing.folders.push(folder);
                    }
                }
                None => listing.objects.push(ListedObject {
                    key: key.clone(),
                    etag: format!("{at}"),
                    size: body.len() as u64,
                    last_modified: time(*at).filter(|_| !self.folder),
                    file_time: time(*at).filter(|_| self.folder),
                }),
            }
        }
        let meanwhile = self.meanwhile.lock().expect("lock").take_if(|(key, _)| {
            key.rsplit_once('/').is_some_and(|(folder, _)| format!("{folder}/") == prefix)
        });
        if let Some((key, body)) = meanwhile {
            self.put(&key, &body);
        }
        Ok(listing)
    }

    async fn get(&self, key: &str, _limit: u64) -> Result<Option<StoreObject>, StoreFault> {
        if let Some((refused, reason)) = &*self.refused.lock().expect("lock")
            && key.contains(refused.as_str())
        {
            return Err(StoreFault::Refused { reason: *reason, problem: key.to_owned() });
        }
        let objects = self.objects.lock().expect("lock");
        Ok(objects.get(key).map(|(body, at)| StoreObject {
            bytes: body.clone(),
            etag: format!("{at}"),
            last_modified: time(*at).filter(|_| !self.folder),
            file_time: time(*at).filter(|_| self.folder),
        }))
    }
}

const RANGE: &str = "p/r/20261001-20261101";

fn overwrite(bucket: &Bucket, assembly: &str) {
    let files = [format!("{RANGE}/r-1.csv.gz"), format!("{RANGE}/r-2.csv.gz")];
    bucket.put(&files[0], assembly).put(&files[1], assembly);
    bucket.manifest(&format!("{RANGE}/r-Manifest.json"), assembly, &[&files[0], &files[1]]);
}

#[test]
fn an_overwritten_legacy_report() {
    let bucket = Bucket::default();
    overwrite(&bucket, "20261021T043010Z");
    let delivery = bucket.only().expect("delivered");
    assert_eq!(delivery.kind, ReportKind::LegacyCur);
    assert_eq!(delivery.files.len(), 2);
    assert_eq!(delivery.bytes(), 32);
    assert_eq!(delivery.ordered_at, "2026-10-21T04:30:10Z".parse().ok());
    assert_eq!(delivery.last_modified, time(3));
}

#[test]
fn an_assembly_id_that_is_no_time_leaves_the_order_to_the_manifest() {
    let bucket = Bucket::default();
    overwrite(&bucket, "ea74f90b-e82f-4d5e-9c53-0f1f4a1f5a55");
    assert_eq!(bucket.only().expect("delivered").ordered_at, time(3));
}

#[test]
fn create_new_reads_the_pointer() {
    let bucket = Bucket::default();
    for run in ["20261020T000000Z", "20261021T000000Z"] {
        let file = format!("{RANGE}/{run}/r-00001.csv.gz");
        bucket.put(&file, run);
        bucket.manifest(&format!("{RANGE}/{run}/r-Manifest.json"), run, &[&file]);
        bucket.manifest(&format!("{RANGE}/r-Manifest.json"), run, &[&file]);
    }
    let delivery = bucket.only().expect("delivered");
    assert_eq!(delivery.assembly.as_deref(), Some("20261021T000000Z"));
    assert_eq!(delivery.manifest_key, format!("{RANGE}/r-Manifest.json"));
}

#[test]
fn exports_in_either_spelling_and_with_the_time_in_the_folder() {
    let bucket = Bucket::default();
    let run = "2026-10-25T13:15:05.826Z-0b5c";
    let file = format!("p/r/data/BILLING_PERIOD=2026-10/{run}/r-00001.snappy.parquet");
    bucket.put(&file, "x").export("p/r/metadata/BILLING_PERIOD=2026-10/r-Manifest.json", &[&file]);
    let file = "p/r/data/billing_period=2026-11/r-00001.csv.gz";
    bucket.put(file, "y").export(
        "p/r/metadata/billing_period=2026-11/r-Manifest.json",
        &[&format!("s3://acme-billing/{file}")],
    );
    bucket.put("p/r/metadata/billing_period=2026-11/r-Metadata.json", "{}");
    let found = bucket.look(&WantedPeriods::All).expect("found");
    let deliveries: Vec<Delivery> =
        found.into_iter().map(|found| found.delivery.expect("delivered")).collect();
    assert_eq!(deliveries[0].ordered_at, "2026-10-25T13:15:05.826Z".parse().ok());
    assert_eq!(deliveries[0].format, FileFormat::Parquet);
    assert_eq!(deliveries[1].ordered_at, time(4));
    assert_eq!(deliveries[1].format, FileFormat::CsvGz);
}

#[test]
fn legacy_parquet_with_its_manifest_in_either_place_and_its_status() {
    for manifest in
        [format!("{RANGE}/r-Manifest.json"), "p/r/r/year=2026/month=10/r-Manifest.json".to_owned()]
    {
        let bucket = Bucket::default();
        let file = "p/r/r/year=2026/month=10/r-00001.snappy.parquet";
        let status = "p/r/r/cost_and_usage_data_status/cost_and_usage_data_status.parquet";
        bucket.put(status, "PAR1..READY..PAR1").put(file, "x").manifest(&manifest, "a", &[file]);
        assert_eq!(bucket.only().expect("delivered").manifest_key, manifest);
        bucket.put(status, "PAR1..UPDATING..PAR1");
        assert!(matches!(bucket.only(), Err(ReportFault::DeliveryInProgress { .. })));
    }
}

#[test]
fn a_delivery_caught_half_way_is_not_a_version_until_it_is_whole() {
    let bucket = Bucket::default();
    overwrite(&bucket, "20261020T000000Z");
    let before = bucket.only().expect("delivered").version;
    bucket.put(&format!("{RANGE}/r-1.csv.gz"), "new");
    let torn = bucket.only().expect_err("torn");
    assert!(matches!(&torn, ReportFault::DeliveryInProgress { sign, .. } if sign.contains("r-1.csv.gz")));
    assert_eq!(torn.class(), ReportFaultClass::NotYet);
    overwrite(&bucket, "20261021T000000Z");
    assert_ne!(bucket.only().expect("whole again").version, before);
}

#[test]
fn a_manifest_that_changes_during_the_look_is_no_version() {
    let bucket = Bucket::default();
    overwrite(&bucket, "20261020T000000Z");
    *bucket.meanwhile.lock().expect("lock") = Some((format!("{RANGE}/r-Manifest.json"), "{}".to_owned()));
    assert!(matches!(bucket.only(), Err(ReportFault::DeliveryInProgress { .. })));
}

#[test]
fn a_listed_file_that_is_not_there_is_named() {
    let bucket = Bucket::default();
    overwrite(&bucket, "a");
    bucket.objects.lock().expect("lock").remove(&format!("{RANGE}/r-2.csv.gz"));
    let fault = bucket.only().expect_err("incomplete");
    assert!(fault.to_string().contains("r-2.csv.gz"), "{fault}");
    assert_eq!(fault.class(), ReportFaultClass::Data);
}

#[test]
fn one_bad_period_does_not_hide_the_others() {
    let bucket = Bucket::default();
    overwrite(&bucket, "a");
    bucket.put("p/r/20260901-20261001/r-Manifest.json", "{}");
    let found = bucket.look(&WantedPeriods::All).expect("found");
    assert!(matches!(found[0].delivery, Err(ReportFault::Manifest { .. })));
    assert!(found[1].delivery.is_ok());
}

#[test]
fn a_missing_period_is_reported() {
    let bucket = Bucket::default();
    overwrite(&bucket, "a");
    let wanted = WantedPeriods::Only(BTreeSet::from(["2026-12".parse().expect("period")]));
    let found = bucket.look(&wanted).expect("found");
    assert_eq!(found.len(), 1);
    assert!(matches!(found[0].delivery, Err(ReportFault::NoManifest { .. })));
    let said = found[0].delivery.as_ref().expect_err("nothing").to_string();
    assert!(said.contains("only 2026-10 exists"), "{said}");
}

#[test]
fn nothing_there_and_both_there_are_told_apart() {
    let bucket = Bucket::default();
    bucket.put("p/aws-programmatic-access-test-object", "");
    assert!(matches!(bucket.look(&WantedPeriods::All), Err(ReportFault::NothingDelivered { .. })));
    overwrite(&bucket, "a");
    let file = "p/r/data/BILLING_PERIOD=2026-10/r-1.csv.gz";
    bucket.put(file, "").export("p/r/metadata/BILLING_PERIOD=2026-10/r-Manifest.json", &[file]);
    assert!(matches!(bucket.look(&WantedPeriods::All), Err(ReportFault::TwoKinds { .. })));
    for kind in [ReportKind::LegacyCur, ReportKind::Cur2] {
        let found = bucket.look_for(Some(kind), &WantedPeriods::All).expect("found");
        assert_eq!(found[0].delivery.as_ref().expect("delivered").kind, kind);
    }
}

#[path = "tests/instead.rs"]
mod instead;
#[path = "tests/several.rs"]
mod several;
#[path = "tests/unfinished.rs"]
mod unfinished;
