//! AWS in our own words: narrow traits ([`traits`]), the SDK behind them, and its errors as values ([`fault`]).
//!
//! Nothing outside this module names an SDK type. Sessions are arguments, never ambient: a call on a
//! customer's account can't fall back to the operator's own identity by accident.

mod calls;
mod client_config;
mod cloudwatch;
mod cur;
mod data_exports;
pub mod endpoints;
pub mod fault;
mod iam;
mod left_out;
mod organizations;
mod own_credentials;
pub mod profile;
pub mod rate;
mod s3;
mod s3_source;
mod session;
mod session_directory;
pub mod session_policy;
mod sts;
pub mod traits;
mod transport;

pub use calls::{CallObserver, EndedCall};
pub use client_config::{AwsSettings, Sdk};
pub use fault::{AwsFault, Code, Detail, FaultClass, Operation, Permission};
pub use own_credentials::{NoCredentials, OwnCredentials};
pub use s3_source::{BucketAccess, S3Source};
pub use session::{InvalidSessionFile, Session};
pub use session_directory::{SessionDirectory, SessionUnavailable};
pub use sts::StsReach;
pub use traits::Aws;

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
pub(crate) mod tests;
