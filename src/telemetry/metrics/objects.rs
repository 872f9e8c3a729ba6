//! Gauges of objects: one series for each condition as it stands, and some values; all of them go with their object.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use prometheus::GaugeVec;

use super::catalogue::MetricCatalogue;
use crate::model::{ConditionStatus, ConditionType, Reason};

/// A condition as a series has it.
pub type ConditionSeries = (ConditionType, ConditionStatus, Reason);

/// Labels of an object's values.
const OBJECT: &[&str] = &["namespace", "name"];
/// Labels of its conditions.
const CONDITION: &[&str] = &["namespace", "name", "condition", "status", "reason"];

/// What one object's gauges say: `N` values, of which some may be absent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ObjectSeries<const N: usize> {
    pub namespace: String,
    pub name: String,
    pub conditions: Vec<ConditionSeries>,
    pub values: [Option<f64>; N],
}

/// The gauges of all objects of one kind.
#[derive(Clone)]
pub(super) struct ObjectGauges<const N: usize> {
    conditions: GaugeVec,
    /// As many as [`ObjectSeries`] has values.
    values: Vec<GaugeVec>,
    said: Arc<Mutex<HashMap<String, ObjectSeries<N>>>>,
}

impl<const N: usize> ObjectGauges<N> {
    /// Registers a gauge for conditions and one for each value; each a name and what it says.
    pub fn new(
        catalogue: &mut MetricCatalogue,
        (name, help): (&'static str, &'static str),
        values: [(&'static str, &'static str); N],
    ) -> Result<Self, prometheus::Error> {
        let conditions = catalogue.gauge(name, help, CONDITION)?;
        let values = values
            .into_iter()
            .map(|(name, help)| catalogue.gauge(name, help, OBJECT))
            .collect::<Result<_, _>>()?;
        Ok(Self { conditions, values, said: Arc::default() })
    }

    /// Sets an object's series; those that no longer hold go.
    pub fn set(&self, uid: &str, now: ObjectSeries<N>) {
        let mut all = self.said();
        if let Some(before) = all.get(uid) {
            for old in before.conditions.iter().filter(|old| !now.conditions.contains(old)) {
                self.drop_condition(before, *old);
            }
        }
        for condition in &now.conditions {
            self.conditions.with_label_values(&series_labels(&now, *condition)).set(1.0);
        }
        for (gauge, value) in self.values.iter().zip(now.values) {
            match value {
                Some(value) => gauge.with_label_values(&[&now.namespace, &now.name]).set(value),
                None => drop_value(gauge, &now),
            }
        }
        all.insert(uid.to_owned(), now);
    }

    /// Removes an object's series: it is gone.
    pub fn forget(&self, uid: &str) {
        let mut all = self.said();
        let Some(gone) = all.remove(uid) else { return };
        // An object of the same name may have come in its place: what it says stays.
        let heir = all.values().find(|other| other.namespace == gone.namespace && other.name == gone.name);
        for condition in &gone.conditions {
            if heir.is_none_or(|heir| !heir.conditions.contains(condition)) {
                self.drop_condition(&gone, *condition);
            }
        }
        for (at, gauge) in self.values.iter().enumerate() {
            if heir.is_none_or(|heir| heir.values[at].is_none()) {
                drop_value(gauge, &gone);
            }
        }
    }

    fn drop_condition(&self, said: &ObjectSeries<N>, condition: ConditionSeries) {
        // Fails only if there is no such series.
        let _ = self.conditions.remove_label_values(&series_labels(said, condition));
    }

    fn said(&self) -> MutexGuard<'_, HashMap<String, ObjectSeries<N>>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn series_labels<const N: usize>(
    said: &ObjectSeries<N>,
    (type_, status, reason): ConditionSeries,
) -> [&str; 5] {
    [&said.namespace, &said.name, type_.as_str(), status.as_str(), reason.as_str()]
}

fn drop_value<const N: usize>(gauge: &GaugeVec, said: &ObjectSeries<N>) {
    // Fails only if there is no such series.
    let _ = gauge.remove_label_values(&[&said.namespace, &said.name]);
}
