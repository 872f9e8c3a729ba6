//! What a warehouse is said to be, for each way its probes end.

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

fn judged(old: &CostWarehouseStatus, probes: &[ObservedProbe], inputs: &str, minute: i64) -> ProbeVerdict {
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
    let ready = verdict.sayings.iter().find(|saying| saying.type_ == ConditionType::Ready).expect("Ready");
    (ready.status, ready.reason, verdict.sayings.len())
}

#[test]
fn a_new_warehouse_is_probed_at_once_and_only_once_at_a_time() {
    let new = CostWarehouseStatus::default();
    let verdict = judged(&new, &[], "in", 0);
    assert_eq!((said(&verdict), verdict.start), ((ConditionStatus::Unknown, Reason::Probing, 2), Some(1)));
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
        (Reason::WarehouseUnreachable, Transient, Reason::WarehouseUnreachable, ConditionType::Reconciling),
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
        let verdict = judged(&CostWarehouseStatus::default(), &[probe(1, failure(0, class, told))], "in", 0);
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
