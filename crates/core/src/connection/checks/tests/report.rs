//! What is wrong with a report's definition → the reason and the whole message.

use super::*;
use crate::{
    aws::traits::{ExportDefinition, LegacyDefinition, ReportDestination, ReportGranularity},
    model::layers::Field,
};

#[test]
fn definitions() {
    use Operation::{DescribeReportDefinitions, GetExport, ListExecutions, ListExports};
    fn with_export(facts: &mut Facts, change: impl FnOnce(&mut ExportDefinition)) {
        let mut export = sample::export();
        change(&mut export);
        facts.export = seen(Some(export));
    }
    fn only_legacy(facts: &mut Facts, change: impl FnOnce(&mut LegacyDefinition)) {
        let mut legacy = sample::legacy("acme");
        change(&mut legacy);
        facts.legacy = seen(vec![legacy]);
        facts.exports = seen(Vec::new());
        facts.export = seen(None);
    }
    let text = findings(
        ConditionType::ReportConfigured,
        &[
            ("export", |_, _| {}),
            ("legacy", |facts, _| only_legacy(facts, |_| {})),
            ("legacy, exports denied", |facts, _| {
                only_legacy(facts, |_| {});
                facts.exports = refused(ListExports, Code::AccessDenied);
                facts.export = Fact::default();
            }),
            ("none at all", |facts, _| {
                only_legacy(facts, |_| {});
                facts.legacy = seen(Vec::new());
            }),
            ("other names", |facts, target| {
                only_legacy(facts, |legacy| legacy.name = "Acme".to_owned());
                declared(target).kind = Some(ReportKind::LegacyCur);
            }),
            ("many names", |facts, _| {
                only_legacy(facts, |_| {});
                facts.legacy = seen((0..9).map(|n| sample::legacy(&format!("r{n}"))).collect());
            }),
            ("both, one elsewhere", |facts, _| {
                let mut legacy = sample::legacy("acme");
                legacy.destination.bucket = "elsewhere".to_owned();
                facts.legacy = seen(vec![legacy]);
            }),
            ("both", |facts, _| facts.legacy = seen(vec![sample::legacy("acme")])),
            ("both, kind declared", |facts, target| {
                facts.legacy = seen(vec![sample::legacy("acme")]);
                declared(target).kind = Some(ReportKind::Cur2);
            }),
            ("legacy denied", |facts, target| {
                facts.legacy = refused(DescribeReportDefinitions, Code::AccessDenied);
                declared(target).kind = Some(ReportKind::LegacyCur);
            }),
            ("list denied", |facts, _| {
                facts.exports = refused(ListExports, Code::AccessDenied);
                facts.export = Fact::default();
            }),
            ("get denied", |facts, _| facts.export = refused(GetExport, Code::AccessDenied)),
            ("executions denied", |facts, _| {
                facts.execution = refused(ListExecutions, Code::AccessDenied);
            }),
            ("an organization denies", |facts, target| {
                facts.legacy =
                    detailed(DescribeReportDefinitions, Code::AccessDenied, Detail::OrganizationPolicy);
                declared(target).kind = Some(ReportKind::LegacyCur);
            }),
            ("an endpoint denies", |facts, _| {
                facts.exports = detailed(ListExports, Code::AccessDenied, Detail::EndpointPolicy);
                facts.export = Fact::default();
            }),
            ("throttled", |facts, _| {
                facts.legacy = refused(DescribeReportDefinitions, Code::Throttling);
                facts.export = seen(None);
            }),
            ("other destination", |facts, _| {
                with_export(facts, |export| {
                    export.destination.prefix = String::new();
                    export.destination.region = "us-east-1".to_owned();
                    export.destination.owner = Some("444455556666".to_owned());
                });
            }),
            ("legacy, wrong all over", |facts, _| {
                only_legacy(facts, |legacy| {
                    legacy.compression = "ZIP".to_owned();
                    legacy.granularity = ReportGranularity::Monthly;
                    legacy.resource_ids = false;
                });
            }),
            ("export, wrong all over", |facts, _| {
                with_export(facts, |export| {
                    export.format = "TEXT_OR_CSV".to_owned();
                    export.compression = "ZIP".to_owned();
                    export.query = sample::COLUMNS
                        .replace("line_item_unblended_cost", "line_item_unblended_cost AS cost");
                    export.query = export.query.replace("bill_payer_account_id, ", "");
                    export.query =
                        format!("SELECT {} FROM COST_AND_USAGE_REPORT WHERE x = 'y' LIMIT 5", export.query);
                    export.properties.clear();
                });
            }),
            ("monthly export", |facts, _| {
                with_export(facts, |export| {
                    let table = export.properties.entry("COST_AND_USAGE_REPORT".to_owned()).or_default();
                    table.insert("TIME_GRANULARITY".to_owned(), "MONTHLY".to_owned());
                });
            }),
            ("another table", |facts, _| {
                with_export(facts, |export| export.query = "SELECT BilledCost FROM FOCUS_1_2_AWS".to_owned());
            }),
            ("unreadable query", |facts, _| {
                with_export(facts, |export| export.query = "SELECT sum(x) FROM T".to_owned());
            }),
            ("GovCloud", |facts, target| {
                sample::role(target).role =
                    "arn:aws-us-gov:iam::111122223333:role/awscost".parse().expect("a role");
                let mut caller = sample::operator();
                caller.arn = caller.arn.replace("arn:aws:", "arn:aws-us-gov:");
                facts.base = seen(caller);
                declared(target).kind = Some(ReportKind::LegacyCur);
            }),
        ],
    );
    insta::assert_snapshot!(text, @r#"
export
  Pass Configured: Report acme (Cur2) is defined and suits.
legacy
  Pass Configured: Report acme (LegacyCur) is defined and suits.
legacy, exports denied
  Pass Configured: Report acme (LegacyCur) is defined and suits.
none at all
  Fail ReportNotFound: Account 111122223333 has no report named acme. It has none at all: create one.
other names
  Fail ReportNotFound: Account 111122223333 has no legacy report named acme. It has Acme: names are case-sensitive, so correct spec.report.name. Only these were looked for, because spec.report.kind is LegacyCur: set it to Cur2 or Auto if the report is of that kind.
many names
  Fail ReportNotFound: Account 111122223333 has no report named acme. It has r0, r1, r2, r3, r4 and 4 more: names are case-sensitive, so correct spec.report.name.
both, one elsewhere
  Pass Configured: Report acme (Cur2) is defined and suits.
both
  Fail ReportAmbiguous: Account 111122223333 has a legacy report and a data export named acme. Set spec.report.kind to LegacyCur or Cur2.
both, kind declared
  Pass Configured: Report acme (Cur2) is defined and suits.
legacy denied
  Fail LegacyApiDenied: arn:aws:iam::111122223333:role/finops/awscost may not call cur:DescribeReportDefinitions, so report acme can't be looked up. Allow it in its policy; if it is allowed, activate IAM access to billing information in account 111122223333. If the report is not a LegacyCur, correct spec.report.kind: the other kind needs other permissions.
list denied
  Fail ExportListDenied: arn:aws:iam::111122223333:role/finops/awscost may not call bcm-data-exports:ListExports, so report acme can't be looked up. Allow it in its policy; if it is allowed, activate IAM access to billing information in account 111122223333.
get denied
  Fail ExportGetDenied: arn:aws:iam::111122223333:role/finops/awscost may not call bcm-data-exports:GetExport, so report acme can't be looked up. Allow it in its policy; if it is allowed, activate IAM access to billing information in account 111122223333.
executions denied
  Pass ExecutionListDenied: Report acme (Cur2) is defined and suits. But arn:aws:iam::111122223333:role/finops/awscost may not call bcm-data-exports:ListExecutions on it, so a refresh that failed shows only once the delivery is overdue: allow it.
an organization denies
  Fail OrganizationPolicyDenies: arn:aws:iam::111122223333:role/finops/awscost may not call cur:DescribeReportDefinitions on the reports of account 111122223333: a service or resource control policy of an organization refuses it. Ask whoever administers the organization of account 111122223333 to allow it.
an endpoint denies
  Fail NetworkPolicyDenied: arn:aws:iam::111122223333:role/finops/awscost may not call bcm-data-exports:ListExports on the reports of account 111122223333: the policy of a VPC endpoint between the operator and AWS refuses it. Allow it in that endpoint's policy.
throttled
  Unknown Throttled: AWS throttles cur:DescribeReportDefinitions. It is tried again in some minutes.
other destination
  Fail DestinationDiffers: Report acme is not delivered where spec.report.bucket says: its prefix is empty, not cur; its region is us-east-1, not eu-west-1; its bucket's owner is 444455556666, not 111122223333. Correct spec.report.bucket or the report.
legacy, wrong all over
  Fail CompressionUnsupported: Report acme is delivered as textORcsv with ZIP, which can't be loaded; have it delivered as textORcsv with GZIP or Parquet with Parquet. Report acme has monthly rows, too coarse for daily costs: set HOURLY or DAILY. Report acme leaves out resource IDs: include them (AdditionalSchemaElements: RESOURCES).
export, wrong all over
  Fail CompressionUnsupported: Report acme is delivered as TEXT_OR_CSV with ZIP, which can't be loaded; have it delivered as PARQUET with PARQUET or TEXT_OR_CSV with GZIP. The query of export acme has a WHERE and a LIMIT, which leaves rows of the bill out: remove it. The query of export acme leaves out columns that the bill can't be loaded without: select bill_payer_account_id too. The query of export acme renames line_item_unblended_cost to cost: select them under their own names. Export acme leaves out resource IDs: set INCLUDE_RESOURCES to TRUE and select line_item_resource_id.
monthly export
  Fail GranularityTooCoarse: Report acme has monthly rows, too coarse for daily costs: set HOURLY or DAILY.
another table
  Fail TableUnsupported: Export acme selects from FOCUS_1_2_AWS, which can't be loaded; create one from COST_AND_USAGE_REPORT.
unreadable query
  Fail QueryUnreadable: The query of export acme is not one list of columns from one table. Select the columns of COST_AND_USAGE_REPORT without functions or joins.
GovCloud
  Fail BillingApiNotInPartition: Partition aws-us-gov has no billing report API for spec.report.kind. GovCloud usage is billed through the linked commercial account: connect that one.
"#);
}

#[test]
fn a_destination_that_differs_points_at_what_differs_first() {
    let pointed = |change: fn(&mut ReportDestination)| {
        let mut facts = sample::facts();
        let mut export = sample::export();
        change(&mut export.destination);
        facts.export = seen(Some(export));
        let found = run(&facts, &sample::target(), sample::now());
        let found = found.into_iter().find(|found| found.condition == ConditionType::ReportConfigured);
        found.map(|found| (found.reason, found.field))
    };
    let at = |path| Some((Reason::DestinationDiffers, Field::At(path)));
    let other = |place: &mut ReportDestination| place.prefix = "other".to_owned();
    assert_eq!(pointed(other), at("spec.report.bucket.prefix"));
    assert_eq!(pointed(|place| place.region = "us-east-1".to_owned()), at("spec.report.bucket.region"));
    assert_eq!(pointed(|place| place.bucket = "other".to_owned()), at("spec.report.bucket.name"));
    let other_owner = |place: &mut ReportDestination| place.owner = Some("1".repeat(12));
    assert_eq!(pointed(other_owner), at("spec.report.bucket.ownerAccountId"));
}
