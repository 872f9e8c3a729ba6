//! What a probe's end means, and when the next one starts. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::{
        CostWarehouseStatus,
        conditions::{self, Condition, Saying},
        status::{FailureClass, ProbeStatus},
    },
    controller::{
        access::gate::secret_not_usable,
        error::{AFTER_REFUSAL, Blockage, PROBE_POINTLESS, WATCH_PODS, wait_after_failures},
        jobs::observed::{BadEnd, JobState, PodBlocker},
        status::ReadySummary,
        warehouse::ready_condition,
    },
    model::{
        ConditionStatus, ConditionType, Guide, Reason,
        guide::{Outlook, ReasonSource},
    },
};

/// A probe that found nothing wrong is repeated after this time.
const DAILY: SignedDuration = SignedDuration::from_hours(24);
/// Passing failures in a row from which on a warehouse that was ready is not.
const LASTING: i32 = 3;

/// A probe, as its Job and its pods show it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ObservedProbe {
    pub count: i64,
    pub inputs: String,
    pub state: JobState<()>,
    /// The name and UID of a Job that has not ended and is given up.
    pub given_up: Option<(String, String)>,
}

/// What makes a probe pointless until somebody acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProbeObstacle {
    SecretNotUsable { namespace: String, name: String },
    ClaimNotUsable(String),
}

/// What a warehouse is judged from.
pub(super) struct ProbeSituation<'a> {
    pub old: &'a CostWarehouseStatus,
    pub probes: &'a [ObservedProbe],
    pub inputs: &'a str,
    pub obstacle: Option<ProbeObstacle>,
    pub retry_delay: Option<Duration>,
    pub now: Timestamp,
}

/// What a warehouse comes to, and whether it is probed now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProbeVerdict {
    pub sayings: Vec<Saying>,
    pub probe: Option<ProbeStatus>,
    /// The number of the probe to start.
    pub start: Option<i64>,
    pub wait: Duration,
}

impl ProbeVerdict {
    /// The probe could not be started, and is tried again. That a quota is used up says nothing of a warehouse that was ready:
    /// it stays so.
    pub(super) fn block(&mut self, blockage: &Blockage) {
        if !(blockage.reason == Reason::QuotaExceeded && is_ready(&self.sayings)) {
            self.sayings = ReadySummary::retrying(
                blockage.reason,
                &format!("No probe was started. {}", blockage.message),
            )
            .sayings();
        }
        self.wait = AFTER_REFUSAL;
    }

    /// The operator may not see what it has to, and tries again. That says nothing of a warehouse that was ready: it stays so.
    pub(super) fn unseen(&mut self, blockage: &Blockage) {
        let mut sayings = ReadySummary::retrying(blockage.reason, &blockage.message).sayings();
        if is_ready(&self.sayings) {
            sayings.retain(|saying| saying.type_ == ConditionType::Reconciling);
            sayings.append(&mut self.sayings);
        }
        self.sayings = sayings;
        self.wait = AFTER_REFUSAL;
    }
}

pub(super) fn judge_warehouse(situation: &ProbeSituation<'_>) -> ProbeVerdict {
    let active = situation.probes.iter().find(|probe| probe.state.ended_at().is_none());
    let news = newest_end(situation);
    let probe = news.as_ref().map(|(status, _)| status.clone()).or_else(|| situation.old.probe.clone());
    let sayings = match (&situation.obstacle, news) {
        (Some(obstacle), _) => obstacle_sayings(obstacle),
        (None, Some((_, sayings))) => sayings,
        (None, None) => standing_conditions(situation).unwrap_or_else(|| probing_conditions(active)),
    };
    if situation.obstacle.is_some() {
        return ProbeVerdict { sayings, probe, start: None, wait: PROBE_POINTLESS };
    }
    if active.is_some() {
        return ProbeVerdict { sayings, probe, start: None, wait: WATCH_PODS };
    }
    let due = due_at(situation, probe.as_ref(), &sayings);
    // The number goes into the Job's name: of two replicas for a moment, both make the same Job.
    let start = (due <= situation.now).then(|| probe.as_ref().map_or(1, |probe| probe.count));
    let wait = match start {
        // The Job's end wakes us; its pod is looked at meanwhile.
        Some(_) => WATCH_PODS,
        None => Duration::try_from(due.duration_since(situation.now)).unwrap_or_default(),
    };
    ProbeVerdict { sayings, probe, start, wait }
}

/// When the next probe is due.
fn due_at(situation: &ProbeSituation<'_>, probe: Option<&ProbeStatus>, sayings: &[Saying]) -> Timestamp {
    let Some(probe) = probe else { return situation.now };
    let kept = sayings.iter().any(|saying| {
        saying.type_ == ConditionType::Ready && Guide::to(saying.reason).outlook != Outlook::Passing
    });
    if probe.inputs != situation.inputs || !kept {
        return situation.now;
    }
    if probe.failures == 0 {
        return probe.at + DAILY;
    }
    let wait = wait_after_failures(probe.failures);
    probe.at + situation.retry_delay.and_then(|delay| SignedDuration::try_from(delay).ok()).unwrap_or(wait)
}

/// The newest probe that ended and is not in status, as status has it and as Ready says it.
fn newest_end(situation: &ProbeSituation<'_>) -> Option<(ProbeStatus, Vec<Saying>)> {
    let known = situation.old.probe.as_ref();
    let probe = situation
        .probes
        .iter()
        .filter(|probe| probe.state.ended_at().is_some())
        .filter(|probe| known.is_none_or(|known| probe.count >= known.count))
        .max_by_key(|probe| probe.count)?;
    let (at, failures, sayings) = match &probe.state {
        JobState::Active(_) | JobState::Unread => return None,
        JobState::Done { at, .. } => (*at, 0, healthy_conditions()),
        JobState::Failed { at, end } => {
            let failures = known.map_or(0, |known| known.failures).saturating_add(1);
            let passing = !matches!(end.class, FailureClass::Data | FailureClass::Configuration);
            // A fault that may pass does not overturn what stood, until it has lasted.
            let stood = standing_conditions(situation)
                .filter(|_| passing && failures < LASTING)
                .filter(|sayings| is_ready(sayings));
            (*at, failures, stood.unwrap_or_else(|| failed_conditions(end)))
        }
    };
    let status = ProbeStatus { at, count: probe.count + 1, inputs: probe.inputs.clone(), failures };
    Some((status, sayings))
}

fn is_ready(sayings: &[Saying]) -> bool {
    sayings
        .iter()
        .any(|saying| saying.type_ == ConditionType::Ready && saying.status == ConditionStatus::True)
}

fn healthy_conditions() -> Vec<Saying> {
    vec![ready_condition(
        ConditionStatus::True,
        Reason::ProbeSucceeded,
        "A probe wrote, committed, read and removed a canary.",
    )]
}

/// What a probe says comes from inside a pod: a reason that no probe gives says nothing.
fn reason_of(end: &BadEnd) -> Reason {
    let guide = Guide::to(end.reason);
    let of_warehouse = guide.stands.contains(&(ConditionType::WarehouseReady, ConditionStatus::False));
    if guide.source == ReasonSource::Job && of_warehouse { end.reason } else { Reason::ProbeFailed }
}

fn failed_conditions(end: &BadEnd) -> Vec<Saying> {
    let reason = reason_of(end);
    let words = match reason {
        // The Job's own words name a field that only accounts have.
        Reason::OutOfMemory => {
            "it ran out of the memory that probes get; see what limits memory in this namespace."
        }
        _ => of_unstarted(end.reason).unwrap_or(&end.message),
    };
    let message = format!("The probe failed: {words}");
    if matches!(end.class, FailureClass::Data | FailureClass::Configuration) {
        return ReadySummary::stalled(reason, &message).sayings();
    }
    ReadySummary::retrying(reason, &message).sayings()
}

/// What kept a probe's pod from starting for ten minutes: there is no account whose fields could be named.
fn of_unstarted(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::Unschedulable => {
            Some("no node took its pod for ten minutes. Check the claim's volume and the nodes.")
        }
        Reason::ImagePullFailed => Some(
            "its image could not be pulled for ten minutes. Check the operator's image setting and jobs.imagePullSecrets.",
        ),
        Reason::QuotaExceeded => Some(
            "it could not create its pod for ten minutes: a quota, limit or admission policy of the namespace refuses it.",
        ),
        _ => None,
    }
}

fn obstacle_sayings(obstacle: &ProbeObstacle) -> Vec<Saying> {
    match obstacle {
        ProbeObstacle::SecretNotUsable { namespace, name } => ReadySummary::stalled(
            Reason::SecretNotUsable,
            &secret_not_usable(namespace, name, crate::api::USE_WAREHOUSE),
        ),
        ProbeObstacle::ClaimNotUsable(name) => ReadySummary::stalled(
            Reason::ClaimNotUsable,
            &format!(
                "PersistentVolumeClaim {name} is not there or lost its volume: create it in this namespace."
            ),
        ),
    }
    .sayings()
}

/// What the last probe said stays, until another ends.
fn standing_conditions(situation: &ProbeSituation<'_>) -> Option<Vec<Saying>> {
    situation.old.probe.as_ref()?;
    let old = conditions::find_condition(&situation.old.conditions, ConditionType::Ready)?;
    let reason = Reason::from_name(&old.reason)?;
    if Guide::to(reason).source != ReasonSource::Job {
        return None;
    }
    // What a ready warehouse was retried for is told again by whoever meets it.
    let told = |condition: &&Condition| {
        old.status != "True" || condition.type_ != ConditionType::Reconciling.as_str()
    };
    let again = situation.old.conditions.iter().filter(told).filter_map(|condition| {
        let (type_, status, reason) = condition.parsed()?;
        Some(Saying::new(type_, status, reason, condition.message.clone()))
    });
    Some(again.collect())
}

fn probing_conditions(active: Option<&ObservedProbe>) -> Vec<Saying> {
    let message = match active.map(|probe| &probe.state) {
        Some(JobState::Active(PodBlocker::Unschedulable)) => {
            "The probe waits for a node: none takes its pod. Check the claim's volume and the nodes."
        }
        Some(JobState::Active(PodBlocker::Image)) => {
            "The probe waits for its image, which can't be pulled: check the operator's setting image, and for a registry \
             that asks who pulls, jobs.imagePullSecrets and that those Secrets are in this namespace."
        }
        Some(JobState::Active(PodBlocker::Quota)) => {
            "The probe can't create its pod: a quota, limit or admission policy of the namespace refuses it."
        }
        _ => "A probe is on its way.",
    };
    let reconciling =
        Saying::new(ConditionType::Reconciling, ConditionStatus::True, Reason::Probing, message);
    vec![reconciling, ready_condition(ConditionStatus::Unknown, Reason::Probing, message)]
}

#[cfg(test)]
mod tests;
