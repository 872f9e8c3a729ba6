//! What status says: every condition, the summary over them, and the rest of the report. Pure.

mod loading;
pub mod patch;
mod summary;
pub mod unusable;

use jiff::Timestamp;

use super::{error::Blockage, jobs::observed::LoadJob, loads::periods::Periods};
use crate::{
    api::{
        AwsCostAccountStatus,
        conditions::{self, Saying},
        status::{BucketStatus, HistoryStatus, Identity, IngestionStatus, MAX_MISSING, ReportStatus},
    },
    connection::{ExternalIdPolicy, Finding},
    model::{BillingPeriod, ConditionStatus, ConditionType, Reason},
};

pub use summary::ReadySummary;

/// Everything a status is made from.
#[derive(Debug, Clone)]
pub struct AccountState<'a> {
    /// The status that stands: what nothing new is known of stays.
    pub old: &'a AwsCostAccountStatus,
    /// The generation that was looked at.
    pub generation: Option<i64>,
    /// The request for a look that was answered.
    pub reconcile_at: Option<&'a str>,
    /// Findings on AWS's side, every layer that applies, the delivery's included.
    pub findings: &'a [Finding],
    /// What it means if the role does not enforce its external ID.
    pub external_id_policy: ExternalIdPolicy,
    /// The bill's side; absent for a Member without a report.
    pub bill: Option<BillState<'a>>,
    /// Who we are in the account.
    pub identity: Identity,
    /// The moment of this reconcile.
    pub now: Timestamp,
}

/// What is known of the bill.
#[derive(Debug, Clone)]
pub struct BillState<'a> {
    /// The warehouse's readiness, in the account's words.
    pub warehouse: Saying,
    /// True if what keeps the warehouse from being ready is tried again by itself.
    pub warehouse_retries: bool,
    /// The wanted months, and what is known of each.
    pub periods: &'a Periods,
    /// The account's Jobs, with how far each is.
    pub jobs: &'a [LoadJob],
    /// Jobs that were created in this reconcile.
    pub created: &'a [String],
    /// Loads that wait for their turn.
    pub queued: usize,
    /// What keeps Jobs from being created.
    pub blockage: Option<Blockage>,
    /// Months that were never delivered.
    pub missing: Vec<BillingPeriod>,
    /// What is said of the report.
    pub report: ReportStatus,
    /// What is said of the bucket.
    pub bucket: BucketStatus,
}

/// The status that follows.
pub fn build_status(picture: &AccountState<'_>) -> AwsCostAccountStatus {
    let mut sayings: Vec<Saying> = picture.findings.iter().map(condition_draft).collect();
    if let Some(bill) = &picture.bill {
        sayings.push(bill.warehouse.clone());
        let held_by = summary::holding_loads(picture, &sayings);
        let data = loading::data_current(bill, &sayings, held_by);
        let totals = loading::totals_verified(bill, &data);
        sayings.extend([data, totals]);
    }
    let summary = ReadySummary::of(picture, &sayings);
    let mut all = summary.sayings();
    all.extend(sayings);
    let old = picture.old;
    AwsCostAccountStatus {
        observed_generation: picture.generation,
        last_handled_reconcile_at: picture
            .reconcile_at
            .map(str::to_owned)
            .or_else(|| old.last_handled_reconcile_at.clone()),
        conditions: conditions::write(&old.conditions, &all, picture.generation, picture.now),
        identity: Some(merge_identity(&picture.identity, old)),
        report: picture.bill.as_ref().map(|bill| bill.report.clone()),
        bucket: picture.bill.as_ref().map(|bill| bill.bucket.clone()),
        history: picture
            .bill
            .as_ref()
            .map(|bill| HistoryStatus { missing: bill.missing.iter().take(MAX_MISSING).copied().collect() }),
        periods: picture.bill.as_ref().map(|bill| bill.periods.list.clone()).unwrap_or_default(),
        ingestion: picture.bill.as_ref().map(|bill| ingestion_status(bill, old)),
        purge: None,
    }
}

/// What stands while nothing may be looked at: only the answer to the generation and to a request for a look.
pub fn suspended_status(
    old: &AwsCostAccountStatus,
    generation: Option<i64>,
    reconcile_at: Option<&str>,
    bill: Option<(&Periods, &[LoadJob])>,
    now: Timestamp,
) -> AwsCostAccountStatus {
    let mut status = old.clone();
    status.observed_generation = generation;
    if let Some(wish) = reconcile_at {
        status.last_handled_reconcile_at = Some(wish.to_owned());
    }
    if let Some((periods, jobs)) = bill {
        status.periods.clone_from(&periods.list);
        let ingestion = status.ingestion.get_or_insert_default();
        ingestion.last_success = last_success(periods, ingestion.last_success);
        (ingestion.newest_period, ingestion.newest_total) = newest_load(periods);
        ingestion.active_jobs = active_jobs(jobs, &[]);
    }
    // Nothing goes on by itself while it is suspended: Reconciling would keep kstatus waiting for ever.
    status.conditions.retain(|condition| condition.type_ != ConditionType::Reconciling.as_str());
    if status.conditions.is_empty() {
        let saying = Saying::new(
            ConditionType::Ready,
            ConditionStatus::Unknown,
            Reason::NotChecked,
            "Suspended before the first look: set spec.suspend to false.",
        );
        status.conditions = conditions::write(&[], &[saying], generation, now);
    }
    status
}

/// The early patch of a new generation: seen, and being worked on. Other conditions stay as they are.
pub fn progressing_status(
    old: &AwsCostAccountStatus,
    generation: Option<i64>,
    now: Timestamp,
) -> AwsCostAccountStatus {
    let mut status = old.clone();
    status.observed_generation = generation;
    status.conditions = progressing_conditions(&old.conditions, generation, now);
    status
}

/// The conditions of [`progressing`], for both kinds.
pub fn progressing_conditions(
    old: &[conditions::Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<conditions::Condition> {
    let say = |type_, status| {
        Saying::new(type_, status, Reason::Progressing, "The new generation is being looked at.")
    };
    let ours = [
        say(ConditionType::Reconciling, ConditionStatus::True),
        say(ConditionType::Ready, ConditionStatus::Unknown),
    ];
    replace_summary(old, &ours, generation, now)
}

/// Other words for Reconciling, Stalled and Ready; every other condition stays as it is.
pub fn replace_summary(
    old: &[conditions::Condition],
    summary: &[Saying],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<conditions::Condition> {
    let summaries = [ConditionType::Reconciling, ConditionType::Stalled, ConditionType::Ready];
    let mut conditions = conditions::write(old, summary, generation, now);
    conditions.extend(
        old.iter()
            .filter(|condition| !summaries.iter().any(|type_| type_.as_str() == condition.type_))
            .cloned(),
    );
    conditions
}

/// A finding as a condition says it.
pub fn condition_draft(finding: &Finding) -> Saying {
    Saying::new(finding.condition, finding.verdict.into(), finding.reason, finding.message.clone())
}

/// What is known stays known while a look gives no answer. Who manages the account's organization may be nobody.
fn merge_identity(seen: &Identity, old: &AwsCostAccountStatus) -> Identity {
    let before = old.identity.clone().unwrap_or_default();
    Identity {
        account_id: seen.account_id.clone().or(before.account_id),
        management_account_id: seen.management_account_id.clone(),
        external_id_in_use: seen.external_id_in_use.clone(),
        last_assumed: seen.last_assumed.clone().or(before.last_assumed),
        operator: seen.operator.clone().or(before.operator),
    }
}

fn ingestion_status(bill: &BillState<'_>, old: &AwsCostAccountStatus) -> IngestionStatus {
    let before = old.ingestion.as_ref().and_then(|ingestion| ingestion.last_success);
    let (newest_period, newest_total) = newest_load(bill.periods);
    IngestionStatus {
        last_success: last_success(bill.periods, before),
        newest_period,
        newest_total,
        active_jobs: active_jobs(bill.jobs, bill.created),
    }
}

fn last_success(periods: &Periods, before: Option<Timestamp>) -> Option<Timestamp> {
    periods.loaded.iter().map(|news| news.at).chain(before).max()
}

/// The newest month that is loaded, and its total where it is of one currency.
fn newest_load(periods: &Periods) -> (Option<BillingPeriod>, Option<String>) {
    let Some(newest) = periods.list.iter().find(|period| period.version.is_some()) else {
        return (None, None);
    };
    let mut totals = newest.totals.iter();
    let total = match (totals.next(), totals.next()) {
        (Some((currency, total)), None) => Some(format!("{} {currency}", total.to_cents())),
        _ => None,
    };
    (Some(newest.period), total)
}

fn active_jobs(jobs: &[LoadJob], created: &[String]) -> Vec<String> {
    let running = jobs
        .iter()
        .filter(|job| matches!(job.state, crate::controller::jobs::observed::JobState::Active(_)))
        .map(|job| job.name.clone());
    // Sorted, or a list that only changed its order would be a patch.
    let mut names: Vec<String> = running.chain(created.iter().cloned()).collect();
    names.sort();
    names.dedup();
    names.truncate(16);
    names
}

#[cfg(test)]
mod tests;
