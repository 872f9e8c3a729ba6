//! One manifest an account: what it is in its organization, and what the command line says of reports.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::{
    api::{GROUP, admission},
    aws::traits::OrganizationAccount,
    cli::inputs::manifests,
    model::{
        AccountId, AccountType, BucketName, InvalidBucketName, KeyPrefix, Partition, Region, ReportName,
    },
};

/// Stands for the account's id in the options that every account takes.
const PLACE: &str = "{account}";

/// What all manifests share.
#[derive(Debug, Args)]
pub(super) struct FleetArgs {
    /// The namespace of the manifests.
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The role in every account, with its path if it has one: finops/awscost.
    #[arg(long, value_name = "NAME", default_value = "awscost")]
    role_name: String,
    /// The Secret with the external ID; {account} is replaced by the account's id.
    #[arg(long, value_name = "NAME", default_value = "aws-{account}-external-id")]
    external_id_secret: String,
    /// Let the operator create the external IDs; its events say where to read them. Without this option, you
    /// create the Secrets.
    #[arg(long)]
    generate_external_ids: bool,
    /// Put the accounts' names into displayName. Names may be personal data.
    #[arg(long)]
    with_names: bool,
    /// Leave out the management account.
    #[arg(long)]
    members_only: bool,
    /// The CostWarehouse that the bills are loaded into.
    #[arg(long, value_name = "NAME", default_value = "costs")]
    warehouse: String,
    /// The name of the management account's report.
    #[arg(long, value_name = "NAME", requires_all = ["bucket", "bucket_region"])]
    report_name: Option<ReportName>,
    /// The bucket of the management account's report.
    #[arg(long, value_name = "NAME", requires = "report_name")]
    bucket: Option<BucketName>,
    /// The region of that bucket.
    #[arg(long, value_name = "REGION", requires = "report_name")]
    bucket_region: Option<Region>,
    /// The prefix of the management account's report.
    #[arg(long, value_name = "PREFIX", requires = "report_name")]
    prefix: Option<KeyPrefix>,
    /// The name of every member's own report. Without it members have none, because the management account's
    /// report covers them.
    #[arg(long, value_name = "NAME", requires_all = ["member_bucket", "member_bucket_region"])]
    member_report_name: Option<ReportName>,
    /// The bucket of a member's own report; {account} is replaced by the account's id.
    #[arg(long, value_name = "NAME", requires = "member_report_name")]
    member_bucket: Option<String>,
    /// The region of the members' buckets.
    #[arg(long, value_name = "REGION", requires = "member_report_name")]
    member_bucket_region: Option<Region>,
    /// The prefix of the members' own reports.
    #[arg(long, value_name = "PREFIX", requires = "member_report_name")]
    member_prefix: Option<KeyPrefix>,
}

/// The organization the manifests are for.
pub(super) struct FleetChoices<'a> {
    pub(super) args: &'a FleetArgs,
    pub(super) partition: Partition,
    pub(super) management: &'a AccountId,
}

/// A manifest, and the file it goes into.
#[derive(Debug)]
pub(super) struct AccountManifest {
    pub(super) file: String,
    pub(super) yaml: String,
}

/// What the command line leaves open or gets wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReportMissing {
    #[error(
        "{0} is the management account and needs a report: give --report-name, --bucket and --bucket-region, or leave the account out with --members-only"
    )]
    Management(AccountId),
    #[error("--member-bucket: {0}")]
    Bucket(InvalidBucketName),
    #[error("the manifest of {0} would be refused: {1}")]
    Refused(AccountId, String),
}

/// A report as a manifest has it.
struct ReportFields<'a> {
    name: &'a ReportName,
    bucket: BucketName,
    region: &'a Region,
    prefix: Option<&'a KeyPrefix>,
}

impl FleetChoices<'_> {
    /// The account's manifest; `None` for the management account where only members are wanted.
    pub(super) fn account_manifest(
        &self,
        account: &OrganizationAccount,
    ) -> Result<Option<AccountManifest>, ReportMissing> {
        let is_management = account.id == *self.management;
        if is_management && self.args.members_only {
            return Ok(None);
        }
        let (account_type, report) = if is_management {
            let report =
                self.args.report_fields().ok_or_else(|| ReportMissing::Management(account.id.clone()))?;
            (AccountType::Management, Some(report))
        } else {
            (AccountType::Member, self.args.member_report(&account.id)?)
        };
        let object = self.account_object(account, account_type, report);
        // What the options hold is checked by the same rules that a cluster has, before anything is written.
        let mut complaints = manifests::check_metadata(&object);
        complaints.extend(admission::list_complaints("AwsCostAccount", &object, None));
        if let Some(complaint) = complaints.first() {
            return Err(ReportMissing::Refused(account.id.clone(), complaint.to_string()));
        }
        Ok(Some(AccountManifest {
            file: format!("{}.yaml", object_name(&account.id)),
            yaml: serde_saphyr::to_string(&object).expect("an object of texts and maps"),
        }))
    }

    fn account_object(
        &self,
        account: &OrganizationAccount,
        account_type: AccountType,
        report: Option<ReportFields<'_>>,
    ) -> Value {
        let args = self.args;
        let (partition, id) = (self.partition.as_str(), &account.id);
        let mut metadata = Map::from_iter([("name".to_owned(), json!(object_name(id)))]);
        if let Some(namespace) = &args.namespace {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
        let mut spec = json!({
            "accountId": id.as_str(),
            "accountType": account_type.to_string(),
            "access": {
                "roleArn": format!("arn:{partition}:iam::{id}:role/{}", args.role_name),
                "externalIdSecretRef": {"name": args.external_id_secret.replace(PLACE, id.as_str())},
            },
        });
        if args.generate_external_ids {
            spec["access"]["generateExternalId"] = json!(true);
        }
        if args.with_names && !account.name.is_empty() {
            // The longest name a manifest takes.
            spec["displayName"] = json!(account.name.chars().take(128).collect::<String>());
        }
        if let Some(report) = report {
            let mut bucket = json!({"name": report.bucket.as_str(), "region": report.region.as_str()});
            if let Some(prefix) = report.prefix {
                bucket["prefix"] = json!(prefix.as_str());
            }
            spec["report"] = json!({"name": report.name.as_str(), "bucket": bucket});
            spec["ingestion"] = json!({"warehouseRef": {"name": args.warehouse}});
        }
        json!({
            "apiVersion": format!("{GROUP}/v1alpha1"), "kind": "AwsCostAccount",
            "metadata": metadata, "spec": spec,
        })
    }
}

impl FleetArgs {
    fn report_fields(&self) -> Option<ReportFields<'_>> {
        Some(ReportFields {
            name: self.report_name.as_ref()?,
            bucket: self.bucket.clone()?,
            region: self.bucket_region.as_ref()?,
            prefix: self.prefix.as_ref(),
        })
    }

    fn member_report(&self, account: &AccountId) -> Result<Option<ReportFields<'_>>, ReportMissing> {
        let (Some(name), Some(bucket), Some(region)) =
            (&self.member_report_name, &self.member_bucket, &self.member_bucket_region)
        else {
            return Ok(None);
        };
        let bucket = bucket.replace(PLACE, account.as_str()).parse().map_err(ReportMissing::Bucket)?;
        Ok(Some(ReportFields { name, bucket, region, prefix: self.member_prefix.as_ref() }))
    }
}

/// The object's name, the same in every run and whatever the account is called.
fn object_name(account: &AccountId) -> String {
    format!("aws-{account}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::aws::traits::OrganizationAccountState;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        fleet: FleetArgs,
    }

    const PAYER: &str = "--report-name acme-cur --bucket acme-billing --bucket-region us-east-1 --prefix cur";

    /// The manifest of an account of the organization of 123456789012.
    fn manifest(options: &str, id: &str) -> Result<Option<AccountManifest>, ReportMissing> {
        let words = std::iter::once("discover").chain(options.split_whitespace());
        let args = Line::try_parse_from(words).unwrap_or_else(|error| unreachable!("{error}")).fleet;
        let management = "123456789012".parse().expect("an account");
        let fleet = FleetChoices { args: &args, partition: Partition::Aws, management: &management };
        let account = OrganizationAccount {
            id: id.parse().expect("an account"),
            name: "Acme: web".to_owned(),
            state: OrganizationAccountState::Active,
        };
        fleet.account_manifest(&account)
    }

    fn yaml(options: &str, id: &str) -> String {
        manifest(options, id).expect("a manifest").expect("one").yaml
    }

    #[test]
    fn the_payer_has_the_report_and_members_have_none() {
        insta::assert_snapshot!(yaml(&format!("-n finops --with-names {PAYER}"), "123456789012"), @r#"
apiVersion: awscost.io/v1alpha1
kind: AwsCostAccount
metadata:
  name: aws-123456789012
  namespace: finops
spec:
  access:
    externalIdSecretRef:
      name: aws-123456789012-external-id
    roleArn: arn:aws:iam::123456789012:role/awscost
  accountId: "123456789012"
  accountType: Management
  displayName: "Acme: web"
  ingestion:
    warehouseRef:
      name: costs
  report:
    bucket:
      name: acme-billing
      prefix: cur
      region: us-east-1
    name: acme-cur
"#);
        insta::assert_snapshot!(yaml(PAYER, "000000000001"), @r#"
apiVersion: awscost.io/v1alpha1
kind: AwsCostAccount
metadata:
  name: aws-000000000001
spec:
  access:
    externalIdSecretRef:
      name: aws-000000000001-external-id
    roleArn: arn:aws:iam::000000000001:role/awscost
  accountId: "000000000001"
  accountType: Member
"#);
    }

    #[test]
    fn external_ids_are_the_operators_to_make_if_wanted() {
        let generated = "generateExternalId: true";
        assert!(!yaml("", "000000000001").contains(generated));
        assert!(yaml("--generate-external-ids", "000000000001").contains(generated));
    }

    #[test]
    fn a_payer_without_its_report_is_left_out_or_refused() {
        assert!(matches!(manifest("", "123456789012"), Err(ReportMissing::Management(_))));
        assert!(matches!(manifest("--members-only", "123456789012"), Ok(None)));
    }

    #[test]
    fn members_may_have_reports_of_their_own() {
        let options =
            "--member-report-name own --member-bucket costs-{account} --member-bucket-region eu-west-1";
        let yaml = yaml(options, "000000000001");
        assert!(yaml.contains("costs-000000000001"), "{yaml}");
        let refused = manifest(&options.replace("costs-", "Costs-"), "000000000001");
        assert!(matches!(refused, Err(ReportMissing::Bucket(_))));
    }

    #[test]
    fn what_a_cluster_would_refuse_is_not_written() {
        let refused = manifest("--role-name no!role", "000000000001").expect_err("refused").to_string();
        assert!(refused.contains("spec.access.roleArn: it takes the ARN of an IAM role"), "{refused}");
        let refused = manifest("-n Fin_Ops", "000000000001").expect_err("refused").to_string();
        assert!(refused.contains("metadata.namespace: takes 1 to 63 lower-case letters"), "{refused}");
    }
}
