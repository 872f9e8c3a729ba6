//! What is asked of AWS: what is due, what changed, or everything if somebody asked.

use jiff::Timestamp;

use super::{
    judge::{self, AccountAdmission, AdmissionOutcome, JudgedAccount},
    memory::{AccountMemory, ProbeKey},
    observe::{ReconcileScope, StoredStatus},
    restart::EarlierVerdicts,
};
use crate::{
    connection::{Ages, Finding, Look, ProbeRun, Target, Verdict, checks, gather},
    controller::{
        error::{REFUSED_AT_GATE, UNKNOWN_SELF},
        validate::Bill,
    },
    telemetry::metrics::ValidationResult,
};

/// What came of asking AWS; the answers are in memory.
pub(super) struct ProbeOutcome {
    /// True if anything was asked.
    pub asked: bool,
    /// When the next answer is due.
    pub next: Timestamp,
}

/// One probe of an account: what is asked with, and what its answers are good for.
struct AccountProbe<'a> {
    target: &'a Target,
    ages: Ages,
    key: ProbeKey,
    earlier: EarlierVerdicts<'a>,
}

/// Asks AWS what is due about an account that is admitted.
pub(super) async fn probe_aws(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    admission: &AccountAdmission<'_>,
    stored: &StoredStatus,
) -> ProbeOutcome {
    let (now, bill) = (scope.now, admission.valid.bill.as_ref());
    let (target, secrets, unknown_self) = match &admission.outcome {
        AdmissionOutcome::Refused { retry_at, .. } => return ProbeOutcome { asked: false, next: *retry_at },
        AdmissionOutcome::Admitted { target, secrets, unknown_self } => (target, secrets, unknown_self),
    };
    let key =
        ProbeKey { generation: scope.generation(), secrets: secrets.clone(), request: scope.request.clone() };
    // Before anything is due: what belongs to an older spec would be judged as if it belonged to this one.
    recall_knowledge(memory, stored, &key);
    let ages = scope.context().ages(bill.map_or(REFUSED_AT_GATE, |bill| bill.interval));
    let probe = AccountProbe { target, ages, key, earlier: scope.earlier_verdicts(&stored.status) };
    let look = match unknown_self {
        None => due_probes(scope, memory, &probe),
        Some(fault) => {
            memory.aws.facts.base.record(now, Err(fault.clone()));
            Look::NONE
        }
    };
    let asked = !look.is_empty();
    if asked {
        memory.relist = false;
        let aws = &mut memory.aws;
        let run = ProbeRun { aws: &scope.context().aws, target, now };
        gather(run, look, &mut aws.facts, &mut aws.sessions).await;
        // Only now: a reconcile that is cut off in the middle of a probe asks once more.
        memory.answered = Some(probe.key.clone());
    }
    let next = match memory.answered {
        _ if unknown_self.is_some() => now + UNKNOWN_SELF,
        Some(_) => probe.ages.next_look(&memory.aws.facts, target, &scope.owner.uid, now),
        // Nothing was asked yet, so no fact has an age.
        None => memory.first_probe_at,
    };
    let again = match bill {
        Some(bill) => list_deliveries(scope, memory, &probe, bill, look.listing).await,
        None => None,
    };
    ProbeOutcome { asked, next: again.map_or(next, |at| next.min(at)) }
}

/// What is remembered, as far as it says anything of the account as it is now.
fn recall_knowledge(memory: &mut AccountMemory, stored: &StoredStatus, key: &ProbeKey) {
    if memory.answered.as_ref().is_some_and(|answered| answered.generation != key.generation) {
        // What was seen of the old spec says nothing of the new one, even where a probe is inconclusive.
        memory.aws.facts.start_over();
        memory.aws.facts.deliveries = Default::default();
        memory.aws.sessions = Default::default();
    }
    if memory.aws.facts.last_assumed.is_none() {
        memory.aws.facts.last_assumed = stored.status.identity.as_ref().and_then(judge::last_assumed);
    }
}

/// What is to be asked: everything if somebody asked or what it depends on changed, else what is due.
fn due_probes(scope: &ReconcileScope<'_>, memory: &AccountMemory, probe: &AccountProbe<'_>) -> Look {
    let handled = probe.earlier.status.last_handled_reconcile_at.as_ref();
    let mut look = match &memory.answered {
        Some(answered) if *answered == probe.key => {
            probe.ages.due(&memory.aws.facts, probe.target, &scope.owner.uid, scope.now)
        }
        // After a restart facts are gone, and status says what stood: there is time to spread the probes.
        None if scope.now < memory.first_probe_at
            && probe.earlier.stand()
            && handled == scope.request.as_ref() =>
        {
            Look::NONE
        }
        _ => Look::ALL,
    };
    look.listing |= memory.relist && memory.answered.is_some();
    look
}

/// Lists what is delivered, if that is due and the layers below let it; when it is to be listed again.
async fn list_deliveries(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    probe: &AccountProbe<'_>,
    bill: &Bill,
    due: bool,
) -> Option<Timestamp> {
    let (now, facts) = (scope.now, &memory.aws.facts);
    // What is due and can't be listed now waits for the next session.
    if !judge::may_list(&judge::judge_connection(facts, probe.target, Some(&probe.earlier), now)) {
        return None;
    }
    if due || memory.aws.facts.deliveries.look_again_at().is_some_and(|at| at <= now) {
        let kind = checks::report_kind(facts, probe.target);
        memory.aws.list_deliveries(&scope.context().aws, bill, kind, now).await;
    }
    memory.aws.facts.deliveries.look_again_at().filter(|at| *at > now)
}

/// Counts what a probe came to; what nobody asked for is no result.
pub(super) fn count_result(scope: &ReconcileScope<'_>, probe: &ProbeOutcome, judged: &JudgedAccount<'_>) {
    if !probe.asked {
        return;
    }
    let any = |verdict| judged.findings.iter().any(|finding: &Finding| finding.verdict == verdict);
    let result = if any(Verdict::Fail) {
        ValidationResult::Fail
    } else if any(Verdict::Unknown) {
        ValidationResult::Unknown
    } else {
        ValidationResult::Pass
    };
    scope.context().metrics.count_validation(result, scope.begun.elapsed());
}
