//! All checks, in the order of their layers. Each is a pure function of facts, target and time.

pub(super) mod account_type;
pub(super) mod bucket;
pub(super) mod external_id;
mod query;
pub(super) mod report;
pub(super) mod role;

use jiff::Timestamp;

use super::{ExternalIdPolicy, Facts, Finding, Target, Verdict};
use crate::model::{ConditionType, ReportKind};

/// Runs every check that applies. Make sure that …
pub fn run(facts: &Facts, target: &Target, now: Timestamp) -> Vec<Finding> {
    let role = role::check(facts, target, now);
    let behind = |condition, check: &dyn Fn() -> Finding| {
        if role.verdict == Verdict::Pass {
            check()
        } else {
            Finding::blocked(condition, ConditionType::RoleAssumable)
        }
    };
    let mut findings = vec![
        // … a role that lets everybody in is not used unknowingly,
        behind(ConditionType::ExternalIdEnforced, &|| external_id::check(facts, target, now)),
        // … a payer's bill is not taken for a member's, nor the other way round,
        behind(ConditionType::AccountTypeVerified, &|| account_type::check(facts, target, now)),
    ];
    if let Some(report) = &target.report {
        // … what a Job will read can be read with what a Job will have,
        findings.push(behind(ConditionType::BucketReadable, &|| bucket::check(facts, target, report, now)));
        // … and that what AWS delivers there is a whole bill in a form that can be loaded.
        findings.push(behind(ConditionType::ReportConfigured, &|| report::check(facts, target, report, now)));
    }
    findings.insert(0, role);
    findings
}

/// True if Ready can't be True because of this finding.
pub fn holds_ready_down(finding: &Finding, target: &Target) -> bool {
    match finding.condition {
        ConditionType::RoleAssumable | ConditionType::BucketReadable | ConditionType::ReportConfigured => {
            finding.verdict != Verdict::Pass
        }
        ConditionType::ExternalIdEnforced => {
            finding.verdict != Verdict::Pass && target.external_id_policy == ExternalIdPolicy::Enforce
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
