//! All checks, in the order of their layers. Each is a pure function of facts, target and time.

pub(super) mod account_type;
pub(super) mod bucket;
mod delivery;
pub(super) mod external_id;
mod keys;
mod metrics;
pub(super) mod permissions;
mod query;
pub(super) mod report;
pub(super) mod role;

use jiff::Timestamp;

pub use delivery::{ExpectedDeliveries, check_deliveries, months_never_delivered};
pub use keys::deprecated;

use super::{
    ExternalIdPolicy, Facts, Finding, Target, TargetAccess, Verdict, fault_reasons::of_policy_elsewhere,
};
use crate::{
    aws::AwsFault,
    model::{
        ConditionType, Reason, ReportKind,
        layers::{AccountParts, Judge, LAYERS, Layer, ReadyTerms},
    },
};

/// RoleAssumable, however the account is reached.
pub(super) fn access(facts: &Facts, target: &Target, now: Timestamp) -> Finding {
    match &target.access {
        TargetAccess::Role(access) => role::check(facts, target, access, now),
        TargetAccess::Keys(_) => keys::check(facts, target, now),
    }
}

/// Runs every check that applies, from the lowest layer up; what lies behind a broken one is blocked.
pub fn run(facts: &Facts, target: &Target, now: Timestamp) -> Vec<Finding> {
    let mut findings =
        walk(target.parts(), &[Judge::Checks], |condition| check(condition, facts, target, now));
    let misnamed = findings.iter().any(|finding| finding.reason.misnames_report());
    let of_bucket = |finding: &&mut Finding| finding.condition == ConditionType::BucketReadable;
    if misnamed
        && let Some(readable) = findings.iter_mut().find(of_bucket)
        && readable.verdict == Verdict::Fail
    {
        readable.message = after_the_report(&readable.message);
    }
    findings
}

/// The findings where AWS must not be asked: why not, and every layer behind it blocked.
pub fn shut(access: Finding, account: AccountParts) -> Vec<Finding> {
    walk(account, &[Judge::Checks, Judge::Deliveries], |condition| match condition {
        ConditionType::RoleAssumable => Some(access.clone()),
        ConditionType::Deprecated => Some(deprecated()),
        _ => None,
    })
}

/// Goes up the layers of these judges that an account has.
fn walk(
    account: AccountParts,
    judges: &[Judge],
    check: impl Fn(ConditionType) -> Option<Finding>,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for layer in LAYERS.iter().filter(|layer| judges.contains(&layer.judge) && layer.applies_to(account)) {
        let blocked = Finding::blocked_by_any(layer.condition, &findings);
        findings.extend(blocked.or_else(|| check(layer.condition)));
    }
    findings
}

/// Makes sure of one condition; nothing where it is none of AWS's side.
fn check(condition: ConditionType, facts: &Facts, target: &Target, now: Timestamp) -> Option<Finding> {
    Some(match condition {
        // We get into the account,
        ConditionType::RoleAssumable => access(facts, target, now),
        // a role that lets everybody in is not used unknowingly,
        ConditionType::ExternalIdEnforced => external_id::check(facts, target, target.role()?, now),
        // a payer's bill is not taken for a member's, nor the other way round,
        ConditionType::AccountTypeVerified => account_type::check(facts, target, now),
        // what a Job will read can be read with what a Job will have,
        ConditionType::BucketReadable => bucket::check(facts, target, target.report.as_ref()?, now),
        // and what AWS delivers there is a whole bill in a form that can be loaded.
        ConditionType::ReportConfigured => report::check(facts, target, target.report.as_ref()?, now),
        // Advice, which holds nothing up: a role can do no more than it must, and those who want metrics get them.
        ConditionType::PermissionsMinimal => permissions::check(facts, target, target.role()?, now),
        ConditionType::MetricsReadable => metrics::check(facts, target, target.metrics.as_ref()?, now),
        ConditionType::Deprecated => deprecated(),
        _ => return None,
    })
}

/// What AWS itself says of a refusal, in front of what else may be the cause. The policy is one of the caller's own: for the
/// others [`policy_elsewhere`] has a finding.
fn clue(fault: &AwsFault) -> String {
    fault.detail.policy().map_or_else(String::new, |policy| {
        format!(" AWS names its {policy}: begin there, with {}.", fault.permission())
    })
}

/// The finding for a refusal of `what` where AWS says that it is neither the account's own policies nor the bucket's.
fn policy_elsewhere(
    condition: ConditionType,
    fault: &AwsFault,
    target: &Target,
    what: &str,
) -> Option<Finding> {
    let (action, actor) = (fault.permission(), target.actor());
    let reason = of_policy_elsewhere(fault.detail)?;
    let cause = match reason {
        Reason::NetworkPolicyDenied => {
            "the policy of a VPC endpoint between the operator and AWS refuses it. Allow it in that endpoint's policy."
                .to_owned()
        }
        _ => format!(
            "a service or resource control policy of an organization refuses it. Ask whoever administers the \
             organization of account {} to allow it.",
            target.account
        ),
    };
    Some(Finding::fail(condition, reason, format!("{actor} may not call {action} on {what}: {cause}")))
}

/// What is said of a place that is not the report's.
fn after_the_report(message: &str) -> String {
    format!("First correct spec.report as ReportConfigured says. If this lasts then: {message}")
}

/// True if Ready can't be True because of this finding.
pub fn holds_ready_down(finding: &Finding, target: &Target) -> bool {
    let enforced = target.role().is_some_and(|role| role.policy == ExternalIdPolicy::Enforce);
    let terms = ReadyTerms { external_id_enforced: enforced, retries_used_up: false };
    let layer = Layer::of(finding.condition);
    layer.is_some_and(|layer| layer.holds_ready_down(finding.verdict.into(), terms))
}

/// The family the report turned out to be of: the declared one, or the one found.
pub fn report_kind(facts: &Facts, target: &Target) -> Option<ReportKind> {
    let report = target.report.as_ref()?;
    report.kind.or_else(|| report::chosen(facts, report).ok().flatten().map(|chosen| chosen.kind()))
}

#[cfg(test)]
mod tests;
