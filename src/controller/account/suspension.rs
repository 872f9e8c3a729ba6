//! An account that is suspended: AWS is not asked about it and no Job is created; what runs ends normally.

use std::time::Duration;

use super::{
    admit, apply,
    memory::AccountMemory,
    observe::{ObservedAccount, ReconcileScope},
    write,
};
use crate::controller::{
    error::{AFTER_REFUSAL, LONGEST_WAIT, ReconcileFault, WATCH_PODS},
    jobs::{listing::any_active, session::SessionSource},
    loads::periods,
    status,
    validate::ValidAccount,
};

/// Writes what stands and how its Jobs ended, and keeps up the sessions of those that run.
pub(super) async fn keep_suspended(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    valid: &ValidAccount,
    mut observed: ObservedAccount,
) -> Result<Duration, ReconcileFault> {
    let secrets = admit::read_secrets(scope, memory, valid).await?;
    // Its claim on the external ID holds as long as the object is there.
    admit::note_external_ids(scope, &secrets.sight);
    let stored = &observed.stored;
    let periods = valid.bill.as_ref().map(|bill| {
        let wanted = periods::wanted_months(bill.months, scope.now);
        periods::update_periods(&stored.status.periods, &wanted, None, &observed.jobs, scope.now)
    });
    let said = periods.as_ref().map(|periods| (periods, observed.jobs.as_slice()));
    let request = scope.request.as_deref();
    let status = status::suspended_status(&stored.status, scope.generation(), request, said, scope.now);
    let news = periods.map(|periods| periods.loaded).unwrap_or_default();
    // Ends are stored even now: a Job that ran into the suspension would else be counted as never ended.
    write::finish_status(scope, memory, stored, status, &news).await?;
    apply::settle_jobs(scope, memory, &observed.jobs).await?;
    if let Some(bill) = &valid.bill {
        // A running Job's session is renewed all the same, if the gate would let its account through.
        let own = scope.context().own_identity(scope.now).await;
        let known_self = own.is_ok() || valid.role().is_none();
        let gate = admit::pass_gate(scope, valid, &secrets, own.as_ref().ok());
        let access = gate.ok().filter(|_| known_self);
        let target = access.map(|access| valid.target(access, scope.context().own_region.as_ref()));
        let source = target.as_ref().map(|target| SessionSource { target, report: &bill.report });
        apply::keep_sessions(scope, source, &mut observed, &[]).await;
    }
    if let Some(fault) = observed.trouble.fault {
        return Err(fault);
    }
    Ok(match observed.trouble.blockage {
        _ if any_active(&observed.jobs) => WATCH_PODS,
        Some(_) => AFTER_REFUSAL,
        None => LONGEST_WAIT,
    })
}
