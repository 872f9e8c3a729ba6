//! What is said where no period, no manifest, another kind or another report is found.

use super::*;

const DATA: &str = "p/r/data/BILLING_PERIOD=2026-10/r-1.csv.gz";

fn said(bucket: &Bucket, kind: Option<ReportKind>, wanted: &WantedPeriods) -> String {
    match bucket.look_for(kind, wanted) {
        Err(fault) => {
            assert_eq!(
                (fault.class(), fault.reason()),
                (ReportFaultClass::NotYet, Reason::AwaitingFirstDelivery)
            );
            fault.to_string()
        }
        Ok(found) => {
            assert!(!found.is_empty(), "silence");
            found.iter().map(|found| found.delivery.as_ref().expect_err("nothing").to_string()).collect()
        }
    }
}

#[test]
fn a_missing_report_names_what_is_there_instead() {
    let october = WantedPeriods::Only(BTreeSet::from(["2026-10".parse().expect("a period")]));
    let (legacy, cur2) = (Some(ReportKind::LegacyCur), Some(ReportKind::Cur2));
    let range = "p/r/20261001-20261101/r-1.csv.gz";
    let month = "p/r/r/year=2026/month=10/r-1.snappy.parquet";
    for (key, kind, expected) in [
        (DATA, None, &["data/BILLING_PERIOD=2026-10/", "metadata/", "r-Manifest.json"][..]),
        (DATA, cur2, &["data/BILLING_PERIOD=2026-10/", "metadata/"]),
        (DATA, legacy, &["data/", "a data export", "Cur2"]),
        (range, None, &["20261001-20261101/", "r-1.csv.gz", "lacks r-Manifest.json"]),
        (range, cur2, &["20261001-20261101/", "legacy report", "LegacyCur"]),
        (month, None, &["year=2026/month=10/", "lacks r-Manifest.json"]),
        (month, cur2, &["r/", "legacy report", "LegacyCur"]),
        (
            "p/r/metadata/BILLING_PERIOD=202610/r-Manifest.json",
            None,
            &["metadata/BILLING_PERIOD=202610/", "metadata/BILLING_PERIOD=2026-10/ should be"],
        ),
        ("p/r/metadata/date=2026-10-01/r-Manifest.json", None, &["date=2026-10-01/", "not a bill"]),
        ("p/r/oops/x", None, &["oops/", "20261001-20261101/", "metadata/BILLING_PERIOD=2026-10/"]),
        ("p/r/oops/x", legacy, &["oops/", "20261001-20261101/"]),
        ("p/r/20261001-20261102/r-Manifest.json", legacy, &["20261001-20261102/"]),
        ("p/r/r/oops/x", legacy, &["r/oops/"]),
        ("p/r/r-Manifest.json", None, &["it contains r-Manifest.json"]),
    ] {
        let bucket = Bucket::default();
        bucket.put(key, "x");
        for wanted in [&WantedPeriods::All, &october] {
            let said = said(&bucket, kind, wanted);
            for part in expected {
                assert!(said.contains(part), "{key} {kind:?}: no {part:?} in {said:?}");
            }
        }
    }
}

#[test]
fn a_month_with_data_but_no_manifest_is_reported() {
    let bucket = Bucket::default();
    bucket.put(DATA, "x").export("p/r/metadata/BILLING_PERIOD=2026-10/r-Manifest.json", &[DATA]);
    bucket.put("p/r/data/BILLING_PERIOD=2026-11/r-1.csv.gz", "x");
    let found = bucket.look(&WantedPeriods::All).expect("found");
    assert!(found[0].delivery.is_ok());
    let fault = found[1].delivery.as_ref().expect_err("no manifest");
    assert!(fault.to_string().starts_with("2026-11 has no manifest yet: p/r/data/BILLING_PERIOD=2026-11/"));
}

#[test]
fn what_lies_beside_a_report_of_which_nothing_is_there_is_named() {
    let bucket = Bucket::default();
    bucket.put("p/other/20261001-20261101/other-Manifest.json", "{}").put("p/third/data/x", "x");
    let fault = bucket.look(&WantedPeriods::All).expect_err("nothing");
    assert!(matches!(&fault, ReportFault::NothingDelivered { seen, .. } if seen.is_empty()));
    let told = futures::executor::block_on(beside(&bucket, &root("p"), fault)).to_string();
    assert!(told.ends_with("; beside it is other/, third/"), "{told}");
    let empty = Bucket::default();
    let fault = empty.look(&WantedPeriods::All).expect_err("nothing");
    let same = futures::executor::block_on(beside(&empty, &root("p"), fault.clone()));
    assert_eq!(same, fault);
}

#[test]
fn an_unreadable_object_does_not_block_other_months() {
    let bucket = Bucket::default();
    overwrite(&bucket, "a");
    bucket.put("p/r/20260901-20261001/r-Manifest.json", "{}");
    let refuse = |key: &str, reason| *bucket.refused.lock().expect("lock") = Some((key.to_owned(), reason));
    refuse("20260901", Reason::ObjectArchived);
    let found = bucket.look(&WantedPeriods::All).expect("found");
    assert!(matches!(found[0].delivery, Err(ReportFault::Store(StoreFault::Refused { .. }))));
    assert!(found[1].delivery.is_ok());
    refuse("Manifest", Reason::ObjectArchived);
    assert!(matches!(bucket.look(&WantedPeriods::All), Err(ReportFault::Store(_))), "all months alike: once");
    refuse("20260901", Reason::BucketNotFound);
    assert!(
        matches!(bucket.look(&WantedPeriods::All), Err(ReportFault::Store(_))),
        "no matter of one object"
    );
}
