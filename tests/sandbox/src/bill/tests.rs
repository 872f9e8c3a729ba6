//! What a bill is, as its readers see it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use flate2::read::GzDecoder;
use jiff::Timestamp;

use super::*;
use reading::{Record, decimal, inflate, records};

mod on_request;
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

/// The amortized cost of a legacy row (docs/aws-facts.md 13.1).
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

/// A legacy row as CUR 2.0 has it: folded names, map entries as `map/key`, plain texts.
fn as_cur2(row: Record) -> Record {
    let fixed: BTreeSet<&str> = cur2::FIXED.into_iter().collect();
    let unfold = |(name, text): (String, String)| {
        let folded = fold(&name);
        let (category, rest) = name.split_once('/').unwrap();
        let text = plain(&folded, &text);
        match folded.as_str() {
            "product_comments" => ("product_comment".to_owned(), text),
            known if fixed.contains(known) => (folded, text),
            _ => (format!("{}/{}", fold(category), fold(rest)), text),
        }
    };
    row.into_iter().map(unfold).collect()
}

/// A CUR 2.0 row in the same form.
fn unfolded(row: Record) -> Record {
    let mut plainly = Record::new();
    for (name, text) in row {
        match name.as_str() {
            "product" | "resource_tags" | "cost_category" | "tags" | "discount" => {
                let entries: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
                plainly.extend(entries.into_iter().map(|(key, value)| match value {
                    serde_json::Value::String(text) => (format!("{name}/{key}"), text),
                    number => {
                        (format!("{name}/{key}"), decimal(&number.to_string().replace('e', "E")).to_string())
                    }
                }));
            }
            _ => {
                let text = plain(&name, &text);
                plainly.insert(name, text);
            }
        }
    }
    plainly
}

/// Numbers as integers at scale 18, times without milliseconds, all else as it is.
fn plain(column: &str, text: &str) -> String {
    if names::MEASURES.iter().any(|measure| fold(measure) == column) {
        return decimal(text).to_string();
    }
    if column.ends_with("_date") { text.replace(".000Z", "Z") } else { text.to_owned() }
}

#[test]
fn legacy_and_cur2_rows_are_equal_but_for_the_columns_only_cur2_has() {
    let spec = spec(2_000);
    let exported = rows_of(&spec, &cur2_csv());
    let scientific = exported.iter().filter(|row| row["line_item_unblended_cost"].contains('E')).count();
    assert!(scientific > 10, "exports print small numbers with an exponent");
    for (legacy, exported) in rows_of(&spec, &legacy_csv()).into_iter().zip(exported) {
        let mut exported = unfolded(exported);
        assert_eq!(exported.remove("bill_payer_account_name").as_deref(), Some("Acme, \"the\" payer"));
        assert!(exported.remove("line_item_usage_account_name").is_some());
        assert_eq!(as_cur2(legacy), exported);
    }
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
fn a_folder_sink_lays_objects_out_by_key_and_stays_inside() {
    let root = std::env::temp_dir().join(format!("bill-sink-{}", std::process::id()));
    let mut sink = FolderSink::new(&root);
    sink.put("/a//b", Bytes::from_static(b"x")).unwrap();
    assert_eq!(std::fs::read(root.join("a/b")).unwrap(), b"x");
    assert!(sink.put("a/../../b", Bytes::new()).is_err());
    std::fs::remove_dir_all(root).unwrap();
}
