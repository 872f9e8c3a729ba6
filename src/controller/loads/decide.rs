//! Which loads to start, and when to look again. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::status::{Failure, FailureClass, PeriodStatus},
    controller::{
        jobs::{
            manifest::Load,
            observed::{JobState, LoadJob},
        },
        settings::JobLimits,
    },
    model::{BillingPeriod, Reason},
    report::FoundPeriod,
};

/// The waits after the first failures of a load that may pass by itself.
const WAITS: [SignedDuration; 3] =
    [SignedDuration::from_mins(1), SignedDuration::from_mins(10), SignedDuration::from_mins(60)];
/// The wait once those are used up.
const LONG_WAIT: SignedDuration = SignedDuration::from_hours(6);

/// What loads are decided from.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Wanted months, newest first.
    pub wanted: &'a [BillingPeriod],
    /// What status said before this pass: an attempt counts as failed only once that is stored.
    pub stored: &'a [PeriodStatus],
    /// What is delivered, as last seen.
    pub found: &'a [FoundPeriod],
    /// The account's Jobs.
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
pub struct Decision {
    /// Loads that may start now, the newest month first; limits decide how many do.
    pub loads: Vec<Load>,
    /// When the first of the waiting ones may start.
    pub retry_at: Option<Timestamp>,
}

/// Whether another attempt may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Now.
    Open,
    /// At this time.
    Until(Timestamp),
    /// Only when something changes: the version, the spec, a Secret, the operator, the annotation.
    Change,
}

/// Decides which loads may start.
pub fn decide(situation: &Situation<'_>) -> Decision {
    let mut decision = Decision::default();
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
        if busy(situation.jobs, *period) || unrecorded(situation.jobs, *period, delivery, attempt) {
            continue;
        }
        match failure.map_or(Gate::Open, |failure| gate(failure, situation)) {
            Gate::Open => decision.loads.push(Load {
                period: *period,
                version: delivery.version.clone(),
                kind: delivery.kind,
                attempt,
                inputs: situation.inputs.to_owned(),
            }),
            Gate::Until(at) => {
                decision.retry_at = Some(decision.retry_at.map_or(at, |first: Timestamp| first.min(at)));
            }
            Gate::Change => {}
        }
    }
    decision
}

/// One active Job a month, whatever version it loads.
fn busy(jobs: &[LoadJob], period: BillingPeriod) -> bool {
    jobs.iter().any(|job| job.period == period && matches!(job.state, JobState::Active(_)))
}

/// The Job of this very attempt ended, and its end is not in status yet.
fn unrecorded(
    jobs: &[LoadJob],
    period: BillingPeriod,
    delivery: &crate::report::Delivery,
    attempt: i32,
) -> bool {
    jobs.iter().any(|job| job.period == period && job.version == delivery.version && job.attempt >= attempt)
}

fn gate(failure: &Failure, situation: &Situation<'_>) -> Gate {
    if failure.inputs != situation.inputs {
        return Gate::Open;
    }
    if failure.reason == Reason::Current.as_str() {
        return Gate::Change;
    }
    let Some(wait) = wait_after(failure) else { return Gate::Change };
    let until = failure.at + situation.retry_delay.unwrap_or(wait);
    if until <= situation.now { Gate::Open } else { Gate::Until(until) }
}

/// How long to wait after a failure, or `None` if only a change helps.
fn wait_after(failure: &Failure) -> Option<SignedDuration> {
    match failure.class {
        FailureClass::Data | FailureClass::Configuration => None,
        FailureClass::Transient | FailureClass::Conflict | FailureClass::Lost => {
            let strike = usize::try_from(failure.strikes.max(1)).unwrap_or(usize::MAX);
            Some(WAITS.get(strike - 1).copied().unwrap_or(LONG_WAIT))
        }
    }
}

/// True if the quick attempts are used up, or can't help: another object owns the bill until somebody takes it away.
pub fn used_up(failure: &Failure) -> bool {
    failure.reason != Reason::Current.as_str()
        && (failure.reason == Reason::DuplicateConnection.as_str()
            || wait_after(failure).is_none_or(|wait| wait == LONG_WAIT))
}

/// How many Jobs are at work, seen from one load that wants to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The account's.
    pub account: usize,
    /// The warehouse's.
    pub warehouse: usize,
    /// All.
    pub cluster: usize,
}

/// How many pods may write to a warehouse at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// One: its claim is mounted by one node, or by one pod.
    One,
    /// As many as settings allow.
    Many,
}

/// How many of the wanted loads may start.
pub fn admitted(usage: Usage, writers: Writers, limits: &JobLimits) -> usize {
    let per_warehouse = match writers {
        Writers::One => 1,
        Writers::Many => limits.per_warehouse,
    };
    limits
        .per_account
        .saturating_sub(usage.account)
        .min(per_warehouse.saturating_sub(usage.warehouse))
        .min(limits.cluster.saturating_sub(usage.cluster))
}

#[cfg(test)]
mod tests;
