//! What is to be checked, as plain values: the controller makes it from a resource, `awscost check` from a file.

use crate::model::{
    AccountId, AccountType, BucketName, ExternalId, KeyPrefix, Partition, Region, ReportKind, ReportName,
    RoleArn,
};

/// One account as declared.
#[derive(Debug, Clone)]
pub struct Target {
    /// The role to assume.
    pub role: RoleArn,
    /// The declared account; the role's own where none is declared.
    pub account: AccountId,
    /// What the account is declared to be.
    pub account_type: AccountType,
    /// The external ID of the role's trust policy, where one is declared.
    pub external_id: Option<ExternalId>,
    /// What it means if the role does not enforce the external ID.
    pub external_id_policy: ExternalIdPolicy,
    /// The region whose STS is asked.
    pub sts_region: Region,
    /// The report to read; a member account may have none.
    pub report: Option<ReportTarget>,
}

/// What it means if a role does not enforce its external ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalIdPolicy {
    /// The connection is not Ready.
    Enforce,
    /// The condition is False, and Ready stays.
    Warn,
}

/// The report to read, and where it is declared to lie.
#[derive(Debug, Clone)]
pub struct ReportTarget {
    /// Its name.
    pub name: ReportName,
    /// Its family, or `None` to look in both APIs.
    pub kind: Option<ReportKind>,
    /// The bucket it is delivered to.
    pub bucket: BucketName,
    /// The prefix in that bucket.
    pub prefix: KeyPrefix,
    /// The bucket's region.
    pub region: Region,
    /// The account that owns the bucket.
    pub owner: AccountId,
}

impl ReportTarget {
    /// The folder all keys of the report lie under, with its trailing `/`.
    pub fn key_root(&self) -> String {
        self.prefix.join(&format!("{}/", self.name))
    }

    /// True if the legacy API is to be asked: wanted, and there in the target's partition (fact sheet 11).
    pub(super) fn asks_legacy(&self, target: &Target) -> bool {
        self.kind != Some(ReportKind::Cur2)
            && matches!(target.role.partition(), Partition::Aws | Partition::AwsCn)
    }

    /// True if Data Exports is to be asked: wanted, and there in the target's partition (fact sheet 11, U3).
    pub(super) fn asks_exports(&self, target: &Target) -> bool {
        self.kind != Some(ReportKind::LegacyCur) && target.role.partition() != Partition::AwsUsGov
    }

    /// True if there is any API to ask.
    pub(super) fn has_api(&self, target: &Target) -> bool {
        self.asks_legacy(target) || self.asks_exports(target)
    }
}
