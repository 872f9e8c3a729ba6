//! The ledger in status: what is delivered and loaded of each month. Pure: what was known, what is delivered and
//! how Jobs ended go in; what is known now comes out, the same however often it is asked.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    api::status::{Failure, MAX_CURRENCIES, MAX_PERIODS, PeriodState, PeriodStatus},
    controller::jobs::observed::{BadEnd, JobState, LoadJob},
    model::{Amount, BillingPeriod, PeriodReport, Reason, VersionIdentity},
    report::{Delivery, FoundPeriod},
};

/// A load that ended well and was not known yet.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// The month.
    pub period: BillingPeriod,
    /// Rows, where the Job told.
    pub rows: Option<i64>,
    /// When the Job ended.
    pub at: Timestamp,
}

/// What is known now, and what is new in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Periods {
    /// The months, newest first.
    pub list: Vec<PeriodStatus>,
    /// Loads that ended well.
    pub loaded: Vec<News>,
    /// True if a Job's failure was written down in this pass.
    pub failed: bool,
}

/// The wanted months, newest first.
pub fn wanted(months: u32, now: Timestamp) -> Vec<BillingPeriod> {
    std::iter::successors(Some(BillingPeriod::containing(now)), |period| Some(period.previous()))
        .take((months as usize).min(MAX_PERIODS))
        .collect()
}

/// Takes in deliveries and ended Jobs. Without `found` (not looked at yet) deliveries stay as they were known.
pub fn update(
    known: &[PeriodStatus],
    wanted: &[BillingPeriod],
    found: Option<&[FoundPeriod]>,
    jobs: &[LoadJob],
    now: Timestamp,
) -> Periods {
    let mut periods = Periods { list: Vec::with_capacity(wanted.len()), loaded: Vec::new(), failed: false };
    for period in wanted {
        let before = known.iter().find(|status| status.period == *period);
        let delivery = found
            .and_then(|found| found.iter().find(|found| found.period == *period))
            .and_then(|found| found.delivery.as_ref().ok());
        let mut ended: Vec<&LoadJob> = jobs.iter().filter(|job| job.period == *period).collect();
        ended.sort_by_key(|job| (job.state.ended_at(), job.attempt));
        if before.is_none() && delivery.is_none() && ended.is_empty() && found.is_none() {
            continue;
        }
        let mut status = before.cloned().unwrap_or_else(|| unknown(*period));
        if let Some(delivery) = delivery {
            deliver(&mut status, delivery);
        }
        for job in ended {
            match &job.state {
                JobState::Active(_) | JobState::Unread => {}
                JobState::Done { at, report } => {
                    let report = report.as_ref().map(|loaded| &loaded.report);
                    if succeed(&mut status, &job.version, report, *at) {
                        periods.loaded.push(News { period: *period, rows: status.rows, at: *at });
                    }
                }
                JobState::Failed { at, end } => periods.failed |= fail(&mut status, job, *at, end),
            }
        }
        status.state = settle(&status, now);
        periods.list.push(status);
    }
    periods
}

fn unknown(period: BillingPeriod) -> PeriodStatus {
    PeriodStatus {
        period,
        state: PeriodState::Missing,
        delivered_version: None,
        delivered: None,
        version: None,
        loaded: None,
        rows: None,
        totals: BTreeMap::new(),
        failure: None,
    }
}

fn deliver(status: &mut PeriodStatus, delivery: &Delivery) {
    if status.delivered_version.as_ref() != Some(&delivery.version) {
        status.delivered_version = Some(delivery.version.clone());
        status.delivered = delivery.last_modified.or(delivery.ordered_at);
    }
}

/// Writes a load that ended well; false if it is known already, or older than what is.
fn succeed(
    status: &mut PeriodStatus,
    version: &VersionIdentity,
    report: Option<&PeriodReport>,
    at: Timestamp,
) -> bool {
    let known = status.version.as_ref() == Some(version) && (status.rows.is_some() || report.is_none());
    if known || status.loaded.is_some_and(|loaded| loaded > at) {
        return false;
    }
    let again = status.version.is_some() && status.version.as_ref() != Some(version);
    let settled = matches!(status.state, PeriodState::Final | PeriodState::Restated);
    status.version = Some(version.clone());
    status.loaded = Some(at);
    status.failure = None;
    status.rows = report.and_then(|report| i64::try_from(report.rows).ok());
    status.totals = report.map(totals).unwrap_or_default();
    let invoiced = report.is_some_and(|report| report.invoiced);
    status.state = match (settled, invoiced) {
        (true, _) if again => PeriodState::Restated,
        (_, true) => PeriodState::Final,
        (true, false) => status.state,
        (false, false) => PeriodState::Open,
    };
    true
}

fn totals(report: &PeriodReport) -> BTreeMap<String, Amount> {
    let currency =
        |code: &String| (1..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic());
    report
        .totals
        .iter()
        .filter(|(code, _)| currency(code))
        .take(MAX_CURRENCIES)
        .map(|(code, totals)| (code.clone(), totals.unblended))
        .collect()
}

/// Writes a failed attempt; false if it is known already, or older than what is.
fn fail(status: &mut PeriodStatus, job: &LoadJob, at: Timestamp, end: &BadEnd) -> bool {
    let older = status.loaded.is_some_and(|loaded| loaded > at)
        || status.version.as_ref() == Some(&job.version)
        || status.failure.as_ref().is_some_and(|known| {
            if known.version == job.version { known.attempts >= job.attempt } else { known.at > at }
        });
    if older {
        return false;
    }
    let before =
        status.failure.as_ref().filter(|known| known.version == job.version && known.inputs == job.inputs);
    status.failure = Some(Failure {
        version: job.version.clone(),
        attempts: job.attempt,
        strikes: before.map_or(0, |known| known.strikes).saturating_add(1),
        class: end.class,
        // A newer version in the warehouse is no fault: the reason says so, and no retry comes.
        reason: if end.superseded { Reason::Current } else { end.reason }.as_str().to_owned(),
        message: end.message.clone(),
        at,
        inputs: job.inputs.clone(),
    });
    true
}

/// How settled a month is: what a load said of its invoice, else the calendar.
fn settle(status: &PeriodStatus, now: Timestamp) -> PeriodState {
    match status.state {
        PeriodState::Final | PeriodState::Restated => status.state,
        _ if status.delivered_version.is_none() && status.version.is_none() => PeriodState::Missing,
        _ if now < status.period.end() => PeriodState::Open,
        _ => PeriodState::Closing,
    }
}

#[cfg(test)]
pub mod tests;
