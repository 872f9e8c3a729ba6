//! What AWS needs to deliver a report: the bucket's policy, and the definition of a CUR 2.0 export.

use std::collections::BTreeMap;

use super::{OnboardingFault, WantedAccount};
use crate::model::{
    DeliveryService, ReportKind, ReportLocation,
    policy::{ConditionOperator, Policy, Principal, Statement, text::Text},
};

/// The service principal that delivers legacy reports (docs/aws-facts.md 4.1).
const LEGACY_DELIVERER: &str = "billingreports.amazonaws.com";
/// The service principal that delivers data exports (docs/aws-facts.md 4.2).
const EXPORT_DELIVERER: &str = "bcm-data-exports.amazonaws.com";
/// The table of CUR 2.0.
pub const TABLE: &str = "COST_AND_USAGE_REPORT";

/// The columns AWS's own template selects (docs/aws-facts.md 3.9), each with the property it goes with, if any.
static COLUMNS: &str = include_str!("cur2.columns");

/// What a new export holds besides what every one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportChoices {
    /// How fine its rows are.
    pub granularity: ExportGranularity,
    /// Rows of pods and tasks (`INCLUDE_SPLIT_COST_ALLOCATION_DATA`).
    pub split_cost_allocation: bool,
    /// The IAM identity behind some usage (`INCLUDE_IAM_PRINCIPAL_DATA`).
    pub iam_principal: bool,
}

/// How fine an export's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExportGranularity {
    /// One row an hour.
    #[default]
    Hourly,
    /// One row a day.
    Daily,
}

/// A data export as both template languages take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewExport {
    /// The export's name.
    pub name: String,
    /// One SELECT of all columns (docs/aws-facts.md 3.3: never `*`).
    pub query: String,
    /// The table's properties; all values are text (docs/aws-facts.md 3.4).
    pub properties: BTreeMap<&'static str, &'static str>,
    /// The bucket that AWS delivers to.
    pub bucket: String,
    /// Its owner, where that is another account than the export's.
    pub bucket_owner: Option<String>,
    /// The prefix in it.
    pub prefix: String,
    /// The region of that bucket.
    pub region: String,
}

/// The report, if an export of it can be created by a template that runs in the role's account.
///
/// # Errors
/// [`OnboardingFault`] where AWS would refuse it.
pub fn exportable(wanted: &WantedAccount) -> Result<&ReportLocation, OnboardingFault> {
    let report = wanted.needed_report()?;
    if report.kind.is_some_and(|kind| kind.service() == DeliveryService::Legacy) {
        return Err(OnboardingFault::LegacyReport);
    }
    if !wanted.partition().has_export_templates() {
        return Err(OnboardingFault::NoExports(wanted.partition().as_str()));
    }
    if !report.has_export_name() {
        return Err(OnboardingFault::ExportName(report.name.clone()));
    }
    Ok(report)
}

/// The report, if its bucket can be created by a template that runs in the role's account.
///
/// # Errors
/// [`OnboardingFault::NoReport`] or [`OnboardingFault::ForeignBucket`].
pub fn own_bucket(wanted: &WantedAccount) -> Result<&ReportLocation, OnboardingFault> {
    let report = wanted.needed_report()?;
    if report.owner != *wanted.account() {
        return Err(OnboardingFault::ForeignBucket {
            bucket: report.bucket.clone(),
            owner: report.owner.clone(),
        });
    }
    Ok(report)
}

/// The export of a report.
pub fn export(wanted: &WantedAccount, report: &ReportLocation, choices: ExportChoices) -> NewExport {
    let flag = |on: bool| if on { "TRUE" } else { "FALSE" };
    let mut properties = BTreeMap::from([
        (
            "TIME_GRANULARITY",
            match choices.granularity {
                ExportGranularity::Hourly => "HOURLY",
                ExportGranularity::Daily => "DAILY",
            },
        ),
        // Without resource ids nobody can say whose a cost is.
        ("INCLUDE_RESOURCES", flag(true)),
        ("INCLUDE_SPLIT_COST_ALLOCATION_DATA", flag(choices.split_cost_allocation)),
        ("INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY", flag(false)),
    ]);
    // The newest property: named only where it is wanted, as not every partition may know it.
    if choices.iam_principal {
        properties.insert("INCLUDE_IAM_PRINCIPAL_DATA", flag(true));
    }
    // Columns go with their property: selecting one without it fails validation.
    let has = |property: &str| properties.get(property) == Some(&flag(true));
    let columns: Vec<&str> = selectable_columns()
        .filter_map(|(column, property)| property.is_none_or(has).then_some(column))
        .collect();
    NewExport {
        name: report.name.to_string(),
        query: format!("SELECT {} FROM {TABLE}", columns.join(", ")),
        properties,
        bucket: report.bucket.to_string(),
        bucket_owner: (report.owner != *wanted.account()).then(|| report.owner.to_string()),
        prefix: report.prefix.to_string(),
        region: report.region.to_string(),
    }
}

/// The columns that an export can select, each with the property without which it can't be.
pub fn selectable_columns() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    COLUMNS
        .lines()
        .map(|line| line.split_once(' ').map_or((line, None), |(column, property)| (column, Some(property))))
}

/// The services that deliver a report of its kind, or of either (docs/aws-facts.md 4.1, 4.2).
pub fn deliverers(report: &ReportLocation) -> Vec<&'static str> {
    match report.kind.map(ReportKind::service) {
        Some(DeliveryService::Legacy) => vec![LEGACY_DELIVERER],
        Some(DeliveryService::DataExports) => vec![EXPORT_DELIVERER],
        None => vec![LEGACY_DELIVERER, EXPORT_DELIVERER],
    }
}

/// The policy that lets AWS deliver into the bucket on behalf of this account alone (docs/aws-facts.md 4.1, 4.2).
pub fn bucket_policy<R>(wanted: &WantedAccount, report: &ReportLocation) -> Policy<R> {
    let partition = wanted.partition();
    let (bucket, home, account) = (report.bucket_arn(partition), partition.home_region(), wanted.account());
    let on_behalf = |statement: Statement<R>, source: &str| {
        let source = format!("arn:{}:{source}", partition.as_str());
        statement
            .only_where(ConditionOperator::StringEquals, "aws:SourceAccount", account.as_str().into())
            .only_where(ConditionOperator::ArnLike, "aws:SourceArn", source.into())
    };
    let below = || vec![Text::from(format!("{bucket}/*"))];
    let whole = || vec![Text::from(bucket.as_str())];
    let mut statements = Vec::new();
    let by = deliverers(report);
    if by.contains(&LEGACY_DELIVERER) {
        let source = format!("cur:{home}:{account}:definition/*");
        let service = || Principal::Service(LEGACY_DELIVERER);
        let check = vec!["s3:GetBucketAcl", "s3:GetBucketPolicy"];
        statements.push(on_behalf(Statement::allow("CurCheck", check, whole()).to(service()), &source));
        let write = vec!["s3:PutObject"];
        statements.push(on_behalf(Statement::allow("CurWrite", write, below()).to(service()), &source));
    }
    if by.contains(&EXPORT_DELIVERER) {
        let source = format!("bcm-data-exports:{home}:{account}:export/*");
        let service = || Principal::Service(EXPORT_DELIVERER);
        let check = vec!["s3:GetBucketPolicy"];
        statements.push(on_behalf(Statement::allow("ExportCheck", check, whole()).to(service()), &source));
        let write = vec!["s3:PutObject"];
        statements.push(on_behalf(Statement::allow("ExportWrite", write, below()).to(service()), &source));
    }
    Policy::of(statements)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, convert::Infallible};

    use super::{super::sample, *};

    const CHOICES: ExportChoices = ExportChoices {
        granularity: ExportGranularity::Hourly,
        split_cost_allocation: false,
        iam_principal: false,
    };

    fn columns(choices: ExportChoices) -> Vec<String> {
        let wanted = sample::wanted();
        let query = export(&wanted, wanted.report.as_ref().expect("a report"), choices).query;
        let list =
            query.strip_prefix("SELECT ").and_then(|rest| rest.strip_suffix(" FROM COST_AND_USAGE_REPORT"));
        list.expect("one plain SELECT").split(", ").map(str::to_owned).collect()
    }

    #[test]
    fn columns_follow_the_properties() {
        assert_eq!(columns(CHOICES).len(), 115, "docs/aws-facts.md 3.9 counts 115 without both");
        let all = columns(ExportChoices { split_cost_allocation: true, iam_principal: true, ..CHOICES });
        assert_eq!(all.len(), 127, "and 127 with both");
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "none is selected twice");
    }

    #[test]
    fn what_aws_would_refuse_is_refused_here() {
        let mut wanted = sample::wanted();
        wanted.report.as_mut().expect("a report").kind = Some(ReportKind::LegacyCur);
        assert_eq!(exportable(&wanted).map(drop), Err(OnboardingFault::LegacyReport));
        let mut wanted = sample::wanted();
        wanted.report.as_mut().expect("a report").name = "old*name".parse().expect("a name");
        assert!(matches!(exportable(&wanted), Err(OnboardingFault::ExportName(_))));
        let mut wanted = sample::wanted();
        wanted.report.as_mut().expect("a report").owner = "999999999999".parse().expect("an account");
        assert!(matches!(own_bucket(&wanted), Err(OnboardingFault::ForeignBucket { .. })));
        let wanted = WantedAccount { report: None, ..sample::wanted() };
        assert_eq!(own_bucket(&wanted).map(drop), Err(OnboardingFault::NoReport));
    }

    #[test]
    fn aws_delivers_on_behalf_of_this_account_alone() {
        let mut wanted = sample::wanted();
        let report = wanted.report.as_mut().expect("a report");
        report.kind = Some(ReportKind::Cur2);
        let report = wanted.report.clone().expect("a report");
        let policy: Policy<Infallible> = bucket_policy(&wanted, &report);
        insta::assert_json_snapshot!(policy, @r#"
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ExportCheck",
      "Effect": "Allow",
      "Principal": {
        "Service": "bcm-data-exports.amazonaws.com"
      },
      "Action": "s3:GetBucketPolicy",
      "Resource": "arn:aws:s3:::acme-billing",
      "Condition": {
        "ArnLike": {
          "aws:SourceArn": "arn:aws:bcm-data-exports:us-east-1:123456789012:export/*"
        },
        "StringEquals": {
          "aws:SourceAccount": "123456789012"
        }
      }
    },
    {
      "Sid": "ExportWrite",
      "Effect": "Allow",
      "Principal": {
        "Service": "bcm-data-exports.amazonaws.com"
      },
      "Action": "s3:PutObject",
      "Resource": "arn:aws:s3:::acme-billing/*",
      "Condition": {
        "ArnLike": {
          "aws:SourceArn": "arn:aws:bcm-data-exports:us-east-1:123456789012:export/*"
        },
        "StringEquals": {
          "aws:SourceAccount": "123456789012"
        }
      }
    }
  ]
}
"#);
    }
}
