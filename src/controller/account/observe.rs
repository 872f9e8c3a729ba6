//! What is seen of an account before AWS is asked: the object, the status that stands, its Jobs, and whether its spec can be
//! used.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::{Resource, ResourceExt, api::Api};

use super::{
    Accounts, EarlyEnd, finalizer,
    judge::AccountEvidence,
    memory::AccountMemory,
    removal::{self, SkippedPurge},
    restart::EarlierVerdicts,
    write,
};
use crate::{
    api::{AwsCostAccount, AwsCostAccountStatus, conditions::Condition, reconcile_request},
    controller::{
        context::{ACCOUNT, Context, GuardedAccount, ObjectOwner, Stores},
        error::{LONGEST_WAIT, ReconcileTrouble, SHORTEST_WAIT},
        jobs::{listing, observed::LoadJob},
        status::unusable,
        validate::{self, ValidAccount},
        warehouse::as_seen,
    },
};

/// The fixed points of one reconcile.
pub(super) struct ReconcileScope<'a> {
    pub accounts: &'a Accounts,
    pub stores: &'a Stores,
    pub account: &'a AwsCostAccount,
    pub owner: ObjectOwner,
    /// The reconcile request that it answers.
    pub request: Option<String>,
    pub now: Timestamp,
    /// The same moment, for durations.
    pub begun: Instant,
}

impl<'a> ReconcileScope<'a> {
    pub fn context(&self) -> &'a Context {
        &self.accounts.context
    }

    pub fn generation(&self) -> Option<i64> {
        self.account.metadata.generation
    }

    pub fn created(&self) -> Timestamp {
        self.account.creation_timestamp().map_or(self.now, |time| time.0)
    }

    pub fn is_suspended(&self) -> bool {
        self.account.spec.suspend == Some(true)
    }

    pub fn api(&self) -> Api<AwsCostAccount> {
        Api::namespaced(self.context().client.clone(), &self.owner.namespace)
    }

    /// What status says from before this process, where a probe of this one gave no answer.
    pub fn earlier_verdicts<'s>(&self, status: &'s AwsCostAccountStatus) -> EarlierVerdicts<'s> {
        EarlierVerdicts { status, generation: self.generation(), started: self.context().started }
    }

    /// A wait that replaces the usual ones after a failure, in tests.
    pub fn retry_delay(&self) -> Option<jiff::SignedDuration> {
        let delay = self.context().settings.testing.retry_delay;
        delay.and_then(|delay| jiff::SignedDuration::try_from(delay).ok())
    }

    pub fn wait_until(&self, next: Timestamp) -> Duration {
        Duration::try_from(next.duration_since(self.now)).unwrap_or_default()
    }
}

/// The status that stands, and the resource version it is of.
pub(super) struct StoredStatus {
    pub status: AwsCostAccountStatus,
    pub version: String,
    /// The conditions as the reconcile found them: events tell what turned since, whatever it wrote in between.
    pub conditions_before: Vec<Condition>,
}

/// What is seen of an account in the cluster.
pub(super) struct ObservedAccount {
    pub stored: StoredStatus,
    pub jobs: Vec<LoadJob>,
    /// What came in the way, then and later.
    pub trouble: ReconcileTrouble,
}

/// Which account is reconciled. Ends here with what is not watched, what only others hold, and what does not parse.
pub(super) async fn identify_account<'a>(
    object: &'a GuardedAccount,
    accounts: &'a Accounts,
) -> Result<ReconcileScope<'a>, EarlyEnd> {
    let (now, begun) = (Timestamp::now(), Instant::now());
    let namespace = object.namespace().unwrap_or_default();
    let Some(stores) = accounts.context.stores(&namespace) else { return Err(EarlyEnd::Wait(LONGEST_WAIT)) };
    let uid = object.uid().unwrap_or_default();
    let deleted = object.meta().deletion_timestamp.is_some();
    // Others hold it, for reasons of their own: its Jobs and Secrets go with it, by owner reference.
    if deleted && !finalizer::has_finalizer(object.meta()) {
        accounts.note_visit(&uid);
        return Err(EarlyEnd::Wait(LONGEST_WAIT));
    }
    let account = match &object.0 {
        Ok(account) => account,
        Err(_) if deleted => {
            let version = object.resource_version().unwrap_or_default();
            let wait =
                removal::let_go(&accounts.context, object.meta(), &version, SkippedPurge::Unreadable).await?;
            return Err(EarlyEnd::Wait(wait));
        }
        Err(invalid) => {
            // The API server let it in before a rule was there: only its metadata can be read.
            tracing::warn!(object = object.name_any(), error = invalid.error, "the object does not parse");
            accounts.note_visit(&uid);
            let context = &accounts.context;
            unusable::report_unparsable::<AwsCostAccount>(context, object.meta(), &invalid.error, now)
                .await?;
            return Err(EarlyEnd::Wait(LONGEST_WAIT));
        }
    };
    Ok(ReconcileScope {
        accounts,
        stores,
        account,
        owner: ObjectOwner { kind: ACCOUNT, namespace, name: account.name_any(), uid },
        request: reconcile_request(account.annotations()),
        now,
        begun,
    })
}

/// The status as this process wrote it where the watch is behind, else as the watch has it.
pub(super) fn stored_status(scope: &ReconcileScope<'_>, memory: &AccountMemory) -> StoredStatus {
    let shown = scope.account.resource_version().unwrap_or_default();
    let (status, version) = match memory.written_over(&shown) {
        Some(written) => (written.status.clone(), written.after.clone()),
        None => (scope.account.status.clone().unwrap_or_default(), shown),
    };
    StoredStatus { conditions_before: status.conditions.clone(), status, version }
}

/// The spec as values. Ends here with an account that is being deleted, a spec that can't be used, and a finalizer that had
/// to be put on or taken off: the watch brings the object back with it.
pub(super) async fn validate_account(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    stored: &StoredStatus,
) -> Result<ValidAccount, EarlyEnd> {
    let valid = validate::parse_account(&scope.account.spec);
    if scope.account.metadata.deletion_timestamp.is_some() {
        let wait = removal::remove_account(scope, memory, stored, valid.ok()).await?;
        return Err(EarlyEnd::Wait(wait));
    }
    let valid = match valid {
        Ok(valid) => valid,
        Err(problem) => {
            scope.accounts.note_visit(&scope.owner.uid);
            let request = scope.request.as_deref();
            let problem = problem.to_string();
            let status =
                unusable::invalid_spec(&stored.status, scope.generation(), request, &problem, scope.now);
            write::finish_status(scope, memory, stored, status, &[]).await?;
            return Err(EarlyEnd::Wait(LONGEST_WAIT));
        }
    };
    if removal::keep_finalizer(scope, stored, &valid).await? {
        return Err(EarlyEnd::Wait(SHORTEST_WAIT));
    }
    Ok(valid)
}

/// The account's Jobs, where their end is not in status yet.
pub(super) async fn observe_loads(
    scope: &ReconcileScope<'_>,
    memory: &AccountMemory,
    stored: StoredStatus,
) -> ObservedAccount {
    let mut trouble = ReconcileTrouble::default();
    let jobs =
        listing::load_jobs(&scope.accounts.jobs, &scope.owner, &memory.settled, scope.now, &mut trouble)
            .await;
    ObservedAccount { stored, jobs, trouble }
}

/// What the account is judged by, with the warehouse as its watch shows it now.
pub(super) fn gather_evidence<'a>(
    scope: &ReconcileScope<'_>,
    memory: &'a AccountMemory,
    valid: &ValidAccount,
    observed: &'a ObservedAccount,
) -> AccountEvidence<'a> {
    let stored = &observed.stored.status;
    let warehouse = valid
        .bill
        .as_ref()
        .map(|bill| as_seen::find_warehouse(scope.stores, &scope.owner.namespace, &bill.warehouse));
    AccountEvidence {
        aws: &memory.aws,
        stored,
        months: &stored.periods,
        jobs: &observed.jobs,
        warehouse,
        since: scope.created(),
        earlier: Some(scope.earlier_verdicts(stored)),
        now: scope.now,
    }
}
