//! A pass over an account that is being deleted and whose rows go with it: loads are stopped, a Job removes the rows, and
//! the object is let go. Nothing here asks AWS.

use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ObjectReference, Pod, Secret},
};
use kube::{
    Resource, ResourceExt,
    api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams},
};

use crate::{
    api::{
        AwsCostAccount, AwsCostAccountStatus, aws_cost_account::DeletionPolicy, conditions::Saying,
        status::PurgeStatus,
    },
    controller::{
        account::{
            Base, Pass,
            finalizer::{self, Held, Release, Step, View, WarehouseThere},
            until,
        },
        context::{Context, Memory, children},
        error::{
            AFTER_REFUSAL, LONGEST_WAIT, ReconcileFault, SHORTEST_WAIT, WATCH_PODS, is_gone, is_terminating,
            refusal,
        },
        events::{self, Notice, NoticeKind},
        jobs::{
            apply::{self, Refused},
            listing,
            manifest::{self, WarehouseOf, mark},
            observed::JobState,
            session, unstarted,
        },
        standing,
        status::{self, Blockage},
        validate::{Bill, ValidAccount},
    },
    model::{ConditionStatus, ConditionType, Reason},
};

/// How soon loads that were told to stop are looked at again.
const STOPPING: Duration = Duration::from_secs(5);

/// What is left to say when an object goes though its rows could not be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skipped {
    Unreadable,
    NamespaceGoing,
    WarehouseGone,
}

impl Skipped {
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
    why: Skipped,
) -> Result<Duration, ReconcileFault> {
    let note = notice(NoticeKind::Warning, Reason::PurgeSkipped, why.note());
    release(context, meta, version, note).await
}

async fn release(
    context: &Context,
    meta: &ObjectMeta,
    version: &str,
    notice: Notice,
) -> Result<Duration, ReconcileFault> {
    finalizer::set(context, meta, version, Held::No).await?;
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
    events::publish(&context.recorder, &object, &[notice]).await;
    Ok(LONGEST_WAIT)
}

fn notice(kind: NoticeKind, reason: Reason, note: &str) -> Notice {
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
        Err(error) => Err(ReconcileFault::api("ask whether the namespace is going")(error)),
    }
}

/// What is there of a deleted account.
struct Seen {
    loads: Vec<Job>,
    pods_at_work: usize,
    purges: Vec<(i32, JobState<()>)>,
    /// Purges that have not ended and are given up: name and UID.
    given_up: Vec<(String, String)>,
}

impl Pass<'_> {
    /// Puts the finalizer on an account whose rows are to go with it, and takes it off any other. True if the object was
    /// patched: the watch brings it back.
    pub(super) async fn keep_finalizer(
        &self,
        base: &Base,
        valid: &ValidAccount,
    ) -> Result<bool, ReconcileFault> {
        let meta = self.account.meta();
        let wanted = match (valid.deletion, &valid.bill) {
            (DeletionPolicy::Purge, Some(_)) => Held::ForPurge,
            _ => Held::No,
        };
        if finalizer::is_on(meta) == (wanted == Held::ForPurge) {
            return Ok(false);
        }
        finalizer::set(self.context, meta, &base.version, wanted).await?;
        Ok(true)
    }

    /// One step of the deletion of an account that its finalizer holds.
    pub(super) async fn remove(
        &self,
        memory: &mut Memory,
        base: &Base,
        valid: Option<&ValidAccount>,
    ) -> Result<Duration, ReconcileFault> {
        self.context.visit(&self.owner.uid);
        let meta = self.account.meta();
        let Some(valid) = valid else {
            return let_go(self.context, meta, &base.version, Skipped::Unreadable).await;
        };
        let bill = match (valid.deletion, &valid.bill) {
            (DeletionPolicy::Purge, Some(bill)) => bill,
            _ => {
                finalizer::set(self.context, meta, &base.version, Held::No).await?;
                return Ok(LONGEST_WAIT);
            }
        };
        if namespace_is_going(self.context, &self.owner.namespace).await? {
            return let_go(self.context, meta, &base.version, Skipped::NamespaceGoing).await;
        }
        let seen = match self.jobs_of_removal().await {
            Ok(seen) => seen,
            Err(Refused::Fault(fault)) => return Err(fault),
            Err(Refused::Blocked(blockage)) => {
                let status = self.status_of_removal(&base.status, None, Some(refused(blockage)), false);
                self.finish(memory, base, status, &[]).await?;
                return Ok(AFTER_REFUSAL);
            }
        };
        let warehouse = standing::warehouse(self.stores, &self.owner.namespace, &bill.warehouse);
        let old = &base.status;
        let (step, purge) = self.next_step(old, &seen, &warehouse);
        let mut says = words(&step, &bill.warehouse);
        let mut fault = None;
        let wait = match &step {
            Step::StopLoads => {
                let jobs = self.jobs_api();
                for load in seen.loads.iter().filter(|load| load.metadata.deletion_timestamp.is_none()) {
                    // The Job stays until its pods are gone.
                    let (name, how) = (load.name_any(), DeleteParams::foreground());
                    apply::delete(&jobs, &name, load.uid(), how, apply::STOP).await?;
                }
                STOPPING
            }
            Step::Start(attempt) => match self.start_purge(valid, bill, *attempt, &warehouse).await {
                Ok(()) => WATCH_PODS,
                Err(Refused::Blocked(blockage)) => {
                    says = Some(refused(blockage));
                    AFTER_REFUSAL
                }
                Err(Refused::Fault(passing)) => {
                    fault = Some(passing);
                    SHORTEST_WAIT
                }
            },
            Step::Wait => WATCH_PODS,
            Step::Failed(_, due) | Step::Missing(due) => until(*due, self.now),
            // A change of the warehouse brings the account back.
            Step::Unusable => LONGEST_WAIT,
            Step::Release(Release::Purged) => {
                let note = "The rows of this account were removed from the warehouse.";
                let notice = notice(NoticeKind::Normal, Reason::Purged, note);
                return release(self.context, meta, &base.version, notice).await;
            }
            Step::Release(Release::WarehouseGone) => {
                return let_go(self.context, meta, &base.version, Skipped::WarehouseGone).await;
            }
        };
        let started = matches!(step, Step::Start(_));
        let status = self.status_of_removal(old, Some(purge), says, started);
        self.finish(memory, base, status, &[]).await?;
        for (name, uid) in seen.given_up {
            apply::delete_given_up(self.context, &self.owner, &name, uid).await?;
        }
        fault.map_or_else(|| Ok(wait.max(SHORTEST_WAIT)), Err)
    }

    /// What the deletion waits for.
    fn next_step(
        &self,
        old: &AwsCostAccountStatus,
        seen: &Seen,
        warehouse: &standing::WarehouseSight,
    ) -> (Step, PurgeStatus) {
        let loaded = old.ingestion.as_ref().is_some_and(|ingestion| ingestion.last_success.is_some())
            || old.ingestion.as_ref().is_some_and(|ingestion| !ingestion.active_jobs.is_empty())
            || old.periods.iter().any(|period| period.version.is_some() || period.failure.is_some())
            || !seen.loads.is_empty();
        let retry_delay = self.context.settings.testing.retry_delay;
        finalizer::next(&View {
            old: old.purge.as_ref(),
            loads: seen.loads.len() + seen.pods_at_work,
            purges: &seen.purges,
            warehouse: match (&warehouse.found, warehouse.exists) {
                (Some(_), _) => WarehouseThere::Yes,
                (None, true) => WarehouseThere::Unusable,
                (None, false) => WarehouseThere::No,
            },
            loaded,
            asked: self.wish.is_some() && old.last_handled_reconcile_at != self.wish,
            retry_delay: retry_delay.and_then(|delay| SignedDuration::try_from(delay).ok()),
            now: self.now,
        })
    }

    /// The status of a deleted account.
    fn status_of_removal(
        &self,
        old: &AwsCostAccountStatus,
        purge: Option<PurgeStatus>,
        says: Option<(ConditionStatus, Reason, String)>,
        started: bool,
    ) -> AwsCostAccountStatus {
        let mut status = AwsCostAccountStatus {
            observed_generation: self.generation(),
            purge: purge.or_else(|| old.purge.clone()),
            ..old.clone()
        };
        if started && self.wish.is_some() {
            status.last_handled_reconcile_at.clone_from(&self.wish);
        }
        if let Some((ready, reason, message)) = says {
            let summary = summary(ready, reason, &message);
            status.conditions =
                status::replace_summary(&old.conditions, &summary, self.generation(), self.now);
        }
        status
    }

    /// The account's loads and purges.
    async fn jobs_of_removal(&self) -> Result<Seen, Refused> {
        let (purges, loads): (Vec<Job>, Vec<Job>) =
            self.live_jobs().await?.into_iter().partition(|job| is(job, manifest::PURGE));
        let pods = listing::pods(self.context, &self.owner, None).await?;
        let mut pods_at_work = 0;
        let by_a_purge = |pod: &Pod| purges.iter().any(|job| children::made_by(pod, job));
        for pod in pods.iter().filter(|pod| at_work(pod) && !by_a_purge(pod)) {
            pods_at_work += usize::from(self.may_be_a_loads(pod, &loads).await?);
        }
        let mut seen = Seen { loads, pods_at_work, purges: Vec::new(), given_up: Vec::new() };
        for job in &purges {
            let Some(attempt) = job.labels().get(mark::ATTEMPT).and_then(|text| text.parse().ok()) else {
                continue;
            };
            let (state, given_up) = unstarted::state_of(job, &pods, &self.context.podless, self.now);
            seen.purges.push((attempt, state));
            seen.given_up.extend(given_up.map(|uid| (job.name_any(), uid)));
        }
        Ok(seen)
    }

    /// True unless a pod is another's that carries our label. A load's pods may outlive its Job by a moment, or by much where
    /// somebody deleted the Job alone: what they commit later would bring rows back.
    async fn may_be_a_loads(&self, pod: &Pod, loads: &[Job]) -> Result<bool, Refused> {
        let Some(controller) = children::controller(pod) else { return Ok(true) };
        if controller.kind != "Job" {
            return Ok(false);
        }
        if loads.iter().any(|job| children::made_by(pod, job)) {
            return Ok(true);
        }
        let there = apply::job_of_name(self.context, &self.owner.namespace, &controller.name).await?;
        Ok(there.and_then(|job| job.uid()).as_ref() != Some(&controller.uid))
    }

    /// The account's Jobs as the API server has them now: what follows can't be taken back.
    async fn live_jobs(&self) -> Result<Vec<Job>, Refused> {
        let namespace = &self.owner.namespace;
        let params = ListParams::default().labels(&format!("{}={}", self.owner.label(), self.owner.uid));
        let refused = |error| refusal::read("list Jobs", "what is at work can't be told", namespace, error);
        let list = self.jobs_api().list(&params).await.map_err(refused)?;
        Ok(list.items.into_iter().filter(|job| children::is_of(job, &self.owner)).collect())
    }

    fn jobs_api(&self) -> Api<Job> {
        Api::namespaced(self.context.client.clone(), &self.owner.namespace)
    }

    async fn start_purge(
        &self,
        valid: &ValidAccount,
        bill: &Bill,
        attempt: i32,
        warehouse: &standing::WarehouseSight,
    ) -> Result<(), Refused> {
        let Some(found) = &warehouse.found else { return Ok(()) };
        let of = WarehouseOf { uid: &found.uid, spec: &found.valid };
        let job = manifest::purge(&self.owner, valid, attempt, of, &bill.ingestion, &self.context.jobs);
        session::write_environment(self.context, &self.owner, &job.name_any()).await?;
        apply::create_job(self.context, &job, &self.owner).await?;
        tracing::info!(job = job.name_any(), account = self.owner.name, "started a purge");
        Ok(())
    }
}

fn is(job: &Job, component: &str) -> bool {
    job.labels().get(mark::COMPONENT).map(String::as_str) == Some(component)
}

/// What Ready says where the API server refused.
fn refused(blockage: Blockage) -> (ConditionStatus, Reason, String) {
    (ConditionStatus::False, blockage.reason, blockage.message)
}

fn at_work(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    !matches!(phase, Some("Succeeded" | "Failed"))
}

/// What Ready says at a step; `None` leaves it as it stands.
fn words(step: &Step, warehouse: &str) -> Option<(ConditionStatus, Reason, String)> {
    let going = |message: &str| {
        Some((ConditionStatus::Unknown, Reason::Progressing, format!("Being deleted: {message}.")))
    };
    match step {
        Step::StopLoads => going("its loads are being stopped"),
        Step::Start(_) => going("a Job removes its rows from the warehouse"),
        Step::Failed(end, _) => Some((
            ConditionStatus::False,
            end.reason,
            format!(
                "Being deleted, but the purge failed: {}. It is tried again; to let the object go and keep the rows, set \
                 spec.deletionPolicy to Retain.",
                end.message
            ),
        )),
        Step::Missing(_) => Some((
            ConditionStatus::False,
            Reason::WarehouseNotFound,
            format!(
                "Being deleted, but there is no CostWarehouse {warehouse} to purge: create it again, or set \
                 spec.deletionPolicy to Retain. A day after it went, the object goes without a purge."
            ),
        )),
        Step::Unusable => Some((
            ConditionStatus::False,
            Reason::WarehouseNotFound,
            format!(
                "Being deleted, but the spec of CostWarehouse {warehouse} can't be used, so nothing can be purged: correct it, \
                 or set spec.deletionPolicy to Retain."
            ),
        )),
        Step::Wait | Step::Release(_) => None,
    }
}

fn summary(ready: ConditionStatus, reason: Reason, message: &str) -> [Saying; 2] {
    let reconciling = match ready {
        ConditionStatus::False => Reason::ProgressingWithRetry,
        _ => Reason::Progressing,
    };
    [
        Saying::new(ConditionType::Reconciling, ConditionStatus::True, reconciling, message),
        Saying::new(ConditionType::Ready, ready, reason, message),
    ]
}
