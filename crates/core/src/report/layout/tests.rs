//! What `layout` must do, case by case.

use proptest::prelude::*;

use super::*;

fn root(prefix: &str, name: &str) -> ReportRoot {
    ReportRoot {
        anchor: ReportAnchor::Bucket("acme-billing".parse().expect("bucket")),
        prefix: prefix.parse().expect("prefix"),
        name: name.parse().expect("name"),
        kind: None,
    }
}

fn shape(root: &ReportRoot, key: &str) -> Option<(KeyArea, String, Option<String>, String)> {
    root.parse(&root.base(), key)
        .map(|parsed| (parsed.area, parsed.period.to_string(), parsed.run, parsed.file))
}

#[test]
fn keys_of_every_dialect() {
    let root = root("cur", "acme");
    for (key, area, period, run, file) in [
        (
            "cur/acme/20261001-20261101/acme-Manifest.json",
            KeyArea::Range,
            "2026-10",
            None,
            "acme-Manifest.json",
        ),
        (
            "cur/acme/20261201-20270101/20261221T043010Z/acme-00001.csv.gz",
            KeyArea::Range,
            "2026-12",
            Some("20261221T043010Z"),
            "acme-00001.csv.gz",
        ),
        ("cur/acme/20160101-20160131/acme-1.csv.zip", KeyArea::Range, "2016-01", None, "acme-1.csv.zip"),
        (
            "cur/acme/acme/year=2026/month=1/acme-00001.snappy.parquet",
            KeyArea::Month,
            "2026-01",
            None,
            "acme-00001.snappy.parquet",
        ),
        (
            "cur/acme/metadata/BILLING_PERIOD=2026-10/acme-Manifest.json",
            KeyArea::Metadata,
            "2026-10",
            None,
            "acme-Manifest.json",
        ),
        (
            "cur/acme/data/billing_period=2026-10/2026-10-25T13:15:05.826Z-0b5c/acme-00001.csv.gz",
            KeyArea::Data,
            "2026-10",
            Some("2026-10-25T13:15:05.826Z-0b5c"),
            "acme-00001.csv.gz",
        ),
    ] {
        let expected = (area, period.to_owned(), run.map(str::to_owned), file.to_owned());
        assert_eq!(shape(&root, key), Some(expected), "{key}");
    }
}

#[test]
fn what_is_not_the_reports_is_none() {
    let root = root("cur", "acme");
    for key in [
        "aws-programmatic-access-test-object",
        "cur/acme2/20261001-20261101/acme-Manifest.json",
        "cur/acme/20261001-20261102/acme-Manifest.json",
        "cur/acme/20261002-20261101/acme-Manifest.json",
        "cur/acme/20261001-20261101/../../secret",
        "cur/acme/20261001-20261101//acme-Manifest.json",
        "cur/acme/20261001-20261101/a/b/acme-Manifest.json",
        "cur/acme/acme/year=26/month=1/x.parquet",
        "cur/acme/acme/year=2026/month=13/x.parquet",
        "cur/acme/acme/cost_and_usage_data_status/cost_and_usage_data_status.parquet",
        "cur/acme/data/PERIOD=2026-10/x.parquet",
        "cur/acme/data/BILLING_PERIOD=2026-10/",
        "cur/acme/crawler-cfn.yml",
    ] {
        assert_eq!(shape(&root, key), None, "{key}");
    }
}

/// A key under a base, put together from its parts.
fn built(root: &ReportRoot, base: &str, key: &ReportKey) -> String {
    let area = match key.area {
        KeyArea::Range => String::new(),
        KeyArea::Month => format!("{}/", root.name),
        KeyArea::Metadata => "metadata/".to_owned(),
        KeyArea::Data => "data/".to_owned(),
    };
    let run = key.run.as_deref().map(|run| format!("{run}/")).unwrap_or_default();
    format!("{base}{area}{}/{run}{}", key.folder, key.file)
}

#[test]
fn a_report_without_prefix_may_start_with_a_slash() {
    let root = root("", "acme");
    assert_eq!(root.bases(), ["acme/", "/acme/"]);
    let key = "/acme/20261001-20261101/acme-Manifest.json";
    let parsed = root.parse("/acme/", key).expect("parses");
    assert_eq!(built(&root, "/acme/", &parsed), key);
}

#[test]
fn a_folder_drops_the_prefix_of_the_bucket() {
    let root = ReportRoot { anchor: ReportAnchor::Folder, ..root("", "acme") };
    let local = |key| root.localize("acme/", key).map(|(local, _)| local);
    assert_eq!(
        local("deep/acme/prefix/acme/acme/year=2026/month=1/f.parquet").as_deref(),
        Some("acme/acme/year=2026/month=1/f.parquet")
    );
    assert_eq!(local("acme/20261001-20261101/f.csv.gz").as_deref(), Some("acme/20261001-20261101/f.csv.gz"));
    assert_eq!(local("notacme/20261001-20261101/f.csv.gz"), None);
    assert_eq!(local("acme/20261001-20261101/../f.csv.gz"), None);
}

prop_compose! {
    fn any_key()(
        area in prop_oneof![Just(KeyArea::Range), Just(KeyArea::Month), Just(KeyArea::Metadata), Just(KeyArea::Data)],
        year in 2000i16..2100,
        month in 1i8..=12,
        upper in any::<bool>(),
        run in proptest::option::of("[A-Za-z0-9][A-Za-z0-9:.-]{0,40}"),
        file in "[A-Za-z0-9][A-Za-z0-9!_.*'()-]{0,40}",
    ) -> ReportKey {
        let period = BillingPeriod::new(year, month).expect("a month");
        let folder = match area {
            KeyArea::Range => period.date_range(),
            KeyArea::Month => format!("year={year}/month={month}"),
            KeyArea::Metadata | KeyArea::Data if upper => format!("BILLING_PERIOD={period}"),
            KeyArea::Metadata | KeyArea::Data => format!("billing_period={period}"),
        };
        ReportKey { area, period, folder, run: run.filter(|_| area != KeyArea::Month), file }
    }
}

proptest! {
    #[test]
    fn a_built_key_parses_to_itself(
        key in any_key(),
        prefix in "([A-Za-z0-9!_.*'()-]{1,8}/{0,2}){0,3}",
        name in "[A-Za-z0-9!_*'()-]{1,20}",
    ) {
        prop_assume!(!matches!(name.as_str(), "metadata" | "data"));
        prop_assume!(!prefix.split('/').any(|part| part == ".."));
        let root = root(&prefix, &name);
        for base in root.bases() {
            let text = built(&root, &base, &key);
            prop_assert_eq!(root.parse(&base, &text), Some(key.clone()), "{}", text);
        }
    }

    #[test]
    fn no_text_makes_the_parser_fail(key in any::<String>()) {
        let root = root("", "a");
        let _ = root.parse("", &key);
        let folder = ReportRoot { anchor: ReportAnchor::Folder, ..root };
        let _ = folder.localize("a/", &key);
    }
}
