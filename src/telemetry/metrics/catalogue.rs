//! A registry that remembers what it holds, so that the page on metrics can be held against it.

use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, core::Collector,
};

/// One metric as it is told to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricDescription {
    /// The metric's name, with the prefix `awscost_`.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The names of the metric's labels.
    pub labels: &'static [&'static str],
    /// The help text, as Prometheus shows it.
    pub help: &'static str,
}

/// Registers metrics and keeps their descriptions.
#[derive(Debug, Default)]
pub(super) struct MetricCatalogue {
    pub registry: Registry,
    pub described: Vec<MetricDescription>,
}

impl MetricCatalogue {
    pub fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.keep(counter, MetricDescription { name, kind: "counter", labels, help })
    }

    pub fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Result<GaugeVec, prometheus::Error> {
        let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
        self.keep(gauge, MetricDescription { name, kind: "gauge", labels, help })
    }

    pub fn single(&mut self, name: &'static str, help: &'static str) -> Result<IntGauge, prometheus::Error> {
        let gauge = IntGauge::new(name, help)?;
        self.keep(gauge, MetricDescription { name, kind: "gauge", labels: &[], help })
    }

    /// Registers a histogram with buckets of these upper bounds, in seconds.
    pub fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        bounds: &[f64],
        labels: &'static [&'static str],
    ) -> Result<HistogramVec, prometheus::Error> {
        let histogram = HistogramVec::new(HistogramOpts::new(name, help).buckets(bounds.to_vec()), labels)?;
        self.keep(histogram, MetricDescription { name, kind: "histogram", labels, help })
    }

    fn keep<M: Collector + Clone + 'static>(
        &mut self,
        metric: M,
        described: MetricDescription,
    ) -> Result<M, prometheus::Error> {
        self.registry.register(Box::new(metric.clone()))?;
        self.described.push(described);
        Ok(metric)
    }
}
