//! A Job as the operator sees it: what it loads, and how far it is or how it ended. Pure: Job and pods in, value out.
//!
//! A termination message is written inside a pod, so it is read as untrusted: bounded, parsed, and its words
//! reduced to our reasons and to printable text.

use jiff::Timestamp;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ContainerStatus, Pod},
};
use kube::ResourceExt;

use crate::{
    api::{conditions::bounded_to, status::FailureClass},
    controller::{context::mark, jobs::manifest::CONTAINER},
    model::{BillingPeriod, ExitCode, PeriodReport, Reason, VersionIdentity},
};

/// The most a kubelet takes from a termination log.
const MESSAGE_LIMIT: usize = 4096;
/// The longest message of a failed load, as the schema of status has it: there may be one for each month.
const MAX_FAILURE: usize = 1024;

/// One load's Job.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadJob {
    /// Its name, and its session Secret's.
    pub name: String,
    /// The month it loads.
    pub period: BillingPeriod,
    /// The version it loads.
    pub version: VersionIdentity,
    /// Which attempt it is.
    pub attempt: i32,
    /// Fingerprint of what it depended on.
    pub inputs: String,
    /// How far it is.
    pub state: JobState<LoadOutcome>,
    /// The UID of a Job that has not ended and is given up: it is to be deleted once its end is stored.
    pub given_up: Option<String>,
}

/// How far a Job is.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState<T> {
    /// At work, or about to be.
    Active(PodBlocker),
    /// Ended. Its pods can't be listed, so nobody knows yet how.
    Unread,
    /// Ended well, with what it reported if that could be read.
    Done {
        /// When.
        at: Timestamp,
        /// What it said.
        report: Option<T>,
    },
    /// Ended otherwise.
    Failed {
        /// When.
        at: Timestamp,
        /// How.
        end: BadEnd,
    },
}

impl<T> JobState<T> {
    /// When it ended; `None` unless it is known how.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Active(_) | Self::Unread => None,
            Self::Done { at, .. } | Self::Failed { at, .. } => Some(*at),
        }
    }
}

/// What keeps a pod from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodBlocker {
    /// Nothing that a pod or a Job says: most pods need a moment.
    None,
    /// No node takes it.
    Unschedulable,
    /// Its image does not come.
    Image,
    /// A quota forbids it.
    Quota,
}

/// What a load said when it ended well.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadOutcome {
    /// Its report.
    pub report: PeriodReport,
}

/// How a Job ended badly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEnd {
    /// What kind of fault.
    pub class: FailureClass,
    /// Why, from the closed list.
    pub reason: Reason,
    /// One sentence for people.
    pub message: String,
    /// True where the warehouse holds a newer version: nothing is wrong.
    pub superseded: bool,
}

/// Reads a load's Job; `None` for a Job that lacks our marks.
pub fn load_job(job: &Job, pods: &[Pod]) -> Option<LoadJob> {
    let labels = job.labels();
    let period: BillingPeriod = labels.get(mark::PERIOD)?.parse().ok()?;
    let attempt = labels.get(mark::ATTEMPT)?.parse().ok()?;
    let state = job_state(job, pods, |text| {
        let report: PeriodReport = serde_json::from_str(text).ok()?;
        // A pod may write anything: a message of another month says nothing of this one.
        (report.period == period).then_some(LoadOutcome { report })
    });
    Some(LoadJob {
        name: job.name_any(),
        period,
        version: VersionIdentity(job.annotations().get(mark::VERSION)?.clone()),
        attempt,
        inputs: job.annotations().get(mark::INPUTS).cloned().unwrap_or_default(),
        state,
        given_up: None,
    })
}

/// A load's Job whose pods can't be listed: whether it has ended is all that shows.
pub fn unread_load(job: &Job) -> Option<LoadJob> {
    let load = load_job(job, &[])?;
    let state = match load.state {
        JobState::Active(_) => JobState::Active(PodBlocker::None),
        _ => JobState::Unread,
    };
    Some(LoadJob { state, ..load })
}

/// How far a Job is; `parse` reads the message of one that ended well.
pub fn job_state<T>(job: &Job, pods: &[Pod], parse: impl Fn(&str) -> Option<T>) -> JobState<T> {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let ended = conditions.iter().find(|condition| {
        condition.status == "True" && ["Complete", "Failed"].contains(&condition.type_.as_str())
    });
    let Some(ended) = ended else { return JobState::Active(pod_blocker(job, pods)) };
    let at = ended.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    let last = last_terminated(pods);
    let message = last
        .as_ref()
        .and_then(|(_, status)| terminated_state(status)?.message.as_deref())
        .filter(|text| text.len() <= MESSAGE_LIMIT);
    // That it went well stands in the Job; how many rows only in a message, which may be lost with its pod.
    if ended.type_ == "Complete" {
        return JobState::Done { at, report: message.and_then(parse) };
    }
    // A pod that is stopped at the deadline ends with the exit code of the signal, which would say nothing.
    let deadline = ended.reason.as_deref() == Some("DeadlineExceeded");
    let end = match last.as_ref().and_then(|(_, status)| terminated_state(status)) {
        Some(_) if deadline => BadEnd::lost(
            Reason::JobFailed,
            "the Job ran into its deadline; it is tried again. If it happens again, give it more CPU in \
             spec.ingestion.resources",
        ),
        None if deadline => BadEnd::lost(
            Reason::JobFailed,
            "the Job ran into its deadline, and no pod is left that says whether it ever ran; it is tried again. See the \
             Job's events",
        ),
        None => BadEnd::lost(Reason::JobFailed, "the Job's pod was lost before it told how it ended"),
        Some(ended) if ended.reason.as_deref() == Some("OOMKilled") => BadEnd::lost(
            Reason::OutOfMemory,
            "the Job ran out of memory: raise spec.ingestion.resources.limits.memory",
        ),
        Some(ended) => bad_end(ended.exit_code, message),
    };
    JobState::Failed { at, end }
}

impl BadEnd {
    pub(super) fn lost(reason: Reason, message: &str) -> Self {
        Self { class: FailureClass::Lost, reason, message: message.to_owned(), superseded: false }
    }
}

/// What is common to every message of a failed Job, whatever command it ran.
#[derive(serde::Deserialize)]
struct AnyReport {
    #[serde(default)]
    outcome: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

fn bad_end(exit_code: i32, message: Option<&str>) -> BadEnd {
    let report: Option<AnyReport> = message.and_then(|text| serde_json::from_str(text).ok());
    let class = match ExitCode::from_code(exit_code) {
        // Only a load that a person asks for brings back what is gone.
        Some(ExitCode::Data | ExitCode::Gone) => FailureClass::Data,
        Some(ExitCode::Configuration) => FailureClass::Configuration,
        Some(ExitCode::Transient) => FailureClass::Transient,
        Some(ExitCode::Conflict) => FailureClass::Conflict,
        Some(ExitCode::Done) | None => FailureClass::Lost,
    };
    let superseded = report.as_ref().is_some_and(|report| report.outcome.as_deref() == Some("OlderManifest"));
    let reason = report
        .as_ref()
        .and_then(|report| Reason::from_name(report.reason.as_deref()?))
        .unwrap_or(Reason::JobFailed);
    let words = report.and_then(|report| report.message).map(|text| printable_text(&text));
    let message = words.filter(|text| !text.is_empty()).unwrap_or_else(|| {
        format!("the Job ended with exit code {exit_code} and no message; its log says more")
    });
    BadEnd { class, reason, message, superseded }
}

/// Control characters become spaces; what is left is bounded.
fn printable_text(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    bounded_to(MAX_FAILURE, plain.trim())
}

/// A Job whose pod has not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// What it waits for.
    pub hindrance: PodBlocker,
    /// Since when its pod is there; `None` if it has none.
    pub since: Option<Timestamp>,
}

/// What an unfinished Job's pod waits for; `None` once it runs.
pub fn waiting_since(job: &Job, pods: &[Pod]) -> Option<Waiting> {
    let over = |pod: &Pod| matches!(pod_phase(pod), Some("Succeeded" | "Failed"));
    // A drained pod and the one in its place are there together for a moment: the newest tells what the Job waits for.
    let newest = pods.iter().filter(|pod| !over(pod)).max_by_key(|pod| created_at(pod));
    let Some(pod) = newest else {
        let quota = pods.is_empty() && wants_a_pod(job);
        let hindrance = if quota { PodBlocker::Quota } else { PodBlocker::None };
        return Some(Waiting { hindrance, since: None });
    };
    let runs = |status: &ContainerStatus| {
        let state = status.state.as_ref();
        state.is_some_and(|state| state.running.is_some() || state.terminated.is_some())
    };
    if pod_phase(pod) == Some("Running") || load_container(pod).is_some_and(runs) {
        return None;
    }
    Some(Waiting { hindrance: hindrance_of(pod), since: created_at(pod) })
}

fn pod_blocker(job: &Job, pods: &[Pod]) -> PodBlocker {
    waiting_since(job, pods).map_or(PodBlocker::None, |waiting| waiting.hindrance)
}

/// A quota shows in the Job's events only; that there is no pod long after the start shows too.
fn wants_a_pod(job: &Job) -> bool {
    job.status.as_ref().is_some_and(|status| {
        status.active.unwrap_or(0) == 0 && status.start_time.is_some() && status.failed.unwrap_or(0) == 0
    })
}

fn hindrance_of(pod: &Pod) -> PodBlocker {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let unschedulable = conditions.iter().any(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    });
    if unschedulable {
        return PodBlocker::Unschedulable;
    }
    let waits_for =
        load_container(pod).and_then(|status| status.state.as_ref()?.waiting.as_ref()?.reason.clone());
    let image = waits_for.is_some_and(|reason| {
        ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"]
            .contains(&reason.as_str())
    });
    if image { PodBlocker::Image } else { PodBlocker::None }
}

fn pod_phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

fn created_at(pod: &Pod) -> Option<Timestamp> {
    pod.creation_timestamp().map(|time| time.0)
}

/// The pod that terminated last, with its container's status.
fn last_terminated(pods: &[Pod]) -> Option<(&Pod, &ContainerStatus)> {
    pods.iter()
        .filter_map(|pod| Some((pod, load_container(pod)?)))
        .filter(|(_, status)| terminated_state(status).is_some())
        .max_by_key(|(pod, _)| created_at(pod))
}

fn load_container(pod: &Pod) -> Option<&ContainerStatus> {
    // A mesh may have put containers of its own beside ours.
    pod.status.as_ref()?.container_statuses.as_ref()?.iter().find(|status| status.name == CONTAINER)
}

fn terminated_state(
    status: &ContainerStatus,
) -> Option<&k8s_openapi::api::core::v1::ContainerStateTerminated> {
    status.state.as_ref()?.terminated.as_ref()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(condition: Option<(&str, &str)>) -> Job {
        let conditions = condition.map(|(type_, reason)| {
            json!([{"type": type_, "status": "True", "reason": reason, "lastTransitionTime": "2026-11-22T12:00:00Z"}])
        });
        serde_json::from_value(json!({
            "metadata": {
                "name": "awscost-1",
                "labels": {"awscost.io/period": "2026-10", "awscost.io/attempt": "2"},
                "annotations": {"awscost.io/version": "abc", "awscost.io/inputs": "in"}
            },
            "status": {"conditions": conditions, "startTime": "2026-11-22T11:00:00Z", "active": 1}
        }))
        .expect("a Job")
    }

    fn pod(state: serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "p", "creationTimestamp": "2026-11-22T11:00:00Z"},
            "status": {"containerStatuses": [{
                "name": "awscost", "ready": false, "restartCount": 0, "image": "", "imageID": "", "state": state
            }]}
        }))
        .expect("a Pod")
    }

    fn ended(exit: i32, reason: &str, message: &str) -> Pod {
        pod(json!({"terminated": {"exitCode": exit, "reason": reason, "message": message}}))
    }

    fn end(exit: i32, reason: &str, message: &str) -> (FailureClass, Reason, String) {
        match load_job(&job(Some(("Failed", "PodFailurePolicy"))), &[ended(exit, reason, message)])
            .expect("ours")
            .state
        {
            JobState::Failed { end, .. } => (end.class, end.reason, end.message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn exit_codes_and_messages_of_failed_loads() {
        let said = r#"{"period":"2026-10","outcome":"Failed","reason":"ParseFailed","message":"file a\nrow 3","files":0,"rows":0,"bytes":0}"#;
        assert_eq!(
            end(10, "Error", said),
            (FailureClass::Data, Reason::ParseFailed, "file a row 3".to_owned())
        );
        assert_eq!(end(11, "Error", "{}").0, FailureClass::Configuration);
        assert_eq!(end(12, "Error", "{}").0, FailureClass::Transient);
        assert_eq!(end(13, "Error", "{}").0, FailureClass::Conflict);
        assert_eq!(end(101, "Error", "thread panicked").0, FailureClass::Lost);
        assert_eq!(end(137, "OOMKilled", "").1, Reason::OutOfMemory);
        let (_, reason, message) = end(12, "Error", r#"{"reason":"NoSuchReason"}"#);
        assert_eq!(reason, Reason::JobFailed);
        assert!(message.contains("exit code 12"), "{message}");
    }

    #[test]
    fn a_message_that_is_too_long_or_about_another_month_says_nothing() {
        let done = |message: &str| {
            let job = job(Some(("Complete", "")));
            match load_job(&job, &[ended(0, "Completed", message)]).expect("ours").state {
                JobState::Done { report, .. } => report.is_some(),
                other => panic!("{other:?}"),
            }
        };
        let said = |period: &str| {
            format!(r#"{{"period":"{period}","outcome":"Loaded","files":1,"rows":5,"bytes":9}}"#)
        };
        assert!(done(&said("2026-10")));
        assert!(!done(&said("2026-09")));
        assert!(!done(&format!("{}{}", said("2026-10"), " ".repeat(5000))));
    }

    #[test]
    fn a_lost_pod_and_a_deadline_have_their_own_words() {
        let failed = |reason, pods: &[Pod]| match load_job(&job(Some(("Failed", reason))), pods)
            .expect("ours")
            .state
        {
            JobState::Failed { end, .. } => end,
            other => panic!("{other:?}"),
        };
        assert!(failed("PodFailurePolicy", &[]).message.contains("was lost"));
        assert!(failed("DeadlineExceeded", &[]).message.contains("deadline"));
    }

    #[test]
    fn what_keeps_a_pod_from_starting() {
        let state = |pods: &[Pod]| load_job(&job(None), pods).expect("ours").state;
        assert_eq!(state(&[]), JobState::Active(PodBlocker::None));
        let image = pod(json!({"waiting": {"reason": "ImagePullBackOff"}}));
        assert_eq!(state(&[image]), JobState::Active(PodBlocker::Image));
        let mut pending = pod(json!({}));
        pending.status.as_mut().expect("a status").conditions = serde_json::from_value(json!([
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        ]))
        .expect("conditions");
        assert_eq!(state(&[pending]), JobState::Active(PodBlocker::Unschedulable));
        let mut waiting = job(None);
        waiting.status.as_mut().expect("a status").active = Some(0);
        assert_eq!(load_job(&waiting, &[]).expect("ours").state, JobState::Active(PodBlocker::Quota));
    }

    #[test]
    fn a_job_without_our_marks_is_none_of_ours() {
        let mut other = job(None);
        other.metadata.labels = None;
        assert_eq!(load_job(&other, &[]), None);
    }

    #[test]
    fn only_a_pod_that_ran_lets_a_deadline_ask_for_more_cpu() {
        let words = |pods: &[Pod]| match load_job(&job(Some(("Failed", "DeadlineExceeded"))), pods)
            .expect("ours")
            .state
        {
            JobState::Failed { end, .. } => end.message,
            other => panic!("{other:?}"),
        };
        assert!(words(&[ended(143, "Error", "")]).contains("more CPU"));
        let never_ran = words(&[]);
        assert!(never_ran.contains("deadline") && !never_ran.contains("CPU"), "{never_ran}");
    }

    #[test]
    fn of_a_job_without_its_pods_nobody_says_how_it_ended() {
        let state = |condition| unread_load(&job(condition)).expect("ours").state;
        assert_eq!(state(None), JobState::Active(PodBlocker::None));
        assert_eq!(state(Some(("Failed", "PodFailurePolicy"))), JobState::Unread);
        assert_eq!(state(Some(("Complete", ""))), JobState::Unread);
    }
}
