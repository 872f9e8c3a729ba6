//! What a bill is, as its readers see it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use flate2::read::GzDecoder;
use jiff::Timestamp;

use super::*;
use reading::{Record, decimal, fields, inflate, records};

mod reading;

pub(super) fn spec(rows: u64) -> BillSpec {
    BillSpec {
        seed: 7,
        payer: "123456789012".to_owned(),
        payer_name: "Acme, \"the\" payer".to_owned(),
        linked_accounts: (0..9).map(|number| format!("00000000000{number}")).collect(),
        period: "2026-10".to_owned(),
        rows,
        files: 3,
        currencies: vec!["USD".to_owned()],
        report_name: "costs".to_owned(),
        prefix: "p".to_owned(),
        bucket: "bills".to_owned(),
        options: BillOptions::default(),
    }
}

fn legacy_csv() -> Dialect {
    Dialect::LegacyCsvGz { versioning: Versioning::CreateNew, assembly_id: String::new() }
}

fn cur2_csv() -> Dialect {
    Dialect::Cur2CsvGz {
        versioning: Versioning::Overwrite,
        execution_id: String::new(),
        partition_case: PartitionCase::Upper,
    }
}

fn cur2_parquet() -> Dialect {
    Dialect::Cur2Parquet {
        versioning: Versioning::CreateNew,
        execution_id: String::new(),
        partition_case: PartitionCase::Upper,
    }
}

fn legacy_parquet() -> Dialect {
    Dialect::LegacyParquet { assembly_id: String::new(), manifest_folder: ManifestFolder::DateRange }
}

fn now() -> Timestamp {
    "2026-11-03T04:05:06Z".parse().unwrap()
}

fn delivered(spec: &BillSpec, dialect: &Dialect) -> (MemorySink, Totals) {
    let mut sink = MemorySink::default();
    let totals = write(spec, dialect, now(), &mut sink).unwrap();
    (sink, totals)
}

/// Every row of a csv delivery.
fn rows_of(spec: &BillSpec, dialect: &Dialect) -> Vec<Record> {
    let (sink, totals) = delivered(spec, dialect);
    totals.per_file.iter().flat_map(|file| records(&sink.objects[&file.key])).collect()
}

fn amount(record: &Record, column: &str) -> i128 {
    record.get(column).map_or(0, |text| decimal(text))
}

/// Trap 10 of the fact sheet, from a legacy row.
fn amortized(row: &Record) -> i128 {
    let cost = |column: &str| amount(row, column);
    match row["lineItem/LineItemType"].as_str() {
        "SavingsPlanCoveredUsage" => cost("savingsPlan/SavingsPlanEffectiveCost"),
        "SavingsPlanRecurringFee" => {
            cost("savingsPlan/TotalCommitmentToDate") - cost("savingsPlan/UsedCommitment")
        }
        "SavingsPlanNegation" | "SavingsPlanUpfrontFee" => 0,
        "DiscountedUsage" => cost("reservation/EffectiveCost"),
        "RIFee" => {
            cost("reservation/UnusedAmortizedUpfrontFeeForBillingPeriod")
                + cost("reservation/UnusedRecurringFee")
        }
        "Fee" if row.contains_key("reservation/ReservationARN") => 0,
        _ => cost("lineItem/UnblendedCost"),
    }
}

#[test]
fn the_same_specification_gives_the_same_bytes() {
    for dialect in [legacy_csv(), legacy_parquet(), cur2_csv(), cur2_parquet()] {
        assert_eq!(delivered(&spec(700), &dialect), delivered(&spec(700), &dialect));
        let other = BillSpec { seed: 8, ..spec(700) };
        assert_ne!(delivered(&spec(700), &dialect).1, delivered(&other, &dialect).1);
    }
}

#[test]
fn totals_are_what_a_reader_of_the_csv_adds_up() {
    let mut spec = spec(3_000);
    spec.currencies = vec!["USD".to_owned(), "CNY".to_owned()];
    let (sink, totals) = delivered(&spec, &legacy_csv());
    assert_eq!(totals.rows, 3_000);
    let mut sums: BTreeMap<(String, &str, String), (u64, [i128; 4])> = BTreeMap::new();
    for file in &totals.per_file {
        let rows = records(&sink.objects[&file.key]);
        assert_eq!(rows.len() as u64, file.rows);
        for (currency, printed) in &file.unblended {
            let mine = rows.iter().filter(|row| row["lineItem/CurrencyCode"] == *currency);
            assert_eq!(mine.map(|row| amount(row, "lineItem/UnblendedCost")).sum::<i128>(), decimal(printed));
        }
        for row in &rows {
            let day = row["lineItem/UsageStartDate"][..10].to_owned();
            let team = row.get("resourceTags/user:team").cloned().unwrap_or_default();
            for (kind, group) in [
                ("all", String::new()),
                ("type", row["lineItem/LineItemType"].clone()),
                ("service", row["lineItem/ProductCode"].clone()),
                ("account", row["lineItem/UsageAccountId"].clone()),
                ("day", day),
                ("team", team),
            ] {
                let sum = sums.entry((row["lineItem/CurrencyCode"].clone(), kind, group)).or_default();
                sum.0 += 1;
                sum.1[0] += amount(row, "lineItem/UnblendedCost");
                sum.1[1] += amount(row, "lineItem/NetUnblendedCost");
                sum.1[2] += amount(row, "lineItem/BlendedCost");
                sum.1[3] += amortized(row);
            }
        }
    }
    let mut expected = BTreeMap::new();
    for (currency, totals) in &totals.per_currency {
        let all = Sums {
            rows: totals.rows,
            unblended: totals.unblended.clone(),
            net_unblended: totals.net_unblended.clone(),
            blended: totals.blended.clone(),
            amortized: totals.amortized.clone(),
        };
        let groups = [
            ("type", &totals.by_line_type),
            ("service", &totals.by_service),
            ("account", &totals.by_account),
            ("day", &totals.by_day),
            ("team", &totals.by_tag["user_team"]),
        ];
        let named = groups
            .into_iter()
            .flat_map(|(kind, by)| by.iter().map(move |(name, sums)| (kind, name.clone(), sums)));
        for (kind, group, sums) in named.chain([("all", String::new(), &all)]) {
            let values = [&sums.unblended, &sums.net_unblended, &sums.blended, &sums.amortized];
            expected.insert((currency.clone(), kind, group), (sums.rows, values.map(|text| decimal(text))));
        }
    }
    assert_eq!(sums, expected);
}

#[test]
fn the_doubles_of_parquet_stand_for_the_exact_amounts() {
    for dialect in [cur2_parquet(), legacy_parquet()] {
        let (sink, totals) = delivered(&spec(2_500), &dialect);
        let (mut rows, mut sum) = (0, 0);
        for file in &totals.per_file {
            let body = sink.objects[&file.key].clone();
            for batch in ParquetRecordBatchReaderBuilder::try_new(body).unwrap().build().unwrap() {
                let batch = batch.unwrap();
                rows += batch.num_rows() as u64;
                let costs =
                    batch.column_by_name("line_item_unblended_cost").unwrap().as_primitive::<Float64Type>();
                sum += costs.iter().flatten().map(|cost| decimal(&format!("{cost}"))).sum::<i128>();
            }
        }
        assert_eq!((rows, sum), (2_500, decimal(&totals.per_currency["USD"].unblended)));
    }
}

#[test]
fn two_thousand_rows_hold_every_line_type_in_each_currency() {
    let mut spec = spec(2_000);
    spec.currencies = vec!["USD".to_owned(), "EUR".to_owned(), "INR".to_owned()];
    for (currency, totals) in delivered(&spec, &legacy_csv()).1.per_currency {
        let types: Vec<&str> = totals.by_line_type.keys().map(String::as_str).collect();
        let every = [
            "BundledDiscount",
            "Credit",
            "DiscountedUsage",
            "EdpDiscount",
            "Fee",
            "PrivateRateDiscount",
            "RIFee",
            "Refund",
            "RiVolumeDiscount",
            "SavingsPlanCoveredUsage",
            "SavingsPlanNegation",
            "SavingsPlanRecurringFee",
            "SavingsPlanUpfrontFee",
            "SppDiscount",
            "Tax",
            "Usage",
        ];
        assert_eq!(types, every, "{currency}");
    }
}

#[test]
fn a_bill_has_exactly_the_rows_asked_for() {
    for rows in [0, 1, 2, 3, 17, 250] {
        let (sink, totals) = delivered(&spec(rows), &legacy_csv());
        assert_eq!(totals.rows, rows);
        assert_eq!(totals.per_file.len(), 3);
        let read: usize = totals.per_file.iter().map(|file| records(&sink.objects[&file.key]).len()).sum();
        assert_eq!(read as u64, rows);
    }
}

#[test]
fn manifests_come_last_and_list_the_files() {
    let (sink, totals) = delivered(&spec(50), &legacy_csv());
    assert_eq!(sink.order.len(), 5);
    let manifest: serde_json::Value = serde_json::from_slice(&sink.objects[&sink.order[4]]).unwrap();
    assert_eq!(sink.order[4], "p/costs/20261001-20261101/costs-Manifest.json");
    assert_eq!(sink.objects[&sink.order[3]], sink.objects[&sink.order[4]]);
    let keys: Vec<&str> = totals.per_file.iter().map(|file| file.key.as_str()).collect();
    assert_eq!(manifest["reportKeys"], serde_json::json!(keys));
    assert_eq!(manifest["assemblyId"], "20261103T040506Z");
    assert_eq!(manifest["billingPeriod"]["end"], "20261101T000000.000Z");

    let (sink, totals) = delivered(&spec(50), &legacy_parquet());
    assert!(sink.order[0].ends_with("cost_and_usage_data_status.parquet"));
    assert_eq!(sink.order[4], sink.order[0], "READY replaces UPDATING once the files are there");
    assert_eq!(sink.order[5], "p/costs/20261001-20261101/costs-Manifest.json");
    assert_eq!(totals.per_file.len(), 3);

    let (sink, _) = delivered(&spec(50), &cur2_csv());
    let manifest: serde_json::Value =
        serde_json::from_slice(&sink.objects[sink.order.last().unwrap()]).unwrap();
    assert_eq!(manifest["dataFiles"][0], "s3://bills/p/costs/data/BILLING_PERIOD=2026-10/costs-00001.csv.gz");
    assert_eq!(manifest["columns"].as_array().unwrap().len(), 115);
}

/// A legacy row as CUR 2.0 has it: folded names, maps as entries `map/key`, numbers as integers.
fn as_cur2(row: Record) -> Record {
    let fixed: BTreeSet<&str> = cur2::FIXED.into_iter().collect();
    row.into_iter()
        .map(|(name, text)| {
            let folded = fold(&name);
            let (category, rest) = name.split_once('/').unwrap();
            match (folded.as_str(), category) {
                ("product_comments", _) => ("product_comment".to_owned(), text),
                (known, _) if fixed.contains(known) => (folded.clone(), plain(&folded, &text)),
                (_, "discount") => (format!("discount/{}", fold(rest)), decimal(&text).to_string()),
                (_, category) => (format!("{}/{}", fold(category), fold(rest)), text),
            }
        })
        .collect()
}

fn plain(column: &str, text: &str) -> String {
    let is_number = text.parse::<f64>().is_ok() && (column.ends_with("cost") || column.contains("amount"));
    match column {
        _ if is_number => decimal(text).to_string(),
        _ if column.ends_with("_date") => text.replace(".000Z", "Z"),
        _ => text.to_owned(),
    }
}

#[test]
fn legacy_and_cur2_rows_are_equal_but_for_the_columns_only_cur2_has() {
    let spec = spec(2_000);
    let legacy = rows_of(&spec, &legacy_csv()).into_iter().map(as_cur2);
    let mut scientific = 0;
    for (legacy, cur2) in legacy.zip(rows_of(&spec, &cur2_csv())) {
        let mut unfolded = Record::new();
        for (name, text) in cur2 {
            scientific += usize::from(name == "line_item_unblended_cost" && text.contains('E'));
            match name.as_str() {
                "product" | "resource_tags" | "cost_category" | "tags" | "discount" => {
                    let entries: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
                    unfolded.extend(entries.into_iter().map(|(key, value)| {
                        let value = value.as_str().map_or_else(
                            || decimal(&value.to_string().replace('e', "E")).to_string(),
                            str::to_owned,
                        );
                        (format!("{name}/{key}"), value)
                    }));
                }
                "bill_payer_account_name" => assert_eq!(text, spec.payer_name),
                "line_item_usage_account_name" => {}
                _ => {
                    let text = plain(&name, &text);
                    unfolded.insert(name, text);
                }
            }
        }
        let numbers_as_printed = |record: Record| -> Record {
            record
                .into_iter()
                .map(|(name, text)| {
                    let is_measure = name.starts_with("reservation_")
                        || name.starts_with("savings_plan_")
                        || name.contains("discount_")
                        || name.ends_with("factor");
                    let is_text = ["_units", "reservations", "per_reservation", "subscription_id", "_rate"]
                        .iter()
                        .any(|end| name.ends_with(end));
                    let value = if is_measure && !is_text && text.parse::<f64>().is_ok() {
                        decimal(&text).to_string()
                    } else {
                        text
                    };
                    (name, value)
                })
                .collect()
        };
        let legacy_discounts_kept = |record: Record| -> Record {
            record.into_iter().filter(|(name, _)| !name.starts_with("discount/")).collect()
        };
        assert_eq!(
            legacy_discounts_kept(numbers_as_printed(legacy)),
            legacy_discounts_kept(numbers_as_printed(unfolded))
        );
    }
    assert!(scientific > 10, "exports print small numbers with an exponent");
}

#[test]
fn covered_usage_is_cancelled_exactly() {
    let rows = rows_of(&spec(4_000), &legacy_csv());
    let of = |line: &str, column: &str| -> i128 {
        rows.iter().filter(|row| row["lineItem/LineItemType"] == line).map(|row| amount(row, column)).sum()
    };
    for column in ["lineItem/UnblendedCost", "lineItem/NetUnblendedCost", "lineItem/UsageAmount"] {
        let sign = if column.ends_with("UsageAmount") { 1 } else { -1 };
        assert_eq!(
            of("SavingsPlanNegation", column),
            sign * of("SavingsPlanCoveredUsage", column),
            "{column}"
        );
    }
}

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
fn every_second_file_is_gzipped_in_several_members() {
    let (sink, totals) = delivered(&spec(3_000), &legacy_csv());
    for (file, several) in totals.per_file.iter().zip([false, true, false]) {
        let body = &sink.objects[&file.key];
        let mut first = String::new();
        GzDecoder::new(&body[..]).read_to_string(&mut first).unwrap();
        assert_eq!(first.len() < inflate(body).len(), several, "{}", file.key);
    }
}

#[test]
fn texts_are_as_awkward_as_real_ones() {
    let rows = rows_of(&spec(3_000), &legacy_csv());
    let any = |test: &dyn Fn(&Record) -> bool| rows.iter().any(test);
    let described = |part: &str| {
        any(&|row| row.get("lineItem/LineItemDescription").is_some_and(|text| text.contains(part)))
    };
    for part in ["\"", ",", "\n", "日本", "São Paulo"] {
        assert!(described(part), "{part:?}");
    }
    assert!(
        any(&|row| row["lineItem/UsageStartDate"].starts_with("2026-09")),
        "a refund is for the month before"
    );
    assert!(any(&|row| row["bill/BillingEntity"] == "AWS Marketplace"));
    assert!(any(&|row| row["lineItem/UnblendedCost"].split_once('.').unwrap().1.len() == 18));
    let filled: usize = rows.iter().map(BTreeMap::len).sum();
    assert!((45..70).contains(&(filled / rows.len())), "{} fields filled", filled / rows.len());
}

#[test]
fn maps_of_parquet_hold_only_keys_with_values() {
    let (sink, totals) = delivered(&spec(600), &cur2_parquet());
    let body = sink.objects[&totals.per_file[0].key].clone();
    let batch =
        ParquetRecordBatchReaderBuilder::try_new(body).unwrap().build().unwrap().next().unwrap().unwrap();
    assert_eq!(batch.num_columns(), 115);
    let tags = batch.column_by_name("resource_tags").unwrap().as_map();
    let values = tags.values().as_string::<i32>();
    assert!(
        !values.is_empty()
            && values.null_count() == 0
            && values.iter().flatten().all(|value| !value.is_empty())
    );
    assert_eq!(tags.null_count(), 0);
    assert!(batch.column_by_name("cost_category").unwrap().null_count() > 0);
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

#[test]
fn a_folder_sink_lays_objects_out_by_key_and_stays_inside() {
    let root = std::env::temp_dir().join(format!("bill-sink-{}", std::process::id()));
    let mut sink = FolderSink::new(&root);
    sink.put("/a//b", Bytes::from_static(b"x")).unwrap();
    assert_eq!(std::fs::read(root.join("a/b")).unwrap(), b"x");
    assert!(sink.put("a/../../b", Bytes::new()).is_err());
    std::fs::remove_dir_all(root).unwrap();
}
