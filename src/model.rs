//! The value types every layer shares: parsed once at the border, right by construction from then on.

mod account;
mod alert;
mod amount;
mod arn;
mod bucket;
mod condition;
mod connection;
pub mod guide;
mod outcome;
mod period;
mod region;
mod report;
mod secret;

pub use account::{AccountId, AccountType, InvalidAccountId};
pub use alert::{Alert, OPERATOR_IDENTITY};
pub use amount::{Amount, InvalidAmount, ParsedAmount};
pub use arn::{InvalidRoleArn, Partition, RoleArn, taken_literally};
pub use bucket::{BucketName, InvalidBucketName, InvalidKeyPrefix, KeyPrefix};
pub use condition::{ConditionStatus, ConditionType, Reason};
pub use connection::{ConnectionKey, InvalidConnectionKey};
pub use guide::Guide;
pub use outcome::{
    CurrencyTotals, ExitCode, Outcome, PeriodReport, TaskOutcome, TaskReport, VersionIdentity,
};
pub use period::{BillingPeriod, InvalidBillingPeriod};
pub use region::{InvalidRegion, Region};
pub use report::{InvalidReportName, ReportKind, ReportName};
pub use secret::{AccessKeys, ExternalId, InvalidAccessKeys, InvalidExternalId};
