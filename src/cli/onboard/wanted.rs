//! What is asked for: by a manifest, or by options where there is none yet.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args};
use kube::ResourceExt;

use crate::{
    api::{
        AwsCostAccount, DEFAULT_EXTERNAL_ID_KEY,
        aws_cost_account::{AwsCostAccountSpec, ReportKindChoice, SecretKeyRef},
        fields::{InvalidField, parse_field},
    },
    cli::inputs::{
        manifests::{self, ManifestFault, Manifests},
        unreadable::io_problem,
    },
    model::{
        AccountId, BucketName, ExternalId, InvalidExternalId, KeyPrefix, Partition, Region, ReportLocation,
        ReportName, RoleArn,
    },
    onboarding::{BillReader, KmsKeyArn, OnboardingFault, WantedAccount},
};

/// The variables that hold external IDs where no file does: command lines are seen by others.
const EXTERNAL_ID_VARIABLE: &str = "AWSCOST_EXTERNAL_ID";
const NEXT_EXTERNAL_ID_VARIABLE: &str = "AWSCOST_NEXT_EXTERNAL_ID";
/// The longest file that can hold an external ID, whatever surrounds it.
const LONGEST_FILE: u64 = 16 * 1024;

/// Where `--help` and docs/cli.md have these options.
const HEADING: &str = "Account options";

/// Where it says what is wanted.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("asked").args(["filenames", "role_arn"]).required(true))]
pub(super) struct WantedArgs {
    /// Manifests with one AwsCostAccount: files, folders, or `-` for standard input.
    #[arg(help_heading = HEADING, short = 'f', long = "filename", value_name = "FILE", num_args = 1..)]
    filenames: Vec<PathBuf>,
    /// Which AwsCostAccount to use, if the manifests have several.
    #[arg(help_heading = HEADING, long, value_name = "NAME", requires = "filenames")]
    account: Option<String>,
    /// Without a manifest: the role to create.
    #[arg(help_heading = HEADING, long, value_name = "ARN")]
    role_arn: Option<RoleArn>,
    #[command(flatten)]
    report: ReportArgs,
    /// The customer-managed KMS key that the bucket's objects are encrypted with.
    #[arg(help_heading = HEADING, long, value_name = "ARN")]
    kms_key: Option<KmsKeyArn>,
    /// Let the role list metrics, for MetricsReadable. A manifest with spec.metrics includes this anyway.
    #[arg(help_heading = HEADING, long)]
    with_metrics: bool,
    /// Let the role look up its own permissions, for PermissionsMinimal, and the ownership of objects in the
    /// bucket.
    #[arg(help_heading = HEADING, long)]
    with_audit: bool,
}

/// A report, without a manifest.
#[derive(Debug, Args)]
struct ReportArgs {
    /// Without a manifest: the report's name.
    #[arg(help_heading = HEADING, long, value_name = "NAME", requires_all = ["role_arn", "bucket", "bucket_region"])]
    report_name: Option<ReportName>,
    /// Without a manifest: the report's kind. By default either.
    #[arg(help_heading = HEADING, long, value_name = "KIND", requires = "report_name")]
    report_kind: Option<ReportKindChoice>,
    /// Without a manifest: the bucket's name.
    #[arg(help_heading = HEADING, long, value_name = "NAME", requires = "report_name")]
    bucket: Option<BucketName>,
    /// Without a manifest: the bucket's region.
    #[arg(help_heading = HEADING, long, value_name = "REGION", requires = "report_name")]
    bucket_region: Option<Region>,
    /// Without a manifest: the report's prefix in the bucket.
    #[arg(help_heading = HEADING, long, value_name = "PREFIX", requires = "report_name")]
    prefix: Option<KeyPrefix>,
    /// Without a manifest: the account that owns the bucket. By default the role's account.
    #[arg(help_heading = HEADING, long, value_name = "ACCOUNT", requires = "report_name")]
    bucket_owner: Option<AccountId>,
}

/// Why it is not known what is wanted.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NotWanted {
    #[error("{}", fault_lines(.0))]
    Manifests(Vec<ManifestFault>),
    #[error("the manifests have no AwsCostAccount{}", .0.as_ref().map_or_else(String::new, |name| format!(" named {name}")))]
    NoAccount(Option<String>),
    #[error("the manifests have several AwsCostAccounts ({0}): choose one with --account")]
    Several(String),
    #[error(transparent)]
    Field(#[from] InvalidField),
    #[error(transparent)]
    Impossible(#[from] OnboardingFault),
    #[error("{0} can't be read: {1}")]
    File(String, String),
    #[error("{0} contains no valid external ID: {1}")]
    ExternalId(String, InvalidExternalId),
    #[error(
        "the trust policy needs the external ID: give --external-id-file, set {EXTERNAL_ID_VARIABLE}, or add the account's Secret to the manifests"
    )]
    NoExternalId,
    #[error(
        "the manifest has nextExternalIdSecretRef, so the trust policy also needs the next external ID: give --next-external-id-file, set {NEXT_EXTERNAL_ID_VARIABLE}, or add that Secret to the manifests"
    )]
    NoNextExternalId,
}

fn fault_lines(faults: &[ManifestFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What is asked for.
pub(super) struct Asked {
    pub(super) wanted: WantedAccount,
    /// The external ID of the Secret among the manifests that the account refers to.
    secret: Option<Result<ExternalId, NotWanted>>,
    /// The one that is to follow, alike.
    next_secret: Option<Result<ExternalId, NotWanted>>,
}

impl WantedArgs {
    /// What the manifests or the options ask for.
    pub(super) fn read(&self) -> Result<Asked, NotWanted> {
        if let Some(role) = &self.role_arn {
            return Ok(Asked { wanted: self.of_options(role).checked()?, secret: None, next_secret: None });
        }
        let manifests = manifests::read(&self.filenames).map_err(NotWanted::Manifests)?;
        let account = self.chosen_account(&manifests)?;
        let access = &account.spec.access;
        let held = |reference: &Option<SecretKeyRef>| in_secret(account, reference.as_ref()?, &manifests);
        Ok(Asked {
            wanted: self.of_manifest(account)?.checked()?,
            secret: held(&access.external_id_secret_ref),
            next_secret: held(&access.next_external_id_secret_ref),
        })
    }

    fn of_options(&self, role: &RoleArn) -> WantedAccount {
        WantedAccount {
            reader: BillReader::Role(role.clone()),
            report: self.report.read(role.account()),
            kms_key: self.kms_key.clone(),
            rotating: false,
            metrics: self.with_metrics,
            audit: self.with_audit,
        }
    }

    fn of_manifest(&self, account: &AwsCostAccount) -> Result<WantedAccount, NotWanted> {
        let spec = &account.spec;
        let reader = parse_reader(spec)?;
        let owner = reader.account().clone();
        Ok(WantedAccount {
            reader,
            report: spec.report.as_ref().map(|report| report.location(&owner)).transpose()?,
            kms_key: self.kms_key.clone(),
            rotating: spec.access.next_external_id_secret_ref.is_some(),
            metrics: self.with_metrics || spec.metrics.is_some(),
            audit: self.with_audit,
        })
    }

    /// The one account of the manifests, or the one of the given name.
    fn chosen_account<'a>(&self, manifests: &'a Manifests) -> Result<&'a AwsCostAccount, NotWanted> {
        let named =
            |account: &&AwsCostAccount| self.account.as_ref().is_none_or(|name| account.name_any() == *name);
        let accounts = manifests.accounts.iter().map(|document| &document.object);
        match accounts.filter(named).collect::<Vec<_>>()[..] {
            [one] => Ok(one),
            [] => Err(NotWanted::NoAccount(self.account.clone())),
            ref several => {
                let names: Vec<String> = several.iter().map(|account| account.name_any()).collect();
                Err(NotWanted::Several(names.join(", ")))
            }
        }
    }
}

impl ReportArgs {
    fn read(&self, account: &AccountId) -> Option<ReportLocation> {
        Some(ReportLocation {
            name: self.report_name.clone()?,
            kind: self.report_kind.and_then(ReportKindChoice::kind),
            bucket: self.bucket.clone()?,
            prefix: self.prefix.clone().unwrap_or_default(),
            region: self.bucket_region.clone()?,
            owner: self.bucket_owner.clone().unwrap_or_else(|| account.clone()),
        })
    }
}

/// Who reads for a manifest: its role, or the user of its keys, who is of the account it declares.
fn parse_reader(spec: &AwsCostAccountSpec) -> Result<BillReader, NotWanted> {
    if let Some(role) = &spec.access.role_arn {
        return Ok(BillReader::Role(parse_field("spec.access.roleArn", role)?));
    }
    // Nothing else says where keys are good: the bucket, the metrics or STS are in the user's own partition.
    let region = spec.report.as_ref().map(|report| report.bucket.region.as_str());
    let region = region.or_else(|| spec.metrics.as_ref().map(|metrics| metrics.region.as_str()));
    let region = region.or(spec.access.sts_region.as_deref());
    let region: Option<Region> = region.map(|text| parse_field("region", text)).transpose()?;
    Ok(BillReader::User {
        account: spec.account(None)?,
        partition: region.map_or(Partition::Aws, |region| region.partition()),
    })
}

/// The external ID in a Secret of the account, if that is among the manifests.
fn in_secret(
    account: &AwsCostAccount,
    reference: &SecretKeyRef,
    manifests: &Manifests,
) -> Option<Result<ExternalId, NotWanted>> {
    let namespace = account.namespace();
    let mut secrets = manifests.secrets.iter().map(|document| &document.object);
    let secret = secrets.find(|secret| secret.name == reference.name && secret.namespace == namespace)?;
    let value = secret.get(reference.key.as_deref().unwrap_or(DEFAULT_EXTERNAL_ID_KEY))?;
    Some(external_id(&format!("Secret {}", secret.name), value))
}

impl Asked {
    /// The external ID and, where it is being replaced, the next one: each from its file, the environment or the
    /// manifests, the first there is.
    pub(super) fn external_ids(
        self,
        file: Option<&Path>,
        next_file: Option<&Path>,
    ) -> Result<Vec<ExternalId>, NotWanted> {
        let current = find_external_id(file, EXTERNAL_ID_VARIABLE, self.secret, NotWanted::NoExternalId)?;
        if !self.wanted.rotating {
            return Ok(vec![current]);
        }
        let next = find_external_id(
            next_file,
            NEXT_EXTERNAL_ID_VARIABLE,
            self.next_secret,
            NotWanted::NoNextExternalId,
        )?;
        Ok(vec![current, next])
    }
}

fn find_external_id(
    file: Option<&Path>,
    variable: &str,
    secret: Option<Result<ExternalId, NotWanted>>,
    absent: NotWanted,
) -> Result<ExternalId, NotWanted> {
    match (file, std::env::var(variable)) {
        (Some(path), _) => read_external_id(path),
        (None, Ok(value)) => external_id(variable, value.as_bytes()),
        (None, Err(_)) => secret.unwrap_or(Err(absent)),
    }
}

/// Reads an external ID from a file, or from standard input for `-`. The line end that editors add is no part of it.
pub(in crate::cli) fn read_external_id(path: &Path) -> Result<ExternalId, NotWanted> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(LONGEST_FILE).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LONGEST_FILE).read_to_end(&mut bytes))
    };
    read.map_err(|error| NotWanted::File(name.clone(), io_problem(&error)))?;
    let bare = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    external_id(&name, bare.strip_suffix(b"\r").unwrap_or(bare))
}

fn external_id(place: &str, value: &[u8]) -> Result<ExternalId, NotWanted> {
    ExternalId::parse(value).map_err(|problem| NotWanted::ExternalId(place.to_owned(), problem))
}
