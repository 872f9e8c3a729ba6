//! The path of the field that a finding points at, so that a reviewer sees it on the line.

use crate::{api::AwsCostAccountSpec, model::layers::Field};

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

    fn secret_field(self) -> &'static str {
        match self {
            Self::Role => "spec.access.externalIdSecretRef.name",
            Self::Keys => "spec.access.accessKeySecretRef.name",
        }
    }

    fn object_field(self) -> &'static str {
        match self {
            Self::Role => "spec.access.roleArn",
            Self::Keys => "spec.access.accessKeySecretRef.name",
        }
    }

    /// The path of a field; empty where it is no one field.
    pub(super) fn field_path(self, field: Field) -> &'static str {
        match field {
            Field::Access => self.object_field(),
            Field::Secret => self.secret_field(),
            Field::At(path) => path,
            Field::OfCondition | Field::Whole => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConditionType, Guide, Reason};

    #[test]
    fn what_can_be_told_points_at_its_field() {
        for (condition, reason, expected) in [
            (ConditionType::RoleAssumable, Reason::AssumeRoleDenied, "spec.access.roleArn"),
            (ConditionType::RoleAssumable, Reason::SecretKeyMissing, "spec.access.externalIdSecretRef.name"),
            (ConditionType::BucketReadable, Reason::BucketNotFound, "spec.report.bucket.name"),
            (ConditionType::BucketReadable, Reason::BucketRegionMismatch, "spec.report.bucket.region"),
            (ConditionType::WarehouseReady, Reason::WarehouseNotFound, "spec.ingestion.warehouseRef.name"),
        ] {
            assert_eq!(ReachedWith::Role.field_path(Guide::to(reason).field_on(condition)), expected);
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
            assert_eq!(
                ReachedWith::Keys.field_path(Guide::to(reason).field_on(condition)),
                expected,
                "{reason}"
            );
        }
    }
}
