//! A report in each of its forms, and how it ends a process.

use super::{
    json::render_json,
    junit::render_junit,
    report::{CheckReport, CheckVerdict, CheckedSubject, ReportedFinding, UnreadableFile},
    sarif::render_sarif,
    text::render_text,
};
use crate::{
    cli::terminal::wrap::fits,
    model::{ConditionStatus, ConditionType, Reason, Severity},
};

fn finding(
    condition: ConditionType,
    status: ConditionStatus,
    reason: Reason,
    field: &str,
    line: u64,
    message: &str,
) -> ReportedFinding {
    ReportedFinding {
        condition,
        status,
        reason,
        severity: Severity::of(condition, status, reason, true),
        message: message.to_owned(),
        snippet: None,
        field: field.to_owned(),
        line,
    }
}

fn report() -> CheckReport {
    use ConditionStatus::{False, True, Unknown};
    use ConditionType as T;
    let assumed = "The role can be assumed with the external ID.";
    let missing = "There is no bucket acme-biling in any region. Correct spec.report.bucket.name, or create the bucket \
                   <acme> & \"co\".";
    let findings = vec![
        finding(T::RoleAssumable, True, Reason::RoleAssumed, "spec.access.roleArn", 7, assumed),
        finding(T::BucketReadable, False, Reason::BucketNotFound, "spec.report.bucket.name", 12, missing),
        finding(
            T::ReportDelivered,
            Unknown,
            Reason::BlockedByBucket,
            "spec.report.name",
            11,
            "Can't be told.",
        ),
        finding(T::ReportConfigured, Unknown, Reason::Throttled, "spec.report.name", 11, "AWS throttles."),
        finding(
            T::PermissionsMinimal,
            False,
            Reason::CanWriteBucket,
            "spec.access.roleArn",
            7,
            "Take s3:PutObject away.",
        ),
    ];
    CheckReport {
        subjects: vec![CheckedSubject {
            name: "AwsCostAccount finops/acme-payer".to_owned(),
            file: "./accounts/acme payer.yaml".to_owned(),
            findings,
        }],
        unreadable: vec![UnreadableFile {
            file: "broken.yaml".to_owned(),
            line: 3,
            problem: "a mapping has no value".to_owned(),
        }],
        ignored: 2,
    }
}

fn one(reason: Reason, condition: ConditionType, status: ConditionStatus) -> CheckReport {
    let findings = vec![finding(condition, status, reason, "", 1, "words")];
    CheckReport {
        subjects: vec![CheckedSubject { name: "x".to_owned(), file: "x.yaml".to_owned(), findings }],
        ..CheckReport::default()
    }
}

#[test]
fn what_must_be_mended_fits_80_columns() {
    let text = render_text(&report(), false);
    assert!(fits(&text), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn json_has_every_finding() {
    insta::assert_snapshot!(render_json(&report(), false));
}

#[test]
fn junit_has_a_case_a_condition() {
    let xml = render_junit(&report(), false);
    assert_eq!(xml.matches("<testcase ").count(), 5 + 1);
    assert!(!xml.contains("<acme>"), "text is escaped");
    insta::assert_snapshot!(xml);
}

/// An object that is refused for two fields.
fn refused() -> CheckReport {
    let finding = |field| {
        finding(ConditionType::Ready, ConditionStatus::False, Reason::InvalidSpec, field, 3, "no such value")
    };
    let findings = ["spec.accountType", "spec.report.name"].map(finding).to_vec();
    CheckReport {
        subjects: vec![CheckedSubject { name: "x".to_owned(), file: "x.yaml".to_owned(), findings }],
        ..CheckReport::default()
    }
}

#[test]
fn each_refused_field_is_a_case_of_its_own() {
    let xml = render_junit(&refused(), false);
    for name in ["Ready: spec.accountType", "Ready: spec.report.name"] {
        assert_eq!(xml.matches(&format!("name=\"{name}\"")).count(), 1, "{xml}");
    }
}

#[test]
fn sarif_points_at_the_line() {
    insta::assert_snapshot!(render_sarif(&report()).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn sarif_tells_refused_fields_apart() {
    let sarif: serde_json::Value = serde_json::from_str(&render_sarif(&refused())).expect("JSON");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let prints: std::collections::BTreeSet<String> =
        results.iter().map(|result| result["partialFingerprints"].to_string()).collect();
    assert_eq!((results.len(), prints.len()), (2, 2), "{prints:?}");
}

#[test]
fn errors_outweigh_what_could_not_be_checked_and_that_outweighs_advice() {
    use ConditionStatus::{False, True, Unknown};
    use ConditionType as T;
    for (report, strict, expected) in [
        // Nothing was checked: a build that came to nothing is no green pull request.
        (CheckReport::default(), false, CheckVerdict::Unchecked),
        (report(), false, CheckVerdict::Findings),
        (one(Reason::RoleAssumed, T::RoleAssumable, True), true, CheckVerdict::Good),
        (one(Reason::AssumeRoleDenied, T::RoleAssumable, False), false, CheckVerdict::Findings),
        // Whoever runs the check has no identity: that says nothing of the account.
        (one(Reason::NoBaseCredentials, T::RoleAssumable, False), false, CheckVerdict::Unchecked),
        (one(Reason::Throttled, T::RoleAssumable, Unknown), false, CheckVerdict::Unchecked),
        (one(Reason::AwaitingFirstDelivery, T::ReportDelivered, Unknown), true, CheckVerdict::Good),
        (one(Reason::AuditDenied, T::PermissionsMinimal, Unknown), true, CheckVerdict::Good),
        (one(Reason::CanWriteBucket, T::PermissionsMinimal, False), false, CheckVerdict::Good),
        (one(Reason::CanWriteBucket, T::PermissionsMinimal, False), true, CheckVerdict::Findings),
    ] {
        assert_eq!(report.verdict(strict), expected, "{report:?}");
    }
}
