//! When facts are looked at again.

use super::*;
use crate::connection::ExternalIdPolicy;
use crate::{
    aws::{
        AwsFault, Code, Operation,
        traits::{ExportDefinition, ExportExecution, ExportIllness, LegacyDefinition, LegacyDelivery},
    },
    connection::{Enforcement, Fact, sample},
};

/// All that the sample has anything of to look at: it does not opt in to metrics.
const EVERYTHING: Look = Look { metrics: false, ..Look::ALL };

fn ages() -> Ages {
    Ages::with_interval(SignedDuration::from_mins(30))
}

fn later(minutes: i64) -> Timestamp {
    sample::now() + SignedDuration::from_mins(minutes)
}

fn due(facts: &Facts, minutes: i64) -> Look {
    ages().due(facts, &sample::target(), "uid", later(minutes))
}

#[test]
fn nothing_was_ever_looked_at_so_everything_is_due() {
    assert_eq!(due(&Facts::default(), 0), EVERYTHING);
    assert_eq!(ages().next_look(&Facts::default(), &sample::target(), "uid", sample::now()), sample::now());
}

#[test]
fn each_fact_has_its_own_age() {
    let facts = sample::facts();
    assert!(due(&facts, 0).is_empty());
    // ± 20 %: well before and well after each age.
    assert!(!due(&facts, 23).listing && due(&facts, 37).listing);
    assert!(!due(&facts, 47).identity && due(&facts, 73).identity);
    assert!(!due(&facts, 280).organization && due(&facts, 440).organization);
    assert!(!due(&facts, 280).definitions && due(&facts, 440).definitions);
    assert!(!due(&facts, 1150).external_id && due(&facts, 1730).external_id);
    let next = ages().next_look(&facts, &sample::target(), "uid", sample::now());
    assert!(next >= later(24) && next <= later(36), "the listing comes first: {next}");
}

#[test]
fn what_failed_is_looked_at_again_soon() {
    let mut facts = sample::facts();
    let throttled = AwsFault::new(Operation::DescribeOrganization, Code::Throttling);
    facts.membership = Fact::seen(sample::now(), Err(throttled));
    assert!(!due(&facts, 7).organization && due(&facts, 13).organization);
    facts.export = Fact::seen(sample::now(), Ok(None));
    assert!(due(&facts, 13).definitions, "no fault, but the check fails");
    facts.enforcement = Fact::seen(sample::now(), Ok(Enforcement::AcceptsNone));
    assert!(due(&facts, 13).external_id, "the account may not be used until the hole is closed");
}

#[test]
fn what_was_never_granted_or_only_warns_is_not_asked_every_ten_minutes() {
    let refused = |operation| AwsFault::new(operation, Code::AccessDenied);
    let facts = Facts {
        membership: Fact::seen(sample::now(), Err(refused(Operation::DescribeOrganization))),
        excess: Fact::seen(sample::now(), Err(refused(Operation::SimulatePrincipalPolicy))),
        execution: Fact::seen(sample::now(), Err(refused(Operation::ListExecutions))),
        legacy: Fact::seen(sample::now(), Err(refused(Operation::DescribeReportDefinitions))),
        enforcement: Fact::seen(sample::now(), Ok(Enforcement::AcceptsNone)),
        ..sample::facts()
    };
    let mut target = sample::target();
    sample::role(&mut target).policy = ExternalIdPolicy::Warn;
    let due = |minutes| ages().due(&facts, &target, "uid", later(minutes));
    let at_280 = due(280);
    assert!(!at_280.organization && !at_280.definitions && !at_280.permissions && !at_280.external_id);
    assert!(due(440).organization && due(1730).permissions && due(1730).external_id);
}

#[test]
fn while_sts_gives_no_answer_nothing_behind_the_role_is_due() {
    let mut facts = sample::facts();
    let silent = AwsFault::new(Operation::AssumeRole, Code::TimedOut);
    facts.role.record(later(40), Err(silent));
    assert!(due(&facts, 45).is_empty(), "the listing is of age, and there is nobody to list as");
    let next = ages().next_look(&facts, &sample::target(), "uid", later(45));
    assert!(next >= later(48) && next <= later(52), "the role is asked again first: {next}");
}

#[test]
fn a_listing_whose_session_is_refused_is_not_due_at_once() {
    let mut facts = sample::facts();
    let refused = AwsFault::new(Operation::AssumeRole, Code::AccessDenied);
    facts.ingest_session.record(later(40), Err(refused));
    assert!(!due(&facts, 41).listing && due(&facts, 53).listing);
}

#[test]
fn advice_without_an_answer_waits_an_hour() {
    let silent = AwsFault::new(Operation::SimulatePrincipalPolicy, Code::TimedOut);
    let facts = Facts { excess: Fact::seen(sample::now(), Err(silent)), ..sample::facts() };
    assert!(!due(&facts, 20).permissions && due(&facts, 73).permissions);
}

#[test]
fn behind_a_broken_role_only_the_role_is_looked_at() {
    let denied = AwsFault::new(Operation::AssumeRole, Code::AccessDenied);
    let facts = Facts {
        base: Fact::seen(sample::now(), Ok(sample::operator())),
        role: Fact::seen(sample::now(), Err(denied)),
        ..Facts::default()
    };
    assert!(due(&facts, 5).is_empty());
    assert_eq!(due(&facts, 13), EVERYTHING, "if the role works then, the rest follows at once");
    let next = ages().next_look(&facts, &sample::target(), "uid", sample::now());
    assert!(next >= later(8) && next <= later(12), "{next}");
}

#[test]
fn jitter_spreads_objects_and_stays_the_same_for_one() {
    let hour = SignedDuration::from_hours(1);
    let of = |uid: &str| jittered(hour, uid, ProbeGroup::Identity);
    let all: std::collections::BTreeSet<_> = (0..100).map(|n| of(&n.to_string())).collect();
    assert!(all.len() > 80, "spread over {} values", all.len());
    assert!(all.iter().all(|age| (48..=72).contains(&age.as_mins())), "{all:?}");
    assert_eq!(of("a"), of("a"));
}

#[test]
fn what_aws_does_not_deliver_is_asked_after_soon() {
    fn seen<T>(value: T) -> Fact<T> {
        Fact::seen(sample::now(), Ok(value))
    }
    let legacy = |status| {
        let delivery = Some(LegacyDelivery { status });
        vec![LegacyDefinition { delivery, ..sample::legacy("acme") }]
    };
    let export = |health| Some(ExportDefinition { health, ..sample::export() });
    let execution = |end| Some(ExportExecution { end, illness: None });
    let throttled = AwsFault::new(Operation::ListExecutions, Code::Throttling);
    let of_legacy = |status| Facts { legacy: seen(legacy(status)), export: seen(None), ..sample::facts() };
    for (soon, facts) in [
        (true, of_legacy(LegacyDeliveryStatus::NoBucket)),
        (true, of_legacy(LegacyDeliveryStatus::PermissionsError)),
        (
            true,
            Facts {
                export: seen(export(ExportHealth::Unhealthy(ExportIllness::InsufficientPermission))),
                ..sample::facts()
            },
        ),
        (true, Facts { execution: seen(execution(ExecutionEnd::QueryFailed)), ..sample::facts() }),
        (true, Facts { execution: Fact::seen(sample::now(), Err(throttled)), ..sample::facts() }),
        (false, of_legacy(LegacyDeliveryStatus::Success)),
        (false, Facts { execution: seen(execution(ExecutionEnd::Delivered)), ..sample::facts() }),
    ] {
        assert_eq!(due(&facts, 13).definitions, soon, "{facts:?}");
    }
}
