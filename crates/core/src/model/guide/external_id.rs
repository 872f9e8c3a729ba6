//! ExternalIdEnforced: nobody gets into the role without the external ID.

use super::{GOOD, Guide, Section, SnippetKind};
use crate::model::{
    ConditionStatus::{False, True},
    ConditionType::ExternalIdEnforced,
    Reason,
};

/// Something is wrong here.
const FAULT: Guide = Guide { stands: &[(ExternalIdEnforced, False)], ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "External ID: `ExternalIdEnforced`",
    intro: "Once a day the operator calls `sts:AssumeRole` without an external ID and with a random one, each time with a session policy that denies everything. AWS should deny both calls; they appear in the account's CloudTrail under the session name `awscost-externalid-probe`. If a call succeeds, the test is repeated every ten minutes. With `requireExternalId: Warn` a failure is only a warning: it does not affect `Ready`, and the test stays daily.",
    guides: &[
        Guide {
            reason: Reason::Enforced,
            stands: &[(ExternalIdEnforced, True)],
            meaning: "AWS denies the role to callers without the external ID or with another one.",
            recognised: "Both calls get `AccessDenied`.",
            ..GOOD
        },
        Guide {
            reason: Reason::NotEnforced,
            short: "Require sts:ExternalId in the trust policy",
            meaning: "The operator can assume the role without any external ID. So whoever learns the role's ARN could make the operator use it for them.",
            recognised: "The call without an external ID succeeded twice in a row.",
            remedy: "Require the external ID with `StringEquals` on `sts:ExternalId`, not with `StringEqualsIfExists` or `ForAllValues`. `kubectl awscost status` prints a trust policy that works.",
            block: SnippetKind::TrustPolicy,
            ..FAULT
        },
        Guide {
            reason: Reason::AnyValueAccepted,
            short: "Require one value of sts:ExternalId",
            meaning: "The role accepts any external ID.",
            recognised: "The call with a random external ID succeeded twice in a row.",
            remedy: "Require the value with `StringEquals`, not with a wildcard in `StringLike` or with `Null`. `kubectl awscost status` prints a trust policy that works.",
            block: SnippetKind::TrustPolicy,
            ..FAULT
        },
    ],
};
