//! The catalogue scored against the outcome classes that other tools have for a connection, as their published code and
//! API descriptions show them: `docs/diagnosis.md`, written from the catalogue and held against it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::PathBuf,
};

use awscost::model::{
    ConditionType,
    Reason::{self, *},
};

use super::catalogue::{Catalogue, Expectation, Row};

/// Set it to have the page written instead of compared.
const WRITE: &str = "AWSCOST_WRITE_DOCS";

/// A tool, how many outcomes it has in all, and what it makes of a reason; nothing where it does not look, or where
/// its code and descriptions do not tell.
struct Tool {
    name: &'static str,
    outcomes: &'static str,
    says: fn(ConditionType, Reason) -> Option<&'static str>,
}

const TOOLS: [Tool; 3] = [
    Tool { name: "koku", outcomes: "8", says: koku },
    Tool { name: "OpenCost", outcomes: "4", says: opencost },
    Tool { name: "Datadog", outcomes: "16", says: datadog },
];

/// An assume probe, HeadBucket, one error for each of them, legacy
/// reports only, of which resource IDs and compression are looked at; nothing of the legacy status or of age.
fn koku(condition: ConditionType, reason: Reason) -> Option<&'static str> {
    match (condition, reason) {
        (ConditionType::RoleAssumable, _) => Some("role refused or \"entered incorrectly\""),
        (
            _,
            BucketNotFound
            | BucketRegionMismatch
            | BucketRegionNotEnabled
            | BucketListDenied
            | BucketDisabled
            | BucketOwnerMismatch,
        )
        | (ConditionType::BucketReadable, NetworkPolicyDenied | OrganizationPolicyDenies) => {
            Some("bucket not accessible")
        }
        (_, LegacyApiDenied) => Some("report definitions not accessible"),
        (_, ResourceIdsMissing | CompressionUnsupported | FormatUnsupported) => {
            Some("report set up unsuitably")
        }
        _ => None,
    }
}

/// What the first query makes of it, and missing data.
fn opencost(condition: ConditionType, reason: Reason) -> Option<&'static str> {
    match (condition, reason) {
        (_, ReadNotYetProvable) => Some("MissingData"),
        (ConditionType::RoleAssumable | ConditionType::BucketReadable, _) => Some("failed connection"),
        _ => None,
    }
}

/// A list of issue codes, each with one cause but for those of bucket access.
fn datadog(condition: ConditionType, reason: Reason) -> Option<&'static str> {
    match (condition, reason) {
        (ConditionType::RoleAssumable, _) => Some("CREDENTIAL_ERROR"),
        (_, BucketRegionMismatch) => Some("bucket region"),
        (_, BucketNotFound | BucketListDenied | BucketOwnerMismatch | BucketDisabled)
        | (ConditionType::BucketReadable, NetworkPolicyDenied | OrganizationPolicyDenies) => {
            Some("bucket not listable")
        }
        (
            _,
            ObjectReadDenied | KmsDecryptDenied | KmsKeyUnusable | ObjectArchived | ObjectOwnedByOther
            | CustomerKeyEncrypted,
        ) => Some("object not readable"),
        (_, LegacyApiDenied | ExportListDenied)
        | (ConditionType::ReportConfigured, NetworkPolicyDenied | OrganizationPolicyDenies) => {
            Some("exports not listable")
        }
        (_, ExportGetDenied) => Some("export not readable"),
        (_, ReportNotFound) => Some("export not found"),
        (_, GranularityTooCoarse) => Some("time granularity"),
        (_, ResourceIdsMissing) => Some("resource IDs"),
        (_, FormatUnsupported) => Some("format"),
        (_, CompressionUnsupported) => Some("compression"),
        (_, ClosedPeriodRefreshOff) => Some("refresh"),
        (_, ColumnsMissing | ColumnsRenamed | TableUnsupported | QueryUnreadable) => Some("columns"),
        (_, ExportUnhealthy | ExportDeliveryDenied | BillOwnerChanged | ExportDeprecated) => {
            Some("EXPORT_STATUS_UNHEALTHY")
        }
        _ => None,
    }
}

/// The faults that other tools could speak of at all: not this project's own identity, Secrets, tenancy and warehouses, nor
/// outages.
fn comparable(row: &Row) -> bool {
    let ours = |reason: Reason| {
        matches!(
            reason,
            SecretNotUsable
                | SecretKeyMissing
                | AccessKeyInvalid
                | ExternalIdReused
                | RoleNotAllowedInNamespace
                | Throttled
                | EndpointUnreachable
                | ClockSkew
                | UnexpectedAnswer
        )
    };
    let warehouse = |condition| condition == ConditionType::WarehouseReady;
    let of_aws = |expected: &Expectation| !ours(expected.reason) && !warehouse(expected.condition);
    !row.befalls_the_operator() && row.expect.first().is_some_and(of_aws)
}

/// The whole page.
fn page(catalogue: &Catalogue) -> String {
    let rows: Vec<&Row> = catalogue.rows.iter().filter(|row| comparable(row)).collect();
    let mut page = String::from(concat!(
        "<!-- Written by tests/it/fault_catalogue/score.rs from tests/it/fault_catalogue/catalogue.yaml; do not edit. -->\n",
        "# Faults told apart\n\n",
        "A test causes every fault below, and awscost must name it with exactly the reason in the second column;\n",
        "[troubleshooting.md](troubleshooting.md) has each reason's fix.\n\n",
        "The other columns are not measured. They come from the published code and API descriptions of koku, OpenCost and\n",
        "Datadog in November 2026, classified by the authors of this page; none of the three was run. A dash means that\n",
        "nothing was found that checks for the fault, which does not prove that there is nothing.\n\n",
        "The resolution ratio is the number of distinct outcomes divided by the number of faults: 1 would mean a separate\n",
        "answer for each. Some faults can't be told apart, so awscost does not reach 1 either: nobody outside can distinguish a\n",
        "deleted role from a trust policy that no longer names the operator.\n\n",
    ));
    let ours: BTreeSet<String> = rows.iter().map(|row| outcome(row)).collect();
    page.push_str("| | outcomes in all | faults answered | distinct answers to them | resolution ratio |\n|---|---|---|---|---|\n");
    let line = |page: &mut String, name: &str, all: &str, answered: usize, distinct: usize| {
        let ratio = distinct as f64 / rows.len() as f64;
        writeln!(page, "| {name} | {all} | {answered} of {} | {distinct} | {ratio:.2} |", rows.len())
            .expect("a text grows");
    };
    line(&mut page, "awscost", &Reason::ALL.len().to_string(), rows.len(), ours.len());
    let answers: BTreeMap<&str, Vec<Option<&str>>> = TOOLS
        .iter()
        .map(|tool| {
            let says = |row: &&Row| (tool.says)(row.expect[0].condition, row.expect[0].reason);
            (tool.name, rows.iter().map(says).collect())
        })
        .collect();
    for tool in &TOOLS {
        let known: Vec<&str> = answers[tool.name].iter().flatten().copied().collect();
        let distinct = known.iter().collect::<BTreeSet<_>>().len();
        line(&mut page, tool.name, tool.outcomes, known.len(), distinct);
    }
    page.push_str("\n| fault | awscost | koku | OpenCost | Datadog |\n|---|---|---|---|---|\n");
    for (number, row) in rows.iter().enumerate() {
        write!(page, "| {} | {} |", row.fault, outcome(row)).expect("a text grows");
        for tool in &TOOLS {
            write!(page, " {} |", answers[tool.name][number].unwrap_or("–")).expect("a text grows");
        }
        page.push('\n');
    }
    page
}

/// What awscost says: all of it.
fn outcome(row: &Row) -> String {
    let all: Vec<&str> = row.expect.iter().map(|expected| expected.reason.as_str()).collect();
    all.join(", ")
}

#[test]
fn the_page_is_what_the_catalogue_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/diagnosis.md");
    let page = page(&Catalogue::read());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == page, "docs/diagnosis.md is out of date: run this test with {WRITE}=1");
}
