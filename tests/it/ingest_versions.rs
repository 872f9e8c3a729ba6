//! Versions, owners and payers: what replaces what, and what is refused.

use awscost::model::{ConnectionKey, Outcome};
use awscost_sandbox::bill::{Dialect, ManifestFolder, PartitionCase, Versioning};

use super::ingest_place::{
    FIRST, PAYER, Place, SECOND, files_below, legacy_overwrite, restated, same_totals, spec,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_version_again_changes_nothing() {
    let place = Place::new();
    let totals = place.deliver(&spec(), &legacy_overwrite(), FIRST);
    let first = place.ingest(&[]);
    assert_eq!(first.ended(), ("Loaded".to_owned(), Some(0)), "{first:?}");
    let before = files_below(&place.lake());
    let again = place.ingest(&[]);
    assert_eq!(again.ended(), ("AlreadyLoaded".to_owned(), Some(0)), "{again:?}");
    same_totals(again.report(), &totals);
    assert_eq!(again.report().loaded_at, first.report().loaded_at, "the ledger's own row is told");
    assert_eq!(files_below(&place.lake()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restatement_replaces_the_month_whole() {
    let place = Place::new();
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    place.ingest(&[]);
    let totals = place.deliver(&restated(), &legacy_overwrite(), SECOND);
    let run = place.ingest(&[]);
    assert_eq!(run.ended(), ("Loaded".to_owned(), Some(0)), "{run:?}");
    same_totals(run.report(), &totals);
    place.holds(&totals).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_is_refused_unless_forced() {
    let place = Place::new();
    let newer = place.deliver(&restated(), &legacy_overwrite(), SECOND);
    place.ingest(&[]);
    let older = place.deliver(&spec(), &legacy_overwrite(), FIRST);
    let refused = place.ingest(&[]);
    assert_eq!(refused.ended(), ("OlderManifest".to_owned(), Some(13)), "{refused:?}");
    place.holds(&newer).await;
    let forced = place.ingest(&["--force"]);
    assert_eq!(forced.ended(), ("Loaded".to_owned(), Some(0)), "{forced:?}");
    place.holds(&older).await;
}

#[test]
fn another_owner_is_refused() {
    let place = Place::new();
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    place.ingest(&["--owner", "east/finops/acme"]);
    let other = place.ingest(&["--owner", "east/finops/double"]);
    assert_eq!(other.exit, Some(13), "{other:?}");
    assert_eq!(other.report().reason.as_deref(), Some("DuplicateConnection"));
    assert!(
        other.report().message.as_deref().is_some_and(|text| text.contains("AwsCostAccount finops/acme"))
    );
    let adopted = place.ingest(&["--owner", "east/finops/acme"]);
    assert_eq!(adopted.report().outcome, Outcome::AlreadyLoaded);
}

#[test]
fn another_payers_bill_is_refused_and_leaves_nothing() {
    let place = Place::new();
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    let run = place.ingest(&["--account", "999999999999"]);
    assert_eq!(run.exit, Some(10), "{run:?}");
    assert_eq!(run.report().reason.as_deref(), Some("PayerInDataDiffers"));
    assert!(run.report().message.as_deref().is_some_and(|text| text.contains(PAYER)), "{run:?}");
    let staged = files_below(&place.lake().join("costs"));
    assert!(!staged.iter().any(|path| path.extension().is_some_and(|end| end == "parquet")), "{staged:?}");
}

#[test]
fn a_member_must_use_every_row() {
    let place = Place::new();
    let mut spec = spec();
    spec.linked_accounts = vec!["000000000011".to_owned()];
    place.deliver(&spec, &legacy_overwrite(), FIRST);
    let options = |account| ["--account", account, "--account-type", "Member"];
    let payer = place.ingest(&options(PAYER));
    assert_eq!(payer.report().reason.as_deref(), Some("PayerInDataDiffers"), "{payer:?}");
}

#[test]
fn only_the_expected_version_is_loaded() {
    let place = Place::new();
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    let other = place.ingest(&["--expect-version", &"0".repeat(64), "--connection", "acme"]);
    assert_eq!(other.exit, Some(13), "{other:?}");
    let delivered = other.report().manifest.clone().expect("the delivered version is told").0;
    let run = place.ingest(&["--expect-version", &delivered, "--connection", "acme"]);
    assert_eq!(run.ended(), ("Loaded".to_owned(), Some(0)), "{run:?}");
    assert_eq!(run.report().connection.as_ref().map(ConnectionKey::as_str), Some("acme"));
}

#[test]
fn a_folder_whose_names_tell_no_time_needs_one() {
    let place = Place::new();
    let dialect = Dialect::Cur2Parquet {
        versioning: Versioning::Overwrite,
        partition_case: PartitionCase::Upper,
        execution_id: String::new(),
    };
    place.deliver(&spec(), &dialect, FIRST);
    let run = place.ingest(&[]);
    assert_eq!(run.exit, Some(11), "{run:?}");
    assert!(run.report().message.as_deref().is_some_and(|text| text.contains("--as-of")), "{run:?}");
}

#[test]
fn a_parquet_report_that_is_being_replaced_is_left_alone() {
    let place = Place::new();
    let dialect =
        Dialect::LegacyParquet { assembly_id: String::new(), manifest_folder: ManifestFolder::DateRange };
    place.deliver(&spec(), &dialect, FIRST);
    let status =
        place.bucket().join("cur/acme/acme/cost_and_usage_data_status/cost_and_usage_data_status.parquet");
    let ready = std::fs::read(&status).expect("the generator writes it");
    // The word, not its length, is what counts; a Parquet reader would see the same in AWS's own file.
    std::fs::write(&status, [b"UPDATING".as_slice(), &ready].concat()).expect("written");
    let run = place.ingest(&["--connection", "acme"]);
    assert_eq!(run.ended(), ("DeliveryInProgress".to_owned(), Some(12)), "{run:?}");
    std::fs::write(&status, ready).expect("written");
    assert_eq!(place.ingest(&["--connection", "acme"]).ended(), ("Loaded".to_owned(), Some(0)));
}

#[test]
fn damage_is_named_with_its_file_and_leaves_nothing() {
    let place = Place::new();
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    let file = place.range_folder().join("acme-00002.csv.gz");
    let bytes = std::fs::read(&file).expect("a data file");
    std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("cut short");
    let log = place.lake().with_extension("termination");
    let run = place.ingest(&["--period", "2026-10", "--termination-log", &log.display().to_string()]);
    assert_eq!((run.exit, run.report().reason.as_deref()), (Some(10), Some("ParseFailed")), "{run:?}");
    assert!(
        run.report().message.as_deref().is_some_and(|text| text.contains("acme-00002.csv.gz")),
        "{run:?}"
    );
    let told = std::fs::read(&log).expect("the termination log");
    assert_eq!(
        serde_json::from_slice::<awscost::model::PeriodReport>(&told).ok().as_ref(),
        Some(run.report())
    );
}

#[test]
fn a_month_that_is_not_there_and_a_report_that_is_not_there() {
    let place = Place::new();
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    let run = place.ingest(&["--period", "2026-09"]);
    assert_eq!(
        (run.exit, run.report().reason.as_deref()),
        (Some(12), Some("AwaitingFirstDelivery")),
        "{run:?}"
    );
    let empty = Place::new();
    std::fs::create_dir_all(empty.bucket().join("cur")).expect("a folder");
    let run = empty.ingest(&[]);
    assert_eq!(run.exit, Some(12), "{run:?}");
    assert!(run.stderr.contains("nothing was delivered"), "{run:?}");
}
