//! From a change in the cluster to a reconcile of one object: the watches, the queue between them and the workers, and how
//! long an object that failed waits.

pub mod backoff;
pub mod caches_synced;
pub mod queue;
pub mod watch;
pub mod workers;
