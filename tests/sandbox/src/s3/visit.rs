//! One S3 request on its way through `s3s`: what the gate finds out on the way in, for the operation, the answer and the
//! log.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Response;
use http::request::Parts;
use jiff::Timestamp;
use s3s::Body;

use crate::calls::Call;
use crate::iam::Identity;

/// A request under way.
pub struct Visit {
    pub identity: Identity,
    /// The region the request was signed for; empty when it is not signed.
    pub region: String,
    pub now: Timestamp,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    operation: String,
    parameters: BTreeMap<String, String>,
    may_list: bool,
    end: End,
}

/// What the answer needs beyond what the operation gave.
#[derive(Default)]
pub struct End {
    /// The whole answer, where `s3s` has no words for it.
    pub replacement: Option<Response<Body>>,
    /// Told in a header on redirects and HeadBucket.
    pub bucket_region: Option<String>,
    pub cut_after: Option<usize>,
    pub reset: bool,
}

impl Visit {
    pub fn new(identity: Identity, region: String, parts: &Parts, now: Timestamp) -> Self {
        // Until `s3s` has told the operation, the method is all there is to log.
        let parameters = BTreeMap::from([("Path".to_owned(), parts.uri.path().to_owned())]);
        let found = Found { operation: parts.method.to_string(), parameters, ..Found::default() };
        Self { identity, region, now, found: Mutex::new(found) }
    }

    /// Notes the operation and what it is about.
    pub fn name(&self, operation: &str, parameters: BTreeMap<String, String>) {
        let mut found = self.lock();
        operation.clone_into(&mut found.operation);
        found.parameters = parameters;
    }

    /// Notes whether the caller may list the bucket: only then it learns that a key does not exist.
    pub fn set_may_list(&self, may_list: bool) {
        self.lock().may_list = may_list;
    }

    pub fn may_list(&self) -> bool {
        self.lock().may_list
    }

    pub fn set_end(&self, change: impl FnOnce(&mut End)) {
        change(&mut self.lock().end);
    }

    pub fn end(&self) -> End {
        std::mem::take(&mut self.lock().end)
    }

    pub fn logged(&self, status: u16, code: Option<String>) -> Call {
        let found = self.lock();
        Call {
            time: self.now,
            service: "s3".to_owned(),
            operation: found.operation.clone(),
            principal: self.identity.arn.clone(),
            account: self.identity.account.clone(),
            region: self.region.clone(),
            parameters: found.parameters.clone(),
            status,
            code,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
