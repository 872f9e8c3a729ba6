//! What `awscost ingest`, `warehouse ledger` and `costs` say of bills that lack something: columns of amortized and net
//! costs, digits, tag keys. Bills are a few lines of csv, so that every figure can be added up by eye.

use std::{io::Write, path::Path, process::Output};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::warehouse_commands;

/// A folder with reports, and the warehouse they are loaded into.
struct Books {
    folder: tempfile::TempDir,
    lake: String,
}

const COLUMNS: &str = "bill/BillingPeriodStartDate,bill/PayerAccountId,lineItem/CurrencyCode,lineItem/ProductCode,\
                       lineItem/UsageAccountId,lineItem/UsageStartDate,lineItem/LineItemType,lineItem/UnblendedCost";

impl Books {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let lake = format!("delta:{}", folder.path().join("lake").display());
        Self { folder, lake }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the October report of a payer: more columns, and rows of a type, a cost and those columns' cells.
    fn october(&self, report: &str, more: &str, rows: &[(&str, &str, &str)]) {
        let start = "2026-10-01T00:00:00Z";
        let mut text = format!("{COLUMNS}{}{more}\n", if more.is_empty() { "" } else { "," });
        for (line_type, cost, cells) in rows {
            let comma = if more.is_empty() { "" } else { "," };
            text += &format!(
                "{start},000000000001,USD,AmazonEC2,000000000002,{start},{line_type},{cost}{comma}{cells}\n"
            );
        }
        let folder = self.path().join(report).join("20261001-20261101");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{report}-00001.csv.gz")), gzip(&text)).expect("written");
        let manifest = json!({
            "assemblyId": "20261105T010203Z",
            "account": "000000000001",
            "bucket": "acme-billing",
            "billingPeriod": {"start": "20261001T000000.000Z", "end": "20261101T000000.000Z"},
            "reportKeys": [format!("{report}/20261001-20261101/{report}-00001.csv.gz")],
        });
        std::fs::write(folder.join(format!("{report}-Manifest.json")), manifest.to_string())
            .expect("written");
    }

    /// A command's arguments, with the warehouse.
    fn here<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        [command, &["--warehouse", &self.lake]].concat()
    }

    fn run(&self, command: &[&str]) -> Output {
        warehouse_commands::awscost(&self.here(command))
    }

    fn prints(&self, command: &[&str]) -> String {
        warehouse_commands::prints(&self.here(command))
    }

    fn json(&self, command: &[&str]) -> Value {
        warehouse_commands::json(&self.here(&[command, &["-o", "json"]].concat()))
    }

    fn load(&self, report: &str, more: &[&str]) -> Value {
        let source = format!("file://{}", self.path().display());
        self.json(&[&["ingest", "--source", &source, "--report", report], more].concat())
    }

    /// What a question that can't be answered ends with.
    fn refuses(&self, command: &[&str]) -> (Option<i32>, String) {
        let output = self.run(command);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{command:?}");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// The text with every run of spaces and line ends made one space.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// 110 unblended: ten for usage, 60 for a savings plan, 40 for a reservation.
const COMMITTED: [(&str, &str, &str); 6] = [
    ("Usage", "10", ""),
    ("SavingsPlanCoveredUsage", "100", ""),
    ("SavingsPlanNegation", "-100", ""),
    ("SavingsPlanRecurringFee", "60", ""),
    ("DiscountedUsage", "0", ""),
    ("RIFee", "40", ""),
];

#[test]
fn an_amortized_total_without_its_columns_is_told_nowhere() {
    let books = Books::new();
    books.october("acme", "", &COMMITTED);
    let loaded = books.load("acme", &[]);
    let ledger = books.json(&["warehouse", "ledger"]);
    for told in [&loaded, &ledger] {
        let totals = &told["totals"]["USD"];
        assert_eq!(totals["unblended"], "110", "{told}");
        assert_eq!((totals.get("amortized"), totals.get("netUnblended")), (None, None), "{told}");
        assert_eq!(totals["rowsWithout"]["amortized"], 4, "{told}");
        let columns = told["missingColumns"].as_array().expect("a list");
        assert!(columns.contains(&json!("savings_plan_savings_plan_effective_cost")), "{told}");
        assert!(columns.contains(&json!("reservation_reservation_a_r_n")), "{told}");
    }
    let source = format!("file://{}", books.path().display());
    let again = books.prints(&["ingest", "--source", &source, "--report", "acme"]);
    assert!(again.contains("AlreadyLoaded"), "{again}");
    assert!(
        again.contains("4 of 6 USD rows have no amortized cost, so the bill has no such total"),
        "{again}"
    );

    let table = flat(&books.prints(&["costs", "--metric", "amortized"]));
    assert!(!table.contains("exact"), "{table}");
    assert!(table.contains("000000000001 2026-10: 4 rows lack reservation_effective_cost"), "{table}");
    let answer = books.json(&["costs", "--metric", "amortized", "--group-by", "line-item-type"]);
    assert_eq!(answer["totals"][0]["rowsWithoutCost"], 4, "{answer}");
    assert_eq!(answer["rowsWithoutCost"][0]["rows"], 4, "{answer}");
    let fee =
        answer["groups"].as_array().and_then(|groups| groups.iter().find(|group| group["name"] == "RIFee"));
    assert_eq!(fee.map(|fee| &fee["cost"]), Some(&Value::Null), "{answer}");
    let net = books.json(&["costs", "--metric", "net"]);
    assert_eq!((&net["totals"][0]["cost"], &net["totals"][0]["rowsWithoutCost"]), (&Value::Null, &json!(6)));
    assert_eq!(books.json(&["costs"])["totals"][0]["cost"], "110");
}

#[test]
fn the_same_bill_with_its_columns_has_its_amortized_total() {
    let books = Books::new();
    let columns = "savingsPlan/SavingsPlanEffectiveCost,savingsPlan/TotalCommitmentToDate,savingsPlan/UsedCommitment,\
                   reservation/EffectiveCost,reservation/UnusedAmortizedUpfrontFeeForBillingPeriod,\
                   reservation/UnusedRecurringFee,reservation/ReservationARN";
    let rows = [
        ("Usage", "10", ",,,,,,"),
        ("SavingsPlanCoveredUsage", "100", "55,,,,,,"),
        ("SavingsPlanNegation", "-100", ",,,,,,"),
        ("SavingsPlanRecurringFee", "60", ",60,55,,,,"),
        ("DiscountedUsage", "0", ",,,33,,,arn"),
        ("RIFee", "40", ",,,,0,7,arn"),
        ("Fee", "500", ",,,,,,arn"),
        ("Fee", "3", ",,,,,,"),
    ];
    books.october("acme", columns, &rows);
    let loaded = books.load("acme", &[]);
    assert_eq!(loaded["totals"]["USD"]["amortized"], "113", "{loaded}");
    assert_eq!(loaded["missingColumns"], json!(["line_item_net_unblended_cost"]), "{loaded}");
    let table = books.prints(&["costs", "--metric", "amortized"]);
    assert!(table.contains("Costs are amortized, exact, and include every row."), "{table}");
    assert_eq!(books.json(&["costs", "--metric", "amortized"])["totals"][0]["cost"], "113");
}

#[test]
fn a_sum_of_rounded_values_is_not_called_exact() {
    let books = Books::new();
    let crumb = ("Usage", "0.0000000000000000004", "");
    books.october("acme", "", &[crumb, crumb, crumb]);
    assert_eq!(books.load("acme", &[])["roundedValues"], 3);
    let table = flat(&books.prints(&["costs"]));
    assert!(!table.contains("exact"), "{table}");
    let said = "3 of line_item_unblended_cost, which changes its sum by -0.0000000000000000012";
    assert!(table.contains(said), "{table}");
    assert_eq!(books.json(&["costs"])["rounded"][0]["effect"], "-0.0000000000000000012");
    let csv = books.run(&["costs", "-o", "csv"]);
    assert!(String::from_utf8_lossy(&csv.stderr).contains("rounded"), "csv tells it beside the rows");
}

#[test]
fn what_overlapping_connections_include_stands_apart() {
    let books = Books::new();
    books.october("acme", "", &[("Usage", "10", ""), ("Credit", "-4", "")]);
    for connection in ["payer", "member"] {
        books.load("acme", &["--connection", connection]);
    }
    let answer = books.json(&["costs"]);
    let credits: Vec<_> = answer["included"].as_array().expect("a list").iter().collect();
    assert_eq!(credits.len(), 2, "{answer}");
    for (credit, connection) in credits.iter().zip(["member", "payer"]) {
        assert_eq!((&credit["connection"], &credit["cost"]), (&json!(connection), &json!("-4")), "{answer}");
    }
    let table = books.prints(&["costs"]);
    assert!(table.contains("Credit of payer -4 USD") && !table.contains("-8"), "{table}");
}

/// A row with every kind of tag key.
const TAGS: &str =
    "resourceTags/user:user_id,resourceTags/user:aws_account,resourceTags/user:名前,resourceTags/user:Owner";

#[test]
fn a_tag_is_found_by_every_spelling_and_a_typo_is_an_error() {
    let books = Books::new();
    books.october("acme", TAGS, &[("Usage", "5", "u1,x,n,bob")]);
    books.load("acme", &[]);
    for (asked, value) in [
        ("user_id", "u1"),
        ("user:user_id", "u1"),
        ("aws_account", "x"),
        ("user:名前", "n"),
        ("名前", "n"),
        ("owner", "bob"),
    ] {
        let answer = books.json(&["costs", "--group-by", &format!("tag:{asked}")]);
        assert_eq!(
            answer["groups"],
            json!([{"currency": "USD", "name": value, "cost": "5", "rows": 1}]),
            "{asked}"
        );
        assert_eq!(
            (&answer["tag"]["found"], &answer["tag"]["nearest"]),
            (&json!(true), &json!([])),
            "{answer}"
        );
    }
    for output in ["table", "json", "csv"] {
        let (exit, said) = books.refuses(&["costs", "--group-by", "tag:Onwer", "-o", output]);
        assert_eq!(exit, Some(11), "{output}: {said}");
        assert!(
            said.contains("none of these rows has the tag \"Onwer\": the nearest are user:Owner, "),
            "{said}"
        );
        assert!(said.contains("--group-by tag:user:Owner"), "{said}");
    }
}

#[test]
fn a_month_without_the_tag_says_which_month_has_it() {
    let books = Books::new();
    books.october("acme", "resourceTags/user:Owner", &[("Usage", "5", "bob")]);
    books.load("acme", &["--connection", "tagged"]);
    books.october("plain", "", &[("Usage", "7", "")]);
    books.load("plain", &["--connection", "plain"]);
    let plain = ["costs", "--group-by", "tag:Owner", "--connection", "plain"];
    let table = flat(&books.prints(&plain));
    assert!(table.contains("None of these rows has the tag Owner, but tagged 2026-10 has it."), "{table}");
    let answer = books.json(&plain);
    assert_eq!(
        answer["tag"]["elsewhere"],
        json!([{"connection": "tagged", "period": "2026-10"}]),
        "{answer}"
    );
    assert_eq!(answer["totals"][0]["cost"], "7");
    let (exit, said) = books.refuses(&["costs", "--group-by", "tag:Team", "--connection", "plain"]);
    assert_eq!(exit, Some(11), "{said}");
    let both = flat(&books.prints(&["costs", "--group-by", "tag:Owner"]));
    assert!(both.contains("None of these has the tag: plain 2026-10."), "{both}");
}

#[test]
fn keys_that_met_under_one_name_are_told_with_the_answer() {
    let books = Books::new();
    let rows = [("Usage", "1.5", "alpha,beta"), ("Usage", "2.25", "alpha,"), ("Usage", "4", ",beta")];
    books.october("acme", "resourceTags/user:client,resourceTags/user:Client", &rows);
    books.load("acme", &[]);
    let answer = books.json(&["costs", "--group-by", "tag:client"]);
    let originals: Vec<_> =
        answer["tag"]["collisions"].as_array().expect("a list").iter().map(|of| &of["original"]).collect();
    assert_eq!(originals, ["user:Client", "user:client"], "{answer}");
    assert_eq!(answer["groups"][1]["cost"], "3.75", "the spelling that was asked for comes first: {answer}");
    assert_eq!(answer["totals"][0]["cost"], "7.75");
    let table = flat(&books.prints(&["costs", "--group-by", "tag:client"]));
    assert!(table.contains("Several tag keys fold to user_client"), "{table}");
    assert!(table.contains("000000000001 2026-10: user:Client (together with another on 1 rows)"), "{table}");
}

#[test]
fn an_export_that_has_tags_alone_is_read() {
    let books = Books::new();
    let tags = r#""{""resourceTag/Owner"":""bob"",""accountTag/Stage"":""prod""}""#;
    books.october("acme", "tags", &[("Usage", "5", tags), ("Usage", "1", "")]);
    books.load("acme", &[]);
    for (asked, value) in [("Owner", "bob"), ("accountTag/Stage", "prod")] {
        let answer = books.json(&["costs", "--group-by", &format!("tag:{asked}")]);
        assert_eq!(
            (&answer["groups"][0]["name"], &answer["groups"][0]["cost"]),
            (&json!(value), &json!("5"))
        );
    }
    let (exit, said) = books.refuses(&["costs", "--group-by", "tag:Onwer"]);
    assert_eq!(exit, Some(11));
    assert!(said.contains("resourceTag/Owner"), "{said}");
}

#[test]
fn bills_that_are_not_loaded_are_an_error_not_an_empty_bill() {
    let books = Books::new();
    books.october("acme", "", &[("Usage", "5", "")]);
    books.load("acme", &[]);
    for asked in [["--connection", "nobody"], ["--period", "2026-09"]] {
        let (exit, said) = books.refuses(&[&["costs"][..], &asked, &["-o", "json"]].concat());
        assert_eq!(exit, Some(11), "{said}");
        assert!(said.contains("none of the requested bills is loaded"), "{said}");
    }
    let table = books.prints(&["costs", "--period", "2026-09", "--period", "2026-10"]);
    assert!(table.contains("Not loaded, so not in these sums: 2026-09."), "{table}");
}
