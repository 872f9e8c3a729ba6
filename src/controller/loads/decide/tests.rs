//! One table: a situation and the loads that follow from it.

use crate::controller::{
    jobs::observed::PodBlocker,
    loads::{
        decide::*,
        periods::{
            self,
            tests::{at, done, failed, found, job, nothing, report, version},
        },
    },
};

struct World {
    stored: Vec<PeriodStatus>,
    found: Vec<FoundPeriod>,
    jobs: Vec<LoadJob>,
    inputs: &'static str,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self {
            stored: Vec::new(),
            found: vec![found("2026-10", "v1"), found("2026-11", "w1")],
            jobs: Vec::new(),
            inputs: "in",
            now: at(0),
        }
    }

    /// Stores in status what the Jobs say, as the reconcile before did.
    fn recorded(mut self) -> Self {
        let wanted = periods::wanted_months(2, at(0));
        self.stored =
            periods::update_periods(&self.stored, &wanted, Some(&self.found), &self.jobs, at(0)).list;
        self
    }

    fn decide(&self) -> LoadDecision {
        decide_loads(&LoadSituation {
            wanted: &periods::wanted_months(2, at(0)),
            stored: &self.stored,
            found: &self.found,
            jobs: &self.jobs,
            inputs: self.inputs,
            retry_delay: None,
            now: self.now,
        })
    }

    fn loads(&self) -> Vec<(String, i32)> {
        self.decide().loads.iter().map(|load| (load.version.0.clone(), load.attempt)).collect()
    }
}

fn loads(expected: &[(&str, i32)]) -> Vec<(String, i32)> {
    expected.iter().map(|(version, attempt)| ((*version).to_owned(), *attempt)).collect()
}

#[test]
fn the_newest_month_comes_first() {
    assert_eq!(World::new().loads(), loads(&[("w1", 1), ("v1", 1)]));
}

#[test]
fn what_is_loaded_busy_or_not_delivered_is_left_alone() {
    let mut world = World::new();
    world.jobs = vec![
        job("2026-10", "v1", 1, done(-5, report("2026-10", 1, false))),
        job("2026-11", "w0", 1, JobState::Active(PodBlocker::None)),
    ];
    assert_eq!(world.recorded().loads(), []);
    let mut world = World::new();
    world.found = vec![nothing("2026-11")];
    assert_eq!(world.loads(), []);
}

#[test]
fn an_end_that_is_not_stored_starts_nothing() {
    let mut world = World::new();
    world.jobs = vec![
        job("2026-10", "v1", 1, failed(-90, FailureClass::Transient, Reason::JobFailed)),
        job("2026-11", "w1", 1, done(-5, report("2026-11", 1, false))),
    ];
    assert_eq!(world.loads(), []);
    assert_eq!(world.recorded().loads(), loads(&[("v1", 2)]));
}

fn october_failed(strikes: i32, class: FailureClass, minutes_ago: i64) -> World {
    let mut world = World::new();
    world.found = vec![found("2026-10", "v1")];
    world.jobs = (1..=strikes)
        .map(|attempt| {
            job(
                "2026-10",
                "v1",
                attempt,
                failed(-minutes_ago - strikes as i64 + attempt as i64, class, Reason::JobFailed),
            )
        })
        .collect();
    world.recorded()
}

#[test]
fn passing_faults_wait_one_ten_and_sixty_minutes_then_six_hours() {
    for (strikes, wait) in [(1, 1), (2, 10), (3, 60), (4, 360), (9, 360)] {
        for class in [FailureClass::Transient, FailureClass::Conflict, FailureClass::Lost] {
            let early = october_failed(strikes, class, wait - 1);
            assert_eq!(early.loads(), [], "{class:?} {strikes}");
            assert_eq!(early.decide().retry_at, Some(at(1)), "{class:?} {strikes}");
            assert_eq!(october_failed(strikes, class, wait).loads(), loads(&[("v1", strikes + 1)]));
        }
    }
}

#[test]
fn faults_of_data_and_configuration_wait_for_a_change() {
    for class in [FailureClass::Data, FailureClass::Configuration] {
        let mut world = october_failed(1, class, 100_000);
        assert_eq!((world.loads(), world.decide().retry_at), (loads(&[]), None));
        world.inputs = "changed";
        assert_eq!(world.loads(), loads(&[("v1", 2)]));
        world.inputs = "in";
        world.found = vec![found("2026-10", "v2")];
        assert_eq!(world.loads(), loads(&[("v2", 1)]), "a new version is a change");
    }
}

#[test]
fn a_newer_version_in_the_warehouse_ends_it() {
    let mut world = october_failed(1, FailureClass::Conflict, 1000);
    let failure = world.stored.iter_mut().find_map(|status| status.failure.as_mut()).expect("a failure");
    failure.reason = Reason::Current.to_string();
    assert!(!used_up(failure));
    assert_eq!(world.loads(), []);
    world.inputs = "changed";
    assert_eq!(world.loads(), loads(&[("v1", 2)]), "whoever asks, or another release, may see it otherwise");
}

#[test]
fn attempts_are_used_up_after_three_or_at_once() {
    let used = |strikes, class| {
        let world = october_failed(strikes, class, 1);
        used_up(world.stored.iter().find_map(|status| status.failure.as_ref()).expect("a failure"))
    };
    assert!(!used(3, FailureClass::Transient));
    assert!(used(4, FailureClass::Transient));
    assert!(used(1, FailureClass::Data));
}

#[test]
fn names_come_from_the_version_that_is_delivered() {
    let world = World::new();
    assert_eq!(world.decide().loads[0].version, version("w1"));
}
