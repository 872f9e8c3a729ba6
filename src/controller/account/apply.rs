//! Which loads start, what is kept up of those that run, and when the account is reconciled next.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    admit,
    judge::JudgedAccount,
    memory::AccountMemory,
    observe::{ObservedAccount, ReconcileScope},
    probe::ProbeOutcome,
};
use crate::{
    connection::checks,
    controller::{
        context::Stores,
        error::{
            AFTER_REFUSAL, ASK_FOR_TURN, ReconcileFault, ReconcileTrouble, Refused, SHORTEST_WAIT, WATCH_PODS,
        },
        fingerprint,
        jobs::{
            concurrency::SlotRequest,
            listing::any_active,
            manifest::{AccountJobs, PlannedLoad},
            observed::{JobState, LoadJob},
            session::{self, SessionSource},
            start::{self, StartedLoads},
        },
        loads::decide::{self, LoadDecision, LoadSituation},
        validate::ValidAccount,
        warehouse::as_seen::FoundWarehouse,
    },
    model::ConditionStatus,
};

/// What was done about loads.
#[derive(Debug, Default)]
pub(super) struct AppliedLoads {
    pub started: StartedLoads,
    /// When a load that failed is tried again.
    retry_at: Option<Timestamp>,
    /// When a session is renewed next.
    renewal: Option<Timestamp>,
}

/// Decides which loads may start. None may while a layer below is broken, and none while it can't be told how earlier ones
/// ended: `trouble` says so already.
pub(super) fn decide_loads(
    scope: &ReconcileScope<'_>,
    memory: &AccountMemory,
    judged: &JudgedAccount<'_>,
    observed: &ObservedAccount,
) -> LoadDecision {
    let (Some(bill), Some(target)) = (&judged.bill, judged.target) else { return LoadDecision::default() };
    let Some(found) = &bill.warehouse.found else { return LoadDecision::default() };
    let held = judged.findings.iter().any(|finding| checks::holds_ready_down(finding, target));
    let blind = observed.trouble.blockage.is_some() || observed.trouble.fault.is_some();
    if held || blind || bill.warehouse.saying.status != ConditionStatus::True {
        return LoadDecision::default();
    }
    decide::decide_loads(&LoadSituation {
        wanted: &bill.wanted,
        stored: &observed.stored.status.periods,
        found: memory.aws.facts.deliveries.known(),
        jobs: &observed.jobs,
        inputs: &inputs_of(scope, judged.valid, found),
        retry_delay: scope.retry_delay(),
        now: scope.now,
    })
}

/// Fingerprint of everything a load depends on besides the version: a change of it is worth another attempt.
fn inputs_of(scope: &ReconcileScope<'_>, valid: &ValidAccount, warehouse: &FoundWarehouse) -> String {
    let secret = admit::secret_version(scope, valid);
    let generation = scope.generation().map(|generation| generation.to_string());
    fingerprint::fingerprint_of(&[
        generation.as_deref(),
        secret.as_deref(),
        Some(&warehouse.fingerprint),
        scope.request.as_deref(),
        Some(env!("CARGO_PKG_VERSION")),
        Some(&scope.accounts.jobs.settings.fingerprint()),
    ])
}

/// Starts the loads that limits allow, and keeps up the sessions of those that run.
pub(super) async fn apply_loads(
    scope: &ReconcileScope<'_>,
    judged: &JudgedAccount<'_>,
    observed: &mut ObservedAccount,
    decision: LoadDecision,
) -> AppliedLoads {
    let Some(bill) = &judged.bill else { return AppliedLoads::default() };
    let source = judged.target.map(|target| SessionSource { target, report: &bill.bill.report });
    let retry_at = decision.retry_at;
    let started = match (source, &bill.warehouse.found) {
        (Some(source), Some(found)) if !decision.loads.is_empty() => {
            let account = AccountJobs {
                owner: &scope.owner,
                account: judged.valid,
                bill: bill.bill,
                warehouse: found.as_named(),
            };
            start_admitted(scope, &account, source, decision.loads, &mut observed.trouble).await
        }
        _ => StartedLoads::default(),
    };
    let renewal = keep_sessions(scope, source, observed, &started.created).await;
    AppliedLoads { started, retry_at, renewal }
}

/// Starts as many of the loads as limits allow. How many pods a claim takes is asked each time: it may have been replaced.
async fn start_admitted(
    scope: &ReconcileScope<'_>,
    account: &AccountJobs<'_>,
    source: SessionSource<'_>,
    loads: Vec<PlannedLoad>,
    trouble: &mut ReconcileTrouble,
) -> StartedLoads {
    let jobs = &scope.accounts.jobs;
    let writers = start::count_writers(scope.context(), &scope.owner.namespace, account.warehouse.spec).await;
    let Some(writers) = trouble.take(writers) else { return StartedLoads::default() };
    let wanted = SlotRequest { account: &scope.owner, warehouse: account.warehouse.uid, writers, loads };
    // Jobs of every account, whatever store shows them: the limits are the cluster's.
    let shown: Vec<_> = scope.context().stores.iter().flat_map(Stores::jobs_of_accounts).collect();
    let admitted = jobs.slots.take(wanted, &shown, scope.now);
    start::start_loads(jobs, account, source, admitted, trouble).await
}

/// Renews session Secrets, as far as the role may be assumed, and then removes those that ended; when the next renewal is
/// due. `fresh` are the Jobs of this reconcile.
pub(super) async fn keep_sessions(
    scope: &ReconcileScope<'_>,
    source: Option<SessionSource<'_>>,
    observed: &mut ObservedAccount,
    fresh: &[String],
) -> Option<Timestamp> {
    let (jobs, trouble) = (&scope.accounts.jobs, &mut observed.trouble);
    let is_active = |job: &&LoadJob| matches!(job.state, JobState::Active(_));
    let active: Vec<String> = observed.jobs.iter().filter(is_active).map(|job| job.name.clone()).collect();
    let secrets = session::of_owner(scope.stores, &scope.owner);
    let upkeep = session::plan_upkeep(&secrets, &active, fresh, scope.now);
    if let Some(source) = source {
        session::renew_sessions(jobs, &scope.owner, source, &upkeep.renew, trouble).await;
    }
    for (name, uid) in &upkeep.delete {
        let deleted = session::delete_session(scope.context(), &scope.owner.namespace, name, uid).await;
        trouble.take(deleted.map_err(Refused::from));
    }
    upkeep.next
}

/// What follows from ends that are stored: Jobs that are given up are deleted, and the others need no second look at their
/// pods. An account without a bill stores no ends.
pub(super) async fn settle_jobs(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    jobs: &[LoadJob],
) -> Result<(), ReconcileFault> {
    // A Job that is gone is forgotten; one of the same name later is the same attempt at the same version.
    memory.settled.retain(|name| scope.stores.jobs.named(&scope.owner, name).is_some());
    for job in jobs {
        if let Some(uid) = job.given_up.clone() {
            start::delete_given_up(scope.context(), &scope.owner, &job.name, uid).await?;
            tracing::info!(job = job.name, "stopped a load whose pod never started");
        }
        if job.state.ended_at().is_some() {
            memory.settled.insert(job.name.clone());
        }
    }
    Ok(())
}

/// How long until the next reconcile.
///
/// # Errors
/// What may pass and came in the way, once status says what is known.
pub(super) fn next_reconcile(
    scope: &ReconcileScope<'_>,
    judged: &JudgedAccount<'_>,
    applied: &AppliedLoads,
    probe: &ProbeOutcome,
    observed: ObservedAccount,
) -> Result<Duration, ReconcileFault> {
    let ObservedAccount { jobs, trouble: ReconcileTrouble { blockage, fault }, .. } = observed;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let Some(bill) = &judged.bill else { return Ok(scope.wait_until(probe.next)) };
    // Its retry is decided on the stored status, so in the next reconcile.
    if bill.periods.failed {
        return Ok(SHORTEST_WAIT);
    }
    // A Job's end wakes the account; what keeps its pod from starting does not.
    let active = any_active(&jobs) || !applied.started.created.is_empty();
    let next = [applied.retry_at, applied.renewal].into_iter().flatten().fold(probe.next, Timestamp::min);
    let others = [
        active.then_some(WATCH_PODS),
        (applied.started.queued > 0).then_some(ASK_FOR_TURN),
        blockage.is_some().then_some(AFTER_REFUSAL),
    ];
    Ok(others.into_iter().flatten().fold(scope.wait_until(next), Duration::min))
}
