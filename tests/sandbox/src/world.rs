//! The world the sandbox plays: accounts with their users, roles, reports and exports, organizations, and buckets. It
//! is one readable YAML file; policies are written in it as AWS writes them.

mod identity;
mod organization;
#[expect(missing_docs, reason = "the fields are AWS's, which documents them in its API reference")]
mod report;
mod secret;
mod storage;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::iam::{Guardrails, Policy};

pub use identity::{AccessKey, Account, Metric, Role, User};
pub use organization::{Member, MemberState, Organization};
pub use report::{
    DataQuery, DestinationConfigurations, Execution, ExecutionStatus, Export, ExportRecord, ExportStatus,
    OutputConfigurations, RefreshCadence, ReportDefinition, ReportStatus, S3Destination,
};
pub use secret::Secret;
pub use storage::{Bucket, KeyState, KmsKey, ObjectOwnership, WrongRegion};

/// Why a world file can't be played.
#[derive(Debug, thiserror::Error)]
pub enum WorldFailure {
    /// Not YAML, or a field that no world has.
    #[error("the world file: {0}")]
    Syntax(String),
    /// An account ID that is not 12 digits.
    #[error("account {0:?} is not 12 digits; quote it in YAML")]
    AccountId(String),
    /// Something refers to an account that the world does not have.
    #[error("{referrer} names account {account}, which the world does not have")]
    UnknownAccount {
        /// The bucket or organization.
        referrer: String,
        /// The account it names.
        account: String,
    },
    /// Two users have the same access key.
    #[error("access key {0} belongs to two users")]
    SharedAccessKey(String),
    /// A role's limit outside what AWS takes.
    #[error("role {0} has a maxSessionDuration outside 3600..=43200")]
    SessionDuration(String),
}

/// Everything that exists.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct World {
    /// By 12-digit ID.
    #[serde(default)]
    pub accounts: BTreeMap<String, Account>,
    /// Who manages whom.
    #[serde(default)]
    pub organizations: Vec<Organization>,
    /// By name; names are global as in S3.
    #[serde(default)]
    pub buckets: BTreeMap<String, Bucket>,
    /// The partition it plays, such as `aws-cn`; commercial AWS if absent. The world's own ARNs are written with `aws` all
    /// the same: they are told, and understood, in the partition's.
    #[serde(default)]
    pub partition: Option<String>,
    /// Policies of the VPC endpoints that every request comes through, by service: `s3`, `sts`, …; no policy lets
    /// everything through.
    #[serde(default)]
    pub vpc_endpoints: BTreeMap<String, Policy>,
}

impl World {
    /// The demo's world: `worlds/demo.yaml`.
    ///
    /// # Panics
    /// If that file is no world; a test of this crate holds that it is one.
    #[must_use]
    pub fn demo() -> Self {
        Self::from_yaml(include_str!("../worlds/demo.yaml")).expect("the demo's world is one")
    }

    /// Parses and checks a world file.
    ///
    /// # Errors
    /// What is wrong with the file, naming the field, account or key.
    pub fn from_yaml(text: &str) -> Result<Self, WorldFailure> {
        let world: Self = serde_saphyr::from_str(text).map_err(|e| WorldFailure::Syntax(e.to_string()))?;
        world.check()?;
        Ok(world)
    }

    fn check(&self) -> Result<(), WorldFailure> {
        let mut keys = BTreeSet::new();
        for (id, account) in &self.accounts {
            if id.len() != 12 || !id.bytes().all(|b| b.is_ascii_digit()) {
                return Err(WorldFailure::AccountId(id.clone()));
            }
            for key in account.users.iter().flat_map(|user| &user.access_keys) {
                if !keys.insert(&key.id) {
                    return Err(WorldFailure::SharedAccessKey(key.id.clone()));
                }
            }
            for role in &account.roles {
                if !(3600..=43200).contains(&role.max_session_duration) {
                    return Err(WorldFailure::SessionDuration(role.arn(id)));
                }
            }
        }
        let buckets = self.buckets.iter().map(|(name, bucket)| (format!("bucket {name}"), &bucket.owner));
        let members = self.organizations.iter().flat_map(|organization| {
            let referrer = format!("organization {}", organization.id);
            std::iter::once((referrer, &organization.management))
        });
        for (referrer, account) in buckets.chain(members) {
            if !self.accounts.contains_key(account) {
                return Err(WorldFailure::UnknownAccount { referrer, account: account.clone() });
            }
        }
        Ok(())
    }

    /// Adds what `fragment` holds: accounts gain or replace users, roles, reports and exports by name; organizations
    /// buckets and endpoint policies are replaced whole.
    ///
    /// # Errors
    /// When the result would not be a playable world; then nothing has changed.
    pub fn merge(&mut self, fragment: Self) -> Result<(), WorldFailure> {
        let mut merged = self.clone();
        for (id, account) in fragment.accounts {
            merged.accounts.entry(id).or_default().merge(account);
        }
        for organization in fragment.organizations {
            merged.organizations.retain(|known| known.id != organization.id);
            merged.organizations.push(organization);
        }
        merged.buckets.extend(fragment.buckets);
        merged.vpc_endpoints.extend(fragment.vpc_endpoints);
        merged.check()?;
        *self = merged;
        Ok(())
    }

    /// The organization an account belongs to, as its management account or as a member.
    #[must_use]
    pub fn organization_of(&self, account: &str) -> Option<&Organization> {
        self.organizations
            .iter()
            .find(|o| o.management == account || o.members.iter().any(|m| m.id == account))
    }

    /// What stands above the policies of an account's users and roles.
    #[must_use]
    pub fn guardrails(&self, account: &str) -> Guardrails {
        let attached = |policies: &BTreeMap<String, Policy>| policies.values().cloned().collect::<Vec<_>>();
        let of = |id: &str| self.accounts.get(id);
        let organization = self.organization_of(account).filter(|known| known.management != account);
        let service_control = organization.map(|organization| {
            vec![attached(&organization.scps), of(account).map(|own| attached(&own.scps)).unwrap_or_default()]
        });
        let guarded = self.organizations.iter().flat_map(|organization| {
            organization.members.iter().map(move |member| {
                let mut policies = attached(&organization.rcps);
                policies.extend(of(&member.id).map(|own| attached(&own.rcps)).unwrap_or_default());
                (member.id.clone(), policies)
            })
        });
        Guardrails {
            service_control: service_control.unwrap_or_default(),
            resource_control: guarded.filter(|(_, policies)| !policies.is_empty()).collect(),
            endpoints: self.vpc_endpoints.clone(),
        }
    }

    /// The role of that ARN.
    #[must_use]
    pub fn role(&self, arn: &str) -> Option<(&str, &Role)> {
        let account = arn.split(':').nth(4)?;
        let (id, account) = self.accounts.get_key_value(account)?;
        account.roles.iter().find(|role| role.arn(id) == arn).map(|role| (id.as_str(), role))
    }

    /// The user that owns an access key, with its account.
    #[must_use]
    pub fn user_of_key(&self, key_id: &str) -> Option<(&str, &User, &AccessKey)> {
        self.accounts.iter().find_map(|(id, account)| {
            account.users.iter().find_map(|user| {
                let key = user.access_keys.iter().find(|key| key.id == key_id)?;
                Some((id.as_str(), user, key))
            })
        })
    }
}

#[cfg(test)]
mod tests;
