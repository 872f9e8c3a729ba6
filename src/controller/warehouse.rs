//! One reconcile of one CostWarehouse: a probe Job on create, on change, when asked for, and daily; its end is Ready.

pub mod as_seen;
mod judge;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{Resource, ResourceExt, api::Api};

use super::{
    context::{GuardedWarehouse, ObjectOwner, Stores, WAREHOUSE, mark},
    error::{LONGEST_WAIT, ReconcileFault, ReconcileTrouble, Refused, SHORTEST_WAIT},
    events, fingerprint,
    jobs::{
        Jobs, concurrency, listing,
        manifest::{self, ProbeAttempt},
        observed::{self, JobState, PodBlocker},
        session, start, unstarted,
    },
    status::{self, patch, unusable},
};
use crate::{
    api::{
        CostWarehouse, CostWarehouseStatus, ValidWarehouse, aws_cost_account::Ingestion, conditions,
        reconcile_request,
    },
    model::{ConditionStatus, ConditionType, Reason},
};
use judge::{ObservedProbe, ProbeObstacle, ProbeSituation};

/// Reconciles one warehouse; how long until the next reconcile.
///
/// # Errors
/// [`ReconcileFault`] when the reconcile could not be finished.
pub async fn reconcile_warehouse(object: &GuardedWarehouse, jobs: &Jobs) -> Result<Duration, ReconcileFault> {
    let context = &jobs.context;
    let now = Timestamp::now();
    let namespace = object.namespace().unwrap_or_default();
    let Some(stores) = context.stores(&namespace) else { return Ok(LONGEST_WAIT) };
    let warehouse = match &object.0 {
        Ok(warehouse) => warehouse,
        Err(invalid) => {
            tracing::warn!(object = object.name_any(), error = invalid.error, "the object does not parse");
            unusable::report_unparsable::<CostWarehouse>(context, object.meta(), &invalid.error, now).await?;
            return Ok(LONGEST_WAIT);
        }
    };
    if warehouse.metadata.deletion_timestamp.is_some() {
        return Ok(LONGEST_WAIT);
    }
    let uid = warehouse.uid().unwrap_or_default();
    let owner = ObjectOwner { kind: WAREHOUSE, namespace, name: warehouse.name_any(), uid };
    let request = reconcile_request(warehouse.annotations());
    WarehouseReconcile { jobs, stores, warehouse, owner, request, now }.run_stages().await
}

/// The fixed points of one reconcile.
struct WarehouseReconcile<'a> {
    jobs: &'a Jobs,
    stores: &'a Stores,
    warehouse: &'a CostWarehouse,
    owner: ObjectOwner,
    /// The reconcile request that it answers.
    request: Option<String>,
    now: Timestamp,
}

impl WarehouseReconcile<'_> {
    async fn run_stages(&self) -> Result<Duration, ReconcileFault> {
        let generation = self.warehouse.metadata.generation;
        let version = self.warehouse.resource_version().unwrap_or_default();
        let old = self.warehouse.status.clone().unwrap_or_default();
        if old.observed_generation != generation {
            let early = CostWarehouseStatus {
                observed_generation: generation,
                conditions: status::progressing_conditions(&old.conditions, generation, self.now),
                ..old.clone()
            };
            self.write(&version, &old, &early).await?;
            // The watch brings the object back with the new version.
            return Ok(SHORTEST_WAIT);
        }
        let valid = match self.warehouse.spec.parse() {
            Ok(valid) => valid,
            Err(problem) => {
                let sayings = unusable::invalid_summary(&problem.to_string());
                let status = CostWarehouseStatus {
                    conditions: conditions::write(&old.conditions, &sayings, generation, self.now),
                    ..old.clone()
                };
                self.patch_status(&version, &old, status).await?;
                return Ok(LONGEST_WAIT);
            }
        };
        self.probe_warehouse(&version, &old, &valid).await
    }

    /// Judges the probes there are, starts the next one, and writes status.
    async fn probe_warehouse(
        &self,
        version: &str,
        old: &CostWarehouseStatus,
        valid: &ValidWarehouse,
    ) -> Result<Duration, ReconcileFault> {
        let inputs = self.probe_inputs(valid);
        let mut trouble = ReconcileTrouble::default();
        let probes = self.observe_probes(&mut trouble).await;
        let obstacle = trouble.take(self.find_obstacle(valid).await).flatten();
        // Before anything is judged: probes that could not be seen must not be taken for probes that are not there.
        if let Some(fault) = trouble.fault {
            return Err(fault);
        }
        let situation = ProbeSituation {
            old,
            probes: &probes,
            inputs: &inputs,
            obstacle,
            retry_delay: self.jobs.context.settings.testing.retry_delay,
            now: self.now,
        };
        let mut verdict = judge::judge_warehouse(&situation);
        let (mut fresh, mut fault) = (None, None);
        if let Some(blockage) = &trouble.blockage {
            verdict.unseen(blockage);
        } else if let Some(count) = verdict.start {
            match self.start_probe(valid, &inputs, count).await {
                Ok(name) => fresh = Some(name),
                Err(Refused::Blocked(blockage)) => verdict.block(&blockage),
                Err(Refused::Fault(passing)) => fault = Some(passing),
            }
        }
        let generation = self.warehouse.metadata.generation;
        let status = CostWarehouseStatus {
            observed_generation: generation,
            last_handled_reconcile_at: self.request.clone().or_else(|| old.last_handled_reconcile_at.clone()),
            conditions: conditions::write(&old.conditions, &verdict.sayings, generation, self.now),
            accounts: i32::try_from(self.served_accounts().len()).ok(),
            probe: verdict.probe.clone(),
        };
        // The status first: the probe's number in it is what keeps the next reconcile from starting the same again.
        self.patch_status(version, old, status).await?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        self.remove_old_probes(&probes, fresh.as_slice()).await?;
        Ok(verdict.wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
    }

    /// Deletes probes that are given up, and Secrets that no probe needs any more.
    async fn remove_old_probes(
        &self,
        probes: &[ObservedProbe],
        fresh: &[String],
    ) -> Result<(), ReconcileFault> {
        for (name, uid) in probes.iter().filter_map(|probe| probe.given_up.clone()) {
            start::delete_given_up(&self.jobs.context, &self.owner, &name, uid).await?;
        }
        let jobs = self.stores.jobs.of(&self.owner);
        let active: Vec<String> =
            jobs.iter().filter(|job| !concurrency::has_ended(job)).map(|job| job.name_any()).collect();
        let secrets = session::of_owner(self.stores, &self.owner);
        for (name, uid) in session::plan_upkeep(&secrets, &active, fresh, self.now).delete {
            session::delete_session(&self.jobs.context, &self.owner.namespace, &name, &uid).await?;
        }
        Ok(())
    }

    /// What a probe depends on: a change of it is worth another probe.
    fn probe_inputs(&self, valid: &ValidWarehouse) -> String {
        let secret = valid
            .access
            .secret()
            .and_then(|name| as_seen::usable_secret(self.stores, &self.owner.namespace, name));
        fingerprint::fingerprint_of(&[
            Some(&as_seen::spec_fingerprint(self.warehouse, secret.as_deref())),
            self.request.as_deref(),
            Some(env!("CARGO_PKG_VERSION")),
            Some(&self.jobs.settings.fingerprint()),
            Some(self.jobs.authorities.trust().pem()),
        ])
    }

    /// What makes a probe pointless.
    async fn find_obstacle(&self, valid: &ValidWarehouse) -> Result<Option<ProbeObstacle>, Refused> {
        if let Some(name) = valid.access.secret()
            && as_seen::usable_secret(self.stores, &self.owner.namespace, name).is_none()
        {
            let namespace = self.owner.namespace.clone();
            return Ok(Some(ProbeObstacle::SecretNotUsable { namespace, name: name.to_owned() }));
        }
        if let Some(name) = valid.access.claim() {
            let claim = start::claim_of(&self.jobs.context, &self.owner.namespace, name).await?;
            // A claim that waits for its first pod is Pending, and the probe's pod is that.
            let lost = |phase: &str| phase == "Lost";
            let phase = claim.as_ref().and_then(|claim| claim.status.as_ref()?.phase.as_deref());
            if claim.is_none() || phase.is_some_and(lost) {
                return Ok(Some(ProbeObstacle::ClaimNotUsable(name.to_owned())));
            }
        }
        Ok(None)
    }

    /// The probes that are not in status yet; what keeps their pods from being seen is noted.
    async fn observe_probes(&self, trouble: &mut ReconcileTrouble) -> Vec<ObservedProbe> {
        let jobs = self.stores.jobs.of(&self.owner);
        let recorded = self.warehouse.status.as_ref().and_then(|status| status.probe.as_ref());
        // From the recorded number on: earlier ones are in status, and their Jobs stay for a while.
        let open: Vec<_> = jobs
            .iter()
            .filter(|job| job.labels().get(mark::COMPONENT).map(String::as_str) == Some(manifest::PROBE))
            .filter_map(|job| Some((job, job.labels().get(mark::ATTEMPT)?.parse::<i64>().ok()?)))
            .filter(|(_, count)| recorded.is_none_or(|recorded| *count >= recorded.count))
            .collect();
        if open.is_empty() {
            return Vec::new();
        }
        let pods =
            trouble.take(listing::list_pods(&self.jobs.context, &self.owner, Some(manifest::PROBE)).await);
        open.into_iter().map(|(job, count)| self.observe_probe(job, count, pods.as_deref())).collect()
    }

    /// A probe; without its pods it is told whether it went well, and not why not.
    fn observe_probe(&self, job: &Job, count: i64, pods: Option<&[Pod]>) -> ObservedProbe {
        let inputs = job.annotations().get(mark::INPUTS).cloned().unwrap_or_default();
        let Some(pods) = pods else {
            let state = match observed::job_state(job, &[], |_| Some(())) {
                JobState::Failed { .. } => JobState::Unread,
                JobState::Active(_) => JobState::Active(PodBlocker::None),
                known => known,
            };
            return ObservedProbe { count, inputs, state, given_up: None };
        };
        let (state, given_up) = unstarted::state_of(job, pods, &self.jobs.podless, self.now);
        ObservedProbe { count, inputs, state, given_up: given_up.map(|uid| (job.name_any(), uid)) }
    }

    /// Starts a probe; its name.
    async fn start_probe(&self, valid: &ValidWarehouse, inputs: &str, count: i64) -> Result<String, Refused> {
        let ingestion = self.first_ingestion();
        let job = manifest::probe_job(
            &self.owner,
            ProbeAttempt { inputs, count },
            valid,
            ingestion.as_ref(),
            &self.jobs.settings,
        );
        let name = job.name_any();
        session::write_environment(self.jobs, &self.owner, &name).await?;
        start::create_job(self.jobs, &job, &self.owner).await?;
        tracing::info!(job = name, warehouse = self.owner.name, "started a probe");
        Ok(name)
    }

    /// How loads into this warehouse run, so that the probe runs where they do: as the first account that names it says.
    fn first_ingestion(&self) -> Option<Ingestion> {
        self.served_accounts()
            .into_iter()
            // The first by name and not the oldest: the same however the watch orders them, so the probe is the same too.
            .min_by(|(one, _), (other, _)| one.cmp(other))
            .map(|(_, ingestion)| ingestion)
    }

    /// The accounts that name this warehouse, each with how its loads run.
    fn served_accounts(&self) -> Vec<(String, Ingestion)> {
        self.stores
            .accounts
            .state()
            .iter()
            .filter_map(|account| account.0.as_ref().ok())
            .filter(|account| account.namespace().as_deref() == Some(&self.owner.namespace))
            .filter_map(|account| Some((account.name_any(), account.spec.ingestion.clone()?)))
            .filter(|(_, ingestion)| ingestion.warehouse_ref.name == self.owner.name)
            .collect()
    }

    async fn patch_status(
        &self,
        version: &str,
        old: &CostWarehouseStatus,
        status: CostWarehouseStatus,
    ) -> Result<(), ReconcileFault> {
        let notices = events::notices_of_change(&old.conditions, &status.conditions);
        self.write(version, old, &status).await?;
        events::publish_notices(&self.jobs.context.recorder, &self.warehouse.object_ref(&()), &notices).await;
        Ok(())
    }

    async fn write(
        &self,
        version: &str,
        old: &CostWarehouseStatus,
        new: &CostWarehouseStatus,
    ) -> Result<(), ReconcileFault> {
        let api: Api<CostWarehouse> =
            Api::namespaced(self.jobs.context.client.clone(), &self.owner.namespace);
        patch::patch_status(&api, &self.owner.name, version, old, new).await.map(drop)
    }
}

/// Ready of a warehouse with these parts.
fn ready_condition(
    status: ConditionStatus,
    reason: Reason,
    message: impl Into<String>,
) -> conditions::Saying {
    conditions::Saying::new(ConditionType::Ready, status, reason, message)
}
