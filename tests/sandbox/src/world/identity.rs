//! Accounts, their IAM users and roles.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{ExportRecord, ReportDefinition, Secret};
use crate::iam::{Guardrails, Identity, Kind, Policy};

/// One AWS account.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    /// The name that Organizations and CUR 2.0 show.
    #[serde(default)]
    pub name: String,
    /// Identities with long-lived keys.
    #[serde(default)]
    pub users: Vec<User>,
    /// Identities to be assumed.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Legacy CUR definitions, spelled as in the API; `ReportStatus` absent means: nothing delivered yet.
    #[serde(default)]
    pub reports: Vec<ReportDefinition>,
    /// Data Exports with their status and executions.
    #[serde(default)]
    pub exports: Vec<ExportRecord>,
    /// Regions in which STS is not activated for this account.
    #[serde(default)]
    pub sts_disabled_regions: Vec<String>,
    /// Opt-in regions that this account has not opted in to.
    #[serde(default)]
    pub disabled_regions: Vec<String>,
    /// S3 refuses a disabled account and everybody who wants something of its buckets.
    #[serde(default)]
    pub disabled: bool,
    /// Service control policies attached to the account itself, by name. They bind members of organizations only; with
    /// none, AWS's FullAWSAccess is attached.
    #[serde(default)]
    pub scps: BTreeMap<String, Policy>,
    /// Resource control policies attached to the account itself, by name.
    #[serde(default)]
    pub rcps: BTreeMap<String, Policy>,
    /// The CloudWatch metrics it has.
    #[serde(default)]
    pub metrics: Vec<Metric>,
}

/// A metric in CloudWatch.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    /// Where it is.
    pub region: String,
    /// For example `AWS/EC2`.
    pub namespace: String,
    /// For example `CPUUtilization`.
    pub name: String,
    /// Values by name.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
}

/// An IAM user.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// Unique in the account.
    pub name: String,
    /// Its keys.
    #[serde(default)]
    pub access_keys: Vec<AccessKey>,
    /// Identity policies by name.
    #[serde(default)]
    pub policies: BTreeMap<String, Policy>,
    /// The most that its policies can allow; no boundary if absent.
    #[serde(default)]
    pub permissions_boundary: Option<Policy>,
    /// Its requests carry transitive session tags, as those of a pod with EKS Pod Identity do, and tag every role it assumes.
    #[serde(default)]
    pub carries_session_tags: bool,
}

/// A long-lived key of a user.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessKey {
    /// Unique in the world; AWS's begin with `AKIA`.
    pub id: String,
    /// What its signatures are made with.
    pub secret: Secret,
}

/// An IAM role.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// Unique in the account.
    pub name: String,
    /// Begins and ends with a slash.
    #[serde(default = "root_path")]
    pub path: String,
    /// Seconds, 3600 to 43200.
    #[serde(default = "one_hour")]
    pub max_session_duration: u32,
    /// The trust policy.
    pub trust: Policy,
    /// Identity policies by name.
    #[serde(default)]
    pub policies: BTreeMap<String, Policy>,
}

fn root_path() -> String {
    "/".to_owned()
}

fn one_hour() -> u32 {
    3600
}

impl Account {
    /// Whether STS is active for the account in a region.
    #[must_use]
    pub fn has_sts_in(&self, region: &str) -> bool {
        !self.is_closed_in(region) && !self.sts_disabled_regions.iter().any(|disabled| disabled == region)
    }

    /// Whether it is an opt-in region that the account has not opted in to.
    #[must_use]
    pub fn is_closed_in(&self, region: &str) -> bool {
        self.disabled_regions.iter().any(|disabled| disabled == region)
    }

    pub(super) fn merge(&mut self, other: Self) {
        if !other.name.is_empty() {
            self.name = other.name;
        }
        replace(&mut self.users, other.users, |user| user.name.clone());
        replace(&mut self.roles, other.roles, |role| role.name.clone());
        replace(&mut self.reports, other.reports, |report| report.report_name.clone());
        replace(&mut self.exports, other.exports, |record| record.export.name.clone());
        self.sts_disabled_regions.extend(other.sts_disabled_regions);
        self.disabled_regions.extend(other.disabled_regions);
        self.disabled |= other.disabled;
        self.scps.extend(other.scps);
        self.rcps.extend(other.rcps);
        self.metrics.extend(other.metrics);
    }
}

fn replace<T>(known: &mut Vec<T>, new: Vec<T>, name: impl Fn(&T) -> String) {
    for item in new {
        known.retain(|old| name(old) != name(&item));
        known.push(item);
    }
}

impl User {
    /// `arn:aws:iam::ACCOUNT:user/NAME`.
    #[must_use]
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:user/{}", self.name)
    }

    /// Who signs with this user's keys.
    #[must_use]
    pub fn identity(&self, account: &str) -> Identity {
        let arn = self.arn(account);
        Identity {
            kind: Kind::User,
            account: account.to_owned(),
            principal_arn: arn.clone(),
            user_id: unique_id("AIDA", &arn),
            arn,
            policies: self.policies.values().cloned().collect(),
            permissions_boundary: self.permissions_boundary.clone(),
            session_policy: None,
            carries_session_tags: self.carries_session_tags,
            guardrails: Guardrails::default(),
        }
    }
}

impl Role {
    /// `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
    #[must_use]
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:role{}{}", self.path, self.name)
    }

    /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`: without the role's path.
    #[must_use]
    pub fn session_arn(&self, account: &str, session: &str) -> String {
        format!("arn:aws:sts::{account}:assumed-role/{}/{session}", self.name)
    }

    /// The role's unique id, `AROA…`.
    #[must_use]
    pub fn id(&self, account: &str) -> String {
        unique_id("AROA", &self.arn(account))
    }
}

/// An IAM unique id that depends on the ARN alone, so that a restarted sandbox gives the same one.
fn unique_id(prefix: &str, arn: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = Sha256::digest(arn.as_bytes());
    let tail: String =
        digest.iter().take(17).map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    format!("{prefix}{tail}")
}
