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
mod tests {
    use super::*;
    use crate::controller::loads::periods::tests::at;

    fn probe(count: i64, state: JobState<()>) -> ObservedProbe {
        ObservedProbe { count, inputs: "in".to_owned(), state, given_up: None }
    }

    fn done(minute: i64) -> JobState<()> {
        JobState::Done { at: at(minute), report: Some(()) }
    }

    fn failure(minute: i64, class: FailureClass, reason: Reason) -> JobState<()> {
        let end = BadEnd { class, reason, message: "words".to_owned(), superseded: false };
        JobState::Failed { at: at(minute), end }
    }

    fn judged(
        old: &CostWarehouseStatus,
        probes: &[ObservedProbe],
        inputs: &str,
        minute: i64,
    ) -> ProbeVerdict {
        judge_warehouse(&ProbeSituation {
            old,
            probes,
            inputs,
            obstacle: None,
            retry_delay: None,
            now: at(minute),
        })
    }

    /// The status after a verdict was written.
    fn stored(verdict: &ProbeVerdict) -> CostWarehouseStatus {
        CostWarehouseStatus {
            conditions: conditions::write(&[], &verdict.sayings, Some(1), at(0)),
            probe: verdict.probe.clone(),
            ..CostWarehouseStatus::default()
        }
    }

    fn said(verdict: &ProbeVerdict) -> (ConditionStatus, Reason, usize) {
        let ready =
            verdict.sayings.iter().find(|saying| saying.type_ == ConditionType::Ready).expect("Ready");
        (ready.status, ready.reason, verdict.sayings.len())
    }

    #[test]
    fn a_new_warehouse_is_probed_at_once_and_only_once_at_a_time() {
        let new = CostWarehouseStatus::default();
        let verdict = judged(&new, &[], "in", 0);
        assert_eq!(
            (said(&verdict), verdict.start),
            ((ConditionStatus::Unknown, Reason::Probing, 2), Some(1))
        );
        let running = judged(&new, &[probe(1, JobState::Active(PodBlocker::None))], "in", 0);
        assert_eq!(running.start, None);
    }

    #[test]
    fn success_stands_for_a_day_and_a_change_asks_again_without_losing_it() {
        let ended = judged(&CostWarehouseStatus::default(), &[probe(1, done(0))], "in", 0);
        assert_eq!((said(&ended), ended.start), ((ConditionStatus::True, Reason::ProbeSucceeded, 1), None));
        let status = stored(&ended);
        assert_eq!(judged(&status, &[probe(1, done(0))], "in", 60).start, None);
        assert_eq!(judged(&status, &[], "in", 24 * 60).start, Some(2));
        let changed = judged(&status, &[], "other", 60);
        assert_eq!((said(&changed).0, changed.start), (ConditionStatus::True, Some(2)));
    }

    #[test]
    fn failures_are_repeated_after_one_ten_and_sixty_minutes() {
        let mut status = CostWarehouseStatus::default();
        for (count, wait) in [(1, 1), (2, 10), (3, 60), (4, 360)] {
            let ended = [probe(count, failure(0, FailureClass::Transient, Reason::JobFailed))];
            let verdict = judged(&status, &ended, "in", 0);
            assert_eq!(said(&verdict), (ConditionStatus::False, Reason::ProbeFailed, 2), "{count}");
            status = stored(&verdict);
            assert_eq!(judged(&status, &[], "in", wait - 1).start, None, "{count}");
            assert_eq!(judged(&status, &[], "in", wait).start, Some(count + 1), "{count}");
        }
    }

    #[test]
    fn a_ready_warehouse_outlives_two_passing_failures() {
        let mut status = stored(&judged(&CostWarehouseStatus::default(), &[probe(1, done(0))], "in", 0));
        for (count, ready) in
            [(2, ConditionStatus::True), (3, ConditionStatus::True), (4, ConditionStatus::False)]
        {
            let ended = [probe(count, failure(count, FailureClass::Lost, Reason::JobFailed))];
            let verdict = judged(&status, &ended, "in", count);
            assert_eq!(said(&verdict).0, ready, "{count}");
            status = stored(&verdict);
        }
        let ended = [probe(2, failure(2, FailureClass::Configuration, Reason::UnsafeStore))];
        let stood = stored(&judged(&CostWarehouseStatus::default(), &[probe(1, done(0))], "in", 0));
        assert_eq!(said(&judged(&stood, &ended, "in", 2)).0, ConditionStatus::False);
    }

    #[test]
    fn a_probe_gives_its_own_reason_and_no_one_elses() {
        use FailureClass::{Configuration, Lost, Transient};
        for (told, class, reason, sayings) in [
            (
                Reason::WarehouseUnreachable,
                Transient,
                Reason::WarehouseUnreachable,
                ConditionType::Reconciling,
            ),
            (Reason::WarehouseAuthFailed, Configuration, Reason::WarehouseAuthFailed, ConditionType::Stalled),
            (Reason::WarehouseDenied, Configuration, Reason::WarehouseDenied, ConditionType::Stalled),
            (
                Reason::WarehousePlaceNotFound,
                Configuration,
                Reason::WarehousePlaceNotFound,
                ConditionType::Stalled,
            ),
            (Reason::OutOfMemory, Lost, Reason::OutOfMemory, ConditionType::Reconciling),
            (Reason::Succeeded, Transient, Reason::ProbeFailed, ConditionType::Reconciling),
            (Reason::RoleAssumed, Configuration, Reason::ProbeFailed, ConditionType::Stalled),
        ] {
            let verdict =
                judged(&CostWarehouseStatus::default(), &[probe(1, failure(0, class, told))], "in", 0);
            assert_eq!(said(&verdict), (ConditionStatus::False, reason, 2), "{told}");
            assert_eq!(verdict.sayings[0].type_, sayings, "{told}");
        }
    }

    #[test]
    fn a_quota_holds_up_the_first_probe_and_not_a_ready_warehouse() {
        let refused = |reason| Blockage { reason, message: "words".to_owned() };
        let blocked = |mut verdict: ProbeVerdict, reason| {
            verdict.block(&refused(reason));
            (said(&verdict).0, said(&verdict).1, verdict.wait)
        };
        let soon = Duration::from_secs(180);
        let first = judged(&CostWarehouseStatus::default(), &[], "in", 0);
        let quota = Reason::QuotaExceeded;
        assert_eq!(blocked(first, quota), (ConditionStatus::False, quota, soon));
        let ready = stored(&judged(&CostWarehouseStatus::default(), &[probe(1, done(0))], "in", 0));
        let due = || judged(&ready, &[], "in", 24 * 60);
        assert_eq!(blocked(due(), quota), (ConditionStatus::True, Reason::ProbeSucceeded, soon));
        assert_eq!(blocked(due(), Reason::JobFailed).0, ConditionStatus::False, "a rule that refuses lasts");
    }

    #[test]
    fn a_probe_that_could_not_be_started_is_told_as_one_and_tried_again() {
        let mut verdict = judged(&CostWarehouseStatus::default(), &[], "in", 0);
        verdict.block(&Blockage { reason: Reason::JobFailed, message: "A rule refuses it.".to_owned() });
        assert_eq!(verdict.sayings[0].type_, ConditionType::Reconciling);
        assert_eq!(verdict.sayings[1].message, "No probe was started. A rule refuses it.");
    }

    #[test]
    fn no_message_of_a_probe_names_a_field_of_accounts() {
        let mut end = BadEnd {
            class: FailureClass::Lost,
            reason: Reason::OutOfMemory,
            message: "raise spec.ingestion.resources.limits.memory".to_owned(),
            superseded: false,
        };
        assert!(!failed_conditions(&end)[1].message.contains("spec.ingestion"));
        (end.reason, end.message) = (Reason::WarehouseUnreachable, "words".to_owned());
        assert_eq!(failed_conditions(&end)[1].message, "The probe failed: words");
    }

    #[test]
    fn an_unsafe_store_stalls() {
        let ended = [probe(1, failure(0, FailureClass::Configuration, Reason::UnsafeStore))];
        let verdict = judged(&CostWarehouseStatus::default(), &ended, "in", 0);
        assert_eq!(said(&verdict), (ConditionStatus::False, Reason::UnsafeStore, 2));
        assert_eq!(verdict.sayings[0].type_, ConditionType::Stalled);
    }

    #[test]
    fn an_obstacle_needs_no_probe_and_its_end_needs_one() {
        let success = stored(&judged(&CostWarehouseStatus::default(), &[probe(1, done(0))], "in", 0));
        let verdict = judge_warehouse(&ProbeSituation {
            old: &success,
            probes: &[],
            inputs: "in",
            obstacle: Some(ProbeObstacle::ClaimNotUsable("lake".to_owned())),
            retry_delay: None,
            now: at(1),
        });
        assert_eq!((said(&verdict).1, verdict.start), (Reason::ClaimNotUsable, None));
        let after = judged(&stored(&verdict), &[], "in", 2);
        assert_eq!((said(&after).1, after.start), (Reason::Probing, Some(2)));
    }

    #[test]
    fn the_same_view_later_says_the_same() {
        let first = judged(&CostWarehouseStatus::default(), &[probe(1, done(0))], "in", 0);
        let again = judged(&stored(&first), &[probe(1, done(0))], "in", 500);
        assert_eq!((again.sayings, again.probe), (first.sayings, first.probe));
    }

    #[test]
    fn what_the_operator_may_not_see_is_told_and_takes_no_readiness_away() {
        let refused = Blockage { reason: Reason::JobFailed, message: "words".to_owned() };
        let mut first = judged(&CostWarehouseStatus::default(), &[probe(1, JobState::Unread)], "in", 0);
        assert_eq!(first.start, None, "how the last one ended comes first");
        first.unseen(&refused);
        assert_eq!(said(&first), (ConditionStatus::False, Reason::JobFailed, 2));

        let ready = stored(&judged(&CostWarehouseStatus::default(), &[probe(1, done(0))], "in", 0));
        let mut unseen = judged(&ready, &[], "in", 1);
        unseen.unseen(&refused);
        assert_eq!(said(&unseen), (ConditionStatus::True, Reason::ProbeSucceeded, 2));
        assert_eq!(
            (unseen.sayings[0].type_, unseen.sayings[0].message.as_str()),
            (ConditionType::Reconciling, "words")
        );
        assert_eq!(
            judged(&stored(&unseen), &[], "in", 2).sayings,
            healthy_conditions(),
            "and goes when it is seen again"
        );
        let after = CostWarehouseStatus { probe: ready.probe, ..stored(&first) };
        assert_eq!(judged(&after, &[], "in", 2).start, Some(2), "a refusal that is over calls for a probe");
    }

    #[test]
    fn a_probe_that_never_started_is_told_in_a_warehouses_words() {
        for (reason, words) in [
            (Reason::Unschedulable, "no node took its pod"),
            (Reason::ImagePullFailed, "image could not be pulled"),
            (Reason::QuotaExceeded, "could not create its pod"),
        ] {
            let state = failure(0, FailureClass::Transient, reason);
            let verdict = judged(&CostWarehouseStatus::default(), &[probe(1, state)], "in", 0);
            assert_eq!(said(&verdict), (ConditionStatus::False, Reason::ProbeFailed, 2), "{reason}");
            assert!(verdict.sayings[1].message.contains(words), "{}", verdict.sayings[1].message);
        }
    }
}
