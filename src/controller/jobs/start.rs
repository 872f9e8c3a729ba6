//! What was decided is done: session Secrets and Jobs, in that order. Jobs are created, never applied.

use std::fmt::Debug;

use k8s_openapi::api::{batch::v1::Job, core::v1::PersistentVolumeClaim};
use kube::{
    ResourceExt,
    api::{Api, DeleteParams, ListParams, PostParams, Preconditions},
    core::PartialObjectMeta,
};
use serde::de::DeserializeOwned;

use super::{
    Jobs, authorities,
    concurrency::{AdmittedLoads, WarehouseWriters},
    manifest::{self, AccountJobs, PlannedLoad},
    session::{self, SessionSource},
};
use crate::{
    api::ValidWarehouse,
    controller::{
        context::{Context, ObjectOwner, children::is_of},
        error::{ReconcileFault, ReconcileTrouble, Refused, is_gone, is_taken, refusal},
    },
};

/// What came of starting loads.
#[derive(Debug, Default)]
pub struct StartedLoads {
    /// Jobs that are there now.
    pub created: Vec<String>,
    /// Loads that wait for their turn.
    pub queued: usize,
}

/// Starts the admitted loads: for each the session Secret, then the Job. What keeps one from being created is noted.
pub async fn start_loads(
    jobs: &Jobs,
    account: &AccountJobs<'_>,
    source: SessionSource<'_>,
    admitted: AdmittedLoads,
    trouble: &mut ReconcileTrouble,
) -> StartedLoads {
    let mut started = StartedLoads { created: admitted.pending, queued: admitted.queued };
    for load in &admitted.loads {
        // What may pass is not asked for again and again.
        let made = match trouble.fault {
            None => trouble.take(start_load(jobs, account, source, load).await),
            Some(_) => None,
        };
        match made {
            Some(name) => started.created.push(name),
            None => jobs.slots.give_back(&load.job_name(&account.owner.uid)),
        }
    }
    started
}

async fn start_load(
    jobs: &Jobs,
    account: &AccountJobs<'_>,
    source: SessionSource<'_>,
    load: &PlannedLoad,
) -> Result<String, Refused> {
    let job = manifest::ingest_job(account, load, &jobs.settings);
    let name = job.name_any();
    let session = session::open_session(&jobs.context, source).await?;
    // First the Secret: a pod whose Secret is missing waits for it, and its Job would hold a slot meanwhile.
    session::write_session(jobs, account.owner, &name, Some(&session)).await?;
    create_job(jobs, &job, account.owner).await?;
    tracing::info!(job = name, period = %load.period, attempt = load.attempt, "started a load");
    Ok(name)
}

/// Creates a Job. One of that name is success only if it is this owner's.
///
/// # Errors
/// [`Refused`] says whether a person or time helps.
pub async fn create_job(jobs: &Jobs, job: &Job, owner: &ObjectOwner) -> Result<(), Refused> {
    // The pod mounts the bundle: made only now, because a namespace may have been without Jobs since the bundle changed.
    authorities::keep_bundle(jobs, &owner.namespace).await?;
    let context = &jobs.context;
    let (api, name) = (jobs_api(context, &owner.namespace), job.name_any());
    match api.create(&PostParams::default(), job).await {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => check_taken_name(context, owner, &name).await,
        Err(error) => Err(refusal::write("the Job", &owner.namespace, error)),
    }
}

fn jobs_api(context: &Context, namespace: &str) -> Api<Job> {
    Api::namespaced(context.client.clone(), namespace)
}

/// Whose the Job is that has our name. The watch shows none without our labels, and is behind by a moment.
async fn check_taken_name(context: &Context, owner: &ObjectOwner, name: &str) -> Result<(), Refused> {
    let shown = context.stores(&owner.namespace).and_then(|stores| stores.jobs.named(owner, name));
    if shown.is_some() {
        return Ok(());
    }
    match job_of_name(context, &owner.namespace, name).await? {
        // It went in between.
        None => Err(ReconcileFault::Stale.into()),
        // Ours from before a crash, or another replica's that thought it led: it loads the very same.
        Some(job) if is_of(&job, owner) => Ok(()),
        Some(_) => Err(Refused::in_the_way("Job", &owner.namespace, name)),
    }
}

/// The Job of a name as the API server has it now, whoever made it.
///
/// # Errors
/// [`Refused`] where Jobs can't be listed.
pub async fn job_of_name(
    context: &Context,
    namespace: &str,
    name: &str,
) -> Result<Option<PartialObjectMeta<Job>>, Refused> {
    let params = ListParams::default().fields(&format!("metadata.name={name}"));
    let list = jobs_api(context, namespace).list_metadata(&params).await;
    let refused = |error| refusal::read("list Jobs", "whose a Job is can't be told", namespace, error);
    Ok(list.map_err(refused)?.items.pop())
}

/// Deletes an object, if it is still the one that was seen; `action` is what a fault calls that.
///
/// # Errors
/// Faults of the API server.
pub async fn delete_seen<K>(
    api: &Api<K>,
    name: &str,
    uid: Option<String>,
    how: DeleteParams,
    action: &'static str,
) -> Result<(), ReconcileFault>
where
    K: Clone + DeserializeOwned + Debug,
{
    // By UID: in the moment between look and delete another object may have taken the name.
    let params = DeleteParams { preconditions: Some(Preconditions { uid, resource_version: None }), ..how };
    match api.delete(name, &params).await {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(ReconcileFault::while_doing(action)(error)),
    }
}

/// What a fault calls it that a Job is deleted.
pub const STOP: &str = "stop a Job";

/// Deletes an owner's Job that is given up, if it is still the one that was seen.
///
/// # Errors
/// Faults of the API server.
pub async fn delete_given_up(
    context: &Context,
    owner: &ObjectOwner,
    name: &str,
    uid: String,
) -> Result<(), ReconcileFault> {
    let jobs = jobs_api(context, &owner.namespace);
    delete_seen(&jobs, name, Some(uid), DeleteParams::background(), STOP).await
}

/// How many pods may write to a warehouse at once: a claim that one node mounts takes one.
///
/// # Errors
/// [`Refused`] where the claim can't be read.
pub async fn count_writers(
    context: &Context,
    namespace: &str,
    warehouse: &ValidWarehouse,
) -> Result<WarehouseWriters, Refused> {
    // Two pods that mount such a claim on two nodes would wait for each other until both are given up.
    let Some(claim) = warehouse.access.claim() else { return Ok(WarehouseWriters::Many) };
    let claim = claim_of(context, namespace, claim).await?;
    let many = claim
        .and_then(|claim| claim.spec?.access_modes)
        .is_some_and(|modes| modes.iter().any(|mode| mode == "ReadWriteMany"));
    Ok(if many { WarehouseWriters::Many } else { WarehouseWriters::One })
}

/// The claim of a name, if there is one.
///
/// # Errors
/// [`Refused`] where it can't be read.
pub async fn claim_of(
    context: &Context,
    namespace: &str,
    name: &str,
) -> Result<Option<PersistentVolumeClaim>, Refused> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(context.client.clone(), namespace);
    let untold = "whether the warehouse's claim is there and how many nodes take it can't be told";
    let refused = |error| refusal::read("read PersistentVolumeClaims", untold, namespace, error);
    api.get_opt(name).await.map_err(refused)
}
