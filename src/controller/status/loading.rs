//! DataCurrent and TotalsVerified: how far the loads are.

use crate::{
    api::{
        conditions::Saying,
        status::{Failure, PeriodStatus},
    },
    controller::{
        jobs::observed::{JobState, PodBlocker},
        status::BillState,
    },
    model::{
        ConditionStatus, ConditionType, Reason,
        layers::{Layer, blocked_message, blocked_reason},
    },
};

const DATA: ConditionType = ConditionType::DataCurrent;
const TOTALS: ConditionType = ConditionType::TotalsVerified;

pub(super) fn data_current(bill: &BillState<'_>, below: &[Saying], held_by: Option<ConditionType>) -> Saying {
    if let Some(blocked) = blocked_draft(bill, below) {
        return blocked;
    }
    let behind: Vec<&PeriodStatus> = bill.periods.list.iter().filter(|period| is_behind(period)).collect();
    if behind.is_empty() {
        return Saying::new(
            DATA,
            ConditionStatus::True,
            Reason::Current,
            "The newest version of every delivered month is loaded.",
        );
    }
    let no = |reason, message: String| Saying::new(DATA, ConditionStatus::False, reason, message);
    if let Some((reason, message)) = obstacle_of(bill) {
        return no(reason, message.to_owned());
    }
    let mut failures = behind.iter().filter_map(|period| Some((period, load_failure(period)?)));
    // A month that waits for a person is said before those that pass by themselves.
    let worst = failures.clone().find(|(_, failure)| crate::controller::loads::decide::used_up(failure));
    if let Some((period, failure)) = worst.or_else(|| failures.next()) {
        let reason = Reason::from_name(&failure.reason).unwrap_or(Reason::JobFailed);
        return no(reason, format!("{}: {}", period.period, as_sentence(&failure.message)));
    }
    if let Some(blockage) = &bill.blockage {
        return no(blockage.reason, blockage.message.clone());
    }
    let active =
        bill.jobs.iter().any(|job| matches!(job.state, JobState::Active(_))) || !bill.created.is_empty();
    if active {
        return no(Reason::Loading, "A Job is loading; see status.ingestion.activeJobs.".to_owned());
    }
    if bill.queued > 0 {
        return no(Reason::Queued, "A load waits for its turn: other Jobs are at work.".to_owned());
    }
    let when = match held_by {
        Some(layer) => format!("is loaded once {layer} is True"),
        None => "is about to be loaded".to_owned(),
    };
    no(Reason::Queued, format!("A new version is delivered and {when}."))
}

pub(super) fn totals_verified(bill: &BillState<'_>, data: &Saying) -> Saying {
    let differs = bill.periods.list.iter().find_map(|period| {
        load_failure(period).filter(|failure| failure.reason == Reason::TotalsDiffer.as_str())
    });
    if let Some(failure) = differs {
        let message =
            format!("{} Nothing was committed; what was loaded before stays.", as_sentence(&failure.message));
        return Saying::new(TOTALS, ConditionStatus::False, Reason::TotalsDiffer, message);
    }
    if bill.periods.list.iter().any(|period| period.version.is_some()) {
        return Saying::new(
            TOTALS,
            ConditionStatus::True,
            Reason::TotalsEqual,
            "Rows and sums of every loaded month equal those an independent decoder read from the source.",
        );
    }
    // What keeps the data from being told keeps its totals from it too.
    let reason = if data.status == ConditionStatus::Unknown { data.reason } else { blocked_reason(DATA) };
    Saying::new(TOTALS, ConditionStatus::Unknown, reason, "Nothing is loaded yet that could be verified.")
}

/// Unknown, if a layer below is broken and nothing is known of deliveries.
fn blocked_draft(bill: &BillState<'_>, below: &[Saying]) -> Option<Saying> {
    let delivered = bill.periods.list.iter().any(|period| period.delivered_version.is_some());
    let status = |needed| match needed {
        // A stale delivery is a delivery: what is there can be current.
        ConditionType::ReportDelivered if delivered => Some(ConditionStatus::True),
        ConditionType::ReportDelivered => Some(ConditionStatus::Unknown),
        needed => below.iter().find(|saying| saying.type_ == needed).map(|saying| saying.status),
    };
    let by = Layer::of(DATA)?.blocked_by(status)?;
    Some(Saying::new(DATA, ConditionStatus::Unknown, blocked_reason(by), blocked_message(by)))
}

/// True if a newer version than the loaded one is delivered.
fn is_behind(period: &PeriodStatus) -> bool {
    let newer_in_warehouse =
        load_failure(period).is_some_and(|failure| failure.reason == Reason::Current.as_str());
    period.delivered_version.is_some() && period.delivered_version != period.version && !newer_in_warehouse
}

/// The failure that stands against the delivered version.
fn load_failure(period: &PeriodStatus) -> Option<&Failure> {
    period.failure.as_ref().filter(|failure| Some(&failure.version) == period.delivered_version.as_ref())
}

fn obstacle_of(bill: &BillState<'_>) -> Option<(Reason, &'static str)> {
    bill.jobs.iter().find_map(|job| match job.state {
        JobState::Active(PodBlocker::Unschedulable) => Some((
            Reason::Unschedulable,
            "No node takes the Job's pod: check spec.ingestion's resources, nodeSelector and tolerations, and the \
             warehouse's claim.",
        )),
        JobState::Active(PodBlocker::Image) => Some((
            Reason::ImagePullFailed,
            "The Job's image can't be pulled: check the operator's image setting and \
             spec.ingestion.imagePullSecrets.",
        )),
        JobState::Active(PodBlocker::Quota) => Some((
            Reason::QuotaExceeded,
            "The Job can't create its pod: a ResourceQuota, LimitRange or admission policy of the namespace \
             refuses it. The Job's events say which.",
        )),
        _ => None,
    })
}

/// Upper case at its start, one full stop at its end.
fn as_sentence(text: &str) -> String {
    let mut chars = text.trim().trim_end_matches('.').chars();
    let first = chars.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
