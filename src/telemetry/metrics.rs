//! Metrics: names with units, labels from closed lists, and series of an object that go when it goes.
//!
//! `docs/metrics.md` has them all; a test compares.

mod catalogue;
mod objects;

use std::time::Duration;

use prometheus::{GaugeVec, HistogramVec, IntCounterVec, IntGauge, Registry, TextEncoder};

use catalogue::MetricCatalogue;
pub use catalogue::MetricDescription;
pub use objects::ConditionSeries;
use objects::{ObjectGauges, ObjectSeries};

/// Bounds of a reconcile's duration in seconds: from one without I/O to the time limit.
const RECONCILE_SECONDS: &[f64] = &[0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Bounds of a call's duration, in seconds: from one within a region to the client's own limit.
const CALL: &[f64] = &[0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// All metrics of the operator. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    described: Vec<MetricDescription>,
    reconciles: IntCounterVec,
    durations: HistogramVec,
    depths: GaugeVec,
    panics: IntCounterVec,
    timeouts: IntCounterVec,
    validations: HistogramVec,
    calls: IntCounterVec,
    call_durations: HistogramVec,
    jobs: IntCounterVec,
    leader: IntGauge,
    accounts: ObjectGauges<6>,
    warehouses: ObjectGauges<0>,
}

/// The metrics could not be registered or written.
#[derive(Debug, thiserror::Error)]
#[error("failed to set up or write metrics: {0}")]
pub struct InvalidMetrics(#[from] prometheus::Error);

/// How a reconcile ended, for the `result` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReconcileResult {
    /// The reconcile finished.
    Success,
    /// The object changed meanwhile, so it starts again: nothing is wrong.
    Conflict,
    /// The reconcile failed, panicked or timed out.
    Error,
}

/// The result of the checks in a reconcile, for the `result` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValidationResult {
    /// Every condition is fine.
    Pass,
    /// A layer is not.
    Fail,
    /// None is known not to be, and one could not be told.
    Unknown,
}

/// What one account's gauges say.
#[derive(Debug, Clone, Default)]
pub struct AccountGauges {
    /// The account's namespace.
    pub namespace: String,
    /// The account's name.
    pub name: String,
    /// The conditions as they stand.
    pub conditions: Vec<ConditionSeries>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Seconds since the epoch of the last load.
    pub last_success: Option<i64>,
    /// Seconds since the epoch of the newest delivery.
    pub delivery: Option<i64>,
    /// Rows of all listed months.
    pub rows: i64,
    /// Wanted months that were never delivered.
    pub missing_months: usize,
    /// Seconds since the epoch when it was deleted, while something holds it.
    pub deletion: Option<i64>,
}

/// The number and the durations of calls to AWS.
fn call_metrics(all: &mut MetricCatalogue) -> Result<(IntCounterVec, HistogramVec), InvalidMetrics> {
    let calls = all.counter(
        "awscost_aws_requests_total",
        "Calls to AWS, by API and error code; ok for success.",
        &["api", "code"],
    )?;
    let durations = all.histogram(
        "awscost_aws_request_duration_seconds",
        "How long calls to AWS took: for STS each attempt, otherwise a call with its retries.",
        CALL,
        &["api"],
    )?;
    Ok((calls, durations))
}

impl Metrics {
    /// All metrics, registered.
    ///
    /// # Errors
    /// If a name or label is not one of Prometheus'.
    pub fn new(version: &str) -> Result<Self, InvalidMetrics> {
        let mut catalogue = MetricCatalogue::default();
        let all = &mut catalogue;
        all.gauge("awscost_build_info", "The version, as a label.", &["version"])?
            .with_label_values(&[version])
            .set(1.0);
        let leader = all.single("awscost_leader", "1 while this replica is the leader.")?;
        let reconciles =
            all.counter("awscost_reconcile_total", "Reconciles by result.", &["controller", "result"])?;
        let durations = all.histogram(
            "awscost_reconcile_duration_seconds",
            "How long reconciles took.",
            RECONCILE_SECONDS,
            &["controller"],
        )?;
        let depths = all.gauge(
            "awscost_queue_depth",
            "Objects whose reconcile is due but has not started.",
            &["controller"],
        )?;
        let panics =
            all.counter("awscost_reconcile_panics_total", "Reconciles that panicked.", &["controller"])?;
        let timeouts = all.counter(
            "awscost_reconcile_timeouts_total",
            "Reconciles that ran into their time limit.",
            &["controller"],
        )?;
        let validations = all.histogram(
            "awscost_validation_duration_seconds",
            "How long a reconcile that called AWS took to reach its result, by result.",
            RECONCILE_SECONDS,
            &["result"],
        )?;
        let (calls, call_durations) = call_metrics(all)?;
        let jobs = all.counter("awscost_ingest_jobs_total", "Finished loads, by result.", &["result"])?;
        let accounts = ObjectGauges::new(all, CONDITIONS_OF_ACCOUNTS, ACCOUNT_VALUES)?;
        let warehouses = ObjectGauges::new(all, CONDITIONS_OF_WAREHOUSES, [])?;
        let MetricCatalogue { registry, described } = catalogue;
        Ok(Self {
            registry,
            described,
            reconciles,
            durations,
            depths,
            panics,
            timeouts,
            validations,
            calls,
            call_durations,
            jobs,
            leader,
            accounts,
            warehouses,
        })
    }

    /// Every metric there is.
    pub fn described(&self) -> &[MetricDescription] {
        &self.described
    }

    /// Counts a reconcile, and observes how long it took.
    pub fn count_reconcile(&self, controller: &str, result: ReconcileResult, took: Duration) {
        let result = match result {
            ReconcileResult::Success => "success",
            ReconcileResult::Conflict => "conflict",
            ReconcileResult::Error => "error",
        };
        self.reconciles.with_label_values(&[controller, result]).inc();
        self.durations.with_label_values(&[controller]).observe(took.as_secs_f64());
    }

    /// Records that a queue of a controller now has `now` objects, after it had `before`.
    pub fn queued(&self, controller: &str, now: usize, before: usize) {
        self.depths.with_label_values(&[controller]).add(now as f64 - before as f64);
    }

    /// Counts a panic in a reconcile.
    pub fn count_panic(&self, controller: &str) {
        self.panics.with_label_values(&[controller]).inc();
    }

    /// Counts a reconcile that ran into its time limit.
    pub fn timed_out(&self, controller: &str) {
        self.timeouts.with_label_values(&[controller]).inc();
    }

    /// Records the result of a reconcile that called AWS, and how long it took to get there.
    pub fn count_validation(&self, result: ValidationResult, took: Duration) {
        let result = match result {
            ValidationResult::Pass => "pass",
            ValidationResult::Fail => "fail",
            ValidationResult::Unknown => "unknown",
        };
        self.validations.with_label_values(&[result]).observe(took.as_secs_f64());
    }

    /// Notes a call to AWS: its API and the code of its answer, both of closed lists.
    pub fn called_aws(&self, api: &'static str, code: &'static str, took: Duration) {
        self.calls.with_label_values(&[api, code]).inc();
        self.call_durations.with_label_values(&[api]).observe(took.as_secs_f64());
    }

    /// Notes loads that ended well, and one that did not.
    pub fn count_loads(&self, well: usize, badly: usize) {
        self.jobs.with_label_values(&["success"]).inc_by(well as u64);
        self.jobs.with_label_values(&["failure"]).inc_by(badly as u64);
    }

    /// Says whether this replica leads.
    pub fn set_leader(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// Sets one account's gauges; series that no longer hold go.
    pub fn set_account(&self, uid: &str, gauges: AccountGauges) {
        let seconds = |at: Option<i64>| at.map(|seconds| seconds as f64);
        let values = [
            Some(f64::from(u8::from(gauges.suspended))),
            seconds(gauges.last_success),
            seconds(gauges.delivery),
            Some(gauges.rows as f64),
            Some(gauges.missing_months as f64),
            seconds(gauges.deletion),
        ];
        let AccountGauges { namespace, name, conditions, .. } = gauges;
        self.accounts.set(uid, ObjectSeries { namespace, name, conditions, values });
    }

    /// Sets one warehouse's gauges; series that no longer hold go.
    pub fn set_warehouse(&self, uid: &str, namespace: &str, name: &str, conditions: Vec<ConditionSeries>) {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.warehouses.set(uid, ObjectSeries { namespace, name, conditions, values: [] });
    }

    /// Removes an object's series: it is gone.
    pub fn forget(&self, uid: &str) {
        self.accounts.forget(uid);
        self.warehouses.forget(uid);
    }

    /// The page for Prometheus.
    ///
    /// # Errors
    /// If the metrics can't be written as text.
    pub fn page(&self) -> Result<String, InvalidMetrics> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }
}

const CONDITIONS_OF_ACCOUNTS: (&str, &str) = (
    "awscost_account_status_condition",
    "1 for the current status and reason of each condition of an account.",
);

const CONDITIONS_OF_WAREHOUSES: (&str, &str) = (
    "awscost_warehouse_status_condition",
    "1 for the current status and reason of each condition of a warehouse.",
);

/// In the order of the values of [`Metrics::set_account`].
const ACCOUNT_VALUES: [(&str, &str); 6] = [
    ("awscost_account_suspended", "1 while an account is suspended, else 0."),
    (
        "awscost_account_last_success_timestamp_seconds",
        "When a version of the account's bill was last loaded.",
    ),
    (
        "awscost_account_report_delivery_timestamp_seconds",
        "When the newest version of the account's report was delivered.",
    ),
    ("awscost_account_ingested_rows", "Rows of the account's loaded months, as status lists them."),
    ("awscost_account_history_missing_months", "Months within spec.history that were never delivered."),
    (
        "awscost_account_deletion_timestamp_seconds",
        "When somebody deleted the account; exists while its rows are being removed.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConditionStatus, ConditionType, Reason};

    /// The most series that an account may have.
    const MOST: usize = 24;

    fn gauges(reason: Reason) -> AccountGauges {
        AccountGauges {
            namespace: "finops".to_owned(),
            name: "acme".to_owned(),
            conditions: vec![(ConditionType::Ready, ConditionStatus::True, reason)],
            last_success: Some(7),
            rows: 9,
            ..AccountGauges::default()
        }
    }

    fn lines(metrics: &Metrics) -> Vec<String> {
        let page = metrics.page().expect("a page");
        let ours = ["awscost_account", "awscost_warehouse"];
        let of_objects = |line: &&str| ours.iter().any(|name| line.starts_with(name));
        page.lines().filter(of_objects).map(str::to_owned).collect()
    }

    #[test]
    fn only_the_series_that_holds_is_there_and_it_goes_with_its_object() {
        let metrics = Metrics::new("1").expect("valid metrics");
        metrics.set_account("uid", gauges(Reason::Succeeded));
        metrics.set_account("uid", gauges(Reason::Progressing));
        metrics.set_warehouse("lake", "finops", "lake", gauges(Reason::Probing).conditions);
        let now = lines(&metrics).join("\n");
        assert!(now.contains("reason=\"Progressing\"") && !now.contains("reason=\"Succeeded\""), "{now}");
        assert!(now.contains("awscost_account_ingested_rows{name=\"acme\",namespace=\"finops\"} 9"), "{now}");
        metrics.forget("uid");
        metrics.forget("lake");
        assert_eq!(lines(&metrics), Vec::<String>::new());
    }

    #[test]
    fn an_object_of_the_same_name_keeps_its_gauges() {
        let metrics = Metrics::new("1").expect("valid metrics");
        metrics.set_account("old", gauges(Reason::Succeeded));
        metrics.set_account("new", gauges(Reason::Succeeded));
        let before = lines(&metrics);
        metrics.forget("old");
        assert_eq!(lines(&metrics), before);
    }

    #[test]
    fn an_account_with_every_condition_has_a_bounded_number_of_series() {
        let metrics = Metrics::new("1").expect("valid metrics");
        let conditions = ConditionType::ALL
            .iter()
            .map(|type_| (*type_, ConditionStatus::Unknown, Reason::NotChecked))
            .collect();
        let all =
            AccountGauges { conditions, delivery: Some(5), deletion: Some(6), ..gauges(Reason::NotChecked) };
        metrics.set_account("uid", all);
        let series = lines(&metrics).len();
        assert!(series <= MOST, "{series} series");
    }

    #[test]
    fn an_absent_time_has_no_series() {
        let metrics = Metrics::new("1").expect("valid metrics");
        metrics.set_account("uid", gauges(Reason::Succeeded));
        metrics.set_account("uid", AccountGauges { last_success: None, ..gauges(Reason::Succeeded) });
        assert!(!lines(&metrics).iter().any(|line| line.contains("last_success")));
    }
}
