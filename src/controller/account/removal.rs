//! The reconcile of an account that is deleted with its rows: loads are stopped, a Job removes the rows, and the object is let
//! go. Nothing here asks AWS.

use std::time::Duration;

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ObjectReference, Pod, Secret},
};
use kube::{
    Resource, ResourceExt,
    api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams},
};

use super::{
    finalizer::{self, DeletionState, FinalizerState, ReleaseCause, RemovalStep, WarehouseThere},
    memory::AccountMemory,
    observe::{ReconcileScope, StoredStatus},
    write,
};
use crate::{
    api::{
        AwsCostAccount, AwsCostAccountStatus,
        aws_cost_account::DeletionPolicy,
        conditions::Saying,
        status::{IngestionStatus, PurgeStatus},
    },
    controller::{
        context::{Context, children, mark},
        error::{
            AFTER_REFUSAL, Blockage, LOADS_STOPPING, LONGEST_WAIT, ReconcileFault, Refused, SHORTEST_WAIT,
            WATCH_PODS, is_gone, is_terminating, refusal,
        },
        events::{self, Notice, NoticeKind},
        jobs::{
            listing,
            manifest::{self, AccountJobs},
            observed::JobState,
            session, start, unstarted,
        },
        status::{self, ReadySummary},
        validate::ValidAccount,
        warehouse::as_seen::{self, FoundWarehouse, WarehouseView},
    },
    model::{ConditionStatus, ConditionType, Reason},
};

/// What is left to say when an object goes though its rows could not be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SkippedPurge {
    Unreadable,
    NamespaceGoing,
    WarehouseGone,
}

impl SkippedPurge {
    fn note(self) -> &'static str {
        match self {
            Self::Unreadable => {
                "Deleted without a purge, because the spec can't be read: remove the rows with awscost warehouse purge."
            }
            Self::NamespaceGoing => {
                "Deleted without a purge, because the namespace is being deleted and takes no Job any more: remove the \
                 rows with awscost warehouse purge."
            }
            Self::WarehouseGone => {
                "Deleted without a purge, because the CostWarehouse is gone or can't be used: if its rows are there, remove them \
                 with awscost warehouse purge."
            }
        }
    }
}

/// Lets an object go whose rows could not be removed.
///
/// # Errors
/// Faults of the API server.
pub(super) async fn let_go(
    context: &Context,
    meta: &ObjectMeta,
    version: &str,
    why: SkippedPurge,
) -> Result<Duration, ReconcileFault> {
    let note = purge_notice(NoticeKind::Warning, Reason::PurgeSkipped, why.note());
    release_object(context, meta, version, note).await
}

async fn release_object(
    context: &Context,
    meta: &ObjectMeta,
    version: &str,
    notice: Notice,
) -> Result<Duration, ReconcileFault> {
    finalizer::set_finalizer(context, meta, version, FinalizerState::No).await?;
    let (namespace, name) = (meta.namespace.as_deref(), meta.name.as_deref());
    // A namespace that is going takes no event, so the log says it too.
    tracing::info!(namespace, name, reason = notice.reason, "let a deleted account go");
    let object = ObjectReference {
        api_version: Some(AwsCostAccount::api_version(&()).into_owned()),
        kind: Some(AwsCostAccount::kind(&()).into_owned()),
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        uid: meta.uid.clone(),
        ..ObjectReference::default()
    };
    events::publish_notices(&context.recorder, &object, &[notice]).await;
    Ok(LONGEST_WAIT)
}

fn purge_notice(kind: NoticeKind, reason: Reason, note: &str) -> Notice {
    Notice { kind, reason: reason.to_string(), action: "Purge".to_owned(), note: note.to_owned() }
}

/// True if the namespace takes nothing new any more. Asked with the dry run of a Secret, for the operator may not read
/// namespaces.
async fn namespace_is_going(context: &Context, namespace: &str) -> Result<bool, ReconcileFault> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let secret = Secret {
        metadata: ObjectMeta { name: Some("awscost-dry-run".to_owned()), ..ObjectMeta::default() },
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    };
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    match api.create(&dry, &secret).await {
        Ok(_) => Ok(false),
        Err(error) if is_terminating(&error) => Ok(true),
        Err(error) if is_gone(&error) => Ok(true),
        // Whatever else refuses it, the namespace is there.
        Err(kube::Error::Api(_)) => Ok(false),
        Err(error) => Err(ReconcileFault::while_doing("ask whether the namespace is going")(error)),
    }
}

/// What is at work for a deleted account.
struct WorkLeft {
    loads: Vec<Job>,
    pods_at_work: usize,
    purges: Vec<(i32, JobState<()>)>,
    /// Purges that have not ended and are given up: name and UID.
    given_up: Vec<(String, String)>,
}

/// What a step of a deletion came to.
struct StepTaken {
    /// What Ready says; `None` leaves it as it stands.
    says: Option<Saying>,
    wait: Duration,
    /// What may pass and kept it from being taken.
    fault: Option<ReconcileFault>,
}

/// Puts the finalizer on an account whose rows are to go with it, and takes it off any other. True if the object was
/// patched: the watch brings it back.
pub(super) async fn keep_finalizer(
    scope: &ReconcileScope<'_>,
    stored: &StoredStatus,
    valid: &ValidAccount,
) -> Result<bool, ReconcileFault> {
    let meta = scope.account.meta();
    let wanted = match (valid.deletion, &valid.bill) {
        (DeletionPolicy::Purge, Some(_)) => FinalizerState::ForPurge,
        _ => FinalizerState::No,
    };
    if finalizer::has_finalizer(meta) == (wanted == FinalizerState::ForPurge) {
        return Ok(false);
    }
    finalizer::set_finalizer(scope.context(), meta, &stored.version, wanted).await?;
    Ok(true)
}

/// One step of the deletion of an account that its finalizer holds.
pub(super) async fn remove_account(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    stored: &StoredStatus,
    valid: Option<ValidAccount>,
) -> Result<Duration, ReconcileFault> {
    scope.accounts.note_visit(&scope.owner.uid);
    let (context, meta, version) = (scope.context(), scope.account.meta(), &stored.version);
    let Some(valid) = valid else { return let_go(context, meta, version, SkippedPurge::Unreadable).await };
    let (DeletionPolicy::Purge, Some(bill)) = (valid.deletion, &valid.bill) else {
        finalizer::set_finalizer(context, meta, version, FinalizerState::No).await?;
        return Ok(LONGEST_WAIT);
    };
    // No Job can be made there any more, and a finalizer that waits for one would hold the namespace for ever.
    if namespace_is_going(context, &scope.owner.namespace).await? {
        return let_go(context, meta, version, SkippedPurge::NamespaceGoing).await;
    }
    let left = match find_work(scope).await {
        Ok(left) => left,
        Err(Refused::Fault(fault)) => return Err(fault),
        Err(Refused::Blocked(blockage)) => {
            let status = status_of_removal(scope, &stored.status, Some(refused_saying(blockage)));
            write::finish_status(scope, memory, stored, status, &[]).await?;
            return Ok(AFTER_REFUSAL);
        }
    };
    // Read after the Jobs: a warehouse that comes back in between is purged, one that goes is waited for.
    let warehouse = as_seen::find_warehouse(scope.stores, &scope.owner.namespace, &bill.warehouse);
    let (step, purge) = next_step(scope, &stored.status, &left, &warehouse);
    if let RemovalStep::Release(why) = step {
        return release_account(scope, version, why).await;
    }
    let warehouse = warehouse.found.as_ref().map(FoundWarehouse::as_named);
    let account =
        warehouse.map(|warehouse| AccountJobs { owner: &scope.owner, account: &valid, bill, warehouse });
    let taken = take_step(scope, &step, &left.loads, account, step_saying(&step, &bill.warehouse)).await?;
    let mut status = status_of_removal(scope, &stored.status, taken.says);
    status.purge = Some(purge);
    // A request asks for one attempt: it is answered once that is made, not by each reconcile after.
    if matches!(step, RemovalStep::Start(_)) && scope.request.is_some() {
        status.last_handled_reconcile_at.clone_from(&scope.request);
    }
    write::finish_status(scope, memory, stored, status, &[]).await?;
    // Only now, when status counts them as failed: the next purge is another attempt and has another name.
    for (name, uid) in left.given_up {
        start::delete_given_up(context, &scope.owner, &name, uid).await?;
    }
    taken.fault.map_or_else(|| Ok(taken.wait.max(SHORTEST_WAIT)), Err)
}

/// Lets an account go that has nothing more to wait for.
async fn release_account(
    scope: &ReconcileScope<'_>,
    version: &str,
    why: ReleaseCause,
) -> Result<Duration, ReconcileFault> {
    let (context, meta) = (scope.context(), scope.account.meta());
    match why {
        ReleaseCause::Purged => {
            let note = "The rows of this account were removed from the warehouse.";
            let notice = purge_notice(NoticeKind::Normal, Reason::Purged, note);
            release_object(context, meta, version, notice).await
        }
        ReleaseCause::WarehouseGone => let_go(context, meta, version, SkippedPurge::WarehouseGone).await,
    }
}

/// Does what a step asks for.
async fn take_step(
    scope: &ReconcileScope<'_>,
    step: &RemovalStep,
    loads: &[Job],
    account: Option<AccountJobs<'_>>,
    says: Option<Saying>,
) -> Result<StepTaken, ReconcileFault> {
    let (mut says, mut fault) = (says, None);
    let wait = match step {
        RemovalStep::StopLoads => {
            let jobs: Api<Job> = Api::namespaced(scope.context().client.clone(), &scope.owner.namespace);
            for load in loads.iter().filter(|load| load.metadata.deletion_timestamp.is_none()) {
                // The Job stays until its pods are gone.
                let (name, how) = (load.name_any(), DeleteParams::foreground());
                start::delete_seen(&jobs, &name, load.uid(), how, start::STOP).await?;
            }
            LOADS_STOPPING
        }
        RemovalStep::Start(attempt) => match start_purge(scope, account, *attempt).await {
            Ok(()) => WATCH_PODS,
            Err(Refused::Blocked(blockage)) => {
                says = Some(refused_saying(blockage));
                AFTER_REFUSAL
            }
            Err(Refused::Fault(passing)) => {
                fault = Some(passing);
                SHORTEST_WAIT
            }
        },
        RemovalStep::Failed(_, due) | RemovalStep::Missing(due) => scope.wait_until(*due),
        // A change of the warehouse brings the account back.
        RemovalStep::Unusable => LONGEST_WAIT,
        RemovalStep::Wait | RemovalStep::Release(_) => WATCH_PODS,
    };
    Ok(StepTaken { says, wait, fault })
}

/// What the deletion waits for.
fn next_step(
    scope: &ReconcileScope<'_>,
    old: &AwsCostAccountStatus,
    left: &WorkLeft,
    warehouse: &WarehouseView,
) -> (RemovalStep, PurgeStatus) {
    let may_have_loaded =
        |ingestion: &IngestionStatus| ingestion.last_success.is_some() || !ingestion.active_jobs.is_empty();
    let loaded = old.ingestion.as_ref().is_some_and(may_have_loaded)
        || old.periods.iter().any(|period| period.version.is_some() || period.failure.is_some())
        || !left.loads.is_empty();
    finalizer::next_step(&DeletionState {
        old: old.purge.as_ref(),
        loads: left.loads.len() + left.pods_at_work,
        purges: &left.purges,
        warehouse: match (&warehouse.found, warehouse.exists) {
            (Some(_), _) => WarehouseThere::Yes,
            (None, true) => WarehouseThere::Unusable,
            (None, false) => WarehouseThere::No,
        },
        loaded,
        asked: scope.request.is_some() && old.last_handled_reconcile_at != scope.request,
        retry_delay: scope.retry_delay(),
        now: scope.now,
    })
}

/// The status of a deleted account.
fn status_of_removal(
    scope: &ReconcileScope<'_>,
    old: &AwsCostAccountStatus,
    says: Option<Saying>,
) -> AwsCostAccountStatus {
    let mut status = AwsCostAccountStatus { observed_generation: scope.generation(), ..old.clone() };
    if let Some(ready) = says {
        let summary = ReadySummary::reconciling(ready).sayings();
        status.conditions = status::replace_summary(&old.conditions, &summary, scope.generation(), scope.now);
    }
    status
}

/// The account's loads and purges, and the pods of loads that are still at work.
async fn find_work(scope: &ReconcileScope<'_>) -> Result<WorkLeft, Refused> {
    let (purges, loads): (Vec<Job>, Vec<Job>) =
        live_jobs(scope).await?.into_iter().partition(|job| has_component(job, manifest::PURGE));
    let pods = listing::list_pods(scope.context(), &scope.owner, None).await?;
    let mut pods_at_work = 0;
    let by_a_purge = |pod: &Pod| purges.iter().any(|job| children::made_by(pod, job));
    // Pods as well as Jobs: a Job deleted with its pods orphaned leaves one that may still commit.
    for pod in pods.iter().filter(|pod| is_at_work(pod) && !by_a_purge(pod)) {
        pods_at_work += usize::from(may_be_a_loads(scope, pod, &loads).await?);
    }
    let mut left = WorkLeft { loads, pods_at_work, purges: Vec::new(), given_up: Vec::new() };
    for job in &purges {
        let Some(attempt) = job.labels().get(mark::ATTEMPT).and_then(|text| text.parse().ok()) else {
            continue;
        };
        let (state, given_up) = unstarted::state_of(job, &pods, &scope.accounts.jobs.podless, scope.now);
        left.purges.push((attempt, state));
        left.given_up.extend(given_up.map(|uid| (job.name_any(), uid)));
    }
    Ok(left)
}

/// True unless a pod is another's that carries our label. A load's pods may outlive its Job by a moment, or by much where
/// somebody deleted the Job alone: what they commit later would bring rows back.
async fn may_be_a_loads(scope: &ReconcileScope<'_>, pod: &Pod, loads: &[Job]) -> Result<bool, Refused> {
    let Some(controller) = children::controller_of(pod) else { return Ok(true) };
    if controller.kind != "Job" {
        return Ok(false);
    }
    if loads.iter().any(|job| children::made_by(pod, job)) {
        return Ok(true);
    }
    let there = start::job_of_name(scope.context(), &scope.owner.namespace, &controller.name).await?;
    Ok(there.and_then(|job| job.uid()).as_ref() != Some(&controller.uid))
}

/// The account's Jobs as the API server has them now: what follows can't be taken back.
async fn live_jobs(scope: &ReconcileScope<'_>) -> Result<Vec<Job>, Refused> {
    let owner = &scope.owner;
    let api: Api<Job> = Api::namespaced(scope.context().client.clone(), &owner.namespace);
    let params = ListParams::default().labels(&format!("{}={}", owner.label(), owner.uid));
    let refused =
        |error| refusal::read("list Jobs", "what is at work can't be told", &owner.namespace, error);
    let list = api.list(&params).await.map_err(refused)?;
    Ok(list.items.into_iter().filter(|job| children::is_of(job, owner)).collect())
}

async fn start_purge(
    scope: &ReconcileScope<'_>,
    account: Option<AccountJobs<'_>>,
    attempt: i32,
) -> Result<(), Refused> {
    let Some(account) = account else { return Ok(()) };
    let jobs = &scope.accounts.jobs;
    let job = manifest::purge_job(&account, attempt, &jobs.settings);
    session::write_environment(jobs, &scope.owner, &job.name_any()).await?;
    start::create_job(jobs, &job, &scope.owner).await?;
    tracing::info!(job = job.name_any(), account = scope.owner.name, "started a purge");
    Ok(())
}

fn has_component(job: &Job, component: &str) -> bool {
    job.labels().get(mark::COMPONENT).map(String::as_str) == Some(component)
}

/// What Ready says where the API server refused.
fn refused_saying(blockage: Blockage) -> Saying {
    Saying::new(ConditionType::Ready, ConditionStatus::False, blockage.reason, blockage.message)
}

fn is_at_work(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    !matches!(phase, Some("Succeeded" | "Failed"))
}

/// What Ready says at a step; `None` leaves it as it stands.
fn step_saying(step: &RemovalStep, warehouse: &str) -> Option<Saying> {
    let ready =
        |status, reason, message: String| Some(Saying::new(ConditionType::Ready, status, reason, message));
    let going = |message: &str| {
        ready(ConditionStatus::Unknown, Reason::Progressing, format!("Being deleted: {message}."))
    };
    match step {
        RemovalStep::StopLoads => going("its loads are being stopped"),
        RemovalStep::Start(_) => going("a Job removes its rows from the warehouse"),
        RemovalStep::Failed(end, _) => ready(
            ConditionStatus::False,
            end.reason,
            format!(
                "Being deleted, but the purge failed: {}. It is tried again; to let the object go and keep the rows, set \
                 spec.deletionPolicy to Retain.",
                end.message
            ),
        ),
        RemovalStep::Missing(_) => ready(
            ConditionStatus::False,
            Reason::WarehouseNotFound,
            format!(
                "Being deleted, but there is no CostWarehouse {warehouse} to purge: create it again, or set \
                 spec.deletionPolicy to Retain. A day after it went, the object goes without a purge."
            ),
        ),
        RemovalStep::Unusable => ready(
            ConditionStatus::False,
            Reason::WarehouseNotFound,
            format!(
                "Being deleted, but the spec of CostWarehouse {warehouse} can't be used, so nothing can be purged: correct it, \
                 or set spec.deletionPolicy to Retain."
            ),
        ),
        RemovalStep::Wait | RemovalStep::Release(_) => None,
    }
}
