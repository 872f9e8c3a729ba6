//! What the API server refuses: a person can fix it, so status tells it like any other obstacle, and no reconcile ends.

use super::ReconcileFault;
use crate::model::Reason;

/// What a person has to fix before the reconcile can do all it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blockage {
    /// The reason that a condition gives.
    pub reason: Reason,
    /// What is wrong and how to fix it.
    pub message: String,
}

/// Why the API server took no part in something.
#[derive(Debug)]
pub enum Refused {
    /// The user can fix it.
    Blocked(Blockage),
    /// It may pass by itself.
    Fault(ReconcileFault),
}

impl From<ReconcileFault> for Refused {
    fn from(fault: ReconcileFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Blockage> for Refused {
    fn from(blockage: Blockage) -> Self {
        Self::Blocked(blockage)
    }
}

impl Refused {
    /// An object of the name that ours would have is somebody else's.
    pub fn in_the_way(kind: &str, namespace: &str, name: &str) -> Self {
        Self::Blocked(Blockage {
            reason: Reason::JobFailed,
            message: format!(
                "A {kind} {name} of somebody else stands in the way in namespace {namespace}: delete it."
            ),
        })
    }
}

/// What came in the way of a reconcile that goes on all the same: the first of each kind.
#[derive(Debug, Default)]
pub struct ReconcileTrouble {
    /// What a person can fix.
    pub blockage: Option<Blockage>,
    /// What may pass: the pass is tried again soon, once it has said what it knows.
    pub fault: Option<ReconcileFault>,
}

impl ReconcileTrouble {
    /// Keeps the first of each kind: what follows is most often of the same cause.
    pub fn note(&mut self, refused: Refused) {
        match refused {
            Refused::Blocked(blockage) => drop(self.blockage.get_or_insert(blockage)),
            Refused::Fault(fault) => drop(self.fault.get_or_insert(fault)),
        }
    }

    /// The value, or `None` with what is noted instead of it.
    pub fn take<T>(&mut self, outcome: Result<T, Refused>) -> Option<T> {
        outcome.map_err(|refused| self.note(refused)).ok()
    }
}

/// What it means that `what` (`the Job`) could not be written.
pub fn write(what: &str, namespace: &str, error: kube::Error) -> Refused {
    let Some(words) = refusal_words(&error) else {
        return ReconcileFault::while_doing("write what a Job needs")(error).into();
    };
    // The server's own words hold counts and names that change from try to try: they are for the log.
    tracing::warn!(namespace, refusal = words, "{what} was refused");
    let (reason, message) = if words.contains("exceeded quota") {
        let fix = "raise the quota, or wait until other work there has ended";
        (Reason::QuotaExceeded, format!("A resource quota of namespace {namespace} refuses {what}: {fix}."))
    } else {
        let fix = "see the operator's log for the rule that does, and change the spec or the rule";
        (Reason::JobFailed, format!("The API server refuses {what} in namespace {namespace}: {fix}."))
    };
    Refused::Blocked(Blockage { reason, message })
}

/// What it means that something could not be read: what the operator wanted to do, and what it can't tell now.
pub fn read(action: &'static str, untold: &str, namespace: &str, error: kube::Error) -> Refused {
    let Some(words) = refusal_words(&error) else { return ReconcileFault::while_doing(action)(error).into() };
    tracing::warn!(namespace, refusal = words, "refused to {action}");
    Refused::Blocked(Blockage {
        reason: Reason::JobFailed,
        message: format!(
            "The API server does not let the operator {action} in namespace {namespace}, so {untold}: give it the rights \
             that the chart's Role names; its log has the server's words."
        ),
    })
}

/// The server's words where it refused for a reason that stays until somebody changes something.
fn refusal_words(error: &kube::Error) -> Option<&str> {
    match error {
        kube::Error::Api(status) if [403, 422].contains(&status.code) => Some(&status.message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u16, message: &str) -> kube::Error {
        let status =
            kube::core::Status { code, message: message.to_owned(), ..kube::core::Status::default() };
        kube::Error::Api(Box::new(status))
    }

    fn said(refused: Refused) -> Option<(Reason, String)> {
        match refused {
            Refused::Blocked(blockage) => Some((blockage.reason, blockage.message)),
            Refused::Fault(_) => None,
        }
    }

    #[test]
    fn a_refusal_names_what_was_refused_and_what_may_pass_is_a_fault() {
        let quota = error(403, "secrets \"a\" is forbidden: exceeded quota: q, used: count/secrets=3");
        let (reason, message) = said(write("the session Secret", "finops", quota)).expect("a blockage");
        assert_eq!(reason, Reason::QuotaExceeded);
        assert!(
            message.starts_with("A resource quota of namespace finops refuses the session Secret"),
            "{message}"
        );
        assert!(!message.contains('3'), "counts change from try to try: {message}");

        let (reason, message) =
            said(write("the Job", "finops", error(422, "Job is invalid"))).expect("a blockage");
        assert_eq!(reason, Reason::JobFailed);
        assert!(message.starts_with("The API server refuses the Job in namespace finops"), "{message}");

        let forbidden = error(403, "pods is forbidden: User x cannot list");
        let (_, message) =
            said(read("list pods", "how Jobs end can't be told", "finops", forbidden)).expect("a blockage");
        assert!(
            message.contains("list pods in namespace finops, so how Jobs end can't be told"),
            "{message}"
        );

        for code in [409, 429, 500, 504] {
            assert_eq!(said(write("the Job", "finops", error(code, "later"))), None, "{code}");
            assert_eq!(said(read("list pods", "x", "finops", error(code, "later"))), None, "{code}");
        }
    }

    #[test]
    fn the_first_of_each_kind_stays() {
        let mut trouble = ReconcileTrouble::default();
        assert_eq!(trouble.take(Ok(1)), Some(1));
        for message in ["first", "second"] {
            let blockage = Blockage { reason: Reason::JobFailed, message: message.to_owned() };
            assert_eq!(trouble.take::<()>(Err(Refused::Blocked(blockage))), None);
        }
        trouble.note(Refused::Fault(ReconcileFault::TimedOut));
        trouble.note(Refused::Fault(ReconcileFault::Stale));
        assert_eq!(trouble.blockage.map(|blockage| blockage.message).as_deref(), Some("first"));
        assert!(matches!(trouble.fault, Some(ReconcileFault::TimedOut)));
    }
}
