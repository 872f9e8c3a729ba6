//! From a change in the cluster to a reconcile of one object: the watches, the queue between them and the workers, and how
//! long an object that failed waits.

pub mod backoff;
pub mod caches_synced;
pub mod queue;
pub mod watch;
pub mod workers;

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Semaphore;

use super::{
    account::Accounts,
    context::{Context, lock},
    jobs::Jobs,
};
use backoff::Backoff;

/// Reconciles at once: what the best-tested operators use, and far below any API limit.
const CONCURRENCY: usize = 10;

/// What the watches and the workers of all kinds and namespaces share.
pub struct SharedState {
    /// Clients, settings and the watched objects.
    pub context: Arc<Context>,
    /// What everything about Jobs shares.
    pub jobs: Arc<Jobs>,
    /// What the reconciles of accounts share.
    pub accounts: Accounts,
    permits: Arc<Semaphore>,
    backoff: Mutex<Backoff>,
}

impl SharedState {
    /// Nothing is known yet.
    pub fn new(jobs: Jobs) -> Self {
        let jobs = Arc::new(jobs);
        Self {
            context: jobs.context.clone(),
            accounts: Accounts::new(jobs.context.clone(), jobs.clone()),
            permits: Arc::new(Semaphore::new(CONCURRENCY)),
            backoff: Mutex::default(),
            jobs,
        }
    }

    /// Failures of every object.
    fn backoff(&self) -> MutexGuard<'_, Backoff> {
        lock(&self.backoff)
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, uid: &str) {
        // Of both kinds, whichever it was: UIDs are never used twice, and forgetting what was never known costs nothing.
        self.accounts.forget(uid);
        self.backoff().reset(uid);
        lock(&self.context.unparsable).remove(uid);
        self.context.metrics.forget(uid);
    }
}
