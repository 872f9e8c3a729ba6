//! What a specification's options change, and what it refuses.

use std::collections::{BTreeMap, BTreeSet};

use super::reading::{Record, fields, inflate};
use super::{cur2_csv, delivered, legacy_csv, now, rows_of, spec};
use crate::bill::{BillSpec, Dialect, MemorySink, PartitionCase, write};

#[test]
fn a_restatement_changes_some_rows_and_keeps_most() {
    let versions: Vec<_> = (1..=3)
        .map(|version| {
            let mut spec = spec(3_000);
            spec.options.version = version;
            assert_eq!(delivered(&spec, &cur2_csv()), delivered(&spec, &cur2_csv()));
            let rows = rows_of(&spec, &cur2_csv());
            let ids: BTreeSet<String> = rows.iter().map(|row| row["identity_line_item_id"].clone()).collect();
            let without_id = rows.into_iter().map(|mut row| {
                row.remove("identity_line_item_id");
                row
            });
            (ids, without_id.collect::<BTreeSet<Record>>())
        })
        .collect();
    for pair in versions.windows(2) {
        assert!(pair[0].0.is_disjoint(&pair[1].0), "another version has other line item ids");
        let (lost, new) =
            (pair[0].1.difference(&pair[1].1).count(), pair[1].1.difference(&pair[0].1).count());
        assert!((20..300).contains(&lost) && (20..300).contains(&new), "{lost} lost, {new} new");
    }
}

#[test]
fn a_closed_month_has_invoice_ids_on_every_row() {
    let mut spec = spec(500);
    let invoiced = |spec: &BillSpec| {
        rows_of(spec, &legacy_csv()).iter().filter(|row| row.contains_key("bill/InvoiceId")).count()
    };
    assert!(invoiced(&spec) < 20, "only purchases and refunds are invoiced in an open month");
    spec.options.final_bill = true;
    assert_eq!(invoiced(&spec), 500);
}

#[test]
fn colliding_tags_stay_apart_in_csv_and_are_merged_elsewhere() {
    let mut spec = spec(1_000);
    spec.options.colliding_tags = true;
    let legacy = rows_of(&spec, &legacy_csv());
    let both = |row: &&Record| {
        row.contains_key("resourceTags/user:Owner") && row.contains_key("resourceTags/user:owner")
    };
    assert!(
        legacy
            .iter()
            .any(|row| both(&row) && row["resourceTags/user:Owner"] == row["resourceTags/user:owner"])
    );
    assert!(
        legacy
            .iter()
            .any(|row| both(&row) && row["resourceTags/user:Owner"] != row["resourceTags/user:owner"])
    );
    for (legacy, cur2) in legacy.iter().zip(rows_of(&spec, &cur2_csv())) {
        let tags: BTreeMap<String, String> = serde_json::from_str(&cur2["resource_tags"]).unwrap();
        let smallest =
            legacy.get("resourceTags/user:Owner").or_else(|| legacy.get("resourceTags/user:owner"));
        assert_eq!(tags.get("user_owner"), smallest);
    }
}

#[test]
fn columns_come_and_go_on_request() {
    let mut spec = spec(300);
    spec.options.drop_columns = vec!["lineItem/NetUnblendedCost".to_owned(), "product_comment".to_owned()];
    spec.options.extra_columns = vec!["lineItem/Novelty".to_owned()];
    spec.options.extra_tag_keys = vec!["user:部署".to_owned()];
    spec.options.resource_ids = false;
    let (sink, totals) = delivered(&spec, &legacy_csv());
    let text = inflate(&sink.objects[&totals.per_file[0].key]);
    let header = &fields(&text)[0];
    let has = |name: &str| header.iter().any(|column| column == name);
    for (column, there) in [
        ("lineItem/NetUnblendedCost", false),
        ("product/comments", false),
        ("lineItem/ResourceId", false),
        ("lineItem/Novelty", true),
        ("resourceTags/user:部署", true),
    ] {
        assert_eq!(has(column), there, "{column}");
    }
    assert_eq!(totals.per_currency["USD"].net_unblended, "0");
    assert!(rows_of(&spec, &cur2_csv()).iter().any(|row| row.contains_key("line_item_novelty")));
}

#[test]
fn columns_drift_from_month_to_month() {
    let header = |period: &str| {
        let spec = BillSpec { period: period.to_owned(), ..spec(10) };
        let (sink, totals) = delivered(&spec, &legacy_csv());
        fields(&inflate(&sink.objects[&totals.per_file[0].key])).swap_remove(0)
    };
    let (october, november) = (header("2026-10"), header("2026-11"));
    assert_eq!(october.len(), 228);
    assert_ne!(october, november);
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<String>>();
    assert!(!set(&october).is_subset(&set(&november)) && !set(&november).is_subset(&set(&october)));
}

#[test]
fn what_cannot_be_written_is_refused_with_the_field() {
    type Change = fn(&mut BillSpec);
    let cases: [(&str, Change); 10] = [
        ("payer", |spec| spec.payer = "12345".to_owned()),
        ("linkedAccounts", |spec| spec.linked_accounts.push("x".to_owned())),
        ("period", |spec| spec.period = "2026-13".to_owned()),
        ("files", |spec| spec.files = 0),
        ("currencies", |spec| spec.currencies.clear()),
        ("reportName", |spec| spec.report_name = "a/b".to_owned()),
        ("options.version", |spec| spec.options.version = 0),
        ("options.extraTagKeys", |spec| spec.options.extra_tag_keys = vec!["Owner".to_owned()]),
        ("options.dropColumns", |spec| spec.options.drop_columns = vec!["lineItem/Typo".to_owned()]),
        ("options.extraColumns", |spec| spec.options.extra_columns = vec!["lineItem/UsageType".to_owned()]),
    ];
    for (field, change) in cases {
        let mut spec = spec(10);
        change(&mut spec);
        let mut sink = MemorySink::default();
        let failure = write(&spec, &legacy_csv(), now(), &mut sink).unwrap_err();
        assert!(failure.to_string().starts_with(&format!("bill specification: {field} ")), "{failure}");
        assert!(sink.order.is_empty());
    }
}

#[test]
fn a_specification_reads_from_yaml_and_knows_its_fields() {
    let yaml = "payer: '123456789012'\nperiod: 2026-10\nrows: 5\nreportName: costs\nbucket: bills\noptions: {finalBill: true}\n";
    let read: BillSpec = serde_saphyr::from_str(yaml).unwrap();
    assert_eq!((read.files, read.options.version, read.options.final_bill), (3, 1, true));
    assert!(serde_saphyr::from_str::<BillSpec>(&format!("{yaml}tpyo: 1\n")).is_err());
    let dialect: Dialect =
        serde_saphyr::from_str("{kind: cur2Parquet, versioning: overwrite, partitionCase: lower}").unwrap();
    assert!(matches!(dialect, Dialect::Cur2Parquet { partition_case: PartitionCase::Lower, .. }));
}
