//! What an account's status says, and how it is written: on the version it was made from, with an event for what turned.

use kube::Resource;

use super::{
    apply::{self, AppliedLoads},
    judge::{JudgedAccount, LoadProgress},
    memory::AccountMemory,
    observe::{ObservedAccount, ReconcileScope, StoredStatus},
};
use crate::{
    api::{
        AwsCostAccountStatus,
        status::{Identity, LastAssumedStatus, OperatorIdentity},
    },
    aws::traits::OrganizationMembership,
    connection::principal,
    controller::{
        error::ReconcileFault,
        events,
        loads::periods::{self, LoadNews},
        status::{self, AccountState, patch},
        validate::{self, ValidAccount},
    },
};

/// Says of a new generation that it is seen and worked on.
pub(super) async fn announce_generation(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    observed: &mut ObservedAccount,
) -> Result<(), ReconcileFault> {
    let stored = &mut observed.stored;
    if stored.status.observed_generation == scope.generation() {
        return Ok(());
    }
    let early = status::progressing_status(&stored.status, scope.generation(), scope.now);
    (stored.status, stored.version) = write_status(scope, memory, stored, early).await?;
    Ok(())
}

/// The status that follows from everything.
pub(super) fn describe_account(
    scope: &ReconcileScope<'_>,
    memory: &AccountMemory,
    judged: &JudgedAccount<'_>,
    observed: &ObservedAccount,
    applied: &AppliedLoads,
) -> AwsCostAccountStatus {
    let stored = &observed.stored.status;
    let progress = LoadProgress {
        jobs: &observed.jobs,
        created: &applied.started.created,
        queued: applied.started.queued,
        blockage: observed.trouble.blockage.as_ref(),
    };
    status::build_status(&AccountState {
        generation: scope.generation(),
        reconcile_at: scope.request.as_deref(),
        identity: identity_of(scope, memory, judged.valid, stored),
        ..judged.account_state(stored, &progress, scope.now)
    })
}

/// Who is asked, and who asks.
fn identity_of(
    scope: &ReconcileScope<'_>,
    memory: &AccountMemory,
    valid: &ValidAccount,
    stored: &AwsCostAccountStatus,
) -> Identity {
    let facts = &memory.aws.facts;
    let management = match facts.membership.known() {
        Some(OrganizationMembership::InOrganization { management, .. }) => Some(management.to_string()),
        Some(OrganizationMembership::Standalone) => None,
        None => stored.identity.as_ref().and_then(|known| known.management_account_id.clone()),
    };
    // Which external ID the role takes, while there are two to tell apart.
    let rotating = scope.account.spec.access.next_external_id_secret_ref.is_some();
    Identity {
        account_id: Some(valid.account.to_string()),
        management_account_id: management,
        external_id_in_use: facts.in_use.filter(|_| rotating).map(|in_use| in_use.to_string()),
        last_assumed: facts.last_assumed.as_ref().map(|last| LastAssumedStatus {
            role_arn: last.role.to_string(),
            secret_version: last.secret_version.clone(),
            principal: last.principal.clone(),
        }),
        operator: memory
            .operator
            .as_ref()
            .map(|own| OperatorIdentity { account_id: own.account.to_string(), principal: principal(own) }),
    }
}

/// Writes what the account comes to, and then what follows from its being written.
pub(super) async fn patch_account(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    judged: &JudgedAccount<'_>,
    observed: &ObservedAccount,
    status: AwsCostAccountStatus,
) -> Result<(), ReconcileFault> {
    let Some(bill) = &judged.bill else {
        return finish_status(scope, memory, &observed.stored, status, &[]).await;
    };
    finish_status(scope, memory, &observed.stored, status, &bill.periods.loaded).await?;
    scope.context().metrics.count_loads(bill.periods.loaded.len(), usize::from(bill.periods.failed));
    // A load that failed for a conflict may have met a new version.
    memory.relist |= bill.periods.failed;
    apply::settle_jobs(scope, memory, &observed.jobs).await
}

/// The final patch and its events; the watch sets the gauges.
pub(super) async fn finish_status(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    stored: &StoredStatus,
    status: AwsCostAccountStatus,
    news: &[LoadNews],
) -> Result<(), ReconcileFault> {
    let mut notices = events::notices_of_change(&stored.conditions_before, &status.conditions);
    notices.extend(periods::load_notices(news));
    // Events come after the status: of a patch that was refused as stale nothing is told, for the next reconcile tells it.
    write_status(scope, memory, stored, status).await?;
    events::publish_notices(&scope.context().recorder, &scope.account.object_ref(&()), &notices).await;
    Ok(())
}

/// Writes a status if it differs; what stands then, and of which version.
async fn write_status(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    stored: &StoredStatus,
    mut status: AwsCostAccountStatus,
) -> Result<(AwsCostAccountStatus, String), ReconcileFault> {
    // Lists show it before AWS was asked, and where it never is.
    if let Some(account) = validate::named_account(&scope.account.spec) {
        status.identity.get_or_insert_default().account_id = Some(account.to_string());
    }
    let written =
        patch::patch_status(&scope.api(), &scope.owner.name, &stored.version, &stored.status, &status)
            .await?;
    let Some(after) = written else { return Ok((status, stored.version.clone())) };
    // The watch shows this version in a moment; a reconcile before that must build on it.
    memory.note_written(stored.version.clone(), after.clone(), status.clone());
    Ok((status, after))
}
