//! Who may start a Job now: counts what is at work, the watch's view and what was just started together.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Mutex,
};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;

use super::{
    context::lock,
    decide::{Usage, Writers, admitted},
    job::{Load, mark},
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
    account: String,
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

    /// Takes slots for as many of the loads as limits allow, the first ones first. `jobs` is the watch's view of all
    /// our Jobs.
    pub fn take<'a>(
        &self,
        account: &str,
        warehouse: (&str, Writers),
        loads: Vec<Load>,
        jobs: impl Iterator<Item = &'a Job>,
        now: Timestamp,
    ) -> Admission {
        let mut started = lock(&self.started);
        let mut usage = Usage::default();
        let mut count = |of_account: &str, of_warehouse: &str| {
            usage.cluster += 1;
            usage.account += usize::from(of_account == account);
            usage.warehouse += usize::from(of_warehouse == warehouse.0);
        };
        for job in jobs {
            started.remove(&job.name_any());
            let label = |name: &str| job.labels().get(name).map(String::as_str).unwrap_or_default();
            if !ended(job) && !label(mark::ACCOUNT_UID).is_empty() {
                count(label(mark::ACCOUNT_UID), label(mark::WAREHOUSE_UID));
            }
        }
        started.retain(|_, job| now.duration_since(job.at) < UNSEEN);
        for job in started.values() {
            count(&job.account, &job.warehouse);
        }
        let mut admission = Admission::default();
        let mut free = admitted(usage, warehouse.1, &self.limits);
        for load in loads {
            let name = load.job_name(account);
            match started.entry(name) {
                Entry::Occupied(pending) => admission.pending.push(pending.key().clone()),
                Entry::Vacant(_) if free == 0 => admission.queued += 1,
                Entry::Vacant(slot) => {
                    free -= 1;
                    slot.insert(Started {
                        account: account.to_owned(),
                        warehouse: warehouse.0.to_owned(),
                        at: now,
                    });
                    admission.loads.push(load);
                }
            }
        }
        admission
    }

    /// Gives a slot back: the Job could not be created, or is gone.
    pub fn give_back(&self, job: &str) {
        lock(&self.started).remove(job);
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
        controller::periods::tests::{at, period, version},
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

    fn job(name: &str, account: &str, warehouse: &str, condition: &str) -> Job {
        serde_json::from_value(json!({
            "metadata": {"name": name, "labels": {
                "awscost.io/account-uid": account, "awscost.io/warehouse-uid": warehouse
            }},
            "status": {"conditions": [{"type": condition, "status": "True"}]}
        }))
        .expect("a Job")
    }

    fn take(
        slots: &Slots,
        account: &str,
        months: &[&str],
        jobs: &[Job],
        minute: i64,
    ) -> (usize, usize, usize) {
        let loads = months.iter().map(|month| load(month)).collect();
        let admission = slots.take(account, ("lake", Writers::Many), loads, jobs.iter(), at(minute));
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
}
