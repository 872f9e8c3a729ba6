//! What went wrong in a call to AWS, as a value: which call, which code of a closed list, what class.
//!
//! AWS's own text and its request ids go to the debug log (`sdk.rs` beside this file) and nowhere else: they
//! change from call to call, and some of AWS's messages repeat the request's parameters.

mod code;

use std::fmt;

pub use code::Code;

use crate::model::Region;

macro_rules! operations {
    ($($name:ident = $permission:literal,)*) => {
        /// The calls this program makes, named as IAM names their permission.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(
                #[doc = concat!("`", $permission, "`")]
                $name,
            )*
        }

        impl Operation {
            /// Every variant, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The permission's name, for messages and metric labels.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $permission,)* }
            }
        }
    };
}

operations! {
    GetCallerIdentity = "sts:GetCallerIdentity",
    AssumeRole = "sts:AssumeRole",
    GetFederationToken = "sts:GetFederationToken",
    DescribeOrganization = "organizations:DescribeOrganization",
    ListAccounts = "organizations:ListAccounts",
    DescribeReportDefinitions = "cur:DescribeReportDefinitions",
    ListExports = "bcm-data-exports:ListExports",
    GetExport = "bcm-data-exports:GetExport",
    ListExecutions = "bcm-data-exports:ListExecutions",
    ListBucket = "s3:ListBucket",
    GetObject = "s3:GetObject",
    GetBucketOwnershipControls = "s3:GetBucketOwnershipControls",
    SimulatePrincipalPolicy = "iam:SimulatePrincipalPolicy",
    ListMetrics = "cloudwatch:ListMetrics",
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of answer a fault is, and so what may be concluded from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultClass {
    /// AWS looked at the request and refused it.
    Denied,
    /// What was asked for is not there.
    NotFound,
    /// The credentials that signed the request are absent, expired or unknown.
    Credentials,
    /// The request can't be right as it is: wrong region, key state, archived object, parameters.
    Invalid,
    /// AWS asks to slow down.
    Throttled,
    /// No answer came: no connection, DNS failure or timeout.
    Unreachable,
    /// AWS failed on its side, or the object changed under the read.
    Transient,
    /// This machine's clock differs from AWS's by more than AWS accepts.
    ClockSkew,
    /// An answer this version doesn't know.
    Unexpected,
}

impl FaultClass {
    /// True if the fault is an answer to the question asked; false if another look may well differ.
    pub const fn is_conclusive(self) -> bool {
        matches!(self, Self::Denied | Self::NotFound | Self::Credentials | Self::Invalid)
    }
}

/// Which kind of policy refuses, where AWS's text says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detail {
    /// AWS's text names no policy.
    None,
    /// An identity-based policy of the caller refuses, or none allows.
    IdentityPolicy,
    /// The caller's permissions boundary refuses, or does not allow.
    PermissionsBoundary,
    /// The policy that the caller's session was made with refuses, or does not allow.
    SessionPolicy,
    /// A service or resource control policy of an organization refuses.
    OrganizationPolicy,
    /// A VPC endpoint policy between the caller and AWS refuses.
    EndpointPolicy,
}

impl Detail {
    /// The name of that kind of policy.
    pub const fn policy(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::IdentityPolicy => Some("identity-based policy"),
            Self::PermissionsBoundary => Some("permissions boundary"),
            Self::SessionPolicy => Some("session policy"),
            Self::OrganizationPolicy => Some("organization policy"),
            Self::EndpointPolicy => Some("VPC endpoint policy"),
        }
    }
}

/// A permission that a call can need beside its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IamPermission {
    /// To assume a role with session tags.
    TagSession,
    /// To read an encrypted object.
    KmsDecrypt,
}

impl IamPermission {
    /// Its name in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TagSession => "sts:TagSession",
            Self::KmsDecrypt => "kms:Decrypt",
        }
    }
}

/// One failed AWS call, classified. It holds none of AWS's text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AwsFault {
    /// The call that failed.
    pub operation: Operation,
    /// AWS's code, or our own for what never reached AWS.
    pub code: Code,
    /// What kind of answer it is.
    pub class: FaultClass,
    /// Which policy refused, as far as AWS gave it away.
    pub detail: Detail,
    /// The permission that was refused, where AWS spoke of another than the call's own.
    pub lacks: Option<IamPermission>,
    /// The region in which the bucket really is, where S3 said so.
    pub region: Option<Region>,
}

impl AwsFault {
    /// A fault with the class its code has by the table of codes.
    pub fn new(operation: Operation, code: Code) -> Self {
        Self { operation, code, class: code.class(), detail: Detail::None, lacks: None, region: None }
    }

    /// The permission that was refused.
    pub fn permission(&self) -> &'static str {
        self.lacks.map_or(self.operation.as_str(), IamPermission::as_str)
    }

    /// The same fault where it answers nothing about the question asked, whatever its class says by itself.
    #[must_use]
    pub fn inconclusive(self) -> Self {
        if self.class.is_conclusive() { Self { class: FaultClass::Unexpected, ..self } } else { self }
    }
}

impl fmt::Display for AwsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.operation, self.code)?;
        if let Some(permission) = self.lacks {
            write!(f, " ({})", permission.as_str())?;
        }
        if let Some(policy) = self.detail.policy() {
            write!(f, " ({policy})")?;
        }
        match &self.region {
            Some(region) => write!(f, " (the bucket is in {region})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for AwsFault {}
