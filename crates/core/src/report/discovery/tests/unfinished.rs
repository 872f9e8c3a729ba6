//! Files that are newer than their manifest: a delivery under way, one that never ended, or a copy.

use super::*;

#[test]
fn a_folder_of_one_version_may_be_copied_in_any_order() {
    for (manifest, file) in [
        ("p/r/20261001-20261101/r-Manifest.json", "p/r/20261001-20261101/20261005T030000Z/r-1.csv.gz"),
        (
            "p/r/metadata/BILLING_PERIOD=2026-10/r-Manifest.json",
            "p/r/data/BILLING_PERIOD=2026-10/2026-10-05T03:00:00.000Z-id/r-1.csv.gz",
        ),
    ] {
        let bucket = Bucket::default();
        match manifest.contains("metadata") {
            true => bucket.export(manifest, &[file]),
            false => bucket.manifest(manifest, "20261005T030000Z", &[file]),
        };
        bucket.put(file, "x");
        assert_eq!(bucket.only().expect("it is whole").files.len(), 1, "{manifest}");
        bucket.objects.lock().expect("lock").remove(file);
        assert!(matches!(bucket.only(), Err(ReportFault::PartsMissing { .. })), "{manifest}");
    }
}

#[test]
fn a_month_whose_files_stay_newer_is_unfinished_after_eight_hours() {
    let export = "p/r/metadata/BILLING_PERIOD=2026-10/r-Manifest.json";
    let in_export = "p/r/data/BILLING_PERIOD=2026-10/r-1.csv.gz";
    let in_range = format!("{RANGE}/r-1.csv.gz");
    let legacy = format!("{RANGE}/r-Manifest.json");
    for (manifest, file) in [(export, in_export), (legacy.as_str(), in_range.as_str())] {
        let bucket = Bucket::default();
        let put_manifest = || match manifest == export {
            true => bucket.export(manifest, &[file]),
            false => bucket.manifest(manifest, "20261005T030000Z", &[file]),
        };
        put_manifest();
        bucket.put(file, "x");
        let look = |now| bucket.only_of(&root("p"), now);
        let early = look(8 * HOUR).expect_err("under way");
        assert!(matches!(early, ReportFault::DeliveryInProgress { .. }), "{early}");
        let late = look(8 * HOUR + 10).expect_err("it never ends");
        assert_eq!(
            (late.class(), late.reason()),
            (ReportFaultClass::Data, Reason::DeliveryUnfinished),
            "{late}"
        );
        let said = late.to_string();
        assert!(
            said.contains(file) && said.contains(&format!("write s3://acme-billing/{manifest}")),
            "{said}"
        );
        // What the message advises, and it is a version.
        put_manifest();
        assert_eq!(look(9 * HOUR).expect("whole").files.len(), 1);
    }
}

#[test]
fn a_status_that_stays_updating_is_told_too() {
    let bucket = Bucket::default();
    let file = "p/r/r/year=2026/month=10/r-00001.snappy.parquet";
    let status = "p/r/r/cost_and_usage_data_status/cost_and_usage_data_status.parquet";
    bucket.put(status, "PAR1..UPDATING..PAR1").put(file, "x");
    bucket.manifest(&format!("{RANGE}/r-Manifest.json"), "a", &[file]);
    let look = |now| bucket.only_of(&root("p"), now).expect_err("updating");
    assert!(matches!(look(8 * HOUR), ReportFault::DeliveryInProgress { .. }));
    let late = look(8 * HOUR + 10);
    assert_eq!(late.reason(), Reason::DeliveryUnfinished);
    assert!(late.to_string().contains(status), "{late}");
}

#[test]
fn a_folder_warns_of_a_torn_copy_where_its_times_were_kept() {
    let bucket = Bucket { folder: true, ..Bucket::default() };
    overwrite(&bucket, "20261105T000000Z");
    bucket.at(2 * 24 * HOUR);
    overwrite(&bucket, "20261107T000000Z");
    assert_eq!(bucket.only().expect("delivered").torn, None);
    let old = bucket.objects.lock().expect("lock")[&format!("{RANGE}/r-2.csv.gz")].clone();
    bucket.objects.lock().expect("lock").insert(format!("{RANGE}/r-2.csv.gz"), (old.0, 2));
    let torn = bucket.only().expect("a folder is not refused").torn.expect("it is said");
    assert!(torn.contains("r-2.csv.gz") && torn.contains("copy its folder again"), "{torn}");
    bucket.at(4 * 24 * HOUR).put(&format!("{RANGE}/r-2.csv.gz"), "newer");
    let torn = bucket.only().expect("a folder is not refused").torn.expect("it is said");
    assert!(torn.contains("after the manifest's"), "{torn}");
}
