//! What a pass starts and keeps up: loads within limits, and the sessions of those that run.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use sha2::{Digest, Sha256};

use super::{Base, Pass};
use crate::{
    connection::{Finding, Target, checks},
    controller::{
        apply::{self, Loader, Refused, Started},
        context::{Memory, Stores},
        decide::{self, Situation},
        job::WarehouseOf,
        refusal::Trouble,
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

/// What came of looking after sessions.
pub(super) struct Kept {
    /// When the next renewal is due.
    pub next: Option<Timestamp>,
    pub trouble: Trouble,
}

impl Pass<'_> {
    /// Starts what may start. Where it can't be told how earlier loads ended, nothing may: `trouble` says so already.
    pub(super) async fn load(&self, memory: &Memory, side: LoadSide<'_>, trouble: Trouble) -> Loading {
        let blind = trouble.blockage.is_some() || trouble.fault.is_some();
        let mut loading =
            Loading { started: Started { trouble, ..Started::default() }, ..Loading::default() };
        let (Some(target), Some(found)) = (side.target, &side.warehouse.found) else { return loading };
        let held = side.findings.iter().any(|finding| checks::holds_ready_down(finding, target));
        if held || blind || side.warehouse.saying.status != ConditionStatus::True {
            return loading;
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
            return loading;
        }
        let writers = apply::writers(self.context, &self.owner.namespace, &found.valid).await;
        let Some(writers) = loading.started.trouble.take(writers) else { return loading };
        let jobs: Vec<_> = self.context.all_stores().iter().flat_map(Stores::jobs_of_accounts).collect();
        let admission =
            self.context.slots.take(&self.owner, (&found.uid, writers), decision.loads, &jobs, self.now);
        loading.started = self.loader(side.valid, side.bill, target, found).start(admission).await;
        loading
    }

    /// What Jobs of the account are made from.
    fn loader<'a>(
        &'a self,
        account: &'a ValidAccount,
        bill: &'a Bill,
        target: &'a Target,
        warehouse: &'a FoundWarehouse,
    ) -> Loader<'a> {
        let warehouse = WarehouseOf { uid: &warehouse.uid, spec: &warehouse.valid };
        Loader { context: self.context, owner: &self.owner, account, bill, target, warehouse }
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

    /// Renews session Secrets, as far as the role may be assumed, and then removes those that ended.
    pub(super) async fn keep_sessions(
        &self,
        target: Option<&Target>,
        valid: &ValidAccount,
        bill: &Bill,
        jobs: &[LoadJob],
        fresh: &[String],
    ) -> Kept {
        let all = self.stores.jobs.of(&self.owner);
        let ended = |name: &str| all.iter().any(|job| job.name_any() == name && slots::ended(job));
        let active: Vec<String> = jobs
            .iter()
            .filter(|job| matches!(job.state, JobState::Active(_)))
            .map(|job| job.name.clone())
            .collect();
        let secrets = session::of_owner(self.stores, &self.owner, &ended);
        let upkeep = session::upkeep(&secrets, &active, fresh, self.now);
        let mut kept = Kept { next: upkeep.next, trouble: Trouble::default() };
        let warehouse = standing::warehouse(self.stores, &self.owner.namespace, &bill.warehouse);
        if let (false, Some(found), Some(target)) = (upkeep.renew.is_empty(), &warehouse.found, target) {
            kept.trouble = self.loader(valid, bill, target, found).renew(&upkeep.renew).await;
        }
        for (name, uid) in &upkeep.delete {
            let deleted = session::delete(self.context, &self.owner.namespace, name, uid).await;
            kept.trouble.take(deleted.map_err(Refused::from));
        }
        kept
    }
}
