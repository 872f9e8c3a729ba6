//! Metrics: names with units, labels from closed lists, and series of an object that go when it goes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// Bounds of a pass's duration, in seconds: from one without I/O to the pass's limit.
const SECONDS: &[f64] = &[0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// All metrics of the operator. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    reconciles: IntCounterVec,
    durations: HistogramVec,
    panics: IntCounterVec,
    timeouts: IntCounterVec,
    conditions: GaugeVec,
    suspended: GaugeVec,
    last_success: GaugeVec,
    delivery: GaugeVec,
    rows: GaugeVec,
    jobs: IntCounterVec,
    leader: IntGauge,
    series: Arc<Mutex<HashMap<String, Series>>>,
}

/// The label values of one object's series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Series {
    namespace: String,
    name: String,
    /// Condition, status and reason of each condition series.
    conditions: Vec<[String; 3]>,
}

/// How a pass ended, for the `result` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassResult {
    /// It went through.
    Success,
    /// It ended early.
    Error,
}

/// What one account's gauges say.
#[derive(Debug, Clone, Default)]
pub struct AccountGauges {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Condition, status and reason.
    pub conditions: Vec<[String; 3]>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Seconds since the epoch of the last load.
    pub last_success: Option<i64>,
    /// Seconds since the epoch of the newest delivery.
    pub delivery: Option<i64>,
    /// Rows of all listed months.
    pub rows: i64,
}

/// Labels of one object's gauges.
const OBJECT: &[&str] = &["namespace", "name"];

impl Metrics {
    /// All metrics, registered.
    ///
    /// # Errors
    /// If a name or label is not one of Prometheus'.
    pub fn new(version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let durations = HistogramVec::new(
            HistogramOpts::new("awscost_reconcile_duration_seconds", "How long passes took.")
                .buckets(SECONDS.to_vec()),
            &["controller"],
        )?;
        registry.register(Box::new(durations.clone()))?;
        let leader = IntGauge::new("awscost_leader", "1 while this replica leads.")?;
        registry.register(Box::new(leader.clone()))?;
        gauge("awscost_build_info", "The version, as a label.", &["version"])?
            .with_label_values(&[version])
            .set(1.0);
        Ok(Self {
            reconciles: counter("awscost_reconcile_total", "Passes by result.", &["controller", "result"])?,
            durations,
            panics: counter("awscost_reconcile_panics_total", "Passes that panicked.", &["controller"])?,
            timeouts: counter(
                "awscost_reconcile_timeouts_total",
                "Passes that ran into their limit.",
                &["controller"],
            )?,
            conditions: gauge(
                "awscost_account_status_condition",
                "1 for the status and reason that each condition of an account has.",
                &["namespace", "name", "condition", "status", "reason"],
            )?,
            suspended: gauge("awscost_account_suspended", "1 while an account is suspended.", OBJECT)?,
            last_success: gauge(
                "awscost_account_last_success_timestamp_seconds",
                "When a version of the account's bill was last loaded.",
                OBJECT,
            )?,
            delivery: gauge(
                "awscost_account_report_delivery_timestamp_seconds",
                "When the newest version of the account's report was delivered.",
                OBJECT,
            )?,
            rows: gauge(
                "awscost_account_ingested_rows",
                "Rows of the account's loaded months, as status lists them.",
                OBJECT,
            )?,
            jobs: counter("awscost_ingest_jobs_total", "Loads that ended, by result.", &["result"])?,
            leader,
            series: Arc::default(),
            registry,
        })
    }

    /// Notes a pass.
    pub fn reconciled(&self, controller: &str, result: PassResult, took: Duration) {
        let result = match result {
            PassResult::Success => "success",
            PassResult::Error => "error",
        };
        self.reconciles.with_label_values(&[controller, result]).inc();
        self.durations.with_label_values(&[controller]).observe(took.as_secs_f64());
    }

    /// Notes a panic in a pass.
    pub fn panicked(&self, controller: &str) {
        self.panics.with_label_values(&[controller]).inc();
    }

    /// Notes a pass that ran into its limit.
    pub fn timed_out(&self, controller: &str) {
        self.timeouts.with_label_values(&[controller]).inc();
    }

    /// Notes loads that ended well, and one that did not.
    pub fn loads(&self, well: usize, badly: usize) {
        self.jobs.with_label_values(&["success"]).inc_by(well as u64);
        self.jobs.with_label_values(&["failure"]).inc_by(badly as u64);
    }

    /// Says whether this replica leads.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// Sets one account's gauges; series that no longer hold go.
    pub fn account(&self, uid: &str, gauges: &AccountGauges) {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let (namespace, name) = (gauges.namespace.as_str(), gauges.name.as_str());
        let before = all.get(uid).cloned().unwrap_or_default();
        for old in before.conditions.iter().filter(|old| !gauges.conditions.contains(old)) {
            self.drop_condition(&before, old);
        }
        for [condition, status, reason] in &gauges.conditions {
            self.conditions.with_label_values(&[namespace, name, condition, status, reason]).set(1.0);
        }
        self.suspended.with_label_values(&[namespace, name]).set(f64::from(u8::from(gauges.suspended)));
        set(&self.last_success, namespace, name, gauges.last_success);
        set(&self.delivery, namespace, name, gauges.delivery);
        self.rows.with_label_values(&[namespace, name]).set(gauges.rows as f64);
        all.insert(
            uid.to_owned(),
            Series {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                conditions: gauges.conditions.clone(),
            },
        );
    }

    /// Removes an object's series: it is gone.
    pub fn forget(&self, uid: &str) {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(series) = all.remove(uid) else { return };
        for condition in &series.conditions {
            self.drop_condition(&series, condition);
        }
        // An object of the same name may have come in its place: its series stay.
        if all.values().any(|other| other.namespace == series.namespace && other.name == series.name) {
            return;
        }
        for gauge in [&self.suspended, &self.last_success, &self.delivery, &self.rows] {
            // Fails only if there is no such series.
            let _ = gauge.remove_label_values(&[&series.namespace, &series.name]);
        }
    }

    fn drop_condition(&self, series: &Series, [condition, status, reason]: &[String; 3]) {
        let labels = [series.namespace.as_str(), series.name.as_str(), condition, status, reason];
        // Fails only if there is no such series.
        let _ = self.conditions.remove_label_values(&labels);
    }

    /// The page for Prometheus.
    ///
    /// # Errors
    /// If the metrics can't be written as text.
    pub fn page(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

fn set(gauge: &GaugeVec, namespace: &str, name: &str, value: Option<i64>) {
    match value {
        Some(value) => gauge.with_label_values(&[namespace, name]).set(value as f64),
        None => {
            // Fails only if there is no such series.
            let _ = gauge.remove_label_values(&[namespace, name]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauges(reason: &str) -> AccountGauges {
        AccountGauges {
            namespace: "finops".to_owned(),
            name: "acme".to_owned(),
            conditions: vec![["Ready".to_owned(), "True".to_owned(), reason.to_owned()]],
            last_success: Some(7),
            rows: 9,
            ..AccountGauges::default()
        }
    }

    fn lines(metrics: &Metrics) -> Vec<String> {
        let page = metrics.page().expect("a page");
        page.lines().filter(|line| line.starts_with("awscost_account")).map(str::to_owned).collect()
    }

    #[test]
    fn only_the_series_that_holds_is_there_and_it_goes_with_its_object() {
        let metrics = Metrics::new("1").expect("valid metrics");
        metrics.account("uid", &gauges("Succeeded"));
        metrics.account("uid", &gauges("Other"));
        let now = lines(&metrics).join("\n");
        assert!(now.contains("reason=\"Other\"") && !now.contains("reason=\"Succeeded\""), "{now}");
        assert!(now.contains("awscost_account_ingested_rows{name=\"acme\",namespace=\"finops\"} 9"), "{now}");
        metrics.forget("uid");
        assert_eq!(lines(&metrics), Vec::<String>::new());
    }

    #[test]
    fn an_object_of_the_same_name_keeps_its_gauges() {
        let metrics = Metrics::new("1").expect("valid metrics");
        metrics.account("old", &gauges("A"));
        metrics.account("new", &gauges("B"));
        metrics.forget("old");
        assert!(lines(&metrics).iter().any(|line| line.starts_with("awscost_account_ingested_rows")));
    }
}
