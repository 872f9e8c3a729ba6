//! What the owner of an account creates in AWS so that it can be connected: least privilege for what a manifest asks for.
//! And what an operator and a warehouse are in AWS themselves: a [`workload::WorkloadIdentity`].
//!
//! Everything here is a value made from [`WantedAccount`] or from a workload: policies, templates, commands, a link. Nothing asks AWS, and
//! no external ID passes through but into the trust policy that a person asks for; templates take it as a parameter.

pub mod cloudformation;
pub mod delivery;
pub mod link;
pub mod permissions;
pub mod script;
pub mod terraform;
pub mod trust;
pub mod values;
mod wanted;
pub mod workload;

pub use wanted::{ArnFault, BillReader, KmsKeyArn, OnboardingFault, PrincipalArn, WantedAccount};

#[cfg(test)]
mod sample;
