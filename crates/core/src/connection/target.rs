//! What is to be checked, as plain values: the controller makes it from a resource, `awscost check` from a file.

use crate::model::{
    AccessKeys, AccountId, AccountType, ExternalId, Partition, Region, ReportLocation, RoleArn,
    layers::AccountParts,
};

/// One account as declared.
#[derive(Debug, Clone)]
pub struct Target {
    /// How the account is reached.
    pub access: TargetAccess,
    /// The declared account; the role's own where none is declared.
    pub account: AccountId,
    /// What the account is declared to be.
    pub account_type: AccountType,
    /// The region whose STS is asked.
    pub sts_region: Region,
    /// The report to read; a member account may have none.
    pub report: Option<ReportLocation>,
    /// The region whose CloudWatch metrics are to be readable, if the account opts in.
    pub metrics: Option<Region>,
    /// Whose own identity asks.
    pub asker: Asker,
}

/// Who asks AWS with an identity of its own, which a trust policy has to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The operator, which loads the bill.
    Operator,
    /// A check without a cluster: a person or a pipeline, in addition to the operator.
    Check,
}

impl Asker {
    /// How messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Operator => "the operator",
            Self::Check => "this check",
        }
    }
}

/// How an account is reached.
#[derive(Debug, Clone)]
pub enum TargetAccess {
    /// Over a role that the operator assumes.
    Role(RoleAccess),
    /// With the keys of an IAM user of the account.
    Keys(AccessKeys),
}

/// A role to assume, and what it takes.
#[derive(Debug, Clone)]
pub struct RoleAccess {
    /// The role.
    pub role: RoleArn,
    /// The external ID of its trust policy.
    pub external_id: ExternalId,
    /// Where that one is kept, in words for messages: the Secret, and how to read what the operator made itself.
    pub external_id_place: String,
    /// The external ID that takes its place during a rotation.
    pub next_external_id: NextExternalId,
    /// Which version of the Secrets the external IDs come from; says whether they changed, and nothing of them.
    pub secret_version: Option<String>,
    /// What it means if the role does not enforce the external ID.
    pub policy: ExternalIdPolicy,
}

/// The external ID that is to take the current one's place.
#[derive(Debug, Clone)]
pub enum NextExternalId {
    /// None is named.
    None,
    /// This one.
    Usable(ExternalId),
    /// One is named, and its Secret is not usable.
    Unusable {
        /// The Secret's name.
        secret: String,
    },
}

impl Target {
    /// What the account has, and so which conditions.
    pub fn parts(&self) -> AccountParts {
        AccountParts {
            role: self.role().is_some(),
            report: self.report.is_some(),
            metrics: self.metrics.is_some(),
        }
    }

    /// The role, where there is one.
    pub fn role(&self) -> Option<&RoleAccess> {
        match &self.access {
            TargetAccess::Role(access) => Some(access),
            TargetAccess::Keys(_) => None,
        }
    }

    /// The partition the account lies in: the role's, or that of the STS that knows the keys.
    pub fn partition(&self) -> Partition {
        match &self.access {
            TargetAccess::Role(access) => access.role.partition(),
            TargetAccess::Keys(_) => self.sts_region.partition(),
        }
    }

    /// True if the STS that is asked is in a region that may not be enabled; a home region always is.
    pub fn asks_sts_elsewhere(&self) -> bool {
        self.sts_region.as_str() != self.partition().home_region()
    }

    /// Who acts in the account, at the beginning of a sentence.
    pub fn actor(&self) -> String {
        match &self.access {
            TargetAccess::Role(access) => access.role.to_string(),
            TargetAccess::Keys(_) => format!("The IAM user whose keys are used in account {}", self.account),
        }
    }
}

/// What it means if a role does not enforce its external ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalIdPolicy {
    /// The connection is not Ready.
    Enforce,
    /// The condition is False, and Ready stays.
    Warn,
}
