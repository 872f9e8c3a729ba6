//! ExternalIdEnforced: nobody gets into the role without the external ID.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{False, True},
    ConditionType::ExternalIdEnforced,
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "External ID: `ExternalIdEnforced`",
    intro: "The probe calls `sts:AssumeRole` without an external ID and with a random one, each with a session policy that denies everything, once a day; where an account insists on its external ID and its role does not, every ten minutes until it does. Refusal is the good answer; both refusals show in the account's CloudTrail under the session name `awscost-externalid-probe`. With `requireExternalId: Warn` the bad answers are warnings: `Ready` is not held down.",
    guides: &[
        Guide {
            reason: Reason::Enforced,
            stands: &[(ExternalIdEnforced, True)],
            meaning: "Callers without the external ID, and with another one, are refused.",
            recognised: "Both probes: `AccessDenied`.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::NotEnforced,
            stands: &[(ExternalIdEnforced, False)],
            meaning: "The role lets the operator in without any external ID, so whoever learns its ARN could have the operator use it for them.",
            recognised: "The probe without one succeeded, twice in a row.",
            remedy: "Require it with `StringEquals` on `sts:ExternalId`; not `StringEqualsIfExists`, not `ForAllValues`. The message has a trust policy that works.",
        },
        Guide {
            reason: Reason::AnyValueAccepted,
            stands: &[(ExternalIdEnforced, False)],
            meaning: "The role accepts any external ID.",
            recognised: "The probe with a random one succeeded, twice in a row.",
            remedy: "`StringEquals` with the value; not `StringLike` with a wildcard, not `Null`. The message has a trust policy that works.",
        },
    ],
};
