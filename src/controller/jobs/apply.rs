//! What was decided is done: session Secrets and Jobs, in that order. Jobs are created, never applied.

use std::fmt::Debug;

use k8s_openapi::api::{batch::v1::Job, core::v1::PersistentVolumeClaim};
use kube::{
    ResourceExt,
    api::{Api, DeleteParams, ListParams, PostParams, Preconditions},
    core::PartialObjectMeta,
};
use serde::de::DeserializeOwned;

use crate::{
    connection::Target,
    controller::{
        context::{Context, children::is_of},
        error::{
            ReconcileFault, is_gone, is_taken,
            refusal::{self, Trouble},
        },
        jobs::{
            authorities,
            concurrency::Admission,
            manifest::{self, Load, Owner, WarehouseOf},
            session::{self, NoSession},
        },
        loads::decide::Writers,
        status::Blockage,
        validate::{Bill, Place, ValidAccount, ValidWarehouse},
    },
};

/// What came of starting loads.
#[derive(Debug, Default)]
pub struct Started {
    /// Jobs that are there now.
    pub created: Vec<String>,
    /// Loads that wait for their turn.
    pub queued: usize,
}

/// One account's load side: everything a Job is made from.
#[derive(Clone, Copy)]
pub struct Loader<'a> {
    /// What is shared.
    pub context: &'a Context,
    /// The account.
    pub owner: &'a Owner,
    /// The account, parsed.
    pub account: &'a ValidAccount,
    /// Its bill.
    pub bill: &'a Bill,
    /// What AWS is asked with.
    pub target: &'a Target,
    /// The warehouse.
    pub warehouse: WarehouseOf<'a>,
}

impl Loader<'_> {
    /// Starts the admitted loads: for each the session Secret, then the Job. What keeps one from being created is noted.
    pub async fn start(&self, admission: Admission, trouble: &mut Trouble) -> Started {
        let mut started = Started { created: admission.pending, queued: admission.queued };
        for load in &admission.loads {
            // What may pass is not asked for again and again.
            let made = match trouble.fault {
                None => trouble.take(self.start_one(load).await),
                Some(_) => None,
            };
            match made {
                Some(name) => started.created.push(name),
                None => self.context.slots.give_back(&load.job_name(&self.owner.uid)),
            }
        }
        started
    }

    async fn start_one(&self, load: &Load) -> Result<String, Refused> {
        let settings = &self.context.jobs;
        let job = manifest::ingest(self.owner, self.account, self.bill, load, self.warehouse, settings);
        let name = job.name_any();
        let session = session::assume(self.context, self.target, &self.bill.report).await?;
        session::write(self.context, self.owner, &name, Some(&session)).await?;
        create_job(self.context, &job, self.owner).await?;
        tracing::info!(job = name, period = %load.period, attempt = load.attempt, "started a load");
        Ok(name)
    }

    /// Renews sessions of running Jobs. A session that can't be had is logged: the Job waits for it on its own.
    pub async fn renew(&self, jobs: &[String], trouble: &mut Trouble) {
        for job in jobs {
            match session::assume(self.context, self.target, &self.bill.report).await {
                Ok(session) => {
                    trouble.take(session::write(self.context, self.owner, job, Some(&session)).await);
                }
                Err(NoSession { reason, .. }) => {
                    tracing::warn!(job, %reason, "a running Job's session could not be renewed");
                }
            }
        }
    }
}

/// Why a Job was not created.
#[derive(Debug)]
pub enum Refused {
    /// The user can mend it.
    Blocked(Blockage),
    /// It may pass.
    Fault(ReconcileFault),
}

impl From<ReconcileFault> for Refused {
    fn from(fault: ReconcileFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<NoSession> for Refused {
    fn from(no: NoSession) -> Self {
        Self::Blocked(Blockage { reason: no.reason, message: no.message })
    }
}

/// Creates a Job. One of that name is success only if it is this owner's.
///
/// # Errors
/// [`Refused`] says whether a person or time helps.
pub async fn create_job(context: &Context, job: &Job, owner: &Owner) -> Result<(), Refused> {
    authorities::keep(context, &owner.namespace).await?;
    let (api, name) = (jobs(context, &owner.namespace), job.name_any());
    match api.create(&PostParams::default(), job).await {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => taken(context, owner, &name).await,
        Err(error) => Err(refusal::write("the Job", &owner.namespace, error)),
    }
}

fn jobs(context: &Context, namespace: &str) -> Api<Job> {
    Api::namespaced(context.client.clone(), namespace)
}

/// Whose the Job is that has our name. The watch shows none without our labels, and is behind by a moment.
async fn taken(context: &Context, owner: &Owner, name: &str) -> Result<(), Refused> {
    let shown = context.stores(&owner.namespace).and_then(|stores| stores.jobs.named(owner, name));
    if shown.is_some() {
        return Ok(());
    }
    match job_of_name(context, &owner.namespace, name).await? {
        // It went in between.
        None => Err(ReconcileFault::Stale.into()),
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
    let list = jobs(context, namespace).list_metadata(&params).await;
    let refused = |error| refusal::read("list Jobs", "whose a Job is can't be told", namespace, error);
    Ok(list.map_err(refused)?.items.pop())
}

/// Deletes an object, if it is still the one that was seen; `action` is what a fault calls that.
///
/// # Errors
/// Faults of the API server.
pub async fn delete<K>(
    api: &Api<K>,
    name: &str,
    uid: Option<String>,
    how: DeleteParams,
    action: &'static str,
) -> Result<(), ReconcileFault>
where
    K: Clone + DeserializeOwned + Debug,
{
    let params = DeleteParams { preconditions: Some(Preconditions { uid, resource_version: None }), ..how };
    match api.delete(name, &params).await {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(ReconcileFault::api(action)(error)),
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
    owner: &Owner,
    name: &str,
    uid: String,
) -> Result<(), ReconcileFault> {
    let jobs = jobs(context, &owner.namespace);
    delete(&jobs, name, Some(uid), DeleteParams::background(), STOP).await
}

/// How many pods may write to a warehouse at once: a claim that one node mounts takes one.
///
/// # Errors
/// [`Refused`] where the claim can't be read.
pub async fn writers(
    context: &Context,
    namespace: &str,
    warehouse: &ValidWarehouse,
) -> Result<Writers, Refused> {
    let Place::Claim(claim) = &warehouse.place else { return Ok(Writers::Many) };
    let claim = claim_of(context, namespace, claim).await?;
    let many = claim
        .and_then(|claim| claim.spec?.access_modes)
        .is_some_and(|modes| modes.iter().any(|mode| mode == "ReadWriteMany"));
    Ok(if many { Writers::Many } else { Writers::One })
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
