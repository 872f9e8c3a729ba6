//! Which field of a manifest a finding is most likely about, so that a reviewer sees it on the line.

use crate::model::{ConditionType, Reason};

/// The field's path; empty where no one field is.
pub(super) fn field(condition: ConditionType, reason: Reason) -> &'static str {
    match reason {
        Reason::SecretNotUsable | Reason::ExternalIdReused => "spec.access.externalIdSecretRef.name",
        Reason::SecretKeyMissing
        | Reason::ExternalIdInvalid
        | Reason::ExternalIdEmpty
        | Reason::ExternalIdWhitespace
        | Reason::ExternalIdChanged => "spec.access.externalIdSecretRef.name",
        Reason::AccessKeyInvalid
        | Reason::AccessKeyRefused
        | Reason::FederationDenied
        | Reason::IamUserKeys => "spec.access.accessKeySecretRef.name",
        Reason::AccountIdMismatch | Reason::WrongAccount => "spec.accountId",
        Reason::StsRegionDisabled => "spec.access.stsRegion",
        Reason::BucketRegionMismatch => "spec.report.bucket.region",
        Reason::BucketOwnerMismatch => "spec.report.bucket.ownerAccountId",
        Reason::PrefixIncludesReportName | Reason::PrefixOneLevelOff | Reason::DestinationDiffers => {
            "spec.report.bucket.prefix"
        }
        Reason::MonthsMissing => "spec.history.months",
        Reason::MetricsRegionDisabled => "spec.metrics.region",
        _ => of_condition(condition),
    }
}

fn of_condition(condition: ConditionType) -> &'static str {
    match condition {
        ConditionType::RoleAssumable
        | ConditionType::ExternalIdEnforced
        | ConditionType::PermissionsMinimal
        | ConditionType::Deprecated => "spec.access.roleArn",
        ConditionType::AccountTypeVerified => "spec.accountType",
        ConditionType::BucketReadable => "spec.report.bucket.name",
        ConditionType::ReportConfigured | ConditionType::ReportDelivered | ConditionType::HistoryComplete => {
            "spec.report.name"
        }
        ConditionType::WarehouseReady => "spec.ingestion.warehouseRef.name",
        ConditionType::MetricsReadable => "spec.metrics.region",
        ConditionType::DataCurrent
        | ConditionType::TotalsVerified
        | ConditionType::Ready
        | ConditionType::Reconciling
        | ConditionType::Stalled => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_told_points_at_its_field() {
        for (condition, reason, expected) in [
            (ConditionType::RoleAssumable, Reason::AssumeRoleDenied, "spec.access.roleArn"),
            (ConditionType::RoleAssumable, Reason::SecretKeyMissing, "spec.access.externalIdSecretRef.name"),
            (ConditionType::BucketReadable, Reason::BucketNotFound, "spec.report.bucket.name"),
            (ConditionType::BucketReadable, Reason::BucketRegionMismatch, "spec.report.bucket.region"),
            (ConditionType::WarehouseReady, Reason::WarehouseNotFound, "spec.ingestion.warehouseRef.name"),
        ] {
            assert_eq!(field(condition, reason), expected);
        }
    }
}
