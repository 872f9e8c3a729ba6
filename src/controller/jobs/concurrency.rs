//! Who may start a Job now: counts what is at work, the watch's view and what was just started together.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;

use crate::controller::{
    context::{ObjectOwner, children::is_of, lock, mark},
    jobs::manifest::PlannedLoad,
    settings::JobLimits,
};

/// How long a started Job counts though no watch has shown it: far longer than a watch is ever behind.
const UNSEEN: SignedDuration = SignedDuration::from_mins(2);

/// The count of Jobs at work.
#[derive(Debug)]
pub struct JobSlots {
    limits: JobLimits,
    started: Mutex<HashMap<String, StartedJob>>,
}

#[derive(Debug, Clone)]
struct StartedJob {
    account: ObjectOwner,
    warehouse: String,
    at: Timestamp,
}

/// Which loads may start, and how many wait.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdmittedLoads {
    /// These may start: each holds a slot.
    pub loads: Vec<PlannedLoad>,
    /// These many wait for their turn.
    pub queued: usize,
    /// Jobs that were started a moment ago and that the watch does not show yet.
    pub pending: Vec<String>,
}

/// The loads that an account wants to start.
#[derive(Debug)]
pub struct SlotRequest<'a> {
    /// Whose loads they are.
    pub account: &'a ObjectOwner,
    /// The UID of the warehouse they go into.
    pub warehouse: &'a str,
    /// How many pods it takes at once.
    pub writers: WarehouseWriters,
    /// The loads, the most urgent first.
    pub loads: Vec<PlannedLoad>,
}

impl JobSlots {
    /// No Job at work.
    pub fn new(limits: JobLimits) -> Self {
        Self { limits, started: Mutex::default() }
    }

    /// Takes slots for as many of the loads as limits allow, the first ones first. `jobs` are the Jobs of all accounts, as
    /// the watches show them, each with its account.
    pub fn take(
        &self,
        wanted: SlotRequest<'_>,
        jobs: &[(ObjectOwner, Arc<Job>)],
        now: Timestamp,
    ) -> AdmittedLoads {
        let SlotRequest { account, warehouse, writers, loads } = wanted;
        // Under one lock from the count to the entry: two accounts that ask at once must not both get the last slot.
        let mut started = lock(&self.started);
        // What a watch shows counts as shown, and no longer as just started: else it would count twice.
        for (owner, job) in jobs {
            forget_started(&mut started, &job.name_any(), |started| started.account.uid == owner.uid);
        }
        // A Job that no watch ever shows was deleted at once, or its create failed after it was counted.
        started.retain(|_, job| now.duration_since(job.at) < UNSEEN);
        let usage = {
            let mut count = JobCount::new(account, warehouse);
            for (owner, job) in jobs.iter().filter(|(_, job)| !has_ended(job)) {
                count.add_job(owner, job.labels().get(mark::WAREHOUSE_UID).map_or("", String::as_str));
            }
            for job in started.values() {
                count.add_job(&job.account, &job.warehouse);
            }
            count.job_usage(self.limits.per_account)
        };
        let mut admission = AdmittedLoads::default();
        let mut free = count_admitted(usage, writers, &self.limits);
        for load in loads {
            let name = load.job_name(&account.uid);
            match started.entry(name) {
                // The create went well and the watch is behind: not a second one, and not one that waits either.
                Entry::Occupied(pending) => admission.pending.push(pending.key().clone()),
                Entry::Vacant(_) if free == 0 => admission.queued += 1,
                Entry::Vacant(slot) => {
                    free -= 1;
                    slot.insert(StartedJob {
                        account: account.clone(),
                        warehouse: warehouse.to_owned(),
                        at: now,
                    });
                    admission.loads.push(load);
                }
            }
        }
        admission
    }

    /// Gives a slot back: the Job could not be created.
    pub fn give_back(&self, job: &str) {
        lock(&self.started).remove(job);
    }

    /// A Job is gone: if it is the one that was started, and not another of its name, its slot is free.
    pub fn went(&self, job: &Job) {
        forget_started(&mut lock(&self.started), &job.name_any(), |started| is_of(job, &started.account));
    }
}

fn forget_started(started: &mut HashMap<String, StartedJob>, job: &str, is_it: impl Fn(&StartedJob) -> bool) {
    if started.get(job).is_some_and(is_it) {
        started.remove(job);
    }
}

/// What is at work, seen from one account that wants to start loads.
struct JobCount<'a> {
    account: &'a ObjectOwner,
    warehouse: &'a str,
    into_warehouse: usize,
    by_account: HashMap<&'a str, usize>,
}

impl<'a> JobCount<'a> {
    fn new(account: &'a ObjectOwner, warehouse: &'a str) -> Self {
        Self { account, warehouse, into_warehouse: 0, by_account: HashMap::new() }
    }

    fn add_job(&mut self, owner: &'a ObjectOwner, warehouse: &str) {
        *self.by_account.entry(&owner.uid).or_default() += 1;
        // No account loads into a warehouse of another namespace, whatever a label says.
        let same = owner.namespace == self.account.namespace && warehouse == self.warehouse;
        self.into_warehouse += usize::from(same);
    }

    /// Who writes Jobs of their own in an account's name holds no more of the cluster's slots than the account may.
    fn job_usage(&self, per_account: usize) -> JobUsage {
        JobUsage {
            account: self.by_account.get(self.account.uid.as_str()).copied().unwrap_or_default(),
            warehouse: self.into_warehouse,
            cluster: self.by_account.values().map(|jobs| (*jobs).min(per_account)).sum(),
        }
    }
}

/// How many Jobs are at work, seen from one load that wants to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobUsage {
    /// Those of the account.
    pub account: usize,
    /// Those that write to the warehouse.
    pub warehouse: usize,
    /// Those of all accounts.
    pub cluster: usize,
}

/// How many pods may write to a warehouse at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarehouseWriters {
    /// One: its claim is mounted by one node, or by one pod.
    One,
    /// As many as settings allow.
    Many,
}

/// How many of the wanted loads may start.
pub fn count_admitted(usage: JobUsage, writers: WarehouseWriters, limits: &JobLimits) -> usize {
    let per_warehouse = match writers {
        WarehouseWriters::One => 1,
        WarehouseWriters::Many => limits.per_warehouse,
    };
    limits
        .per_account
        .saturating_sub(usage.account)
        .min(per_warehouse.saturating_sub(usage.warehouse))
        .min(limits.cluster.saturating_sub(usage.cluster))
}

/// True if a Job has ended, one way or another.
pub fn has_ended(job: &Job) -> bool {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|condition| {
        condition.status == "True" && ["Complete", "Failed"].contains(&condition.type_.as_str())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        controller::{
            context::children,
            loads::periods::tests::{at, period, version},
        },
        model::ReportKind,
    };

    fn load(month: &str) -> PlannedLoad {
        PlannedLoad {
            period: period(month),
            version: version("v"),
            kind: ReportKind::Cur2,
            attempt: 1,
            inputs: String::new(),
        }
    }

    fn job(name: &str, account: &str, warehouse: &str, condition: &str) -> (ObjectOwner, Arc<Job>) {
        let owner = children::tests::account("finops", account);
        let mut job = children::tests::made_for(&owner, name);
        job["metadata"]["labels"]["awscost.io/warehouse-uid"] = warehouse.into();
        job["status"] = json!({"conditions": [{"type": condition, "status": "True"}]});
        (owner, Arc::new(serde_json::from_value(job).expect("a Job")))
    }

    fn take(
        slots: &JobSlots,
        account: &str,
        months: &[&str],
        jobs: &[(ObjectOwner, Arc<Job>)],
        minute: i64,
    ) -> (usize, usize, usize) {
        let loads = months.iter().map(|month| load(month)).collect();
        let account = children::tests::account("finops", account);
        let admission = slots.take(
            SlotRequest { account: &account, warehouse: "lake", writers: WarehouseWriters::Many, loads },
            jobs,
            at(minute),
        );
        (admission.loads.len(), admission.queued, admission.pending.len())
    }

    const MONTHS: [&str; 3] = ["2026-11", "2026-10", "2026-09"];

    #[test]
    fn two_an_account_and_four_a_warehouse() {
        let slots = JobSlots::new(JobLimits::default());
        assert_eq!(take(&slots, "a", &MONTHS, &[], 0), (2, 1, 0));
        assert_eq!(take(&slots, "b", &MONTHS, &[], 0), (2, 1, 0));
        assert_eq!(take(&slots, "c", &MONTHS, &[], 0), (0, 3, 0), "the warehouse is full");
    }

    #[test]
    fn what_was_just_started_is_not_started_again() {
        let slots = JobSlots::new(JobLimits::default());
        take(&slots, "a", &MONTHS[..1], &[], 0);
        assert_eq!(take(&slots, "a", &MONTHS[..1], &[], 0), (0, 0, 1));
        assert_eq!(take(&slots, "a", &MONTHS[..1], &[], 3), (1, 0, 0), "nor is it held for ever");
    }

    #[test]
    fn ended_jobs_and_given_back_slots_are_free() {
        let slots = JobSlots::new(JobLimits::default());
        let jobs = [job("1", "a", "lake", "Complete"), job("2", "a", "lake", "Suspended")];
        assert_eq!(take(&slots, "a", &MONTHS, &jobs, 0), (1, 2, 0));
        slots.give_back(&load(MONTHS[0]).job_name("a"));
        assert_eq!(take(&slots, "a", &MONTHS, &jobs, 0), (1, 2, 0));
    }

    #[test]
    fn nobody_holds_more_than_an_accounts_slots_in_an_accounts_name() {
        let slots = JobSlots::new(JobLimits { cluster: 4, ..JobLimits::default() });
        let many: Vec<_> = (0..20).map(|number| job(&number.to_string(), "b", "pond", "Suspended")).collect();
        assert_eq!(take(&slots, "a", &MONTHS, &many, 0), (2, 1, 0), "two of the four are left");
    }

    #[test]
    fn a_label_of_another_namespace_fills_no_warehouse() {
        let slots = JobSlots::new(JobLimits { per_warehouse: 1, ..JobLimits::default() });
        let (mut elsewhere, job) = job("1", "b", "lake", "Suspended");
        elsewhere.namespace = "elsewhere".to_owned();
        assert_eq!(take(&slots, "a", &MONTHS[..1], &[(elsewhere, job)], 0), (1, 0, 0));
    }

    #[test]
    fn the_tightest_limit_counts() {
        let limits = JobLimits::default();
        let admit = |account, warehouse, cluster, writers| {
            count_admitted(JobUsage { account, warehouse, cluster }, writers, &limits)
        };
        assert_eq!(admit(0, 0, 0, WarehouseWriters::Many), 2);
        assert_eq!(admit(1, 1, 1, WarehouseWriters::Many), 1);
        assert_eq!(admit(0, 3, 3, WarehouseWriters::Many), 1);
        assert_eq!(admit(0, 0, 9, WarehouseWriters::Many), 1);
        assert_eq!(admit(0, 0, 0, WarehouseWriters::One), 1);
        assert_eq!(admit(0, 1, 1, WarehouseWriters::One), 0);
        assert_eq!(admit(5, 5, 50, WarehouseWriters::Many), 0);
    }
}
