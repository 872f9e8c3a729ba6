//! One reconcile of one AwsCostAccount: observe → validate → admit → probe → check → decide → apply → status → patch.
//!
//! [`run_stages`] is that list. Each stage is a function over values in a file of its own; what one account's reconciles
//! remember goes through them as an argument.

mod admit;
mod apply;
pub mod finalizer;
pub mod judge;
pub mod memory;
mod observe;
mod probe;
mod removal;
mod restart;
mod suspension;
mod write;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use super::{
    access::{external_ids::ExternalIds, startup_barrier::StartupBarrier},
    context::{Context, GuardedAccount, lock},
    error::{LONGEST_WAIT, ReconcileFault, SHORTEST_WAIT},
    jobs::Jobs,
};
use memory::AccountMemories;

/// What the reconciles of all accounts share.
pub struct Accounts {
    /// Clients, settings and the watched objects.
    pub context: Arc<Context>,
    /// What everything about Jobs shares.
    pub jobs: Arc<Jobs>,
    /// Whether first probes may begin.
    pub barrier: StartupBarrier,
    memories: AccountMemories,
    external_ids: Mutex<ExternalIds>,
}

impl Accounts {
    /// Nothing is known of any account.
    pub fn new(context: Arc<Context>, jobs: Arc<Jobs>) -> Self {
        Self {
            barrier: StartupBarrier::new(context.started),
            memories: AccountMemories::new(context.settings.testing.first_look_spread),
            external_ids: Mutex::default(),
            context,
            jobs,
        }
    }

    /// The external IDs in use.
    pub fn external_ids(&self) -> MutexGuard<'_, ExternalIds> {
        lock(&self.external_ids)
    }

    /// Notes that an account's external ID is known, or that it has none.
    fn note_visit(&self, uid: &str) {
        self.barrier.visit(uid, &self.context.stores);
    }

    /// Forgets an account that is gone.
    pub fn forget(&self, uid: &str) {
        self.memories.forget(uid);
        self.barrier.forget(uid, &self.context.stores);
        self.external_ids().forget(uid);
    }
}

/// Why a reconcile ended before its last stage.
enum EarlyEnd {
    /// There is nothing more to do until then.
    Wait(Duration),
    /// It failed, and is tried again after the object's own wait.
    Fault(ReconcileFault),
}

impl From<ReconcileFault> for EarlyEnd {
    fn from(fault: ReconcileFault) -> Self {
        Self::Fault(fault)
    }
}

/// Reconciles one account; how long until the next reconcile.
///
/// # Errors
/// [`ReconcileFault`] when it could not be finished.
pub async fn reconcile_account(
    object: &GuardedAccount,
    accounts: &Accounts,
) -> Result<Duration, ReconcileFault> {
    match run_stages(object, accounts).await {
        Ok(wait) | Err(EarlyEnd::Wait(wait)) => Ok(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT)),
        Err(EarlyEnd::Fault(fault)) => Err(fault),
    }
}

/// The stages of a reconcile, in the one order that is safe.
async fn run_stages(object: &GuardedAccount, accounts: &Accounts) -> Result<Duration, EarlyEnd> {
    // Observe (no request): the object as its watch shows it, and the status this process wrote last where that is newer.
    let scope = observe::identify_account(object, accounts).await?;
    let memory = accounts.memories.of(&scope.owner.uid, scope.now);
    let memory = &mut *memory.lock().await;
    let stored = observe::stored_status(&scope, memory);

    // Validate (pure, but for what ends here): an account that is being deleted is removed, a spec that can't be used is told,
    // and a missing finalizer is written: rows that were loaded without it would outlive their account.
    let valid = observe::validate_account(&scope, memory, &stored).await?;

    // Observe again: Jobs and their pods. What keeps them from being seen is noted, and said in status with everything else.
    let mut observed = observe::observe_loads(&scope, memory, stored).await;
    if scope.is_suspended() {
        return Ok(suspension::keep_suspended(&scope, memory, &valid, observed).await?);
    }
    // A new generation is said to be seen before AWS is asked, which may take most of a minute.
    write::announce_generation(&scope, memory, &mut observed).await?;

    // Admit (AWS is asked nothing about an account before): tenancy, Secrets and external IDs, judged again each time.
    let admission = admit::admit_account(&scope, memory, &valid, &mut observed.trouble).await?;

    // Probe: AWS is asked what is due. Answers have an age and stay in memory; a fault that may pass takes none away.
    let probe = probe::probe_aws(&scope, memory, &admission, &observed.stored).await;

    // Check (pure, and the same for `awscost check`): facts become findings, deliveries and ended Jobs become months.
    let judged =
        judge::judge_account(&admission, &observe::gather_evidence(&scope, memory, &valid, &observed));
    probe::count_result(&scope, &probe, &judged);

    // Decide (pure): the loads that may start, the newest month first. Attempts are counted in status, not by Jobs.
    let decision = apply::decide_loads(&scope, memory, &judged, &observed);

    // Apply: for each load its session Secret and then its Job, under the one name that follows from what is loaded. A crash
    // in between leaves a Secret that the next reconcile writes over, and never makes a second Job.
    let applied = apply::apply_loads(&scope, &judged, &mut observed, decision).await;

    // Status (pure): every condition, the summary over them, and the rest of the report.
    let status = write::describe_account(&scope, memory, &judged, &observed, &applied);

    // Patch, and only then settle: a Job's end may be forgotten and a Job deleted once status has what it came to.
    write::patch_account(&scope, memory, &judged, &observed, status).await?;
    Ok(apply::next_reconcile(&scope, &judged, &applied, &probe, observed)?)
}

#[cfg(test)]
mod tests;
