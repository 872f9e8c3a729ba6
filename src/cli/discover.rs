//! `awscost discover`: lists an organization's accounts and writes a manifest for each, ready for a pull request.

mod manifest;
mod output;

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use jiff::{SignedDuration, Timestamp};

use super::onboard::{NotWanted, read_external_id};
use crate::{
    aws::{
        Aws, AwsFault, AwsSettings, Code, FaultClass, NoCredentials, OwnCredentials, Sdk, Session,
        traits::{
            AssumeRole, FederateUser, OrganizationAccount, OrganizationAccountState, OrganizationMembership,
        },
    },
    cli::terminal::print::{complain, print_out},
    model::{AccountId, ExitCode, Partition, Region, RoleArn},
    network::trust::{InvalidBundle, TrustedAuthorities},
};
use manifest::{FleetArgs, FleetChoices, ReportMissing};
use output::NotWritten;

/// The session's length: a list takes seconds.
const SESSION: SignedDuration = SignedDuration::from_mins(15);
/// All that the list takes.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["organizations:DescribeOrganization","organizations:ListAccounts"],"Resource":"*"}]}"#;

/// Where to ask, and what to write.
#[derive(Debug, ClapArgs)]
pub struct DiscoverArgs {
    /// Call AWS with this role of the management account or a delegated administrator, instead of your own
    /// identity.
    #[arg(long, value_name = "ARN")]
    role_arn: Option<RoleArn>,
    /// A file with that role's external ID, or `-` for standard input.
    #[arg(long, value_name = "FILE", requires = "role_arn")]
    external_id_file: Option<PathBuf>,
    #[command(flatten)]
    fleet: FleetArgs,
    /// Write one file per account into this folder instead of printing them all.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Replace existing files that differ.
    #[arg(long, requires = "dir")]
    overwrite: bool,
}

/// Why nothing is written.
#[derive(Debug, thiserror::Error)]
enum DiscoverFault {
    #[error(transparent)]
    NoCredentials(#[from] NoCredentials),
    #[error(transparent)]
    ExternalId(#[from] NotWanted),
    #[error("{0}: check that the credentials are still valid")]
    Identity(AwsFault),
    #[error(
        "{0}: check that the credentials are still valid, that they may assume the role, and that its external ID is given"
    )]
    Role(AwsFault),
    #[error(
        "the IAM user {0} may not get a session to list the accounts: allow it sts:GetFederationToken, organizations:DescribeOrganization and organizations:ListAccounts, or sign in as a role, or give a role with --role-arn"
    )]
    Federation(String),
    #[error("account {0} is in no organization: write its manifest by hand, with accountType Standalone")]
    Standalone(AccountId),
    #[error(
        "account {0} may not list the accounts of its organization: only the management account and delegated administrators may, with organizations:ListAccounts"
    )]
    Denied(AccountId),
    #[error("{0}: try again")]
    Organizations(AwsFault),
    #[error(transparent)]
    Trust(#[from] InvalidBundle),
    #[error(transparent)]
    Report(#[from] ReportMissing),
    #[error(transparent)]
    NotWritten(#[from] NotWritten),
}

impl DiscoverFault {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Organizations(_) => ExitCode::Transient,
            Self::Identity(fault) | Self::Role(fault) if !fault.class.is_conclusive() => ExitCode::Transient,
            _ => ExitCode::Configuration,
        }
    }
}

/// An organization as it was found.
struct Organization {
    partition: Partition,
    management: AccountId,
    /// By id.
    accounts: Vec<OrganizationAccount>,
}

/// Runs the command.
pub async fn run(args: DiscoverArgs) -> ExitCode {
    match discover_accounts(&args).await {
        Ok(()) => ExitCode::Done,
        Err(fault) => {
            complain(&fault.to_string());
            fault.exit_code()
        }
    }
}

async fn discover_accounts(args: &DiscoverArgs) -> Result<(), DiscoverFault> {
    let trust = TrustedAuthorities::of_environment()?;
    let sdk = Sdk::load(AwsSettings { trust, ..AwsSettings::default() }).await;
    let organization = ask_organization(&sdk, &sdk.aws(), args, Timestamp::now()).await?;
    let fleet = FleetChoices {
        args: &args.fleet,
        partition: organization.partition,
        management: &organization.management,
    };
    let mut manifests = Vec::new();
    for account in &organization.accounts {
        match account.state {
            OrganizationAccountState::Active => manifests.extend(fleet.account_manifest(account)?),
            OrganizationAccountState::Ending => {
                complain(&format!("left out {}: it is suspended or closed", account.id));
            }
            OrganizationAccountState::Other => {
                complain(&format!("left out {}: it is not active", account.id));
            }
        }
    }
    match &args.dir {
        None => manifests.iter().for_each(|manifest| print_out(&format!("---\n{}", manifest.yaml))),
        Some(dir) => output::write(dir, &manifests, args.overwrite)?,
    }
    let plural = if manifests.len() == 1 { "" } else { "s" };
    complain(&format!(
        "{} manifest{plural}; to create what they need in AWS: awscost onboard --help",
        manifests.len()
    ));
    Ok(())
}

async fn ask_organization(
    sdk: &Sdk,
    aws: &Aws,
    args: &DiscoverArgs,
    now: Timestamp,
) -> Result<Organization, DiscoverFault> {
    let caller = aws.identity.base_caller().await.map_err(DiscoverFault::Identity)?;
    // The call was answered, so its ARN is of a partition that is known or of one we can't name.
    let own = caller.arn.split(':').nth(1).and_then(|text| text.parse().ok()).unwrap_or(Partition::Aws);
    let partition = args.role_arn.as_ref().map_or(own, RoleArn::partition);
    let account = args.role_arn.as_ref().map_or(&caller.account, RoleArn::account);
    let region = partition.home_region().parse().expect("a partition's home region is a region");
    let session = match &args.role_arn {
        Some(role) => role_session(aws, role, args.external_id_file.as_deref(), &region).await?,
        None => own_session(sdk, aws, &caller.arn, &region, now).await?,
    };
    let refused = |fault: AwsFault| match fault.class {
        FaultClass::Denied => DiscoverFault::Denied(account.clone()),
        FaultClass::Credentials => DiscoverFault::Identity(fault),
        _ if fault.code == Code::OrganizationsNotInUse => DiscoverFault::Standalone(account.clone()),
        _ => DiscoverFault::Organizations(fault),
    };
    let management = match aws.organizations.membership(&session, partition).await.map_err(refused)? {
        OrganizationMembership::Standalone => return Err(DiscoverFault::Standalone(account.clone())),
        OrganizationMembership::InOrganization { management, .. } => management,
    };
    let mut accounts = aws.organizations.accounts(&session, partition).await.map_err(refused)?;
    accounts.sort_by(|left, right| left.id.cmp(&right.id));
    accounts.dedup_by(|left, right| left.id == right.id);
    Ok(Organization { partition, management, accounts })
}

/// A session of the named role that may list accounts.
async fn role_session(
    aws: &Aws,
    role: &RoleArn,
    external_id_file: Option<&Path>,
    region: &Region,
) -> Result<Session, DiscoverFault> {
    let external_id = external_id_file.map(read_external_id).transpose()?;
    let request = AssumeRole {
        role,
        external_id: external_id.as_ref(),
        session_name: "awscost-discover",
        duration: SESSION,
        policy: Some(POLICY),
        region,
    };
    aws.identity.assume_role(request).await.map_err(DiscoverFault::Role)
}

/// A session of the person's own that may list accounts. Keys of an IAM user become a federated session, which can do no more.
async fn own_session(
    sdk: &Sdk,
    aws: &Aws,
    caller: &str,
    region: &Region,
    now: Timestamp,
) -> Result<Session, DiscoverFault> {
    match sdk.own_credentials(now).await? {
        OwnCredentials::Session(session) => Ok(session),
        OwnCredentials::Keys(keys) => {
            let request = FederateUser {
                keys: &keys,
                name: "awscost-discover",
                duration: SESSION,
                policy: POLICY,
                region,
            };
            aws.identity.federate(request).await.map_err(|fault| match fault.class {
                FaultClass::Denied => DiscoverFault::Federation(caller.to_owned()),
                _ => DiscoverFault::Identity(fault),
            })
        }
    }
}

#[cfg(test)]
mod on_sandbox;
