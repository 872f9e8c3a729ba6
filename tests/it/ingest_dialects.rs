//! A generated bill in every form that AWS delivers, loaded exactly.

use awscost::model::ConnectionKey;
use awscost_sandbox::bill::{Dialect, ManifestFolder, PartitionCase, Versioning};

use super::ingest_place::{FIRST, PAYER, PERIOD, Place, same_totals, spec};

async fn loads(dialect: Dialect) {
    let place = Place::new();
    let mut spec = spec();
    spec.options.colliding_tags = true;
    spec.options.extra_columns = vec!["lineItem/Novelty".to_owned()];
    let totals = place.deliver(&spec, &dialect, FIRST);
    let run = place.ingest(&["--as-of", FIRST]);
    assert_eq!(run.ended(), ("Loaded".to_owned(), Some(0)), "{dialect:?}: {run:?}");
    let report = run.report();
    same_totals(report, &totals);
    assert_eq!(report.period.to_string(), PERIOD);
    assert_eq!(report.connection.as_ref().map(ConnectionKey::as_str), Some(PAYER), "the payer in the data");
    assert_eq!(report.files, u64::from(spec.files));
    assert_eq!(report.bytes, totals.per_file.iter().map(|file| file.bytes).sum::<u64>());
    place.holds(&totals).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn legacy_csv_in_folders_of_their_own() {
    loads(Dialect::LegacyCsvGz { versioning: Versioning::CreateNew, assembly_id: String::new() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn legacy_csv_in_place() {
    loads(Dialect::LegacyCsvGz { versioning: Versioning::Overwrite, assembly_id: String::new() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn legacy_parquet_with_its_manifest_in_either_folder() {
    for manifest_folder in [ManifestFolder::DateRange, ManifestFolder::Month] {
        loads(Dialect::LegacyParquet { assembly_id: String::new(), manifest_folder }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_as_csv() {
    let (versioning, partition_case) = (Versioning::CreateNew, PartitionCase::Lower);
    loads(Dialect::Cur2CsvGz { versioning, partition_case, execution_id: String::new() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_as_parquet_in_either_mode() {
    for (versioning, partition_case) in
        [(Versioning::CreateNew, PartitionCase::Upper), (Versioning::Overwrite, PartitionCase::Lower)]
    {
        loads(Dialect::Cur2Parquet { versioning, partition_case, execution_id: String::new() }).await;
    }
}
