use super::*;
use crate::bill::tests::spec;

fn layout(prefix: &str, dialect: &Dialect) -> Layout {
    let mut spec = spec(10);
    spec.prefix = prefix.to_owned();
    let month = spec.check().unwrap();
    Layout::new(&spec, dialect, month, "2026-11-03T04:05:06.789Z".parse().unwrap())
}

fn legacy(versioning: Versioning) -> Dialect {
    Dialect::LegacyCsvGz { versioning, assembly_id: String::new() }
}

fn export(versioning: Versioning, partition_case: PartitionCase) -> Dialect {
    Dialect::Cur2Parquet { versioning, execution_id: "run".to_owned(), partition_case }
}

#[test]
fn a_new_legacy_delivery_has_its_own_folder_and_two_manifests() {
    let layout = layout("p", &legacy(Versioning::CreateNew));
    assert_eq!(layout.data_file(1), "p/costs/20261001-20261101/20261103T040506Z/costs-00001.csv.gz");
    assert_eq!(
        layout.manifests,
        [
            "p/costs/20261001-20261101/20261103T040506Z/costs-Manifest.json",
            "p/costs/20261001-20261101/costs-Manifest.json"
        ]
    );
}

#[test]
fn an_overwritten_legacy_delivery_lies_in_the_range_folder() {
    let layout = layout("a//b/", &legacy(Versioning::Overwrite));
    assert_eq!(layout.data_file(12), "a//b//costs/20261001-20261101/costs-00012.csv.gz");
    assert_eq!(layout.manifests, ["a//b//costs/20261001-20261101/costs-Manifest.json"]);
}

#[test]
fn legacy_parquet_lies_in_hive_folders_beside_its_status() {
    let dialect =
        Dialect::LegacyParquet { assembly_id: "x".to_owned(), manifest_folder: ManifestFolder::Month };
    let layout = layout("p", &dialect);
    assert_eq!(layout.data_file(2), "p/costs/costs/year=2026/month=10/costs-00002.snappy.parquet");
    assert_eq!(layout.manifests, ["p/costs/costs/year=2026/month=10/costs-Manifest.json"]);
    assert_eq!(
        layout.status.as_deref(),
        Some("p/costs/costs/cost_and_usage_data_status/cost_and_usage_data_status.parquet")
    );
}

#[test]
fn an_export_keeps_data_and_metadata_apart() {
    let new = layout("", &export(Versioning::CreateNew, PartitionCase::Upper));
    assert_eq!(
        new.data_file(1),
        "costs/data/BILLING_PERIOD=2026-10/2026-11-03T04:05:06.789Z-run/costs-00001.snappy.parquet"
    );
    assert_eq!(new.manifests[1], "costs/metadata/BILLING_PERIOD=2026-10/costs-Manifest.json");
    let over = layout("p", &export(Versioning::Overwrite, PartitionCase::Lower));
    assert_eq!(over.data_file(1), "p/costs/data/billing_period=2026-10/costs-00001.snappy.parquet");
    assert_eq!(over.manifests, ["p/costs/metadata/billing_period=2026-10/costs-Manifest.json"]);
}
