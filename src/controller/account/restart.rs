//! Verdicts that outlive a restart. The facts behind them are gone, but the verdicts are in status: they stand until a probe
//! gives an answer, or until probes gave none for six hours.

use jiff::Timestamp;

use crate::{
    api::{
        AwsCostAccountStatus,
        conditions::{self, Condition},
    },
    connection::{Finding, STALE_AFTER, Verdict},
    model::{ConditionStatus, ConditionType, Guide, Reason, guide::ReasonSource, layers::blocked_reason},
};

/// What status said before this process knew anything.
#[derive(Debug, Clone, Copy)]
pub struct EarlierVerdicts<'a> {
    /// The status, as it was found.
    pub status: &'a AwsCostAccountStatus,
    /// The generation that verdicts must be of.
    pub generation: Option<i64>,
    /// When this process began.
    pub started: Timestamp,
}

impl EarlierVerdicts<'_> {
    /// True if status has AWS's verdict on this generation's access, so that there is time for the next probe. That it says
    /// the generation was seen is not enough: that is written before the first probe.
    pub fn stand(&self) -> bool {
        let access = conditions::find_condition(&self.status.conditions, ConditionType::RoleAssumable);
        let verdict =
            access.filter(|access| access.observed_generation == self.generation).and_then(verdict_of);
        verdict.is_some() && !self.ended_at_gate()
    }

    /// True if the last reconcile ended at the gate: AWS was not asked, and status says nothing of what it would say.
    fn ended_at_gate(&self) -> bool {
        let role = conditions::find_condition(&self.status.conditions, ConditionType::RoleAssumable);
        let reason = role.and_then(|condition| Reason::from_name(&condition.reason));
        reason.is_some_and(|reason| Guide::to(reason).source == ReasonSource::Cluster)
    }

    /// Puts an earlier verdict in the place of a finding that gives none.
    pub fn keep_standing(&self, findings: &mut [Finding], now: Timestamp) {
        // Six hours is how long a doubt is borne without a restart too: it must not be longer for one.
        if now.duration_since(self.started) >= STALE_AFTER || self.ended_at_gate() {
            return;
        }
        // A layer that is only blocked by a verdict that is kept is kept as well.
        let mut kept_role = false;
        for finding in findings {
            let only_blocked = kept_role && finding.reason == blocked_reason(ConditionType::RoleAssumable);
            if !(finding.is_inconclusive() || only_blocked) {
                continue;
            }
            if let Some(old) = self.earlier_finding(finding.condition) {
                kept_role |= old.condition == ConditionType::RoleAssumable && old.verdict == Verdict::Pass;
                *finding = old;
            }
        }
    }

    fn earlier_finding(&self, condition: ConditionType) -> Option<Finding> {
        let old = conditions::find_condition(&self.status.conditions, condition)?;
        let verdict = verdict_of(old).filter(|_| old.observed_generation == self.generation)?;
        let reason = Reason::from_name(&old.reason)?;
        Some(Finding::kept(condition, verdict, reason, &old.message))
    }
}

fn verdict_of(condition: &Condition) -> Option<Verdict> {
    match ConditionStatus::from_name(&condition.status)? {
        ConditionStatus::True => Some(Verdict::Pass),
        ConditionStatus::False => Some(Verdict::Fail),
        ConditionStatus::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::conditions::Saying, controller::loads::periods::tests::at};

    fn earlier(status: &AwsCostAccountStatus, generation: i64) -> EarlierVerdicts<'_> {
        EarlierVerdicts { status, generation: Some(generation), started: at(0) }
    }

    fn status() -> AwsCostAccountStatus {
        status_with(ConditionStatus::True, Reason::RoleAssumed)
    }

    fn status_with(role: ConditionStatus, reason: Reason) -> AwsCostAccountStatus {
        let sayings = [
            Saying::new(ConditionType::RoleAssumable, role, reason, "words"),
            Saying::new(
                ConditionType::BucketReadable,
                ConditionStatus::False,
                Reason::BucketListDenied,
                "words",
            ),
        ];
        AwsCostAccountStatus {
            conditions: conditions::write(&[], &sayings, Some(1), at(0)),
            ..AwsCostAccountStatus::default()
        }
    }

    #[test]
    fn only_a_verdict_on_the_same_generation_lets_a_look_wait() {
        assert!(earlier(&status(), 1).stand());
        assert!(!earlier(&status(), 2).stand(), "the spec has changed since");
        let seen = AwsCostAccountStatus { observed_generation: Some(1), ..AwsCostAccountStatus::default() };
        assert!(!earlier(&seen, 1).stand(), "the generation was seen, and nothing looked at");
    }

    fn kept(role: Finding, generation: i64, minutes: i64) -> Vec<Reason> {
        let bucket = if role.verdict == Verdict::Pass {
            Finding::unknown(ConditionType::BucketReadable, Reason::NotChecked, "words")
        } else {
            Finding::blocked(ConditionType::BucketReadable, ConditionType::RoleAssumable)
        };
        let mut findings = [role, bucket];
        earlier(&status(), generation).keep_standing(&mut findings, at(minutes));
        findings.iter().map(|finding| finding.reason).collect()
    }

    #[test]
    fn what_the_gate_said_does_not_outlive_it() {
        let at_gate = |guide: &&Guide| {
            guide.source == ReasonSource::Cluster
                && guide.stands.contains(&(ConditionType::RoleAssumable, ConditionStatus::False))
        };
        for reason in
            Reason::ALL.iter().map(|reason| Guide::to(*reason)).filter(at_gate).map(|guide| guide.reason)
        {
            let shut = status_with(ConditionStatus::False, reason);
            assert!(earlier(&shut, 1).ended_at_gate(), "{reason}");
            let not_looked = Finding::unknown(ConditionType::RoleAssumable, Reason::NotChecked, "words");
            let mut findings = [not_looked.clone()];
            earlier(&shut, 1).keep_standing(&mut findings, at(1));
            assert_eq!(findings, [not_looked], "{reason}");
        }
        assert!(!earlier(&status(), 1).ended_at_gate());
    }

    #[test]
    fn verdicts_outlive_a_restart_until_a_look_answers() {
        let role =
            |verdict: Verdict, reason| Finding::kept(ConditionType::RoleAssumable, verdict, reason, "words");
        let silent = || role(Verdict::Unknown, Reason::Throttled);
        assert_eq!(kept(silent(), 1, 5), [Reason::RoleAssumed, Reason::BucketListDenied]);
        assert_eq!(kept(silent(), 2, 5), [Reason::Throttled, Reason::BlockedByRole], "of another generation");
        assert_eq!(kept(silent(), 1, 360), [Reason::Throttled, Reason::BlockedByRole], "for six hours only");
        let denied = role(Verdict::Fail, Reason::AssumeRoleDenied);
        assert_eq!(kept(denied, 1, 5), [Reason::AssumeRoleDenied, Reason::BlockedByRole]);
    }
}
