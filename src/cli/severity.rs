//! How much a condition matters to a person: what must be mended, what is advice, and what only waits for something else.

use crate::model::{ConditionStatus, ConditionType, Reason};

/// How much a condition matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// As it must be.
    Fine,
    /// It takes its time, and nobody needs to do anything.
    Waiting,
    /// It can't be told before another condition holds, or somebody lets it be looked at.
    Blocked,
    /// Nothing is broken, but it could be better.
    Advice,
    /// It could not be told, and should have been.
    Untold,
    /// Broken.
    Error,
}

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
            (ConditionType::Deprecated, ConditionStatus::True) => Self::Advice,
            (_, ConditionStatus::True) => Self::Fine,
            (_, ConditionStatus::False) => Self::of_failed(type_, reason, enforced),
            // What is not known of advice is no graver than the advice.
            (_, ConditionStatus::Unknown) if is_advice(type_) => Self::of_unknown(reason).min(Self::Advice),
            (_, ConditionStatus::Unknown) => Self::of_unknown(reason),
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
        match type_ {
            ConditionType::DataCurrent if matches!(reason, Some(Reason::Queued | Reason::Loading)) => {
                Self::Waiting
            }
            ConditionType::ExternalIdEnforced if !enforced => Self::Advice,
            _ if is_advice(type_) => Self::Advice,
            _ => Self::Error,
        }
    }

    /// Of what could not be told.
    pub fn of_unknown(reason: Option<Reason>) -> Self {
        let Some(reason) = reason else { return Self::Untold };
        match reason {
            Reason::BlockedByRole
            | Reason::BlockedByBucket
            | Reason::BlockedByReport
            | Reason::BlockedByDelivery
            | Reason::BlockedByWarehouse
            | Reason::BlockedByData
            // An audit is opt-in: without it nothing is wrong, and nothing is to be waited for.
            | Reason::AuditDenied => Self::Blocked,
            Reason::AwaitingFirstDelivery
            | Reason::NotChecked
            | Reason::Probing
            | Reason::Progressing
            | Reason::ProgressingWithRetry => Self::Waiting,
            Reason::OrganizationReadDenied => Self::Advice,
            _ => Self::Untold,
        }
    }
}

/// True of conditions that hold nothing up.
fn is_advice(type_: ConditionType) -> bool {
    matches!(
        type_,
        ConditionType::PermissionsMinimal | ConditionType::MetricsReadable | ConditionType::HistoryComplete
    )
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
