//! All checks, in the order of their layers. Each is a pure function of facts, target and time.

pub(super) mod account_type;
pub(super) mod bucket;
pub(super) mod external_id;
mod keys;
mod metrics;
pub(super) mod permissions;
mod query;
pub(super) mod report;
pub(super) mod role;

use jiff::Timestamp;

pub use keys::deprecated;

use super::{Access, ExternalIdPolicy, Facts, Finding, Target, Verdict};
use crate::{
    aws::{AwsFault, Code, Detail},
    model::{ConditionType, Reason, ReportKind},
};

/// RoleAssumable, however the account is reached.
pub(super) fn access(facts: &Facts, target: &Target, now: Timestamp) -> Finding {
    match &target.access {
        Access::Role(access) => role::check(facts, target, access, now),
        Access::Keys(_) => keys::check(facts, target, now),
    }
}

/// Runs every check that applies. Make sure that …
pub fn run(facts: &Facts, target: &Target, now: Timestamp) -> Vec<Finding> {
    let access = access(facts, target, now);
    let behind = |condition, check: &dyn Fn() -> Finding| {
        if access.verdict == Verdict::Pass {
            check()
        } else {
            Finding::blocked(condition, ConditionType::RoleAssumable)
        }
    };
    let mut findings = Vec::new();
    if let Some(role) = target.role() {
        // … a role that lets everybody in is not used unknowingly,
        findings.push(behind(ConditionType::ExternalIdEnforced, &|| {
            external_id::check(facts, target, role, now)
        }));
    }
    // … a payer's bill is not taken for a member's, nor the other way round,
    findings.push(behind(ConditionType::AccountTypeVerified, &|| account_type::check(facts, target, now)));
    if let Some(report) = &target.report {
        // … what a Job will read can be read with what a Job will have,
        let mut readable =
            behind(ConditionType::BucketReadable, &|| bucket::check(facts, target, report, now));
        // … and that what AWS delivers there is a whole bill in a form that can be loaded.
        let configured =
            behind(ConditionType::ReportConfigured, &|| report::check(facts, target, report, now));
        if readable.verdict == Verdict::Fail && configured.reason.misnames_report() {
            readable.message = after_the_report(&readable.message);
        }
        findings.extend([readable, configured]);
    }
    // Advice, which holds nothing up: a role that can do more than it must, and metrics for those who want them.
    if let Some(role) = target.role() {
        findings.push(behind(ConditionType::PermissionsMinimal, &|| {
            permissions::check(facts, target, role, now)
        }));
    }
    if let Some(region) = &target.metrics {
        findings.push(behind(ConditionType::MetricsReadable, &|| metrics::check(facts, target, region, now)));
    }
    if target.role().is_none() {
        findings.push(deprecated());
    }
    findings.insert(0, access);
    findings
}

/// The reason of a refusal where AWS says that it is neither the account's own policies nor the bucket's.
pub fn of_policy_elsewhere(detail: Detail) -> Option<Reason> {
    match detail {
        Detail::EndpointPolicy => Some(Reason::NetworkPolicyDenied),
        Detail::OrganizationPolicy => Some(Reason::OrganizationPolicyDenies),
        Detail::None | Detail::IdentityPolicy | Detail::PermissionsBoundary | Detail::SessionPolicy => None,
    }
}

/// The reason where the operator's own credentials are refused.
pub fn of_own_credentials(code: Code) -> Reason {
    match code {
        Code::NoCredentials => Reason::NoBaseCredentials,
        Code::ExpiredToken => Reason::BaseCredentialsExpired,
        Code::WebIdentityRejected => Reason::WebIdentityRejected,
        _ => Reason::BaseCredentialsInvalid,
    }
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
    match finding.condition {
        ConditionType::RoleAssumable | ConditionType::BucketReadable | ConditionType::ReportConfigured => {
            finding.verdict != Verdict::Pass
        }
        ConditionType::ExternalIdEnforced => {
            let enforced = target.role().is_some_and(|role| role.policy == ExternalIdPolicy::Enforce);
            finding.verdict != Verdict::Pass && enforced
        }
        ConditionType::AccountTypeVerified => finding.verdict == Verdict::Fail,
        _ => false,
    }
}

/// The family the report turned out to be of: the declared one, or the one found.
pub fn report_kind(facts: &Facts, target: &Target) -> Option<ReportKind> {
    let report = target.report.as_ref()?;
    report.kind.or_else(|| report::chosen(facts, report).ok().flatten().map(|chosen| chosen.kind()))
}

#[cfg(test)]
mod tests;
