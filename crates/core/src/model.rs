//! The value types every layer shares: parsed once at the border, right by construction from then on.

mod account;
mod alert;
mod amount;
mod arn;
mod bucket;
mod checked_text;
pub mod clock;
mod condition;
mod connection;
mod delta_location;
pub mod form;
pub mod guide;
pub mod layers;
mod outcome;
mod period;
pub mod place;
pub mod policy;
mod region;
mod report;
mod report_location;
mod secret;
mod severity;
mod warehouse_address;

pub use account::{ACCOUNT_ID, AccountId, AccountType, InvalidAccountId};
pub use alert::Alert;
pub use amount::{Amount, InvalidAmount, ParsedAmount};
pub use arn::{InvalidRoleArn, Partition, RoleArn, taken_literally};
pub use bucket::{BUCKET_NAME, BucketName, InvalidBucketName, InvalidKeyPrefix, KEY_PREFIX, KeyPrefix};
pub use condition::{ConditionStatus, ConditionType, Reason};
pub use connection::{ConnectionKey, InvalidConnectionKey};
pub use delta_location::{DeltaLocation, InvalidDeltaLocation};
pub use guide::Guide;
pub use layers::Severity;
pub use outcome::{
    CurrencyTotals, ExitCode, Outcome, PeriodReport, RowsWithout, TaskOutcome, TaskReport, VersionIdentity,
};
pub use period::{BillingPeriod, InvalidBillingPeriod};
pub use region::{InvalidRegion, REGION, Region};
pub use report::{DeliveryService, InvalidReportName, REPORT_NAME, ReportKind, ReportName};
pub use report_location::ReportLocation;
pub use secret::{AccessKeys, ExternalId, InvalidAccessKeys, InvalidExternalId};
pub use warehouse_address::{
    BucketAddress, CommandOption, DeltaAddress, InvalidWarehouseAddress, StoreEndpoint, WarehouseAccess,
    WarehouseAddress,
};
