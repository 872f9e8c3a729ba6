//! Which loads to start, and when to look again. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::status::{Failure, FailureClass, PeriodStatus},
    controller::{
        error::{AFTER_MANY_FAILURES, wait_after_failures},
        jobs::{
            manifest::PlannedLoad,
            observed::{JobState, LoadJob},
        },
    },
    model::{BillingPeriod, Reason},
    report::FoundPeriod,
};

/// What loads are decided from.
#[derive(Debug, Clone, Copy)]
pub struct LoadSituation<'a> {
    /// Wanted months, newest first.
    pub wanted: &'a [BillingPeriod],
    /// What status said before this reconcile: an attempt counts as failed only once that is stored.
    pub stored: &'a [PeriodStatus],
    /// What is delivered, as last seen.
    pub found: &'a [FoundPeriod],
    /// The account's Jobs, with how far each is.
    pub jobs: &'a [LoadJob],
    /// Fingerprint of what a load depends on.
    pub inputs: &'a str,
    /// A wait that replaces the usual ones, in tests.
    pub retry_delay: Option<SignedDuration>,
    /// Now.
    pub now: Timestamp,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoadDecision {
    /// Loads that may start now, the newest month first; limits decide how many do.
    pub loads: Vec<PlannedLoad>,
    /// When the first of the waiting ones may start.
    pub retry_at: Option<Timestamp>,
}

/// Whether another attempt may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryGate {
    /// Now.
    Open,
    /// At this time.
    Until(Timestamp),
    /// Only when something changes: the version, the spec, a Secret, the operator, the annotation.
    Change,
}

/// Decides which loads may start.
pub fn decide_loads(situation: &LoadSituation<'_>) -> LoadDecision {
    let mut decision = LoadDecision::default();
    for period in situation.wanted {
        let found = situation.found.iter().find(|found| found.period == *period);
        let Some(delivery) = found.and_then(|found| found.delivery.as_ref().ok()) else { continue };
        let stored = situation.stored.iter().find(|status| status.period == *period);
        if stored.and_then(|status| status.version.as_ref()) == Some(&delivery.version) {
            continue;
        }
        let failure = stored
            .and_then(|status| status.failure.as_ref())
            .filter(|failure| failure.version == delivery.version);
        let attempt = failure.map_or(1, |failure| failure.attempts.saturating_add(1));
        if is_busy(situation.jobs, *period) || is_unrecorded(situation.jobs, *period, delivery, attempt) {
            continue;
        }
        match failure.map_or(RetryGate::Open, |failure| retry_gate(failure, situation)) {
            RetryGate::Open => decision.loads.push(PlannedLoad {
                period: *period,
                version: delivery.version.clone(),
                kind: delivery.kind,
                attempt,
                inputs: situation.inputs.to_owned(),
            }),
            RetryGate::Until(at) => {
                decision.retry_at = Some(decision.retry_at.map_or(at, |first: Timestamp| first.min(at)));
            }
            RetryGate::Change => {}
        }
    }
    decision
}

/// One active Job a month, whatever version it loads.
fn is_busy(jobs: &[LoadJob], period: BillingPeriod) -> bool {
    jobs.iter().any(|job| job.period == period && matches!(job.state, JobState::Active(_)))
}

/// The Job of this very attempt ended, and its end is not in status yet.
fn is_unrecorded(
    jobs: &[LoadJob],
    period: BillingPeriod,
    delivery: &crate::report::Delivery,
    attempt: i32,
) -> bool {
    jobs.iter().any(|job| job.period == period && job.version == delivery.version && job.attempt >= attempt)
}

fn retry_gate(failure: &Failure, situation: &LoadSituation<'_>) -> RetryGate {
    // What a load depends on has changed since: whatever it failed for may be fixed.
    if failure.inputs != situation.inputs {
        return RetryGate::Open;
    }
    if failure.reason == Reason::Current.as_str() {
        return RetryGate::Change;
    }
    let Some(wait) = wait_after(failure) else { return RetryGate::Change };
    let until = failure.at + situation.retry_delay.unwrap_or(wait);
    if until <= situation.now { RetryGate::Open } else { RetryGate::Until(until) }
}

/// How long to wait after a failure, or `None` if only a change helps.
fn wait_after(failure: &Failure) -> Option<SignedDuration> {
    match failure.class {
        FailureClass::Data | FailureClass::Configuration => None,
        FailureClass::Transient | FailureClass::Conflict | FailureClass::Lost => {
            Some(wait_after_failures(failure.strikes))
        }
    }
}

/// True if the quick attempts are used up, or can't help: another object owns the bill until somebody takes it away.
pub fn used_up(failure: &Failure) -> bool {
    failure.reason != Reason::Current.as_str()
        && (failure.reason == Reason::DuplicateConnection.as_str()
            || wait_after(failure).is_none_or(|wait| wait == AFTER_MANY_FAILURES))
}

#[cfg(test)]
mod tests;
