//! What is remembered of one account between reconciles. Lost with the process: status has what must not be.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::judge::AwsKnowledge;
use crate::{
    api::AwsCostAccountStatus,
    aws::traits::Caller,
    controller::{access::secrets::AccessSecrets, context::lock, validate::ValidAccess},
};

/// First probes after a start are spread over this time, so that many accounts do not ask AWS at once.
const FIRST_PROBE_SPREAD: Duration = Duration::from_secs(60);
/// How many versions of its own writing a reconcile recognises in a watch that is behind.
const KEPT_VERSIONS: usize = 8;

/// What is remembered of one account.
#[derive(Debug)]
pub struct AccountMemory {
    /// Who the operator is, as last known.
    pub operator: Option<Caller>,
    /// What AWS said, over all probes.
    pub aws: AwsKnowledge,
    /// What the account's Secrets hold, and for which access they were read.
    pub secrets: Option<(ValidAccess, AccessSecrets)>,
    /// True if deliveries are to be listed at the next reconcile, whatever their age.
    pub relist: bool,
    /// What the last probe answered.
    pub answered: Option<ProbeKey>,
    /// Jobs whose end is in status.
    pub settled: HashSet<String>,
    /// The status this process wrote last.
    pub written: Option<WrittenStatus>,
    /// Before this time no routine first probe is made.
    pub first_probe_at: Timestamp,
}

/// What calls for a new probe when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeKey {
    /// The generation of the spec that was probed.
    pub generation: Option<i64>,
    /// The versions of the Secrets that access needs.
    pub secrets: Option<String>,
    /// The reconcile request that was answered.
    pub request: Option<String>,
}

/// A status this process wrote: the watch may still show an earlier one.
#[derive(Debug, Clone)]
pub struct WrittenStatus {
    /// The resource versions it has taken the place of.
    before: Vec<String>,
    /// The resource version after.
    pub after: String,
    /// What was written.
    pub status: AwsCostAccountStatus,
}

impl AccountMemory {
    fn new(first_probe_at: Timestamp) -> Self {
        Self {
            operator: None,
            aws: AwsKnowledge::default(),
            secrets: None,
            relist: false,
            answered: None,
            settled: HashSet::new(),
            written: None,
            first_probe_at,
        }
    }

    /// The status this process wrote over `version`, if it did: a watch that shows `version` is behind.
    pub fn written_over(&self, version: &str) -> Option<&WrittenStatus> {
        self.written.as_ref().filter(|written| written.before.iter().any(|before| before == version))
    }

    /// Notes that `status` was written over `version`.
    pub fn note_written(&mut self, version: String, after: String, status: AwsCostAccountStatus) {
        let mut before = self.written.take().map(|written| written.before).unwrap_or_default();
        // A watch that is behind shows any of these, and a patch on one of them would be refused as stale.
        before.push(version);
        // The watch is never more than a few versions behind.
        before.drain(..before.len().saturating_sub(KEPT_VERSIONS));
        self.written = Some(WrittenStatus { before, after, status });
    }

    /// What was seen behind an open gate says nothing once the gate is shut.
    pub fn forget_probes(&mut self) {
        self.aws.facts.start_over();
        self.aws.sessions = Default::default();
        self.answered = None;
    }
}

/// The memories of all accounts, by UID.
#[derive(Debug)]
pub struct AccountMemories {
    spread: Duration,
    accounts: Mutex<HashMap<String, Arc<tokio::sync::Mutex<AccountMemory>>>>,
}

impl AccountMemories {
    /// Nothing is remembered; `spread` replaces the usual one in tests.
    pub fn new(spread: Option<Duration>) -> Self {
        Self { spread: spread.unwrap_or(FIRST_PROBE_SPREAD), accounts: Mutex::default() }
    }

    /// What is remembered of an account.
    pub fn of(&self, uid: &str, now: Timestamp) -> Arc<tokio::sync::Mutex<AccountMemory>> {
        let fresh = || AccountMemory::new(now + share_of(self.spread, uid));
        let mut accounts = lock(&self.accounts);
        accounts.entry(uid.to_owned()).or_insert_with(|| Arc::new(tokio::sync::Mutex::new(fresh()))).clone()
    }

    /// Forgets an account that is gone.
    pub fn forget(&self, uid: &str) {
        lock(&self.accounts).remove(uid);
    }
}

/// A share of a time that is the same for an object at all times.
fn share_of(spread: Duration, uid: &str) -> SignedDuration {
    let digest = Sha256::digest(uid);
    let share = f64::from(u16::from_be_bytes([digest[0], digest[1]])) / f64::from(u16::MAX);
    SignedDuration::try_from(spread.mul_f64(share)).unwrap_or(SignedDuration::ZERO)
}
