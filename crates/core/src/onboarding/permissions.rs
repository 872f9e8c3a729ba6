//! What the role or user may do: the calls that the checks and loads of one manifest make, on what they make them on
//! (docs/aws-facts.md 5.2).

use super::{BillReader, WantedAccount};
use crate::model::{
    ReportLocation, RoleArn,
    policy::{ConditionOperator, Policy, Statement, text::Text},
    taken_literally,
};

/// The policy of the role or user, which is in `account`: a template may leave that open.
pub fn policy<R: Clone>(wanted: &WantedAccount, account: &Text<R>) -> Policy<R> {
    let anything = || vec![Text::from("*")];
    let mut statements = Vec::new();
    if let Some(report) = &wanted.report {
        statements.extend(reading(wanted, report));
        statements.extend(definitions(wanted, report, account));
    }
    statements.push(Statement::allow(
        "SeeOrganization",
        vec!["organizations:DescribeOrganization"],
        anything(),
    ));
    if wanted.metrics {
        statements.push(Statement::allow("ListMetrics", vec!["cloudwatch:ListMetrics"], anything()));
    }
    match &wanted.reader {
        BillReader::Role(role) if wanted.audit => statements.push(own_permissions(role, account)),
        BillReader::Role(_) => {}
        // A federated session never holds more than its user does, and can't ask IAM anything.
        BillReader::User { .. } => {
            let sessions = Text::from(format!("arn:{}:sts::", wanted.partition().as_str()))
                .then(account)
                .then(":federated-user/awscost-*".to_owned());
            statements.push(Statement::allow("GetSessions", vec!["sts:GetFederationToken"], vec![sessions]));
        }
    }
    if let Some(report) = wanted.report.as_ref().filter(|_| wanted.audit) {
        let bucket = report.bucket_arn(wanted.partition());
        statements.push(Statement::allow(
            "SeeBucketOwnership",
            vec!["s3:GetBucketOwnershipControls"],
            vec![bucket.into()],
        ));
    }
    Policy::of(statements)
}

/// Listing and reading the report's own folder, and nothing beside it.
fn reading<R>(wanted: &WantedAccount, report: &ReportLocation) -> Vec<Statement<R>> {
    let partition = wanted.partition();
    let bucket = report.bucket_arn(partition);
    let below = format!("{}*", taken_literally(&report.key_root()));
    let mut statements = vec![
        Statement::allow("ListReport", vec!["s3:ListBucket"], vec![bucket.clone().into()]).only_where(
            ConditionOperator::StringLike,
            "s3:prefix",
            below.clone().into(),
        ),
        Statement::allow("ReadReport", vec!["s3:GetObject"], vec![format!("{bucket}/{below}").into()]),
    ];
    if let Some(key) = &wanted.kms_key {
        let through = format!("s3.{}.{}", report.region, partition.dns_suffix());
        statements.push(
            Statement::allow("DecryptReport", vec!["kms:Decrypt"], vec![key.as_str().into()]).only_where(
                ConditionOperator::StringEquals,
                "kms:ViaService",
                through.into(),
            ),
        );
    }
    statements
}

/// Looking up the report's definition in the API of its kind, or in both.
fn definitions<R: Clone>(
    wanted: &WantedAccount,
    report: &ReportLocation,
    account: &Text<R>,
) -> Vec<Statement<R>> {
    let partition = wanted.partition();
    let anything = || vec![Text::from("*")];
    let mut statements = Vec::new();
    if report.asks_legacy(partition) {
        statements.push(Statement::allow(
            "FindLegacyReport",
            vec!["cur:DescribeReportDefinitions"],
            anything(),
        ));
    }
    if report.asks_exports(partition) {
        statements.push(Statement::allow("FindExport", vec!["bcm-data-exports:ListExports"], anything()));
        // An export's ARN ends in its name and a UUID (docs/aws-facts.md 3.2); how old names with other characters are
        // written there is not known.
        let which = if report.has_export_name() { format!("{}-*", report.name) } else { "*".to_owned() };
        let home = partition.home_region();
        let export = Text::from(format!("arn:{}:bcm-data-exports:{home}:", partition.as_str()))
            .then(account)
            .then(format!(":export/{which}"));
        statements.push(Statement::allow(
            "ReadExport",
            vec!["bcm-data-exports:GetExport", "bcm-data-exports:ListExecutions"],
            vec![export],
        ));
    }
    statements
}

/// Asking what the role itself may do.
fn own_permissions<R: Clone>(role: &RoleArn, account: &Text<R>) -> Statement<R> {
    let itself = Text::from(format!("arn:{}:iam::", role.partition().as_str())).then(account).then(format!(
        ":role{}{}",
        role.path(),
        role.role_name()
    ));
    Statement::allow("AskOwnPermissions", vec!["iam:SimulatePrincipalPolicy"], vec![itself])
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::{super::sample, *};
    use crate::model::{Partition, ReportKind};

    /// Action and resources of every statement, a line each.
    fn lines(wanted: &WantedAccount) -> Vec<String> {
        let account = Text::<Infallible>::from(wanted.account().as_str());
        let policy = serde_json::to_value(policy(wanted, &account)).expect("JSON");
        let statements = policy["Statement"].as_array().expect("statements").iter();
        statements.map(|statement| format!("{} {}", statement["Action"], statement["Resource"])).collect()
    }

    #[test]
    fn one_report_of_either_kind_and_nothing_else() {
        insta::assert_json_snapshot!(lines(&sample::wanted()), @r#"
[
  "\"s3:ListBucket\" \"arn:aws:s3:::acme-billing\"",
  "\"s3:GetObject\" \"arn:aws:s3:::acme-billing/cur/acme-cur/*\"",
  "\"cur:DescribeReportDefinitions\" \"*\"",
  "\"bcm-data-exports:ListExports\" \"*\"",
  "[\"bcm-data-exports:GetExport\",\"bcm-data-exports:ListExecutions\"] \"arn:aws:bcm-data-exports:us-east-1:123456789012:export/acme-cur-*\"",
  "\"organizations:DescribeOrganization\" \"*\""
]
"#);
    }

    #[test]
    fn the_kind_decides_which_api_is_asked() {
        let mut wanted = sample::wanted();
        let actions = |wanted: &WantedAccount| lines(wanted).join("\n");
        wanted.report.as_mut().expect("a report").kind = Some(ReportKind::LegacyCur);
        assert!(!actions(&wanted).contains("bcm-data-exports"), "{}", actions(&wanted));
        wanted.report.as_mut().expect("a report").kind = Some(ReportKind::Cur2);
        assert!(!actions(&wanted).contains("cur:"), "{}", actions(&wanted));
    }

    #[test]
    fn a_member_without_a_report_sees_its_organization_alone() {
        let wanted = WantedAccount { report: None, ..sample::wanted() };
        assert_eq!(lines(&wanted), [r#""organizations:DescribeOrganization" "*""#]);
    }

    #[test]
    fn what_is_asked_for_is_added_on_the_one_thing_it_is_for() {
        let kms_key = Some("arn:aws:kms:us-east-1:123456789012:key/1234".parse().expect("a key"));
        let wanted = WantedAccount { metrics: true, audit: true, kms_key, ..sample::wanted() };
        let plain = lines(&sample::wanted());
        let added: Vec<String> = lines(&wanted).into_iter().filter(|line| !plain.contains(line)).collect();
        insta::assert_json_snapshot!(added, @r#"
[
  "\"kms:Decrypt\" \"arn:aws:kms:us-east-1:123456789012:key/1234\"",
  "\"cloudwatch:ListMetrics\" \"*\"",
  "\"iam:SimulatePrincipalPolicy\" \"arn:aws:iam::123456789012:role/finops/awscost\"",
  "\"s3:GetBucketOwnershipControls\" \"arn:aws:s3:::acme-billing\""
]
"#);
    }

    #[test]
    fn a_user_gets_its_sessions_itself_and_asks_iam_nothing() {
        let reader = BillReader::User {
            account: "123456789012".parse().expect("an account"),
            partition: Partition::Aws,
        };
        let wanted = WantedAccount { reader, audit: true, report: None, ..sample::wanted() };
        assert_eq!(
            lines(&wanted),
            [
                r#""organizations:DescribeOrganization" "*""#,
                r#""sts:GetFederationToken" "arn:aws:sts::123456789012:federated-user/awscost-*""#
            ]
        );
    }

    #[test]
    fn wildcards_in_a_prefix_or_name_match_themselves_only() {
        let mut wanted = sample::wanted();
        let report = wanted.report.as_mut().expect("a report");
        report.prefix = "a*b".parse().expect("a prefix");
        report.name = "old*name".parse().expect("a name");
        let lines = lines(&wanted).join("\n");
        assert!(lines.contains("acme-billing/a${*}b/old${*}name/*"), "{lines}");
        assert!(lines.contains(":export/*"), "{lines}");
    }
}
