//! What was decided is done: session Secrets and Jobs, in that order. Jobs are created, never applied.

use k8s_openapi::api::{batch::v1::Job, core::v1::PersistentVolumeClaim};
use kube::{
    ResourceExt,
    api::{Api, PostParams},
    runtime::reflector::ObjectRef,
};

use super::{
    authorities,
    context::{Context, Stores},
    decide::Writers,
    error::{ReconcileFault, is_gone, is_taken},
    job::{self, Load, Owner, WarehouseOf, mark},
    session::{self, NoSession},
    slots::Admission,
    status::Blockage,
    validate::{Bill, Place, ValidAccount, ValidWarehouse},
};
use crate::{connection::Target, model::Reason};

/// What came of starting loads.
#[derive(Debug, Clone, Default)]
pub struct Started {
    /// Jobs that are there now.
    pub created: Vec<String>,
    /// Loads that wait for their turn.
    pub queued: usize,
    /// What kept a Job from being created.
    pub blockage: Option<Blockage>,
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
    /// Starts the admitted loads: for each the session Secret, then the Job.
    ///
    /// # Errors
    /// Faults of the API server that may pass. What the user can mend is in [`Started::blockage`].
    pub async fn start(&self, admission: Admission) -> Result<Started, ReconcileFault> {
        let mut started = Started { created: admission.pending, queued: admission.queued, blockage: None };
        for (number, load) in admission.loads.iter().enumerate() {
            match self.start_one(load).await {
                Ok(name) => started.created.push(name),
                Err(Refused::Blocked(blockage)) => {
                    self.context.slots.give_back(&load.job_name(&self.owner.uid));
                    started.blockage = Some(blockage);
                }
                Err(Refused::Fault(fault)) => {
                    for load in &admission.loads[number..] {
                        self.context.slots.give_back(&load.job_name(&self.owner.uid));
                    }
                    return Err(fault);
                }
            }
        }
        Ok(started)
    }

    async fn start_one(&self, load: &Load) -> Result<String, Refused> {
        let settings = &self.context.jobs;
        let job = job::ingest(self.owner, self.account, self.bill, load, self.warehouse, settings);
        let name = job.name_any();
        let session = session::assume(self.context, self.target, &self.bill.report).await?;
        session::write(self.context, self.owner, &name, &session).await?;
        create_job(self.context, &job, mark::ACCOUNT_UID, &self.owner.uid).await?;
        tracing::info!(job = name, period = %load.period, attempt = load.attempt, "started a load");
        Ok(name)
    }

    /// Renews sessions of running Jobs.
    ///
    /// # Errors
    /// Faults of the API server. A session that can't be had is logged: the Job waits for it on its own.
    pub async fn renew(&self, jobs: &[String]) -> Result<(), ReconcileFault> {
        for job in jobs {
            match session::assume(self.context, self.target, &self.bill.report).await {
                Ok(session) => session::write(self.context, self.owner, job, &session).await?,
                Err(NoSession { reason, .. }) => {
                    tracing::warn!(job, %reason, "a running Job's session could not be renewed");
                }
            }
        }
        Ok(())
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

/// Creates a Job. One of that name is success only if it is ours by UID.
///
/// # Errors
/// [`Refused`] says whether a person or time helps.
pub async fn create_job(context: &Context, job: &Job, label: &str, uid: &str) -> Result<(), Refused> {
    let namespace = job.namespace().unwrap_or_default();
    authorities::keep(context, &namespace).await?;
    let api: Api<Job> = Api::namespaced(context.client.clone(), &namespace);
    match api.create(&PostParams::default(), job).await {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => {
            let stores = context.stores(&namespace);
            // A watch that does not show it yet will in a moment.
            let there = stores.and_then(|stores| stores.jobs.get(&ObjectRef::from_obj(job)));
            let Some(there) = there else { return Err(ReconcileFault::Stale.into()) };
            if there.labels().get(label).map(String::as_str) == Some(uid) {
                return Ok(());
            }
            Err(Refused::Blocked(Blockage {
                reason: Reason::JobFailed,
                message: format!("A Job {} of somebody else stands in the way: delete it.", job.name_any()),
            }))
        }
        Err(kube::Error::Api(status)) if [403, 422].contains(&status.code) => {
            // The server's own words hold counts and names that change from try to try: they are for the log.
            tracing::warn!(namespace, job = job.name_any(), refusal = status.message, "a Job was refused");
            let (reason, message) = if status.message.contains("exceeded quota") {
                let fix = "raise the quota, or wait until other work there has ended";
                (
                    Reason::QuotaExceeded,
                    format!("A resource quota of namespace {namespace} refuses the Job: {fix}."),
                )
            } else {
                let fix = "see the operator's log for the rule that does, and change the spec or the rule";
                (
                    Reason::JobFailed,
                    format!("The API server refuses the Job in namespace {namespace}: {fix}."),
                )
            };
            Err(Refused::Blocked(Blockage { reason, message }))
        }
        Err(error) => Err(ReconcileFault::api("create a Job")(error).into()),
    }
}

/// How many pods may write to a warehouse at once: a claim that one node mounts takes one.
///
/// # Errors
/// Faults of the API server.
pub async fn writers(
    context: &Context,
    namespace: &str,
    warehouse: &ValidWarehouse,
) -> Result<Writers, ReconcileFault> {
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
/// Faults of the API server.
pub async fn claim_of(
    context: &Context,
    namespace: &str,
    name: &str,
) -> Result<Option<PersistentVolumeClaim>, ReconcileFault> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(context.client.clone(), namespace);
    match api.get(name).await {
        Ok(claim) => Ok(Some(claim)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(ReconcileFault::api("read the warehouse's claim")(error)),
    }
}

/// All our Jobs everywhere, as the watches show them.
pub fn all_jobs(stores: &[Stores]) -> Vec<std::sync::Arc<Job>> {
    stores.iter().flat_map(|stores| stores.jobs.state()).collect()
}
