//! Several manifests of one period: the newest is taken, in whatever layout, spelling or dialect.

use super::*;

/// A place in which a version may lie: its manifest and its file.
type Layout = (&'static str, &'static str);

const LEGACY: [Layout; 6] = [
    ("p/r/20261001-20261101/r-Manifest.json", "p/r/20261001-20261101/r-1.csv.gz"),
    ("p/r/20261001-20261031/r-Manifest.json", "p/r/20261001-20261031/r-1.csv.gz"),
    ("p/r/20261001-20261101/r-Manifest.json", "p/r/r/year=2026/month=10/r-1.snappy.parquet"),
    ("p/r/r/year=2026/month=10/r-Manifest.json", "p/r/r/year=2026/month=10/r-1.snappy.parquet"),
    ("p/r/20261001-20261101/r-Manifest.json", "p/r/20261001-20261101/ID/r-1.csv.gz"),
    ("p/r/20261001-20261101/ID/r-Manifest.json", "p/r/20261001-20261101/ID/r-1.csv.gz"),
];
const EXPORT: [Layout; 5] = [
    ("p/r/metadata/BILLING_PERIOD=2026-10/r-Manifest.json", "p/r/data/BILLING_PERIOD=2026-10/r-1.csv.gz"),
    (
        "p/r/metadata/billing_period=2026-10/r-Manifest.json",
        "p/r/data/billing_period=2026-10/r-1.snappy.parquet",
    ),
    (
        "p/r/metadata/BILLING_PERIOD=2026-10/r-Manifest.json",
        "p/r/data/BILLING_PERIOD=2026-10/TIME-id/r-1.csv.gz",
    ),
    (
        "p/r/metadata/BILLING_PERIOD=2026-10/TIME-id/r-Manifest.json",
        "p/r/data/BILLING_PERIOD=2026-10/TIME-id/r-1.csv.gz",
    ),
    (
        "p/r/metadata/billing_period=2026-10/TIME-id/r-Manifest.json",
        "p/r/data/billing_period=2026-10/TIME-id/r-1.snappy.parquet",
    ),
];

/// Delivers a version that is made in this hour: file and manifest, whose key is given back.
fn put(bucket: &Bucket, layout: Layout, hour: i64) -> String {
    put_at(bucket, layout, hour, hour * HOUR + 60)
}

/// The same, put at this second.
fn put_at(bucket: &Bucket, (manifest, file): Layout, hour: i64, second: i64) -> String {
    let made = time(hour * HOUR).expect("a time");
    let assembly = made.strftime("%Y%m%dT%H%M%SZ").to_string();
    let run = made.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    let named = |key: &str| key.replace("ID", &assembly).replace("TIME", &run);
    let (manifest, file) = (named(manifest), named(file));
    bucket.at(second).put(&file, &hour.to_string());
    if manifest.contains("/metadata/") {
        bucket.export(&manifest, &[&file]);
    } else {
        bucket.manifest(&manifest, &assembly, &[&file]);
    }
    manifest
}

#[test]
fn the_newest_is_taken_whatever_was_switched_and_in_whatever_order_they_are_found() {
    for family in [&LEGACY[..], &EXPORT[..]] {
        for old in family {
            for new in family {
                let bucket = Bucket::default();
                put(&bucket, *old, 3);
                let newest = put(&bucket, *new, 9);
                let delivery = bucket.only().unwrap_or_else(|fault| panic!("{old:?} {new:?}: {fault}"));
                assert_eq!(delivery.manifest_key, newest, "{old:?} {new:?}");
                assert_eq!(delivery.files[0].size, 1);
                let file = bucket.objects.lock().expect("lock")[&delivery.files[0].key].0.clone();
                assert_eq!(&file[..], b"9", "{old:?} {new:?}");
            }
        }
    }
}

#[test]
fn a_copy_of_an_old_version_that_was_put_last_stays_the_old_one() {
    let bucket = Bucket::default();
    let newest = put(&bucket, LEGACY[3], 9);
    put_at(&bucket, LEGACY[0], 3, 99 * HOUR);
    assert_eq!(bucket.only().expect("delivered").manifest_key, newest);
}

#[test]
fn a_copy_s_own_times_are_not_compared_with_those_in_names() {
    let bucket = Bucket::default();
    let keys = [put_at(&bucket, EXPORT[4], 9, 99 * HOUR), put_at(&bucket, EXPORT[0], 3, 99 * HOUR + 60)];
    let fault = bucket.only().expect_err("no order");
    assert_eq!(fault.reason(), Reason::ManifestAmbiguous);
    assert!(keys.iter().all(|key| fault.to_string().contains(key.as_str())), "{fault}");
}

#[test]
fn a_report_without_prefix_may_lie_under_both_bases() {
    for [old, new] in [["r", "/r"], ["/r", "r"]] {
        let bucket = Bucket::default();
        for (base, hour) in [(old, 3), (new, 9)] {
            let file = format!("{base}/20261001-20261101/r-1.csv.gz");
            bucket.put(&file, "x");
            let assembly = format!("20261105T{hour:02}0000Z");
            bucket.manifest(&format!("{base}/20261001-20261101/r-Manifest.json"), &assembly, &[&file]);
        }
        let delivery = bucket.only_of(&root(""), NOW).expect("delivered");
        assert!(delivery.manifest_key.starts_with(&format!("{new}/2026")), "{}", delivery.manifest_key);
    }
}

#[test]
fn one_version_that_two_manifests_name_is_one() {
    let bucket = Bucket::default();
    let file = "p/r/r/year=2026/month=10/r-1.snappy.parquet";
    bucket.put(file, "x");
    for manifest in [LEGACY[0].0, LEGACY[3].0] {
        bucket.manifest(manifest, "20261105T030000Z", &[file]);
    }
    assert_eq!(bucket.only().expect("delivered").files[0].key, file);
}

#[test]
fn equal_ones_are_refused_by_name() {
    let bucket = Bucket::default();
    let keys = [put(&bucket, LEGACY[0], 3), put(&bucket, LEGACY[3], 3)];
    let fault = bucket.only().expect_err("no order");
    assert_eq!((fault.class(), fault.reason()), (ReportFaultClass::Data, Reason::ManifestAmbiguous));
    assert!(keys.iter().all(|key| fault.to_string().contains(key.as_str())), "{fault}");
    put(&bucket, LEGACY[1], 4);
    assert!(bucket.only().is_ok(), "a newer one settles it");
}

#[test]
fn ones_without_a_time_are_refused_by_name_in_a_folder_and_ordered_in_a_bucket() {
    for folder in [true, false] {
        let bucket = Bucket { folder, ..Bucket::default() };
        let keys = [put(&bucket, EXPORT[0], 3), put(&bucket, EXPORT[1], 4)];
        match bucket.only() {
            Ok(delivery) => assert_eq!((folder, delivery.manifest_key), (false, keys[1].clone())),
            Err(fault) => {
                assert!(folder, "{fault}");
                assert!(keys.iter().all(|key| fault.to_string().contains(key.as_str())), "{fault}");
            }
        }
    }
}

#[test]
fn old_folders_of_single_versions_say_nothing_against_the_manifest_that_points() {
    let bucket = Bucket { folder: true, ..Bucket::default() };
    put(&bucket, EXPORT[3], 3);
    let current = put(&bucket, EXPORT[0], 9);
    assert_eq!(bucket.only().expect("delivered").manifest_key, current);
}

#[test]
fn one_that_can_t_be_read_counts_only_if_it_may_be_the_newest() {
    let bucket = Bucket::default();
    bucket.put(LEGACY[0].0, "{}");
    let good = put(&bucket, LEGACY[3], 3);
    assert_eq!(bucket.only().expect("delivered").manifest_key, good);
    bucket.put(LEGACY[0].0, "");
    let fault = bucket.only().expect_err("newer, and empty");
    assert!(fault.to_string().contains("zero bytes"), "{fault}");
}

#[test]
fn a_name_with_a_time_to_come_is_not_believed() {
    let bucket = Bucket::default();
    overwrite(&bucket, "20991231T000000Z");
    let delivery = bucket.only().expect("delivered");
    assert_eq!(delivery.ordered_at, time(3), "the manifest's Last-Modified");
    let newest = put(&bucket, LEGACY[3], 3);
    assert_eq!(bucket.only().expect("delivered").manifest_key, newest, "what really came later");
    let folder = Bucket { folder: true, ..Bucket::default() };
    overwrite(&folder, "20991231T000000Z");
    let delivery = folder.only().expect("delivered");
    assert_eq!((delivery.ordered_at, delivery.named_time), (None, "2099-12-31T00:00:00Z".parse().ok()));
}
