//! What `plan` must do, case by case.

use super::*;
use crate::{
    model::ReportKind,
    report::{DIALECTS, DeliveredFile, FileFormat},
    schema::LOADER_COLUMNS,
};

const OCTOBER_20: &str = "2026-10-20T00:00:00Z";
const OCTOBER_21: &str = "2026-10-21T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn delivery(period: &str, version: &str, ordered_at: Option<&str>) -> Delivery {
    Delivery {
        kind: ReportKind::LegacyCur,
        period: period.parse().expect("a period"),
        manifest_key: "m".to_owned(),
        manifest_etag: "e".to_owned(),
        version: VersionIdentity(version.to_owned()),
        assembly: None,
        ordered_at: ordered_at.map(at),
        named_time: None,
        last_modified: None,
        format: FileFormat::CsvGz,
        files: vec![DeliveredFile { key: "f".to_owned(), etag: "1".to_owned(), size: 7 }],
        torn: None,
    }
}

fn terms() -> Terms {
    Terms {
        connection: "111111111111".parse().expect("a key"),
        owner: "cli".to_owned(),
        source: VersionSource {
            location: "s3://acme-billing/cur".to_owned(),
            report: "acme".to_owned(),
            rank: 0,
        },
        ordering: Ordering::Enforced,
        as_of: None,
        expect: None,
    }
}

fn loaded(version: &str, ordered_at: &str) -> LedgerRow {
    draft(&delivery("2026-10", version, None), at(ordered_at), &terms())
}

fn decided(version: &str, ordered_at: Option<&str>, rows: &[LedgerRow], terms: &Terms) -> String {
    match step(Box::new(delivery("2026-10", version, ordered_at)), rows, terms) {
        Step::Load { ordered_at, .. } => format!("load {ordered_at}"),
        Step::Settled { decision, .. } => {
            format!("{decision:?}").split([' ', '(']).next().expect("a word").to_owned()
        }
        Step::NotExpected { .. } => "not expected".to_owned(),
        Step::NoTime { .. } => "no time".to_owned(),
        Step::Fault(fault) => fault.to_string(),
    }
}

#[test]
fn the_newest_period_comes_first() {
    let found = ["2026-09", "2026-11", "2026-10"].map(|period| FoundPeriod {
        period: period.parse().expect("a period"),
        delivery: Ok(delivery(period, "a", Some(OCTOBER_20))),
    });
    let order: Vec<String> =
        plan(found.into(), &[], &terms()).iter().map(|planned| planned.period.to_string()).collect();
    assert_eq!(order, ["2026-11", "2026-10", "2026-09"]);
}

#[test]
fn the_ledger_decides() {
    let terms = terms();
    let forced = Terms { ordering: Ordering::Forced, ..terms.clone() };
    let stranger = Terms { owner: "cluster/ns/other".to_owned(), ..terms.clone() };
    let elsewhere = Terms {
        source: VersionSource { report: "other".to_owned(), ..terms.source.clone() },
        ..terms.clone()
    };
    let rows = [loaded("a", OCTOBER_21)];
    for (version, time, terms, expected) in [
        ("a", OCTOBER_21, &terms, "AlreadyLoaded"),
        ("a", OCTOBER_21, &forced, "load 2026-10-21T00:00:00Z"),
        ("b", OCTOBER_21, &terms, "load 2026-10-21T00:00:00Z"),
        ("b", OCTOBER_20, &terms, "OlderManifest"),
        ("b", OCTOBER_20, &forced, "load 2026-10-20T00:00:00Z"),
        ("a", OCTOBER_21, &stranger, "DuplicateConnection"),
        ("b", "2026-10-30T00:00:00Z", &elsewhere, "OtherSourceOwnsPeriod"),
    ] {
        assert_eq!(decided(version, Some(time), &rows, terms), expected, "{version} {time} {terms:?}");
    }
}

#[test]
fn a_loaded_version_of_the_future_keeps_no_other_out() {
    let terms = terms();
    let impossible = LedgerRow { loaded_at: at(OCTOBER_21), ..loaded("a", "2099-12-31T00:00:00Z") };
    let (real, earlier) = (Some("2026-10-22T00:00:00Z"), Some(OCTOBER_20));
    assert_eq!(decided("b", real, std::slice::from_ref(&impossible), &terms), "load 2026-10-22T00:00:00Z");
    assert_eq!(decided("b", earlier, std::slice::from_ref(&impossible), &terms), "load 2026-10-20T00:00:00Z");
    assert_eq!(decided("a", real, &[impossible], &terms), "AlreadyLoaded");
    // Clocks that differ by less than a day prove nothing.
    let ahead = LedgerRow { loaded_at: at(OCTOBER_20), ..loaded("a", OCTOBER_21) };
    assert_eq!(decided("b", earlier, &[ahead], &terms), "OlderManifest");
}

#[test]
fn a_version_without_a_time_needs_one() {
    assert_eq!(decided("a", None, &[], &terms()), "no time");
    let given = Terms { as_of: Some(at(OCTOBER_21)), ..terms() };
    assert_eq!(decided("a", None, &[], &given), "load 2026-10-21T00:00:00Z");
    assert_eq!(decided("a", Some(OCTOBER_20), &[], &given), "load 2026-10-20T00:00:00Z");
}

#[test]
fn only_the_expected_version_is_taken() {
    let terms = Terms { expect: Some(VersionIdentity("a".to_owned())), ..terms() };
    assert_eq!(decided("b", Some(OCTOBER_20), &[], &terms), "not expected");
    assert_eq!(decided("a", Some(OCTOBER_20), &[], &terms), "load 2026-10-20T00:00:00Z");
}

#[test]
fn every_dialect_has_a_table_and_asks_an_export_for_what_the_table_requires() {
    for dialect in &DIALECTS {
        let table = table_of(dialect.kind);
        let required = table.columns.iter().filter(|column| column.required).map(|column| column.name);
        let required: Vec<&str> = required.filter(|name| !LOADER_COLUMNS.contains(name)).collect();
        if let Some(rules) = &dialect.export {
            assert_eq!(rules.needed, required, "{}", dialect.kind);
        }
    }
}
