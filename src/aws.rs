//! AWS in our own words: narrow traits ([`traits`]), the SDK behind them, and its errors as values ([`fault`]).
//!
//! Nothing outside this module names an SDK type. Sessions are arguments, never ambient: a call on a
//! customer's account can't fall back to the operator's own identity by accident.

mod calls;
mod client_config;
mod cloudwatch;
mod cur;
mod data_exports;
pub mod fault;
mod iam;
mod organizations;
mod own_credentials;
pub mod rate;
mod s3;
mod s3_source;
mod session;
mod session_directory;
pub mod session_policy;
mod sts;
pub mod traits;

pub use calls::{CallObserver, EndedCall};
pub use client_config::{AwsSettings, Sdk};
pub use fault::{AwsFault, Code, Detail, FaultClass, Operation};
pub use own_credentials::{NoCredentials, OwnCredentials};
pub use s3_source::{BucketAccess, S3Source};
pub use session::{InvalidSessionFile, Session};
pub use session_directory::{SessionDirectory, SessionUnavailable};
pub use traits::Aws;

/// The log targets that must never go below `info`, whatever filter a user asks for.
///
/// At `debug` and `trace` the SDK and the HTTP stack below it print requests whole: AssumeRole's body carries the
/// external ID, and response bodies carry session keys. The logging filter appends `TARGET=info` for each of
/// these after the user's own directives, so that the user's can't win.
pub const NOISY_TARGETS: &[&str] = &[
    "aws_config",
    "aws_credential_types",
    "aws_runtime",
    "aws_sdk_bcmdataexports",
    "aws_sdk_cloudwatch",
    "aws_sdk_costandusagereport",
    "aws_sdk_iam",
    "aws_sdk_organizations",
    "aws_sdk_s3",
    "aws_sdk_sso",
    "aws_sdk_ssooidc",
    "aws_sdk_sts",
    "aws_sigv4",
    "aws_smithy_http",
    "aws_smithy_http_client",
    "aws_smithy_runtime",
    "aws_smithy_runtime_api",
    "h2",
    "hyper",
    "hyper_util",
    "rustls",
];

#[cfg(test)]
pub(crate) mod tests;
