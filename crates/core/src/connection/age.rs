//! How long each kind of fact is good for: one table, and the plan of what to look at that follows from it.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::{Facts, Finding, Target, Verdict, checks};
use crate::{
    aws::traits::{ExecutionEnd, ExportHealth, LegacyDeliveryStatus},
    model::{
        ConditionType, Guide, ReportLocation,
        guide::Outlook,
        layers::{HoldsReady, Layer},
    },
};

/// The ages at which facts are looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// Base identity, AssumeRole and its caller.
    pub identity: SignedDuration,
    /// The organization.
    pub organization: SignedDuration,
    /// Report definitions.
    pub definitions: SignedDuration,
    /// The probes of the external ID: each leaves two refusals in the customer's CloudTrail.
    pub external_id: SignedDuration,
    /// The bucket's listing and the read of a manifest: the account's `interval`.
    pub listing: SignedDuration,
    /// What the role may do that it need not.
    pub permissions: SignedDuration,
    /// CloudWatch.
    pub metrics: SignedDuration,
    /// Anything whose last look failed or whose check did not pass.
    pub failed: SignedDuration,
}

impl Ages {
    /// The ages for an account that looks for deliveries every `interval`.
    pub const fn with_interval(interval: SignedDuration) -> Self {
        Self {
            identity: SignedDuration::from_hours(1),
            organization: SignedDuration::from_hours(6),
            definitions: SignedDuration::from_hours(6),
            external_id: SignedDuration::from_hours(24),
            permissions: SignedDuration::from_hours(24),
            metrics: SignedDuration::from_hours(6),
            listing: interval,
            failed: SignedDuration::from_mins(10),
        }
    }

    /// Which facts are due at `now`.
    pub fn due(&self, facts: &Facts, target: &Target, uid: &str, now: Timestamp) -> Look {
        let findings = checks::run(facts, target, now);
        let due = |group: ProbeGroup| {
            group.applies(target)
                && self
                    .seen_and_age(group, facts, target, &findings)
                    .is_none_or(|(seen, age)| seen + jittered(age, uid, group) <= now)
        };
        let identity = due(ProbeGroup::Identity);
        // Behind a role that does not work there is nothing to look at, unless this very look fixes it.
        let behind = |group| (identity || lets_through(facts, &findings)) && due(group);
        Look {
            identity,
            external_id: behind(ProbeGroup::ExternalId),
            organization: behind(ProbeGroup::Organization),
            definitions: behind(ProbeGroup::Definitions),
            listing: behind(ProbeGroup::Listing),
            permissions: behind(ProbeGroup::Permissions),
            metrics: behind(ProbeGroup::Metrics),
        }
    }

    /// When the next fact is due: at once (`now`) if one that can be looked at never was.
    pub fn next_look(&self, facts: &Facts, target: &Target, uid: &str, now: Timestamp) -> Timestamp {
        let findings = checks::run(facts, target, now);
        ProbeGroup::ALL
            .into_iter()
            .filter(|group| {
                *group == ProbeGroup::Identity || (group.applies(target) && lets_through(facts, &findings))
            })
            .map(|group| {
                let known = self.seen_and_age(group, facts, target, &findings);
                known.map_or(now, |(seen, age)| seen + jittered(age, uid, group))
            })
            .min()
            .map_or(now, |at| at.max(now))
    }

    /// When a group was last looked at, and how old that may grow; `None` if it never was.
    fn seen_and_age(
        &self,
        group: ProbeGroup,
        facts: &Facts,
        target: &Target,
        findings: &[Finding],
    ) -> Option<(Timestamp, SignedDuration)> {
        let (looked_at, in_doubt) = group.state(facts, target);
        let soon = in_doubt
            || findings
                .iter()
                .any(|finding| finding.condition == group.condition() && is_awaited(finding, target));
        let soon_again = match group {
            // Where IAM or CloudWatch is out of reach it mostly stays so, and each look waits for it.
            ProbeGroup::Permissions | ProbeGroup::Metrics if in_doubt => self.identity,
            _ => self.failed,
        };
        let age = if soon { soon_again.min(self.of(group)) } else { self.of(group) };
        Some((looked_at?, age))
    }

    fn of(&self, group: ProbeGroup) -> SignedDuration {
        match group {
            ProbeGroup::Identity => self.identity,
            ProbeGroup::ExternalId => self.external_id,
            ProbeGroup::Organization => self.organization,
            ProbeGroup::Definitions => self.definitions,
            ProbeGroup::Listing => self.listing,
            ProbeGroup::Permissions => self.permissions,
            ProbeGroup::Metrics => self.metrics,
        }
    }
}

/// Facts that are looked at together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProbeGroup {
    Identity,
    ExternalId,
    Organization,
    Definitions,
    Listing,
    Permissions,
    Metrics,
}

impl ProbeGroup {
    const ALL: [Self; 7] = [
        Self::Identity,
        Self::ExternalId,
        Self::Organization,
        Self::Definitions,
        Self::Listing,
        Self::Permissions,
        Self::Metrics,
    ];

    /// True if the target has anything of the kind to look at.
    fn applies(self, target: &Target) -> bool {
        match self {
            Self::Identity | Self::Organization => true,
            Self::ExternalId | Self::Permissions => target.role().is_some(),
            Self::Metrics => target.metrics.is_some(),
            Self::Definitions => {
                target.report.as_ref().is_some_and(|report| report.has_api(target.partition()))
            }
            Self::Listing => target.report.is_some(),
        }
    }

    fn condition(self) -> ConditionType {
        match self {
            Self::Identity => ConditionType::RoleAssumable,
            Self::ExternalId => ConditionType::ExternalIdEnforced,
            Self::Organization => ConditionType::AccountTypeVerified,
            Self::Definitions => ConditionType::ReportConfigured,
            Self::Listing => ConditionType::BucketReadable,
            Self::Permissions => ConditionType::PermissionsMinimal,
            Self::Metrics => ConditionType::MetricsReadable,
        }
    }

    /// When it was last looked at, and whether that look left something open: a call had no answer, or AWS says itself that
    /// it does not deliver. What a refusal means, the checks say.
    fn state(self, facts: &Facts, target: &Target) -> (Option<Timestamp>, bool) {
        match self {
            Self::Identity => (
                facts.role.looked_at().or_else(|| facts.base.looked_at()),
                facts.base.is_in_doubt() || facts.role.is_in_doubt() || facts.federation.is_in_doubt(),
            ),
            Self::ExternalId => (facts.enforcement.looked_at(), facts.enforcement.is_in_doubt()),
            Self::Organization => (facts.membership.looked_at(), facts.membership.is_in_doubt()),
            Self::Definitions => (
                facts.exports.looked_at().max(facts.legacy.looked_at()),
                facts.legacy.is_in_doubt()
                    || facts.exports.is_in_doubt()
                    || facts.export.is_in_doubt()
                    || facts.execution.is_in_doubt()
                    || target.report.as_ref().is_some_and(|report| is_ill(facts, report)),
            ),
            Self::Listing => (
                facts.listing.looked_at().max(facts.ingest_session.looked_at()),
                facts.listing.is_in_doubt()
                    || facts.ingest_session.is_in_doubt()
                    || facts.manifest.is_in_doubt()
                    || facts.listing_any_owner.is_in_doubt()
                    || facts.elsewhere.is_in_doubt()
                    || facts.ownership.is_in_doubt(),
            ),
            Self::Permissions => (facts.excess.looked_at(), facts.excess.is_in_doubt()),
            Self::Metrics => (facts.metrics.looked_at(), facts.metrics.is_in_doubt()),
        }
    }
}

/// True if a verdict is one that somebody will want to see turn.
///
/// What was never granted, and what is a warning by the account's own wish, stays so: to ask every ten minutes would leave
/// 144 refusals a day in the customer's CloudTrail.
fn is_awaited(finding: &Finding, target: &Target) -> bool {
    let warned = !checks::holds_ready_down(finding, target)
        && Layer::of(finding.condition)
            .is_some_and(|layer| layer.ready == HoldsReady::UnlessTrueWhereEnforced);
    match finding.verdict {
        Verdict::Pass => false,
        Verdict::Fail => !warned,
        Verdict::Unknown => Guide::to(finding.reason).outlook != Outlook::Settled,
    }
}

/// True if AWS itself says that it does not deliver: what fixes that shows in no finding of these checks.
fn is_ill(facts: &Facts, report: &ReportLocation) -> bool {
    let legacy = facts.legacy.known().into_iter().flatten();
    let undelivered = legacy
        .filter(|definition| definition.name == report.name.as_str())
        .filter_map(|definition| definition.delivery.as_ref())
        .any(|delivery| {
            matches!(delivery.status, LegacyDeliveryStatus::PermissionsError | LegacyDeliveryStatus::NoBucket)
        });
    let export = facts.export.known().and_then(Option::as_ref);
    let unhealthy = export.is_some_and(|export| matches!(export.health, ExportHealth::Unhealthy(_)));
    let execution = facts.execution.known().and_then(Option::as_ref);
    undelivered || unhealthy || execution.is_some_and(|execution| execution.end != ExecutionEnd::Delivered)
}

/// `age` ± 20 %, the same for an object and a group at all times, so that many objects spread out and none drifts.
fn jittered(age: SignedDuration, uid: &str, group: ProbeGroup) -> SignedDuration {
    let digest = Sha256::digest([uid.as_bytes(), &[group as u8]].concat());
    let thousandths = i64::from(u16::from_be_bytes([digest[0], digest[1]]) % 401) - 200;
    age + SignedDuration::from_millis(age.as_secs().saturating_mul(thousandths))
}

/// True if what lies behind the role can be looked at: it works, by the latest look and not only by the last answer.
/// Else what came of age behind it would be due again and again, each time with a call to STS that is not answered.
fn lets_through(facts: &Facts, findings: &[Finding]) -> bool {
    let works = findings
        .iter()
        .any(|finding| finding.condition == ConditionType::RoleAssumable && finding.verdict == Verdict::Pass);
    works && !facts.base.is_in_doubt() && !facts.role.is_in_doubt()
}

/// Which facts to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Base identity, AssumeRole and its caller.
    pub identity: bool,
    /// The probes of the external ID.
    pub external_id: bool,
    /// The organization.
    pub organization: bool,
    /// Report definitions.
    pub definitions: bool,
    /// The bucket's listing and the read of a manifest.
    pub listing: bool,
    /// What the role may do that it need not.
    pub permissions: bool,
    /// CloudWatch.
    pub metrics: bool,
}

impl Look {
    /// All of them: a new generation, a changed Secret, or somebody asked.
    pub const ALL: Self = Self {
        identity: true,
        external_id: true,
        organization: true,
        definitions: true,
        listing: true,
        permissions: true,
        metrics: true,
    };

    /// None of them.
    pub const NONE: Self = Self {
        identity: false,
        external_id: false,
        organization: false,
        definitions: false,
        listing: false,
        permissions: false,
        metrics: false,
    };

    /// True if there is nothing to look at.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }
}

#[cfg(test)]
mod tests;
