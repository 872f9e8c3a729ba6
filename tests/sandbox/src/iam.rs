//! IAM as AWS evaluates it: which principal may do what, under which conditions.
//!
//! `policy` parses documents, `pattern` matches wildcards, `condition` the condition block, `principal` says who is
//! asking, `guardrails` stand above it, and `evaluate` brings all policies together; `simulate` asks them without a request.

mod condition;
mod evaluate;
mod guardrails;
mod pattern;
mod policy;
mod principal;
mod simulate;

pub use condition::Context;
pub use evaluate::{Ask, Denial, Refuser, allowed, allowed_at_home, allowed_for_service, lets_in, trusted};
pub use guardrails::Guardrails;
pub use pattern::matches as wildcard_matches;
pub use policy::{MalformedPolicy, Policy};
pub use principal::{Identity, Kind};
pub use simulate::{Simulated, simulate};

#[cfg(test)]
mod tests;
