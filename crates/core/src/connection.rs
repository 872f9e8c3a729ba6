//! The question "can this account's bill be read, and is it the right one?" as values.
//!
//! [`gather`] looks (the only I/O here) and fills [`Facts`]; [`checks::run`] turns facts, a [`Target`] and the time
//! into [`Finding`]s, as a pure function. All checks that can run do run, so that a user sees every fault at once.

pub mod age;
pub mod checks;
mod deliveries;
mod facts;
pub mod fault_reasons;
mod finding;
mod gather;
mod remedy;
mod session;
mod target;

pub use age::{Ages, Look};
pub use checks::bucket::session_policy;
pub use deliveries::Deliveries;
pub use facts::{
    Elsewhere, Enforcement, Excess, ExternalIdInUse, Fact, Facts, LastAssumed, ManifestRead, STALE_AFTER,
    Standing,
};
pub use finding::{Finding, Verdict};
pub use gather::{ProbeRun, Sessions, gather};
pub use remedy::{Snippet, principal, trust_policy, working_trust};
pub use session::{Opened, Purpose, open};
pub use target::{Asker, ExternalIdPolicy, NextExternalId, RoleAccess, Target, TargetAccess};

#[cfg(any(test, feature = "testing"))]
mod tests;
#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub use tests::{fake, sample};
