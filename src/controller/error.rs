//! Why a reconcile ended early, and when the next one comes: the one table of waits.

pub mod refusal;

pub use refusal::{Blockage, ReconcileTrouble, Refused};

use std::time::Duration;

use jiff::SignedDuration;

/// Why a reconcile could not be finished. Expected outcomes (a refused role, a missing Secret) are findings, not errors.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileFault {
    /// The API server refused or did not answer.
    #[error("failed to {action}: {source}")]
    Api {
        /// What was being done.
        action: &'static str,
        /// The cause.
        #[source]
        source: Box<kube::Error>,
    },
    /// The object changed since it was read; the next reconcile sees the newer one.
    #[error("the object changed while it was being looked at")]
    Stale,
    /// The reconcile took longer than [`RECONCILE_LIMIT`].
    #[error("the reconcile took longer than {} s", RECONCILE_LIMIT.as_secs())]
    TimedOut,
    /// The reconcile panicked.
    #[error("the reconcile panicked: {0}")]
    Panicked(String),
}

/// What kind of fault ended a reconcile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Nothing is wrong: look again at once.
    Stale,
    /// It may pass: the object's own wait grows from failure to failure.
    Transient,
    /// The operator's own fault.
    Bug,
}

/// How long one reconcile may take.
pub const RECONCILE_LIMIT: Duration = Duration::from_secs(60);
/// The longest time between two reconciles, lest a lost watch event is lost for ever.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);
/// The shortest time between two reconciles.
pub const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// How often pods of active Jobs are looked at: what hinders them shows in no Job.
pub const WATCH_PODS: Duration = Duration::from_secs(30);
/// How often a load that waits for others asks for its turn.
pub const ASK_FOR_TURN: Duration = Duration::from_secs(10);
/// How soon what the API server refused is tried again: nothing tells when the rule that refuses it changes.
pub const AFTER_REFUSAL: Duration = Duration::from_secs(3 * 60);
/// When an account that the gate refuses is judged again, though nothing of it changed: what it depends on may have.
pub const REFUSED_AT_GATE: SignedDuration = SignedDuration::from_hours(1);
/// When AWS is asked again who the operator is, where it did not answer.
pub const UNKNOWN_SELF: SignedDuration = SignedDuration::from_mins(1);
/// How long a warehouse waits whose Secret or claim is missing: until it is there, no probe can succeed.
pub const PROBE_POINTLESS: Duration = Duration::from_secs(10 * 60);
/// How soon loads that were told to stop are looked at again.
pub const LOADS_STOPPING: Duration = Duration::from_secs(5);
/// The waits after the first failures in a row of a load, a probe or a purge that may do better by itself.
const AFTER_FAILURES: [SignedDuration; 3] =
    [SignedDuration::from_mins(1), SignedDuration::from_mins(10), SignedDuration::from_mins(60)];
/// The wait after more.
pub const AFTER_MANY_FAILURES: SignedDuration = SignedDuration::from_hours(6);
/// After a panic: long, so that one poisonous object costs nobody else anything.
pub const AFTER_BUG: Duration = Duration::from_secs(10 * 60);

impl ReconcileFault {
    /// A fault of the API server in doing something.
    pub fn while_doing(action: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| match &source {
            kube::Error::Api(status) if status.code == 409 && status.reason == "Conflict" => Self::Stale,
            _ => Self::Api { action, source: Box::new(source) },
        }
    }

    /// What kind of fault it is.
    pub fn class(&self) -> Class {
        match self {
            Self::Stale => Class::Stale,
            Self::Api { .. } | Self::TimedOut => Class::Transient,
            Self::Panicked(_) => Class::Bug,
        }
    }

    /// When to try again; `backoff` is the object's own wait.
    pub fn wait(&self, backoff: Duration) -> Duration {
        match self.class() {
            Class::Stale => SHORTEST_WAIT,
            Class::Transient => backoff,
            Class::Bug => AFTER_BUG,
        }
    }

    /// A closed word for logs and metric labels.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Api { .. } => "api",
            Self::Stale => "stale",
            Self::TimedOut => "timeout",
            Self::Panicked(_) => "panic",
        }
    }
}

/// How long a load, a probe or a purge waits that failed so many times in a row; at least once.
pub fn wait_after_failures(in_a_row: i32) -> SignedDuration {
    let failure = usize::try_from(in_a_row.max(1)).unwrap_or(usize::MAX);
    AFTER_FAILURES.get(failure - 1).copied().unwrap_or(AFTER_MANY_FAILURES)
}

/// True if the API server says that there is no such object (any more).
pub fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// True if an object of that name is there already.
pub fn is_taken(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409 && status.reason == "AlreadyExists")
}

/// True if the namespace is being deleted, and so takes nothing new.
pub fn is_terminating(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 403 && causes.any(|cause| cause.reason == "NamespaceTerminating")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_waits_its_own_time() {
        let backoff = Duration::from_secs(7);
        assert_eq!(ReconcileFault::Stale.wait(backoff), SHORTEST_WAIT);
        assert_eq!(ReconcileFault::TimedOut.wait(backoff), backoff);
        assert_eq!(ReconcileFault::Panicked("x".to_owned()).wait(backoff), AFTER_BUG);
    }

    #[test]
    fn a_conflict_is_only_stale_and_a_taken_name_is_not() {
        let api = |reason: &str| {
            let status =
                kube::core::Status { code: 409, reason: reason.to_owned(), ..kube::core::Status::default() };
            kube::Error::Api(Box::new(status))
        };
        assert_eq!(ReconcileFault::while_doing("x")(api("Conflict")).class(), Class::Stale);
        assert_eq!(ReconcileFault::while_doing("x")(api("AlreadyExists")).class(), Class::Transient);
        assert!(is_taken(&api("AlreadyExists")) && !is_taken(&api("Conflict")));
    }
}
