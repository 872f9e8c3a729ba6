//! Nothing passes for something: what is missing is said, by exit code and in words, and one bad month is no other's fault.

use std::path::Path;

use awscost_sandbox::bill::{BillSpec, Dialect, PartitionCase, Versioning};

use super::ingest_place::{FIRST, Place, Run, legacy_overwrite, same_totals, spec};

fn export() -> Dialect {
    Dialect::Cur2CsvGz {
        versioning: Versioning::Overwrite,
        partition_case: PartitionCase::Upper,
        execution_id: String::new(),
    }
}

fn november() -> BillSpec {
    BillSpec { period: "2026-11".to_owned(), ..spec() }
}

/// Asserts that a place loads nothing, and says why in both forms of output, whether a month is asked for or not.
fn says(place: &Place, options: &[&str], expected: &[&str]) {
    for period in [&[][..], &["--period", "2026-10"]] {
        let options = [options, period].concat();
        let run = place.ingest(&options);
        let (exit, said) = place.ingest_for_people(&options);
        assert_eq!((run.exit, exit), (Some(12), Some(12)), "{options:?}: {run:?} {said}");
        let reports: Vec<&str> = run.reports.iter().filter_map(|report| report.message.as_deref()).collect();
        for said in [format!("{}{}", run.stderr, reports.join("\n")), said] {
            for part in expected {
                assert!(said.contains(part), "{options:?}: no {part:?} in {said}");
            }
        }
    }
}

fn remove(folder: &Path) {
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn data_without_its_metadata() {
    let place = Place::new();
    place.deliver(&spec(), &export(), FIRST);
    remove(&place.bucket().join("cur/acme/metadata"));
    let seen = ["data/BILLING_PERIOD=2026-10/", "metadata/ with its", "acme-Manifest.json"];
    says(&place, &["--as-of", FIRST], &seen);
    says(&place, &["--kind", "Cur2"], &seen);
    says(&place, &["--kind", "LegacyCur"], &["data/", "a data export, whose kind is Cur2"]);
}

#[test]
fn folders_of_another_kind_or_spelling() {
    let place = Place::new();
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    says(&place, &["--kind", "Cur2"], &["20261001-20261101/", "whose kind is LegacyCur"]);
    std::fs::remove_file(place.range_folder().join("acme-Manifest.json")).expect("removed");
    says(&place, &[], &["20261001-20261101/ holds acme-00001.csv.gz", "lacks acme-Manifest.json"]);
    let odd = place.bucket().join("cur/acme/metadata/BILLING_PERIOD=202610");
    remove(&place.range_folder());
    std::fs::create_dir_all(&odd).expect("a folder");
    std::fs::write(odd.join("acme-Manifest.json"), "{}").expect("written");
    says(&place, &[], &["metadata/BILLING_PERIOD=202610/", "metadata/BILLING_PERIOD=2026-10/ should be"]);
}

#[test]
fn another_report_beside_where_nothing_is() {
    let place = Place::new();
    place.deliver(&BillSpec { report_name: "acme-2".to_owned(), ..spec() }, &legacy_overwrite(), FIRST);
    says(&place, &[], &["nothing was delivered", "beside it is acme-2/"]);
}

fn of<'a>(run: &'a Run, period: &str) -> &'a awscost::model::PeriodReport {
    let of = |report: &&awscost::model::PeriodReport| report.period.to_string() == period;
    let found = run.reports.iter().find(of);
    assert!(found.is_some(), "{period}: {run:?}");
    found.expect("asserted")
}

#[test]
fn a_newest_month_without_rows_is_an_empty_month_and_tells_no_payer() {
    for dialect in [legacy_overwrite(), export()] {
        let place = Place::new();
        let october = place.deliver(&spec(), &dialect, FIRST);
        place.deliver(&BillSpec { rows: 0, ..november() }, &dialect, "2026-11-01T05:10:00Z");
        let run = place.ingest(&["--as-of", "2026-11-01T06:00:00Z"]);
        assert_eq!(run.exit, Some(0), "{run:?}");
        same_totals(of(&run, "2026-10"), &october);
        let empty = of(&run, "2026-11");
        assert_eq!((format!("{:?}", empty.outcome), empty.rows), ("Loaded".to_owned(), 0));
    }
}

#[test]
fn a_newest_month_that_is_broken_is_named_and_stops_no_other() {
    let file = |place: &Place| place.bucket().join("cur/acme/20261101-20261201/acme-00001.csv.gz");
    let manifest = |place: &Place| place.bucket().join("cur/acme/20261101-20261201/acme-Manifest.json");
    let write = |path: &Path, body: &[u8]| std::fs::write(path, body).expect("written");
    type Break<'a> = &'a dyn Fn(&Place);
    let cases: [(Break<'_>, &str, &str); 5] = [
        (&|place| write(&file(place), b""), "ParseFailed", "acme-00001.csv.gz is empty: zero bytes"),
        (&|place| write(&file(place), b"\x1f\x8b\x08half"), "ParseFailed", "acme-00001.csv.gz"),
        (
            &|place| std::fs::remove_file(file(place)).expect("removed"),
            "ManifestPartsMissing",
            "acme-00001.csv.gz",
        ),
        (&|place| write(&manifest(place), b""), "ManifestUnreadable", "zero bytes"),
        (&|place| write(&manifest(place), b"{}"), "ManifestUnreadable", "not a manifest"),
    ];
    for (number, (broken, reason, words)) in cases.into_iter().enumerate() {
        let place = Place::new();
        let october = place.deliver(&spec(), &legacy_overwrite(), FIRST);
        place.deliver(&november(), &legacy_overwrite(), "2026-11-01T05:10:00Z");
        broken(&place);
        let run = place.ingest(&[]);
        assert_eq!(run.exit, Some(10), "{number}: {run:?}");
        same_totals(of(&run, "2026-10"), &october);
        let named = of(&run, "2026-11");
        assert_eq!(named.reason.as_deref(), Some(reason), "{number}: {named:?}");
        assert!(named.message.as_deref().is_some_and(|said| said.contains(words)), "{number}: {named:?}");
    }
}

#[test]
fn where_no_month_tells_who_pays_each_says_why() {
    let place = Place::new();
    place.deliver(&BillSpec { rows: 0, ..spec() }, &legacy_overwrite(), FIRST);
    place.deliver(&november(), &legacy_overwrite(), "2026-11-01T05:10:00Z");
    let file = place.bucket().join("cur/acme/20261101-20261201/acme-00001.csv.gz");
    std::fs::write(file, b"").expect("written");
    let run = place.ingest(&[]);
    assert_eq!(run.exit, Some(11), "{run:?}");
    let said = |period| of(&run, period).message.clone().expect("words");
    assert!(said("2026-11").contains("zero bytes"), "{run:?}");
    assert!(said("2026-10").contains("give --connection"), "{run:?}");
    let given = place.ingest(&["--connection", "acme"]);
    assert_eq!(format!("{:?}", of(&given, "2026-10").outcome), "Loaded", "{given:?}");
}
