//! What awscost knows of AWS billing, as values: no Kubernetes, no table format, no AWS SDK.
//!
//! [`model`] is the vocabulary. On it stand [`report`] (what was delivered), [`aws`] (what is asked of AWS, in our words),
//! [`connection`] (can this account's bill be read?) and [`onboarding`] (what is created in AWS for that).

pub mod aws;
pub mod connection;
pub mod model;
pub mod onboarding;
pub mod report;
