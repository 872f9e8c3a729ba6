//! Where a report is declared to lie: what is looked at, loaded from and onboarded.

use super::{AccountId, BucketName, DeliveryService, KeyPrefix, Partition, Region, ReportKind, ReportName};

/// The report to read, and where it is declared to lie.
#[derive(Debug, Clone)]
pub struct ReportLocation {
    /// The report's name, which AWS puts into every key.
    pub name: ReportName,
    /// Its kind, or `None` to look in both APIs.
    pub kind: Option<ReportKind>,
    /// The bucket that AWS delivers it to.
    pub bucket: BucketName,
    /// The prefix in that bucket.
    pub prefix: KeyPrefix,
    /// The bucket's region.
    pub region: Region,
    /// The account that owns the bucket.
    pub owner: AccountId,
}

impl ReportLocation {
    /// The folder all keys of the report lie under, with its trailing `/`.
    pub fn key_root(&self) -> String {
        self.prefix.join(&format!("{}/", self.name))
    }

    /// The bucket's ARN; its name needs no escaping.
    pub fn bucket_arn(&self, partition: Partition) -> String {
        format!("arn:{}:s3:::{}", partition.as_str(), self.bucket)
    }

    /// True if it may be one that this service delivers.
    pub fn may_be_of(&self, service: DeliveryService) -> bool {
        self.kind.is_none_or(|kind| kind.service() == service)
    }

    /// True if the legacy API is to be asked: wanted, and there in the partition (docs/aws-facts.md 11).
    pub fn asks_legacy(&self, partition: Partition) -> bool {
        self.may_be_of(DeliveryService::Legacy) && partition.has_legacy_reports()
    }

    /// True if Data Exports is to be asked: wanted, and there in the partition (docs/aws-facts.md 11).
    pub fn asks_exports(&self, partition: Partition) -> bool {
        self.may_be_of(DeliveryService::DataExports) && partition.has_exports()
    }

    /// True if there is any API to ask.
    pub fn has_api(&self, partition: Partition) -> bool {
        self.asks_legacy(partition) || self.asks_exports(partition)
    }

    /// True if the name fits a new export's rule, which is narrower than that of names AWS once took
    /// (docs/aws-facts.md 3.2).
    pub fn has_export_name(&self) -> bool {
        let name = self.name.as_str();
        name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    }
}
