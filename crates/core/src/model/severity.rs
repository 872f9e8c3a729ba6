//! How much a condition matters to a person: what must be fixed, what is advice, and what only waits for something else.

use super::{
    ConditionStatus, ConditionType, Guide, Reason,
    guide::Outlook,
    layers::{HoldsReady, Layer, Severity},
};

impl Severity {
    /// Of an account's condition. `enforced`: whether the account insists on its external ID. A reason that this version
    /// does not know makes none better than its status says.
    pub fn of(
        type_: ConditionType,
        status: ConditionStatus,
        reason: impl Into<Option<Reason>>,
        enforced: bool,
    ) -> Self {
        let reason = reason.into();
        match (type_, status) {
            // The summaries repeat a layer, but for these, which no layer says.
            (ConditionType::Ready, ConditionStatus::False)
                if matches!(reason, Some(Reason::InvalidSpec | Reason::InternalError)) =>
            {
                Self::Error
            }
            (summary, _) if summary.is_summary() => Self::Fine,
            // Deprecated is there only while it is True, and is no good news.
            (ConditionType::Deprecated, ConditionStatus::True) => Self::Advice,
            (_, ConditionStatus::True) => Self::Fine,
            (_, ConditionStatus::False) => Self::of_failed(type_, reason, enforced),
            // What is not known of advice is no graver than the advice.
            (_, ConditionStatus::Unknown) => Self::of_unknown(reason).min(weight(type_)),
        }
    }

    /// Of a warehouse's Ready.
    pub fn of_warehouse(status: ConditionStatus, reason: impl Into<Option<Reason>>) -> Self {
        match status {
            ConditionStatus::True => Self::Fine,
            ConditionStatus::False => Self::Error,
            ConditionStatus::Unknown => Self::of_unknown(reason.into()),
        }
    }

    /// Of a condition whose type only a newer operator knows. `ready`: whether Ready is True in spite of it.
    pub fn of_newer(status: ConditionStatus, reason: Option<Reason>, ready: bool) -> Self {
        match status {
            ConditionStatus::True => Self::Fine,
            ConditionStatus::False if ready => Self::Advice,
            ConditionStatus::False => Self::Error,
            ConditionStatus::Unknown => Self::of_unknown(reason),
        }
    }

    fn of_failed(type_: ConditionType, reason: Option<Reason>, enforced: bool) -> Self {
        let warned = || {
            Layer::of(type_).is_some_and(|layer| layer.ready == HoldsReady::UnlessTrueWhereEnforced)
                && !enforced
        };
        match reason.map(Guide::to) {
            Some(guide) if guide.outlook == Outlook::Passing => Self::Waiting,
            _ if warned() => Self::Advice,
            _ => weight(type_),
        }
    }

    /// Of what could not be told.
    pub fn of_unknown(reason: Option<Reason>) -> Self {
        reason.map_or(Self::Untold, |reason| Guide::to(reason).severity)
    }
}

/// How much a condition matters that is not as it must be.
fn weight(type_: ConditionType) -> Severity {
    Layer::of(type_).map_or(Severity::Error, |layer| layer.weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConditionStatus::{False, True, Unknown};

    #[test]
    fn what_must_be_mended_is_told_from_advice_and_from_what_waits() {
        for (type_, status, reason, expected) in [
            (ConditionType::RoleAssumable, False, Reason::AssumeRoleDenied, Severity::Error),
            (ConditionType::Ready, False, Reason::AssumeRoleDenied, Severity::Fine),
            (ConditionType::Ready, False, Reason::InvalidSpec, Severity::Error),
            (ConditionType::BucketReadable, Unknown, Reason::BlockedByRole, Severity::Blocked),
            (ConditionType::BucketReadable, Unknown, Reason::Throttled, Severity::Untold),
            (ConditionType::ReportDelivered, Unknown, Reason::AwaitingFirstDelivery, Severity::Waiting),
            (ConditionType::DataCurrent, False, Reason::Loading, Severity::Waiting),
            (ConditionType::DataCurrent, False, Reason::OutOfMemory, Severity::Error),
            (ConditionType::PermissionsMinimal, False, Reason::CanWriteBucket, Severity::Advice),
            (ConditionType::PermissionsMinimal, Unknown, Reason::AuditDenied, Severity::Blocked),
            (ConditionType::PermissionsMinimal, Unknown, Reason::EndpointUnreachable, Severity::Advice),
            (ConditionType::MetricsReadable, Unknown, Reason::Throttled, Severity::Advice),
            (ConditionType::Deprecated, True, Reason::IamUserKeys, Severity::Advice),
            (ConditionType::AccountTypeVerified, Unknown, Reason::OrganizationReadDenied, Severity::Advice),
            (ConditionType::RoleAssumable, True, Reason::RoleAssumed, Severity::Fine),
        ] {
            assert_eq!(Severity::of(type_, status, reason, true), expected, "{type_} {reason}");
        }
        for (type_, status, expected) in [
            (ConditionType::BucketReadable, False, Severity::Error),
            (ConditionType::BucketReadable, Unknown, Severity::Untold),
            (ConditionType::PermissionsMinimal, False, Severity::Advice),
            (ConditionType::BucketReadable, True, Severity::Fine),
        ] {
            assert_eq!(
                Severity::of(type_, status, None, true),
                expected,
                "{type_} for a newer operator's reason"
            );
        }
        let lax = Severity::of(ConditionType::ExternalIdEnforced, False, Reason::NotEnforced, false);
        assert_eq!(lax, Severity::Advice, "an account that does not insist is only warned");
    }
}
