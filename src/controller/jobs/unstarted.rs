//! Jobs whose pod never starts: how long one is waited for, and what is said when it is given up. A Job holds a slot that
//! others wait for, and a warehouse, a month or a deletion hangs on its end.

use std::{collections::HashMap, sync::Mutex};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::ResourceExt;

use crate::{
    api::status::FailureClass,
    controller::{
        context::{children, lock},
        jobs::{
            concurrency::has_ended,
            observed::{self, BadEnd, JobState, PodBlocker, waiting_since},
        },
    },
    model::Reason,
};

/// How long a pod may take to start. A cluster that adds a node takes some minutes, and a pull of the image one more.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// Since when Jobs were seen without a pod, by UID: nothing in the cluster says it. Lost with the process, which only waits
/// the longer then.
#[derive(Debug)]
pub struct PodlessJobs {
    patience: SignedDuration,
    seen: Mutex<HashMap<String, Timestamp>>,
}

impl PodlessJobs {
    /// With this patience.
    pub fn new(patience: SignedDuration) -> Self {
        Self { patience, seen: Mutex::default() }
    }

    /// Since when this Job was seen so, now at the latest.
    fn since(&self, job: &Job, now: Timestamp) -> Timestamp {
        *lock(&self.seen).entry(job.uid().unwrap_or_default()).or_insert(now)
    }

    /// The Job has a pod, has ended, or is gone.
    pub fn forget(&self, job: &Job) {
        if let Some(uid) = job.uid() {
            lock(&self.seen).remove(&uid);
        }
    }
}

/// The state of a Job whose message nobody reads, with those of the pods that are its own; and its UID if it is given up.
pub fn state_of(
    job: &Job,
    pods: &[Pod],
    podless: &PodlessJobs,
    now: Timestamp,
) -> (JobState<()>, Option<String>) {
    let pods = children::pods_of(job, pods);
    let state = observed::job_state(job, &pods, |_| Some(()));
    give_up(job, &pods, state, podless, now)
}

/// The state of a Job, and its UID if it is to be deleted once that is stored: one whose pod has not started in time
/// counts as failed though it has not ended.
pub fn give_up<T>(
    job: &Job,
    pods: &[Pod],
    state: JobState<T>,
    podless: &PodlessJobs,
    now: Timestamp,
) -> (JobState<T>, Option<String>) {
    let waits =
        waiting_since(job, pods).filter(|_| !has_ended(job) && job.metadata.deletion_timestamp.is_none());
    let Some(waits) = waits else {
        podless.forget(job);
        return (state, None);
    };
    // A pod says since when it waits. Of a Job that has none nothing does, so this process counts from when it saw it.
    let since = match waits.since {
        Some(since) => {
            podless.forget(job);
            since
        }
        None => podless.since(job, now),
    };
    if now.duration_since(since) < podless.patience {
        return (state, None);
    }
    let suspended = job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true));
    (JobState::Failed { at: now, end: end_of_unstarted(waits.hindrance, suspended) }, job.uid())
}

fn end_of_unstarted(hindrance: PodBlocker, suspended: bool) -> BadEnd {
    let (reason, message) = match hindrance {
        _ if suspended => (
            Reason::JobFailed,
            "the Job was suspended, so it had no pod for ten minutes: see what in the namespace suspends Jobs",
        ),
        PodBlocker::Unschedulable => (
            Reason::Unschedulable,
            "no node took the Job's pod for ten minutes: check spec.ingestion's resources, nodeSelector and tolerations, and \
             the warehouse's claim",
        ),
        PodBlocker::Image => (
            Reason::ImagePullFailed,
            "the Job's image could not be pulled for ten minutes: check the operator's image setting and \
             spec.ingestion.imagePullSecrets",
        ),
        PodBlocker::Quota => (
            Reason::QuotaExceeded,
            "the Job could not create its pod for ten minutes: a ResourceQuota, LimitRange or admission policy of the \
             namespace refuses it. The Job's events said which",
        ),
        PodBlocker::None => (
            Reason::JobFailed,
            "the Job's pod did not start within ten minutes: the namespace's events say why, such as a volume or a Secret \
             that can't be mounted",
        ),
    };
    let again = "It gave its place to others and is tried again";
    BadEnd {
        class: FailureClass::Transient,
        reason,
        message: format!("{message}. {again}"),
        superseded: false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::controller::loads::periods::tests::at;

    fn job(more: &Value) -> Job {
        let mut job = json!({
            "metadata": {"name": "load", "uid": "load-uid"}, "spec": {"template": {}},
            "status": {"startTime": at(0).to_string()}
        });
        for (key, value) in more.as_object().expect("an object") {
            job[key] = value.clone();
        }
        serde_json::from_value(job).expect("a Job")
    }

    fn pod(created: i64, status: &Value) -> Pod {
        let meta = json!({"name": "p", "creationTimestamp": at(created).to_string()});
        serde_json::from_value(json!({"metadata": meta, "status": status})).expect("a pod")
    }

    fn container(state: &Value) -> Value {
        json!([{"name": "awscost", "ready": false, "restartCount": 0, "image": "", "imageID": "", "state": state}])
    }

    /// The reason and message of a Job that is given up.
    fn given_up(job: &Job, pods: &[Pod], podless: &PodlessJobs, minute: i64) -> Option<(Reason, String)> {
        let active: JobState<()> = JobState::Active(PodBlocker::None);
        match give_up(job, pods, active.clone(), podless, at(minute)) {
            (JobState::Failed { at: told, end }, Some(uid)) => {
                assert_eq!(
                    (told, uid.as_str(), end.class),
                    (at(minute), "load-uid", FailureClass::Transient)
                );
                Some((end.reason, end.message))
            }
            (state, uid) => {
                assert_eq!((state, uid), (active, None));
                None
            }
        }
    }

    #[test]
    fn a_pod_that_does_not_start_within_ten_minutes_is_given_up_for_what_it_waits_for() {
        let unschedulable = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        ]});
        let image = json!({"phase": "Pending", "containerStatuses": container(&json!({"waiting": {"reason": "ImagePullBackOff"}}))});
        let mount = json!({"phase": "Pending", "containerStatuses": container(&json!({"waiting": {"reason": "ContainerCreating"}}))});
        for (status, reason, words) in [
            (unschedulable, Reason::Unschedulable, "no node took"),
            (image, Reason::ImagePullFailed, "could not be pulled"),
            (mount, Reason::JobFailed, "did not start"),
        ] {
            let (job, pods, podless) = (job(&json!({})), [pod(1, &status)], PodlessJobs::new(PATIENCE));
            assert_eq!(given_up(&job, &pods, &podless, 10), None, "{words}: not before");
            let (told, message) = given_up(&job, &pods, &podless, 11).expect(words);
            assert_eq!(told, reason, "{words}");
            assert!(message.contains(words) && !message.contains("CPU"), "{message}");
        }
    }

    #[test]
    fn without_a_pod_the_time_counts_from_when_that_was_seen() {
        let (job, podless) = (job(&json!({})), PodlessJobs::new(PATIENCE));
        assert_eq!(given_up(&job, &[], &podless, 100), None, "its pod may have gone a second ago");
        assert_eq!(given_up(&job, &[], &podless, 109), None);
        let runs = pod(100, &json!({"phase": "Running"}));
        assert_eq!(given_up(&job, &[], &podless, 110).expect("given up").0, Reason::QuotaExceeded);
        assert_eq!(given_up(&job, &[runs], &podless, 111), None);
        assert_eq!(given_up(&job, &[], &podless, 112), None, "it had a pod in between");
    }

    #[test]
    fn a_suspended_job_is_called_that() {
        let podless = PodlessJobs::new(PATIENCE);
        let suspended = job(&json!({"spec": {"suspend": true, "template": {}}, "status": {}}));
        assert_eq!(given_up(&suspended, &[], &podless, 0), None);
        let (reason, message) = given_up(&suspended, &[], &podless, 10).expect("given up");
        assert!(reason == Reason::JobFailed && message.contains("suspended"), "{message}");
    }

    #[test]
    fn what_runs_or_has_ended_or_is_being_deleted_is_never_given_up() {
        let podless = PodlessJobs::new(PATIENCE);
        let failed = pod(
            0,
            &json!({"phase": "Failed", "containerStatuses": container(&json!({"terminated": {"exitCode": 1}}))}),
        );
        let runs =
            pod(0, &json!({"phase": "Running", "containerStatuses": container(&json!({"running": {}}))}));
        let ended = job(&json!({"status": {"conditions": [{"type": "Failed", "status": "True"}]}}));
        let mut going = job(&json!({}));
        going.metadata.deletion_timestamp = serde_json::from_value(json!(at(0).to_string())).ok();
        for (job, pods) in [(job(&json!({})), vec![runs]), (ended, vec![failed]), (going, vec![])] {
            assert_eq!(given_up(&job, &pods, &podless, 1), None);
            assert_eq!(given_up(&job, &pods, &podless, 600), None);
        }
    }
}
