//! IAM as AWS evaluates it: which principal may do what, under which conditions.
//!
//! `policy` parses documents, `pattern` matches wildcards, `condition` the condition block, `principal` says who is
//! asking, and `evaluate` brings identity, resource and session policies together.

mod condition;
mod evaluate;
mod pattern;
mod policy;
mod principal;

pub use condition::Context;
pub use evaluate::{Ask, allowed, allowed_for_service, trusted};
pub use pattern::matches as wildcard_matches;
pub use policy::{MalformedPolicy, Policy};
pub use principal::{Identity, Kind};

#[cfg(test)]
use evaluate::Denial;
#[cfg(test)]
mod tests;
