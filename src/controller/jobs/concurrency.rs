//! Who may start a Job now: counts what is at work, the watch's view and what was just started together.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;

use crate::controller::{
    context::{children::is_of, lock},
    jobs::manifest::{Load, Owner, mark},
    loads::decide::{Usage, Writers, admitted},
    settings::JobLimits,
};

/// How long a started Job counts though no watch has shown it: far longer than a watch is ever behind.
const UNSEEN: SignedDuration = SignedDuration::from_mins(2);

/// The count of Jobs at work.
#[derive(Debug)]
pub struct Slots {
    limits: JobLimits,
    started: Mutex<HashMap<String, Started>>,
}

#[derive(Debug, Clone)]
struct Started {
    account: Owner,
    warehouse: String,
    at: Timestamp,
}

/// Which loads may start, and how many wait.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admission {
    /// These may.
    pub loads: Vec<Load>,
    /// These many wait for their turn.
    pub queued: usize,
    /// Jobs that were started a moment ago and that the watch does not show yet.
    pub pending: Vec<String>,
}

impl Slots {
    /// No Job at work.
    pub fn new(limits: JobLimits) -> Self {
        Self { limits, started: Mutex::default() }
    }

    /// Takes slots for as many of the loads as limits allow, the first ones first. `jobs` are the Jobs of all accounts, as
    /// the watches show them, each with its account.
    pub fn take(
        &self,
        account: &Owner,
        warehouse: (&str, Writers),
        loads: Vec<Load>,
        jobs: &[(Owner, Arc<Job>)],
        now: Timestamp,
    ) -> Admission {
        let mut started = lock(&self.started);
        for (owner, job) in jobs {
            forget(&mut started, &job.name_any(), |started| started.account.uid == owner.uid);
        }
        started.retain(|_, job| now.duration_since(job.at) < UNSEEN);
        let usage = {
            let mut count = Count::new(account, warehouse.0);
            for (owner, job) in jobs.iter().filter(|(_, job)| !ended(job)) {
                count.add(owner, job.labels().get(mark::WAREHOUSE_UID).map_or("", String::as_str));
            }
            for job in started.values() {
                count.add(&job.account, &job.warehouse);
            }
            count.usage(self.limits.per_account)
        };
        let mut admission = Admission::default();
        let mut free = admitted(usage, warehouse.1, &self.limits);
        for load in loads {
            let name = load.job_name(&account.uid);
            match started.entry(name) {
                Entry::Occupied(pending) => admission.pending.push(pending.key().clone()),
                Entry::Vacant(_) if free == 0 => admission.queued += 1,
                Entry::Vacant(slot) => {
                    free -= 1;
                    slot.insert(Started {
                        account: account.clone(),
                        warehouse: warehouse.0.to_owned(),
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
        forget(&mut lock(&self.started), &job.name_any(), |started| is_of(job, &started.account));
    }
}

fn forget(started: &mut HashMap<String, Started>, job: &str, is_it: impl Fn(&Started) -> bool) {
    if started.get(job).is_some_and(is_it) {
        started.remove(job);
    }
}

/// What is at work, seen from one account that wants to start loads.
struct Count<'a> {
    account: &'a Owner,
    warehouse: &'a str,
    into_warehouse: usize,
    by_account: HashMap<&'a str, usize>,
}

impl<'a> Count<'a> {
    fn new(account: &'a Owner, warehouse: &'a str) -> Self {
        Self { account, warehouse, into_warehouse: 0, by_account: HashMap::new() }
    }

    fn add(&mut self, owner: &'a Owner, warehouse: &str) {
        *self.by_account.entry(&owner.uid).or_default() += 1;
        // No account loads into a warehouse of another namespace, whatever a label says.
        let same = owner.namespace == self.account.namespace && warehouse == self.warehouse;
        self.into_warehouse += usize::from(same);
    }

    /// Who writes Jobs of their own in an account's name holds no more of the cluster's slots than the account may.
    fn usage(&self, per_account: usize) -> Usage {
        Usage {
            account: self.by_account.get(self.account.uid.as_str()).copied().unwrap_or_default(),
            warehouse: self.into_warehouse,
            cluster: self.by_account.values().map(|jobs| (*jobs).min(per_account)).sum(),
        }
    }
}

/// True if a Job has ended, one way or another.
pub fn ended(job: &Job) -> bool {
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

    fn load(month: &str) -> Load {
        Load {
            period: period(month),
            version: version("v"),
            kind: ReportKind::Cur2,
            attempt: 1,
            inputs: String::new(),
        }
    }

    fn job(name: &str, account: &str, warehouse: &str, condition: &str) -> (Owner, Arc<Job>) {
        let owner = children::tests::account("finops", account);
        let mut job = children::tests::made_for(&owner, name);
        job["metadata"]["labels"]["awscost.io/warehouse-uid"] = warehouse.into();
        job["status"] = json!({"conditions": [{"type": condition, "status": "True"}]});
        (owner, Arc::new(serde_json::from_value(job).expect("a Job")))
    }

    fn take(
        slots: &Slots,
        account: &str,
        months: &[&str],
        jobs: &[(Owner, Arc<Job>)],
        minute: i64,
    ) -> (usize, usize, usize) {
        let loads = months.iter().map(|month| load(month)).collect();
        let account = children::tests::account("finops", account);
        let admission = slots.take(&account, ("lake", Writers::Many), loads, jobs, at(minute));
        (admission.loads.len(), admission.queued, admission.pending.len())
    }

    const MONTHS: [&str; 3] = ["2026-11", "2026-10", "2026-09"];

    #[test]
    fn two_an_account_and_four_a_warehouse() {
        let slots = Slots::new(JobLimits::default());
        assert_eq!(take(&slots, "a", &MONTHS, &[], 0), (2, 1, 0));
        assert_eq!(take(&slots, "b", &MONTHS, &[], 0), (2, 1, 0));
        assert_eq!(take(&slots, "c", &MONTHS, &[], 0), (0, 3, 0), "the warehouse is full");
    }

    #[test]
    fn what_was_just_started_is_not_started_again() {
        let slots = Slots::new(JobLimits::default());
        take(&slots, "a", &MONTHS[..1], &[], 0);
        assert_eq!(take(&slots, "a", &MONTHS[..1], &[], 0), (0, 0, 1));
        assert_eq!(take(&slots, "a", &MONTHS[..1], &[], 3), (1, 0, 0), "nor is it held for ever");
    }

    #[test]
    fn ended_jobs_and_given_back_slots_are_free() {
        let slots = Slots::new(JobLimits::default());
        let jobs = [job("1", "a", "lake", "Complete"), job("2", "a", "lake", "Suspended")];
        assert_eq!(take(&slots, "a", &MONTHS, &jobs, 0), (1, 2, 0));
        slots.give_back(&load(MONTHS[0]).job_name("a"));
        assert_eq!(take(&slots, "a", &MONTHS, &jobs, 0), (1, 2, 0));
    }

    #[test]
    fn nobody_holds_more_than_an_accounts_slots_in_an_accounts_name() {
        let slots = Slots::new(JobLimits { cluster: 4, ..JobLimits::default() });
        let many: Vec<_> = (0..20).map(|number| job(&number.to_string(), "b", "pond", "Suspended")).collect();
        assert_eq!(take(&slots, "a", &MONTHS, &many, 0), (2, 1, 0), "two of the four are left");
    }

    #[test]
    fn a_label_of_another_namespace_fills_no_warehouse() {
        let slots = Slots::new(JobLimits { per_warehouse: 1, ..JobLimits::default() });
        let (mut elsewhere, job) = job("1", "b", "lake", "Suspended");
        elsewhere.namespace = "elsewhere".to_owned();
        assert_eq!(take(&slots, "a", &MONTHS[..1], &[(elsewhere, job)], 0), (1, 0, 0));
    }
}
