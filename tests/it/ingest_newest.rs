//! Which version is loaded where several stand there, and where a copy keeps less than the original had.

use awscost_sandbox::bill::{Dialect, ManifestFolder, Versioning};

use super::ingest_place::{FIRST, Place, SECOND, legacy_overwrite, restated, same_totals, spec};

fn parquet(manifest_folder: ManifestFolder) -> Dialect {
    Dialect::LegacyParquet { assembly_id: String::new(), manifest_folder }
}

fn legacy(versioning: Versioning, assembly_id: &str) -> Dialect {
    Dialect::LegacyCsvGz { versioning, assembly_id: assembly_id.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_was_switched_loads_its_newest_version() {
    let csv = || legacy_overwrite();
    for (old, new) in [
        (csv(), parquet(ManifestFolder::Month)),
        (parquet(ManifestFolder::Month), csv()),
        (csv(), parquet(ManifestFolder::DateRange)),
        (legacy(Versioning::CreateNew, ""), parquet(ManifestFolder::Month)),
        (parquet(ManifestFolder::Month), legacy(Versioning::CreateNew, "")),
    ] {
        let place = Place::new();
        place.deliver(&spec(), &old, FIRST);
        let totals = place.deliver(&restated(), &new, SECOND);
        let run = place.ingest(&[]);
        assert_eq!(run.ended(), ("Loaded".to_owned(), Some(0)), "{old:?} {new:?}: {run:?}");
        same_totals(run.report(), &totals);
        place.holds(&totals).await;
    }
}

#[test]
fn two_of_the_same_time_are_refused_by_name() {
    let place = Place::new();
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    place.deliver(&restated(), &parquet(ManifestFolder::Month), FIRST);
    let run = place.ingest(&["--connection", "acme"]);
    assert_eq!((run.exit, run.report().reason.as_deref()), (Some(10), Some("ManifestAmbiguous")), "{run:?}");
    let said = run.report().message.clone().expect("words");
    for manifest in
        ["acme/20261001-20261101/acme-Manifest.json", "acme/acme/year=2026/month=10/acme-Manifest.json"]
    {
        assert!(said.contains(manifest), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_time_to_come_keeps_no_later_version_out() {
    let place = Place::new();
    place.deliver(&spec(), &legacy(Versioning::Overwrite, "20991231T000000Z"), FIRST);
    let run = place.ingest(&["--connection", "acme"]);
    assert_eq!(run.exit, Some(11), "{run:?}");
    let said = run.report().message.clone().expect("words");
    assert!(said.contains("2099-12-31") && said.contains("--as-of"), "{said}");
    let given = place.ingest(&["--connection", "acme", "--as-of", FIRST]);
    assert_eq!(given.ended(), ("Loaded".to_owned(), Some(0)), "{given:?}");
    assert_eq!(given.report().message, None, "what is not believed is held against no file either");
    let totals = place.deliver(&restated(), &legacy_overwrite(), SECOND);
    let real = place.ingest(&["--connection", "acme"]);
    assert_eq!(real.ended(), ("Loaded".to_owned(), Some(0)), "{real:?}");
    place.holds(&totals).await;
}

#[test]
fn a_time_to_come_can_t_be_given_either() {
    let place = Place::new();
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    let run = place.ingest(&["--as-of", "2999-01-01T00:00:00Z"]);
    assert_eq!(run.exit, Some(2), "{run:?}");
    assert!(run.stderr.contains("future"), "{run:?}");
}

#[test]
fn a_torn_folder_is_loaded_with_a_warning_where_its_times_were_kept() {
    let place = Place::new();
    let stamp = |file: &str, at: &str| place.stamp(file, at.parse::<jiff::Timestamp>().expect(at).into());
    let all = ["acme-00001.csv.gz", "acme-00002.csv.gz", "acme-00003.csv.gz", "acme-Manifest.json"];
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    let old = std::fs::read(place.range_folder().join(all[1])).expect("a file");
    place.deliver(&restated(), &legacy_overwrite(), SECOND);
    all.iter().for_each(|file| stamp(file, "2026-10-21T04:40:00Z"));
    let whole = place.ingest(&[]);
    assert_eq!((whole.exit, whole.report().message.clone()), (Some(0), None), "{whole:?}");
    std::fs::write(place.range_folder().join(all[1]), old).expect("written");
    stamp(all[1], "2026-10-20T04:40:00Z");
    for outcome in ["Loaded", "AlreadyLoaded"] {
        let torn = place.ingest(&[]);
        assert_eq!(torn.ended(), (outcome.to_owned(), Some(0)), "{torn:?}");
        let said = torn.report().message.clone().expect("a warning");
        assert!(said.contains(all[1]) && said.contains("copy its folder again"), "{said}");
    }
    let (exit, said) = place.ingest_for_people(&[]);
    assert!(exit == Some(0) && said.contains(all[1]), "{said}");
}
