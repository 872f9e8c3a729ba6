//! ExternalIdEnforced: nobody gets into the role without the external ID.

use jiff::Timestamp;

use super::super::{
    Enforcement, ExternalIdPolicy, Facts, Finding, RoleAccess, Standing, Target, working_trust,
};
use crate::model::{ConditionType::ExternalIdEnforced, Reason};

pub(in crate::connection) fn check(
    facts: &Facts,
    target: &Target,
    access: &RoleAccess,
    now: Timestamp,
) -> Finding {
    let role = &access.role;
    let asker = target.asker.name();
    match facts.enforcement.standing(now) {
        Standing::Known(Enforcement::Enforced) => Finding::pass(
            ExternalIdEnforced,
            Reason::Enforced,
            format!("{role} refuses callers without the external ID and with another one."),
        ),
        Standing::Known(Enforcement::AcceptsNone) => not_enforced(
            facts,
            target,
            access,
            Reason::NotEnforced,
            format!(
                "{role} lets {asker} in without any external ID: its trust policy has no sts:ExternalId condition, \
                 or one that passes when none is sent (StringEqualsIfExists, ForAllValues)."
            ),
        ),
        Standing::Known(Enforcement::AcceptsAny) => not_enforced(
            facts,
            target,
            access,
            Reason::AnyValueAccepted,
            format!(
                "{role} lets {asker} in with a random external ID: the sts:ExternalId condition of its trust policy \
                 accepts any value (StringLike with a wildcard, or Null)."
            ),
        ),
        standing => Finding::inconclusive(ExternalIdEnforced, &standing),
    }
}

fn not_enforced(
    facts: &Facts,
    target: &Target,
    access: &RoleAccess,
    reason: Reason,
    problem: String,
) -> Finding {
    let weight = match access.policy {
        ExternalIdPolicy::Enforce => "",
        ExternalIdPolicy::Warn => " (A warning only: spec.access.requireExternalId is Warn.)",
    };
    Finding::fail(
        ExternalIdEnforced,
        reason,
        format!("{problem} Require one value with StringEquals.{weight}"),
    )
    .with(working_trust(facts.base.known(), target.partition(), target.asker))
}
