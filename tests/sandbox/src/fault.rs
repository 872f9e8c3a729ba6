//! Faults on demand: the one hook that every operation passes through after its caller is known and before anything is
//! decided or done.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::iam::wildcard_matches;

/// A fault and the calls it strikes. Absent fields match everything; given ones may hold `*` and `?`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// As in credential scopes: `sts`, `iam`, `s3`, `cur`, `bcm-data-exports`, `organizations`, `monitoring`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The API's name of the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The caller's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only S3 calls have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// Only calls on S3 objects have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What happens to the calls it strikes.
    pub fault: Fault,
    /// Strikes before the rule is used up; without it, it stays until it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Fault {
    /// This error instead of the answer; nothing is done.
    Error {
        /// The HTTP status.
        status: u16,
        /// The code in the protocol's error body.
        code: String,
        /// The text in it.
        message: String,
    },
    /// The service's own throttling error.
    Throttle,
    /// The answer comes later.
    Latency {
        /// How much later, in milliseconds.
        millis: u64,
    },
    /// The connection is closed without an answer; nothing is done.
    Reset,
    /// The operation is done, and its answer breaks off after so many bytes of body.
    CutBody {
        /// Bytes of body that still come.
        after: usize,
    },
}

/// A call as rules see it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Point<'a> {
    pub service: &'a str,
    pub operation: &'a str,
    pub account: &'a str,
    pub bucket: Option<&'a str>,
    pub key: Option<&'a str>,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Rule>>);

impl Faults {
    /// Adds a rule behind those in force.
    pub fn add(&self, rule: Rule) {
        self.lock().push(rule);
    }

    /// Puts these rules in the place of all others.
    pub fn replace(&self, rules: Vec<Rule>) {
        *self.lock() = rules;
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The rules in force.
    #[must_use]
    pub fn all(&self) -> Vec<Rule> {
        self.lock().clone()
    }

    /// The faults that strike this call, in the rules' order. Each strike counts against its rule; after a fault that
    /// replaces the answer, later rules are left for later calls.
    pub(crate) fn strike(&self, point: &Point<'_>) -> Vec<Fault> {
        let mut rules = self.lock();
        let mut struck = Vec::new();
        for rule in rules.iter_mut().filter(|rule| rule.matches(point)) {
            if let Some(times) = &mut rule.times {
                *times = times.saturating_sub(1);
            }
            struck.push(rule.fault.clone());
            if matches!(rule.fault, Fault::Error { .. } | Fault::Throttle | Fault::Reset) {
                break;
            }
        }
        rules.retain(|rule| rule.times != Some(0));
        struck
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    /// A rule that strikes every call of one operation.
    #[must_use]
    pub fn on(service: &str, operation: &str, fault: Fault) -> Self {
        Self {
            service: Some(service.to_owned()),
            operation: Some(operation.to_owned()),
            account: None,
            bucket: None,
            key: None,
            fault,
            times: None,
        }
    }

    /// The same, used up after `times` strikes.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// The same, only for keys that match.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    fn matches(&self, point: &Point<'_>) -> bool {
        let fits = |wanted: &Option<String>, given: Option<&str>| match (wanted, given) {
            (None, _) => true,
            (Some(pattern), Some(given)) => wildcard_matches(pattern, given),
            (Some(_), None) => false,
        };
        self.times != Some(0)
            && fits(&self.service, Some(point.service))
            && fits(&self.operation, Some(point.operation))
            && fits(&self.account, Some(point.account))
            && fits(&self.bucket, point.bucket)
            && fits(&self.key, point.key)
    }
}

#[cfg(test)]
mod tests;
