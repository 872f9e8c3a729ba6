//! Reasons of any layer that got no answer, or that a layer below keeps from being looked at.

use super::{BLOCKED, FaultOwner, Guide, Outlook, Section, UNANSWERED};
use crate::model::{
    ConditionStatus::{self, Unknown},
    ConditionType::{self, *},
    Reason, Severity,
};

/// Every layer that is looked at in AWS.
pub(in crate::model) const ANY_LAYER: &[(ConditionType, ConditionStatus)] = &[
    (RoleAssumable, Unknown),
    (ExternalIdEnforced, Unknown),
    (AccountTypeVerified, Unknown),
    (BucketReadable, Unknown),
    (ReportConfigured, Unknown),
    (ReportDelivered, Unknown),
    (HistoryComplete, Unknown),
    (PermissionsMinimal, Unknown),
    (MetricsReadable, Unknown),
];

/// What stands on the role.
const ON_ROLE: &[(ConditionType, ConditionStatus)] = &[
    (ExternalIdEnforced, Unknown),
    (AccountTypeVerified, Unknown),
    (BucketReadable, Unknown),
    (ReportConfigured, Unknown),
    (ReportDelivered, Unknown),
    (HistoryComplete, Unknown),
    (DataCurrent, Unknown),
    (TotalsVerified, Unknown),
    (PermissionsMinimal, Unknown),
    (MetricsReadable, Unknown),
];

/// What stands on the bucket, and on the definition.
const ON_REPORT: &[(ConditionType, ConditionStatus)] = &[
    (ReportDelivered, Unknown),
    (HistoryComplete, Unknown),
    (DataCurrent, Unknown),
    (TotalsVerified, Unknown),
];

/// What stands on a delivery.
const ON_DELIVERY: &[(ConditionType, ConditionStatus)] =
    &[(HistoryComplete, Unknown), (DataCurrent, Unknown), (TotalsVerified, Unknown)];

/// What stands on the warehouse.
const ON_WAREHOUSE: &[(ConditionType, ConditionStatus)] =
    &[(DataCurrent, Unknown), (TotalsVerified, Unknown)];

pub(super) const SECTION: Section = Section {
    title: "Any condition, status Unknown",
    intro: "While checks get no answer, the last verdict stands for 6 hours, and then the reason is `NotCheckedRecently`. If there never was a verdict, the other reasons show at once.",
    guides: &[
        Guide {
            reason: Reason::Throttled,
            short: "AWS throttles: wait",
            meaning: "AWS throttles the call that the message names.",
            recognised: "`Throttling`, `ThrottlingException`, `TooManyRequestsException`, `SlowDown`, `RequestLimitExceeded` and similar codes.",
            remedy: "Wait. If it lasts, ask AWS to raise the quota.",
            ..UNANSWERED
        },
        Guide {
            reason: Reason::EndpointUnreachable,
            short: "Check the operator's network",
            meaning: "AWS does not answer, or fails on its side.",
            recognised: "There is no connection, a timeout, or `InternalFailure`, `InternalError`, `ServiceUnavailable` or a similar code.",
            remedy: "Check network policies, proxy, DNS and `AWS_ENDPOINT_URL` of the operator's pod.",
            ..UNANSWERED
        },
        Guide {
            reason: Reason::ClockSkew,
            short: "Correct the node's clock",
            meaning: "The operator's clock differs from AWS's by more than 5 minutes.",
            recognised: "`RequestTimeTooSkewed`, `RequestInTheFuture`.",
            remedy: "Correct the node's clock.",
            owner: FaultOwner::Operator,
            ..UNANSWERED
        },
        Guide {
            reason: Reason::UnexpectedAnswer,
            short: "Read the operator's debug log",
            meaning: "AWS returned an error that this version does not recognise.",
            recognised: "The call ends with another code, which is in the message.",
            remedy: "The operator's log at debug level (chart `logLevel: info,awscost=debug`) has the code and the request id. Please report them.",
            ..UNANSWERED
        },
        Guide {
            reason: Reason::NotCheckedRecently,
            short: "Read the operator's log",
            meaning: "The last verdict is older than 6 hours, and every check since then got no answer.",
            recognised: "Local.",
            remedy: "Look in the operator's log for why the checks fail.",
            outlook: Outlook::Awaited,
            ..UNANSWERED
        },
        Guide {
            reason: Reason::NotChecked,
            short: "Wait for the first check",
            meaning: "The condition was not checked yet, or the account was suspended before the first check.",
            recognised: "Local.",
            remedy: "Wait, or set `spec.suspend: false`.",
            severity: Severity::Waiting,
            ..UNANSWERED
        },
        Guide {
            reason: Reason::BlockedByRole,
            stands: ON_ROLE,
            short: "Fix RoleAssumable first",
            meaning: "This was not checked because `RoleAssumable` is not True.",
            remedy: "Fix `RoleAssumable` first.",
            ..BLOCKED
        },
        Guide {
            reason: Reason::BlockedByBucket,
            stands: ON_REPORT,
            short: "Fix BucketReadable first",
            meaning: "This was not checked because `BucketReadable` is not True.",
            remedy: "Fix `BucketReadable` first.",
            ..BLOCKED
        },
        Guide {
            reason: Reason::BlockedByReport,
            stands: ON_REPORT,
            short: "Fix ReportConfigured first",
            meaning: "This was not checked because `ReportConfigured` is not True.",
            remedy: "Fix `ReportConfigured` first.",
            ..BLOCKED
        },
        Guide {
            reason: Reason::BlockedByDelivery,
            stands: ON_DELIVERY,
            short: "Wait for a delivery",
            meaning: "Nothing was delivered yet, or the deliveries could not be checked.",
            remedy: "See `ReportDelivered`.",
            ..BLOCKED
        },
        Guide {
            reason: Reason::BlockedByWarehouse,
            stands: ON_WAREHOUSE,
            short: "Fix the CostWarehouse first",
            meaning: "Nothing is loaded because `WarehouseReady` is not True.",
            remedy: "See the CostWarehouse.",
            ..BLOCKED
        },
        Guide {
            reason: Reason::BlockedByData,
            stands: &[(TotalsVerified, Unknown)],
            short: "Wait for the first load",
            meaning: "No month is loaded yet, so there is nothing to verify.",
            remedy: "See `DataCurrent`.",
            ..BLOCKED
        },
    ],
};
