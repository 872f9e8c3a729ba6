//! Reasons of any layer that got no answer, or that a layer below keeps from being looked at.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{self, Unknown},
    ConditionType::{self, *},
    Reason,
};

/// Every layer that is looked at in AWS.
pub(super) const ANY_LAYER: &[(ConditionType, ConditionStatus)] = &[
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
    title: "Any layer, status Unknown",
    intro: "While looks give no answer, the last verdict stands for 6 hours; these reasons show where there never was one, `NotCheckedRecently` after that.",
    guides: &[
        Guide {
            reason: Reason::Throttled,
            stands: ANY_LAYER,
            meaning: "AWS throttles the call that the message names.",
            recognised: "`Throttling`, `ThrottlingException`, `TooManyRequestsException`, `SlowDown`, `RequestLimitExceeded` and their like.",
            remedy: "Wait; raise the quota if it lasts.",
        },
        Guide {
            reason: Reason::EndpointUnreachable,
            stands: ANY_LAYER,
            meaning: "AWS gives no answer, or failed on its side.",
            recognised: "No connection, a time-out, `InternalFailure`, `InternalError`, `ServiceUnavailable` and their like.",
            remedy: "Network policy, proxy, DNS, `AWS_ENDPOINT_URL` of the operator's pod.",
        },
        Guide {
            reason: Reason::ClockSkew,
            stands: ANY_LAYER,
            meaning: "The operator's clock differs from AWS's by more than 5 minutes.",
            recognised: "`RequestTimeTooSkewed`, `RequestInTheFuture`.",
            remedy: "Set the node's clock.",
        },
        Guide {
            reason: Reason::UnexpectedAnswer,
            stands: ANY_LAYER,
            meaning: "AWS answered in a way this version does not know.",
            recognised: "Any other code; the message has it.",
            remedy: "The operator's log at debug level (chart `logLevel: info,awscost=debug`) has code and request id.",
        },
        Guide {
            reason: Reason::NotCheckedRecently,
            stands: ANY_LAYER,
            meaning: "The last verdict is older than 6 hours and could not be renewed.",
            recognised: "Local.",
            remedy: "See why looks fail: the operator's log.",
        },
        Guide {
            reason: Reason::NotChecked,
            stands: ANY_LAYER,
            meaning: "Not looked at yet; or suspended before the first look.",
            recognised: "Local.",
            remedy: "Wait, or set `spec.suspend: false`.",
        },
        Guide {
            reason: Reason::BlockedByRole,
            stands: ON_ROLE,
            meaning: "`RoleAssumable` does not hold.",
            recognised: "Local.",
            remedy: "Mend that layer.",
        },
        Guide {
            reason: Reason::BlockedByBucket,
            stands: ON_REPORT,
            meaning: "`BucketReadable` does not hold.",
            recognised: "Local.",
            remedy: "Mend that layer.",
        },
        Guide {
            reason: Reason::BlockedByReport,
            stands: ON_REPORT,
            meaning: "`ReportConfigured` does not hold.",
            recognised: "Local.",
            remedy: "Mend that layer.",
        },
        Guide {
            reason: Reason::BlockedByDelivery,
            stands: ON_DELIVERY,
            meaning: "Nothing is delivered, or it can't be told.",
            recognised: "Local.",
            remedy: "See `ReportDelivered`.",
        },
        Guide {
            reason: Reason::BlockedByWarehouse,
            stands: ON_WAREHOUSE,
            meaning: "`WarehouseReady` does not hold.",
            recognised: "Local.",
            remedy: "See the CostWarehouse.",
        },
        Guide {
            reason: Reason::BlockedByData,
            stands: &[(TotalsVerified, Unknown)],
            meaning: "Nothing is loaded yet that could be verified.",
            recognised: "Local.",
            remedy: "See `DataCurrent`.",
        },
    ],
};
