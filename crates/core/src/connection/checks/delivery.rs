//! ReportDelivered and HistoryComplete: what the listing of versions means.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    aws::traits::{ExecutionEnd, ExportExecution, ExportHealth, ExportIllness, LegacyDeliveryStatus},
    connection::{Facts, Finding, Verdict},
    model::{BillingPeriod, ConditionType, DeliveryService, Reason, ReportKind, ReportLocation},
    report::{
        DeliveryReadiness, FoundPeriod, FreshnessLimits, ReportFault, ReportFaultClass, missing_months,
        readiness,
    },
};

const DELIVERED: ConditionType = ConditionType::ReportDelivered;
const HISTORY: ConditionType = ConditionType::HistoryComplete;

/// What is expected of a report's deliveries.
#[derive(Debug, Clone)]
pub struct ExpectedDeliveries<'a> {
    /// The report.
    pub report: &'a ReportLocation,
    /// The family it turned out to be of.
    pub kind: Option<ReportKind>,
    /// How many months are wanted, the current one included.
    pub months: u32,
    /// How patient we are.
    pub freshness: FreshnessLimits,
    /// The months that were loaded at some time. Once one is, the spec's report and place are right.
    pub loaded: BTreeSet<BillingPeriod>,
    /// When the connection began to wait.
    pub since: Timestamp,
}

/// Both conditions, above the findings of the layers below.
pub fn check_deliveries(
    below: &[Finding],
    facts: &Facts,
    expected: &ExpectedDeliveries<'_>,
    now: Timestamp,
) -> [Finding; 2] {
    let question = Question { below, facts, expected, now };
    let delivered = question.report_delivered();
    let history = question.history_complete(&delivered);
    [delivered, history]
}

/// Wanted months that were never delivered, oldest first.
pub fn months_never_delivered(
    facts: &Facts,
    expected: &ExpectedDeliveries<'_>,
    now: Timestamp,
) -> Vec<BillingPeriod> {
    Question { below: &[], facts, expected, now }.missing_months()
}

/// Everything these two conditions are judged from.
#[derive(Debug, Clone, Copy)]
struct Question<'a> {
    below: &'a [Finding],
    facts: &'a Facts,
    expected: &'a ExpectedDeliveries<'a>,
    now: Timestamp,
}

/// Whether a first delivery may still be on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GraceTime {
    Runs,
    Over,
}

impl Question<'_> {
    /// Whether the report is delivered.
    fn report_delivered(&self) -> Finding {
        if let Some(blocked) = Finding::blocked_by_any(DELIVERED, self.below) {
            return blocked;
        }
        let found = match self.facts.deliveries.standing(self.now) {
            Ok(found) => found,
            Err(None) => return Finding::unknown(DELIVERED, Reason::NotChecked, "Not looked at yet."),
            Err(Some(fault)) => return fault_finding(fault),
        };
        if let Some(fault) = newest_fault(found) {
            return fault_finding(fault);
        }
        if let Some(ill) = self.delivery_illness() {
            return ill;
        }
        let times = found
            .iter()
            .filter_map(|found| found.delivery.as_ref().ok())
            .filter_map(|delivery| delivery.last_modified.or(delivery.ordered_at));
        match readiness(times, self.expected.since, self.expected.freshness, self.now) {
            DeliveryReadiness::Delivered { .. } => {
                Finding::pass(DELIVERED, Reason::Delivered, "A complete manifest is there, and it is fresh.")
            }
            DeliveryReadiness::AwaitingFirst => self.nothing_delivered(GraceTime::Runs),
            DeliveryReadiness::FirstOverdue => self.nothing_delivered(GraceTime::Over),
            DeliveryReadiness::Stale { .. } => Finding::fail(
                DELIVERED,
                Reason::DeliveryStale,
                "The newest delivery is older than spec.freshness.maxDeliveryAge. Look at the report in AWS's \
                 Billing console: it may be paused, or its bucket's policy may keep AWS out.",
            ),
        }
    }

    /// No manifest is there: it was loaded and went, AWS says that it delivered one, or it is still to come.
    fn nothing_delivered(&self, grace: GraceTime) -> Finding {
        let report = &self.expected.report;
        let instead = self.facts.deliveries.instead();
        match grace {
            _ if !self.expected.loaded.is_empty() => Finding::fail(
                DELIVERED,
                Reason::DeliveredButNotHere,
                format!(
                    "Months were loaded from s3://{}/{}, and there is no manifest any more: the delivered reports are gone. \
                         What is loaded stays. Check that nothing removes the files (a lifecycle rule, a clean-up). AWS writes \
                         the current month with its next delivery, and past months when AWS Support is asked for a backfill.",
                    report.bucket,
                    report.key_root()
                ),
            ),
            _ if self.delivered_by_its_word() => Finding::fail(
                DELIVERED,
                Reason::DeliveredButNotHere,
                format!(
                    "AWS says that it has delivered report {}, but there is no manifest under s3://{}/{}{instead}. Check that nothing \
                     removes the files (a lifecycle rule), and that a bucket they are replicated to has received them.",
                    report.name,
                    report.bucket,
                    report.key_root()
                ),
            ),
            GraceTime::Runs => Finding::unknown(
                DELIVERED,
                Reason::AwaitingFirstDelivery,
                format!(
                    "Nothing is delivered under s3://{}/{} yet{instead}. AWS takes up to 24 hours for the first delivery.",
                    report.bucket,
                    report.key_root()
                ),
            ),
            GraceTime::Over => Finding::fail(
                DELIVERED,
                Reason::FirstDeliveryOverdue,
                format!(
                    "Nothing is delivered under s3://{}/{} though the grace time is over{instead}. Check that spec.report's \
                     name, bucket and prefix are those of the definition in AWS, byte for byte, and that the \
                     bucket's policy lets AWS deliver.",
                    report.bucket,
                    report.key_root()
                ),
            ),
        }
    }

    /// Whether a month of the wanted history is missing.
    fn history_complete(&self, delivered: &Finding) -> Finding {
        if delivered.verdict == Verdict::Unknown {
            return Finding::blocked(HISTORY, DELIVERED);
        }
        if let Some(fault) = self.older_fault() {
            return Finding::fail(HISTORY, fault.reason(), format!("{}.", fault_words(fault)));
        }
        let missing = self.missing_months();
        if missing.is_empty() {
            return Finding::pass(HISTORY, Reason::Complete, "Every wanted month is delivered.");
        }
        let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
        Finding::fail(
            HISTORY,
            Reason::MonthsMissing,
            format!(
                "Never delivered: {}. AWS delivers past months of a new report on request only: ask AWS Support \
                 for a backfill of report {}, or lower spec.history.months.",
                names.join(", "),
                self.expected.report.name
            ),
        )
    }

    /// What keeps an older month than the newest from being taken, if it lasts. A month that is loaded may lose its files.
    fn older_fault(&self) -> Option<&ReportFault> {
        let found = self.facts.deliveries.standing(self.now).ok()?;
        let newest = newest_period(found)?.period;
        let lasts = |found: &&FoundPeriod| match &found.delivery {
            Ok(_) => false,
            Err(ReportFault::PartsMissing { .. }) => !self.expected.loaded.contains(&found.period),
            Err(fault) => matches!(fault.class(), ReportFaultClass::Data | ReportFaultClass::Configuration),
        };
        let older = found.iter().filter(|found| found.period < newest);
        older.filter(lasts).max_by_key(|found| found.period)?.delivery.as_ref().err()
    }

    /// Wanted months that were never delivered, oldest first.
    fn missing_months(&self) -> Vec<BillingPeriod> {
        let Ok(found) = self.facts.deliveries.standing(self.now) else { return Vec::new() };
        let delivered: BTreeSet<BillingPeriod> = found
            .iter()
            .filter(|found| !matches!(found.delivery, Err(ReportFault::NoManifest { .. })))
            .map(|found| found.period)
            .chain(self.expected.loaded.iter().copied())
            .collect();
        let mut missing = missing_months(&delivered, self.expected.months.saturating_sub(1), self.now);
        missing.reverse();
        missing
    }

    /// True if the legacy API knows its definition.
    fn is_legacy(&self) -> bool {
        self.expected.kind.is_some_and(|kind| kind.service() == DeliveryService::Legacy)
    }

    /// What AWS itself says is wrong with deliveries.
    fn delivery_illness(&self) -> Option<Finding> {
        let name = self.expected.report.name.as_str();
        if self.is_legacy() {
            let definitions = self.facts.legacy.known()?;
            let definition = definitions.iter().find(|definition| definition.name == name)?;
            return legacy_illness(name, definition.delivery.as_ref()?.status);
        }
        let export = self.facts.export.known()?.as_ref()?;
        if let ExportHealth::Unhealthy(illness) = export.health {
            return Some(export_illness(name, illness));
        }
        let execution = self.facts.execution.known()?.as_ref()?;
        failed_execution(name, execution)
    }

    /// True if AWS says that it has delivered at least once.
    fn delivered_by_its_word(&self) -> bool {
        let name = self.expected.report.name.as_str();
        if self.is_legacy() {
            let definitions = self.facts.legacy.known().map(Vec::as_slice).unwrap_or_default();
            let definition = definitions.iter().find(|definition| definition.name == name);
            let delivery = definition.and_then(|definition| definition.delivery.as_ref());
            return delivery.is_some_and(|delivery| delivery.status == LegacyDeliveryStatus::Success);
        }
        let refreshed =
            self.facts.export.known().and_then(Option::as_ref).and_then(|export| export.refreshed_at);
        // What was generated a moment ago may still be on its way to the bucket.
        refreshed.is_some_and(|at| self.now.duration_since(at) > ON_ITS_WAY)
    }
}

/// How long after AWS generated a report it may not be in the bucket yet.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_hours(1);

fn export_illness(name: &str, illness: ExportIllness) -> Finding {
    let (reason, fix) = match illness {
        ExportIllness::InsufficientPermission => (
            Reason::ExportDeliveryDenied,
            "it may not write to the bucket, or the bucket is gone: restore the bucket policy that Data Exports asks for",
        ),
        ExportIllness::BillOwnerChanged => (
            Reason::BillOwnerChanged,
            "the account moved to another payer: create the export again, and connect the new payer for the whole bill",
        ),
        ExportIllness::Deprecated => {
            (Reason::ExportDeprecated, "AWS no longer offers its table: create a CUR 2.0 export")
        }
        ExportIllness::InternalFailure => {
            (Reason::ExportUnhealthy, "AWS failed on its side: if it lasts more than a day, ask AWS Support")
        }
        ExportIllness::Other => (Reason::ExportUnhealthy, "look at the export in the Billing console"),
    };
    Finding::fail(DELIVERED, reason, format!("AWS says that data export {name} is unhealthy: {fix}."))
}

/// The newest execution failed, though the export as a whole is called healthy.
fn failed_execution(name: &str, execution: &ExportExecution) -> Option<Finding> {
    let stage = match execution.end {
        ExecutionEnd::Delivered => return None,
        ExecutionEnd::QueryFailed => {
            "its query failed: compare the query's columns with those that AWS offers now"
        }
        ExecutionEnd::DeliveryFailed => {
            "it could not be written: see the policy and the encryption key of the bucket"
        }
    };
    let cause = match execution.illness {
        Some(ExportIllness::InsufficientPermission) => " AWS names a missing permission.",
        Some(ExportIllness::BillOwnerChanged) => " AWS says that the account moved to another payer.",
        Some(ExportIllness::InternalFailure) => " AWS failed on its side; the next execution may succeed.",
        Some(ExportIllness::Deprecated | ExportIllness::Other) | None => "",
    };
    Some(Finding::fail(
        DELIVERED,
        Reason::LastExecutionFailed,
        format!("The newest execution of data export {name} failed: {stage}.{cause}"),
    ))
}

fn legacy_illness(name: &str, status: LegacyDeliveryStatus) -> Option<Finding> {
    let (reason, fix) = match status {
        LegacyDeliveryStatus::PermissionsError => (
            Reason::LegacyDeliveryFailed,
            "it may not write to the bucket: restore the bucket policy that Cost and Usage Reports ask for",
        ),
        LegacyDeliveryStatus::NoBucket => {
            (Reason::DestinationBucketGone, "the bucket is gone: create it again, with the policy")
        }
        LegacyDeliveryStatus::Success | LegacyDeliveryStatus::Other => return None,
    };
    Some(Finding::fail(
        DELIVERED,
        reason,
        format!("AWS says that it could not deliver report {name}: {fix}."),
    ))
}

/// The newest period that has a manifest.
fn newest_period(found: &[FoundPeriod]) -> Option<&FoundPeriod> {
    let present = |found: &&FoundPeriod| !matches!(found.delivery, Err(ReportFault::NoManifest { .. }));
    found.iter().filter(present).max_by_key(|found| found.period)
}

/// What is wrong with the newest period that has a manifest; a delivery under way is nothing wrong.
fn newest_fault(found: &[FoundPeriod]) -> Option<&ReportFault> {
    let fault = newest_period(found)?.delivery.as_ref().err();
    fault.filter(|fault| !matches!(fault, ReportFault::DeliveryInProgress { .. }))
}

/// A fault's text with a capital at its start.
fn fault_words(fault: &ReportFault) -> String {
    let message = fault.to_string();
    match message.get(..1) {
        Some(first) => format!("{}{}", first.to_uppercase(), &message[1..]),
        None => message,
    }
}

fn fault_finding(fault: &ReportFault) -> Finding {
    let message = fault_words(fault);
    match fault.class() {
        ReportFaultClass::Configuration | ReportFaultClass::Data => {
            Finding::fail(DELIVERED, fault.reason(), format!("{message}."))
        }
        ReportFaultClass::NotYet | ReportFaultClass::Transient => {
            Finding::unknown(DELIVERED, fault.reason(), format!("{message}."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::sample::{self, at, found, period};

    /// ReportDelivered and HistoryComplete of a listing, with the months that were loaded.
    fn judged(listed: Result<Vec<FoundPeriod>, ReportFault>, loaded: &[&str]) -> [Finding; 2] {
        let mut facts = Facts::default();
        facts.deliveries.record(at(0), listed);
        let report = sample::target().report.expect("a report");
        let expected = ExpectedDeliveries {
            report: &report,
            kind: None,
            months: 1,
            freshness: FreshnessLimits {
                max_delivery_age: SignedDuration::from_hours(36),
                first_delivery_grace: SignedDuration::from_hours(48),
            },
            loaded: loaded.iter().map(|month| period(month)).collect(),
            since: at(0),
        };
        check_deliveries(&[], &facts, &expected, at(1))
    }

    /// What an empty listing means, with the months that were loaded.
    fn of_an_empty_bucket(loaded: &[&str]) -> Finding {
        let [delivered, _] = judged(Ok(Vec::new()), loaded);
        delivered
    }

    fn unfinished(month: &str) -> FoundPeriod {
        let fault = ReportFault::DeliveryUnfinished {
            period: period(month),
            sign: "a is of 10:00, after the manifest's 9:00".to_owned(),
            again: "write s3://acme-billing/m once more".to_owned(),
        };
        FoundPeriod { period: period(month), delivery: Err(fault) }
    }

    #[test]
    fn a_month_that_can_t_be_taken_is_shown_with_its_way_out_wherever_it_stands() {
        let [delivered, history] = judged(Ok(vec![found("2026-10", "a"), unfinished("2026-11")]), &[]);
        assert_eq!((delivered.verdict, delivered.reason), (Verdict::Fail, Reason::DeliveryUnfinished));
        assert!(delivered.message.contains("write s3://acme-billing/m once more"), "{}", delivered.message);
        assert_eq!(history.reason, Reason::Complete);
        let [delivered, history] = judged(Ok(vec![unfinished("2026-10"), found("2026-11", "a")]), &[]);
        assert_eq!(delivered.reason, Reason::Delivered);
        assert_eq!((history.verdict, history.reason), (Verdict::Fail, Reason::DeliveryUnfinished));
        assert!(history.message.starts_with("A delivery of 2026-10 was begun"), "{}", history.message);
    }

    #[test]
    fn a_loaded_month_may_lose_its_files() {
        let (manifest, missing) = ("m".to_owned(), "f".to_owned());
        let parts = ReportFault::PartsMissing { manifest, missing, count: 1 };
        let listed = || {
            Ok(vec![
                FoundPeriod { period: period("2026-10"), delivery: Err(parts.clone()) },
                found("2026-11", "a"),
            ])
        };
        assert_eq!(judged(listed(), &[])[1].reason, Reason::ManifestPartsMissing);
        assert_eq!(judged(listed(), &["2026-10"])[1].reason, Reason::Complete);
    }

    #[test]
    fn who_waits_for_a_first_delivery_is_told_what_lies_there_instead() {
        let (place, seen) = ("s3://b/p".to_owned(), "; there is data/".to_owned());
        let [delivered, _] = judged(Err(ReportFault::NothingDelivered { place, hint: "", seen }), &[]);
        assert_eq!(delivered.reason, Reason::AwaitingFirstDelivery);
        assert!(delivered.message.contains("yet; there is data/. AWS takes"), "{}", delivered.message);
    }

    #[test]
    fn nobody_waits_for_a_first_delivery_of_what_was_loaded() {
        assert_eq!(of_an_empty_bucket(&[]).reason, Reason::AwaitingFirstDelivery);
        let gone = of_an_empty_bucket(&["2026-11"]);
        assert_eq!((gone.verdict, gone.reason), (Verdict::Fail, Reason::DeliveredButNotHere));
        assert!(
            gone.message.starts_with("Months were loaded from s3://acme-billing/cur/acme/"),
            "{}",
            gone.message
        );
    }
}
