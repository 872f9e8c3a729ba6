//! The verdicts of a preflight: pure functions from facts to findings, a problem and its fix each.

mod cluster;
mod operator;

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use super::facts::{OperatorView, PreflightFacts, ReleasePlace};

/// What is judged, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
pub enum Check {
    /// Both kinds are served as this version has them.
    Definitions,
    /// The settings file parses, the tenancy rules in it too.
    Settings,
    /// The watched namespaces exist.
    Namespaces,
    /// The policy that bounds the operator is there and in force.
    AdmissionPolicy,
    /// Operator, settings and policy name one image.
    Image,
    /// The Deployment is there and available.
    Deployment,
    /// One replica holds the lease and renews it.
    Lease,
    /// The operator may do all that the chart lets it do.
    OwnRights,
    /// STS is reached and knows the operator.
    AwsIdentity,
    /// The operator's clock agrees with the API server's and with AWS's.
    Clock,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As JSON spells it.
        self.serialize(f)
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum CheckResult {
    Pass,
    Unknown,
    Fail,
}

impl CheckResult {
    /// How the process ends, as `awscost check` has it.
    pub(super) fn exit(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Unknown => 2,
        }
    }
}

/// One check's verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct PreflightFinding {
    pub check: Check,
    pub verdict: CheckResult,
    /// What is so, or what is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// A command that does it, or tells more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl PreflightFinding {
    fn pass(check: Check, message: impl Into<String>) -> Self {
        Self { check, verdict: CheckResult::Pass, message: message.into(), fix: None, command: None }
    }

    fn fail(check: Check, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: CheckResult::Fail, fix: Some(fix.into()), ..Self::pass(check, message) }
    }

    fn unknown(check: Check, message: impl Into<String>) -> Self {
        Self { verdict: CheckResult::Unknown, ..Self::pass(check, message) }
    }

    /// It can't be known, because.
    fn unseen(check: Check, because: &str) -> Self {
        Self::unknown(check, format!("This could not be checked, because {because}."))
    }

    fn with(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }
}

/// All findings, and of what.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreflightReport {
    /// The operator's namespace.
    pub namespace: String,
    /// Who looked.
    pub user: String,
    /// True if that was the operator itself.
    pub as_operator: bool,
    /// What only the operator's own pod can judge, from anywhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_to_the_operator: Option<Left>,
    pub checks: Vec<PreflightFinding>,
}

/// Checks that are not made here, and the command that makes them.
#[derive(Debug, Serialize)]
pub(super) struct Left {
    pub checks: Vec<Check>,
    pub command: String,
}

impl PreflightReport {
    /// The findings of every check that applies and is not left out.
    pub(super) fn of(facts: &PreflightFacts, skipped: &[Check]) -> Self {
        let wanted = Check::value_variants().iter().filter(|check| !skipped.contains(check));
        let findings: Vec<(Check, Option<PreflightFinding>)> =
            wanted.map(|check| (*check, judge_check(*check, facts))).collect();
        let left: Vec<Check> = match facts.view {
            OperatorView::Operator(_) => Vec::new(),
            OperatorView::Outside(_) => {
                findings.iter().filter(|(_, finding)| finding.is_none()).map(|(check, _)| *check).collect()
            }
        };
        Self {
            namespace: facts.place.namespace.clone(),
            user: facts.place.user.clone(),
            as_operator: matches!(facts.view, OperatorView::Operator(_)),
            left_to_the_operator: (!left.is_empty())
                .then(|| Left { checks: left, command: helm_test(&facts.place) }),
            checks: findings.into_iter().filter_map(|(_, finding)| finding).collect(),
        }
    }

    /// The worst.
    pub(super) fn verdict(&self) -> CheckResult {
        self.checks.iter().map(|finding| finding.verdict).max().unwrap_or(CheckResult::Pass)
    }
}

/// The finding of a check that can be made from where the facts were seen.
fn judge_check(check: Check, facts: &PreflightFacts) -> Option<PreflightFinding> {
    let finding = match (check, &facts.view) {
        (Check::Definitions, _) => cluster::judge_definitions(facts),
        (Check::Settings, _) => cluster::judge_settings(facts),
        (Check::Lease, _) => cluster::judge_lease(facts),
        (Check::Namespaces, OperatorView::Operator(own)) => operator::judge_namespaces(own, &facts.place),
        (Check::Namespaces, OperatorView::Outside(view)) => {
            cluster::judge_namespaces(&view.missing_namespaces, &facts.place)
        }
        (Check::AdmissionPolicy, OperatorView::Operator(own)) => {
            operator::admission_policy(own, &facts.place)
        }
        (Check::AdmissionPolicy, OperatorView::Outside(view)) => {
            cluster::admission_policy(view, &facts.place)
        }
        (Check::Image, OperatorView::Operator(own)) => operator::judge_image(own, facts),
        (Check::Image, OperatorView::Outside(view)) => cluster::judge_image(view, facts),
        (Check::Deployment, OperatorView::Outside(view)) => cluster::judge_deployment(view, &facts.place),
        (Check::OwnRights, OperatorView::Operator(own)) => operator::judge_rights(own, &facts.place),
        (Check::AwsIdentity, OperatorView::Operator(own)) => operator::aws_identity(own),
        (Check::Clock, OperatorView::Operator(own)) => operator::judge_clock(own),
        // From within, the lease tells whether somebody works.
        (Check::Deployment, OperatorView::Operator(_)) => return None,
        // What the operator's pod sees differs from what anybody else's does: nothing is concluded from the one about the
        // other.
        (Check::OwnRights | Check::AwsIdentity | Check::Clock, OperatorView::Outside(_)) => return None,
    };
    Some(finding)
}

fn helm_test(place: &ReleasePlace) -> String {
    format!("helm test {} --namespace {} --logs", release_name(place), place.namespace)
}

/// The release's name, or the one that the documentation gives it.
fn release_name(place: &ReleasePlace) -> &str {
    place.release.as_deref().unwrap_or("awscost")
}

/// Installs or upgrades the chart, keeping its values.
fn upgrade_command(place: &ReleasePlace) -> String {
    format!(
        "helm upgrade --install {} charts/awscost-operator --namespace {} --reset-then-reuse-values",
        release_name(place),
        place.namespace
    )
}

/// A few of many names.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let first = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
