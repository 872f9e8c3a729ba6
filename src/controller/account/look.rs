//! What a pass asks of AWS: what is due, and what the checks make of it.

use jiff::Timestamp;
use kube::ResourceExt;

use super::{Base, Pass, hours};
use crate::{
    aws::AwsFault,
    connection::{Finding, Look, Target, Verdict, checks, gather},
    controller::{
        context::{Answered, Memory},
        delivered::Question,
        standing,
        validate::{Bill, ValidAccount},
        verdict,
    },
    model::BillingPeriod,
    telemetry::metrics::ValidationResult,
};

/// What AWS's side came to.
pub(super) struct World {
    /// Every layer that applies, on AWS's side.
    pub findings: Vec<Finding>,
    /// What AWS is asked with; absent where it must not be asked.
    pub target: Option<Target>,
    /// When the next fact is due.
    pub next: Timestamp,
}

impl Pass<'_> {
    /// Looks at AWS as far as facts are due, and runs the checks.
    ///
    /// While the operator does not know who it is itself, no role is assumed: it could lie in the operator's own
    /// account, which needs a rule that names it.
    pub(super) async fn ask_aws(
        &self,
        memory: &mut Memory,
        base: &Base,
        valid: &ValidAccount,
        target: Target,
        unknown_self: Option<AwsFault>,
    ) -> World {
        let now = self.now;
        let interval = valid.bill.as_ref().map_or_else(|| hours(1), |bill| bill.interval);
        let ages = self.context.ages(interval);
        let secret = self.secret_version(valid);
        let asked = Answered { generation: self.generation(), secret, wish: self.wish.clone() };
        if memory.answered.as_ref().is_some_and(|answered| answered.generation != asked.generation) {
            // What was seen of the old spec says nothing of the new one, even where a look is inconclusive.
            memory.facts.start_over();
            memory.sessions = Default::default();
            memory.deliveries = Default::default();
        }
        let spread = memory.answered.is_none()
            && standing::stood(&base.status, self.generation())
            && base.status.last_handled_reconcile_at == self.wish;
        if memory.facts.last_assumed.is_none() {
            memory.facts.last_assumed = base.status.identity.as_ref().and_then(verdict::last_assumed);
        }
        let mut look = match &memory.answered {
            // After a restart facts are gone, and status says what stood: there is time to spread the looks.
            None if spread && now < memory.first_look_at => Look::NONE,
            Some(answered) if *answered == asked => ages.due(&memory.facts, &target, &self.owner.uid, now),
            _ => Look::ALL,
        };
        look.listing |= memory.relist && memory.answered.is_some();
        let known_self = unknown_self.is_none();
        if let Some(fault) = unknown_self {
            memory.facts.base.record(now, Err(fault));
            look = Look::NONE;
        }
        if !look.is_empty() {
            memory.relist = false;
            gather(&self.context.aws, &target, look, &mut memory.facts, &mut memory.sessions, now).await;
            memory.answered = Some(asked);
        }
        let mut findings = checks::run(&memory.facts, &target, now);
        standing::keep_over_restart(
            &mut findings,
            &base.status,
            self.generation(),
            self.context.started,
            now,
        );
        let mut next = match memory.answered {
            _ if !known_self => now + hours(1) / 60,
            Some(_) => ages.next_look(&memory.facts, &target, &self.owner.uid, now),
            None => memory.first_look_at,
        };
        if let Some(bill) = &valid.bill {
            let kind = checks::report_kind(&memory.facts, &target);
            let readable = verdict::may_list(&findings);
            let due = look.listing || memory.deliveries.look_again_at().is_some_and(|at| at <= now);
            if due {
                let Memory { sessions, deliveries, .. } = &mut *memory;
                verdict::list_deliveries(&self.context.aws, &findings, bill, kind, sessions, deliveries, now)
                    .await;
            }
            let question = Question {
                bill,
                below: &findings,
                facts: &memory.facts,
                kind,
                deliveries: &memory.deliveries,
                known: &base.status.periods,
                since: self.account.creation_timestamp().map_or(now, |time| time.0),
                now,
            };
            let mut upper = verdict::of_deliveries(&question);
            standing::keep_over_restart(
                &mut upper,
                &base.status,
                self.generation(),
                self.context.started,
                now,
            );
            findings.extend(upper);
            // What is due and was not looked at now waits for the next session.
            if let Some(at) = memory.deliveries.look_again_at().filter(|at| readable && *at > now) {
                next = next.min(at);
            }
        }
        if !look.is_empty() {
            self.context.metrics.validated(verdict(&findings), self.begun.elapsed());
        }
        World { findings, target: known_self.then_some(target), next }
    }

    /// Wanted months that were never delivered, as last seen.
    pub(super) fn missing(&self, memory: &Memory, bill: &Bill, base: &Base) -> Vec<BillingPeriod> {
        if memory.deliveries.listed().is_none() {
            return base.status.history.clone().unwrap_or_default().missing;
        }
        Question {
            bill,
            below: &[],
            facts: &memory.facts,
            kind: None,
            deliveries: &memory.deliveries,
            known: &base.status.periods,
            since: self.now,
            now: self.now,
        }
        .missing()
    }
}

/// What all findings come to.
fn verdict(findings: &[Finding]) -> ValidationResult {
    let any = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
    if any(Verdict::Fail) {
        ValidationResult::Fail
    } else if any(Verdict::Unknown) {
        ValidationResult::Unknown
    } else {
        ValidationResult::Pass
    }
}
