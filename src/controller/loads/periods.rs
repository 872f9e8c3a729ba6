//! The ledger in status: what is delivered and loaded of each month. Pure: what was known, what is delivered and
//! how Jobs ended go in; what is known now comes out, the same however often it is asked.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    api::status::{Failure, MAX_CURRENCIES, MAX_PERIODS, PeriodState, PeriodStatus},
    controller::{
        events::{Notice, NoticeKind},
        jobs::observed::{BadEnd, JobState, LoadJob},
    },
    model::{Amount, BillingPeriod, PeriodReport, Reason, VersionIdentity},
    report::{Delivery, FoundPeriod},
};

/// A load that ended well and was not known yet.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadNews {
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
    pub loaded: Vec<LoadNews>,
    /// True if a Job's failure was written down in this reconcile.
    pub failed: bool,
}

/// The wanted months, newest first.
pub fn wanted_months(months: u32, now: Timestamp) -> Vec<BillingPeriod> {
    std::iter::successors(Some(BillingPeriod::containing(now)), |period| Some(period.previous()))
        .take((months as usize).min(MAX_PERIODS))
        .collect()
}

/// Takes in deliveries and ended Jobs. Without `found` (not looked at yet) deliveries stay as they were known.
pub fn update_periods(
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
        // In the order in which they ended: of two that are new, what the later one says stands.
        ended.sort_by_key(|job| (job.state.ended_at(), job.attempt));
        if before.is_none() && delivery.is_none() && ended.is_empty() && found.is_none() {
            continue;
        }
        let mut status = before.cloned().unwrap_or_else(|| unknown_month(*period));
        if let Some(delivery) = delivery {
            note_delivery(&mut status, delivery);
        }
        for job in ended {
            match &job.state {
                JobState::Active(_) | JobState::Unread => {}
                JobState::Done { at, report } => {
                    let report = report.as_ref().map(|loaded| &loaded.report);
                    if note_success(&mut status, &job.version, report, *at) {
                        periods.loaded.push(LoadNews { period: *period, rows: status.rows, at: *at });
                    }
                }
                JobState::Failed { at, end } => periods.failed |= note_failure(&mut status, job, *at, end),
            }
        }
        status.state = state_of_month(&status, now);
        periods.list.push(status);
    }
    periods
}

fn unknown_month(period: BillingPeriod) -> PeriodStatus {
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

fn note_delivery(status: &mut PeriodStatus, delivery: &Delivery) {
    if status.delivered_version.as_ref() != Some(&delivery.version) {
        status.delivered_version = Some(delivery.version.clone());
        status.delivered = delivery.last_modified.or(delivery.ordered_at);
    }
}

/// Writes a load that ended well; false if it is known already, or older than what is.
fn note_success(
    status: &mut PeriodStatus,
    version: &VersionIdentity,
    report: Option<&PeriodReport>,
    at: Timestamp,
) -> bool {
    // A Job stays for a while after its end, so each reconcile meets ends that status has.
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
    status.totals = report.map(totals_of).unwrap_or_default();
    let invoiced = report.is_some_and(|report| report.invoiced);
    status.state = match (settled, invoiced) {
        (true, _) if again => PeriodState::Restated,
        (_, true) => PeriodState::Final,
        (true, false) => status.state,
        (false, false) => PeriodState::Open,
    };
    true
}

fn totals_of(report: &PeriodReport) -> BTreeMap<String, Amount> {
    let currency =
        |code: &String| (1..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic());
    report
        .totals
        .iter()
        // A message comes out of a pod: status takes no more and nothing longer than its schema does.
        .filter(|(code, _)| currency(code))
        .take(MAX_CURRENCIES)
        .map(|(code, totals)| (code.clone(), totals.unblended))
        .collect()
}

/// Writes a failed attempt; false if it is known already, or older than what is.
fn note_failure(status: &mut PeriodStatus, job: &LoadJob, at: Timestamp, end: &BadEnd) -> bool {
    let older = status.loaded.is_some_and(|loaded| loaded > at)
        || status.version.as_ref() == Some(&job.version)
        || status.failure.as_ref().is_some_and(|known| {
            if known.version == job.version { known.attempts >= job.attempt } else { known.at > at }
        });
    if older {
        return false;
    }
    // Another version or other inputs is a new start: its failures are counted from one again.
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
fn state_of_month(status: &PeriodStatus, now: Timestamp) -> PeriodState {
    match status.state {
        PeriodState::Final | PeriodState::Restated => status.state,
        _ if status.delivered_version.is_none() && status.version.is_none() => PeriodState::Missing,
        _ if now < status.period.end() => PeriodState::Open,
        _ => PeriodState::Closing,
    }
}

/// The notices for loads that ended well.
pub fn load_notices(news: &[LoadNews]) -> Vec<Notice> {
    news.iter()
        .map(|news| Notice {
            kind: NoticeKind::Normal,
            reason: Reason::Loaded.to_string(),
            action: "Load".to_owned(),
            note: match news.rows {
                Some(rows) => format!("Loaded {} ({rows} rows)", news.period),
                None => format!("Loaded {}", news.period),
            },
        })
        .collect()
}

#[cfg(test)]
pub mod tests;
