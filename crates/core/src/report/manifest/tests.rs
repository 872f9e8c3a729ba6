//! What `manifest` must do, case by case.

use super::*;

fn root(anchor: ReportAnchor) -> ReportRoot {
    ReportRoot {
        prefix: if anchor == ReportAnchor::Folder { "" } else { "cur" }.parse().expect("prefix"),
        anchor,
        name: "acme".parse().expect("name"),
        kind: None,
    }
}

fn bucket() -> ReportAnchor {
    ReportAnchor::Bucket("acme-billing".parse().expect("bucket"))
}

fn parse(kind: ReportKind, anchor: ReportAnchor, text: &str) -> Result<Manifest, InvalidManifest> {
    let root = root(anchor);
    let base = root.base();
    Manifest::parse(text.as_bytes(), &root, &base, kind.service(), "2026-10".parse().expect("period"))
}

fn legacy(keys: &str) -> String {
    format!(
        r#"{{"assemblyId":"20261021T043010Z","account":"123456789012","charset":"UTF-8","compression":"GZIP",
            "columns":[{{"category":"identity","name":"LineItemId"}},{{"category":"lineItem","name":"UnblendedCost","type":"BigDecimal"}}],
            "billingPeriod":{{"start":"20261001T000000.000Z","end":"20261101T000000.000Z"}},
            "bucket":"acme-billing","reportKeys":{keys},"additionalArtifactKeys":[]}}"#
    )
}

#[test]
fn a_legacy_manifest() {
    let keys = r#"["cur/acme/20261001-20261101/20261021T043010Z/acme-00001.csv.gz"]"#;
    let manifest = parse(ReportKind::LegacyCur, bucket(), &legacy(keys)).expect("parses");
    assert_eq!(manifest.assembly.as_deref(), Some("20261021T043010Z"));
    assert_eq!(manifest.files, ["cur/acme/20261001-20261101/20261021T043010Z/acme-00001.csv.gz"]);
    assert_eq!(manifest.format, FileFormat::CsvGz);
    assert_eq!(manifest.columns, ["identity/LineItemId", "lineItem/UnblendedCost"]);
}

#[test]
fn an_export_manifest_in_each_spelling_of_its_entries() {
    let file = "cur/acme/data/BILLING_PERIOD=2026-10/acme-00001.snappy.parquet";
    for entry in [
        format!("\"s3://acme-billing/{file}\""),
        format!("\"{file}\""),
        format!("{{\"key\":\"{file}\"}}"),
        format!("{{\"relativePath\":\"{file}\",\"size\":3}}"),
    ] {
        let text = format!(r#"{{"executionId":"e-1","unknown":[1,2],"dataFiles":[{entry}]}}"#);
        let manifest = parse(ReportKind::Cur2, bucket(), &text).expect(&entry);
        assert_eq!(manifest.files, [file]);
        assert_eq!(manifest.format, FileFormat::Parquet);
    }
}

#[test]
fn a_folder_knows_neither_bucket_nor_prefix() {
    let text = r#"{"dataFiles":["s3://elsewhere/a/b/acme/data/BILLING_PERIOD=2026-10/acme-00001.csv.gz"]}"#;
    let manifest = parse(ReportKind::Cur2, ReportAnchor::Folder, text).expect("parses");
    assert_eq!(manifest.files, ["acme/data/BILLING_PERIOD=2026-10/acme-00001.csv.gz"]);
}

#[test]
fn what_a_manifest_may_not_list() {
    let in_month = "cur/acme/20261001-20261101/acme-1.csv.gz";
    for (keys, named) in [
        ("[]".to_owned(), "no files"),
        (format!(r#"["{in_month}","{in_month}"]"#), "twice"),
        (r#"["cur/acme/20261001-20261101/../../other/x.csv.gz"]"#.to_owned(), "not a data file"),
        (r#"["cur/other/20261001-20261101/x.csv.gz"]"#.to_owned(), "not a data file"),
        (r#"["s3://other/cur/acme/20261001-20261101/x.csv.gz"]"#.to_owned(), "another bucket"),
        (r#"["cur/acme/20260901-20261001/x.csv.gz"]"#.to_owned(), "2026-09"),
        (r#"["cur/acme/20261001-20261101/x.txt"]"#.to_owned(), "must all be"),
        (format!(r#"["{in_month}","cur/acme/acme/year=2026/month=10/x.parquet"]"#), "must all be"),
        (r#"["cur/acme/data/BILLING_PERIOD=2026-10/x.csv.gz"]"#.to_owned(), "not a data file"),
    ] {
        let refused = parse(ReportKind::LegacyCur, bucket(), &legacy(&keys)).expect_err(&keys).to_string();
        assert!(refused.contains(named), "{keys}: {refused}");
    }
}

#[test]
fn a_manifest_of_another_month_or_bucket_is_refused() {
    let keys = r#"["cur/acme/20261001-20261101/acme-1.csv.gz"]"#;
    let other_month = legacy(keys).replace("20261001T", "20260901T");
    assert_eq!(
        parse(ReportKind::LegacyCur, bucket(), &other_month),
        Err(InvalidManifest::PeriodDiffers("202609".to_owned()))
    );
    let other_bucket = legacy(keys).replace("acme-billing", "evil-bucket");
    assert_eq!(
        parse(ReportKind::LegacyCur, bucket(), &other_bucket),
        Err(InvalidManifest::ForeignBucket("evil-bucket".to_owned()))
    );
}

#[test]
fn broken_json_says_where_and_never_what() {
    let deep = "[".repeat(100_000);
    for text in [" ", "{", "[]", r#"{"reportKeys":3}"#, r#"{"assemblyId":"x"}"#, deep.as_str()] {
        let refused = parse(ReportKind::LegacyCur, bucket(), text).expect_err("refused");
        assert!(matches!(refused, InvalidManifest::Shape(_)), "{refused}");
    }
}

#[test]
fn a_manifest_of_zero_bytes_is_called_that() {
    for kind in [ReportKind::LegacyCur, ReportKind::Cur2] {
        let refused = parse(kind, bucket(), "").expect_err("refused");
        assert!(refused.to_string().contains("zero bytes"), "{refused}");
    }
}
