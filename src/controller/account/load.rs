//! What a pass starts and keeps up: loads within limits, and the sessions of those that run.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::{
    connection::{Finding, Target, checks},
    controller::{
        account::{Base, Pass},
        context::{Memory, Stores},
        error::refusal::Trouble,
        jobs::{
            apply::{self, Loader, Refused, Started},
            manifest::WarehouseOf,
            observed::{JobState, LoadJob},
            session,
        },
        loads::decide::{self, Situation},
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

impl Pass<'_> {
    /// Starts what may start, and tells when something is tried again. Where it can't be told how earlier loads ended,
    /// nothing may start: `trouble` says so already.
    pub(super) async fn load(
        &self,
        memory: &Memory,
        side: LoadSide<'_>,
        trouble: &mut Trouble,
    ) -> (Started, Option<Timestamp>) {
        let nothing = Started::default();
        let blind = trouble.blockage.is_some() || trouble.fault.is_some();
        let (Some(target), Some(found)) = (side.target, &side.warehouse.found) else {
            return (nothing, None);
        };
        let held = side.findings.iter().any(|finding| checks::holds_ready_down(finding, target));
        if held || blind || side.warehouse.saying.status != ConditionStatus::True {
            return (nothing, None);
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
        let retry_at = decision.retry_at;
        if decision.loads.is_empty() {
            return (nothing, retry_at);
        }
        let writers = apply::writers(self.context, &self.owner.namespace, &found.valid).await;
        let Some(writers) = trouble.take(writers) else { return (nothing, retry_at) };
        let jobs: Vec<_> = self.context.all_stores().iter().flat_map(Stores::jobs_of_accounts).collect();
        let admission =
            self.context.slots.take(&self.owner, (&found.uid, writers), decision.loads, &jobs, self.now);
        let loader = self.loader((side.valid, side.bill), target, found);
        (loader.start(admission, trouble).await, retry_at)
    }

    /// What Jobs of the account are made from.
    fn loader<'a>(
        &'a self,
        (account, bill): (&'a ValidAccount, &'a Bill),
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

    /// Renews session Secrets, as far as the role may be assumed, and then removes those that ended; when the next renewal
    /// is due.
    pub(super) async fn keep_sessions(
        &self,
        target: Option<&Target>,
        (valid, bill): (&ValidAccount, &Bill),
        jobs: &[LoadJob],
        fresh: &[String],
        trouble: &mut Trouble,
    ) -> Option<Timestamp> {
        let active: Vec<String> = jobs
            .iter()
            .filter(|job| matches!(job.state, JobState::Active(_)))
            .map(|job| job.name.clone())
            .collect();
        let secrets = session::of_owner(self.stores, &self.owner);
        let upkeep = session::upkeep(&secrets, &active, fresh, self.now);
        let warehouse = standing::warehouse(self.stores, &self.owner.namespace, &bill.warehouse);
        if let (false, Some(found), Some(target)) = (upkeep.renew.is_empty(), &warehouse.found, target) {
            self.loader((valid, bill), target, found).renew(&upkeep.renew, trouble).await;
        }
        for (name, uid) in &upkeep.delete {
            let deleted = session::delete(self.context, &self.owner.namespace, name, uid).await;
            trouble.take(deleted.map_err(Refused::from));
        }
        upkeep.next
    }
}
