//! What a pass asks of AWS: what is due, and what the checks make of it.

use jiff::Timestamp;
use kube::ResourceExt;

use crate::{
    aws::AwsFault,
    connection::{Ages, Finding, Look, Target, Verdict, checks, gather},
    controller::{
        account::{Base, Pass, hours},
        context::{Answered, Memory},
        deliveries::delivered::Question,
        preflight, standing,
        validate::{Bill, ValidAccount},
    },
    model::{BillingPeriod, ReportKind},
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
        let ages = self.context.ages(valid.bill.as_ref().map_or_else(|| hours(1), |bill| bill.interval));
        let known_self = unknown_self.is_none();
        let asked = Answered {
            generation: self.generation(),
            secret: self.secret_version(valid),
            wish: self.wish.clone(),
        };
        recall(memory, base, &asked);
        let mut look = self.due(memory, base, &target, ages, &asked);
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
        self.keep_over_restart(&mut findings, base);
        let mut next = match memory.answered {
            _ if !known_self => now + hours(1) / 60,
            Some(_) => ages.next_look(&memory.facts, &target, &self.owner.uid, now),
            None => memory.first_look_at,
        };
        if let Some(bill) = &valid.bill {
            let kind = checks::report_kind(&memory.facts, &target);
            let again = self.deliveries(memory, base, bill, kind, look.listing, &mut findings).await;
            next = again.map_or(next, |at| next.min(at));
        }
        if !look.is_empty() {
            self.context.metrics.validated(verdict(&findings), self.begun.elapsed());
        }
        World { findings, target: known_self.then_some(target), next }
    }

    /// What is to be looked at: all if somebody asked, else what is due.
    fn due(&self, memory: &Memory, base: &Base, target: &Target, ages: Ages, asked: &Answered) -> Look {
        let now = self.now;
        let mut look = match &memory.answered {
            Some(answered) if answered == asked => ages.due(&memory.facts, target, &self.owner.uid, now),
            // After a restart facts are gone, and status says what stood: there is time to spread the looks.
            None if now < memory.first_look_at
                && standing::stood(&base.status, self.generation())
                && base.status.last_handled_reconcile_at == self.wish =>
            {
                Look::NONE
            }
            _ => Look::ALL,
        };
        look.listing |= memory.relist && memory.answered.is_some();
        look
    }

    /// Lists what is delivered, if that is due and the bucket lets it, and adds what it comes to; when to list again.
    async fn deliveries(
        &self,
        memory: &mut Memory,
        base: &Base,
        bill: &Bill,
        kind: Option<ReportKind>,
        due: bool,
        findings: &mut Vec<Finding>,
    ) -> Option<Timestamp> {
        let now = self.now;
        if due || memory.deliveries.look_again_at().is_some_and(|at| at <= now) {
            let Memory { sessions, deliveries, .. } = &mut *memory;
            preflight::list_deliveries(&self.context.aws, findings, bill, kind, sessions, deliveries, now)
                .await;
        }
        let mut upper = preflight::of_deliveries(&Question {
            bill,
            below: findings,
            facts: &memory.facts,
            kind,
            deliveries: &memory.deliveries,
            known: &base.status.periods,
            since: self.account.creation_timestamp().map_or(now, |time| time.0),
            now,
        });
        self.keep_over_restart(&mut upper, base);
        // What is due and was not looked at now waits for the next session.
        let readable = preflight::may_list(findings);
        findings.extend(upper);
        memory.deliveries.look_again_at().filter(|at| readable && *at > now)
    }

    fn keep_over_restart(&self, findings: &mut [Finding], base: &Base) {
        let (generation, started) = (self.generation(), self.context.started);
        standing::keep_over_restart(findings, &base.status, generation, started, self.now);
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

/// What is remembered, as far as it says anything of the account as it is now.
fn recall(memory: &mut Memory, base: &Base, asked: &Answered) {
    if memory.answered.as_ref().is_some_and(|answered| answered.generation != asked.generation) {
        // What was seen of the old spec says nothing of the new one, even where a look is inconclusive.
        memory.facts.start_over();
        memory.sessions = Default::default();
        memory.deliveries = Default::default();
    }
    if memory.facts.last_assumed.is_none() {
        memory.facts.last_assumed = base.status.identity.as_ref().and_then(preflight::last_assumed);
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
