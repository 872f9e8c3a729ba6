//! What tests know of connections, of this crate and of those above it: an AWS of canned answers, and a connection that works.

#[doc(hidden)]
pub mod fake;
#[doc(hidden)]
pub mod sample;
