//! The traits of `awscost_core::aws` over the AWS SDK, and the SDK's errors as values.
//!
//! Nothing outside this crate names an SDK type.

mod calls;
mod client_config;
mod cloudwatch;
mod cur;
mod data_exports;
pub mod endpoints;
mod iam;
mod left_out;
mod organizations;
mod own_credentials;
pub mod profile;
pub mod rate;
mod s3;
mod s3_source;
mod sdk_fault;
mod session_directory;
mod sts;
mod transport;

pub use awscost_core::aws::{
    Aws, AwsFault, Code, Detail, FaultClass, IamPermission, InvalidSessionFile, Operation, Session, fault,
    session_policy, traits,
};
pub use calls::{CallObserver, EndedCall};
pub use client_config::{AwsSettings, Sdk};
pub use own_credentials::{NoCredentials, OwnCredentials};
pub use s3_source::{BucketAccess, S3Source};
pub use session_directory::{SessionDirectory, SessionUnavailable};
pub use sts::StsReach;

use awscost_core::{model, report};
use awscost_network as network;
use tracing::Level;

/// The log targets that are shown no lower than this, whatever filter a user asks for.
///
/// At `debug` and `trace` the SDK and the HTTP stack below it print requests whole: AssumeRole's body carries the
/// external ID, and response bodies carry session keys. Of a profile's roles the external IDs are printed at `info`.
pub const NOISY_TARGETS: &[(&str, Level)] = &[
    ("aws_config", Level::WARN),
    ("aws_credential_types", Level::INFO),
    ("aws_runtime", Level::INFO),
    ("aws_sdk_bcmdataexports", Level::INFO),
    ("aws_sdk_cloudwatch", Level::INFO),
    ("aws_sdk_costandusagereport", Level::INFO),
    ("aws_sdk_iam", Level::INFO),
    ("aws_sdk_organizations", Level::INFO),
    ("aws_sdk_s3", Level::INFO),
    ("aws_sdk_signin", Level::INFO),
    ("aws_sdk_sso", Level::INFO),
    ("aws_sdk_ssooidc", Level::INFO),
    ("aws_sdk_sts", Level::INFO),
    ("aws_sigv4", Level::INFO),
    ("aws_smithy_http", Level::INFO),
    ("aws_smithy_http_client", Level::INFO),
    ("aws_smithy_runtime", Level::INFO),
    ("aws_smithy_runtime_api", Level::INFO),
    ("h2", Level::INFO),
    ("hyper", Level::INFO),
    ("hyper_util", Level::INFO),
    ("rustls", Level::INFO),
];

/// The log targets that are not shown unless a user asks for them: their faults come back to us, and their warnings show the
/// SDK's insides. What it leaves out of its configuration is said in our words.
pub const QUIET_TARGETS: &[&str] =
    &["aws_config", "aws_credential_types", "aws_runtime", "aws_smithy_runtime"];

#[cfg(test)]
mod tests;
