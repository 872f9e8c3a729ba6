//! The same bill in every dialect gives the same rows, and the generator's totals.

use std::collections::BTreeSet;

use awscost_sandbox::bill::{self, BillOptions, BillSpec, Dialect, Granularity, MemorySink, Versioning};

use super::*;

/// What no other dialect than CUR 2.0 has.
const CUR2_ONLY: [&str; 3] = ["bill_payer_account_name", "line_item_usage_account_name", "tags"];

fn spec(options: BillOptions) -> BillSpec {
    BillSpec {
        seed: 11,
        payer: "123456789012".to_owned(),
        payer_name: "Example payer".to_owned(),
        linked_accounts: vec!["000000000012".to_owned(), "210987654321".to_owned()],
        period: "2026-10".to_owned(),
        rows: 1_500,
        files: 2,
        currencies: vec!["USD".to_owned(), "EUR".to_owned()],
        report_name: "acme".to_owned(),
        prefix: "cur".to_owned(),
        bucket: "acme-billing".to_owned(),
        options: BillOptions { granularity: Granularity::Daily, ..options },
    }
}

fn dialects() -> [(&'static str, Dialect, DecodedFormat); 4] {
    let versioning = Versioning::CreateNew;
    let id = String::new();
    [
        ("legacy csv", Dialect::LegacyCsvGz { versioning, assembly_id: id.clone() }, DecodedFormat::CsvGzip),
        (
            "legacy Parquet",
            Dialect::LegacyParquet { assembly_id: id.clone(), manifest_folder: Default::default() },
            DecodedFormat::Parquet,
        ),
        (
            "CUR 2.0 csv",
            Dialect::Cur2CsvGz { versioning, execution_id: id.clone(), partition_case: Default::default() },
            DecodedFormat::CsvGzip,
        ),
        (
            "CUR 2.0 Parquet",
            Dialect::Cur2Parquet { versioning, execution_id: id, partition_case: Default::default() },
            DecodedFormat::Parquet,
        ),
    ]
}

type Row = BTreeMap<&'static str, String>;

/// The rows of a bill in one dialect, its tally, its tag keys and what the generator says of it.
fn read(
    spec: &BillSpec,
    dialect: &Dialect,
    format: DecodedFormat,
) -> (Vec<Row>, Tally, TagKeys, bill::Totals) {
    let mut sink = MemorySink::default();
    let now = "2026-11-03T04:00:00Z".parse().expect("a time");
    let totals = bill::write(spec, dialect, now, &mut sink).expect("a bill");
    let mut tally = Tally::new(&COSTS, totals.per_file.len());
    let (mut rows, mut keys) = (Vec::new(), TagKeys::default());
    for (index, about) in totals.per_file.iter().enumerate() {
        let decoded =
            decode(&MemoryFile::new(sink.objects[&about.key].clone()), &job(format)).expect(&about.key);
        assert_eq!(decoded.report.rows, about.rows);
        for batch in &decoded.batches {
            tally.add(index, batch).expect("every column");
        }
        assert_eq!(decoded.report.source, tally.files[index], "both decoders agree on {}", about.key);
        assert_eq!(decoded.report.rounded.values(), 0);
        keys.absorb(&decoded.report.tag_keys);
        rows.extend(decoded.rows());
    }
    (rows, tally, keys, totals)
}

fn without(rows: &[Row], columns: &[&str]) -> Vec<Row> {
    let keep = |row: &Row| {
        row.iter().filter(|(name, _)| !columns.contains(name)).map(|(k, v)| (*k, v.clone())).collect()
    };
    rows.iter().map(keep).collect()
}

#[test]
fn the_same_bill_in_all_dialects_gives_equal_rows_but_for_listed_columns() {
    let options = BillOptions {
        extra_tag_keys: vec!["user:Équipe".to_owned(), "aws:ecs:clusterName".to_owned()],
        account_tags: true,
        ..BillOptions::default()
    };
    let spec = spec(options);
    let mut first: Option<Vec<Row>> = None;
    for (name, dialect, format) in dialects() {
        let (rows, tally, keys, totals) = read(&spec, &dialect, format);
        assert_eq!(rows.len(), 1_500, "{name}");
        assert_eq!(keys.collisions(), 0, "{name}");
        assert!(keys.list().iter().any(|key| key.folded == "aws_ecs_cluster_name"), "{name}");
        agrees(name, &tally, &totals);
        let same = without(&rows, &CUR2_ONLY);
        let other = first.get_or_insert_with(|| same.clone());
        for (row, (left, right)) in other.iter().zip(&same).enumerate() {
            assert_eq!(left, right, "row {row} in {name}");
        }
        let has = |column: &str| rows.iter().any(|row| row.contains_key(column));
        for column in CUR2_ONLY {
            assert_eq!(has(column), name.starts_with("CUR 2.0"), "{column} in {name}");
        }
    }
}

/// The tally equals what the generator wrote beside the bill.
fn agrees(name: &str, tally: &Tally, totals: &bill::Totals) {
    assert_eq!(tally.rows(), totals.rows, "{name}");
    let currencies: BTreeSet<_> = tally.currencies.keys().collect();
    assert_eq!(currencies, totals.per_currency.keys().collect(), "{name}");
    for (currency, expected) in &totals.per_currency {
        let found = &tally.currencies[currency];
        assert_eq!(found.rows, expected.rows, "{name} {currency}");
        assert_eq!(found.unblended.to_string(), expected.unblended, "{name} {currency}");
        assert_eq!(
            found.net_unblended.unwrap_or_default().to_string(),
            expected.net_unblended,
            "{name} {currency}"
        );
        let amortized = found.amortized.map(|cost| cost.to_string());
        assert_eq!(amortized.as_ref(), Some(&expected.amortized), "{name} {currency}");
    }
    assert_eq!(tally.payers.values, BTreeSet::from(["123456789012".to_owned()]), "{name}");
    assert_eq!(
        tally.period_starts,
        BTreeSet::from([Some("2026-10-01T00:00:00Z".parse().expect("a time"))]),
        "{name}"
    );
}

#[test]
fn colliding_tags_keep_both_values_in_legacy_csv_and_lose_no_money_anywhere() {
    let spec = spec(BillOptions { colliding_tags: true, ..BillOptions::default() });
    let mut first: Option<Vec<Row>> = None;
    for (name, dialect, format) in dialects() {
        let (rows, tally, keys, totals) = read(&spec, &dialect, format);
        agrees(name, &tally, &totals);
        assert_eq!(keys.collisions() > 0, name == "legacy csv", "{name}");
        // What differs is the tags alone.
        let same = without(&rows, &[&CUR2_ONLY[..], &["resource_tags"]].concat());
        assert_eq!(first.get_or_insert_with(|| same.clone()), &same, "{name}");
    }
}

#[test]
fn drifting_columns_never_change_the_table() {
    let options = BillOptions {
        drop_columns: vec!["lineItem/NetUnblendedCost".to_owned(), "product/sku".to_owned()],
        extra_columns: vec!["lineItem/Novelty".to_owned()],
        final_bill: true,
        ..BillOptions::default()
    };
    let spec = spec(options);
    for (name, dialect, format) in dialects() {
        let (rows, tally, _, totals) = read(&spec, &dialect, format);
        let currencies = tally.currencies.values();
        assert!(currencies.clone().all(|totals| totals.net_unblended.is_none()), "{name}");
        assert_eq!(tally.rows(), totals.rows, "{name}");
        assert!(tally.invoiced(), "{name}");
        assert!(rows.iter().all(|row| !row.contains_key("product_sku")), "{name}");
        let novel = rows
            .iter()
            .filter(|row| row.get("extra").is_some_and(|extra| extra.starts_with("line_item_novelty=")));
        assert!(novel.count() > 0, "{name}");
    }
}

#[test]
fn nothing_depends_on_the_size_of_a_batch() {
    let spec = spec(BillOptions::default());
    let (_, dialect, format) = dialects()[3].clone();
    let mut sink = MemorySink::default();
    let now = "2026-11-03T04:00:00Z".parse().expect("a time");
    let totals = bill::write(&spec, &dialect, now, &mut sink).expect("a bill");
    let file = MemoryFile::new(sink.objects[&totals.per_file[0].key].clone());
    let small = decode(&file, &DecodeJob { batch_rows: 7, ..job(format) }).expect("a bill");
    let large = decode(&file, &job(format)).expect("a bill");
    assert!(small.batches.len() > 100);
    assert_eq!(small.rows(), large.rows());
    assert_eq!(small.report.source, large.report.source);
}

/// A report in the spellings of a well-known generator that differs from AWS (docs/aws-facts.md 14).
#[test]
fn a_report_that_another_generator_spells_otherwise() {
    let decoded = decode_csv(sheet(&[
        ("bill/PayerAccountId", "9999999999999"),
        ("bill/BillingPeriodStartDate", "2026-10-01 00:00:00+00:00"),
        ("lineItem/UsageStartDate", "2026-10-24 08:00:00+00:00"),
        ("lineItem/UsageEndDate", "2026-10-24 09:00:00+00:00"),
        ("identity/TimeInterval", "2026-10-24T08:00:00Z/2026-10-24T09:00:00Z"),
        ("savingsPlan/SavingsPlanArn", "arn:aws:savingsplans::123456789012:savingsplan/x"),
        ("product/region", "eu-south-1"),
        ("lineItem/AvailabilityZone", "eu-south-1a"),
        ("product/physicalCores", "36"),
        ("resourceTags/user:app", "weather"),
    ]))
    .expect("a legal sheet");
    let row = &decoded.rows()[0];
    for (column, expected) in [
        ("bill_payer_account_id", "9999999999999"),
        ("bill_billing_period_start_date", "2026-10-01T00:00:00Z"),
        ("line_item_usage_start_date", "2026-10-24T08:00:00Z"),
        ("line_item_usage_end_date", "2026-10-24T09:00:00Z"),
        ("savings_plan_savings_plan_a_r_n", "arn:aws:savingsplans::123456789012:savingsplan/x"),
        ("product_region_code", "eu-south-1"),
        ("product", "physical_cores=36"),
        ("resource_tags", "user_app=weather"),
    ] {
        assert_eq!(row[column], expected, "{column}");
    }
}
