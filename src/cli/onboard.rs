//! `awscost onboard`: prints what has to be created in AWS: for an account to be connected, for the operator itself, and for a
//! warehouse.

mod wanted;
mod workload;

use std::{convert::Infallible, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use crate::{
    cli::terminal::print::{complain, print_out},
    model::{ExitCode, policy::text::Text},
    onboarding::{
        BillReader, OnboardingFault, PrincipalArn, WantedAccount, cloudformation,
        delivery::{self, ExportChoices, ExportGranularity},
        link::{self, LinkFault, StackName, TemplateUrl},
        permissions, terraform,
        trust::{self, BaseIdentity},
        workload::WorkloadFault,
    },
};
use wanted::WantedArgs;
pub(super) use wanted::{NotWanted, read_external_id};
use workload::{NoWorkload, OperatorArgs, WarehouseArgs};

/// What to print.
#[derive(Debug, Subcommand)]
pub enum OnboardDocument {
    /// Print the permission policy of the role, or of the IAM user if the manifest has keys: exactly what the
    /// checks and loads of this account need.
    #[command(after_help = "Example:\n  awscost onboard policy -f account.yaml --with-audit")]
    Policy(PolicyArgs),
    /// Print the role's trust policy, including the external ID.
    #[command(
        after_help = "Example:\n  awscost onboard trust -f account.yaml --external-id-file external-id \\\n    --principal arn:aws:iam::999988887777:role/awscost-operator"
    )]
    Trust(TrustArgs),
    /// Print a CloudFormation template for the role and, on request, the bucket and the export.
    #[command(
        after_help = "Example:\n  awscost onboard cloudformation -f account.yaml --with-bucket --with-export \\\n    --principal arn:aws:iam::999988887777:role/awscost-operator > awscost.yaml"
    )]
    Cloudformation(CloudFormationArgs),
    /// Print the same as a Terraform configuration (in JSON syntax: save it as main.tf.json).
    #[command(
        after_help = "Example:\n  awscost onboard terraform -f account.yaml --with-bucket --with-export \\\n    --principal arn:aws:iam::999988887777:role/awscost-operator > main.tf.json"
    )]
    Terraform(TerraformArgs),
    /// Print a link that opens the AWS console with the CloudFormation stack filled in.
    #[command(
        after_help = "Example:\n  awscost onboard link -f account.yaml \\\n    --principal arn:aws:iam::999988887777:role/awscost-operator \\\n    --template-url https://acme.s3.us-east-1.amazonaws.com/awscost.yaml"
    )]
    Link(LinkArgs),
    /// Print how to create the operator's own AWS identity: commands, policies, and values for the chart.
    #[command(
        after_help = "Example:\n  awscost onboard operator --pod-identity acme -f accounts \\\n    --principal arn:aws:iam::999988887777:role/awscost-operator | bash"
    )]
    Operator(OperatorArgs),
    /// Print how to create the AWS identity of a warehouse's Jobs: commands, policies, and service account.
    #[command(
        after_help = "Example:\n  awscost onboard warehouse --user --with-bucket -f warehouse.yaml \\\n    --principal arn:aws:iam::123456789012:user/awscost-lake | bash"
    )]
    Warehouse(WarehouseArgs),
}

/// Options of `policy`.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    #[command(flatten)]
    wanted: WantedArgs,
}

/// Options of `trust`.
#[derive(Debug, Args)]
pub struct TrustArgs {
    #[command(flatten)]
    wanted: WantedArgs,
    #[command(flatten)]
    trusted: TrustedArgs,
    /// A file with the external ID, or `-` for standard input. By default AWSCOST_EXTERNAL_ID, or the
    /// account's Secret among the manifests.
    #[arg(long, value_name = "FILE")]
    external_id_file: Option<PathBuf>,
    /// A file with the external ID of nextExternalIdSecretRef, if the manifest has it. By default
    /// AWSCOST_NEXT_EXTERNAL_ID.
    #[arg(long, value_name = "FILE")]
    next_external_id_file: Option<PathBuf>,
}

/// Whom the role trusts.
#[derive(Debug, Args)]
struct TrustedArgs {
    /// The ARN of the role or user that the operator runs as: the IRSA or Pod Identity role, not a session.
    #[arg(help_heading = "Principal options", long, value_name = "ARN")]
    principal: PrincipalArn,
    /// The operator uses EKS Pod Identity, whose sessions carry tags: allow sts:TagSession, too.
    #[arg(help_heading = "Principal options", long)]
    pod_identity: bool,
}

/// What is created besides the role.
#[derive(Debug, Args)]
struct DeliveryArgs {
    /// Also create the bucket: private, encrypted, kept when the stack is deleted, with the policy that lets
    /// AWS deliver.
    #[arg(help_heading = "Delivery options", long)]
    with_bucket: bool,
    /// Also create the CUR 2.0 export, with every column.
    #[arg(help_heading = "Delivery options", long)]
    with_export: bool,
    /// The time granularity of the export's rows.
    #[arg(
        help_heading = "Delivery options",
        long,
        value_enum,
        default_value = "hourly",
        requires = "with_export"
    )]
    granularity: GranularityChoice,
    /// Include rows for pods and tasks in the export.
    #[arg(help_heading = "Delivery options", long, requires = "with_export")]
    split_cost_allocation: bool,
    /// Include the IAM identity behind some usage in the export.
    #[arg(help_heading = "Delivery options", long, requires = "with_export")]
    iam_principal: bool,
}

/// Options of `cloudformation`.
#[derive(Debug, Args)]
pub struct CloudFormationArgs {
    #[command(flatten)]
    stack: StackArgs,
    /// How to print it.
    #[arg(short, long, value_enum, default_value = "yaml")]
    output: TemplateFormat,
}

/// What decides about a stack.
#[derive(Debug, Args)]
struct StackArgs {
    #[command(flatten)]
    wanted: WantedArgs,
    #[command(flatten)]
    trusted: TrustedArgs,
    #[command(flatten)]
    delivery: DeliveryArgs,
    /// Make the template one for a StackSet, for member accounts without a report: it names no account.
    #[arg(long, conflicts_with_all = ["with_bucket", "with_export"])]
    stack_set: bool,
}

/// Options of `terraform`.
#[derive(Debug, Args)]
pub struct TerraformArgs {
    #[command(flatten)]
    wanted: WantedArgs,
    #[command(flatten)]
    trusted: TrustedArgs,
    #[command(flatten)]
    delivery: DeliveryArgs,
}

/// Options of `link`.
#[derive(Debug, Args)]
pub struct LinkArgs {
    #[command(flatten)]
    stack: StackArgs,
    /// The https URL of an S3 object with the template, which the account's owner can read.
    #[arg(long, value_name = "URL")]
    template_url: TemplateUrl,
    /// The stack's name.
    #[arg(long, value_name = "NAME", default_value = "awscost")]
    stack_name: StackName,
}

/// [`ExportGranularity`] as an option's value.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum GranularityChoice {
    Hourly,
    Daily,
}

/// How to print a template.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum TemplateFormat {
    Yaml,
    Json,
}

/// Why nothing is printed.
#[derive(Debug, thiserror::Error)]
enum OnboardFault {
    #[error(transparent)]
    Wanted(#[from] NotWanted),
    #[error(transparent)]
    Impossible(#[from] OnboardingFault),
    #[error(transparent)]
    Link(#[from] LinkFault),
    #[error(transparent)]
    NoWorkload(#[from] NoWorkload),
    #[error(transparent)]
    Workload(#[from] WorkloadFault),
}

/// Runs the command.
pub fn run(document: &OnboardDocument) -> ExitCode {
    let printed = match document {
        OnboardDocument::Policy(args) => print_policy(args),
        OnboardDocument::Trust(args) => print_trust(args),
        OnboardDocument::Cloudformation(args) => print_cloudformation(args),
        OnboardDocument::Terraform(args) => print_terraform(args),
        OnboardDocument::Link(args) => print_link(args),
        OnboardDocument::Operator(args) => args.print(),
        OnboardDocument::Warehouse(args) => args.print(),
    };
    match printed {
        Ok(()) => ExitCode::Done,
        Err(fault) => {
            complain(&fault.to_string());
            ExitCode::Configuration
        }
    }
}

fn print_policy(args: &PolicyArgs) -> Result<(), OnboardFault> {
    let wanted = args.wanted.read()?.wanted;
    let account = plain_text(wanted.account().as_str());
    print_out(&to_json(&permissions::policy(&wanted, &account)));
    note_reading(&wanted);
    Ok(())
}

fn print_trust(args: &TrustArgs) -> Result<(), OnboardFault> {
    let read = args.wanted.read()?;
    args.trusted.principal.role(&read.wanted)?;
    let external_ids =
        read.external_ids(args.external_id_file.as_deref(), args.next_external_id_file.as_deref())?;
    let external_ids = external_ids.iter().map(|external_id| plain_text(external_id.expose())).collect();
    let policy = trust::policy(
        plain_text(args.trusted.principal.as_str()),
        external_ids,
        args.trusted.base_identity(),
    );
    print_out(&to_json(&policy));
    complain("this policy contains the external ID: keep it where only the role's owner can read it");
    Ok(())
}

fn print_cloudformation(args: &CloudFormationArgs) -> Result<(), OnboardFault> {
    let (wanted, stack) = args.stack.fill_stack()?;
    match args.output {
        TemplateFormat::Json => print_out(&to_json(&stack.template)),
        TemplateFormat::Yaml => print_out(&to_yaml(&stack.template)),
    }
    args.stack.note_next_step(&wanted, &stack);
    Ok(())
}

fn print_terraform(args: &TerraformArgs) -> Result<(), OnboardFault> {
    let wanted = args.wanted.read()?.wanted;
    let choices = terraform::TerraformChoices {
        principal: args.trusted.principal.clone(),
        base: args.trusted.base_identity(),
        bucket: args.delivery.with_bucket,
        export: args.delivery.export_choices(),
    };
    print_out(&to_json(&terraform::configuration(&wanted, &choices)?));
    complain(
        "save this as main.tf.json, and set the external ID in TF_VAR_external_id; Terraform keeps it in its state",
    );
    args.delivery.note_next_step(&wanted);
    note_reading(&wanted);
    Ok(())
}

fn print_link(args: &LinkArgs) -> Result<(), OnboardFault> {
    let (wanted, stack) = args.stack.fill_stack()?;
    let partition = wanted.partition();
    let region = stack.region.as_deref().unwrap_or_else(|| partition.home_region());
    let principal = &args.stack.trusted.principal;
    let link = link::quick_create(partition, region, &args.template_url, &args.stack_name, principal)?;
    print_out(&format!("{link}\n"));
    complain("the console asks for the external ID; the link does not contain it");
    args.stack.note_next_step(&wanted, &stack);
    Ok(())
}

impl TrustedArgs {
    fn base_identity(&self) -> BaseIdentity {
        if self.pod_identity { BaseIdentity::PodIdentity } else { BaseIdentity::Plain }
    }
}

impl DeliveryArgs {
    fn export_choices(&self) -> Option<ExportChoices> {
        self.with_export.then_some(ExportChoices {
            granularity: match self.granularity {
                GranularityChoice::Hourly => ExportGranularity::Hourly,
                GranularityChoice::Daily => ExportGranularity::Daily,
            },
            split_cost_allocation: self.split_cost_allocation,
            iam_principal: self.iam_principal,
        })
    }

    /// What creating takes besides the document.
    fn note_next_step(&self, wanted: &WantedAccount) {
        if self.with_export {
            // See docs/aws-facts.md 3.5 and 3.6.
            complain(
                "whoever creates the export needs bcm-data-exports:CreateExport and cur:PutReportDefinition; AWS delivers the first version within a day, and no earlier months",
            );
        }
        if let Some(report) = wanted.report.as_ref().filter(|_| self.with_bucket && wanted.kms_key.is_some())
        {
            // See docs/aws-facts.md 4.2.
            complain(&format!(
                "the key's policy has to allow {} kms:GenerateDataKey* and kms:Decrypt, with the conditions of the bucket's policy",
                delivery::deliverers(report).join(" and ")
            ));
        }
    }
}

impl StackArgs {
    fn fill_stack(&self) -> Result<(WantedAccount, cloudformation::FilledStack), OnboardFault> {
        let wanted = self.wanted.read()?.wanted;
        let choices = cloudformation::TemplateChoices {
            principal: self.trusted.principal.clone(),
            base: self.trusted.base_identity(),
            bucket: self.delivery.with_bucket,
            export: self.delivery.export_choices(),
            scope: if self.stack_set {
                cloudformation::StackScope::StackSet
            } else {
                cloudformation::StackScope::Account
            },
        };
        let stack = cloudformation::stack(&wanted, &choices)?;
        Ok((wanted, stack))
    }

    fn note_next_step(&self, wanted: &WantedAccount, stack: &cloudformation::FilledStack) {
        let region = stack.region.as_deref().map_or_else(
            || "in any one region, because IAM has no region".to_owned(),
            |region| format!("in {region}"),
        );
        let capability = cloudformation::CAPABILITY;
        if self.stack_set {
            complain(&format!("use it as the template of a StackSet, deployed {region}, with {capability}"));
        } else {
            complain(&format!(
                "create the stack in account {} {region}, with {capability}",
                wanted.account()
            ));
        }
        self.delivery.note_next_step(wanted);
        note_reading(wanted);
    }
}

/// What reading takes besides the policy.
fn note_reading(wanted: &WantedAccount) {
    if let Some(report) = wanted.report.as_ref().filter(|report| report.owner != *wanted.account()) {
        complain(&format!(
            "the bucket {} belongs to account {}: its policy also has to allow {} s3:ListBucket and s3:GetObject",
            report.bucket,
            report.owner,
            reader_name(wanted)
        ));
    }
    if let Some(key) = &wanted.kms_key {
        complain(&format!("the policy of {key} also has to allow {} kms:Decrypt", reader_name(wanted)));
    }
}

fn reader_name(wanted: &WantedAccount) -> String {
    match &wanted.reader {
        BillReader::Role(role) => role.to_string(),
        BillReader::User { account, .. } => format!("the IAM user of account {account}"),
    }
}

/// Text of a document that refers to nothing.
fn plain_text(text: &str) -> Text<Infallible> {
    text.into()
}

fn to_yaml(document: &impl Serialize) -> String {
    serde_saphyr::to_string(document).expect("a document of texts, lists and maps")
}

fn to_json(document: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(document).expect("a document of texts, lists and maps");
    format!("{text}\n")
}

#[cfg(test)]
mod on_sandbox;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{aws::traits::Caller, connection::trust_policy, model::Partition};

    #[test]
    fn the_trust_policy_of_a_message_is_the_one_that_the_command_beside_it_prints() {
        let caller = Caller {
            account: "999988887777".parse().expect("an account"),
            arn: "arn:aws:iam::999988887777:role/awscost".to_owned(),
        };
        let said: Value =
            serde_json::from_str(&trust_policy(Some(&caller), Partition::Aws)).expect("a policy");
        let printed = trust::policy(
            plain_text(&caller.arn),
            vec![plain_text("THE-EXTERNAL-ID")],
            BaseIdentity::PodIdentity,
        );
        let mut printed: Value = serde_json::from_str(&to_json(&printed)).expect("a policy");
        printed["Statement"][0].as_object_mut().expect("a statement").remove("Sid");
        assert_eq!(said, printed);
    }
}
