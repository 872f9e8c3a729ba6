//! What the operator tells of itself: metrics and health over HTTP. Log lines are set up by the command line.

pub mod http;
pub mod metrics;
