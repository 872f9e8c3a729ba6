//! Whose is a Job, a Secret, a warehouse's probe; what holds a slot; and what is said when the API server refuses: an
//! operator as the chart bounds it, on a real API server.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG` (`tests/cluster/up --api-only --with-controllers` gives one) and helm. Fails without it;
//! `cargo test` alone leaves it out.

// What is built here is a test's stage: when it can't be set, the test has failed, and says so.
#![allow(clippy::panic)]

mod forged;
mod refused;
mod stage;
mod unstarted;
