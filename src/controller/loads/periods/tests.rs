//! What is known of a month, from each way its Jobs may end.

pub(in crate::controller) use crate::connection::sample::{at, found, nothing, period, version};
use crate::{
    api::status::FailureClass,
    controller::{
        jobs::observed::{LoadOutcome, PodBlocker},
        loads::periods::*,
    },
    model::{CurrencyTotals, Outcome},
};

pub(in crate::controller) fn report(month: &str, rows: u64, invoiced: bool) -> PeriodReport {
    PeriodReport {
        period: period(month),
        connection: None,
        manifest: None,
        outcome: Outcome::Loaded,
        reason: None,
        message: None,
        files: 1,
        rows,
        bytes: 1,
        delivered_at: None,
        loaded_at: None,
        invoiced,
        totals: [(
            "USD".to_owned(),
            CurrencyTotals {
                rows,
                unblended: "1.25".parse().expect("an amount"),
                ..CurrencyTotals::default()
            },
        )]
        .into(),
        tag_collisions: 0,
        rounded_values: 0,
        missing_columns: Vec::new(),
    }
}

pub(in crate::controller) fn job(
    month: &str,
    identity: &str,
    attempt: i32,
    state: JobState<LoadOutcome>,
) -> LoadJob {
    LoadJob {
        name: format!("job-{month}-{identity}-{attempt}"),
        period: period(month),
        version: version(identity),
        attempt,
        inputs: "in".to_owned(),
        state,
        given_up: None,
    }
}

pub(in crate::controller) fn done(minute: i64, report: PeriodReport) -> JobState<LoadOutcome> {
    JobState::Done { at: at(minute), report: Some(LoadOutcome { report }) }
}

pub(in crate::controller) fn failed(
    minute: i64,
    class: FailureClass,
    reason: Reason,
) -> JobState<LoadOutcome> {
    JobState::Failed {
        at: at(minute),
        end: BadEnd { class, reason, message: "words".to_owned(), superseded: false },
    }
}

const OCTOBER: &str = "2026-10";

fn october(known: &[PeriodStatus], jobs: &[LoadJob]) -> (PeriodStatus, Periods) {
    let periods = update_periods(known, &[period(OCTOBER)], Some(&[found(OCTOBER, "v1")]), jobs, at(0));
    (periods.list[0].clone(), periods)
}

#[test]
fn wanted_months_start_with_the_current_one() {
    let months: Vec<String> = wanted_months(3, at(0)).iter().map(ToString::to_string).collect();
    assert_eq!(months, ["2026-11", "2026-10", "2026-09"]);
    assert_eq!(wanted_months(40, at(0)).len(), MAX_PERIODS);
}

#[test]
fn months_are_missing_open_or_closing_before_any_load() {
    let months = wanted_months(3, at(0));
    let found = [found("2026-11", "a"), found("2026-10", "b"), nothing("2026-09")];
    let states: Vec<PeriodState> = update_periods(&[], &months, Some(&found), &[], at(0))
        .list
        .iter()
        .map(|status| status.state)
        .collect();
    assert_eq!(states, [PeriodState::Open, PeriodState::Closing, PeriodState::Missing]);
    assert!(update_periods(&[], &months, None, &[], at(0)).list.is_empty(), "nothing is said before a look");
}

#[test]
fn a_load_that_ended_well_is_news_once() {
    let jobs = [job(OCTOBER, "v1", 1, done(-5, report(OCTOBER, 7, false)))];
    let (status, periods) = october(&[], &jobs);
    assert_eq!((status.version.clone(), status.rows), (Some(version("v1")), Some(7)));
    assert_eq!(status.totals["USD"].to_string(), "1.25");
    assert_eq!(periods.loaded.len(), 1);
    let (again, periods) = october(std::slice::from_ref(&status), &jobs);
    assert_eq!((again, periods.loaded.len()), (status, 0));
}

#[test]
fn an_unreadable_report_still_says_loaded() {
    let jobs = [job(OCTOBER, "v1", 1, JobState::Done { at: at(-5), report: None })];
    let (status, _) = october(&[], &jobs);
    assert_eq!((status.version, status.rows), (Some(version("v1")), None));
}

#[test]
fn a_failure_is_written_once_and_goes_with_success() {
    let first = [job(OCTOBER, "v1", 1, failed(-5, FailureClass::Transient, Reason::JobFailed))];
    let (status, periods) = october(&[], &first);
    let failure = status.failure.clone().expect("a failure");
    assert!(periods.failed);
    assert_eq!((failure.attempts, failure.strikes), (1, 1));
    let (again, periods) = october(std::slice::from_ref(&status), &first);
    assert_eq!((again, periods.failed), (status.clone(), false));
    let both = [first[0].clone(), job(OCTOBER, "v1", 2, done(-1, report(OCTOBER, 7, false)))];
    assert_eq!(october(&[status], &both).0.failure, None);
    let (fresh, _) = october(&[], &both);
    assert_eq!(fresh.failure, None, "after a restart of everything the order of ends still counts");
}

#[test]
fn strikes_start_over_when_inputs_changed() {
    let one = job(OCTOBER, "v1", 1, failed(-9, FailureClass::Data, Reason::ParseFailed));
    let two = job(OCTOBER, "v1", 2, failed(-5, FailureClass::Data, Reason::ParseFailed));
    let (status, _) = october(&[], &[one.clone(), two.clone()]);
    assert_eq!(status.failure.map(|failure| failure.strikes), Some(2));
    let two = LoadJob { inputs: "other".to_owned(), ..two };
    let (status, _) = october(&[], &[one, two]);
    assert_eq!(status.failure.map(|failure| (failure.attempts, failure.strikes)), Some((2, 1)));
}

#[test]
fn an_old_failure_does_not_stand_against_a_newer_load() {
    let jobs = [
        job(OCTOBER, "v0", 1, failed(-9, FailureClass::Data, Reason::ParseFailed)),
        job(OCTOBER, "v1", 1, done(-5, report(OCTOBER, 7, false))),
    ];
    assert_eq!(october(&[], &jobs).0.failure, None);
}

#[test]
fn an_invoice_makes_a_month_final_and_a_new_version_restates_it() {
    let jobs = [job(OCTOBER, "v1", 1, done(-5, report(OCTOBER, 7, true)))];
    let (status, _) = october(&[], &jobs);
    assert_eq!(status.state, PeriodState::Final);
    let jobs = [job(OCTOBER, "v2", 1, done(-1, report(OCTOBER, 8, true)))];
    let (status, _) = october(&[status], &jobs);
    assert_eq!((status.state, status.rows), (PeriodState::Restated, Some(8)));
}

#[test]
fn an_active_job_says_nothing_yet() {
    let (status, periods) = october(&[], &[job(OCTOBER, "v1", 1, JobState::Active(PodBlocker::None))]);
    assert_eq!((status.version, periods.loaded.len(), periods.failed), (None, 0, false));
}
