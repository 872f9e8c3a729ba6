//! What a pass starts and keeps up: loads within limits, and the sessions of those that run.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use sha2::{Digest, Sha256};

use super::{Base, Pass};
use crate::{
    connection::{Finding, Target, checks},
    controller::{
        apply::{self, Loader, Started},
        context::Memory,
        decide::{self, Situation},
        error::ReconcileFault,
        job::{WarehouseOf, mark},
        session,
        sight::{JobState, LoadJob},
        slots,
        standing::{self, FoundWarehouse, WarehouseSight},
        validate::{Bill, ValidAccount},
    },
    model::{BillingPeriod, ConditionStatus},
};

/// What loads are started from.
pub(super) struct LoadSide<'a> {
    pub valid: &'a ValidAccount,
    pub bill: &'a Bill,
    pub base: &'a Base,
    pub jobs: &'a [LoadJob],
    pub target: Option<&'a Target>,
    pub findings: &'a [Finding],
    pub warehouse: &'a WarehouseSight,
    pub wanted: &'a [BillingPeriod],
}

/// What came of it.
#[derive(Default)]
pub(super) struct Loading {
    pub started: Started,
    pub retry_at: Option<Timestamp>,
}

impl Pass<'_> {
    /// Starts what may start.
    pub(super) async fn load(&self, memory: &Memory, side: LoadSide<'_>) -> Result<Loading, ReconcileFault> {
        let mut loading = Loading::default();
        let (Some(target), Some(found)) = (side.target, &side.warehouse.found) else { return Ok(loading) };
        let held = side.findings.iter().any(|finding| checks::holds_ready_down(finding, target));
        if held || side.warehouse.saying.status != ConditionStatus::True {
            return Ok(loading);
        }
        let inputs = self.inputs(side.valid, found);
        let retry_delay =
            self.context.settings.testing.retry_delay.and_then(|delay| SignedDuration::try_from(delay).ok());
        let decision = decide::decide(&Situation {
            wanted: side.wanted,
            stored: &side.base.status.periods,
            found: memory.deliveries.known(),
            jobs: side.jobs,
            inputs: &inputs,
            retry_delay,
            now: self.now,
        });
        loading.retry_at = decision.retry_at;
        if decision.loads.is_empty() {
            return Ok(loading);
        }
        let writers = apply::writers(self.context, &self.owner.namespace, &found.valid).await?;
        let jobs = apply::all_jobs(self.context.all_stores());
        let admission = self.context.slots.take(
            &self.owner.uid,
            (&found.uid, writers),
            decision.loads,
            jobs.iter().map(Arc::as_ref),
            self.now,
        );
        let loader = Loader {
            context: self.context,
            owner: &self.owner,
            account: side.valid,
            bill: side.bill,
            target,
            warehouse: WarehouseOf { uid: &found.uid, spec: &found.valid },
        };
        loading.started = loader.start(admission).await?;
        Ok(loading)
    }

    /// Fingerprint of everything a load depends on besides the version: a change of it is worth another attempt.
    fn inputs(&self, valid: &ValidAccount, warehouse: &FoundWarehouse) -> String {
        let secret = self.secret_version(valid);
        let text = format!(
            "{:?}\n{secret:?}\n{}\n{:?}\n{}\n{}",
            self.generation(),
            warehouse.fingerprint,
            self.wish,
            env!("CARGO_PKG_VERSION"),
            self.context.jobs.fingerprint(),
        );
        hex::encode(&Sha256::digest(text)[..8])
    }

    /// Renews session Secrets, as far as the role may be assumed, and removes those that ended; when the next renewal is due.
    pub(super) async fn keep_sessions(
        &self,
        target: Option<&Target>,
        valid: &ValidAccount,
        bill: &Bill,
        jobs: &[LoadJob],
        fresh: &[String],
    ) -> Result<Option<Timestamp>, ReconcileFault> {
        let all = self.stores.jobs_of(mark::ACCOUNT_UID, &self.owner.uid);
        let ended = |name: &str| all.iter().any(|job| job.name_any() == name && slots::ended(job));
        let active: Vec<String> = jobs
            .iter()
            .filter(|job| matches!(job.state, JobState::Active(_)))
            .map(|job| job.name.clone())
            .collect();
        let secrets = session::of_account(self.stores, &self.owner.uid, &ended);
        let upkeep = session::upkeep(&secrets, &active, fresh, self.now);
        for (name, uid) in &upkeep.delete {
            session::delete(self.context, &self.owner.namespace, name, uid).await?;
        }
        let warehouse = standing::warehouse(self.stores, &self.owner.namespace, &bill.warehouse);
        if let (false, Some(found), Some(target)) = (upkeep.renew.is_empty(), &warehouse.found, target) {
            let loader = Loader {
                context: self.context,
                owner: &self.owner,
                account: valid,
                bill,
                target,
                warehouse: WarehouseOf { uid: &found.uid, spec: &found.valid },
            };
            loader.renew(&upkeep.renew).await?;
        }
        Ok(upkeep.next)
    }
}
