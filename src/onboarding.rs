//! What the owner of an account creates in AWS so that it can be connected: least privilege for what a manifest asks for.
//!
//! Everything here is a value made from [`Wanted`]: policies, templates, a link. Nothing asks AWS, and no external ID
//! passes through but into the trust policy that a person asks for; templates take it as a parameter.

pub mod cloudformation;
pub mod delivery;
pub mod link;
pub mod permissions;
pub mod policy;
pub mod terraform;
pub mod text;
pub mod trust;
mod wanted;

pub use wanted::{ArnFault, Impossible, KmsKeyArn, PrincipalArn, Reader, Wanted, WantedReport};

#[cfg(test)]
mod sample;
