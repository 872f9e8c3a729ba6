//! The log of every AWS call the sandbox answered: who did what to what, and how it went. No secret, token or external ID
//! is ever in it.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

/// Calls kept; the oldest go first.
const KEPT: usize = 200_000;

/// One answered call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// By the sandbox's clock.
    pub time: Timestamp,
    /// `sts`, `iam`, `s3`, `cur`, `bcm-data-exports`, `organizations`, `monitoring`, or what the signature named.
    pub service: String,
    /// The API's name for it; the HTTP method while S3 has not told.
    pub operation: String,
    /// The caller's ARN; `anonymous`, or empty when the key is unknown.
    pub principal: String,
    /// The caller's account.
    pub account: String,
    /// The region the request was signed for.
    pub region: String,
    /// What was asked for: role, bucket, key, prefix, report or export.
    pub parameters: BTreeMap<String, String>,
    /// The HTTP status; 0 when the connection was reset.
    pub status: u16,
    /// The error code; absent when it went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The log.
#[derive(Debug, Default)]
pub struct CallLog(Mutex<VecDeque<Call>>);

impl CallLog {
    pub(crate) fn record(&self, call: Call) {
        tracing::info!(
            service = call.service,
            operation = call.operation,
            principal = call.principal,
            status = call.status,
            code = call.code,
            "answered"
        );
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == KEPT {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    /// All calls so far, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Call> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The calls of one operation.
    #[must_use]
    pub fn of(&self, service: &str, operation: &str) -> Vec<Call> {
        self.all().into_iter().filter(|call| call.service == service && call.operation == operation).collect()
    }

    /// Forgets all calls.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
