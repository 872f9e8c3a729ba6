//! Which field of a manifest a finding is most likely about, so that a reviewer sees it on the line.

use crate::{
    api::AwsCostAccountSpec,
    model::{ConditionType, Reason},
};

/// What an account is reached with: the fields it has depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReachedWith {
    Role,
    Keys,
}

impl ReachedWith {
    pub(super) fn of(spec: &AwsCostAccountSpec) -> Self {
        if spec.access.access_key_secret_ref.is_some() { Self::Keys } else { Self::Role }
    }

    fn secret(self) -> &'static str {
        match self {
            Self::Role => "spec.access.externalIdSecretRef.name",
            Self::Keys => "spec.access.accessKeySecretRef.name",
        }
    }

    fn itself(self) -> &'static str {
        match self {
            Self::Role => "spec.access.roleArn",
            Self::Keys => "spec.access.accessKeySecretRef.name",
        }
    }
}

/// The field's path; empty where no one field is.
pub(super) fn field(
    condition: ConditionType,
    reason: Reason,
    message: &str,
    with: ReachedWith,
) -> &'static str {
    match reason {
        Reason::SecretNotUsable | Reason::SecretKeyMissing => with.secret(),
        Reason::ExternalIdReused
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
        Reason::BucketRegionMismatch | Reason::BucketRegionNotEnabled => "spec.report.bucket.region",
        Reason::BucketOwnerMismatch => "spec.report.bucket.ownerAccountId",
        Reason::PrefixIncludesReportName | Reason::PrefixOneLevelOff => "spec.report.bucket.prefix",
        Reason::DestinationDiffers => first_difference(message),
        Reason::MonthsMissing => "spec.history.months",
        Reason::MetricsRegionDisabled => "spec.metrics.region",
        _ => of_condition(condition, with),
    }
}

/// The field of the first difference that the message of `DestinationDiffers` lists.
fn first_difference(message: &str) -> &'static str {
    let listed = [
        ("its bucket is ", "spec.report.bucket.name"),
        ("its prefix is ", "spec.report.bucket.prefix"),
        ("its region is ", "spec.report.bucket.region"),
    ];
    let found = listed.into_iter().find(|(difference, _)| message.contains(difference));
    found.map_or("spec.report.bucket.ownerAccountId", |(_, field)| field)
}

fn of_condition(condition: ConditionType, with: ReachedWith) -> &'static str {
    match condition {
        ConditionType::RoleAssumable
        | ConditionType::ExternalIdEnforced
        | ConditionType::PermissionsMinimal
        | ConditionType::Deprecated => with.itself(),
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
    fn a_destination_that_differs_points_at_what_differs() {
        for (differences, expected) in [
            ("its bucket is a, not b; its prefix is c, not d", "spec.report.bucket.name"),
            ("its prefix is c, not d", "spec.report.bucket.prefix"),
            ("its region is us-east-1, not eu-west-1", "spec.report.bucket.region"),
            ("its bucket's owner is 1, not 2", "spec.report.bucket.ownerAccountId"),
        ] {
            let message =
                format!("Report acme is not delivered where spec.report.bucket says: {differences}.");
            let found = field(
                ConditionType::ReportConfigured,
                Reason::DestinationDiffers,
                &message,
                ReachedWith::Role,
            );
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_can_be_told_points_at_its_field() {
        for (condition, reason, expected) in [
            (ConditionType::RoleAssumable, Reason::AssumeRoleDenied, "spec.access.roleArn"),
            (ConditionType::RoleAssumable, Reason::SecretKeyMissing, "spec.access.externalIdSecretRef.name"),
            (ConditionType::BucketReadable, Reason::BucketNotFound, "spec.report.bucket.name"),
            (ConditionType::BucketReadable, Reason::BucketRegionMismatch, "spec.report.bucket.region"),
            (ConditionType::WarehouseReady, Reason::WarehouseNotFound, "spec.ingestion.warehouseRef.name"),
        ] {
            assert_eq!(field(condition, reason, "", ReachedWith::Role), expected);
        }
    }

    #[test]
    fn what_is_reached_with_keys_has_no_role_to_point_at() {
        let keys = "spec.access.accessKeySecretRef.name";
        for (condition, reason, expected) in [
            (ConditionType::RoleAssumable, Reason::SecretNotUsable, keys),
            (ConditionType::RoleAssumable, Reason::SecretKeyMissing, keys),
            (ConditionType::RoleAssumable, Reason::AccessKeyRefused, keys),
            (ConditionType::RoleAssumable, Reason::RoleNotAllowedInNamespace, keys),
            (ConditionType::RoleAssumable, Reason::EndpointUnreachable, keys),
            (ConditionType::Deprecated, Reason::IamUserKeys, keys),
            (ConditionType::RoleAssumable, Reason::WrongAccount, "spec.accountId"),
        ] {
            assert_eq!(field(condition, reason, "", ReachedWith::Keys), expected, "{reason}");
        }
    }
}
